#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What is leaked of a qcow2 image is what `qemu-img check` calls leaks, and what it takes altogether agrees with the
# counts and the end that `qemu-img check` prints: over cluster sizes, refcount widths, extended L2 entries, encryption,
# data files, snapshots with machine state, bitmaps and compressed clusters, whole and with references that were cut.

import json
import os
import struct
import sys

import harness
import sites
from sites import KIB, MIB, must

LUKS = ("encrypt.format=luks", "encrypt.key-secret=k", "encrypt.iter-time=10")
SECRET = ["--object", "secret,id=k,data=geheim"]
COMPRESSED_BIT = 1 << 62
OFFSET_MASK = 0x00FFFFFFFFFFFE00


def options_of(path, luks=False):
    """What qemu's tools need to open an image that may want a key."""
    if not luks:
        return ["-f", "qcow2", path]
    return [*SECRET, "--image-opts", f"driver=qcow2,file.filename={path},encrypt.key-secret=k"]


def create(path, size, *options, luks=False):
    extra = [part for option in (*options, *(LUKS if luks else ())) for part in ("-o", option)]
    for attempt in range(30):
        try:
            must("qemu-img", "create", "-q", *(SECRET if luks else []), "-f", "qcow2", *extra, path, str(size))
            return path
        except sites.ToolError as error:  # the tool measures how fast it is, and may fail to
            if attempt == 29 or "CPU usage" not in str(error):
                raise
    return path


def qemu_io(path, *commands, luks=False):
    must("qemu-io", *[part for command in commands for part in ("-c", command)], *options_of(path, luks))


def check(path, luks=False):
    """What qemu-img check prints; leaks make it exit with 3, refcounts that are behind with 2."""
    outcome = sites.run(["qemu-img", "check", "--output=json", *options_of(path, luks)])
    if outcome.code not in (0, 2, 3):
        raise sites.ToolError(f"qemu-img check {path}: {outcome.code}: {outcome.err}{outcome.out}")
    return json.loads(outcome.out)


# -- Cutting references -----------------------------------------------------------------------------------------------

