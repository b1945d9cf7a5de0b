# SPDX-License-Identifier: MIT
# Apple disk images (UDIF). Apple never published the format; this follows what is known of it: a trailer "koly" of 512
# bytes, tables "mish" of chunks in a property list or in a resource fork, and what the chunks hold in the data fork.

import base64
import bz2
import lzma
import struct
import zlib
from dataclasses import dataclass, field

SECTOR = 512
ZERO, RAW, IGNORE, COMMENT, LAST = 0, 1, 2, 0x7FFFFFFE, 0xFFFFFFFF
ADC, ZLIB, BZIP2, LZFSE, XZ = (0x80000000 + n for n in range(4, 9))
COMPRESSED = (ADC, ZLIB, BZIP2, LZFSE, XZ)
PLIST_OPENING = (b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
                 b'"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">\n<dict>\n')


# -- Codecs that Python does not have ----------------------------------------------------------------------------------

def adc(data):
    """Apple Data Compression: runs of literals, and matches of two kinds, the nearest found by trying."""
    out, literals, at = bytearray(), bytearray(), 0
    while at < len(data):
        length, distance = adc_match(data, at)
        if length == 0:
            literals.append(data[at])
            at += 1
        if literals and (length or len(literals) == 128 or at == len(data)):
            out += bytes([0x80 | len(literals) - 1]) + literals
            literals.clear()
        if length:
            out += adc_token(length, distance - 1)
            at += length
    return bytes(out)


def adc_match(data, at):
    for distance in (1, 2, 3, 7, 512, 1024, 1025, 4096, 65536):
        if distance > at:
            break
        length = 0
        while length < 67 and at + length < len(data) and data[at + length] == data[at + length - distance]:
            length += 1
        if length >= 4:
            return length, distance
    return 0, 0


def adc_token(length, back):
    if length <= 18 and back < 1024:
        return bytes([length - 3 << 2 | back >> 8, back & 0xFF])
    return bytes([0x40 | length - 4, back >> 8, back & 0xFF])


def lzfse(data):
    """LZFSE with one block that is not compressed, and the end of the stream."""
    return b"bvx-" + struct.pack("<I", len(data)) + data + b"bvx$"


ENCODERS = {RAW: bytes, ADC: adc, ZLIB: zlib.compress, BZIP2: bz2.compress, LZFSE: lzfse, XZ: lzma.compress}


# -- Images ------------------------------------------------------------------------------------------------------------

@dataclass
class Chunk:
    type: int
    sectors: int
    stored: bytes = b""
    plain: bytes = b""  # what the guest reads, without trailing zeroes
    start: int = 0      # sector of the disk
    offset: int = 0     # in the file
    changes: dict = field(default_factory=dict)  # of the entry: type, comment, sector, sectors, offset, length


