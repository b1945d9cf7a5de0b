# SPDX-License-Identifier: MIT
# Images of QED, written from QEMU's docs/interop/qed_spec.rst. All integers are little-endian.

import struct

from builders.two_level import TwoLevel, round_up

HEADER = struct.Struct("<4sIIIQQQQQII")
MAGIC = b"QED\0"
BACKING_FILE, NEED_CHECK, NO_PROBE = 1, 2, 4
ZERO = 1


def header(size, cluster=4096, table=2, header_size=1, features=0, compat=0, autoclear=0, l1=None, backing_at=0, backing_length=0,
           magic=MAGIC):
    l1 = header_size * cluster if l1 is None else l1
    return HEADER.pack(magic, cluster, table, header_size, features, compat, autoclear, l1, size, backing_at, backing_length)


def pattern(number, length):
    return (f"cluster {number} ".encode() * (length // 8 + 1))[:length]


class Image(TwoLevel):
    """A growing file: header, L1 table, then whatever is stored. `guest` is what the disk holds: {offset: bytes}."""

    ORDER = "<"

    def __init__(self, size, cluster=4096, table=2, header_size=1, backing=b"", features=0, **fields):
        super().__init__(table * cluster)
        self.size = size
        self.cluster = cluster
        self.l1 = fields.setdefault("l1", header_size * cluster)
        if backing:
            features |= BACKING_FILE
            fields |= {"backing_at": HEADER.size, "backing_length": len(backing)}
        self.file = bytearray(header(size, cluster, table, header_size, features, **fields) + backing)
        self.grow(self.l1 + self.table_bytes)
        self.guest = {}

    def plain(self, number, data=None, at=None):
        """Stores a guest cluster at `at`, or at the end; returns the offset."""
        data = pattern(number, self.cluster) if data is None else data
        self.table(number // (self.table_bytes // 8))
        at = round_up(len(self.file), self.cluster) if at is None else at
        self.put(at, data)
        self.entry(number, at)
        self.guest[number * self.cluster] = data[:max(0, self.size - number * self.cluster)]
        return at

    def zero(self, number):
        self.entry(number, ZERO)
        self.guest[number * self.cluster] = bytes(min(self.cluster, max(0, self.size - number * self.cluster)))

    def bytes(self):
        return bytes(self.file)


def seeds():
    yield "empty", Image(1 << 20).bytes()
    kinds = Image(16 << 20)
    for number in (0, 1, 2, 7, 1023, 1024, 1025):
        kinds.plain(number)
    for number in (3, 4, 6, 2048):
        kinds.zero(number)
    yield "data-and-zeroes", kinds.bytes()
    yield "cut", kinds.bytes()[:0x7800]
    yield "backing", Image(1 << 20, backing=b"base.img").bytes()
    yield "backing-raw", Image(1 << 20, backing=b"base.img", features=NO_PROBE).bytes()
    checked = Image(1 << 20, features=NEED_CHECK, compat=1, autoclear=1 << 63)
    checked.plain(9)
    yield "needs-check", checked.bytes()
    wide = Image(5 << 20, table=4, header_size=3, l1=5 * 4096)
    wide.plain(1279)
    yield "wide", wide.bytes()
    shared = Image(8 << 20)
    shared.plain(1)
    shared.point(1, shared.table(0))
    yield "one-table-twice", shared.bytes()
    past = Image(8 << 20)
    first = past.plain(0)
    past.entry(1, first + 4096)
    past.entry(2, first + 8192)
    yield "past-the-end", past.bytes()
    self_named = Image(8 << 20)
    self_named.point(0, self_named.l1)
    yield "l1-is-l2", self_named.bytes()
    largest = Image(1 << 38, table=16)
    largest.point(8191, largest.l1)
    yield "largest", largest.bytes()
