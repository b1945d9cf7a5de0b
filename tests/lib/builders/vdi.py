# SPDX-License-Identifier: MIT
# VDI images, version 1.1, after VirtualBox's description of the format: a header of 512 bytes, the block map, the blocks.

import struct
import uuid
from dataclasses import dataclass, field

DYNAMIC, STATIC, UNDO, DIFFERENCING = 1, 2, 3, 4
FREE, ZERO = 0xffffffff, 0xfffffffe
BLOCK = 1 << 20
SECTOR = 512
NULL = uuid.UUID(int=0)
TEXT = b"<<< Oracle VM VirtualBox Disk Image >>>\n"


def name(number):
    """A UUID of which each field differs from the others, whichever way around it is read."""
    return uuid.UUID(f"{number:08x}-1122-3344-5566-778899aabbcc")


@dataclass
class Image:
    """blocks: {index: bytes of the block, or the entry of the map, FREE and ZERO among them}; what is missing is free."""

    size: int
    blocks: dict = field(default_factory=dict)
    kind: int = DYNAMIC
    own: uuid.UUID = name(1)
    modification: uuid.UUID = name(0x101)
    parent: uuid.UUID = NULL
    parent_modification: uuid.UUID = NULL
    order: list = None  # of the blocks in the file; by index where not stated
    extra: int = 0  # bytes before each block
    map_offset: int = SECTOR
    data_offset: int = None  # right after the map where not stated
    entries: int = None  # of the map; as many as the disk needs where not stated
    version: int = 0x00010001
    block_size: int = BLOCK
    sector_size: int = SECTOR

    def placed(self):
        return self.order if self.order is not None else sorted(i for i, block in self.blocks.items() if isinstance(block, bytes))

    def count(self):
        return self.entries if self.entries is not None else -(-self.size // BLOCK)

    def data(self):
        return self.data_offset if self.data_offset is not None else self.map_offset + -(-self.count() * 4 // SECTOR) * SECTOR

    def header(self):
        packed = struct.pack(
            "<64sIIIII256sIIIIIIIQIIII16s16s16s16sIIII40x", TEXT, 0xbeda107f, self.version, 400, self.kind, 0, b"made for a test",
            self.map_offset, self.data(), 0, 0, 0, self.sector_size, 0, self.size, self.block_size, self.extra, self.count(),
            len(self.placed()), self.own.bytes_le, self.modification.bytes_le, self.parent.bytes_le,
            self.parent_modification.bytes_le, 0, 0, 0, SECTOR)
        assert len(packed) == SECTOR
        return packed

    def map(self):
        places = {index: place for place, index in enumerate(self.placed())}
        entry = lambda index: places.get(index, self.blocks.get(index, FREE))
        return struct.pack(f"<{self.count()}I", *(entry(index) for index in range(self.count())))

    def place_of(self, index):
        """The offset of an allocated block in the file."""
        return self.data() + self.placed().index(index) * (BLOCK + self.extra) + self.extra

    def write(self, path):
        """Blocks that are shorter than a block leave holes, and the last of them too."""
        with open(path, "wb") as file:
            file.write(self.header())
            file.seek(self.map_offset)
            file.write(self.map())
            for index in self.placed():
                file.seek(self.place_of(index) - self.extra)
                file.write(b"\xee" * self.extra + self.blocks[index])
            file.truncate(max(self.data(), file.tell(), self.data() + len(self.placed()) * (BLOCK + self.extra)))

    def bytes(self):
        """Header and map alone: all blocks lie past the end."""
        return (self.header().ljust(self.map_offset, b"\0") + self.map()).ljust(self.data(), b"\0")


def content(*chain):
    """{offset: bytes} of what a guest reads; the image first, then its parents. What is missing is zero."""
    found = {}
    sectors = -(-chain[0].size // SECTOR) * SECTOR
    for image in reversed(chain):
        for index, block in image.blocks.items():
            found.pop(index * BLOCK, None)
            if isinstance(block, bytes):
                found[index * BLOCK] = block[:max(sectors - index * BLOCK, 0)]
    return {at: data for at, data in found.items() if data}


def child(parent, number, blocks=None, **fields):
    """A differencing image on another one."""
    return Image(parent.size, blocks or {}, kind=DIFFERENCING, own=name(number), modification=name(number + 0x100),
                 parent=parent.own, parent_modification=parent.modification, **fields)


def seeds():
    yield "empty", Image(0).bytes()
    yield "unallocated", Image(5 * BLOCK).bytes()
    yield "odd-size", Image(3 * BLOCK + 1000, {3: 0}).bytes()
    yield "truncated", Image(4 * BLOCK, {0: 1, 1: 2, 2: 0, 3: ZERO}).bytes()
    yield "discarded", Image(8 * BLOCK, {1: ZERO, 2: ZERO, 4: 7}).bytes()
    yield "static", Image(4 * BLOCK, {i: i for i in range(4)}, kind=STATIC).bytes() + b"x" * 9001
    yield "static-holes", Image(4 * BLOCK, {i: 3 - i for i in range(4)}, kind=STATIC).bytes() + b"x"
    yield "undo", Image(BLOCK, {0: 0}, kind=UNDO).bytes()
    yield "differencing", child(Image(4 * BLOCK), 2, {0: ZERO, 2: 0}).bytes()
    yield "extra-bytes", Image(4 * BLOCK, {0: 1, 1: 2}, extra=512).bytes()
    yield "spare-entries", Image(BLOCK, {0: 0}, entries=300).bytes()
    yield "virtualbox-layout", Image(2 * BLOCK, {1: 0}, map_offset=4096, data_offset=65536).bytes()
    header = bytearray(Image(0x1fffff80 * BLOCK, entries=0).header())
    struct.pack_into("<I", header, 384, 0x1fffff80)
    yield "largest", bytes(header)
    yield "other-version", Image(BLOCK, version=0x00020000).bytes()
