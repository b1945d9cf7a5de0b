#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# VHD: fixed and dynamic disks map as qemu-img maps them; differencing disks, whose parents qemu-img does not know, have
# the content that libvhdi reads and the builder put there.

import os
import random
import resource
from pathlib import Path

import harness
import holes
import qemu
from builders import vpc
from builders.vpc import Block, Footer, Layout, Parent

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BLOCK = 64 * KIB
NOISE = b"\xee" * 512


class Bench:
    """The programs, the directory, and checks that every group uses. All paths are relative to the directory."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = Path(directory)
        self.tap = harness.Tap()
        self.rng = None

    def verdict(self, passed, name, notes):
        self.tap.check(passed, name, () if passed else notes)

    def write(self, name, data):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name

    def run(self, *command):
        return qemu.execute([str(part) for part in command], self.directory)

    def map(self, image, *options):
        return qemu.imgaudit_map(self.options.imgaudit, image, ["--output=json", *options], self.directory)

    def entries(self, image, *options):
        """The map as tuples: start, length, depth, state, offset."""
        done = self.map(image, *options)
        return [entry_tuple(entry) for entry in qemu.entries(done)] if done.code == 0 else [done.err.strip()]

    def same_map(self, name, image, *options):
        """Both outputs are qemu-img's, byte for byte."""
        notes = []
        for compare, output in ((qemu.compare_json, "json"), (qemu.compare_human, "human")):
            words = [f"--output={output}", "-f", "vpc", *options]
            notes += qemu.compare_runs(compare, output, lambda w=words: qemu.qemu_map([image], w, self.directory),
                                       lambda w=words: qemu.imgaudit_map(self.options.imgaudit, image, w, self.directory))[2]
        if not notes and qemu.qemu_map([image], ["-f", "vpc"], self.directory).code != 0:
            notes = ["qemu-img refuses the image too"]
        self.verdict(not notes, f"map equals qemu-img: {name}", notes)

    def expect(self, name, image, expected, *options):
        got = self.entries(image, *options)
        self.verdict(got == expected, f"map by hand: {name}", [f"expected {expected}", f"got      {got}"])

    def refused(self, name, image, words, *options, both=True):
        """Exit 1 with a message that has these words; qemu-img too, or not."""
        ours = self.map(image, *options)
        theirs = qemu.qemu_map([image], ["--output=json", *options], self.directory)
        passed = ours.code == 1 and words in ours.err and ours.out == "" and (theirs.code != 0) == both
        self.verdict(passed, f"refused: {name}", [f"code {ours.code}: {ours.err.strip()}", f"qemu-img: {theirs.code} {theirs.err.strip()}"])

    def guest(self, image, form="vpc"):
        """What a guest reads, by our map."""
        target = self.directory / "guest.raw"
        done = self.run(self.options.read_guest, "-f", form, image, target)
        return target.read_bytes() if done.code == 0 else done.err.strip().encode()

    def same_content(self, name, image, expected, chain=()):
        """By our map, and by libvhdi where `chain` names the image and its parents, against what is known."""
        self.compare_content(f"content by the map: {name}", self.options.read_guest, lambda: self.guest(image), expected)
        if chain:
            self.compare_content(f"libvhdi agrees: {name}", self.options.vhdi_read, lambda: self.vhdi(chain)[0], expected)

    def compare_content(self, name, program, read, expected):
        if not program:
            self.tap.skip(name, "the program that reads it was not built")
            return
        got = read()
        self.verdict(got == expected, name, difference(expected, got))

    def vhdi(self, chain):
        target = self.directory / "vhdi.raw"
        done = self.run(self.options.vhdi_read, target, *chain)
        return (target.read_bytes() if done.code == 0 else done.err.encode()), done.out

    def converted(self, image):
        target = self.directory / "convert.raw"
        done = self.run("qemu-img", "convert", "-U", "-f", "vpc", "-O", "raw", image, target)
        return target.read_bytes() if done.code == 0 else done.err.encode()


def entry_tuple(entry):
    state = "data" if entry["data"] and not entry["zero"] else "sparse" if entry["data"] else "zero" if entry["present"] else "absent"
    return entry["start"], entry["length"], entry["depth"], state, entry.get("offset")


def difference(expected, got):
    if len(expected) != len(got):
        return [f"{len(expected)} bytes expected, {len(got)} got", repr(got[:200])]
    first = next((i for i in range(0, len(got), 512) if expected[i:i + 512] != got[i:i + 512]), None)
    return [] if first is None else [f"first difference in the sector at {first}: {expected[first:first + 16].hex()}, got {got[first:first + 16].hex()}"]


# -- What qemu-img makes ----------------------------------------------------------------------------------------------

