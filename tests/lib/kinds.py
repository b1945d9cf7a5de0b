# SPDX-License-Identifier: MIT
# The kinds of images that qemu-img can make, and how: empty ones that are then written to, or converted ones. Imported only.

import functools
import os
import tempfile
from dataclasses import dataclass

import guest
import qemu
import sparse
from guest import KIB, MIB

SECTOR = 512
GIB = 1024 * MIB
SECRET = "secret,id=s,data=imgaudit"
LUKS_TRIES = 30
LARGE = 4 * GIB + 300 * MIB  # three extents of 2 GiB


@dataclass(frozen=True)
class Kind:
    """One way to make an image."""

    label: str
    form: str            # as qemu-img calls the format
    options: tuple = ()  # -o of qemu-img
    made_by: str = "create"  # or "convert", "compress" (convert -c), "pack" (compressed writes, one cluster each)
    writable: bool = True
    stated: bool = False  # its content does not show its format: -f is needed
    sizes: tuple = ("small", "small", "odd")
    without_map: bool = False  # qemu-img's map says nothing of it
    longest: int = 0  # bytes of one write, where it matters


KINDS = [
    Kind("raw", "raw", sizes=("small", "odd", "large")),
    Kind("qcow2", "qcow2", sizes=("small", "odd", "large")),
    Kind("qcow2 v2", "qcow2", ("compat=0.10",)),
    Kind("qcow2 subclusters", "qcow2", ("extended_l2=on",)),
    Kind("qcow2 data file", "qcow2", ("data_file=@.data",)),
    Kind("qcow2 compressed", "qcow2", ("cluster_size=16k",), "compress"),
    Kind("qcow2 zstd", "qcow2", ("compression_type=zstd",), "compress"),
    # QEMU writes a table for each cluster of 512 bytes of an overlay. It cannot end a compressed conversion to it.
    Kind("qcow", "qcow", sizes=("small", "odd", "large"), longest=24 * KIB),
    Kind("qcow compressed", "qcow", (), "pack", sizes=("small",), longest=24 * KIB),
    Kind("qed", "qed", sizes=("small", "odd", "large")),
    Kind("qed small clusters", "qed", ("cluster_size=4k", "table_size=2")),
    Kind("vmdk sparse", "vmdk", ("subformat=monolithicSparse",), sizes=("small", "odd", "large")),
    Kind("vmdk zeroed grains", "vmdk", ("subformat=monolithicSparse", "zeroed_grain=on")),
    Kind("vmdk flat", "vmdk", ("subformat=monolithicFlat",)),
    Kind("vmdk split sparse", "vmdk", ("subformat=twoGbMaxExtentSparse",), sizes=("small", "large", "large")),
    Kind("vmdk split flat", "vmdk", ("subformat=twoGbMaxExtentFlat",), sizes=("small", "large", "large")),
    Kind("vmdk stream", "vmdk", ("subformat=streamOptimized",), "convert", writable=False),
    Kind("vdi", "vdi", sizes=("small", "odd", "large")),
    Kind("vdi static", "vdi", ("static=on",)),
    Kind("vpc", "vpc", sizes=("small", "odd", "large")),
    Kind("vpc exact size", "vpc", ("force_size=on",)),
    Kind("vpc fixed", "vpc", ("subformat=fixed",), stated=True),
    Kind("vpc fixed exact size", "vpc", ("subformat=fixed", "force_size=on"), stated=True),
    Kind("parallels", "parallels", sizes=("small", "odd", "large")),
    Kind("parallels small clusters", "parallels", ("cluster_size=64k",)),
    Kind("vhdx", "vhdx", sizes=("small", "large"), without_map=True),
    Kind("vhdx fixed", "vhdx", ("subformat=fixed",), sizes=("small",), without_map=True),
]
LUKS = Kind("luks", "luks", ("key-secret=s", "iter-time=10"))
BY_LABEL = {kind.label: kind for kind in [*KINDS, LUKS]}

# Formats whose overlays name bases of any format. The two old ones cannot say of what format the base is: a base whose
# content does not show it either is raw for them.
OVERLAYS = ["qcow2", "qed", "qcow"]
WITHOUT_BACKING_FORMAT = ("qed", "qcow")
VMDK_OVERLAYS = ["vmdk sparse", "vmdk split sparse"]


def can_be_base(overlay, base):
    """Whether qemu-img makes such an overlay."""
    if overlay.form == "vmdk":
        return base.form == "vmdk"
    return overlay.form != "qcow" or base.form != "raw"


def choose_size(rng, labels):
    """Of the base of a chain. QEMU asks an overlay of format qcow every 32 KiB: such a disk must not be large."""
    slow = any(BY_LABEL[label].form == "qcow" for label in labels[1:])
    how = rng.choice([size for size in BY_LABEL[labels[0]].sizes if size != "large" or not slow])
    if how == "large":
        return LARGE
    return rng.randint(2, 24) * MIB if how == "small" else rng.randint(100, 40000) * SECTOR


