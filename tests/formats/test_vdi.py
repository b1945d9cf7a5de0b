#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# VDI: qemu-img is right about the map of images without a parent; of differencing images, which it refuses, the builder
# knows what is where. What a guest reads is known for all of them.

import os

import harness
import guest
import holes
import place
import qemu
from builders import vdi

KIB, MIB = guest.KIB, guest.MIB


def pattern(number, length=vdi.BLOCK):
    """Different in each block, and in each sector of it."""
    return b"".join(f"block {number} sector {at:<10}".encode().ljust(512, b".") for at in range(-(-length // 512)))[:length]


def same_as_qemu(here, what, name):
    """The map in both outputs, windows of it, and the content."""
    theirs, notes = guest.compare_maps(here.options, name, cwd=here.directory)
    for window in ("-s", "1500k", "-l", "2M"), ("-s", "3145727"), ("-l", "512"):
        words = ["--output=json", *window]
        notes += qemu.compare_runs(qemu.compare_json, " ".join(window), lambda words=words: qemu.qemu_map([name], words, here.directory),
                                   lambda words=words: qemu.imgaudit_map(here.options.imgaudit, name, words, here.directory))[2]
    if theirs.code != 0:
        notes.append(f"qemu-img refused it: {theirs.err.strip()}")
    here.report(f"map equals qemu-img: {what}", notes)
    here.converts(what, name)


def has_content(here, what, name, *chain):
    here.has_content(what, name, -(-chain[0].size // vdi.SECTOR) * vdi.SECTOR, vdi.content(*chain))


# -- Made by qemu-img -------------------------------------------------------------------------------------------------

def random_commands(rng, size):
    for _ in range(rng.randrange(8) if size else 0):
        at = rng.randrange(size) // 512 * 512
        length = min(rng.choice([512, 64 * KIB, MIB, 3 * MIB]), size - at)
        yield rng.choice([f"write -P {rng.randrange(1, 256)} {at} {length}"] * 3 + [f"write -z {at} {length}", f"discard {at} {length}"])


def test_images_made_by_qemu_map_and_read_as_for_qemu_img(here):
    for index in range(here.options.count):
        rng = harness.generator(here.options.seed, "vdi", index)
        size = rng.choice([0, 512, MIB, 5 * MIB, 12 * MIB - 512, rng.randrange(24 * MIB) // 512 * 512])
        choices = rng.choice([[], ["-o", "static=on"]])
        name = f"{index}.vdi"
        qemu.must("qemu-img", "create", "-q", "-f", "vdi", *choices, name, size, cwd=here.directory)
        commands = list(random_commands(rng, size))
        if commands:
            guest.qemu_io(name, *commands, form="vdi", cwd=here.directory)
        what = f"image {index}, {size} bytes, {' '.join(choices[1:]) or 'dynamic'}"
        same_as_qemu(here, what, name)
        for kind, copy in holes.COPIES.items():
            if copy(here.path(name), here.path(kind + name)):
                same_as_qemu(here, f"{what}, {kind}", kind + name)


# -- Made by the builder, and read by qemu-img too --------------------------------------------------------------------

def some_blocks(*indexes):
    return {index: pattern(index) for index in indexes}


LARGE = 40000  # blocks: more than two reads of the map

ALONE = {
    "of VirtualBox's layout": vdi.Image(6 * MIB, some_blocks(1, 2, 4), map_offset=4096, data_offset=MIB),
    "of an odd size": vdi.Image(3 * MIB + 1000, some_blocks(0, 3)),
    "one byte long": vdi.Image(1, {0: b"\x55" * 512}),
    "with blocks out of order": vdi.Image(8 * MIB, some_blocks(0, 1, 2, 3, 5, 6), order=[3, 0, 1, 2, 6, 5]),
    "with discarded blocks": vdi.Image(8 * MIB, some_blocks(1, 6) | {0: vdi.ZERO, 2: vdi.ZERO, 4: vdi.ZERO, 7: vdi.ZERO}),
    "with a map of more entries than the disk needs": vdi.Image(2 * MIB, some_blocks(0, 1), entries=700),
    "static, with holes in the host file": vdi.Image(5 * MIB, {i: pattern(i, 64 * KIB * i) for i in range(5)}, vdi.STATIC),
    "static, blocks out of order": vdi.Image(5 * MIB, {i: pattern(i, 99 * KIB) for i in range(5)}, vdi.STATIC, order=[4, 2, 0, 1, 3]),
    "static, with a free block": vdi.Image(4 * MIB, some_blocks(0, 2), vdi.STATIC),
    "an undo image without a parent": vdi.Image(3 * MIB, some_blocks(1), vdi.UNDO),
    "a differencing image without a parent": vdi.Image(3 * MIB, some_blocks(1) | {0: vdi.ZERO}, vdi.DIFFERENCING),
    "with a large map": vdi.Image(LARGE * MIB, {i: pattern(i, 4096) for i in (0, 16383, 16384, 16385, 32768, LARGE - 1)},
                                  order=[16383, 16384, 16385, LARGE - 1, 0, 32768]),
    "with two places of one block": vdi.Image(3 * MIB, some_blocks(0) | {1: 0}),
    "with the largest number of a block": vdi.Image(5 * MIB, {0: 0xfffffffc, 1: 0xfffffffd, 2: vdi.ZERO, 3: vdi.FREE, 4: 0}),
}


def test_built_images_map_and_read_as_built(here):
    for number, (what, image) in enumerate(ALONE.items()):
        name = f"alone{number}.vdi"
        image.write(here.path(name))
        same_as_qemu(here, what, name)
        if all(isinstance(block, bytes) or block == vdi.ZERO for block in image.blocks.values()):
            has_content(here, what, name, image)


def test_what_a_cut_takes_reads_as_zeroes(here):
    """Ends in the middle of a block, of a sector, before all blocks, in the map. Zeroes follow, as QEMU has it."""
    for kind, word in (vdi.DYNAMIC, "dynamic"), (vdi.STATIC, "static"):
        image = vdi.Image(4 * MIB, some_blocks(0, 1, 3), kind)
        for end in image.place_of(3) + 4096, image.place_of(3) + 5000, image.place_of(1), image.place_of(0) + 1, 1024, 520, 512:
            name = f"{word}-{end}.vdi"
            image.write(here.path(name))
            os.truncate(here.path(name), end)
            same_as_qemu(here, f"{word}, cut at byte {end}", name)


# -- Differencing -----------------------------------------------------------------------------------------------------

def expected_entries(*chain):
    """[start, length, depth, zero, offset or None], from the builder's word alone."""
    entries = []
    size = chain[0].size
    for index in range(-(-size // vdi.BLOCK)):
        depth = 0
        while depth < len(chain) - 1 and chain[depth].blocks.get(index, vdi.FREE) == vdi.FREE:
            depth += 1
        data = isinstance(chain[depth].blocks.get(index), bytes)
        start = index * vdi.BLOCK
        entry = [start, min(vdi.BLOCK, size - start), depth, not data, chain[depth].place_of(index) if data else None]
        last = entries[-1] if entries else None
        if last and last[2:4] == entry[2:4] and (not data or last[4] + last[1] == entry[4]):
            last[1] += entry[1]
        else:
            entries.append(entry)
    return entries


def map_entries(outcome):
    return [[e["start"], e["length"], e["depth"], e["zero"], e.get("offset")] for e in qemu.entries(outcome)]


def check_chain(here, what, name, *chain):
    ours = here.map(name)
    notes = [f"exit code {ours.code}", ours.err.strip()]
    if ours.code == 0:
        expected, got = expected_entries(*chain), map_entries(ours)
        wrong = [e for e in qemu.entries(ours) if not e["present"] or e["data"] == e["zero"] or e["compressed"]]
        notes = [f"expected {expected}", f"got      {got}"] if expected != got else [f"odd entry {e}" for e in wrong]
    here.report(f"map is as built: {what}", notes)
    has_content(here, what, name, *chain)


def three_generations():
    base = vdi.Image(8 * MIB + 512, some_blocks(0, 1, 2, 3, 8) | {4: vdi.ZERO})
    middle = vdi.child(base, 2, {1: pattern("middle 1"), 2: vdi.ZERO, 5: pattern("middle 5"), 4: pattern("middle 4")}, order=[5, 4, 1])
    top = vdi.child(middle, 3, {1: vdi.ZERO, 2: pattern("top 2"), 6: pattern("top 6"), 8: pattern("top 8")})
    return base, middle, top


def test_differencing_chains_map_and_read_as_built(here):
    base, middle, top = three_generations()
    for name, image in ("base.vdi", base), ("middle.vdi", middle), ("top.vdi", top):
        image.write(here.path(name))
    check_chain(here, "a child of a parent beside it", "middle.vdi", middle, base)
    check_chain(here, "three generations", "top.vdi", top, middle, base)
    ours = here.map("top.vdi", "--filenames", "-s", "5M", "-l", "2M")
    files = [(e["start"], os.path.basename(e["filename"])) for e in qemu.entries(ours)] if ours.code == 0 else ours.err
    here.report("a window of a chain names the files", [] if files == [(5 * MIB, "middle.vdi"), (6 * MIB, "top.vdi")] else [str(files)])
    here.report("qemu-img refuses a differencing image", [] if qemu.qemu_map(["top.vdi"], cwd=here.directory).code == 1 else ["no"])


def test_snapshots_in_a_machines_folder_find_their_parents(here):
    """As VirtualBox keeps a machine: its disk, and a folder of snapshots that are called by their UUIDs."""
    base, middle, top = three_generations()
    os.makedirs(here.path("Snapshots"))
    child = lambda image: os.path.join("Snapshots", f"{{{image.own}}}.vdi")
    base.write(here.path("disk.vdi"))
    for image in middle, top:
        image.write(here.path(child(image)))
    check_chain(here, "snapshots in a folder below the disk's", child(top), top, middle, base)


def test_free_blocks_are_the_parents_in_every_kind_of_child(here):
    """What is free is the parent's because there is a parent, whatever the type says."""
    base = vdi.Image(4 * MIB, some_blocks(0, 1, 2, 3))
    base.write(here.path("base.vdi"))
    for kind, word in (vdi.DYNAMIC, "dynamic"), (vdi.UNDO, "undo"), (vdi.STATIC, "static"):
        image = vdi.child(base, 20 + kind, {1: pattern(word), 2: vdi.ZERO})
        image.kind = kind
        image.write(here.path(f"{word}.vdi"))
        check_chain(here, f"{word} with a parent", f"{word}.vdi", image, base)


def test_extra_bytes_before_blocks_are_not_the_guests(here):
    """VirtualBox may keep bytes of its own before each block; QEMU takes them for the guest's."""
    image = vdi.Image(5 * MIB, some_blocks(0, 1, 3), extra=4096)
    image.write(here.path("extra.vdi"))
    check_chain(here, "extra bytes before each block", "extra.vdi", image)


# -- What is refused, and what is found --------------------------------------------------------------------------------

REFUSED = {
    "version 1.0": (vdi.Image(MIB, version=0x00010000), "vdi version 1.0", True),
    "version 0.1": (vdi.Image(MIB, version=1), "vdi version 0.1", True),
    "a block map off a sector": (vdi.Image(MIB, map_offset=520, data_offset=2048), "block map at unaligned offset 0x208", True),
    "blocks off a sector": (vdi.Image(MIB, data_offset=1025), "from unaligned offset 0x401", True),
    "sectors of 4096 bytes": (vdi.Image(MIB, sector_size=4096), "sectors of 4096 bytes", True),
    "blocks of 2 MiB": (vdi.Image(MIB, block_size=2 * MIB), "blocks of 2097152 bytes", True),
    "a map too small for the disk": (vdi.Image(3 * MIB, entries=2), "block map of 2 entries is too small for 3145728 bytes", True),
    "a size above 2^63": (vdi.Image(1 << 63, entries=1), "disk size above 2^63 - 1", True),
    "a size that does not fit any map": (vdi.Image((1 << 63) - 1, entries=1), "too small for 9223372036854775807 bytes", True),
    "a parent's modification without a parent": (vdi.Image(MIB, parent_modification=vdi.name(9)), "parent that has no uuid", True),
    "an unknown image type": (vdi.Image(MIB, kind=5), "image type 5", False),
    "extra bytes that no VirtualBox writes": (vdi.Image(MIB, extra=1000), "1000 extra bytes", False),
}


def test_broken_images_are_refused(here):
    for number, (what, (image, words, qemu_too)) in enumerate(REFUSED.items()):
        name = f"refused{number}.vdi"
        image.write(here.path(name))
        here.refused(what, name, words, qemu_too, "vdi")


def test_a_map_larger_than_the_file_is_refused(here):
    """512 bytes that claim the largest disk: QEMU reads 512 million entries of zeroes."""
    with open(here.path("hostile.vdi"), "wb") as file:
        file.write(dict(vdi.seeds())["largest"])
    ours = here.map("hostile.vdi")
    here.report("refused: a map of 2 GiB in a file of 512 bytes", [] if ours.code == 1 and "in a file of 512 bytes" in ours.err
                 else [f"exit code {ours.code}: {ours.err.strip()}"])


def test_a_parent_must_be_there_and_be_the_only_one(here):
    base, middle, _ = three_generations()
    middle.write(here.path("child.vdi"))
    here.refused("a parent that is nowhere", "child.vdi", f"no image of identity uuid {base.own}")
    base.write(here.path("base.vdi"))
    here.report("found again", [] if here.map("child.vdi").code == 0 else ["not found"])
    base.write(here.path("copy.vdi"))
    here.refused("a parent that two files claim to be", "child.vdi", "both have the parent's identity")
    os.unlink(here.path("copy.vdi"))
    os.link(here.path("base.vdi"), here.path("link.vdi"))
    here.report("a hard link of the parent is no second one", [] if here.map("child.vdi").code == 0 else ["refused"])
    os.unlink(here.path("link.vdi"))
    os.unlink(here.path("base.vdi"))
    vdi.Image(MIB, own=base.own, version=0x20000).write(here.path("base.vdi"))
    here.refused("a parent that cannot be read", "child.vdi", f"no image of identity uuid {base.own}")
    itself = vdi.child(vdi.Image(MIB, own=vdi.name(7)), 7)
    itself.write(here.path("itself.vdi"))
    here.refused("an image that is its own parent", "itself.vdi", f"no image of identity uuid {itself.own}")
    itself.write(here.path("itself-too.vdi"))
    here.refused("a copy of an image that is its own parent", "itself.vdi", "the chain comes back to")


def test_a_scan_finds_what_is_cut(here):
    whole = vdi.Image(4 * MIB, some_blocks(0, 1))
    for name, end in ("whole", whole.place_of(1) + MIB), ("cut", whole.place_of(1) + 100), ("short", whole.place_of(1) + MIB - 1):
        whole.write(here.path(f"{name}.vdi"))
        os.truncate(here.path(f"{name}.vdi"), end)
    last = vdi.Image(MIB + 1000, some_blocks(0, 1), own=vdi.name(50))
    last.write(here.path("enough.vdi"))
    os.truncate(here.path("enough.vdi"), last.place_of(1) + 1024)
    here.found_cut("a byte of a block, not what follows the disk's end", ["cut.vdi", "short.vdi"])


def test_a_scan_finds_parents_by_uuid_and_those_modified_since(here):
    """Parents by their UUIDs, one of them modified since: its modification UUID is another one."""
    os.makedirs(here.path("Snapshots"))
    base, middle, top = three_generations()
    base.modification = vdi.name(0x999)
    base.write(here.path("base.vdi"))
    middle.write(here.path("Snapshots/middle.vdi"))
    top.write(here.path("Snapshots/top.vdi"))
    rows = here.scan(".")
    layers = rows("SELECT layer_path FROM v_chain WHERE path LIKE '%/top.vdi' ORDER BY depth")
    names = [os.path.basename(row["layer_path"]) for row in layers]
    here.report("a scan finds parents by their UUIDs", [] if names == ["top.vdi", "middle.vdi", "base.vdi"] else [str(names)])
    findings = rows("SELECT path, code, detail FROM v_finding WHERE NOT cleared")
    expected = f"expected modification uuid {vdi.name(0x101)}, and it has modification uuid {base.modification}"
    right = [f["code"] == "parent-mismatch" and f["path"].endswith("/middle.vdi") and expected in f["detail"] for f in findings]
    here.report("a scan finds the parent that was modified, and no other", [] if right == [True] else [str(findings)])


TESTS = (
    test_images_made_by_qemu_map_and_read_as_for_qemu_img,
    test_built_images_map_and_read_as_built,
    test_what_a_cut_takes_reads_as_zeroes,
    test_differencing_chains_map_and_read_as_built,
    test_snapshots_in_a_machines_folder_find_their_parents,
    test_free_blocks_are_the_parents_in_every_kind_of_child,
    test_extra_bytes_before_blocks_are_not_the_guests,
    test_broken_images_are_refused,
    test_a_map_larger_than_the_file_is_refused,
    test_a_parent_must_be_there_and_be_the_only_one,
    test_a_scan_finds_what_is_cut,
    test_a_scan_finds_parents_by_uuid_and_those_modified_since,
)


def main():
    return place.run(TESTS, guest.parser("VDI images against qemu-img and known content.", count=8))


if __name__ == "__main__":
    harness.main(main)
