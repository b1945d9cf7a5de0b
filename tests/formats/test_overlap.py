#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images made by QEMU in which one entry of a mapping table is then put in the place of another: two guest addresses share
# the bytes of the file, and exactly that is reported. Where a format lets an entry lead to its own tables, that is reported too.
# (qcow2: tests/e2e/test_overlap.py.)

import struct
import sys
from pathlib import Path

import harness
import guest
import qemu
import scanned

SECTOR = 512
OVERLAP = {"clusters-overlap"}
VHDX_BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")


def number(data, place, form):
    return struct.unpack_from(form, data, place)[0]


# Places and form of the entries of a table, of which the first two name data, and what an entry for a byte offset is.

def vdi(data):
    return [number(data, 340, "<I")], "<I", None


def vpc(data):
    return [number(data, number(data, 16, ">Q") + 16, ">Q")], ">I", lambda offset: offset // SECTOR


def vhdx(data):
    """By the region table, whose entries begin with a GUID. A block over a region is refused altogether."""
    entry = 192 * 1024 + 16
    while data[entry:entry + 16] != VHDX_BAT:  # ends: an error at the end of the data
        entry += 32
        assert entry < 256 * 1024
    return [number(data, entry + 16, "<Q")], "<Q", None


def vmdk(data):
    """Both directories, and their tables."""
    directories = [number(data, place, "<Q") * SECTOR for place in (48, 56)]
    return [number(data, directory, "<I") * SECTOR for directory in directories], "<I", lambda offset: offset // SECTOR


def parallels(_):
    return [64], "<I", None


def qed(data):
    return [number(data, number(data, 40, "<Q"), "<Q")], "<Q", lambda offset: offset


def qcow(data):
    return [number(data, number(data, 40, ">Q"), ">Q")], ">Q", lambda offset: offset


FORMATS = {"vdi": (vdi, 1 << 20), "vpc": (vpc, 2 << 20), "vhdx": (vhdx, 1 << 20), "vmdk": (vmdk, 64 << 10),
           "parallels": (parallels, 1 << 20), "qed": (qed, 64 << 10), "qcow": (qcow, 4 << 10)}
OPTIONS = {"vhdx": ["-o", "block_size=1M"], "vmdk": ["-o", "subformat=monolithicSparse"]}


def make(where, form):
    """Three images: as it is, with the first entry in the place of the second one, and with the table as a cluster."""
    find, cluster = FORMATS[form]
    qemu.must("qemu-img", "create", "-q", "-f", form, *OPTIONS.get(form, []), f"whole.{form}", 16 << 20, cwd=where)
    guest.qemu_io(f"whole.{form}", "write -q -P 1 0 512", f"write -q -P 2 {cluster} 512", form=form, cwd=where)
    data = bytearray(Path(where, f"whole.{form}").read_bytes())
    tables, entry, of_offset = find(data)
    width = struct.calcsize(entry)
    second = [table + width for table in tables]
    assert number(data, tables[0], entry) != number(data, second[0], entry)
    yield f"whole.{form}", set(), "nothing overlaps"
    for place in second:
        struct.pack_into(entry, data, place, number(data, tables[0], entry))
    Path(where, f"twice.{form}").write_bytes(data)
    yield f"twice.{form}", OVERLAP, "an entry that is there twice"
    if of_offset is not None:
        for place in second:
            struct.pack_into(entry, data, place, of_offset(tables[0] // SECTOR * SECTOR))
        Path(where, f"table.{form}").write_bytes(data)
        yield f"table.{form}", OVERLAP, "an entry for its own table"


def main():
    options = guest.parse(guest.parser("Bytes of files that are used twice."))
    out = harness.Tap()
    with harness.work_directory(options.keep) as directory:
        where = Path(directory, "images")
        where.mkdir()
        expected = [case for form in FORMATS for case in make(where, form)]
        found = scanned.scan(options.imgaudit, str(where), str(Path(directory, "store.db")))
    for name, codes, words in expected:
        got = found.get(name, scanned.Scanned())
        right = set(got.findings) == codes and got.image.get("state") == "ok"
        out.check(right, f"{name}: {words}", [] if right else [got.findings, got.image.get("state")])
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
