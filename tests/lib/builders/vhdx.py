# SPDX-License-Identifier: MIT
# VHDX images, written from [MS-VHDX] and nothing else. An image is a set of pieces at places of a sparse file;
# container() packs the pieces for the fuzz target, as fuzz_vhdx.c unpacks them.

import functools
import os
import struct
import uuid
from dataclasses import dataclass, field

KIB = 1 << 10
MIB = 1 << 20
LOG_SECTOR = 4096
FILE_ID, HEADER_1, HEADER_2, REGIONS_1, REGIONS_2 = (number * 64 * KIB for number in range(5))
LOG_AT, METADATA_AT, BAT_AT = MIB, 2 * MIB, 3 * MIB

# 2.5.1.1 and 2.5.1.2
NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED, RESERVED, UNMAPPED_095, FULL, PARTIAL = range(8)
BITMAP_PRESENT = 6

# 2.6.2.1
KEEPS_BLOCKS, HAS_PARENT = 1, 2

BAT_REGION = "2dc27766-f623-4200-9d64-115e9bfd4a08"
METADATA_REGION = "8b7ca206-4790-4b9a-b8fe-575f050f886e"
FILE_PARAMETERS = "caa16737-fa36-4d43-b3b6-33f0aa44e76b"
DISK_SIZE = "2fa54224-cd1b-4876-b211-5dbed83bf4b8"
DISK_ID = "beca12ab-b2e6-4523-93ef-c309e000c746"
LOGICAL_SECTOR = "8141bf1d-a96f-4709-ba47-f233a8faab5f"
PHYSICAL_SECTOR = "cda348c7-445d-4471-9cc9-e9885251c556"
PARENT_LOCATOR = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"
VHDX_LOCATOR = "b04aefb7-d19e-4a81-b789-25b8e9445913"
NO_GUID = "00000000-0000-0000-0000-000000000000"
LOG_GUID = "10900000-0000-4000-8000-000000000001"
DATA_GUID = "da7a0000-0000-4000-8000-000000000001"
UNKNOWN = "abcdef01-2345-4678-89ab-cdef01234567"


def guid(text):
    return uuid.UUID(text).bytes_le


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


@functools.lru_cache(maxsize=64)
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


assert crc32c(b"123456789") == 0xe3069283


def signed(data):
    """With the checksum that headers, region tables and log entries have at byte 4."""
    data = data[:4] + bytes(4) + data[8:]
    return data[:4] + struct.pack("<I", crc32c(data)) + data[8:]


def round_up(value, unit=MIB):
    return -(-value // unit) * unit


def header(sequence, data_guid=DATA_GUID, log_guid=NO_GUID, log_version=0, version=1, log_length=MIB, log_at=LOG_AT):
    """2.2.2"""
    fields = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, sequence, guid(UNKNOWN), guid(data_guid), guid(log_guid), log_version,
                         version, log_length, log_at)
    return signed(fields.ljust(4 * KIB, b"\0"))


def region_table(entries):
    """2.2.3; entries of (guid, offset, length, required)."""
    fields = struct.pack("<4sIII", b"regi", 0, len(entries), 0)
    for kind, offset, length, required in entries:
        fields += struct.pack("<16sQII", guid(kind), offset, length, required)
    return signed(fields.ljust(64 * KIB, b"\0"))


def metadata_table(items):
    """2.6.1; items of (guid, flags, bytes)."""
    table = struct.pack("<8sHH20x", b"metadata", 0, len(items))
    body = b""
    for kind, flags, data in items:
        table += struct.pack("<16sIIII", guid(kind), 64 * KIB + len(body) if data else 0, len(data), flags, 0)
        body += data
    return table, body


