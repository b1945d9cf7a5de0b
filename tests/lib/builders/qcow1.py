# SPDX-License-Identifier: MIT
# Images of qcow, version 1, byte by byte as QEMU's block/qcow.c lays them out; there is no other specification.
# All integers are big-endian. A header of 48 bytes, then usually the backing file's name, then the L1 table:
#
#   0 magic "QFI\xfb"   4 version 1   8 offset of the backing file's name, 0 for none   16 its length
#   20 time of the backing file's last change   24 size of the disk in bytes
#   32 log2 of the cluster size   33 log2 of the entries of an L2 table   34 padding   36 0 plain, 1 AES   40 offset of L1
#
# L1 entries are offsets of L2 tables; L2 entries are offsets of clusters, or, with bit 63, the length (cluster_bits bits
# below bit 63) and the offset (the bits below) of a raw deflate stream with a window of 4 KiB. 0 is "not there".

import struct
import zlib

from builders.two_level import TwoLevel, round_up

HEADER = struct.Struct(">4sIQIIQBBHIQ")
MAGIC = b"QFI\xfb"
COMPRESSED = 1 << 63


def header(size, cluster_bits=12, l2_bits=9, l1=HEADER.size, backing_at=0, backing_length=0, mtime=0, crypt=0, magic=MAGIC, version=1):
    return HEADER.pack(magic, version, backing_at, backing_length, mtime, size, cluster_bits, l2_bits, 0, crypt, l1)


def deflate(data):
    packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -12, 9)
    return packer.compress(data) + packer.flush()


def pattern(cluster, length):
    """Bytes that compress and differ from cluster to cluster."""
    return (f"cluster {cluster} ".encode() * (length // 8 + 1))[:length]


class Image(TwoLevel):
    """A growing file. `guest` is what the disk holds without its backing file: {offset: bytes}."""

    def __init__(self, size, cluster_bits=12, l2_bits=9, backing=b"", l1=None, **fields):
        super().__init__(8 << l2_bits)
        self.size = size
        self.cluster = 1 << cluster_bits
        self.l1 = round_up(HEADER.size + len(backing), 8) if l1 is None else l1
        entries = round_up(size, self.cluster << l2_bits) // (self.cluster << l2_bits)
        if backing:
            fields |= {"backing_at": HEADER.size, "backing_length": len(backing)}
        self.file = bytearray(header(size, cluster_bits, l2_bits, self.l1, **fields) + backing)
        self.cluster_bits = cluster_bits
        self.grow(self.l1 + entries * 8)
        self.guest = {}

    def remember(self, number, data):
        at = number * self.cluster
        self.guest[at] = data[:max(0, self.size // 512 * 512 - at)]

    def plain(self, number, data=None, at=None, shift=0):
        """Stores a guest cluster at `at`, or at the end, `shift` bytes behind where QEMU would; returns the offset."""
        data = pattern(number, self.cluster) if data is None else data
        self.table(number // (self.table_bytes // 8))
        at = round_up(len(self.file), self.cluster) + shift if at is None else at
        self.put(at, data)
        self.entry(number, at)
        self.remember(number, data)
        return at

    def packed(self, number, data=None):
        """Stores a guest cluster compressed, right at the end of the file; returns offset and length."""
        data = pattern(number, self.cluster) if data is None else data
        self.table(number // (self.table_bytes // 8))
        stream = deflate(data)
        if len(stream) >= self.cluster:
            raise ValueError(f"cluster {number} cannot be compressed")
        at = len(self.file)
        self.put(at, stream)
        self.entry(number, COMPRESSED | len(stream) << 63 - self.cluster_bits | at)
        self.remember(number, data)
        return at, len(stream)

    def bytes(self):
        return bytes(self.file)


def small(size=64 << 10, **fields):
    """Clusters of 512 bytes and L2 tables of 64 entries."""
    return Image(size, 9, 6, **fields)


def seeds():
    yield "empty", Image(1 << 20).bytes()
    one = Image(1 << 20)
    one.plain(3)
    yield "plain", one.bytes()
    runs = small()
    for number in (0, 1, 2, 63, 64, 65, 100, 127):
        runs.plain(number)
    yield "runs-across-tables", runs.bytes()
    packed = Image(1 << 20)
    for number in (0, 1, 7):
        packed.packed(number)
    packed.plain(2)
    yield "compressed", packed.bytes()
    yield "backing", Image(1 << 20, backing=b"base.img").bytes()
    secret = small(crypt=1)
    secret.plain(5)
    secret.packed(6)
    yield "encrypted", secret.bytes()
    odd = small(size=12345)
    odd.plain(24)
    yield "odd-size", odd.bytes()
    shared = small()
    shared.plain(1)
    shared.point(1, shared.table(0))
    yield "one-table-twice", shared.bytes()
    past = small()
    past.entry(0, 1 << 40)
    past.point(1, 1 << 30)
    yield "past-the-end", past.bytes()
    yield "cut", runs.bytes()[:900]
    large = Image(1 << 40, 16, 13)
    large.point(2, 0x10000)
    yield "large", large.bytes()
