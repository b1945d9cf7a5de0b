#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Raw disks without a partition table: a file system, or what else fills a disk, is an image where others lie beside it. They
# are made by the tools of each file system.

import os
import shutil
import struct

import harness
from sites import KIB, MIB, create, make_raw, must, patch

LVM_UUID = b"0" * 32


def lvm(path):
    """What pvcreate writes into the second sector (lib/label/label.h, lib/format_text/layout.h of LVM2); it wants a block device."""
    label = b"LABELONE" + struct.pack("<QII", 1, 0, 32) + b"LVM2 001"
    with open(path, "wb") as file:
        file.truncate(8 * MIB)
        file.seek(512)
        file.write(label + LVM_UUID + struct.pack("<Q", 8 * MIB))


def made(size, *command):
    def make(path):
        with open(path, "wb") as file:
            file.truncate(size)
        must(*command, path)
    make.tool = command[0]
    return make


def squashfs(path):
    source = path + ".source"
    os.mkdir(source)
    with open(os.path.join(source, "file"), "wb") as file:
        file.write(os.urandom(64 * KIB))
    must("mksquashfs", source, path, "-quiet", "-no-progress")
    shutil.rmtree(source)


squashfs.tool = "mksquashfs"

MAKERS = {
    "ext2-1k": made(8 * MIB, "mkfs.ext2", "-q", "-b", "1024"), "ext4": made(16 * MIB, "mkfs.ext4", "-q"), "xfs": made(320 * MIB, "mkfs.xfs", "-q"), "btrfs": made(128 * MIB, "mkfs.btrfs", "-q"),
    "ntfs": made(8 * MIB, "mkntfs", "-F", "-q"), "fat12": made(1440 * KIB, "mkfs.vfat"), "fat16": made(32 * MIB, "mkfs.vfat", "-F", "16"), "fat32": made(64 * MIB, "mkfs.vfat", "-F", "32"),
    "exfat": made(8 * MIB, "mkfs.exfat"), "swap": made(4 * MIB, "mkswap", "-q"), "squashfs": squashfs, "lvm": lvm,
}


def settle(path):
    """A file that was allocated and not written is read again for a minute: its blocks may still change."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


def make_all(case, directory):
    """The names of those that could be made."""
    names = []
    for name, make in MAKERS.items():
        tool = getattr(make, "tool", None)
        if tool is None or shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            make(os.path.join(directory, name))
            settle(os.path.join(directory, name))
            names.append(name)
        else:
            case.note(f"{name} is not tried: there is no {tool}")
    return names


def images(site):
    return {site.relative(path): (format, basis, size) for path, format, basis, size in site.query("SELECT path, format, format_basis, virtual_size FROM v_image")}


def test_a_file_system_is_an_image_beside_images(case):
    site = case.site()
    names = make_all(case, site.path("alone", ""))
    site.scan()
    case.same((images(site), site.query("SELECT class, reason, count(*) FROM file GROUP BY 1, 2")), ({}, [("passed", "file-system", len(names))]), "where there is no image none is one")
    create(site.path("alone", "vm.qcow2"))
    expected = {"alone/" + name: ("raw", "guessed", os.path.getsize(site.path("alone", name))) for name in names}
    site.scan()
    case.same({path: row for path, row in images(site).items() if row[0] == "raw"}, expected, "with one beside them all are")
    before = images(site)
    again = site.scan()
    case.same((again.stats["parsed"], len(images(site))), (0, len(names) + 1), "and are not read again")
    os.rename(site.path("alone", "vm.qcow2"), site.path("vm.qcow2"))
    site.scan()
    case.same(len(images(site)), len(names) + 1, "what was an image stays one", [str(set(before) - set(images(site)))])


def test_what_is_cut_or_damaged_is_no_file_system(case):
    site = case.site()
    create(site.path("vm.qcow2"))
    names = make_all(case, site.path(""))
    places = {"ext2-1k": 1024 + 56, "ext4": 1024 + 56, "xfs": 0, "btrfs": 65536 + 64, "ntfs": 3, "fat12": 510, "fat16": 510, "fat32": 510, "exfat": 3, "swap": 4096 - 10, "squashfs": 0, "lvm": 512}
    for name in names:
        with open(site.path(name), "rb") as file:
            whole = file.read(256 * KIB)
        with open(site.path("cut-" + name), "wb") as file:
            file.write(whole[:32 * KIB if name == "squashfs" else 256 * KIB])
            file.truncate(max(4096, os.path.getsize(site.path(name)) // 2 // 4096 * 4096))
        shutil.copy(site.path(name), site.path("odd-" + name))
        os.truncate(site.path("odd-" + name), os.path.getsize(site.path(name)) + 1)
        patch(site.path(name), places[name], b"\0")
    site.scan()
    case.same(sorted(images(site)), ["vm.qcow2"], "half of one, one byte too much, or another mark")


def test_other_files_beside_images_are_none(case):
    site = case.site()
    create(site.path("vm.qcow2"))
    make_raw(site.path("random"), 64 * KIB)
    make_raw(site.path("zero"), 128 * KIB, 0)
    make_raw(site.path("small"), 512)
    site.scan()
    case.same(sorted(images(site)), ["vm.qcow2"], "no file system in them")


TESTS = [
    test_a_file_system_is_an_image_beside_images,
    test_what_is_cut_or_damaged_is_no_file_system,
    test_other_files_beside_images_are_none,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("File systems without a partition table.", TESTS))
