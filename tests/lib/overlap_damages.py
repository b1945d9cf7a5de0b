# SPDX-License-Identifier: MIT
# The tables of qcow2 images with clusters of 64 KiB, and ways to let them use the same host bytes twice: one function each,
# and the list of them. For test_overlap.py. Imported only.

import struct

from sites import CLUSTER, must, patch, qemu_io

OFFSET_MASK = 0x00FFFFFFFFFFFE00
COPIED = 1 << 63
COMPRESSED = 1 << 62
ZERO = 1


class Tables:
    """The header's offsets, and the L2 table of an image that has one."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            header = file.read(112)
        self.l1 = struct.unpack(">Q", header[40:48])[0]
        self.reftable = struct.unpack(">Q", header[48:56])[0]
        self.snapshots = struct.unpack(">Q", header[64:72])[0]
        self.l2 = self.read(self.l1) & OFFSET_MASK
        self.refblock = self.read(self.reftable)

    def read(self, place):
        return self.read_table(place, 1)[0]

    def read_table(self, place, entries):
        with open(self.path, "rb") as file:
            file.seek(place)
            return struct.unpack(f">{entries}Q", file.read(8 * entries))

    def entry(self, number):
        return self.read(self.l2 + number * 8)

    def l1_tables(self):
        """Offset and entries: of the active mapping, then of the snapshots."""
        with open(self.path, "rb") as file:
            data = file.read()
        entries, = struct.unpack(">I", data[36:40])
        yield self.l1, entries
        at = self.snapshots
        for _ in range(struct.unpack(">I", data[60:64])[0]):
            offset, entries, id_length, name_length = struct.unpack(">QIHH", data[at:at + 16])
            extra, = struct.unpack(">I", data[at + 36:at + 40])
            yield offset, entries
            at += -(-(40 + extra + id_length + name_length) // 8) * 8

    def clusters(self, l1, entries):
        """Host clusters of plain entries, and those that compressed ones reach into."""
        plain, packed = [], set()
        for l2 in filter(None, (entry & OFFSET_MASK for entry in self.read_table(l1, entries))):
            for entry in filter(None, self.read_table(l2, CLUSTER // 8)):
                if entry & COMPRESSED:
                    offset, sectors = entry & ((1 << 54) - 1), entry >> 54 & 255
                    packed |= set(range(offset // CLUSTER, (offset // 512 + sectors) * 512 // CLUSTER + 1))
                elif entry & OFFSET_MASK:
                    plain.append((entry & OFFSET_MASK) // CLUSTER)
        return plain, packed

    def overlap(self):
        """Plain clusters over plain ones in the active mapping, or over compressed ones in any two."""
        mappings = [self.clusters(*l1) for l1 in self.l1_tables()]
        active = mappings[0][0]
        packed = set().union(*(packed for _, packed in mappings))
        return len(set(active)) < len(active) or any(packed & set(plain) for plain, _ in mappings)

    def set(self, number, entry):
        patch(self.path, self.l2 + number * 8, struct.pack(">Q", entry))


def copy_entry(tables):
    tables.set(1, tables.entry(0))


def copy_compressed_over_plain(tables):
    """Compressed bytes inside of the plain cluster 0."""
    qemu_io(tables.path, "write -q -c 512k 64k")
    compressed = tables.entry(8)
    offset = tables.entry(0) & OFFSET_MASK
    tables.set(8, compressed & ~((1 << 54) - 1) | offset + 4096)


def zero_over_data(tables):
    tables.set(1, tables.entry(0) | ZERO)


def zero_over_zero(tables):
    qemu_io(tables.path, "write -q -z 64k 64k")
    tables.set(1, tables.entry(0) | ZERO)
    tables.set(0, tables.entry(0) | ZERO)


def over(field):
    def damage(tables):
        tables.set(0, getattr(tables, field) | COPIED)
    damage.__name__ = f"data_over_{field}"
    return damage


def data_over_bitmap(tables):
    """The directory of the bitmaps; extension 0x23852875 of the header: count, reserved, size and offset."""
    must("qemu-img", "bitmap", "--add", tables.path, "b")
    with open(tables.path, "rb") as file:
        head = file.read(CLUSTER)
    place = head.index(struct.pack(">II", 0x23852875, 24)) + 8
    tables.set(0, struct.unpack(">Q", head[place + 16:place + 24])[0] | COPIED)


def data_over_snapshot_table(tables):
    must("qemu-img", "snapshot", "-c", "s", tables.path)
    after = Tables(tables.path)
    after.set(0, after.snapshots)


def snapshot_over_table(tables):
    """Only the snapshot's cluster lies over something."""
    must("qemu-img", "snapshot", "-c", "s", tables.path)
    old = Tables(tables.path)
    qemu_io(tables.path, "write -q 0 64k")  # the active mapping gets an L2 table of its own
    old.set(0, old.refblock)


def tables_over_tables(tables):
    """The refcount table has a second block, which is the L2 table."""
    patch(tables.path, tables.reftable + 8, struct.pack(">Q", tables.l2))


DAMAGES = (copy_entry, copy_compressed_over_plain, zero_over_data, zero_over_zero, over("l1"), over("l2"), over("reftable"),
           over("refblock"), data_over_bitmap, data_over_snapshot_table, snapshot_over_table, tables_over_tables)
