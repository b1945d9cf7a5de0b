#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Growing disks of Bochs. qemu-img's map has nothing of them but their size, so the builder decides what is where; qemu-img
# convert and the builder agree on what a guest reads.

import harness
import guest
import place
import qemu
from builders import bochs

KIB, MIB = guest.KIB, guest.MIB
SECTOR = bochs.SECTOR


def pattern(number):
    return f"sector {number}".encode().ljust(SECTOR, b".")


def sectors(*numbers):
    return {number: pattern(number) for number in numbers}


# What qemu-img prints of an empty disk.
EMPTY = '[{ "start": 0, "length": 0, "depth": 0, "present": false, "zero": false, "data": false, "compressed": false}]\n'


def state_of(image, sector):
    """(zero, offset or None) of a sector, from the builder's word alone."""
    if sector * SECTOR // image.extent not in image.order():
        return True, None
    return sector not in image.sectors, image.place_of(sector)


def expected_entries(image):
    """[start, length, zero, offset or None]."""
    entries = []
    for sector in range(image.size // SECTOR):
        zero, offset = state_of(image, sector)
        entry = [sector * SECTOR, SECTOR, zero, offset]
        last = entries[-1] if entries else None
        joined = last and last[2] == zero and (offset == last[3] if None in (offset, last[3]) else offset == last[3] + last[1])
        if joined:
            last[1] += SECTOR
        else:
            entries.append(entry)
    return entries


def cut_window(entries, start, end):
    """The same entries, cut to [start, end)."""
    for at, length, zero, offset in entries:
        first, last = max(at, start), min(at + length, end)
        if first < last:
            yield [first, last - first, zero, None if offset is None else offset + first - at]


def map_entries(outcome):
    return [[e["start"], e["length"], e["zero"], e.get("offset")] for e in qemu.entries(outcome)]


def compare_entries(outcome, expected):
    if outcome.code != 0:
        return [f"exit code {outcome.code}", outcome.err.strip()]
    odd = [e for e in qemu.entries(outcome) if e["depth"] or not e["present"] or e["data"] == e["zero"] or e["compressed"]]
    got = map_entries(outcome)
    return [f"odd entry {e}" for e in odd] + ([f"expected {expected[:8]}", f"got      {got[:8]}"] if got != expected else [])


def check_image(here, what, name, image):
    """The map, a window of it, and the content."""
    here.write(name, image.bytes())
    expected = expected_entries(image)
    empty = ["not the entry of an empty disk"] if image.size == 0 and here.map(name).out != EMPTY else []
    notes = compare_entries(here.map(name), expected) if image.size else empty
    start, end = image.size // 3, image.size // 3 * 2
    if end > start:
        window = here.map(name, "-s", str(start), "-l", str(end - start))
        notes += compare_entries(window, list(cut_window(expected, start, end)))
    here.report(f"map is as built: {what}", notes)
    here.has_content(what, name, image.size // SECTOR * SECTOR, image.content())
    here.converts(what, name)


IMAGES = {
    "empty": bochs.Image(1 * MIB),
    "of no size": bochs.Image(0),
    "version 1": bochs.Image(256 * KIB, sectors(3, 4, 5, 16, 100), version=bochs.V1),
    "version 2": bochs.Image(256 * KIB, sectors(3, 4, 5, 16, 100)),
    "first and last sector": bochs.Image(256 * KIB, sectors(0, 511)),
    "all written, in order": bochs.Image(64 * KIB, sectors(*range(128))),
    "size not a multiple of an extent": bochs.Image(42 * SECTOR, sectors(40, 41, 42, 43)),
    "size not a multiple of a sector": bochs.Image(42 * SECTOR + 511, sectors(40, 41, 42)),
    "extents out of order": bochs.Image(256 * KIB, sectors(1, 9, 17, 80), allocated=[10, 2, 0, 1, 31]),
    "extents of a sector": bochs.Image(32 * KIB, sectors(0, 1, 2, 9, 63), extent=512, entries=64),
    "extents of 64 KiB": bochs.Image(MIB, sectors(*range(0, 1000, 7)), extent=64 * KIB, entries=16),
    "extents of 8 MiB": bochs.Image(20 * MIB, sectors(0, 16383, 16384, 32767, 40000), extent=8 * MIB, entries=3),
    "bitmaps longer than needed": bochs.Image(256 * KIB, sectors(1, 9, 80), bitmap=513),
    "a catalog of several reads": bochs.Image(40000 * 4096, sectors(0, 16383 * 8, 16384 * 8, 40000 * 8 - 1), entries=65536),
    "a longer header": bochs.Image(256 * KIB, sectors(3, 80), header_size=4096),
}


def test_maps_and_contents_equal_qemu_imgs(here):
    for number, (what, image) in enumerate(IMAGES.items()):
        check_image(here, what, f"image{number}.bochs", image)


def test_random_images_map_and_read_as_qemu_img_has_them(here):
    for index in range(here.options.count):
        rng = harness.generator(here.options.seed, "bochs", index)
        extent = rng.choice([512, 1024, 4096, 32 * KIB])
        size = rng.randrange(1, 400) * 512
        written = sectors(*(s for s in range(size // SECTOR) if rng.random() < rng.choice([0.05, 0.5, 0.95])))
        extents = list(range(-(-size // extent)))
        allocated = [e for e in extents if any(s * SECTOR // extent == e for s in written) or rng.random() < 0.1]
        rng.shuffle(allocated)
        image = bochs.Image(size, written, extent, rng.choice([bochs.V1, bochs.V2]), len(extents) + rng.randrange(9), allocated=allocated)
        check_image(here, f"random image {index}", f"random{index}.bochs", image)


def test_what_lies_past_the_end_reads_as_zeroes(here):
    """What lies past the end reads as zeroes, as QEMU has it: bits of a bitmap, and sectors."""
    image = bochs.Image(256 * KIB, sectors(1, 2, 30, 31, 100))
    for end in image.place_of(100), image.place_of(31) + 100, image.place_of(30) - 1300, image.place_of(1) - 600, 2000, 512:
        name = f"cut{end}.bochs"
        here.write(name, image.bytes()[:end])
        here.converts(f"cut at byte {end}", name)
        ours = here.map(name)
        kept = [e for e in qemu.entries(ours) if e["zero"] and "offset" in e] if ours.code == 0 else []
        lost = [str(e) for e in kept if e["offset"] + e["length"] > end] if ours.code == 0 else [ours.err]
        here.report(f"no zero sector is called kept past the end: cut at byte {end}", lost)


def test_a_scan_finds_what_is_cut(here):
    image = bochs.Image(64 * KIB, sectors(1, 2, 30))
    whole = image.bytes()
    here.write("whole.bochs", whole)
    here.write("enough.bochs", whole[:image.place_of(30) + SECTOR])
    here.write("cut.bochs", whole[:image.place_of(30) + 511])
    here.write("no-extent.bochs", whole[:image.place_of(1) + 4096])
    here.write("past-the-disk.bochs", bochs.Image(42 * SECTOR, sectors(40, 43)).bytes()[:-5 * SECTOR])
    here.found_cut("a byte of a sector that was written, an extent", ["cut.bochs", "no-extent.bochs"])


REFUSED = {
    "a catalog too small for the disk": (bochs.Image(64 * KIB, entries=15), "catalog of 15 entries is too small for 65536 bytes", True),
    "a catalog above QEMU's bound": (bochs.Image(64 * KIB, entries=(1 << 20) + 1), "catalog of 1048577 entries", True),
    "a size above 2^63": (bochs.Image(1 << 63), "disk size above 2^63 - 1", True),
    "extents of no byte": (bochs.Image(0, extent=0, bitmap=1), "extents of 0 bytes", True),
    "extents of 256 bytes": (bochs.Image(4096, extent=256), "extents of 256 bytes", True),
    "extents of 3 sectors": (bochs.Image(4096, extent=1536), "extents of 1536 bytes", True),
    "extents of 16 MiB": (bochs.Image(4096, extent=16 * MIB, bitmap=4096), "extents of 16777216 bytes", True),
    "bitmaps too small for the extents": (bochs.Image(8 * MIB, extent=8 * MIB, bitmap=512), "bitmaps of 512 bytes for extents of 16384 sectors", False),
    "bitmaps of more than 8 MiB": (bochs.Image(4096, bitmap=(8 << 20) + 1), "bitmaps of 8388609 bytes", False),
    "no bitmaps": (bochs.Image(4096, bitmap=0), "bitmaps of 0 bytes", False),
    "an undoable disk": (bochs.Image(4096, kind=b"Undoable"), "no header of a growing bochs disk", True),
    "a volatile disk": (bochs.Image(4096, kind=b"Volatile"), "no header of a growing bochs disk", True),
    "version 3": (bochs.Image(4096, version=0x30000), "no header of a growing bochs disk", True),
    "one extent for all of the disk": (bochs.Image(512 * 4096, sectors(0), catalog=dict.fromkeys(range(512), 0)), "bytes of extents in a file of", False),
}


def test_broken_images_are_refused(here):
    for number, (what, (image, words, qemu_too)) in enumerate(REFUSED.items()):
        name = f"refused{number}.bochs"
        here.write(name, image.bytes())
        here.refused(what, name, words, qemu_too, "bochs")
    here.write("far.bochs", bochs.Image(4096, header_size=0xfffffe00).header())
    here.refused("extents from 4 GiB on", "far.bochs", "extents from 0x100000600 on", qemu_too=False)


def test_other_kinds_and_versions_are_probed_as_raw(here):
    """What is no growing disk of a known version is raw, for both."""
    for kind in b"Undoable", b"Volatile":
        name = kind.decode()
        here.write(name, bochs.Image(4096, kind=kind).bytes())
        here.report(f"probed as QEMU does: {name}", guest.compare_maps(here.options, name, cwd=here.directory)[1])
    here.write("v3", bochs.Image(4096, version=0x30000).bytes())
    here.report("probed as QEMU does: version 3", guest.compare_maps(here.options, "v3", cwd=here.directory)[1])


TESTS = (
    test_maps_and_contents_equal_qemu_imgs,
    test_random_images_map_and_read_as_qemu_img_has_them,
    test_what_lies_past_the_end_reads_as_zeroes,
    test_a_scan_finds_what_is_cut,
    test_broken_images_are_refused,
    test_other_kinds_and_versions_are_probed_as_raw,
)


def main():
    return place.run(TESTS, guest.parser("Growing disks of Bochs, against known content and qemu-img convert.", count=12))


if __name__ == "__main__":
    harness.main(main)
