# SPDX-License-Identifier: MIT
# The beginnings of raw disks: MBR and GPT partition tables (UEFI Specification 2.10, section 5) and ISO 9660 volume
# descriptors (ECMA-119, section 8).

import struct
import zlib

SECTOR = 512
LINUX, LVM, FAT32, ESP, PROTECTIVE, EXTENDED = 0x83, 0x8E, 0x0C, 0xEF, 0xEE, 0x05
DATA_TYPE = bytes.fromhex("af3dc60f838472478e793d69d8477de4")  # Linux filesystem data


def partition(kind, start, count, flag=0):
    return struct.pack("<B3sB3sII", flag, b"\0\2\0", kind, b"\xff\xff\xff", start, count)


def mbr(*partitions, code=b"", signature=b"\x55\xaa"):
    """The first sector: boot code, four entries, the signature."""
    return code.ljust(446, b"\0")[:446] + b"".join(partitions).ljust(64, b"\0") + signature


def gpt_header(sectors, header_size=92, my_lba=1, crc=None, last_usable=None):
    """Table 5.5; of the table of partitions only the place is given."""
    usable = sectors - 34 if last_usable is None else last_usable
    fields = ("<8sIII4xQQQQ16sQIII", b"EFI PART", 0x10000, header_size)
    rest = (my_lba, sectors - 1, 34, usable, b"disk-guid.......", 2, 128, 128, zlib.crc32(entries()))
    plain = struct.pack(*fields, 0, *rest).ljust(header_size, b"\0")
    return struct.pack(*fields, zlib.crc32(plain) if crc is None else crc, *rest).ljust(header_size, b"\0")


def entries():
    return struct.pack("<16s16sQQQ72s", DATA_TYPE, b"partition-guid..", 34, 40, 0, "data".encode("utf-16-le")).ljust(128 * 128, b"\0")


def gpt(size, sector=SECTOR, protective=True, **changes):
    """A disk with one GPT partition, both tables in their places."""
    sectors = size // sector
    out = bytearray(size)
    if protective:
        out[:SECTOR] = mbr(partition(PROTECTIVE, 1, min(sectors - 1, 0xFFFFFFFF)))
    put(out, sector, gpt_header(sectors, **changes))
    put(out, 2 * sector, entries())
    return bytes(out)


def iso(size=64 * 1024, system_area=b"", name=b"CD001"):
    """System area, a primary volume descriptor, the terminator."""
    out = bytearray(size)
    put(out, 0, system_area)
    blocks = size // 2048
    primary = struct.pack("<B5sBx32s32s8xI", 1, name, 1, b"LINUX".ljust(32), b"VOLUME".ljust(32), blocks) + struct.pack(">I", blocks)
    put(out, 32768, primary)
    put(out, 34816, struct.pack("<B5sB", 255, name, 1))
    return bytes(out)


def fat_boot_sector(size):
    """A FAT16 file system without a partition table; its code area holds what looks like one entry."""
    bpb = b"\xeb\x3c\x90" + b"MSDOS5.0" + struct.pack("<HBHBHHBHHHII", 512, 4, 1, 2, 512, size // 512, 0xF8, 32, 63, 255, 0, 0)
    return mbr(partition(FAT32, 2, 100), code=bpb).ljust(size, b"\0")


def put(out, at, data):
    out[at:at + len(data)] = data


def seeds():
    yield "mbr", mbr(partition(LINUX, 1, 7, 0x80)).ljust(4096, b"\0")
    yield "gpt", gpt(40 * 1024)
    yield "gpt-4096", gpt(64 * 4096, 4096)[:96 * 1024]
    yield "iso", iso()
    yield "iso-mbr", iso(system_area=mbr(partition(0, 0, 128, 0x80), partition(ESP, 8, 16)))
    yield "fat", fat_boot_sector(4096)