class Tables:
    """The active L1 and L2 tables of an image, to be cut."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            header = file.read(112)
        self.cluster = 1 << struct.unpack(">I", header[20:24])[0]
        self.l1_entries, self.l1 = struct.unpack(">IQ", header[36:48])
        version = struct.unpack(">I", header[4:8])[0]
        incompatible = struct.unpack(">Q", header[72:80])[0] if version >= 3 else 0
        self.entry = 16 if incompatible & 16 else 8

    def read(self, place):
        with open(self.path, "rb") as file:
            file.seek(place)
            return struct.unpack(">Q", file.read(8))[0]

    def l2(self, guest):
        return self.read(self.l1 + guest // (self.cluster // self.entry * self.cluster) * 8) & OFFSET_MASK

    def place(self, guest):
        return self.l2(guest) + guest // self.cluster % (self.cluster // self.entry) * self.entry

    def cut(self, guest):
        """The guest's cluster is mapped no more; its host cluster stays counted."""
        sites.patch(self.path, self.place(guest), bytes(self.entry))

    def cut_table(self, guest):
        sites.patch(self.path, self.l1 + guest // (self.cluster // self.entry * self.cluster) * 8, bytes(8))


def bytes_of(site, path):
    """{use: bytes} of the image's main file."""
    return dict(site.query("SELECT use, bytes FROM v_space WHERE path = ? AND file = path", path))


def clusters_of(site, path, use):
    """The same in clusters, of which the file's last one may be cut short."""
    return -(-bytes_of(site, path).get(use, 0) // Tables(path).cluster)


def compare(case, site, path, name, luks=False, data_file=False):
    """One test: clusters leaked and in use, and the end of the image, are as qemu-img check says."""
    checked = check(path, luks)
    cluster = Tables(path).cluster
    uses = bytes_of(site, path)
    expected = {"leaked": checked.get("leaks", 0)}
    got = {"leaked": clusters_of(site, path, "leaked")}
    if not expected["leaked"]:  # leaked clusters behind all that is used are no tail, and QEMU's end is behind them
        expected["tail"] = max(0, os.path.getsize(path) - checked["image-end-offset"])
        got["tail"] = uses.get("tail", 0)
    # Subclusters that only a snapshot has lie in clusters that the active state has too.
    mixed = Tables(path).entry == 16 and "snapshot" in uses
    if not checked.get("compressed-clusters") and not data_file and not mixed:
        expected["mapped"] = checked.get("allocated-clusters", 0)
        got["mapped"] = -(-sum(uses.get(use, 0) for use in ("data", "zero", "unallocated")) // cluster)
    case.same(got, expected, name, [f"qemu-img check: {checked}", f"uses: {uses}"])


# -- Tests ------------------------------------------------------------------------------------------------------------

SHAPES = [  # name, size, options, encrypted
    *[(f"clusters of 2^{bits}", 8 * MIB, (f"cluster_size={1 << bits}",), False) for bits in range(9, 22)],
    *[(f"refcounts of {bits} bits", 8 * MIB, (f"refcount_bits={bits}",), False) for bits in (1, 2, 4, 8, 16, 32, 64)],
    *[(f"refcounts of {bits} bits, clusters of 512", 8 * MIB, (f"refcount_bits={bits}", "cluster_size=512"), False)
      for bits in (1, 64)],
    ("version 2", 8 * MIB, ("compat=0.10",), False),
    ("extended L2", 8 * MIB, ("extended_l2=on",), False),
    ("extended L2, clusters of 16 KiB", 8 * MIB, ("extended_l2=on", "cluster_size=16k"), False),
    ("LUKS", 8 * MIB, (), True),
    ("LUKS, clusters of 4 KiB", 8 * MIB, ("cluster_size=4k",), True),
    ("LUKS, extended L2", 8 * MIB, ("extended_l2=on", "cluster_size=16k"), True),
    ("metadata preallocated", 8 * MIB, ("preallocation=metadata",), False),
    ("a size that ends inside of a cluster", 8 * MIB - 5 * 512, ("cluster_size=256k",), False),
]


def leaks_of_all_shapes_are_those_of_qemu_img_check(case):
    """Writes, zeroes and discards; then two clusters that nothing names any more."""
    site = case.site()
    images = []
    for number, (name, size, options, luks) in enumerate(SHAPES):
        path = create(site.path(f"{number}.qcow2"), size, *options, luks=luks)
        qemu_io(path, "write -q 0 3M", "write -q 5M 64k", "write -q 6M 5k", f"write -q {size - 512} 512",
                *(["write -q -z 1M 512k"] if name != "version 2" else []), "discard -q 2M 512k", luks=luks)
        images.append((name, path, luks))
    case.same(site.scan().code, 0, "images of all shapes are scanned")
    for name, path, luks in images:
        compare(case, site, path, f"{name}: nothing leaks, as qemu-img check finds", luks)
    for name, path, luks in images:
        tables = Tables(path)
        tables.cut(0)
        tables.cut(2 * MIB + 512 * KIB)
    site.scan()
    for name, path, luks in images:
        checked = check(path, luks)
        case.check(checked.get("leaks") == 2, f"{name}: two clusters were cut off", [str(checked)])
        compare(case, site, path, f"{name}: and are leaked", luks)


def a_lost_l2_table_leaks_all_that_it_names(case):
    """A cut L1 entry loses an L2 table with all that it names."""
    site = case.site()
    for bits in (9, 12, 16):
        path = create(site.path(f"{bits}.qcow2"), 4 * MIB, f"cluster_size={1 << bits}")
        qemu_io(path, "write -q 0 1M")
        Tables(path).cut_table(0)
    site.scan()
    for bits in (9, 12, 16):
        path = site.path(f"{bits}.qcow2")
        compare(case, site, path, f"a lost L2 table leaks with its clusters, of 2^{bits} bytes")


def clusters_of_snapshots_are_theirs_until_these_are_deleted(case):
    site = case.site()
    path = create(site.path("s.qcow2"), 8 * MIB, "cluster_size=4k")
    qemu_io(path, "write -q 0 1M")
    must("qemu-img", "snapshot", "-c", "one", path)
    qemu_io(path, "write -q 0 256k", "write -q 2M 256k")
    must("qemu-img", "snapshot", "-c", "two", path)
    qemu_io(path, "write -q 2M 128k", "write -q 3M 128k")
    site.scan()
    compare(case, site, path, "snapshots: nothing leaks")
    uses = bytes_of(site, path)
    # 'one' alone has 256 KiB of the first write, 'two' alone 128 KiB of the third one
    case.same(uses["snapshot"], 384 * KIB, "snapshots: what only they have is theirs", [str(uses)])
    must("qemu-img", "snapshot", "-d", "one", path)
    site.scan()
    compare(case, site, path, "a deleted snapshot leaks nothing")
    case.same(bytes_of(site, path)["snapshot"], 128 * KIB, "and gives its clusters back")
    Tables(path).cut(3 * MIB)  # only the active state has it
    site.scan()
    compare(case, site, path, "beside a snapshot, a cut cluster leaks")


def the_machine_state_of_a_snapshot_is_no_leak(case):
    """savevm keeps the machine's state past the end of the disk, in the snapshot's own tables."""
    site = case.site()
    path = create(site.path("vm.qcow2"), 2 * MIB, "cluster_size=4k")
    qemu_io(path, "write -q 0 64k")
    must("qemu-img", "snapshot", "-c", "s", path)
    # qemu-io writes into the active state's room for it; then the snapshot is made again, with it
    outcome = sites.run(["qemu-io", "-f", "qcow2", "-c", f"write -q -b 0 {300 * KIB}", path])
    if outcome.code != 0 or "vmstate" in outcome.err:
        case.skip("machine states", "qemu-io cannot write one")
        return
    must("qemu-img", "snapshot", "-d", "s", path)
    must("qemu-img", "snapshot", "-c", "s", path)
    site.scan()
    uses = bytes_of(site, path)
    checked = check(path)
    case.same((uses.get("leaked", 0), checked.get("leaks", 0), uses.get("snapshot", 0)), (0, 0, 300 * KIB),
              "a machine state past the end of the disk is the snapshot's", [str(uses), str(checked)])


def clusters_of_bitmaps_are_theirs_until_these_are_lost(case):
    site = case.site()
    path = create(site.path("b.qcow2"), 8 * MIB, "cluster_size=4k")
    must("qemu-img", "bitmap", "--add", path, "first")
    must("qemu-img", "bitmap", "--add", "-g", "512", path, "second")
    qemu_io(path, "write -q 0 1M")
    site.scan()
    compare(case, site, path, "bitmaps: nothing leaks")
    # The directory, two tables, and of the second the one cluster of bits that is not all zero (8 MiB / 512 / 8 = 2 KiB);
    # the first has one bit for 64 KiB, a cluster too.
    case.same(clusters_of(site, path, "bitmap"), 5, "bitmaps: directory, tables and bits")
    sites.patch(path, 88, bytes(8))  # as a program leaves it that does not know bitmaps
    site.scan()
    compare(case, site, path, "bitmaps that are not valid any more leak")
    case.same(clusters_of(site, path, "leaked"), 5, "all that they take")


def a_cluster_leaks_once_no_compressed_one_is_left_in_it(case):
    """A host cluster holds several compressed ones, and is leaked only when none of them is left."""
    site = case.site()
    raw = sites.make_raw(site.outside("r.raw"), MIB)
    for kind in ("zlib", "zstd"):
        path = site.path(f"{kind}.qcow2")
        must("qemu-img", "convert", "-q", "-c", "-O", "qcow2", "-o", f"compression_type={kind}", raw, path)
    site.scan()
    paths = [site.path("zlib.qcow2"), site.path("zstd.qcow2")]
    for path in paths:
        compare(case, site, path, f"compressed: nothing leaks in {os.path.basename(path)}")
        Tables(path).cut(0)
    site.scan()
    for path in paths:  # to qemu-img check a refcount that is too high is a leak, to us a cluster that is free
        case.same((check(path).get("leaks"), clusters_of(site, path, "leaked")), (1, 0),
                  f"compressed: its neighbours keep the cluster in {os.path.basename(path)}")
        for place in range(16):
            Tables(path).cut(place * 64 * KIB)
    site.scan()
    for path in paths:
        case.check(check(path).get("leaks", 0) > 0, f"with all of them cut it leaks in {os.path.basename(path)}")
        compare(case, site, path, f"and is leaked in {os.path.basename(path)}")


def leaks_beside_a_data_file_are_those_of_qemu_img_check(case):
    site = case.site()
    for number, raw in enumerate(("off", "on")):
        path = create(site.path(f"{raw}.qcow2"), 8 * MIB, f"data_file={site.path(f'{number}.data')}",
                      f"data_file_raw={raw}")
        qemu_io(path, "write -q 0 1M", "write -q 4M 64k", "write -q -z 64k 64k")
    site.scan()
    for raw in ("off", "on"):
        path = site.path(f"{raw}.qcow2")
        compare(case, site, path, f"a data file, raw {raw}: nothing leaks", data_file=True)
        Tables(path).cut_table(0)
    site.scan()
    for raw in ("off", "on"):
        compare(case, site, site.path(f"{raw}.qcow2"), f"a data file, raw {raw}: only the lost table leaks",
                data_file=True)


def a_killed_writer_leaks_what_qemu_img_check_finds(case):
    """A writer that is killed leaves what it allocated and did not link."""
    site = case.site()
    paths = []
    for number in range(4):
        path = create(site.path(f"{number}.qcow2"), 8 * MIB, f"lazy_refcounts={'on' if number % 2 else 'off'}")
        commands = [f"write -q {place * 64}k 64k" for place in range(number * 8 + 8)]
        sites.run(["qemu-io", *[part for c in [*commands, "flush", "write -q 4M 2M", "abort"] for part in ("-c", c)],
                     *options_of(path)])
        paths.append(path)
    site.scan()
    for path in paths:
        checked = check(path)
        case.same(clusters_of(site, path, "leaked"), checked.get("leaks", 0),
                  f"{os.path.basename(path)}, whose writer was killed: leaks as qemu-img check finds", [str(checked)])


def leaks_of_random_images_are_those_of_qemu_img_check(case):
    random = case.random("space_leaks")
    site = case.site()
    paths = []
    for number in range(12):
        bits = random.choice((9, 10, 12, 14, 16, 18))
        options = [f"cluster_size={1 << bits}", f"refcount_bits={random.choice((8, 16, 32, 64))}"]
        if bits >= 14 and random.random() < 0.5:
            options.append("extended_l2=on")
        size = random.randrange(1, 12) * MIB + random.choice((0, 512, 5 * 512))
        path = create(site.path(f"{number}.qcow2"), size, *options)
        for turn in range(random.randrange(1, 6)):
            commands = []
            for _ in range(random.randrange(1, 12)):
                start = random.randrange(size // 512) * 512
                length = min(random.choice((512, 4096, 65536, 500 * KIB)), size - start)
                commands.append(f"{random.choice(('write -q', 'write -q', 'write -q -z', 'write -q -z -u', 'discard -q'))}"
                                f" {start} {length}")
            qemu_io(path, *commands)
            if random.random() < 0.3:
                must("qemu-img", "snapshot", "-c", f"s{turn}", path)
            elif random.random() < 0.2:
                must("qemu-img", "bitmap", "--add", path, f"b{turn}")
        paths.append(path)
    site.scan()
    for path in paths:
        compare(case, site, path, f"random image {os.path.basename(path)} (seed {case.options.seed})")


# -- What leaked may be the guest's -----------------------------------------------------------------------------------

def lost(site):
    """{name: (leaked bytes, certain to be given back, at most, suggestion)} of images with the finding, and of those without."""
    rows = {row["path"]: row for row in site.rows("--sparse")}
    marked = {site.path(name) for code, name in site.findings() if code == "empty-l2-table"}
    words = lambda row: (row["disk_leaked"], row["reclaimable_bytes"], row["reclaimable_at_most"], row["suggestion"])
    return ({site.relative(path): words(row) for path, row in rows.items() if path in marked},
            {site.relative(path): words(row) for path, row in rows.items() if path not in marked})


def what_an_empty_l2_table_may_have_named_is_not_freed(case):
    site = case.site()
    wipe = lambda path, guest=0: sites.patch(path, Tables(path).l2(guest), bytes(Tables(path).cluster))
    plain = create(site.path("plain"), 1024 * MIB)
    qemu_io(plain, "write -q -P 9 0 1M", "write -q -P 3 512M 1M")
    wipe(plain)
    extended = create(site.path("extended"), MIB, "extended_l2=on")
    qemu_io(extended, "write -q -P 9 0 256k")
    wipe(extended)
    compressed = create(site.path("compressed"), MIB)
    qemu_io(compressed, "write -q -c -P 9 0 64k")
    wipe(compressed)
    large = create(site.path("large clusters"), 4 * MIB, "cluster_size=2M")  # its table is read in four pieces
    qemu_io(large, "write -q -P 9 0 2M")
    wipe(large)
    snapshot = create(site.path("snapshot"), MIB)
    qemu_io(snapshot, "write -q -P 9 0 128k")
    must("qemu-img", "snapshot", "-c", "s", snapshot)
    table = Tables(snapshot).l2(0)
    qemu_io(snapshot, "write -q -P 8 0 128k")  # the active state has a table of its own by now
    sites.patch(snapshot, table, bytes(64 * KIB))
    whole = create(site.path("whole L1 table"), 1024 * MIB)
    qemu_io(whole, "write -q -P 9 512M 128k")
    Tables(whole).cut_table(512 * MIB)
    # Of the compressed cluster, the file has the few bytes that it holds: one block of the host.
    leaked = {"plain": MIB, "extended": 256 * KIB, "compressed": 4 * KIB, "large clusters": 2 * MIB, "snapshot": 128 * KIB,
              "whole L1 table": 192 * KIB}  # with the L2 table
    for turn in ("read", "taken over"):
        site.scan()
        marked, others = lost(site)
        case.same({name: row[0] for name, row in marked.items()}, leaked, f"{turn}: each has the finding, and what leaked")
        case.same({(row[1] >= row[0], row[2] >= row[0], row[3]) for row in marked.values()}, {(False, True, None)},
                  f"{turn}: none of that is certain to be given back, and nothing is suggested", [marked])
        case.same(others, {}, f"{turn}: all of them")
    case.same(site.value("SELECT count(*) FROM v_finding WHERE code = 'empty-l2-table' AND (hides OR severity <> 'warning')"), 0,
              "it is a warning, and hides no reference")
    report = check(plain)
    case.same(report["leaks"], 16, "qemu-img check would free the guest's clusters")


def other_leaks_and_other_empty_tables_are_what_they_were(case):
    site = case.site()
    emptied = create(site.path("emptied"), 1024 * MIB)
    qemu_io(emptied, "write -q -P 9 0 1M", "write -q -P 3 512M 1M", "discard -q 0 1M")
    beside = create(site.path("beside"), 1024 * MIB)
    qemu_io(beside, "write -q -P 9 0 1M", "write -q -P 3 512M 1M")
    Tables(beside).cut(64 * KIB)
    small = create(site.path("small clusters"), 2 * MIB, "cluster_size=512")  # 32 KiB a table; of the last one an entry is left
    qemu_io(small, "write -q -P 9 2047k 1k")
    Tables(small).cut(2047 * KIB)
    site.scan()
    marked, others = lost(site)
    case.same((marked, {name: row[0] for name, row in others.items()}), ({}, {"emptied": 0, "beside": 64 * KIB, "small clusters": 512}),
              "a table that was emptied by discards, and leaks beside full tables: no finding")
    case.same(others["beside"][3], f"qemu-img check -r leaks -f qcow2 '{beside}'", "such leaks may be given back as before")


if __name__ == "__main__":
    sys.exit(harness.run_tests(__doc__, [
        leaks_of_all_shapes_are_those_of_qemu_img_check,
        a_lost_l2_table_leaks_all_that_it_names,
        clusters_of_snapshots_are_theirs_until_these_are_deleted,
        the_machine_state_of_a_snapshot_is_no_leak,
        clusters_of_bitmaps_are_theirs_until_these_are_lost,
        a_cluster_leaks_once_no_compressed_one_is_left_in_it,
        leaks_beside_a_data_file_are_those_of_qemu_img_check,
        a_killed_writer_leaks_what_qemu_img_check_finds,
        leaks_of_random_images_are_those_of_qemu_img_check,
        what_an_empty_l2_table_may_have_named_is_not_freed,
        other_leaks_and_other_empty_tables_are_what_they_were,
    ]))
