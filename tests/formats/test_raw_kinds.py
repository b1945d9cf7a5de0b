#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a raw image is said to be: partition tables and ISO 9660, against blkid; and that its map does not care.

import sys

import harness
from builders import raw_kinds as build
from builders.raw_kinds import ESP, EXTENDED, FAT32, LINUX, LVM, PROTECTIVE, partition
from raw_judge import Case, judge_all

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def damaged(data, at, change=0xFF):
    out = bytearray(data)
    out[at] ^= change
    return bytes(out)


def mbr(*partitions, size=MIB, **words):
    return build.mbr(*partitions, **words).ljust(size, b"\0")


def tables():
    gpt = build.gpt(MIB)
    yield Case("gpt", gpt, "gpt", ("gpt", None))
    yield Case("gpt of a grown disk", gpt, "gpt", ("gpt", None), 8 * MIB)
    yield Case("gpt without a protective mbr", build.gpt(MIB, protective=False), "gpt")
    yield Case("gpt of 4096-byte sectors", build.gpt(MIB, 4096), "gpt")
    yield Case("gpt with a header of 512 bytes", build.gpt(MIB, header_size=512), "gpt")
    yield Case("gpt with a header of 91 bytes", build.gpt(MIB, header_size=91), "mbr")
    yield Case("gpt with a bad checksum", damaged(gpt, 512 + 60), "mbr")
    yield Case("gpt with another bad checksum", build.gpt(MIB, crc=0, protective=False), "")
    yield Case("gpt header in another place", build.gpt(MIB, my_lba=2, protective=False), "")
    yield Case("gpt of a disk that is longer than the file", build.gpt(MIB, last_usable=2048, protective=False), "")
    yield Case("gpt up to the file's last sector", build.gpt(MIB, last_usable=2047), "gpt")
    yield Case("gpt without its signature", damaged(build.gpt(MIB, protective=False), 512), "")
    yield Case("mbr", mbr(partition(LINUX, 64, 100, 0x80), partition(FAT32, 200, 100)), "mbr", ("dos", None))
    yield Case("mbr with the fourth entry only", mbr(bytes(48), partition(EXTENDED, 64, 100)), "mbr", ("dos", None))
    yield Case("mbr with a partition that ends behind the file", mbr(partition(LINUX, 64, 1 << 30)), "mbr")
    yield Case("mbr with 2 TiB partitions", mbr(partition(LINUX, 1, 10), partition(LINUX, 11, 0xFFFFFFFF)), "mbr")
    yield Case("mbr with boot code", mbr(partition(LINUX, 64, 100), code=b"\xeb\x63\x90" + b"\x31\xc0" * 200), "mbr", ("dos", None))
    grub = b"\xeb\x63\x90\x10\x8e\xd0\xbc\x00\xb0\xb8".ljust(384, b"\0") + b"GRUB \0Geom\0Hard Disk\0"
    grub = grub.ljust(440, b"\0") + b"\x7d\x97\x03\x00"  # the disk's signature
    large = build.mbr(partition(LINUX, 2048, 1024000, 0x80), partition(LVM, 1026048, 24139776), code=grub)
    yield Case("mbr by grub on a disk of 12 GiB", large, "mbr", ("dos", None), 12 * GIB)
    yield Case("mbr without partitions", mbr(), "")
    yield Case("mbr without its signature", mbr(partition(LINUX, 64, 100), signature=b"\x55\xab"), "", (None, None))
    yield Case("mbr with a boot flag of 0x81", mbr(partition(LINUX, 64, 100), partition(LINUX, 164, 100, 0x81)), "", (None, None))
    yield Case("mbr with an odd flag in an empty entry", mbr(partition(LINUX, 64, 100), partition(0, 0, 0, 0x01)), "", (None, None))
    yield Case("mbr with a partition behind the file", mbr(partition(LINUX, 64, 100), partition(LINUX, 2048, 100)), "")
    yield Case("mbr with a partition at sector 0", mbr(partition(LINUX, 0, 100)), "")
    yield Case("mbr with a partition of no sectors", mbr(partition(LINUX, 64, 0)), "")
    yield Case("mbr with partitions over one another", mbr(partition(LINUX, 64, 100), partition(LINUX, 163, 100)), "")
    yield Case("protective mbr alone", mbr(partition(PROTECTIVE, 1, 0xFFFFFFFF)), "mbr")


def others():
    entry = partition(LINUX, 64, 100)
    yield Case("fat boot sector", build.fat_boot_sector(MIB), "")
    yield Case("ntfs boot sector", mbr(entry, code=b"\xeb\x52\x90NTFS    "), "")
    yield Case("exfat boot sector", mbr(entry, code=b"\xeb\x76\x90EXFAT   "), "")
    kernel = build.mbr(entry) + b"\xeb\x66HdrS"
    yield Case("linux kernel", kernel.ljust(MIB, b"\0"), "")
    yield Case("iso", build.iso(), "iso9660", (None, "iso9660"))
    yield Case("iso of another name", build.iso(name=b"CD002"), "", (None, None))
    isolinux = build.mbr(partition(0, 0, 128, 0x80), partition(ESP, 8, 16), code=b"\x33\xed" + b"\x90" * 30)
    yield Case("iso with an isohybrid mbr", build.iso(system_area=isolinux), "iso9660 mbr", ("dos", "iso9660"))
    yield Case("iso with a grub mbr", build.iso(system_area=build.mbr(partition(PROTECTIVE, 1, 127))), "iso9660 mbr")
    yield Case("iso with a gpt", build.iso(size=MIB, system_area=build.gpt(MIB)[:20 * KIB]), "iso9660 gpt", ("gpt", "iso9660"))
    yield Case("iso with a fat boot sector", build.iso(system_area=build.fat_boot_sector(512)[:446].ljust(510, b"\0") + b"\x55\xaa"), "iso9660")
    yield Case("iso cut in its descriptor", build.iso()[:32768 + 6], "")
    yield Case("iso cut behind its descriptor", build.iso()[:32768 + 7], "iso9660")
    yield Case("gpt cut in its header", build.gpt(MIB)[:1023], "")
    yield Case("nothing", b"", "")
    yield Case("a hole", b"", "", (None, None), GIB)
    yield Case("an mbr and no more", build.mbr(partition(LINUX, 1, 1)), "")
    yield Case("511 bytes", build.mbr(partition(LINUX, 0, 1))[:511], "")
    yield Case("text", b"Lorem ipsum dolor sit amet. " * 4096, "", (None, None))
    yield Case("an image of ones", b"\xff" * MIB, "", (None, None))


def main():
    parser = harness.parser("Kinds of raw images", 1)
    parser.add_argument("--read-guest", metavar="PATH", help="accepted: a raw image is its own content")
    options = harness.parse(parser)
    out = harness.Tap()
    with harness.work_directory(options.keep) as directory:
        judge_all(out, options, directory, [*tables(), *others()])
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