def locator(pairs, kind=VHDX_LOCATOR):
    """2.6.2.6; pairs of (key, value), texts or bytes."""
    texts = [text if isinstance(text, bytes) else text.encode("utf-16-le") for pair in pairs for text in pair]
    at = 20 + 12 * len(pairs)
    table, body = struct.pack("<16sHH", guid(kind), 0, len(pairs)), b""
    for key, value in zip(texts[::2], texts[1::2]):
        table += struct.pack("<IIHH", at + len(body), at + len(body) + len(key), len(key), len(value))
        body += key + value
    return table + body


def linkage(text=DATA_GUID):
    return ("parent_linkage", "{" + text + "}")


@dataclass
class LogEntry:
    """2.3.1; updates of (file offset, 4096 bytes) or (file offset, how many bytes become zero)."""

    sequence: int
    updates: list
    tail: int = None  # itself, when not stated
    log_guid: str = LOG_GUID
    flushed_size: int = 4 * MIB
    last_size: int = 4 * MIB
    extra: dict = field(default_factory=dict)  # what is patched into the entry before it is signed: {offset: bytes}
    good: bool = True

    def pack(self, at):
        data = [update for update in self.updates if isinstance(update[1], bytes)]
        sectors = -(-(64 + 32 * len(self.updates)) // LOG_SECTOR) + len(data)
        fields = struct.pack("<4sIIIQII16sQQ", b"loge", 0, sectors * LOG_SECTOR, at if self.tail is None else self.tail, self.sequence,
                             len(self.updates), 0, guid(self.log_guid), self.flushed_size, self.last_size)
        for offset, what in self.updates:
            if isinstance(what, bytes):
                fields += struct.pack("<4s4s8sQQ", b"desc", what[-4:], what[:8], offset, self.sequence)
            else:
                fields += struct.pack("<4sIQQQ", b"zero", 0, what, offset, self.sequence)
        fields = fields.ljust(round_up(len(fields), LOG_SECTOR), b"\0")
        for _, what in data:
            fields += struct.pack("<4sI", b"data", self.sequence >> 32) + what[8:-4] + struct.pack("<I", self.sequence & 0xffffffff)
        for offset, patch in self.extra.items():
            fields = fields[:offset] + patch + fields[offset + len(patch):]
        fields = signed(fields)
        return fields if self.good else fields[:-1] + bytes([fields[-1] ^ 1])


class Image:
    """Blocks are put, then the image is written, or packed. What a test wants to be odd it sets before."""

    def __init__(self, size, block_size=MIB, sector=512, flags=0, parent=None, data_guid=DATA_GUID, bat_at=BAT_AT, metadata_at=METADATA_AT):
        self.size, self.block_size, self.sector = size, block_size, sector
        self.bat_at, self.metadata_at = bat_at, metadata_at
        self.creator = "builder"
        self.flags = flags | (HAS_PARENT if parent else 0)
        self.parent = parent  # pairs of the locator
        self.chunk_ratio = (1 << 23) * sector // block_size
        self.blocks = -(-size // block_size)
        chunks = -(-self.blocks // self.chunk_ratio)
        self.bat_entries = chunks * (self.chunk_ratio + 1) if parent else self.blocks + (self.blocks - 1) // self.chunk_ratio
        self.bat_length = round_up(8 * self.bat_entries)
        self.end = max(bat_at + self.bat_length, metadata_at + MIB)
        self.bat = {}       # index: entry
        self.payload = {}   # file offset: bytes
        self.bitmaps = {}   # chunk: (file offset, bytearray)
        self.headers = [header(1, data_guid), header(2, data_guid)]
        self.regions = [(BAT_REGION, bat_at, self.bat_length, 1), (METADATA_REGION, metadata_at, MIB, 1)]
        self.tables = None  # both region tables, packed
        self.items = [
            (FILE_PARAMETERS, 4, struct.pack("<II", block_size, self.flags)),
            (DISK_SIZE, 6, struct.pack("<Q", size)),
            (DISK_ID, 6, guid(UNKNOWN)),
            (LOGICAL_SECTOR, 6, struct.pack("<I", sector)),
            (PHYSICAL_SECTOR, 6, struct.pack("<I", 4096)),
        ]
        if parent:
            self.items.append((PARENT_LOCATOR, 4, locator(parent)))
        self.log = {}       # offset in the log: bytes
        self.raw = {}       # over everything else

    def replace_item(self, kind, data, flags=6):
        self.items = [(kind, flags, data) if item[0] == kind else item for item in self.items]

    # -- Blocks -------------------------------------------------------------------------------------------------------

    def allocate(self, length):
        place = self.end
        self.end += round_up(length)
        return place

    def index(self, block):
        return block + block // self.chunk_ratio

    def set(self, block, state, place=0):
        self.bat[self.index(block)] = place | state

    def put(self, block, data, state=FULL, place=None):
        """A block whose first bytes are data; the rest of it is a hole. Returns its place."""
        place = self.allocate(self.block_size) if place is None else place
        self.payload[place] = data
        self.set(block, state, place)
        return place

    def bitmap(self, chunk):
        """Where the chunk's sector bitmap is, and its bytes."""
        if chunk not in self.bitmaps:
            place = self.allocate(MIB)
            self.bitmaps[chunk] = (place, bytearray(MIB))
            self.bat[chunk * (self.chunk_ratio + 1) + self.chunk_ratio] = place | BITMAP_PRESENT
        return self.bitmaps[chunk]

    def put_partial(self, block, data, ranges, place=None):
        """As put; only the sectors of the ranges of (first, count) are this image's."""
        place = self.put(block, data, PARTIAL, place)
        bits = self.bitmap(block // self.chunk_ratio)[1]
        base = block % self.chunk_ratio * (self.block_size // self.sector)
        for first, count in ranges:
            for sector in range(base + first, base + first + count):
                bits[sector // 8] |= 1 << sector % 8
        return place

    # -- The log ------------------------------------------------------------------------------------------------------

    def use_log(self, entries, at=0, log_guid=LOG_GUID, length=MIB):
        """Packs entries one after another from `at` of the ring on, and names the log in both headers."""
        self.headers = [header(number, log_guid=log_guid, log_length=length) for number in (1, 2)]
        for entry in entries:
            data = entry.pack(at)
            for done in range(0, len(data), LOG_SECTOR):
                self.log[(at + done) % length] = data[done:done + LOG_SECTOR]
            at = (at + len(data)) % length
        return at

    def bat_page(self, changes, page=0):
        """A log update of one sector of the BAT: what the file has of it, with changes {block: entry}."""
        entries = dict(self.bat)
        entries.update({self.index(block): entry for block, entry in changes.items()})
        first = page * LOG_SECTOR // 8
        return self.bat_at + page * LOG_SECTOR, b"".join(struct.pack("<Q", entries.get(first + i, 0)) for i in range(LOG_SECTOR // 8))

    # -- Out ----------------------------------------------------------------------------------------------------------

    def pieces(self):
        """(place, bytes), later ones over earlier ones."""
        table, body = metadata_table(self.items)
        tables = self.tables or [region_table(self.regions)] * 2
        yield FILE_ID, b"vhdxfile" + self.creator.encode("utf-16-le")
        yield HEADER_1, self.headers[0]
        yield HEADER_2, self.headers[1]
        yield REGIONS_1, tables[0]
        yield REGIONS_2, tables[1]
        yield self.metadata_at, table
        yield self.metadata_at + 64 * KIB, body
        for index, entry in self.bat.items():
            yield self.bat_at + 8 * index, struct.pack("<Q", entry)
        for place, bits in self.bitmaps.values():
            yield place, bytes(bits)
        yield from self.payload.items()
        for at, data in self.log.items():
            yield LOG_AT + at, data
        yield from self.raw.items()

    def write(self, path, length=None):
        """A sparse file that ends where the last block does, or at `length`."""
        with open(path, "wb") as file:
            for place, data in self.pieces():
                for at in range(0, len(data), LOG_SECTOR):
                    chunk = data[at:at + LOG_SECTOR]
                    if chunk.count(0) != len(chunk) or place in self.payload or place in self.raw or len(data) <= LOG_SECTOR:
                        os.pwrite(file.fileno(), chunk, place + at)
            os.ftruncate(file.fileno(), self.end if length is None else length)
        return path

    def container(self, flags=3):
        """What fuzz_vhdx.c makes the same file of, if the pieces are small: flags, the file's pages, then runs of (offset and
        length in units of 16 bytes, bytes). Flags: 1 sign the headers and the first region table, 2 sign log entries, 4 what was
        not written is a hole, 8 sign the copy of the region table."""
        result = struct.pack("<BI", flags, round_up(self.end, LOG_SECTOR) // LOG_SECTOR)
        for place, data in self.pieces():
            for at in range(0, len(data), 255 * 16):
                run = data[at:at + 255 * 16].rstrip(b"\0")
                if run:
                    low = (place + at) % 16
                    run = (bytes(low) + run).ljust(round_up(low + len(run), 16), b"\0")
                    result += struct.pack("<IB", (place + at) // 16, len(run) // 16) + run
        return result


def parent_pairs(relative=".\\base.vhdx", data_guid=DATA_GUID):
    return [linkage(data_guid), ("relative_path", relative), ("absolute_win32_path", "\\\\?\\c:\\vm\\base.vhdx")]


def seeds():
    """Small images, one feature each, as containers."""
    def made(name, image, flags=3):
        data = image.container(flags)
        assert len(data) < 128 * KIB, name
        return name, data

    def all_states(**more):
        image = Image(8 * MIB - 512, **more)
        for block, state in enumerate((NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED)):
            image.set(block, state)
        image.put(4, b"A" * 64)
        image.put(5, b"B" * 64)
        image.put(7, b"C" * 64)
        return image

    yield made("dynamic", all_states())
    yield made("dynamic-holes", all_states(), 7)
    yield made("dynamic-unsigned", all_states(), 0)
    yield made("fixed", all_states(flags=KEEPS_BLOCKS))
    yield made("large-sectors", all_states(sector=4096))
    yield made("differencing", all_states(parent=parent_pairs()))

    image = Image(8 * MIB, parent=parent_pairs())
    image.put_partial(0, b"D" * 4096, [(0, 4), (7, 1)])
    image.put_partial(3, b"E" * 4096, [(2, 2046)])
    image.bitmaps[0][1][400] = 0x55
    yield made("partial", image)

    image = Image(70 << 40 >> 6, block_size=256 * MIB, parent=parent_pairs())
    image.put(17, b"F" * 16)
    yield made("many-chunks", image)

    image = all_states()
    image.set(1, UNMAPPED, image.allocate(MIB))
    image.set(6, UNMAPPED_095, image.allocate(MIB))
    yield made("dropped-blocks-kept", image)

    image = all_states()
    image.use_log([LogEntry(7, [(BAT_AT, 4096), image.bat_page({6: image.end | FULL})])])
    image.end += MIB
    yield made("log", image)

    image = all_states()
    first = LogEntry(7, [(BAT_AT + 4096, 8192), (BAT_AT + 8192, 4096)])
    image.use_log([first, LogEntry(8, [image.bat_page({0: ZERO})], tail=MIB - 4096, last_size=64 * MIB)], at=MIB - 4096)
    yield made("log-around-the-end", image)

    image = all_states()
    image.use_log([LogEntry(3, [], flushed_size=1 << 40)])
    yield made("log-of-a-longer-file", image)

    image = all_states()
    image.regions.append((UNKNOWN, 32 * MIB, MIB, 0))
    image.items.append((UNKNOWN, 1, b"user"))
    yield made("unknown-optional", image)

    image = all_states()
    image.regions.append((UNKNOWN, BAT_AT, MIB, 0))
    yield made("overlapping-regions", image)
