#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# VMDK: images of qemu-img's and of our builder, in every variant, map as qemu-img maps them and read as they were
# written; where qemu-img is wrong or silent, the map is what the specification says; broken images are refused.

import json
import os

import harness
import guest
import qemu
from builders import vmdk
from guest import KIB, MIB

GIB = 1024 * MIB
SECTOR = vmdk.SECTOR
GRAIN = 64 * KIB
MAP_KEYS = ("start", "length", "depth", "present", "zero", "data", "compressed", "offset")


class Case:
    """A directory with images, and what is reported about them."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.results = []

    def rng(self, *words):
        return harness.generator(self.options.seed, "vmdk", "/".join(map(str, words)))

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, files):
        for name, data in files.items():
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            with open(self.path(name), "wb") as file:
                file.write(data)

    def map(self, image, *words):
        return qemu.imgaudit_map(self.options.imgaudit, image, ["--output=json", *words], self.directory)

    def check(self, name, notes):
        self.results.append(harness.result(name, notes, guest.again(__file__, self.options)))

    def equal_map(self, name, image, form=None):
        theirs, notes = guest.compare_maps(self.options, image, form, self.directory)
        if theirs.code != 0:
            notes = [f"qemu-img does not map it: {theirs.err.strip()}", *notes]
        self.check(f"map equals qemu-img's: {name}", notes)

    def equal_content(self, name, image, form=None):
        compare = lambda: guest.compare_with_convert(self.options, image, form, self.directory)
        self.results.append(guest.content_result(self.options, f"content equals qemu-img's: {name}", compare))

    def known_content(self, name, image, size, content):
        compare = lambda: guest.compare_with_content(self.options, image, size, content, cwd=self.directory)
        self.results.append(guest.content_result(self.options, f"content is what was written: {name}", compare))

    def all_equal(self, name, image, size, content):
        self.equal_map(name, image)
        self.equal_content(name, image)
        self.known_content(name, image, size, content)

    def expect_map(self, name, image, expected):
        """expected: tuples (start, length, state[, offset])."""
        ours = self.map(image)
        notes = qemu.tail(ours.err) if ours.code != 0 else []
        got = [] if notes else [as_tuple(entry) for entry in qemu.entries(ours)]
        if not notes and got != expected:
            notes = [f"expected {expected}", f"got {got}"]
        self.check(f"map is what the specification says: {name}", notes)

    def refused(self, name, image, message, by_qemu=True):
        ours = self.map(image, "-f", "vmdk")
        notes = [] if ours.code == 1 and message in ours.err else [f"code {ours.code}: {ours.err.strip()}, not '{message}'"]
        theirs = qemu.qemu_map([image], ["-f", "vmdk", "--output=json"], self.directory) if by_qemu is not None else None
        if theirs and (theirs.code != 0) != by_qemu:
            notes.append(f"qemu-img ended with {theirs.code}: {theirs.err.strip()}")
        self.check(f"refused: {name}", notes)


def as_tuple(entry):
    kinds = {(True, False, True): "data", (True, True, False): "zero", (True, True, True): "sparse", (False, True, False): "absent"}
    kind = kinds[entry["present"], entry["zero"], entry["data"]]
    kind = "compressed" if entry["compressed"] else kind
    kind = f"{kind} at depth {entry['depth']}" if entry["depth"] else kind
    return (entry["start"], entry["length"], kind, *([entry["offset"]] if "offset" in entry else []))


def noise(rng, length):
    """Bytes that compress, and differ from sector to sector."""
    return b"".join(rng.randbytes(64) + bytes([rng.randrange(1, 256)]) * (SECTOR - 64) for _ in range(length // SECTOR))


# -- Images of qemu-img's ---------------------------------------------------------------------------------------------

def some_writes(rng, size, count=12):
    """{offset: bytes} of whole sectors, none touching another; some across the boundaries of grains and of extents."""
    slot = size // count // SECTOR * SECTOR
    places = {}
    for i in range(count):
        length = min(rng.choice([SECTOR, 3 * SECTOR, GRAIN, 3 * GRAIN + SECTOR]), slot)
        at = i * slot + rng.randrange((slot - length) // SECTOR + 1) * SECTOR
        places[at] = noise(rng, length)
    return places


def write_with_qemu(case, image, places):
    commands = []
    for number, (at, data) in enumerate(sorted(places.items())):
        case.write({f"pattern{number}": data})
        commands.append(f"write -s pattern{number} {at} {len(data)}")
    guest.qemu_io(image, *commands, form="vmdk", cwd=case.directory)


def create(case, image, size, options, base=None):
    backing = ["-b", base, "-F", "vmdk"] if base else []
    qemu.must("qemu-img", "create", "-q", "-f", "vmdk", "-o", options, *backing, image, str(size), cwd=case.directory)


QEMU_MADE = (
    ("monolithicSparse", 20 * MIB, ""),
    ("monolithicSparse", 5 * GIB + 3 * SECTOR, ",hwversion=7,adapter_type=lsilogic"),
    ("monolithicSparse", 40 * MIB + SECTOR, ",compat6=on,zeroed_grain=on"),
    ("monolithicFlat", 20 * MIB, ",adapter_type=buslogic"),
    ("twoGbMaxExtentSparse", 5 * GIB + 7 * SECTOR, ",zeroed_grain=on"),
    ("twoGbMaxExtentFlat", 5 * GIB + SECTOR, ",adapter_type=legacyESX"),
)


def test_images_made_by_qemu_img_map_and_read_as_for_it(case):
    for index, (kind, size, more) in enumerate(QEMU_MADE):
        rng = case.rng("made", index)
        image, name = f"made {index}.vmdk", f"{kind} of {size} bytes{more}, of qemu-img's"
        create(case, image, size, f"subformat={kind}{more}")
        places = some_writes(rng, size)
        if size > 4 * GIB:  # across the end of the first 2 GiB
            places = {at: data for at, data in places.items() if not 2 * GIB - MIB < at + len(data) < 2 * GIB + MIB}
            places[2 * GIB - 3 * SECTOR] = noise(rng, 9 * SECTOR)
        write_with_qemu(case, image, places)
        if "zeroed_grain" in more:
            guest.qemu_io(image, f"write -z {size // GRAIN // 2 * GRAIN} 64k", form="vmdk", cwd=case.directory)
            middle = size // GRAIN // 2 * GRAIN
            places = {at: data for at, data in places.items() if at + len(data) <= middle or at >= middle + GRAIN}
        case.equal_map(name, image)
        case.equal_content(name, image)
        case.known_content(name, image, size, places) if "zeroed_grain" not in more else None


def test_streams_made_by_qemu_img_map_and_read_as_for_it(case):
    for index, size in enumerate((MIB, 33 * MIB + 3 * SECTOR)):
        rng = case.rng("stream", index)
        places = some_writes(rng, size, 5)
        with open(case.path("raw"), "wb") as file:
            for at, data in places.items():
                os.pwrite(file.fileno(), data, at)
            file.truncate(size)
        qemu.must("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", "raw",
                     f"s{index}.vmdk", cwd=case.directory)
        case.all_equal(f"streamOptimized of {size} bytes, of qemu-img's", f"s{index}.vmdk", size, places)


def test_a_chain_maps_and_reads_as_for_qemu_img(case):
    """Four images, the second split, the last longer than the others."""
    rng = case.rng("chain")
    sizes = {"base.vmdk": 8 * MIB, "a b.vmdk": 8 * MIB, "c.vmdk": 6 * MIB, "top.vmdk": 12 * MIB}
    kinds = ("subformat=monolithicSparse", "subformat=twoGbMaxExtentSparse", "zeroed_grain=on", "subformat=monolithicSparse")
    base = None
    for (image, size), kind in zip(sizes.items(), kinds):
        create(case, image, size, kind, base)
        write_with_qemu(case, image, some_writes(rng, size, 6))
        base = image
        # What QEMU writes gives the image a new CID: its children are made afterwards.
    guest.qemu_io("c.vmdk", "write -z 1M 128k", form="vmdk", cwd=case.directory)
    case.equal_map("a chain of four", "top.vmdk")
    os.makedirs(case.path("elsewhere"), exist_ok=True)
    os.symlink("../a b.vmdk", case.path("elsewhere/link"))
    create(case, "d.vmdk", 8 * MIB, "subformat=monolithicSparse", "a b.vmdk")
    case.equal_content("a chain over a split image", "d.vmdk")
    case.equal_map("a chain seen from another directory", os.path.join("..", os.path.basename(case.directory), "top.vmdk"))


def random_ranges(case, image, size):
    rng = case.rng("ranges")
    notes = []
    for _ in range(12):
        words = ["--output=json", "-s", str(rng.randrange(size)), "-l", str(rng.randrange(1, size))]
        notes += qemu.compare_json(" ".join(words), qemu.qemu_map([image], words, case.directory),
                                   qemu.imgaudit_map(case.options.imgaudit, image, words, case.directory))
    case.check("map equals qemu-img's in parts", notes)


# -- Images of the builder ---------------------------------------------------------------------------------------------

def random_grains(rng, count, size, kinds=(None,), share=0.4):
    """{number: bytes, or one of kinds}: runs of neighbours, and holes."""
    grains, number = {}, 0
    while number < count:
        run, kind = rng.randrange(1, 9), rng.choice([None, *kinds])
        if rng.random() < share:
            grains.update({n: kind or noise(rng, size) for n in range(number, min(number + run, count))})
        number += run
    return grains


def shuffled(rng, grains):
    """Mostly neighbours, with some jumps."""
    order, pieces = sorted(grains), []
    while order:
        cut = rng.randrange(1, 20)
        pieces.append(order[:cut])
        order = order[cut:]
    rng.shuffle(pieces)
    return [number for piece in pieces for number in piece]


def embedded(capacity, kind="monolithicSparse"):
    return vmdk.descriptor(kind, [vmdk.extent_line(capacity, "SPARSE", "x.vmdk")])


def test_monolithic_sparse_images_map_and_read_as_built(case):
    variants = (
        ("version 1", 128, 512, {}), ("version 2, zeroed grains", 8, 512, {"version": 2, "flags": 7}),
        ("version 3", 16, 512, {"version": 3}), ("no redundant directory", 16, 512, {"flags": 1}),
        ("small tables", 8, 16, {}), ("a grain of a sector", 1, 512, {}), ("grains of 3 sectors", 3, 100, {}),
        ("without directory entries", 8, 16, {"missing_tables": (1, 4)}),
        ("entry 1 without the flag", 8, 64, {}), ("gaps between tables", 8, 128, {"gap": 1}),
    )
    for index, (name, grain, entries, more) in enumerate(variants):
        rng = case.rng("monolithic", index)
        capacity = 300 * grain - rng.randrange(grain)
        grains = random_grains(rng, 300, grain * SECTOR, (vmdk.ZEROED,) if "zeroed" in name or "entry 1" in name else ())
        grains = {n: data for n, data in grains.items() if n // entries not in more.get("missing_tables", ())}
        stored = [n for n in shuffled(rng, grains) if grains[n] is not vmdk.ZEROED]
        case.write({"m.vmdk": vmdk.monolithic(grains, capacity, grain, entries, embedded(capacity), order=stored, **more)})
        content = {at: data[:capacity * SECTOR - at] for at, data in vmdk.content(grains, grain).items()}
        if name == "entry 1 without the flag":  # then it is a place: the descriptor's
            case.equal_map(f"monolithicSparse, {name}", "m.vmdk")
            case.equal_content(f"monolithicSparse, {name}", "m.vmdk")
        else:
            case.all_equal(f"monolithicSparse, {name}", "m.vmdk", capacity * SECTOR, content)
    random_ranges(case, "m.vmdk", 300 * 8 * SECTOR)


def test_streams_map_and_read_as_built(case):
    variants = (("version 3", {}), ("directory in the header", {"footer": False}), ("version 1", {"version": 1}),
                ("stored, not packed", {"level": 0}), ("zeroed grains", {"version": 2, "extra": vmdk.FLAG_ZERO_GRAINS}),
                ("without markers", {"markers": False}))
    for index, (name, more) in enumerate(variants):
        rng = case.rng("streams", index)
        grains = random_grains(rng, 90, GRAIN, (vmdk.ZEROED,) if "zeroed" in name else ())
        capacity = 90 * 128
        case.write({"s.vmdk": vmdk.stream(grains, capacity, entries=40, text=embedded(capacity, "streamOptimized"), **more)})
        case.equal_map(f"streamOptimized, {name}", "s.vmdk")
        case.known_content(f"streamOptimized, {name}", "s.vmdk", capacity * SECTOR, vmdk.content(grains, 128))
        if name != "without markers":  # QEMU's zlib wants to end where the grain's size does
            case.equal_content(f"streamOptimized, {name}", "s.vmdk")
    # As others than VMware write it: a text of one sector, blanks at the ends of its lines, most of 512 tables not there.
    rng, capacity = case.rng("streams", "16 GiB"), 16 * GIB // SECTOR
    grains = {n: noise(rng, GRAIN) for n in (*range(0, 1000, 10), *range(5124, 512 * 512, 5124))}
    line = vmdk.extent_line(capacity, "SPARSE", "generated-stream.vmdk", access="RDONLY")
    text = vmdk.descriptor("streamOptimized", [line], newline=" \n")
    case.write({"s.vmdk": vmdk.stream(grains, capacity, text=text, text_sectors=1)})
    case.all_equal("streamOptimized, 16 GiB, blanks at the ends of lines", "s.vmdk", 16 * GIB, vmdk.content(grains, 128))


def test_split_extents_of_every_kind_map_and_read_as_built(case):
    """Extents in files of their own, of every kind; the last one ends inside a grain."""
    rng = case.rng("split")
    kdmv = [random_grains(rng, 64, 8 * SECTOR) for _ in range(3)]
    cowds = [random_grains(rng, 9000, SECTOR, share=0.05), random_grains(rng, 300, 4 * SECTOR)]
    se = [random_grains(rng, 5000, 8 * SECTOR, (vmdk.ZEROED, vmdk.UNMAPPED), 0.03), {4095: noise(rng, 8 * SECTOR), 4096: vmdk.ZEROED}]
    case.write({f"p {n}.vmdk": vmdk.monolithic(grains, 64 * 8 - 3 * (n == 2), 8, 16) for n, grains in enumerate(kdmv)})
    case.write({"c0": vmdk.cowd(cowds[0], 9000), "c1": vmdk.cowd(cowds[1], 300 * 4, 4), "z": vmdk.stream({2: noise(rng, GRAIN)}, 1280, footer=False)})
    case.write({"e0": vmdk.se_sparse(se[0], 5000 * 8, first=4096 - 9), "e1": vmdk.se_sparse(se[1], 4100 * 8)})
    line = lambda count, kind, name: vmdk.extent_line(count, kind, name)
    split = [line(512, "SPARSE", f"p {n}.vmdk") for n in range(3)]
    images = {
        "split": ("twoGbMaxExtentSparse", split, kdmv, 8, 512, 1533),
        "cowd": ("vmfsSparse", [line(9000, "VMFSSPARSE", "c0")], cowds, 1, 9000, 9000),
        "cowd of 2 KiB": ("vmfsSparse", [line(1200, "SPARSE", "c1")], cowds[1:], 4, 1200, 1200),
        "se": ("seSparse", [line(40000, "SESPARSE", "e0"), line(32800, "SESPARSE", "e1")], se, 8, 40000, 72800),
    }
    for name, (kind, lines, parts, grain, step, capacity) in images.items():
        for newline in ("\n", "\r\n"):
            case.write({name: vmdk.descriptor(kind, lines, newline=newline)})
            content = {}
            for number, grains in enumerate(parts[:len(lines)]):
                content.update(vmdk.content(grains, grain, number * step * SECTOR))
            content = {at: data[:capacity * SECTOR - at] for at, data in content.items()}
            case.all_equal(f"{kind}, {name}, {'CRLF' if newline != chr(10) else 'LF'}", name, capacity * SECTOR, content)
    mixed = [line(9000, "SPARSE", "c0"), vmdk.extent_line(100, "FLAT", "p 0.vmdk", 3), line(1, "SPARSE", "p 1.vmdk"), line(9, "SPARSE", "z")]
    case.write({"mixed": vmdk.descriptor("twoGbMaxExtentSparse", mixed)})
    case.equal_map("extents of different kinds, with sizes that their headers contradict", "mixed")
    case.equal_content("extents of different kinds, with sizes that their headers contradict", "mixed")
    return images


def test_flat_extents_map_and_read_as_for_qemu_img(case):
    """Host holes, offsets, ends of files inside a sector, files shorter than their extents, one file for two extents."""
    rng = case.rng("flat")
    with open(case.path("holes.bin"), "wb") as file:
        for at in (64 * KIB, 256 * KIB, 300 * KIB, MIB):
            os.pwrite(file.fileno(), noise(rng, 8 * KIB), at)
        file.truncate(2 * MIB)
    with open(case.path("dense.bin"), "wb") as file, open(case.path("holes.bin"), "rb") as holes:
        file.write(holes.read())
    case.write({"odd.bin": noise(rng, 8 * KIB)[:7 * KIB + 77], "empty.bin": b""})
    with open(case.path("odd hole.bin"), "wb") as file:
        file.write(noise(rng, 8 * KIB))
        file.truncate(20 * KIB + 77)
    flat = lambda count, name, offset: vmdk.extent_line(count, "FLAT", name, offset)
    lines = {
        "holes": [flat(4096, "holes.bin", 0)], "dense": [flat(4096, "dense.bin", 0)],
        "offsets": [flat(600, "holes.bin", 100), flat(64, "holes.bin", 0), flat(64, "dense.bin", 512), flat(9, "holes.bin", 2040)],
        "odd end": [flat(64, "odd.bin", 0), flat(64, "odd hole.bin", 0), flat(16, "odd.bin", 2)],
        "past the end": [flat(100, "dense.bin", 4090), flat(10, "empty.bin", 0), flat(10, "odd.bin", 1 << 40)],
        "in a directory": [flat(8, "sub dir/x.bin", 0), flat(8, case.path("dense.bin"), 128)],
        "vmfs": [vmdk.extent_line(4096, "VMFS", "holes.bin"), vmdk.extent_line(4000, "VMFS", "dense.bin")],
    }
    case.write({"sub dir/x.bin": noise(rng, 4 * KIB)})
    for name, its_lines in lines.items():
        case.write({name: vmdk.descriptor("vmfs" if name == "vmfs" else "twoGbMaxExtentFlat", its_lines)})
        case.equal_map(f"flat, {name}", name)
        case.equal_content(f"flat, {name}", name)
    case.write({"header": vmdk.kdmv_header(0, descriptor_at=1, descriptor_size=20) +
                vmdk.pad(vmdk.descriptor("monolithicFlat", lines["holes"]), 20 * SECTOR)})
    case.equal_map("flat, a header of no sectors before the descriptor", "header")


# -- Where qemu-img is no oracle ---------------------------------------------------------------------------------------

def test_what_qemu_img_leaves_out_is_mapped(case):
    rng = case.rng("differences")
    data = noise(rng, 4 * KIB)
    case.write({"f": data * 4, "piece": vmdk.monolithic({1: data}, 64, 8, 4, align=1), "cowd": vmdk.cowd({3: data[:SECTOR]}, 8)})
    flat = lambda count, offset, access="RW": vmdk.extent_line(count, "FLAT", "f", offset, access)
    text = lambda *lines, **more: vmdk.descriptor("monolithicFlat", list(lines), **more)
    case.write({"zero": text(flat(8, 0), vmdk.extent_line(8, "ZERO"), flat(8, 8)), "readonly": text(flat(8, 0, "RDONLY"), flat(8, 16))})
    case.expect_map("ZERO extents, which qemu-img leaves out", "zero",
                    [(0, 4096, "data", 0), (4096, 4096, "zero"), (8192, 4096, "data", 4096)])
    case.known_content("ZERO extents", "zero", 12288, {0: data, 8192: data})
    case.expect_map("RDONLY extents, which qemu-img leaves out", "readonly", [(0, 4096, "data", 0), (4096, 4096, "data", 8192)])
    case.write({"blank": text(flat(8, 0)).replace(b"\nRW", b"\n\nRW")})
    case.expect_map("a blank line before an extent, which qemu-img then has twice", "blank", [(0, 4096, "data", 0)])
    # 1 header; directories of 16 tables: 1 + 16 sectors, and once more: the grains begin at sector 35, of 4 KiB each.
    case.expect_map("a piece of a split image", "piece", [(0, 4096, "absent"), (4096, 4096, "data", 7 * SECTOR), (8192, 24576, "absent")])
    # 4 header, 1 directory, a table of 4096 entries.
    case.expect_map("a COWD extent alone", "cowd", [(0, 1536, "absent"), (1536, 512, "data", 37 * SECTOR), (2048, 2048, "absent")])
    stream = {1: noise(rng, GRAIN), 3: noise(rng, GRAIN)}
    case.write({"s1": vmdk.stream(stream, 640), "s2": vmdk.stream(stream, 384 + 5), "streams": vmdk.descriptor(
        "twoGbMaxExtentSparse", [vmdk.extent_line(640, "SPARSE", "s1"), vmdk.extent_line(389, "SPARSE", "s2")])})
    case.expect_map("streams as extents, whose footers qemu-img looks for in the descriptor", "streams", [
        (0, GRAIN, "absent"), (GRAIN, GRAIN, "compressed"), (2 * GRAIN, GRAIN, "absent"), (3 * GRAIN, GRAIN, "compressed"),
        (4 * GRAIN, 2 * GRAIN, "absent"), (6 * GRAIN, GRAIN, "compressed"), (7 * GRAIN, GRAIN, "absent"),
        (8 * GRAIN, 5 * SECTOR, "compressed")])
    content = {at: data[:1029 * SECTOR - at] for start in (0, 5 * GRAIN) for at, data in vmdk.content(stream, 128, start).items()}
    case.known_content("streams as extents", "streams", 1029 * SECTOR, content)
    case.write({"odd": vmdk.monolithic({0: data}, 5, 8, 4), "two": vmdk.descriptor("twoGbMaxExtentSparse", [
        vmdk.extent_line(5, "SPARSE", "odd"), vmdk.extent_line(8, "SPARSE", "cowd")])})
    case.expect_map("an extent ends inside a grain, and another follows", "two",
                    [(0, 2560, "data", 4096), (2560, 1536, "absent"), (4096, 512, "data", 37 * SECTOR), (4608, 2048, "absent")])


def test_a_parent_is_found_by_its_name_or_its_cid(case):
    rng = case.rng("parents")
    data = noise(rng, 4 * KIB)
    image = lambda grains, **more: vmdk.monolithic(grains, 32, 8, 4, vmdk.descriptor("monolithicSparse", [], **more), align=1)
    case.write({"base.vmdk": image({0: data, 1: data}, cid=0xABC), "hint.vmdk": image({1: data}, parent_cid=0xABC, hint="base.vmdk"),
                "nameless.vmdk": image({1: data}, parent_cid=0xABC), "other.vmdk": image({1: data}, parent_cid=0xABD, hint="base.vmdk")})
    start = 25 * SECTOR  # 1 header, 20 descriptor, 2 of directory and table, twice
    expected = [(0, 4096, "data at depth 1", start), (4096, 4096, "data", start), (8192, 8192, "absent at depth 1")]
    case.equal_map("a parent by its name", "hint.vmdk")
    case.expect_map("a parent by its name", "hint.vmdk", expected)
    case.expect_map("a parent without name, which qemu-img does not look for: found by its CID", "nameless.vmdk", expected)
    case.equal_map("a parent with another CID", "other.vmdk")
    os.makedirs(case.path("alone"), exist_ok=True)
    case.write({"alone/nameless.vmdk": image({1: data}, parent_cid=0xDEF)})
    case.refused("a parent without name that is not there", "alone/nameless.vmdk", "cid 00000def", by_qemu=False)
    comment = vmdk.descriptor("monolithicSparse", [], more=['# parentFileNameHint="base.vmdk"'])
    case.write({"comment.vmdk": vmdk.monolithic({}, 32, 8, 4, comment, align=1)})
    case.refused("a parent's name in a comment, which qemu-img takes for one", "comment.vmdk", "parentFileNameHint", by_qemu=False)


# -- Broken images ----------------------------------------------------------------------------------------------------

def changed(image, at, data):
    return image[:at] + data + image[at + len(data):]


def broken_sparse(rng):
    """(name, image, message, refused by qemu-img too)"""
    data = noise(rng, 4 * KIB)
    text = embedded(64)
    good = vmdk.monolithic({0: data}, 64, 8, 4, text, align=1)
    make = lambda **more: vmdk.monolithic({0: data}, 64, 8, 4, text, align=1, **more)
    stream = vmdk.stream({0: data}, 64, 8, 4, text)
    yield "version 4", make(version=4), "version 4", True
    yield "compression algorithm 2", make(algorithm=2), "compression algorithm 2", False
    yield "no grain size", changed(good, 20, bytes(8)), "grains of 0 sectors", True
    yield "grains of 2 GiB", changed(good, 20, (1 << 22).to_bytes(8, "little")), "grains of 4194304 sectors", True
    yield "grains of 2^40 sectors", changed(good, 20, (1 << 40).to_bytes(8, "little")), "sectors", True
    yield "tables of 1024 entries", changed(good, 44, (1024).to_bytes(4, "little")), "tables of 1024 entries", True
    yield "tables without entries", changed(good, 44, bytes(4)), "tables of 0 entries", True
    yield "a huge directory", changed(good, 12, (1 << 50).to_bytes(8, "little")), "grain directory of", True
    crash = vmdk.kdmv_header(0x1efffffc1b000001, 128, 506, flags=3, descriptor_at=0xf000001, descriptor_size=20, redundant=71,
                             directory=0x28 << 56, newlines=bytes(4))
    yield "a capacity above 2^63 bytes, everything else far away", crash + vmdk.pad(text, 20 * SECTOR), "above 2^63", True
    yield "the same, cut behind the header", crash + b"\xfc\xff\xff\xff\0\0\x0f\x10" + bytes(12), "above 2^63", True
    yield "a capacity above 2^63", changed(good, 12, (1 << 63).to_bytes(8, "little")), "above 2^63", True
    yield "a directory above 2^63", changed(good, 56, (1 << 62).to_bytes(8, "little")), "above 2^63", None
    yield "cut before the first grain", good[:20 * SECTOR], "truncated", True
    yield "no CID", good.replace(b"CID=", b"DIC="), "CID", True
    yield "no parentCID", good.replace(b"parentCID=", b"parentDIC="), "parentCID", True
    yield "a CID that is none", good.replace(b"\nCID=1a2b3c4d", b"\nCID=zzzzzzzz"), "CID", True
    yield "a descriptor elsewhere", changed(good, 28, (2).to_bytes(8, "little")), "descriptor at sector 2", False
    yield "a hint without quotes", good.replace(b'encoding="UTF-8"', b"parentFileNameHint=x"), "quotes", None
    yield "no footer", stream[:-SECTOR], "footer", True
    yield "a footer without its marker", changed(stream, len(stream) - 3 * SECTOR + 12, bytes(4)), "footer", True
    yield "a footer that points to a footer", changed(stream, len(stream) - 2 * SECTOR + 56, b"\xff" * 8), "above 2^63", True
    yield "only a header", stream[:SECTOR], "footer", True
    yield "nothing but a magic", b"KDMV", "grains of 0 sectors", True
    yield "three bytes", b"KDM", "3 bytes", True
    yield "COWD of version 2", vmdk.cowd({}, 64, version=2), "version 2", None
    yield "COWD without grain size", vmdk.cowd({}, 64, grain=0, directory_entries=1), "grains of 0 sectors", None


def broken_texts():
    """(name, descriptor, message, refused by qemu-img too). An extent 'f' is there."""
    text = lambda *lines, kind="monolithicFlat": vmdk.descriptor(kind, list(lines))
    good = vmdk.extent_line(8, "FLAT", "f", 0)
    yield "no createType", text(good).replace(b"createType", b"created"), "createType", True
    yield "an unknown createType", text(good, kind="fullDevice"), "'fullDevice'", True
    yield "a monolithicSparse text", text(good, kind="monolithicSparse"), "'monolithicSparse'", True
    yield "no extent", text(), "names no extent", False
    yield "an unknown type of extent", text('RW 8 VMFSRDM "f"'), "'VMFSRDM'", False
    yield "no access", text(vmdk.extent_line(8, "FLAT", "f", 0, "NOACCESS")), "not accessible", False
    yield "FLAT without offset", text('RW 8 FLAT "f"'), "no offset", True
    yield "FLAT with an offset below zero", text('RW 8 FLAT "f" -1'), "bad offset", True
    yield "VMFS with an offset", text('RW 8 VMFS "f" 0', kind="vmfs"), "an offset", True
    yield "SPARSE with an offset", text('RW 8 SPARSE "f" 0'), "an offset", True
    yield "a name without end", text('RW 8 VMFS "f', kind="vmfs"), "quotes do not end", False
    yield "no name", text("RW 8 VMFS", kind="vmfs"), "no name", False
    yield "a name of 512 bytes", text(f'RW 8 VMFS "{"n" * 512}"', kind="vmfs"), "too many bytes", True
    yield "sectors below zero", text('RW -8 VMFS "f"', kind="vmfs"), "number of sectors", None
    yield "2^60 sectors", text(f'RW {1 << 60} VMFS "f"', kind="vmfs"), "number of sectors", None
    yield "2^70 sectors", text(f'RW {1 << 70} VMFS "f"', kind="vmfs"), "number of sectors", None
    yield "extents of more than 2^63 bytes", text(*[f'RW {(1 << 54) - 1} VMFS "f"'] * 2, kind="vmfs"), "larger than 2^63", None
    yield "an offset whose end is above 2^63", text(f'RW 8 FLAT "f" {(1 << 54) - 1}'), "past 2^63", None
    # QEMU has no bound, but opens the file once for each.
    yield "5000 extents", text(*[good] * 5000), "more than 4096 extents", None
    yield "a missing extent", text(vmdk.extent_line(8, "FLAT", "missing", 0)), "missing", True
    yield "an extent that is a directory", text(vmdk.extent_line(8, "FLAT", ".", 0)), "", True
    yield "an extent that is not sparse", text('RW 8 SPARSE "f"'), "magic", True
    yield "an extent that is not seSparse", text('RW 8 SESPARSE "f"'), "magic", True
    yield "an extent with a descriptor of extents", text('RW 8 SPARSE "header"'), "another descriptor", None
    yield "2 MiB of descriptor", text(good) + b"#" * (2 * MIB), "descriptor of more than", None
    yield "no descriptor at all", bytes(range(1, 200)) * 9, "createType", True


def broken_sesparse(rng):
    make = lambda **change: vmdk.se_sparse({0: noise(rng, 4 * KIB)}, 64, **change)
    yield "version", make(version=1), "version 0x1", True
    yield "flags", make(flags=4), "unknown flags", True
    yield "reserved", make(reserved3=1), "unknown flags", True
    yield "padding", make(padding=1), "unknown flags", True
    yield "grain size", make(grain=16), "grains of 16", True
    yield "table size", make(table=32), "tables of 32", True
    yield "journal", make(replay=1), "journal", True
    yield "volatile header", make(volatile_magic=1), "volatile header", True
    yield "volatile padding", make(volatile_padding=1), "unknown fields", True
    yield "directory", make(directory_size=1 << 30), "grain directory of", True
    good = make()
    table = 17 * SECTOR
    yield "directory entry", changed(good, 16 * SECTOR + 7, b"\x20"), "directory entry 0x2", True
    yield "table number", changed(good, 16 * SECTOR + 3, b"\xff"), "directory entry 0x1", True
    yield "table entry of kind 4", changed(good, table + 7, b"\x40"), "table entry 0x4", True
    yield "table entry of kind 0", changed(good, table + 7, b"\x01"), "table entry 0x1", True
    yield "grain past 2^63", changed(good, table, b"\xff" * 7 + b"\x3f"), "table entry 0x3fff", None


def test_broken_images_are_refused(case):
    rng = case.rng("broken")
    case.write({"f": noise(rng, 64 * KIB), "header": vmdk.kdmv_header(0, descriptor_at=1) + vmdk.pad(vmdk.descriptor("vmfs", []))})
    for name, image, message, by_qemu in broken_sparse(rng):
        case.write({"b.vmdk": image})
        case.refused(name, "b.vmdk", message, by_qemu)
    for name, image, message, by_qemu in broken_texts():
        case.write({"b.vmdk": image})
        case.refused(name, "b.vmdk", message, by_qemu)
    line = vmdk.extent_line(64, "SESPARSE", "e")
    for name, image, message, by_qemu in broken_sesparse(rng):
        case.write({"b.vmdk": vmdk.descriptor("seSparse", [line]), "e": image})
        case.refused(f"seSparse with an unknown {name}", "b.vmdk", message, by_qemu)
    case.write({"b.vmdk": vmdk.descriptor("vmfsSparse", [vmdk.extent_line(8192, "VMFSSPARSE", "e")]),
                "e": vmdk.cowd({0: bytes(SECTOR)}, 8192, directory_entries=1)})
    case.refused("a COWD directory too small for the disk", "b.vmdk", "too few", True)


def test_hostile_images_are_refused_or_mapped_soon(case):
    """One table again and again, a directory far larger than the file, names that lead elsewhere."""
    tables = 100000
    table = 21 + vmdk.divide_up(tables * 4, SECTOR)
    header = vmdk.kdmv_header(512 * 8 * tables, 8, descriptor_at=1, descriptor_size=20, directory=21, overhead=table)
    case.write({"loop.vmdk": header + vmdk.pad(embedded(8), 20 * SECTOR) + vmdk.pad(table.to_bytes(4, "little") * tables) + bytes(2048)})
    ours = case.map("loop.vmdk")
    case.check("hostile: one table named 100000 times is refused", [] if ours.code == 1 and "files hold" in ours.err else [ours.err[:300]])
    small = vmdk.monolithic({}, 64, 8, 4, embedded(8), flags=1, align=1)
    case.write({"far.vmdk": changed(changed(small, 12, (8 * 4 << 17).to_bytes(8, "little")), 56, (1 << 50).to_bytes(8, "little"))})
    case.equal_map("a directory of 131072 entries past the end", "far.vmdk")
    case.write({"cut.vmdk": vmdk.monolithic({0: bytes(4096), 1: bytes(4096)}, 64, 8, 4, embedded(8), align=1)[:-4096]})
    case.equal_map("a last grain past the end", "cut.vmdk")
    names = vmdk.descriptor("monolithicFlat", [vmdk.extent_line(8, "FLAT", name, 0) for name in ("../outside", "/etc/hostname")])
    case.write({"sub/names.vmdk": names, "outside": bytes(4096)})
    ours = case.map("sub/names.vmdk", "--confine", case.path("sub"))
    case.check("hostile: names that leave the directory are not followed where that is not allowed",
               [] if ours.code == 1 and "outside" in ours.err else [f"code {ours.code}", ours.err])


def test_a_scan_finds_images_that_are_not_well(case):
    """What a scan says of images that map, but are not well."""
    text = embedded(64)
    data = bytes(range(256)) * 16
    make = lambda **more: vmdk.monolithic({0: data, 1: data}, 64, 8, 4, text, align=1, **more)
    case.write({"good.vmdk": make(), "unclean.vmdk": make(unclean=1), "lines.vmdk": make(newlines=b"\n \n\n"),
                "cut.vmdk": make()[:-4096], "flat.bin": data,
                "flat.vmdk": vmdk.descriptor("monolithicFlat", [vmdk.extent_line(16, "FLAT", "flat.bin", 0)]),
                "cowd.bin": vmdk.cowd({0: data[:SECTOR]}, 64, unclean=1),
                "cowd.vmdk": vmdk.descriptor("vmfsSparse", [vmdk.extent_line(64, "VMFSSPARSE", "cowd.bin")])})
    expected = {("unclean.vmdk", "dirty"), ("lines.vmdk", "marked-corrupt"), ("cut.vmdk", "truncated"), ("flat.vmdk", "truncated"),
                ("cowd.vmdk", "dirty")}
    database = case.path("db")
    qemu.execute([case.options.imgaudit, "scan", "--db", database, case.directory])
    query = lambda sql: json.loads(qemu.must(case.options.imgaudit, "sql", "--db", database, "--format", "json", sql))["rows"]
    got = {(os.path.basename(row["path"]), row["code"]) for row in query("SELECT path, code FROM v_finding WHERE NOT cleared")}
    case.check("a scan finds dirty, truncated and damaged images, and no others", [] if got == expected else [f"{got} is not {expected}"])
    sizes = {os.path.basename(row["path"]): row["metadata_bytes"] for row in query("SELECT path, metadata_bytes FROM v_usage")}
    # 1 header, 20 descriptor, a directory and 2 tables, twice; the text; the text, 4 header, a directory, a table of 32
    # sectors. Whole sectors count.
    text = lambda name: vmdk.divide_up(os.path.getsize(case.path(name)), SECTOR) * SECTOR
    expected = {"good.vmdk": 27 * SECTOR, "flat.vmdk": text("flat.vmdk"), "cowd.vmdk": text("cowd.vmdk") + (4 + 1 + 32) * SECTOR}
    got = {name: sizes[name] for name in expected}
    case.check("the account of metadata is by arithmetic", [] if got == expected else [f"{got} is not {expected}"])


TESTS = (
    test_images_made_by_qemu_img_map_and_read_as_for_it,
    test_streams_made_by_qemu_img_map_and_read_as_for_it,
    test_a_chain_maps_and_reads_as_for_qemu_img,
    test_monolithic_sparse_images_map_and_read_as_built,
    test_streams_map_and_read_as_built,
    test_split_extents_of_every_kind_map_and_read_as_built,
    test_flat_extents_map_and_read_as_for_qemu_img,
    test_what_qemu_img_leaves_out_is_mapped,
    test_a_parent_is_found_by_its_name_or_its_cid,
    test_broken_images_are_refused,
    test_hostile_images_are_refused_or_mapped_soon,
    test_a_scan_finds_images_that_are_not_well,
)


def run_test(directory, test, options):
    case = Case(options, directory)
    test(case)
    return harness.Batch(case.results)


def main():
    options = guest.parse(guest.parser(__doc__))
    out = harness.Tap()
    reason = harness.missing_tools("qemu-img", "qemu-io")
    if reason:
        out.skip("VMDK", reason)
        return out.finish()
    with harness.work_directory(options.keep) as directory:
        jobs = [harness.Job(run_test, (test, options), os.path.join(directory, test.__name__), harness.keep_failed(options)) for test in TESTS]
        for batch in harness.run_jobs(jobs, options.jobs):
            for result in batch.results:
                out.report(result)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
