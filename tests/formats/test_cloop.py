#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# cloop: everything is compressed, so the map is one entry, as qemu-img has it; the content shows that each block is found.

import struct

import harness
import guest
import place
import qemu
from builders import cloop

KIB, MIB = guest.KIB, guest.MIB


def is_compressed(outcome, length):
    """Notes, unless the map is one compressed entry of that length, or an empty disk's."""
    if outcome.code != 0:
        return [f"exit code {outcome.code}", outcome.err.strip()]
    entries = qemu.entries(outcome)
    right = len(entries) == 1 and entries[0]["length"] == length and "offset" not in entries[0]
    right = right and entries[0]["compressed"] == entries[0]["data"] == (length > 0)
    return [] if right else [str(entries[:4])]


def text(number, length):
    return (f"block {number} " * (length // 8 + 1)).encode()[:length]


def noise(here, length):
    return harness.generator(here.options.seed, "cloop", length).randbytes(length)


def images(here):
    yield "of three blocks", cloop.Image([text(0, 65536), b"", text(2, 99)])
    yield "of no blocks", cloop.Image([])
    yield "blocks of 512 bytes", cloop.Image([text(n, 512) for n in range(300)], block_size=512)
    yield "blocks of 2560 bytes", cloop.Image([text(n, 2560) for n in range(9)], block_size=2560)
    yield "blocks of 4 MiB", cloop.Image([text(0, 4 * MIB), noise(here, 4 * MIB)], block_size=4 * MIB)
    yield "blocks that do not get smaller", cloop.Image([noise(here, n) for n in (65536, 65535)])
    yield "blocks that are only stored", cloop.Image([text(n, 65536) for n in range(3)], level=0)
    yield "a gap before the first block", cloop.Image([text(n, 65536) for n in range(3)], gap=4321)
    yield "a table of several reads", cloop.Image([text(n, 512) if n % 1000 == 0 else b"" for n in range(20000)], block_size=512)


def test_the_map_is_one_compressed_extent(here):
    for number, (what, image) in enumerate(images(here)):
        name = f"image{number}.cloop"
        size = len(image.blocks) * image.block_size
        here.write(name, image.bytes())
        here.report(f"map is one compressed extent: {what}", is_compressed(here.map(name), size))
        here.report(f"map equals qemu-img: {what}", guest.compare_maps(here.options, name, cwd=here.directory,
                                                                         compare_json=qemu.compare_but_compressed)[1])
        here.has_content(what, name, size, image.content())
        here.converts(what, name)
    window = here.map("image0.cloop", "-s", "1000", "-l", "70000")
    here.report("a window of a map", is_compressed(window, 70000))


def test_another_script_is_a_cloop_and_another_version_is_raw(here):
    """The second line makes it a cloop; QEMU wants a third one that newer tools do not write, and else says raw."""
    image = cloop.Image([text(0, 65536)], script=b"#!/bin/sh\n#V2.0 Format\nexit 1\n")
    here.write("other.cloop", image.bytes())
    here.report("another script", is_compressed(here.map("other.cloop"), 65536))
    theirs = qemu.qemu_map(["-f", "cloop", "--output=json", "other.cloop"], cwd=here.directory)
    notes = qemu.compare_but_compressed("-f cloop", theirs, here.map("other.cloop", "-f", "cloop"))
    here.report("another script, -f cloop as qemu-img", notes)
    here.write("old.cloop", image.bytes().replace(b"V2.0", b"V1.0"))
    here.report("another version is raw, as for QEMU", guest.compare_maps(here.options, "old.cloop", cwd=here.directory)[1])


def test_more_than_2_tib_are_mapped(here):
    """QEMU counts sectors in 32 bits: a disk of 3 TiB has 1 TiB there."""
    blocks = 3 * MIB * MIB // (64 * MIB)
    data = cloop.SCRIPT.ljust(128, b"\0") + struct.pack(">II", 64 * MIB, blocks) + struct.pack(">Q", 10 * MIB) * (blocks + 1)
    here.write("large.cloop", data)
    here.report("more than 2 TiB", is_compressed(here.map("large.cloop"), 3 * MIB * MIB))


SOME = [b"first" * 500, b"", b"third" * 999]

REFUSED = {
    "a descending offset": (cloop.Image(SOME, shift={1: 1 << 20}), "block 1: from ", True),
    "a descending offset after the first read of the table": (cloop.Image([b""] * 9000, 512, shift={8192: -99}), "block 8191: from ", True),
    "a descending offset of the end": (cloop.Image(SOME, shift={3: -400}), "block 2: from ", True),
    "an offset above 2^63": (cloop.Image(SOME, shift={3: 1 << 63}), "block 2: from ", True),
    "only offsets above 2^63": (cloop.Image([], shift={0: 1 << 63}), "block -1: from ", False),
    "a block of more than 128 MiB": (cloop.Image(SOME, shift={3: (128 << 20) + 1}), "block 2: 134217", True),
    "blocks of 5000 bytes": (cloop.Image(SOME, block_size=5000), "blocks of 5000 bytes", True),
    "blocks of no byte": (cloop.Image([b""], block_size=0), "blocks of 0 bytes", True),
    "blocks of more than 64 MiB": (cloop.Image([], block_size=(64 << 20) + 512), "blocks of 67109376 bytes", True),
    "more blocks than QEMU's bound": (cloop.Image([], count=1 << 26), "67108864 blocks", True),
    "all the blocks that fit the header": (cloop.Image([], count=0xffffffff), "4294967295 blocks", True),
    "a table that is cut": (cloop.Image(SOME, count=4000000), "block ", True),
}


def test_broken_images_are_refused(here):
    for number, (what, (image, words, qemu_too)) in enumerate(REFUSED.items()):
        name = f"refused{number}.cloop"
        here.write(name, image.bytes())
        here.refused(what, name, words, qemu_too)


def test_a_cut_image_keeps_its_map(here):
    """A table of zeroes is in order; blocks that are not there cannot be read, by nobody."""
    here.write("zeroes.cloop", cloop.SCRIPT.ljust(128, b"\0") + struct.pack(">II", 65536, 1000000))
    here.report("a table of zeroes past the end is one extent", is_compressed(here.map("zeroes.cloop"), 65536 * 1000000))
    here.write("cut.cloop", cloop.Image(SOME).bytes()[:-len(cloop.Image(SOME).packed()[2]) + 2])
    here.report("a cut image keeps its map", is_compressed(here.map("cut.cloop"), 3 * 65536))
    here.converts("a cut block, which neither can read", "cut.cloop")


def test_a_scan_finds_what_is_cut(here):
    whole = cloop.Image(SOME).bytes()
    here.write("whole.cloop", whole)
    here.write("cut.cloop", whole[:-1])
    here.found_cut("a byte of the last block", ["cut.cloop"])


TESTS = (
    test_the_map_is_one_compressed_extent,
    test_another_script_is_a_cloop_and_another_version_is_raw,
    test_more_than_2_tib_are_mapped,
    test_broken_images_are_refused,
    test_a_cut_image_keeps_its_map,
    test_a_scan_finds_what_is_cut,
)


def main():
    return place.run(TESTS, guest.parser("cloop images against known content and qemu-img."))


if __name__ == "__main__":
    harness.main(main)
