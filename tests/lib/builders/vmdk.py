# SPDX-License-Identifier: MIT
# VMDK images, built from VMware's "Virtual Disk Format 5.0" (COWD: 1.1). seSparse extents are unpublished: as QEMU's
# reader has found them to be. Imported only; seeds() is what the fuzz target begins with.

import struct
import zlib

SECTOR = 512
NO_PARENT = 0xFFFFFFFF
GD_AT_END = 0xFFFFFFFFFFFFFFFF

# Instead of a grain's bytes:
ZEROED = "zeroed"  # KDMV with FLAG_ZERO_GRAINS: entry 1; seSparse: written with zeroes
UNMAPPED = "unmapped"  # seSparse: given back by the guest

FLAG_NEWLINES, FLAG_REDUNDANT, FLAG_ZERO_GRAINS = 1 << 0, 1 << 1, 1 << 2
FLAG_COMPRESSED, FLAG_MARKERS = 1 << 16, 1 << 17
EOS, GRAIN_TABLE, GRAIN_DIRECTORY, FOOTER = range(4)
NEWLINES = b"\n \r\n"

DESCRIPTOR_SECTORS = 20
COWD_TABLE_ENTRIES = 4096
SE_GRAIN, SE_TABLE_SECTORS, SE_TABLE_ENTRIES = 8, 64, 4096


def sectors(count):
    return count * SECTOR


def divide_up(value, unit):
    return -(-value // unit)


def pad(data, unit=SECTOR):
    return data + bytes(-len(data) % unit)


def place(image, at, data):
    """Writes into a bytearray that grows as far as needed."""
    if len(image) < at + len(data):
        image.extend(bytes(at + len(data) - len(image)))
    image[at:at + len(data)] = data


# -- Descriptors ------------------------------------------------------------------------------------------------------

def extent_line(count, kind, name=None, offset=None, access="RW"):
    words = [access, str(count), kind]
    words += [f'"{name}"'] if name is not None else []
    words += [str(offset)] if offset is not None else []
    return " ".join(words)


def descriptor(create_type, lines, cid=0x1A2B3C4D, parent_cid=NO_PARENT, hint=None, newline="\n", more=()):
    text = ["# Disk DescriptorFile", "version=1", 'encoding="UTF-8"', f"CID={cid:08x}", f"parentCID={parent_cid:08x}",
            f'createType="{create_type}"']
    text += [f'parentFileNameHint="{hint}"'] if hint is not None else []
    text += [*more, "", "# Extent description", *lines, "", "# The Disk Data Base", "#DDB", "",
             'ddb.virtualHWVersion = "4"', 'ddb.geometry.cylinders = "10"', 'ddb.geometry.heads = "16"',
             'ddb.geometry.sectors = "63"', 'ddb.adapterType = "ide"', ""]
    return newline.join(text).encode()


# -- KDMV: hosted sparse extents --------------------------------------------------------------------------------------

def kdmv_header(capacity, grain=128, entries=512, version=1, flags=FLAG_NEWLINES, descriptor_at=0, descriptor_size=0,
                redundant=0, directory=0, overhead=0, unclean=0, newlines=NEWLINES, algorithm=0):
    """Offsets and sizes in sectors."""
    header = struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", version, flags, capacity, grain, descriptor_at, descriptor_size,
                         entries, redundant, directory, overhead, unclean, newlines, algorithm)
    return pad(header)


def tables_of(capacity, grain, entries):
    return divide_up(divide_up(capacity, grain), entries)


def layout(first, capacity, grain, entries, gap=0):
    """Where a directory at sector `first` and its tables are, `gap` between them: (tables' sectors, end), in sectors."""
    count = tables_of(capacity, grain, entries)
    begin = first + divide_up(count * 4, SECTOR)
    size = divide_up(entries * 4, SECTOR) + gap
    return [begin + i * size for i in range(count)], begin + count * size


