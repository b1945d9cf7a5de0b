#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a scan says of images that are encrypted, dirty, marked corrupt, of an unknown version or with unknown features:
# one bit or field of an image made by qemu-img is changed at its place in the format's specification, and exactly the
# right finding follows. What can still be mapped is mapped as the unchanged image is.

import struct
import sys
from pathlib import Path

import harness
import guest
import qemu
import scanned

SIZE = "4M"
TRIES = 5
ENCRYPTED, DIRTY, CORRUPT, UNSUPPORTED = "encrypted", "dirty", "marked-corrupt", "unsupported-format"
SECRET = ["--object", "secret,id=s,data=key"]

# name: (format, options of qemu-img create, findings of the image as it is made)
MADE = {
    "plain.qcow2": ("qcow2", [], set()),
    "aes.qcow2": ("qcow2", ["encrypt.format=aes,encrypt.key-secret=s"], {ENCRYPTED}),
    "luks.qcow2": ("qcow2", ["encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=100"], {ENCRYPTED}),
    "plain.qcow": ("qcow", [], set()),
    "aes.qcow": ("qcow", ["encrypt.format=aes,encrypt.key-secret=s"], {ENCRYPTED}),
    "plain.qed": ("qed", [], set()),
    "plain.vmdk": ("vmdk", [], set()),
    "flat.vmdk": ("vmdk", ["subformat=monolithicFlat"], set()),
    "plain.vdi": ("vdi", [], set()),
    "plain.vhd": ("vpc", [], set()),
    "fixed.vhd": ("vpc", ["subformat=fixed"], set()),
    "plain.vhdx": ("vhdx", [], set()),
    "plain.hdd": ("parallels", [], set()),
    "plain.luks": ("luks", ["key-secret=s,iter-time=100"], {ENCRYPTED}),
    "plain.img": ("raw", [], set()),
}

# name: (image that is changed, {place: bytes}, findings)
CHANGED = {
    "dirty.qcow2": ("plain.qcow2", {79: b"\x01"}, {DIRTY}),              # incompatible features, bit 0
    "corrupt.qcow2": ("plain.qcow2", {79: b"\x02"}, {CORRUPT}),          # bit 1
    "feature.qcow2": ("plain.qcow2", {72: b"\x40"}, {UNSUPPORTED}),      # bit 62
    "version.qcow2": ("plain.qcow2", {7: b"\x04"}, {UNSUPPORTED}),
    "needs-check.qed": ("plain.qed", {16: b"\x02"}, {DIRTY}),            # features, bit 1
    "feature.qed": ("plain.qed", {17: b"\x01"}, {UNSUPPORTED}),          # bit 8
    "unclean.vmdk": ("plain.vmdk", {72: b"\x01"}, {DIRTY}),              # uncleanShutdown
    "text-mode.vmdk": ("plain.vmdk", {75: b"\x0a"}, {CORRUPT}),          # doubleEndLineChar1
    "version.vmdk": ("plain.vmdk", {4: b"\x04"}, {UNSUPPORTED}),
    "version.vdi": ("plain.vdi", {68: struct.pack("<I", 0x00020000)}, {UNSUPPORTED}),
    "in-use.hdd": ("plain.hdd", {44: struct.pack("<I", 0x746F6E59)}, {DIRTY}),
    "version.hdd": ("plain.hdd", {16: b"\x03"}, {"unrecognised"}),       # no Parallels image by the specification
    "version.luks": ("plain.luks", {7: b"\x02"}, {UNSUPPORTED}),
    "type.vhd": ("plain.vhd", {63: b"\x05"}, {UNSUPPORTED}),             # disk type, with a right checksum
    "checksum.vhd": ("plain.vhd", {70: b"\xff"}, {"corrupt"}),           # unique id, with a wrong one
}


def create(command, where):
    """qemu-img measures the processor for a key, and gives up on a busy machine: once more then."""
    for _ in range(TRIES):
        try:
            qemu.must(*command, cwd=where)
            return
        except qemu.ToolError as error:
            last = error
    raise last


def make(where):
    for name, (form, options, _) in MADE.items():
        extra = ["-o", options[0]] if options else []
        create(["qemu-img", "create", "-q", *SECRET, "-f", form, *extra, name, SIZE], where)
        if not MADE[name][2] and form != "luks":
            guest.qemu_io(name, "write -q -P 7 1M 64k", form=form, cwd=where)


def sign_vhd(data):
    """The checksum of a footer: the ones' complement of the sum of all its other bytes."""
    total = sum(data[:64]) + sum(data[68:512])
    data[64:68] = struct.pack(">I", ~total & 0xFFFFFFFF)


def change(where):
    for name, (origin, places, findings) in CHANGED.items():
        data = bytearray(Path(where, origin).read_bytes())
        for place, value in places.items():
            data[place:place + len(value)] = value
        if name.endswith(".vhd") and findings == {UNSUPPORTED}:
            sign_vhd(data)
        Path(where, name).write_bytes(data)


def main():
    options = guest.parse(guest.parser("Findings of formats."))
    out = harness.Tap()
    with harness.work_directory(options.keep) as directory:
        where = Path(directory, "images")
        where.mkdir()
        make(where)
        change(where)
        found = scanned.scan(options.imgaudit, str(where), str(Path(directory, "store.db")))
    for name, expected in [(name, codes) for name, (_, _, codes) in MADE.items()] + [(name, codes) for name, (_, _, codes) in CHANGED.items()]:
        codes = set(found[name].findings) if name in found else set()
        words = ", ".join(sorted(expected)) or "nothing to report"
        out.check(codes == expected, f"{name}: {words}", [found.get(name)])
    for name, (origin, _, expected) in CHANGED.items():
        if expected <= {DIRTY, CORRUPT}:
            mapped = found[name].extents == found[origin].extents and found[name].image.get("state") == "ok"
            out.check(mapped and found[name].extents, f"{name} is mapped as {origin} is", [found[name].image.get("state")])
        else:
            out.check(not found[name].extents, f"{name}: nothing is guessed", found[name].extents[:3])
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
