# SPDX-License-Identifier: MIT
# Overlays that cover a base wholly, and overlays that leave something of it: one function each, and the list
# of them with the verdict. For test_unused.py. Imported only.

from sites import CLUSTER, MIB, create, make_raw, must, patch, qemu_io, write

CLUSTERS = MIB // CLUSTER


def fill(image, first=0, last=CLUSTERS, pattern=7):
    qemu_io(image, f"write -q -P {pattern} {first * CLUSTER} {(last - first) * CLUSTER}")
    return image


class Lay:
    """A site with base.qcow2 of either format; its name says nothing, the overlays on it state the format."""

    def __init__(self, site, form):
        self.site = site
        self.form = form
        self.make_base()

    def make_base(self, last=CLUSTERS):
        path = self.site.path("base.qcow2")
        if self.form == "raw":
            make_raw(path)
        else:
            fill(create(path, MIB), last=last, pattern=5)

    def over(self, name="over.qcow2", base="base.qcow2", size=MIB, **how):
        form = self.form if base == "base.qcow2" else "qcow2"
        return create(self.site.path(name), size, base, form, **how)


def cover_fully(lay):
    return [fill(lay.over())]


def cover_with_zeroes(lay):
    over = lay.over()
    qemu_io(over, f"write -q -z 0 {MIB}")
    return [over]


def cover_with_zeroes_unmapped(lay):
    over = fill(lay.over())
    qemu_io(over, f"write -q -z -u 0 {MIB}")
    return [over]


def cover_compressed(lay):
    over = lay.over()
    qemu_io(over, *[f"write -q -c -P 3 {number * CLUSTER} {CLUSTER}" for number in range(CLUSTERS)])
    return [over]


def cover_twice(lay):
    return [fill(lay.over()), fill(lay.over("second.qcow2"), pattern=9)]


def cover_shorter(lay):
    """The overlay ends before the base: what lies behind is seen by nobody."""
    return [fill(lay.over(size=MIB // 2), last=CLUSTERS // 2)]


def cover_longer(lay):
    return [fill(lay.over(size=2 * MIB))]


def cover_where_data_is(lay):
    """The base has data in its first half only, and just that is covered."""
    lay.make_base(last=CLUSTERS // 2)
    return [fill(lay.over(), last=CLUSTERS // 2)]


def cover_by_the_middle(lay):
    fill(lay.over("mid.qcow2"))
    return [lay.over("head.qcow2", "mid.qcow2"), write(lay.over("head2.qcow2", "mid.qcow2"), 3)]


def cover_by_two_together(lay):
    fill(lay.over("mid.qcow2"), last=CLUSTERS // 2)
    return [fill(lay.over("head.qcow2", "mid.qcow2"), CLUSTERS // 2)]


def cover_subclusters(lay):
    over = lay.over(options=["extended_l2=on"])
    qemu_io(over, *[f"write -q -P 4 {place} 32k" for place in range(0, MIB, 32 * 1024)])
    return [over]


def cover_then_snapshot(lay):
    over = fill(lay.over())
    must("qemu-img", "snapshot", "-c", "full", over)
    return [write(over, 3)]


def leave_one_cluster(lay):
    return [fill(lay.over(), last=CLUSTERS - 1)]


def leave_one_sector(lay):
    over = lay.over(options=["extended_l2=on", "cluster_size=64k"])
    qemu_io(over, *[f"write -q -P 4 {place} 2k" for place in range(0, MIB, 2048) if place != 600 * 1024])
    return [over]


def leave_to_another(lay):
    return [fill(lay.over()), lay.over("second.qcow2")]


def discard(over):
    must("qemu-io", "-d", "unmap", "-f", "qcow2", "-c", f"discard -q {4 * CLUSTER} {CLUSTER}", over)
    return [over]


def cover_then_discard(lay):
    return discard(fill(lay.over()))


def cover_then_discard_v2(lay):
    """Version 2 has no zero clusters: to keep the base hidden, QEMU leaves the data."""
    return discard(fill(lay.over(options=["compat=0.10"])))


def leave_by_hand(lay):
    """Takes the last cluster away again, as older versions of QEMU did on a discard."""
    over = fill(lay.over(options=["compat=0.10"]))
    with open(over, "rb") as file:
        file.seek(40)
        file.seek(int.from_bytes(file.read(8), "big"))
        table = int.from_bytes(file.read(8), "big") & 0x00FFFFFFFFFFFE00
    patch(over, table + 8 * (CLUSTERS - 1), bytes(8))
    return [over]


def leave_to_a_snapshot(lay):
    """The disk covers all, the snapshot taken before that covers nothing."""
    over = lay.over()
    must("qemu-img", "snapshot", "-c", "before", over)
    return [fill(over)]


def leave_to_a_longer_snapshot(lay):
    """The disk has shrunk; the snapshot has its old length and sees the base's second half."""
    over = fill(lay.over(), last=CLUSTERS // 2)
    must("qemu-img", "snapshot", "-c", "long", over)
    must("qemu-img", "resize", "-q", "--shrink", over, str(MIB // 2))
    return [over]


def leave_to_a_snapshot_below(lay):
    """The snapshot is in the middle image, whose disk covers all."""
    mid = lay.over("mid.qcow2")
    must("qemu-img", "snapshot", "-c", "before", mid)
    fill(mid)
    return [mid, lay.over("head.qcow2", "mid.qcow2")]


# What the overlay is, who makes it, and whether the base contributes nothing then.
COVERS = [
    ("wholly overwritten by its only overlay", cover_fully, True),
    ("covered by zeroes", cover_with_zeroes, True),
    ("covered by zeroes without clusters", cover_with_zeroes_unmapped, True),
    ("covered by compressed clusters", cover_compressed, True),
    ("covered by two overlays", cover_twice, True),
    ("covered by a shorter overlay", cover_shorter, True),
    ("covered by a longer overlay", cover_longer, True),
    ("covered where it has data", cover_where_data_is, True),
    ("covered by the image between", cover_by_the_middle, True),
    ("covered by two images together", cover_by_two_together, True),
    ("covered subcluster by subcluster", cover_subclusters, True),
    ("covered in the disk and in its snapshot", cover_then_snapshot, True),
    ("covered but for one cluster", leave_one_cluster, False),
    ("covered but for one subcluster", leave_one_sector, False),
    ("covered by one overlay and not by another", leave_to_another, False),
    ("covered, with a discard above it", cover_then_discard, True),
    ("covered, with a discard in a version 2 image above it", cover_then_discard_v2, True),
    ("covered once, with a cluster taken away again", leave_by_hand, False),
    ("needed by a snapshot", leave_to_a_snapshot, False),
    ("needed by a snapshot longer than the disk", leave_to_a_longer_snapshot, False),
    ("needed by a snapshot of the image between", leave_to_a_snapshot_below, False),
]