def monolithic(grains, capacity, grain=128, entries=512, text=b"", version=1, flags=FLAG_NEWLINES | FLAG_REDUNDANT,
               order=None, missing_tables=(), align=None, gap=0, **header):
    """One sparse extent. grains: {number: bytes or ZEROED}; `order` is how their bytes follow in the file."""
    at = 1 + (DESCRIPTOR_SECTORS if text else 0)
    copies = []
    for _ in range(2 if flags & FLAG_REDUNDANT else 1):
        tables, end = layout(at, capacity, grain, entries, gap)
        copies.append((at, tables))
        at = end
    at = divide_up(at, align or grain) * (align or grain)
    image = bytearray()
    place(image, 0, kdmv_header(capacity, grain, entries, version, flags, **{
        "descriptor_at": 1 if text else 0, "descriptor_size": DESCRIPTOR_SECTORS if text else 0,
        "redundant": copies[0][0] if len(copies) > 1 else 0, "directory": copies[-1][0], "overhead": at, **header}))
    place(image, SECTOR, text)
    place(image, sectors(at) - 1, b"\0")
    places = {}
    for number in order or sorted(grains):
        if grains[number] is not ZEROED:
            places[number] = at
            place(image, sectors(at), pad(grains[number], sectors(grain)))
            at += grain
    for directory, tables in copies:
        used = [0 if i in missing_tables else sector for i, sector in enumerate(tables)]
        place(image, sectors(directory), struct.pack(f"<{len(used)}I", *used))
        for number, content in grains.items():
            if number // entries not in missing_tables:
                entry = 1 if content is ZEROED else places[number]
                place(image, sectors(tables[number // entries]) + number % entries * 4, struct.pack("<I", entry))
    return bytes(image)


def grain_marker(lba, packed):
    return pad(struct.pack("<QI", lba, len(packed)) + packed)


def metadata_marker(count, kind):
    return pad(struct.pack("<QII", count, 0, kind))


def stream(grains, capacity, grain=128, entries=512, text=b"", version=3, markers=True, level=6, footer=True, extra=0,
           text_sectors=DESCRIPTOR_SECTORS):
    """A stream-optimized extent as VMware writes it: compressed grains, each table behind its grains, the directory and
    a footer at the end. footer=False: the header itself says where the directory is."""
    flags = FLAG_NEWLINES | FLAG_COMPRESSED | (FLAG_MARKERS if markers else 0) | extra
    image = bytearray()
    place(image, SECTOR, text)
    place(image, sectors(128) - 1, b"\0")
    directory = [0] * tables_of(capacity, grain, entries)
    for table in range(len(directory)):
        numbers = [n for n in sorted(grains) if n // entries == table]
        found = [0] * entries
        for number in numbers:
            if grains[number] is ZEROED:
                found[number % entries] = 1
                continue
            packed = zlib.compress(grains[number], level)
            found[number % entries] = len(image) // SECTOR
            place(image, len(image), grain_marker(number * grain, packed) if markers else pad(packed))
        if numbers:
            place(image, len(image), metadata_marker(divide_up(entries * 4, SECTOR), GRAIN_TABLE))
            directory[table] = len(image) // SECTOR
            place(image, len(image), pad(struct.pack(f"<{entries}I", *found)))
    place(image, len(image), metadata_marker(divide_up(len(directory) * 4, SECTOR), GRAIN_DIRECTORY))
    at = len(image) // SECTOR
    place(image, len(image), pad(struct.pack(f"<{len(directory)}I", *directory)))
    fields = {"descriptor_at": 1 if text else 0, "descriptor_size": text_sectors if text else 0, "overhead": 128,
              "algorithm": 1}
    if footer:
        place(image, len(image), metadata_marker(1, FOOTER))
        place(image, len(image), kdmv_header(capacity, grain, entries, version, flags, directory=at, **fields))
    place(image, len(image), metadata_marker(0, EOS))
    place(image, 0, kdmv_header(capacity, grain, entries, version, flags, directory=GD_AT_END if footer else at, **fields))
    return bytes(image)


# -- COWD: sparse extents of ESX --------------------------------------------------------------------------------------

def cowd(grains, capacity, grain=1, directory_entries=None, version=1, unclean=0):
    """Tables are allocated with their first grain, between the grains."""
    count = tables_of(capacity, grain, COWD_TABLE_ENTRIES) if directory_entries is None else directory_entries
    image = bytearray(sectors(4))
    directory = [0] * count
    place(image, sectors(4), bytes(len(pad(bytes(count * 4)))))
    tables = {}
    for number in sorted(grains):
        table = number // COWD_TABLE_ENTRIES
        if table not in tables:
            tables[table] = directory[table] = len(image) // SECTOR
            place(image, len(image), bytes(COWD_TABLE_ENTRIES * 4))
        at = len(image) // SECTOR
        place(image, len(image), pad(grains[number], sectors(grain)))
        place(image, sectors(tables[table]) + number % COWD_TABLE_ENTRIES * 4, struct.pack("<I", at))
    place(image, sectors(4), struct.pack(f"<{count}I", *directory))
    place(image, 0, struct.pack("<4s8I", b"COWD", version, 3, capacity, grain, 4, count, len(image) // SECTOR, 10))
    place(image, 1648, struct.pack("<I", unclean))
    return bytes(image)


# -- seSparse ---------------------------------------------------------------------------------------------------------

def se_entry(number):
    return 3 << 60 | (number & 0xFFF) << 48 | number >> 12


def se_sparse(grains, capacity, directory_sectors=None, first=0, **change):
    """Grains of 4 KiB, stored from number `first` on. `change` replaces fields of the headers: see `fields` and `volatile`."""
    count = tables_of(capacity, SE_GRAIN, SE_TABLE_ENTRIES)
    size = directory_sectors or divide_up(count * 8, SECTOR)
    used = sorted({number // SE_TABLE_ENTRIES for number in grains})
    tables = 16 + size
    begin = tables + len(used) * SE_TABLE_SECTORS
    fields = {"magic": 0xCAFEBABE, "version": 0x200000001, "capacity": capacity, "grain": SE_GRAIN,
              "table": SE_TABLE_SECTORS, "flags": 0, "reserved1": 0, "reserved2": 0, "reserved3": 0, "reserved4": 0,
              "volatile": 1, "volatile_size": 1, "journal_header": 2, "journal_header_size": 2, "journal": 4,
              "journal_size": 8, "directory": 16, "directory_size": size, "tables": tables,
              "tables_size": len(used) * SE_TABLE_SECTORS, "bitmap": 12, "bitmap_size": 1, "backmap": 13,
              "backmap_size": 1, "grains": begin, "grains_size": len(grains) * SE_GRAIN, "padding": 0}
    volatile = {"volatile_magic": 0xCAFECAFE, "free_table": len(used), "next_sequence": 1, "replay": 0,
                "volatile_padding": 0}
    fields.update({key: value for key, value in change.items() if key in fields})
    volatile.update({key: value for key, value in change.items() if key in volatile})
    image = bytearray(sectors(begin))
    place(image, 0, struct.pack("<27Q", *fields.values()))
    place(image, sectors(1), struct.pack("<5Q", *volatile.values()))
    stored = first
    for place_of_table, table in enumerate(used):
        place(image, sectors(16) + table * 8, struct.pack("<Q", 1 << 60 | place_of_table))
        for number in sorted(n for n in grains if n // SE_TABLE_ENTRIES == table):
            if grains[number] is ZEROED:
                entry = 2 << 60
            elif grains[number] is UNMAPPED:
                entry = 1 << 60
            else:
                entry = se_entry(stored)
                place(image, sectors(begin + stored * SE_GRAIN), pad(grains[number], sectors(SE_GRAIN)))
                stored += 1
            at = sectors(tables + place_of_table * SE_TABLE_SECTORS) + number % SE_TABLE_ENTRIES * 8
            place(image, at, struct.pack("<Q", entry))
    return bytes(image)


# -- What the guest reads ---------------------------------------------------------------------------------------------

def content(grains, grain, start=0):
    """{guest byte: bytes}, as harness.different_content wants it. start: where the extent begins, in bytes."""
    return {start + sectors(number * grain): data for number, data in grains.items() if isinstance(data, bytes)}


# -- Fuzz seeds -------------------------------------------------------------------------------------------------------

FUZZ_DESCRIPTOR_BYTES = 1024  # as in fuzz_vmdk.c: what follows is the file of every extent


def described(create_type, lines, extent, **options):
    text = descriptor(create_type, lines, **options)
    return text + bytes(FUZZ_DESCRIPTOR_BYTES - len(text)) + extent


def seeds():
    """One feature each."""
    data = bytes(range(256)) * 2
    small = {0: data * 8, 1: data * 8, 5: data * 8}
    text = descriptor("monolithicSparse", [extent_line(64, "SPARSE", "x.vmdk")])
    child = descriptor("monolithicSparse", [], parent_cid=5, hint="base.vmdk")
    yield "monolithic", monolithic(small, 64, grain=8, entries=4, text=text, align=1)
    yield "monolithic-no-redundant", monolithic(small, 64, grain=8, entries=4, text=text, flags=1, align=1)
    yield "monolithic-missing-table", monolithic({0: data}, 64, 8, 4, text, missing_tables=(1,), align=1)
    yield "child", monolithic({1: data * 8}, 64, grain=8, entries=4, text=child, align=1)
    yield "child-without-name", monolithic({}, 64, 8, 4, descriptor("monolithicSparse", [], parent_cid=5), align=1)
    yield "unclean", monolithic({}, 64, grain=8, entries=4, text=text, unclean=1, align=1)
    yield "line-ends", monolithic({}, 64, grain=8, entries=4, text=text, newlines=b"\n \n\n", align=1)
    yield "zeroed", monolithic({0: ZEROED, 1: ZEROED, 2: data * 8}, 64, 8, 4, text, 2, 7, align=1)
    yield "piece", monolithic(small, 64, grain=8, entries=4, align=1)
    yield "odd-capacity", monolithic({7: data * 8}, 61, grain=8, entries=4, text=text, align=1)
    yield "odd-grains", monolithic({0: data * 3, 2: data}, 20, grain=3, entries=5, text=text, align=1)
    yield "stream", stream(small, 64, grain=8, entries=4, text=text)
    yield "stream-no-footer", stream(small, 64, grain=8, entries=4, text=text, footer=False)
    yield "stream-no-markers", stream(small, 64, grain=8, entries=4, text=text, markers=False)
    yield "stream-zeroed", stream({0: ZEROED, 1: data * 8}, 64, 8, 4, text, 2, extra=FLAG_ZERO_GRAINS)
    yield "cowd", cowd({0: data, 1: data, 5000: data}, 8192)
    yield "cowd-small-directory", cowd({0: data}, 8192, directory_entries=1)
    yield from described_seeds(data, small)


def described_seeds(data, small):
    flat = [extent_line(4, "FLAT", "a", 0), extent_line(4, "ZERO"), extent_line(4, "FLAT", "a", 1, "RDONLY")]
    grains = {0: data * 8, 1: ZEROED, 2: UNMAPPED, 3: data * 8, 5000: data * 8}
    yield "flat", described("monolithicFlat", flat, data * 4)
    yield "flat-crlf", described("vmfs", [extent_line(4, "VMFS", "a b"), extent_line(1, "VMFS", "b")], data, newline="\r\n")
    yield "flat-past-end", described("twoGbMaxExtentFlat", [extent_line(1 << 40, "FLAT", "a", 1 << 30)], data)
    yield "flat-only", descriptor("monolithicFlat", flat)
    yield "split", described("twoGbMaxExtentSparse", [extent_line(64, "SPARSE", f"x-s00{i}.vmdk") for i in (1, 2)],
                             monolithic(small, 61, grain=8, entries=4, align=1))
    yield "split-stream", described("twoGbMaxExtentSparse", [extent_line(64, "SPARSE", "s")], stream(small, 64, 8, 4))
    yield "vmfs-sparse", described("vmfsSparse", [extent_line(8192, "VMFSSPARSE", "x-delta.vmdk")],
                                   cowd({0: data, 5000: data}, 8192), parent_cid=7, hint="x.vmdk")
    yield "se-sparse", described("seSparse", [extent_line(65536, "SESPARSE", "x-sesparse.vmdk")], se_sparse(grains, 65536))
    text = described("monolithicFlat", flat[:1], b"")
    yield "header-only", kdmv_header(0, descriptor_at=1, descriptor_size=20) + text