def test_images_made_by_qemu_img_map_and_read_as_for_it(bench):
    for index, (size, options) in enumerate([(10 * MIB, ""), (33 * MIB + 512, "force_size=on"), (0, ""), (5 * MIB, "subformat=fixed"),
                                             (7 * MIB + 512, "subformat=fixed,force_size=on"), (600 * MIB, "")]):
        image = f"made{index}.vhd"
        bench.run("qemu-img", "create", "-q", "-f", "vpc", *(["-o", options] if options else []), image, size)
        for _ in range(bench.rng.randint(1, 5) if size else 0):
            length = bench.rng.choice([512, 4096, 65536, 3 * MIB])
            at = bench.rng.randrange(0, size - min(length, size) + 1) // 512 * 512
            bench.run("qemu-io", "-f", "vpc", "-c", f"write -P {bench.rng.randint(1, 255)} {at} {min(length, size - at)}", image)
        name = f"qemu-img create, {size} bytes {options}"
        bench.same_map(name, image)
        bench.same_map(f"{name}, a window", image, "-s", str(size // 3), "-l", str(size // 3))
        for kind, copy in holes.COPIES.items():
            if copy(str(bench.directory / image), str(bench.directory / f"{kind}-{image}")):
                bench.same_map(f"{name}, {kind}", f"{kind}-{image}")
        if size <= 64 * MIB:
            bench.same_content(name, image, bench.converted(image), [image] if size else [])


# -- What the builder makes, and QEMU reads ---------------------------------------------------------------------------

CREATORS = [(b"vpc ", True, True), (b"qemu", True, True), (b"win ", False, True), (b"qem2", False, True), (b"d2v ", False, True),
            (b"CTXS", False, True), (b"tap\0", False, True), (b"wa\0\0", False, False), (b"vbox", False, False), (b"vs  ", False, False)]


def test_the_creator_decides_which_size_counts(bench):
    """By geometry or by the footer's size; the last column: qemu-img before 10.0 thinks so as well."""
    chs, size = (3, 4, 17), 300 * 512
    for creator, by_geometry, settled in CREATORS:
        name = creator.decode().rstrip("\0 ")
        fixed = bench.write(f"fixed-{name}.vhd", vpc.fixed(vpc.pattern(size, 1), Footer(size, creator=creator, chs=chs)))
        dynamic = bench.write(f"dynamic-{name}.vhd", vpc.sparse({1: Block(vpc.pattern(BLOCK, 2))}, Footer(size, creator=creator, chs=chs), Layout(BLOCK)))
        expected = 3 * 4 * 17 * 512 if by_geometry else size
        bench.expect(f"fixed, creator {name}", fixed, [(0, expected, 0, "data", 0)], "-f", "vpc")
        for kind, image in (("fixed", fixed), ("dynamic", dynamic)):
            if settled or qemu.version() >= (10, 0):
                bench.same_map(f"{kind}, creator {name}", image)
        bench.same_content(f"fixed, creator {name}", fixed, vpc.pattern(size, 1)[:expected])
    full = bench.write("full-geometry.vhd", vpc.fixed(vpc.pattern(size, 1), Footer(size, creator=b"vpc ", chs=vpc.MAX_GEOMETRY)))
    bench.same_map("a geometry at its maximum is no size", full)
    most = bench.write("most.vhd", vpc.sparse({}, Footer(2040 * GIB), Layout(2 * MIB)))
    bench.same_map("2040 GiB", most)
    more = bench.write("more.vhd", vpc.sparse({}, Footer(2040 * GIB + 512), Layout(2 * MIB)))
    bench.refused("a sector more than 2040 GiB", more, "2040 GiB")
    chs_zero = bench.write("chs-zero.vhd", vpc.sparse({}, Footer(MIB, creator=b"vpc ", chs=(0, 0, 0)), Layout(BLOCK)))
    bench.same_map("a geometry of nothing", chs_zero)


def test_disks_of_other_makers_map_as_laid_out(bench):
    """Disks with the fields of those that Hyper-V, Virtual PC and disk2vhd made."""
    size, geometry = 127 * GIB, (65278, 16, 255)
    for name, creator, version, gap, expected in (("Hyper-V", b"win ", 0x60003, 4096, size),
                                                  ("Virtual PC", b"vpc ", 0x10000, 512, 65278 * 16 * 255 * 512)):
        footer = Footer(size, creator=creator, creator_version=version, chs=geometry)
        data = vpc.sparse({}, footer, Layout(end_footer=False)) + bytes(gap) + footer.pack()
        image = bench.write(f"{name}.vhd", data)
        bench.expect(f"an empty disk of 127 GiB by {name}", image, [(0, expected, 0, "zero", None)])
        bench.same_map(f"an empty disk of 127 GiB by {name}", image)
    size = 5 * 2 * MIB + 1280 * KIB
    footer = Footer(size, creator=b"d2v\0", creator_version=0x10000, chs=vpc.MAX_GEOMETRY)
    zeroed = vpc.sparse({n: Block(b"") for n in range(6)}, footer, Layout(order=[0, 4, 5, 1, 2, 3]))
    image = bench.write("disk2vhd.vhd", zeroed)
    first, step = 512 + 1024 + 512 + 512, 2 * MIB + 512
    expected = [(n * 2 * MIB, min(2 * MIB, size - n * 2 * MIB), 0, "data", first + at * step) for n, at in enumerate((0, 3, 4, 5, 1, 2))]
    bench.expect("a zeroed disk by disk2vhd", image, expected)
    bench.same_content("a zeroed disk by disk2vhd", image, bytes(size), [image])
    for kind, copy in holes.COPIES.items():
        if copy(str(bench.directory / image), str(bench.directory / f"{kind}-{image}")):
            bench.same_map(f"a zeroed disk by disk2vhd, {kind}", f"{kind}-{image}")


def test_fixed_disks_map_and_read_as_for_qemu_img(bench):
    data = vpc.pattern(MIB, 1)
    plain = bench.write("plain.vhd", vpc.fixed(data))
    bench.same_map("fixed", plain)
    bench.same_content("fixed", plain, data, [plain])
    bench.expect("a fixed disk is raw to a probe, with its footer", plain, [(0, MIB + 512, 0, "data", 0)])
    old = bench.write("old.vhd", vpc.fixed(data, footer_bytes=511))
    bench.same_map("footer of 511 bytes", old)
    bench.same_content("footer of 511 bytes", old, data)
    short = bench.write("short.vhd", vpc.fixed(data, Footer(2 * MIB)))
    bench.same_map("fixed, half of it is not there", short)
    thin = bench.directory / "thin.vhd"
    with open(thin, "wb") as file:
        file.truncate(4 * MIB)
        file.seek(MIB)
        file.write(data)
        file.seek(4 * MIB)
        file.write(Footer(4 * MIB).pack())
    holes.settle(str(bench.directory))
    bench.same_map("fixed, with holes", "thin.vhd")
    bench.same_map("fixed, with holes, a window", "thin.vhd", "-s", "100k", "-l", "1M")
    bench.same_content("fixed, with holes", "thin.vhd", bytes(MIB) + data + bytes(2 * MIB))


def dynamic_variants():
    """name, image bytes"""
    size = 10 * BLOCK
    blocks = {n: Block(vpc.pattern(BLOCK, n)) for n in (1, 2, 3, 7)}
    yield "in order", vpc.sparse(blocks, Footer(size), Layout(BLOCK))
    yield "in another order", vpc.sparse(blocks, Footer(size), Layout(BLOCK, order=[7, 2, 1, 3]))
    yield "gaps, the header elsewhere", vpc.sparse(blocks, Footer(size), Layout(BLOCK, gap=1536, header_at=8192))
    yield "a table larger than the disk", vpc.sparse(blocks, Footer(size), Layout(BLOCK, entries=1000))
    yield "the last block cut", vpc.sparse({7: Block(vpc.pattern(BLOCK, 7))}, Footer(7 * BLOCK + 1536), Layout(BLOCK))
    yield "no footer at the end", vpc.sparse(blocks, Footer(size), Layout(BLOCK, end_footer=False))
    yield "a wrong checksum of its header", vpc.sparse(blocks, Footer(size), Layout(BLOCK, checksum=1))
    yield "sector bits clear", vpc.sparse({2: Block(vpc.pattern(BLOCK, 2), {1, 5})}, Footer(size), Layout(BLOCK))
    yield "two entries of one block", vpc.sparse(blocks, Footer(size), Layout(BLOCK, bat={4: 4, 5: 4}))
    yield "a block on the header", vpc.sparse(blocks, Footer(size), Layout(BLOCK, bat={0: 0}))
    yield "blocks without bitmaps that follow each other", vpc.sparse({}, Footer(30 * 512), Layout(512, bat={3: 1, 4: 2, 5: 3, 9: 3}))
    yield "nothing allocated", vpc.sparse({}, Footer(size), Layout(BLOCK))
    yield "all allocated", vpc.sparse({n: Block(vpc.pattern(BLOCK, n)) for n in range(10)}, Footer(size), Layout(BLOCK))
    for shift in (12, 13, 15, 20, 21):
        yield f"blocks of 2^{shift} bytes", vpc.sparse({1: Block(vpc.pattern(1 << shift, 1)), 2: Block(b"x")}, Footer(5 << shift), Layout(1 << shift))


def test_dynamic_disks_map_and_read_as_for_qemu_img(bench):
    for index, (name, data) in enumerate(dynamic_variants()):
        image = bench.write(f"dynamic{index}.vhd", data)
        bench.same_map(f"dynamic, {name}", image)
        bench.same_map(f"dynamic, {name}, a window", image, "-s", str(BLOCK + 1024), "-l", str(2 * BLOCK))
        bench.same_content(f"dynamic, {name}", image, bench.converted(image))


def broken_variants():
    """name, words of the message, image bytes, qemu-img refuses it too"""
    size = 10 * BLOCK
    data = vpc.pattern(MIB, 1)
    make = lambda footer=None, **layout: vpc.sparse({}, footer or Footer(size), Layout(**{"block_size": BLOCK, **layout}))
    yield "a fixed disk's footer has a wrong checksum", "checksum 0x7, and", vpc.fixed(data, Footer(MIB, checksum=7)), True
    yield "a dynamic disk's footer has a wrong checksum", "checksum 0x7, and", make(Footer(size, checksum=7)), True
    yield "no footer anywhere", "no VHD footer at the beginning or at 0xffe00", data, True
    yield "an empty file", "0 bytes", b"", True
    yield "a dynamic footer at the end alone", "at the end alone", data + make()[:512], True
    yield "a fixed footer at the beginning", "at the beginning", Footer(size).pack() + data, True
    yield "a dynamic header of another name", "no VHD dynamic header at 0x200", make(magic=b"cxsparsf"), True
    yield "a dynamic header past the end", "no VHD dynamic header at 0x100000000", make(Footer(size, data_offset=1 << 32)), True
    yield "a dynamic header at 2^64 - 512", "header at 0xfffffffffffffe00", make(Footer(size, data_offset=(1 << 64) - 512)), True
    yield "blocks of 0 bytes", "block size of 0", vpc.sparse({}, Footer(0), Layout(0, entries=1)), True
    yield "blocks of 3 * 2^15 bytes", "block size of 98304", vpc.sparse({}, Footer(size), Layout(98304)), True
    yield "a table too small", "9 entries is too small for 655360 bytes", make(entries=9), True
    yield "a table of 2^32 - 1 entries", "4294967295 entries", resized_table(make(), 0xffffffff), True
    cut = vpc.sparse({}, Footer(34816, creator=b"qemu", creator_version=0x50003, chs=(1, 4, 17)), Layout(512))[:1028]
    yield "a table whose size is 4 in 32 bits, in a cut header", "1073741825 entries", resized_table(cut, (1 << 30) + 1), True
    yield "a table past the end", "past the end of the file", resized_table(make(), 100000), True
    yield "type 5", "disk type 5", make(Footer(size, type=5)), False
    yield "version 2.0", "version 2.0", make(Footer(size, version=0x20000)), False
    yield "a dynamic header of version 3.1", "header version 3.1", make(version=0x30001), False
    parent = Parent(name="base.vhd")
    yield "a differencing disk's header has a wrong checksum", "checksum 0x7, and", vpc.sparse({}, Footer(size), Layout(BLOCK, checksum=7), parent), False
    yield "a differencing disk without a parent's name", "does not name its parent", vpc.sparse({}, Footer(size), Layout(BLOCK), Parent()), False
    yield "a parent's name that is a directory of Windows", "does not name its parent", vpc.sparse({}, Footer(size), Layout(BLOCK), Parent(name="C:\\vm\\")), False
    yield "a locator past the end", "parent locator 0: 65536 bytes", vpc.sparse({}, Footer(size), Layout(BLOCK, bat_at=1536), Parent(locators=[(b"W2ru", "x" * 32768)]))[:60000], False
    yield "a locator that is too long", "parent locator 0: 65538 bytes", vpc.sparse({}, Footer(size), Layout(BLOCK), Parent(locators=[(b"W2ru", "x" * 32769)])), False
    yield "a differencing disk with blocks of less than a bitmap's byte", "blocks of 2048 bytes", vpc.sparse({}, Footer(size), Layout(2048), parent), False


def resized_table(image, entries):
    """Says that the table has so many entries, and has room for ten."""
    data = bytearray(image)
    data[512 + 28:512 + 32] = entries.to_bytes(4, "big")
    return bytes(data)


def test_broken_images_are_refused(bench):
    for index, (name, words, data, both) in enumerate(broken_variants()):
        bench.refused(name, bench.write(f"broken{index}.vhd", data), words, "-f", "vpc", both=both)
    cut = vpc.sparse({1: Block(b"x")}, Footer(10 * BLOCK), Layout(BLOCK))[:-1024]
    image = bench.write("cut.vhd", cut)
    bench.expect("a block past the end is shown where it should be", image,
                 [(0, BLOCK, 0, "zero", None), (BLOCK, BLOCK, 0, "data", 2560), (2 * BLOCK, 8 * BLOCK, 0, "zero", None)])


# -- Differencing disks -----------------------------------------------------------------------------------------------

def sector_sets(rng, count, unit):
    """Which sectors of a block are here; `unit` of them go together."""
    groups = range(count // unit)
    spread = lambda chosen: {group * unit + n for group in chosen for n in range(unit)}
    yield None
    yield set()
    yield spread(groups[::2])
    yield spread(groups[3:12])
    while True:
        share = rng.choice([0.05, 0.5, 0.95])
        yield spread(group for group in groups if rng.random() < share)


def overlay(below, size, sets, salt, block_size=BLOCK):
    """Blocks of a child, one for each item of sets (number -> sectors), and what is then read. Sectors that are not here
    hold noise."""
    content = bytearray(below[:size].ljust(size, b"\0"))
    blocks = {}
    for number, sectors in sets.items():
        fresh = vpc.pattern(block_size, salt * 1000 + number)
        data = bytearray(fresh)
        for sector in range(block_size // 512):
            at = number * block_size + sector * 512
            if sectors is not None and sector not in sectors:
                data[sector * 512:sector * 512 + 512] = NOISE
            elif at < size:
                content[at:at + 512] = fresh[sector * 512:sector * 512 + 512]
        blocks[number] = Block(bytes(data), sectors)
    return blocks, bytes(content)


def random_sets(rng, size, block_size, unit):
    kinds = sector_sets(rng, block_size // 512, unit)
    count = -(-size // block_size)
    numbers = rng.sample(range(count), rng.randint(0, count))
    return {number: next(kinds) for number in numbers}


def child(bench, name, below, size, sets, number, parent, layout=None):
    layout = layout or Layout(BLOCK)
    blocks, content = overlay(below, size, sets, number, layout.block_size)
    bench.write(name, vpc.sparse(blocks, Footer(size, unique=vpc.identity(number)), layout, parent))
    return content


def test_differencing_extents_are_those_of_arithmetic(bench):
    """Differencing extents against arithmetic."""
    size = 4 * BLOCK
    base = vpc.pattern(size, 1)
    bench.write("hand-base.vhd", vpc.fixed(base, Footer(size, unique=vpc.identity(1))))
    parent = Parent(unique=vpc.identity(1), name="hand-base.vhd")
    content = child(bench, "hand.vhd", base, size, {0: {0, 1, 2, 8, 127}, 2: None, 1: set()}, 2, parent, Layout(BLOCK, order=[1, 2, 0]))
    first = 512 + 1024 + 512 + 512  # footer, header, table, bitmap
    step = BLOCK + 512
    zero = first + 2 * step  # where block 0 is
    expected = [(0, 1536, 0, "data", zero), (1536, 2560, 1, "data", 1536), (4096, 512, 0, "data", zero + 4096),
                (4608, BLOCK - 512 - 4608, 1, "data", 4608), (BLOCK - 512, 512, 0, "data", zero + BLOCK - 512),
                (BLOCK, BLOCK, 1, "data", BLOCK), (2 * BLOCK, BLOCK, 0, "data", first + step), (3 * BLOCK, BLOCK, 1, "data", 3 * BLOCK)]
    bench.expect("differencing, bits of every kind", "hand.vhd", expected)
    window = [(3000, 1096, 1, "data", 3000), (4096, 512, 0, "data", zero + 4096), (4608, 392, 1, "data", 4608)]
    bench.expect("differencing, a window", "hand.vhd", window, "-s", "3000", "-l", "2000")
    bench.same_content("differencing by hand", "hand.vhd", content)


def test_a_run_across_two_reads_of_a_bitmap_is_one_extent(bench):
    """A bitmap that is read in two pieces: a run across the two is one extent."""
    block = 32 * MIB
    size = 2 * block - 1024
    sectors = {0, *range(32760, 32776), 65535}
    bench.write("large-base.vhd", vpc.sparse({}, Footer(size), Layout(block)))
    blocks, content = overlay(b"", size, {0: sectors, 1: {0, 65533, 65534}}, 3, block)
    bench.write("large.vhd", vpc.sparse(blocks, Footer(size, unique=vpc.identity(2)), Layout(block), Parent(name="large-base.vhd")))
    first, second = 512 + 1024 + 512 + 8192, 512 + 1024 + 512 + 8192 + block + 8192
    expected = [(0, 512, 0, "data", first), (512, 32759 * 512, 1, "zero", None), (32760 * 512, 16 * 512, 0, "data", first + 32760 * 512),
                (32776 * 512, (65535 - 32776) * 512, 1, "zero", None), (65535 * 512, 512, 0, "data", first + 65535 * 512),
                (block, 512, 0, "data", second), (block + 512, 65532 * 512, 1, "zero", None), (block + 65533 * 512, 512, 0, "data", second + 65533 * 512)]
    bench.expect("differencing, blocks of 32 MiB", "large.vhd", expected)
    bench.same_content("differencing, blocks of 32 MiB", "large.vhd", content)


def test_random_differencing_chains_read_as_built(bench):
    """Three differencing disks over a fixed and over a dynamic one, at random. libvhdi is asked where it can answer: up to
    2025 it takes all sectors of a bitmap's byte, from the first that is set on, and what pads a bitmap to a sector."""
    for index in range(bench.options.count):
        rng = harness.generator(bench.options.seed, "chains", index)
        asked = index % 4 < 2
        block, unit = (2 * MIB, 8) if asked else (BLOCK, 1)
        size = rng.randint(1, 3 if asked else 12) * block + rng.choice([0, 512, 8192])
        names = [f"chain{index}-0.vhd"]
        if index % 2:
            content = vpc.pattern(size, 50 + index)
            bench.write(names[0], vpc.fixed(content, Footer(size, unique=vpc.identity(1))))
        else:
            content = child(bench, names[0], b"", size, dict.fromkeys(random_sets(rng, size, block, unit)), 1, None, Layout(block))
        for number in (2, 3, 4):
            parent = Parent(unique=vpc.identity(number - 1), name=names[0], locators=[(b"W2ru", ".\\" + names[0])])
            size = size if asked else max(size + rng.choice([-BLOCK, 0, 2 * BLOCK]), BLOCK)
            names.insert(0, f"chain{index}-{number - 1}.vhd")
            content = child(bench, names[0], content, size, random_sets(rng, size, block, unit), number, parent, Layout(block))
        kind = f"three over {'fixed' if index % 2 else 'dynamic'}, {'of one size' if asked else 'of several sizes'}"
        bench.same_content(f"chain {index}, {kind}", names[0], content, names if asked else ())


def test_the_first_path_of_a_parent_that_exists_is_taken(bench):
    """Every way to call a parent; the first path that exists is the one."""
    data = vpc.pattern(2 * BLOCK, 1)
    here = str(bench.directory)
    wrong = "names/wrong.vhd"
    bench.write(wrong, vpc.fixed(vpc.pattern(2 * BLOCK, 9)))
    for index, (name, base, parent) in enumerate([
            ("relative, in this directory", "names/a.vhd", Parent(locators=[(b"W2ru", ".\\a.vhd")])),
            ("relative, without a dot", "names/b.vhd", Parent(locators=[(b"W2ru", "b.vhd")])),
            ("relative, of another directory", "c.vhd", Parent(locators=[(b"W2ru", "..\\c.vhd")])),
            ("relative, a directory below", "names/deep/d.vhd", Parent(locators=[(b"W2ru", ".\\deep\\d.vhd")])),
            ("absolute, of a drive: beside it", "names/e.vhd", Parent(locators=[(b"W2ku", "C:\\vm\\e.vhd")])),
            ("absolute, of a share: beside it", "names/f.vhd", Parent(locators=[(b"W2ku", "\\\\host\\vm\\f.vhd")])),
            ("absolute, of Unix", "g.vhd", Parent(locators=[(b"W2ku", f"{here}/g.vhd")])),
            ("the header's name alone", "names/h.vhd", Parent(name="h.vhd")),
            ("the header's name alone, of a drive", "names/i.vhd", Parent(name="D:\\i.vhd")),
            ("not only of ASCII", "names/\u00e4\u4e2d\U0001f4be.vhd", Parent(name="x", locators=[(b"W2ru", ".\\\u00e4\u4e2d\U0001f4be.vhd")])),
            ("relative before absolute", "names/j.vhd", Parent(name="wrong.vhd", locators=[(b"W2ku", f"{here}/{wrong}"), (b"W2ru", "j.vhd")])),
            ("absolute before the header's", "k.vhd", Parent(name="wrong.vhd", locators=[(b"W2ku", f"{here}/k.vhd")])),
            ("absolute where the relative one is not there", "l.vhd", Parent(locators=[(b"W2ru", "gone.vhd"), (b"W2ku", f"{here}/l.vhd")])),
            ("old Mac OS's is passed by", "names/m.vhd", Parent(name="m.vhd", locators=[(b"MacX", "file://wrong.vhd"), (b"Wi2r", "wrong.vhd")])),
    ]):
        bench.write(base, vpc.fixed(data))
        image = f"names/child{index}.vhd"
        bench.write(image, vpc.sparse({1: Block(vpc.pattern(BLOCK, 2))}, Footer(2 * BLOCK, unique=vpc.identity(2)), Layout(BLOCK), parent))
        at = (bench.directory / image).stat().st_size - 512 - BLOCK
        bench.expect(f"parent, {name}", image, [(0, BLOCK, 1, "data", 0), (BLOCK, BLOCK, 0, "data", at)])
        bench.same_content(f"parent, {name}", image, data[:BLOCK] + vpc.pattern(BLOCK, 2))


def test_missing_and_circular_parents_are_refused(bench):
    make = lambda name, parent: bench.write(name, vpc.sparse({}, Footer(BLOCK), Layout(BLOCK), parent))
    bench.refused("a parent that is not there", make("orphan.vhd", Parent(name="gone.vhd", locators=[(b"W2ru", "..\\lost\\gone.vhd")])), "../lost/gone.vhd", both=False)
    bench.refused("a disk that is its own parent", make("self.vhd", Parent(name="self.vhd")), "comes back to", both=False)
    make("two-a.vhd", Parent(name="two-b.vhd"))
    bench.refused("two disks that are each other's parents", make("two-b.vhd", Parent(name="two-a.vhd")), "comes back to", both=False)
    bench.write("no-vhd.vhd", bytes(4096))
    bench.refused("a parent that is no VHD", make("of-none.vhd", Parent(name="no-vhd.vhd")), "no VHD footer", both=False)


def test_a_parent_without_an_identity_is_raw(bench):
    """A parent whose unique id is all zeroes is a raw disk: libvhd of blktap, vhd_parent_raw()."""
    nobody = vpc.uuid.UUID(int=0)
    data = vpc.pattern(2 * BLOCK, 1)
    disguised = vpc.fixed(vpc.pattern(2 * BLOCK, 3))[:2 * BLOCK]
    end = vpc.fixed(b"x" * BLOCK, Footer(BLOCK))[-512:]
    for name, base in (("plain", data), ("that ends in a footer", data[:-512] + end),
                       ("that begins as a dynamic disk", vpc.sparse({}, Footer(BLOCK), Layout(BLOCK))[:1024] + disguised[1024:])):
        place = "raw-" + name.replace(" ", "-")
        bench.write(place + ".raw", base)
        parent = Parent(unique=nobody, name=place + ".raw", locators=[(b"W2ru", f".\\{place}.raw")])
        image = place + ".vhd"
        bench.write(image, vpc.sparse({1: Block(vpc.pattern(BLOCK, 2))}, Footer(2 * BLOCK, unique=vpc.identity(2)), Layout(BLOCK), parent))
        at = (bench.directory / image).stat().st_size - 512 - BLOCK
        bench.expect(f"a raw parent {name}", image, [(0, BLOCK, 1, "data", 0), (BLOCK, BLOCK, 0, "data", at)])
        bench.same_content(f"a raw parent {name}", image, base[:BLOCK] + vpc.pattern(BLOCK, 2))
    bench.write("known.raw", data)
    bench.write("of-known.vhd", vpc.sparse({}, Footer(2 * BLOCK), Layout(BLOCK), Parent(unique=vpc.identity(1), name="known.raw")))
    bench.refused("a raw parent for which an identity is stated", "of-known.vhd", "no VHD footer", both=False)


# -- What a scan says -------------------------------------------------------------------------------------------------

def test_a_scan_finds_formats_states_and_wrong_parents(bench):
    data = vpc.pattern(4 * BLOCK, 1)
    plain = vpc.sparse({}, Footer(BLOCK), Layout(BLOCK))
    bench.write("scan/base.vhd", vpc.fixed(data, Footer(4 * BLOCK, unique=vpc.identity(1))))
    bench.write("scan/old.vhd", vpc.fixed(data, footer_bytes=511))
    bench.write("scan/guest-wrote-it.raw", data + plain[:512])
    bench.write("scan/cut.vhd", vpc.sparse({1: Block(b"x")}, Footer(4 * BLOCK), Layout(BLOCK))[:-1024])
    bench.write("scan/base-without-suffix", data)
    for name, unique, base in (("right", vpc.identity(1), "base.vhd"), ("wrong", vpc.identity(0x77), "base.vhd"),
                               ("unsaid", vpc.uuid.UUID(int=0), "base-without-suffix")):
        parent = Parent(unique=unique, name=base, locators=[(b"W2ru", ".\\" + base)])
        child(bench, f"scan/{name}.vhd", data, 4 * BLOCK, {0: {1, 2}, 3: None}, 2, parent)
    done = bench.run(bench.options.imgaudit, "scan", "--db", "scan.db", "scan")
    bench.verdict(done.code in (0, 3), "a directory of VHD is scanned", [done.err])
    images = query(bench, "SELECT replace(path, rtrim(path, replace(path, '/', '')), ''), format, virtual_size, state, ifnull(backing_format, '-') FROM v_image ORDER BY 1")
    expected = [f"base-without-suffix,raw,{4 * BLOCK},ok,-", f"base.vhd,vpc,{4 * BLOCK},ok,-", f"cut.vhd,vpc,{4 * BLOCK},truncated,-", f"guest-wrote-it.raw,raw,{4 * BLOCK + 512},ok,-",
                f"old.vhd,vpc,{4 * BLOCK},ok,-", f"right.vhd,vpc,{4 * BLOCK},ok,vpc",
                f"unsaid.vhd,vpc,{4 * BLOCK},ok,raw", f"wrong.vhd,vpc,{4 * BLOCK},ok,vpc"]
    bench.verdict(images == expected, "formats, sizes and states: a footer alone makes a fixed disk only", [*expected, "got:", *images])
    findings = query(bench, "SELECT code, replace(path, rtrim(path, replace(path, '/', '')), ''), detail FROM v_finding WHERE NOT cleared AND code LIKE 'parent%' OR code = 'truncated'")
    mismatch = [line for line in findings if line.startswith("parent-mismatch,wrong.vhd")]
    bench.verdict(len(findings) == 2 and mismatch and str(vpc.identity(0x77)) in mismatch[0] and str(vpc.identity(1)) in mismatch[0],
                    "a parent of another identity is a finding, one of the right or of none is not", findings)
    right, wrong = (bench.entries(f"scan/{name}.vhd") for name in ("right", "wrong"))
    bench.verdict(right == wrong and len(right) > 3, "a parent of another identity: the map is printed all the same", [right, wrong])
    usage = query(bench, "SELECT metadata_bytes, data_bytes FROM v_usage WHERE path LIKE '%/right.vhd'")
    metadata = 2 * 512 + 1024 + 512 + 512 + 2 * 512  # footers, header, locator, table, bitmaps
    bench.verdict(usage == [f"{metadata},{BLOCK + 1024}"], "the account of metadata is right", [f"expected {metadata}", *usage])
    if bench.options.vhdi_read:
        printed = bench.vhdi(["scan/right.vhd", "scan/base.vhd"])[1].splitlines()
        bench.verdict(printed[:2] == [f"identifier {vpc.identity(2)}", f"parent {vpc.identity(1)}"], "libvhdi spells identities as the findings do", printed)


def query(bench, sql):
    done = bench.run(bench.options.imgaudit, "sql", "--db", "scan.db", "--format", "csv", sql)
    return done.out.replace("\r", "").splitlines()[1:] if done.code == 0 else [done.err]


# -- Hostile images ---------------------------------------------------------------------------------------------------

def processor_time():
    """Seconds, of the programs that were run so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_hostile_tables_are_refused_soon(bench):
    """Bounded work: the time is generous, the attack is not."""
    bench.write("host-base.vhd", vpc.sparse({}, Footer(BLOCK), Layout(BLOCK)))
    count = 1 << 18
    for kind, parent in (("dynamic", None), ("differencing", Parent(name="host-base.vhd"))):
        same = vpc.sparse({}, Footer(count * 4096), Layout(4096, bat=dict.fromkeys(range(count), 8)), parent)
        bench.refused(f"{kind}, a quarter of a million entries that name one block", bench.write("same.vhd", same), "lie on each other", both=False)
    start = processor_time()
    many = 2040 * GIB // 4096
    hole = vpc.sparse({}, Footer(2040 * GIB), Layout(4096, entries=0))[:1536]
    with open(bench.directory / "hole.vhd", "wb") as file:
        file.write(resized_table(hole, many))
        file.truncate(1536 + many * 4 + 512)
    ours = bench.map("hole.vhd")
    bench.verdict(ours.code == 1 and "lie on each other" in ours.err, "a table of 2 GiB that is a hole, so that all blocks are at offset 0", [ours.err])
    data = vpc.sparse({}, Footer(2040 * GIB), Layout(1 << 21, entries=1), Parent(name="host-base.vhd"))
    codes = set()
    for _ in range(8):
        patched = bytearray(data)
        patched[512 + 16:512 + 24] = bench.rng.randbytes(8)
        patched[512 + 28:512 + 36] = bench.rng.randbytes(8)
        patched[512 + 36:512 + 40] = vpc.checksum(patched[512:512 + 36] + patched[512 + 40:1536]).to_bytes(4, "big")
        codes.add(bench.map(bench.write("random.vhd", bytes(patched))).code)
    bench.verdict(codes == {1}, "tables of random places and sizes are refused", codes)
    used = processor_time() - start
    bench.verdict(used < 20, "all of that takes no time", [f"{used:.1f} s"])


GROUPS = {
    "made": test_images_made_by_qemu_img_map_and_read_as_for_it,
    "sizes": test_the_creator_decides_which_size_counts,
    "makers": test_disks_of_other_makers_map_as_laid_out,
    "fixed": test_fixed_disks_map_and_read_as_for_qemu_img,
    "dynamic": test_dynamic_disks_map_and_read_as_for_qemu_img,
    "broken": test_broken_images_are_refused,
    "extents": test_differencing_extents_are_those_of_arithmetic,
    "large": test_a_run_across_two_reads_of_a_bitmap_is_one_extent,
    "chains": test_random_differencing_chains_read_as_built,
    "names": test_the_first_path_of_a_parent_that_exists_is_taken,
    "missing": test_missing_and_circular_parents_are_refused,
    "raw-parents": test_a_parent_without_an_identity_is_raw,
    "scan": test_a_scan_finds_formats_states_and_wrong_parents,
    "hostile": test_hostile_tables_are_refused_soon,
}


def main():
    parser = harness.parser(__doc__, 12)
    parser.add_argument("--read-guest", metavar="PATH", help="the program that reads a guest's bytes by our map")
    parser.add_argument("--vhdi-read", metavar="PATH", help="the program that reads them with libvhdi")
    parser.add_argument("--group", choices=GROUPS, help="run these tests alone")
    options = harness.parse(parser)
    for name in ("read_guest", "vhdi_read"):
        setattr(options, name, getattr(options, name) and os.path.realpath(getattr(options, name)))
    with harness.work_directory(options.keep) as directory:
        bench = Bench(options, directory)
        bench.tap.note(f"seed {options.seed}")
        for name, function in GROUPS.items():
            if options.group in (None, name):
                bench.rng = random.Random(f"{options.seed}/{name}")
                function(bench)
        return bench.tap.finish()


harness.main(main)