# -- Writes -----------------------------------------------------------------------------------------------------------

def choose_range(rng, size, unit):
    """Mostly near the beginning, so that things meet; the ends and the 2 GiB borders of large disks, too."""
    places = [rng.randrange(min(size, 4 * MIB)), rng.randrange(min(size, 4 * MIB)), rng.randrange(size), size - rng.randint(1, 64 * KIB)]
    if size > 2 * GIB:
        places += [2 * GIB - rng.randint(1, 96 * KIB)] * 2
    start = max(rng.choice(places), 0) // unit * unit
    length = unit * rng.choice([1, 1, 2, 3, 7, 16])
    return start, max(min(length, size - start), 0) // SECTOR * SECTOR


def random_commands(rng, kind, size, most=10):
    """Commands of qemu-io."""
    commands = []
    for _ in range(rng.randint(3, most)):
        start, length = choose_range(rng, size, rng.choice([SECTOR, 4 * KIB, 64 * KIB, 64 * KIB, 256 * KIB]))
        length = min(length, kind.longest or length)
        what = rng.choice([f"write -P {rng.randint(1, 255)}"] * 4 + ["write -P 0", "write -z", "write -z -u", "discard"])
        commands += [f"{what} {start} {length}"] if length else []
    return commands


def write_some(rng, kind, path, size):
    """Single commands may fail, where a format has no such thing; the image stays valid. A disk may be a bit shorter
    than it should be."""
    arguments = [part for command in random_commands(rng, kind, size) for part in ("-c", command)]
    qemu.execute(["qemu-io", "-f", kind.form, *arguments, path])


def write_noise(rng, path, size):
    """A raw file with holes, zeroes, and pieces that compress well, a bit and not at all."""
    with open(path, "wb") as file:
        file.truncate(size)
        for _ in range(rng.randint(3, 12)):
            start, length = choose_range(rng, size, rng.choice([4 * KIB, 64 * KIB, 128 * KIB]))
            noise = rng.randbytes(length // 2 + 1)
            file.seek(start)
            file.write(rng.choice([noise + noise, noise + bytes(length), bytes([rng.randrange(256)]) * length])[:length])


def convert_noise(rng, kind, path, size):
    source = path + ".source"
    write_noise(rng, source, size)
    compress = ["-c"] if kind.made_by == "compress" else []
    qemu.must("qemu-img", "convert", "-f", "raw", "-O", kind.form, *compress, *option_words(kind, path), source, path)
    os.unlink(source)


def pack_clusters(rng, kind, path, size):
    """Compressed clusters of 4 KiB, some of which hardly compress, beside and between each other."""
    noise = path + ".noise"
    with open(noise, "wb") as file:
        file.write(rng.randbytes(3 * KIB) + bytes(KIB))
    places = rng.sample(range(64), 24) + rng.sample(range(size // (4 * KIB)), 4)
    guest.qemu_io(path, *[f"write -c {rng.choice([f'-s {noise}', f'-P {rng.randint(1, 255)}'])} {place * 4}k 4k" for place in places],
                    form=kind.form)
    os.unlink(noise)


# -- Images -----------------------------------------------------------------------------------------------------------

def option_words(kind, path):
    """@ stands for the image's own path, for what lies beside it."""
    return ["-o", ",".join(kind.options).replace("@", path)] if kind.options else []


def make(rng, kind, path, size):
    """An image without a base, filled at random."""
    if kind.made_by in ("create", "pack"):
        qemu.must("qemu-img", "create", "-q", "-f", kind.form, *option_words(kind, path), path, size)
    else:
        convert_noise(rng, kind, path, size)
    if kind.made_by == "pack":
        pack_clusters(rng, kind, path, size)
    if kind.writable:
        write_some(rng, kind, path, size)


def make_overlay(rng, kind, path, base_kind, base_name, size):
    """An overlay beside its base, whose name it has without a directory; size None: as long as the base."""
    qemu.must("qemu-img", "create", "-q", "-f", kind.form, *option_words(kind, path), "-F", base_kind.form, "-b", base_name,
                 os.path.basename(path), *([] if size is None else [size]), cwd=os.path.dirname(path))
    length = size or guest.disk_size(path, kind.form)
    if kind.writable and length:
        write_some(rng, kind, path, length)


def make_luks(path, size):
    """All of one size are copies of the first: QEMU counts for seconds how many iterations of the key take so long."""
    luks_contents(size).write(path)


@functools.cache
def luks_contents(size):
    with tempfile.TemporaryDirectory(prefix="imgaudit-luks-") as directory:
        path = os.path.join(directory, "luks")
        create_luks(path, size)
        return sparse.contents(path)


def create_luks(path, size):
    """Fails by chance: qemu measures its own CPU time and finds none."""
    command = ["qemu-img", "create", "-q", "-f", "luks", "--object", SECRET, *option_words(LUKS, path), path, str(size)]
    for _ in range(LUKS_TRIES):
        if qemu.execute(command).code == 0:
            return
    qemu.must(*command)
