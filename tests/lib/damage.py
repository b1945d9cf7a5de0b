# SPDX-License-Identifier: MIT
# Breaks qcow2 images on purpose: cut off, patched in the header or in a table.
# Each wound can be healed, so that one image serves for several.

import os
import struct
import subprocess

WOUNDS_EACH = 8
HEADER_FIELDS = {
    "magic": (0, 4), "version": (4, 4), "backing_offset": (8, 8), "backing_size": (16, 4), "cluster_bits": (20, 4), "size": (24, 8),
    "crypt_method": (32, 4), "l1_size": (36, 4), "l1_offset": (40, 8), "refcount_offset": (48, 8), "refcount_clusters": (56, 4),
    "nb_snapshots": (60, 4), "snapshots_offset": (64, 8), "incompatible": (72, 8), "compatible": (80, 8), "autoclear": (88, 8),
    "refcount_order": (96, 4), "header_length": (100, 4), "compression_type": (104, 1),
}
BACKING_NAMES = [b"missing.qcow2", b".", b"/", b"", b"x" * 1024, b"nosuch:image", b"json:{", b"\0"]
L1_MASK = 0x00FFFFFFFFFFFE00


class Wound:
    """One damaged layer of a chain. Use heal() before the next one."""

    def __init__(self, rng, chain, layer, kind):
        self.rng = rng
        self.chain = chain
        self.path = layer.path
        self.sound = layer.path + ".sound"
        self.kind = kind
        self.in_base = layer is not chain.top
        self.in_snapshots = kind == "snapshot table"
        self.label = f"{kind} of {'the image' if layer is chain.top else 'its base'}"
        copy(self.path, self.sound)

    def heal(self):
        os.replace(self.sound, self.path)

    def keep(self, number):
        """Leaves the broken file and says what it was called, for whoever looks into a failure."""
        copy(self.path, f"{self.path}.broken{number}")

    def claims_encryption(self):
        return any(read_int(layer.path, 32, 4) in (1, 2) for layer in self.chain.top.chain() if layer.format == "qcow2")

    def patch(self, place, data):
        with open(self.path, "r+b") as file:
            file.seek(place)
            file.write(data)

    def patch_int(self, place, width, value):
        self.patch(place, (value % (1 << 8 * width)).to_bytes(width, "big"))

    def read_int(self, place, width):
        return read_int(self.path, place, width)

    def size(self):
        return os.path.getsize(self.path)

    def cluster(self):
        return 1 << self.read_int(20, 4)


def copy(source, target):
    subprocess.run(["cp", "--reflink=never", "--sparse=auto", "--", source, target], check=True)


def read_int(path, place, width):
    with open(path, "rb") as file:
        file.seek(place)
        return int.from_bytes(file.read(width), "big")


def wish(rng):
    """A small image without keys, of any other sort."""
    chosen = {"name": "plain", "depth": rng.choice([0, 0, 1, 1, 2]), "cluster": rng.choice([512, 4096, 65536])}
    if rng.randrange(4) == 0:
        chosen["compat"] = "0.10"
    elif rng.randrange(3) == 0:
        chosen.update(extended_l2=True, cluster=rng.choice([16384, 65536]))
    elif rng.randrange(6) == 0 and chosen["depth"] == 0:
        chosen["data_file"] = "relative"
    if rng.randrange(5) == 0:
        chosen["ops"] = ["snapshot"]
    return chosen


def wounds(rng, chain):
    """Yields wounds, one at a time."""
    layers = [layer for layer in chain.top.chain() if layer.format == "qcow2"]
    for _ in range(WOUNDS_EACH):
        layer = layers[0] if rng.randrange(10) < 7 else rng.choice(layers)
        kind = rng.choice(list(KINDS))
        wound = Wound(rng, chain, layer, kind)
        detail = KINDS[kind](wound)
        if not detail:  # this image has no such table
            wound.kind = "header"
            detail = "no such table, instead " + break_header(wound)
        wound.label += f" ({detail})"
        yield wound


# -- Values -----------------------------------------------------------------------------------------------------------

def odd_value(rng, old, width):
    """A value near the old one, far from it, or on an edge."""
    top = 1 << (8 * width)
    choices = [0, 1, 2, 3, old + 1, old - 1, old ^ (1 << rng.randrange(8 * width)), old * 2, old // 2, top - 1, top // 2, top // 2 - 1,
               old + 512, rng.randrange(top), rng.randrange(1 << 20)]
    return rng.choice(choices) % top


