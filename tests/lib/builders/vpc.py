# SPDX-License-Identifier: MIT
# VHD images, from Microsoft's "Virtual Hard Disk Image Format Specification" 1.0 and nothing else.

import struct
import uuid
from dataclasses import dataclass, field

SECTOR = 512
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
VERSION = 0x00010000
UNALLOCATED = 0xffffffff
NO_OFFSET = 0xffffffffffffffff
MAX_GEOMETRY = (65535, 16, 255)
EPOCH_OFFSET = 946684800  # 2000-01-01 in seconds since 1970


def checksum(data):
    return ~sum(data) & 0xffffffff


def round_up(value, unit=SECTOR):
    return -(-value // unit) * unit


def geometry(sectors):
    """Cylinders, heads, sectors per track: the appendix "CHS Calculation"."""
    sectors = min(sectors, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        per_track, heads = 255, 16
        return sectors // per_track // heads, heads, per_track
    per_track = 17
    tracks = sectors // per_track
    heads = max((tracks + 1023) // 1024, 4)
    if tracks >= heads * 1024 or heads > 16:
        per_track, heads = 31, 16
        tracks = sectors // per_track
    if tracks >= heads * 1024:
        per_track, heads = 63, 16
        tracks = sectors // per_track
    return tracks // heads, heads, per_track


def identity(number):
    """A unique id whose text is easy to recognise."""
    return uuid.UUID(int=0x00112233445566778899aabbccdd0000 + number)


@dataclass
class Footer:
    """"Hard Disk Footer Format"."""

    size: int
    type: int = FIXED
    creator: bytes = b"win "
    creator_version: int = 0x000a0000
    chs: tuple = None  # computed when not stated
    unique: uuid.UUID = identity(1)
    data_offset: int = NO_OFFSET
    version: int = VERSION
    checksum: int = None
    hidden: int = 0  # struct hd_ftr in vhd.h of xapi-project/blktap: after "saved", reserved in the specification

    def pack(self):
        cylinders, heads, per_track = self.chs or geometry(self.size // SECTOR)
        fields = [b"conectix", 2, self.version, self.data_offset, 0x2a000000, self.creator, self.creator_version, b"Wi2k",
                  self.size, self.size, cylinders, heads, per_track, self.type]
        layout = ">8sIIQI4sI4sQQHBBI"
        head = struct.pack(layout, *fields)
        tail = self.unique.bytes + bytes([0, self.hidden]) + bytes(426)
        total = checksum(head + tail) if self.checksum is None else self.checksum
        data = head + struct.pack(">I", total) + tail
        assert len(data) == SECTOR
        return data


@dataclass
class Parent:
    """What a differencing disk says of its parent. Each locator is (platform code, text)."""

    unique: uuid.UUID = identity(1)
    name: str = ""
    locators: list = field(default_factory=list)
    stamp: int = 0x2a000001


def locator_text(code, text):
    return text.encode("utf-8") if code == b"MacX" else text.encode("utf-16-le")


@dataclass
class Layout:
    """Where things are in a dynamic or differencing disk's file, and what is wrong with them."""

    block_size: int = 2 << 20
    entries: int = None       # of the BAT; as many as the size needs
    header_at: int = SECTOR
    bat_at: int = None        # after the header and the locators
    order: list = None        # block numbers in the order of the file; ascending
    gap: int = 0              # bytes before each block
    version: int = VERSION
    checksum: int = None
    magic: bytes = b"cxsparse"
    bat: dict = field(default_factory=dict)  # raw entries that replace right ones
    end_footer: bool = True


@dataclass
class Block:
    """The bytes of a block, and which of its sectors are here: None is all of them."""

    data: bytes
    sectors: set = None


def bitmap(block, block_size):
    """Bit 7 of byte 0 is the first sector."""
    count = block_size // SECTOR
    bits = bytearray(round_up(-(-count // 8)))
    for sector in range(count) if block.sectors is None else block.sectors:
        bits[sector // 8] |= 0x80 >> sector % 8
    return bytes(bits)


def dynamic_header(layout, entries, bat_at, parent, locators):
    fields = [layout.magic, NO_OFFSET, bat_at, layout.version, entries, layout.block_size]
    head = struct.pack(">8sQQIII", *fields)
    name = (parent.name if parent else "").encode("utf-16-be")
    assert len(name) <= 512
    tail = (parent.unique.bytes if parent else bytes(16)) + struct.pack(">II", parent.stamp if parent else 0, 0)
    tail += name.ljust(512, b"\0") + b"".join(locators).ljust(8 * 24, b"\0") + bytes(256)
    total = checksum(head + tail) if layout.checksum is None else layout.checksum
    return head + struct.pack(">I", total) + tail


def place_locators(parent, at):
    """The locator entries, and the bytes that they point at, which begin at `at`."""
    entries, data = [], b""
    for code, text in parent.locators if parent else []:
        raw = locator_text(code, text)
        entries.append(struct.pack(">4sIIIQ", code, round_up(len(raw)), len(raw), 0, at + len(data)))
        data += raw.ljust(round_up(len(raw)), b"\0")
    return entries, data


def fixed(content, footer=None, footer_bytes=SECTOR):
    footer = footer or Footer(len(content))
    return content + footer.pack()[:footer_bytes]


def sparse(blocks, footer, layout=None, parent=None):
    """A dynamic disk, or with a parent a differencing one. blocks: number -> Block."""
    layout = layout or Layout()
    entries = layout.entries if layout.entries is not None else -(-footer.size // layout.block_size)
    footer.type = footer.type if footer.type != FIXED else DIFFERENCING if parent else DYNAMIC
    footer.data_offset = footer.data_offset if footer.data_offset != NO_OFFSET else layout.header_at
    locators, locator_data = place_locators(parent, layout.header_at + 1024)
    bat_at = layout.bat_at if layout.bat_at is not None else layout.header_at + 1024 + len(locator_data)
    image = bytearray(bat_at + round_up(4 * entries))
    image[:SECTOR] = footer.pack()
    image[layout.header_at:layout.header_at + 1024] = dynamic_header(layout, entries, bat_at, parent, locators)
    image[layout.header_at + 1024:layout.header_at + 1024 + len(locator_data)] = locator_data
    bat = [UNALLOCATED] * entries
    for number in layout.order or sorted(blocks):
        block = blocks[number]
        image += bytes(layout.gap)
        bat[number] = len(image) // SECTOR
        image += bitmap(block, layout.block_size) + block.data.ljust(layout.block_size, b"\0")
    for number, entry in layout.bat.items():
        bat[number] = entry
    image[bat_at:bat_at + 4 * entries] = struct.pack(f">{entries}I", *bat)
    return bytes(image) + (footer.pack() if layout.end_footer else b"")


def pattern(length, salt):
    """Bytes that show where they are from: each sector differs."""
    return b"".join(struct.pack(">QQ", salt, sector) * 32 for sector in range(-(-length // SECTOR)))[:length]


def seeds():
    """Small images, one feature each."""
    small = Layout(block_size=8192)
    size = 10 * 8192
    half = set(range(0, 16, 2))
    yield "fixed", fixed(pattern(8192, 1))
    yield "fixed-511", fixed(pattern(4096, 1), footer_bytes=511)
    yield "fixed-short", pattern(2048, 1) + Footer(1 << 20).pack()
    yield "fixed-geometry", fixed(pattern(34816, 1), Footer(35000, creator=b"vpc ", chs=(1, 4, 17)))
    yield "dynamic-empty", sparse({}, Footer(size), small)
    yield "dynamic", sparse({1: Block(pattern(8192, 2)), 2: Block(pattern(8192, 3)), 9: Block(pattern(8192, 4), half)}, Footer(size), small)
    yield "dynamic-shuffled", sparse({n: Block(pattern(8192, n)) for n in range(4)}, Footer(size), Layout(block_size=8192, order=[3, 1, 0, 2]))
    yield "dynamic-tiny-blocks", sparse({}, Footer(20 * 512), Layout(block_size=512, bat={3: 4, 4: 5}))
    yield "dynamic-huge", sparse({}, Footer(2040 << 30), Layout(block_size=1 << 31, bat={0: 4, 7: 1 << 30}))
    yield "dynamic-past-end", sparse({0: Block(b"x")}, Footer(size), Layout(block_size=8192, bat={4: 0x7ffffff0}))
    parent = Parent(name="C:\\vm\\base.vhd", locators=[(b"W2ru", ".\\base.vhd"), (b"W2ku", "C:\\vm\\base.vhd")])
    yield "differencing", sparse({1: Block(pattern(8192, 2), half), 2: Block(pattern(8192, 3))}, Footer(size), small, parent)
    yield "differencing-overlap", sparse({0: Block(pattern(8192, 2), half)}, Footer(size), Layout(block_size=8192, bat={n: 8 for n in range(1, 10)}), parent)
    yield "differencing-mac", sparse({}, Footer(size), small, Parent(locators=[(b"MacX", "file://./base.vhd"), (b"W2ku", "\\\\host\\share\\\U0001f4be.vhd")]))
    yield "differencing-no-name", sparse({}, Footer(size), small, Parent())
    yield "differencing-past-end", sparse({}, Footer(size), Layout(block_size=8192, bat={1: 0x10000000}), Parent(name="base.vhd"))
    yield "differencing-large-blocks", sparse({}, Footer(1 << 31), Layout(block_size=1 << 26, bat={0: 3, 5: 4}), Parent(name="base.vhd"))
    yield "header-elsewhere", sparse({0: Block(b"x")}, Footer(size), Layout(block_size=8192, header_at=4096, gap=1024))
    yield "type-5", sparse({}, Footer(size, type=5), small)
    yield "version-2", fixed(bytes(512), Footer(512, version=0x20000))
