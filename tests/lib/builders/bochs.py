# SPDX-License-Identifier: MIT
# Growing disks of Bochs ("redologs"), after the developer's guide of Bochs: header, catalog, extents of a bitmap and sectors.

import struct
from dataclasses import dataclass, field

SECTOR = 512
FREE = 0xffffffff
V1, V2 = 0x00010000, 0x00020000


def round_up(value, unit):
    return -(-value // unit) * unit


@dataclass
class Image:
    """sectors: {number: 512 bytes that were written}. allocated: extents in the file, in their order there; where not stated,
    those that have a sector, in the order of the disk."""

    size: int
    sectors: dict = field(default_factory=dict)
    extent: int = 4096
    version: int = V2
    entries: int = 512
    bitmap: int = None  # bytes; a bit for each sector of an extent where not stated
    allocated: list = None
    catalog: dict = field(default_factory=dict)  # {extent of the disk: entry}, said in spite of the above
    header_size: int = SECTOR
    kind: bytes = b"Growing"

    def order(self):
        return self.allocated if self.allocated is not None else sorted({s * SECTOR // self.extent for s in self.sectors})

    def bitmap_bytes(self):
        return self.bitmap if self.bitmap is not None else max(self.extent // SECTOR // 8, 1)

    def stride(self):
        return round_up(self.bitmap_bytes(), SECTOR) + self.extent

    def data(self):
        return self.header_size + 4 * self.entries

    def place_of(self, sector):
        """The offset in the file of a sector, written or not, of an extent that is there."""
        index, within = divmod(sector * SECTOR, self.extent)
        return self.data() + self.order().index(index) * self.stride() + self.stride() - self.extent + within

    def header(self):
        common = struct.pack("<32s16s16sIIIII", b"Bochs Virtual HD Image", b"Redolog", self.kind, self.version, self.header_size,
                             self.entries, self.bitmap_bytes(), self.extent)
        own = struct.pack("<Q", self.size) if self.version == V1 else struct.pack("<IQ", 0, self.size)
        return (common + own).ljust(SECTOR, b"\0")

    def body(self, index):
        """An extent in the file."""
        per_extent = self.extent // SECTOR
        bits = bytearray(self.stride() - self.extent)
        data = bytearray(self.extent)
        for n in range(per_extent):
            written = self.sectors.get(index * per_extent + n)
            if written is not None:
                bits[n // 8] |= 1 << n % 8
                data[n * SECTOR:(n + 1) * SECTOR] = written.ljust(SECTOR, b"\0")
        return bytes(bits + data)

    def bytes(self):
        places = {index: place for place, index in enumerate(self.order())} | self.catalog
        catalog = struct.pack(f"<{self.entries}I", *(places.get(index, FREE) for index in range(self.entries)))
        return self.header().ljust(self.header_size, b"\0") + catalog + b"".join(map(self.body, self.order()))

    def content(self):
        return {number * SECTOR: data.ljust(SECTOR, b"\0") for number, data in sorted(self.sectors.items())
                if (number + 1) * SECTOR <= self.size}


def seeds():
    some = {3: b"three", 4: b"four", 9: b"nine", 40: b"forty"}
    yield "empty", Image(64 * 1024).bytes()
    yield "no-size", Image(0).bytes()
    yield "version-1", Image(64 * 1024, some, version=V1).bytes()
    yield "version-2", Image(64 * 1024, some).bytes()
    yield "odd-size", Image(20 * 1024 + 511, some, entries=6).bytes()
    yield "out-of-order", Image(64 * 1024, some, allocated=[5, 1, 0, 9]).bytes()
    yield "sector-extents", Image(8 * 1024, some, extent=512, entries=64).bytes()
    yield "large-extents", Image(200 * 1024, {n: b"x" for n in range(0, 300, 3)}, extent=65536, entries=4).bytes()
    yield "wide-bitmap", Image(64 * 1024, some, bitmap=1025).bytes()
    yield "past-the-end", Image(64 * 1024, some, catalog={2: 77, 3: 0xfffffffe}).bytes()
    yield "overlapping", Image(64 * 1024, some, catalog={n: 0 for n in range(16)}).bytes()
    yield "cut", Image(64 * 1024, some).bytes()[:-5000]
    yield "catalog-too-small", Image(64 * 1024, entries=15).bytes()
    yield "bitmap-too-small", Image(64 << 20, extent=8 << 20, entries=8, bitmap=512).bytes()
    yield "undoable", Image(64 * 1024, kind=b"Undoable").bytes()