def odd_entry(wound, old):
    """A table entry that points where it should not, or has bits that it should not have."""
    rng = wound.rng
    cluster = wound.cluster()
    end = -(-wound.size() // cluster) * cluster
    choices = [0, 1, old | 1, old ^ (1 << 63), old | (1 << 62), old ^ (1 << 62), old + 512, old + 1024, old + cluster, old | 2, old | (1 << 8),
               old | (1 << 56), old | (1 << 61), end, end + cluster, end | (1 << 63), (1 << 63) | 1, L1_MASK, (1 << 55) | (1 << 63),
               (1 << 62) | rng.randrange(1 << 62), old ^ (1 << rng.randrange(64)), rng.randrange(1 << 64), (1 << 64) - 1]
    return rng.choice(choices)


def tables(wound):
    """(place of an L1 entry, place of its L2 table), for tables that lie in the file."""
    start, count = wound.read_int(40, 8), wound.read_int(36, 4)
    found = []
    for index in range(min(count, 4096)):
        place = start + 8 * index
        table = wound.read_int(place, 8) & L1_MASK
        if table:
            found.append((place, table))
    return found


def has_extended_l2(wound):
    return wound.read_int(4, 4) >= 3 and wound.read_int(72, 8) & 16


def used_l2_entries(wound, table):
    """Places of entries that are not empty, or of all when all are empty."""
    width = 16 if has_extended_l2(wound) else 8
    with open(wound.path, "rb") as file:
        file.seek(table)
        data = file.read(wound.cluster())
    places = range(0, len(data) - width + 1, width)
    return [table + place for place in places if any(data[place:place + width])] or [table + place for place in places]


# -- Kinds of wounds. Each says in a word what it did, or None when it cannot. ----------------------------------------

def break_truncate(wound):
    rng = wound.rng
    size = wound.size()
    cluster = wound.cluster()
    new = rng.choice([0, rng.randrange(112), rng.randrange(size), rng.randrange(size // cluster + 1) * cluster, max(0, size - 1), size - size % 512 - 512])
    new = max(0, min(new, size))
    os.truncate(wound.path, new)
    return f"to {new} of {size}"


def break_longer(wound):
    """Not a wound to qemu, but the end of the file counts."""
    more = wound.rng.choice([1, 511, 512, 4096, 65536, 1 << 20])
    os.truncate(wound.path, wound.size() + more)
    return f"by {more}"


def break_header(wound):
    names = list(HEADER_FIELDS)[:13] if wound.read_int(4, 4) < 3 else list(HEADER_FIELDS)
    name = wound.rng.choice(names)
    place, width = HEADER_FIELDS[name]
    old = wound.read_int(place, width)
    new = odd_value(wound.rng, old, width)
    wound.patch_int(place, width, new)
    wound.in_snapshots = name in ("nb_snapshots", "snapshots_offset")
    return f"{name} {old:#x} to {new:#x}"


def break_flags(wound):
    if wound.read_int(4, 4) < 3:
        return None
    place = wound.rng.choice([72, 80, 88])
    old = wound.read_int(place, 8)
    bit = wound.rng.choice([0, 1, 2, 3, 4, 5, 63])
    wound.patch_int(place, 8, old ^ (1 << bit))
    return f"bit {bit} of the word at {place}"


def break_l1(wound):
    found = tables(wound)
    if not found:
        return None
    place, _ = wound.rng.choice(found)
    return patch_entry(wound, place)


def break_l2(wound):
    found = tables(wound)
    if not found:
        return None
    places = used_l2_entries(wound, wound.rng.choice(found)[1])
    return patch_entry(wound, wound.rng.choice(places)) if places else None


def patch_entry(wound, place):
    old = wound.read_int(place, 8)
    new = odd_entry(wound, old) % (1 << 64)
    wound.patch_int(place, 8, new)
    return f"{old:#x} to {new:#x} at {place}"


def break_zero_flag(wound):
    """The zero bit of an L2 entry is reserved in version 2."""
    found = tables(wound)
    if not found or wound.read_int(4, 4) >= 3:
        return None
    places = used_l2_entries(wound, wound.rng.choice(found)[1])
    place = wound.rng.choice(places)
    wound.patch_int(place, 8, wound.read_int(place, 8) | 1)
    return f"reserved zero flag at {place}"


def break_bitmap(wound):
    """Subclusters both allocated and zero, or allocated without a cluster."""
    found = tables(wound)
    if not found or not has_extended_l2(wound):
        return None
    place = wound.rng.choice(used_l2_entries(wound, wound.rng.choice(found)[1])) + 8
    old = wound.read_int(place, 8)
    rng = wound.rng
    new = rng.choice([old ^ (1 << rng.randrange(64)), old | old << 32, (1 << 64) - 1, (1 << 32) - 1, rng.randrange(1 << 64)]) % (1 << 64)
    wound.patch_int(place, 8, new)
    return f"{old:#x} to {new:#x} at {place}"


def break_compressed(wound):
    """A descriptor of a compressed cluster with any offset and length."""
    found = tables(wound)
    if not found:
        return None
    place = wound.rng.choice(used_l2_entries(wound, wound.rng.choice(found)[1]))
    limit = wound.rng.choice([wound.size(), 1 << 62])
    wound.patch_int(place, 8, (1 << 62) | wound.rng.randrange(limit))
    return f"at {place}"


def break_refcounts(wound):
    """qemu reads refcounts to guess whether metadata was preallocated."""
    table = wound.read_int(48, 8)
    block = wound.read_int(table, 8)
    if wound.rng.randrange(2) or not block:
        return patch_entry(wound, table + 8 * wound.rng.randrange(2))
    count = wound.rng.choice([8, 64, 512])
    wound.patch(block + wound.rng.randrange(max(1, wound.cluster() - count)), wound.rng.choice([b"\xff", b"\0", b"\1"]) * count)
    return "the first block"


def break_extension(wound):
    """Type or length of a header extension."""
    place = 72 if wound.read_int(4, 4) < 3 else wound.read_int(100, 4)
    if wound.read_int(place, 4) and wound.rng.randrange(2):
        place += 8 + -(-wound.read_int(place + 4, 4) // 8) * 8
    rng = wound.rng
    kind = rng.choice([0, 0xE2792ACA, 0x6803F857, 0x23852875, 0x0537BE77, 0x44415441, rng.randrange(1 << 32)])
    length = rng.choice([0, 1, 3, 8, 24, 100, 4096, 1 << 31, (1 << 32) - 1])
    old = wound.read_int(place, 4)
    if rng.randrange(2):
        wound.patch_int(place + 4, 4, length)
        return f"{old:#x} at {place} has length {length}"
    wound.patch(place, struct.pack(">II", kind, length))
    return f"{kind:#x} at {place} has length {length}"


def break_snapshots(wound):
    if not wound.read_int(60, 4):
        return None
    table = wound.read_int(64, 8)
    place, width = wound.rng.choice([(0, 8), (8, 4), (12, 2), (14, 2), (32, 4), (36, 4)])
    old = wound.read_int(table + place, width)
    new = odd_value(wound.rng, old, width)
    wound.patch_int(table + place, width, new)
    return f"{old:#x} to {new:#x} at {place}"


def break_backing(wound):
    """Another name for the base, in place of the old one: none that works. (References that do: references.py.)"""
    place, length = wound.read_int(8, 8), wound.read_int(16, 4)
    if not place:
        return None
    name = wound.rng.choice(BACKING_NAMES)
    wound.patch(place, name[:1023])
    wound.patch_int(16, 4, len(name))
    return f"{length} bytes become {name[:20]!r}"


def break_bytes(wound):
    """Noise over a few bytes of the first clusters, where the tables are."""
    rng = wound.rng
    place = rng.randrange(min(wound.size(), 8 * wound.cluster()))
    data = rng.randbytes(rng.choice([1, 2, 8, 64]))
    wound.patch(place, data)
    return f"{len(data)} at {place}"


KINDS = {
    "truncated": break_truncate, "extended": break_longer, "header": break_header, "flags": break_flags, "L1": break_l1, "L2": break_l2,
    "zero flag": break_zero_flag, "subclusters": break_bitmap, "compressed descriptor": break_compressed, "refcounts": break_refcounts,
    "extension": break_extension, "snapshot table": break_snapshots, "backing name": break_backing, "bytes": break_bytes,
}
REQUIRED_FEATURES = [f"wound={kind}" for kind in KINDS] + ["qemu-img exit 0", "qemu-img exit 1"]