def chunk(kind, data, /, **changes):
    assert len(data) % SECTOR == 0
    return Chunk(kind, len(data) // SECTOR, ENCODERS[kind](data), data, changes=changes)


def nothing(kind, sectors, /, **changes):
    return Chunk(kind, sectors, changes=changes)


@dataclass
class Table:
    first: int
    chunks: list
    offset: int      # of its data, from the data fork on
    changes: dict    # of its header: magic, version, entries, sector, offset
    ends: bool       # has an end mark

    def build(self, fork):
        entries = [self.entry(chunk, fork) for chunk in self.chunks]
        if self.ends:
            entries.append(struct.pack(">IIQQQQ", LAST, 0, sum(c.sectors for c in self.chunks), 0, 0, 0))
        head = {"magic": b"mish", "version": 1, "sector": self.first, "offset": self.offset, "entries": len(entries), **self.changes}
        out = struct.pack(">4sIQQQII24xII128xI", head["magic"], head["version"], head["sector"], sum(c.sectors for c in self.chunks),
                          head["offset"], 520, 0, 2, 32, head["entries"])
        assert len(out) == 204
        return out + b"".join(entries)

    def entry(self, chunk, fork):
        stored = chunk.type in (RAW, *COMPRESSED)
        words = {"type": chunk.type, "comment": 0, "sector": chunk.start - self.first, "sectors": chunk.sectors,
                 "offset": chunk.offset - fork - self.offset if stored else 0, "length": len(chunk.stored), **chunk.changes}
        return struct.pack(">IIQQQQ", words["type"], words["comment"], words["sector"], words["sectors"], words["offset"], words["length"])


class Disk:
    """Tables are added in turn; their chunks follow one another on the disk, and their bytes in the file."""

    def __init__(self, fork=0, before=b""):
        self.fork = fork
        self.body = bytearray(before.ljust(fork, b"\xee"))
        self.tables = []

    def add(self, first, chunks, data_offset=0, ends=True, **changes):
        """A table of what begins at sector `first`."""
        at = first
        for chunk in chunks:
            chunk.start, chunk.offset = at, len(self.body)
            self.body += chunk.stored
            at += chunk.sectors
        self.tables.append(Table(first, chunks, data_offset, changes, ends))
        return self

    def chunks(self):
        return [chunk for table in self.tables for chunk in table.chunks if chunk.type not in (COMMENT, LAST)]

    def sectors(self):
        return max((chunk.start + chunk.sectors for chunk in self.chunks()), default=0)

    def content(self, sectors=None):
        """What the guest reads."""
        size = (self.sectors() if sectors is None else sectors) * SECTOR
        out = bytearray(max(size, self.sectors() * SECTOR))
        for chunk in self.chunks():
            out[chunk.start * SECTOR:chunk.start * SECTOR + len(chunk.plain)] = chunk.plain
        return bytes(out[:size])

    def plist(self, extra=b"", wrap=44):
        out = PLIST_OPENING + b"<key>resource-fork</key><dict><key>blkx</key><array>\n"
        for number, table in enumerate(self.tables):
            text = base64.b64encode(table.build(self.fork))
            lines = b"\n\t\t".join(text[at:at + wrap] for at in range(0, len(text), wrap))
            out += b"<dict><key>ID</key><string>%d</string><key>Data</key>\n\t\t<data>\n\t\t%s\n\t\t</data></dict>\n" % (number, lines)
        return out + b"</array>" + extra + b"</dict></dict></plist>\n"

    def resources(self, extra=()):
        """Header, resources with their lengths, and a map that nobody reads."""
        items = [*(table.build(self.fork) for table in self.tables), *extra]
        data = b"".join(struct.pack(">I", len(item)) + item for item in items)
        return struct.pack(">IIII", 256, 256 + len(data), len(data), 50).ljust(256, b"\0") + data + bytes(50)

    def build(self, plist=True, resources=False, sectors=None, tail=b"", **changes):
        """plist and resources: whether the tables are there, or the bytes themselves. tail: behind the trailer."""
        made = {"plist": b"", "resources": b""}
        for name, wanted in (("plist", plist), ("resources", resources)):
            if wanted:
                made[name] = wanted if isinstance(wanted, bytes) else getattr(self, name)()
        words = {"sectors": self.sectors() if sectors is None else sectors, "fork": self.fork, "fork_length": len(self.body) - self.fork,
                 "plist": len(self.body), "plist_length": len(made["plist"]),
                 "resources": len(self.body) + len(made["plist"]), "resources_length": len(made["resources"]), **changes}
        return bytes(self.body) + made["plist"] + made["resources"] + trailer(**words) + tail


def trailer(sectors, fork, fork_length, plist, plist_length, resources, resources_length, magic=b"koly", version=4, header=512,
            segment=1, segments=1):
    if resources_length == 0:
        resources = 0
    if plist_length == 0:
        plist = 0
    out = struct.pack(">4sIIIQQQQQII16s", magic, version, header, 1, 0, fork, fork_length, resources, resources_length, segment, segments,
                      b"segment-id......")
    out += struct.pack(">II128x", 0, 0)
    out += struct.pack(">QQ120xII128xIQ12x", plist, plist_length, 0, 0, 1, sectors)
    assert len(out) == 512
    return out


def pattern(sectors, salt=0):
    """Sectors that compress somewhat, each one different."""
    return b"".join((b"%d/%d " % (salt, n)).ljust(32, b".") * (SECTOR // 32) for n in range(sectors))


def every_kind():
    return [chunk(kind, pattern(3, kind & 15)) for kind in (RAW, *COMPRESSED)] + [nothing(ZERO, 4), nothing(IGNORE, 5)]


def seeds():
    for kind, name in ((RAW, "raw"), (ADC, "adc"), (ZLIB, "zlib"), (BZIP2, "bzip2"), (LZFSE, "lzfse"), (XZ, "xz")):
        yield name, Disk().add(0, [chunk(kind, pattern(4))]).build()
    disk = Disk(fork=100).add(0, [*every_kind(), nothing(COMMENT, 0)]).add(40, every_kind(), data_offset=7)
    yield "all", disk.build()
    yield "resource-fork", disk.build(plist=False, resources=True)
    yield "both", disk.build(resources=True)
    yield "odd-size", disk.build(tail=bytes(77))
    yield "no-tables", disk.build(plist=False)
    yield "unsorted", Disk().add(20, every_kind()).add(0, [nothing(ZERO, 9)]).build()
    yield "overlapping", Disk().add(0, every_kind()).add(2, [nothing(ZERO, 9)]).build()
    yield "unknown-type", Disk().add(0, [nothing(0x80000009, 8)]).build()
    yield "past-end", Disk().add(0, [chunk(ZLIB, pattern(4), offset=1 << 40)]).build()
    yield "segments", disk.build(segments=2)
    yield "encrypted-v2", b"encrcdsa\0\0\0\2".ljust(1024, b"\0")
    yield "encrypted-v1", b"cdsaencr".rjust(1024, b"\0")
