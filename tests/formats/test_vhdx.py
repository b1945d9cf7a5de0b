#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# VHDX: contents against qemu-img and libvhdi, maps against what the builder put where. qemu-img has no map of a VHDX to
# compare with: it prints one entry over the whole disk.

import json
import os
import shutil
import struct
import sys

import harness
import guest
import qemu
from builders import vhdx
from guest import MIB
from vhdx_logs import logs_are_replayed_or_refused
from vhdx_support import (DATA, KEPT, OTHER_GUID, SPARSE, ZERO, facts, map_of, maps_as, random_bytes, reads_as, reads_as_libvhdi,
                          reads_as_qemu, refused, rows)

# -- Images of qemu-img -------------------------------------------------------------------------------------------------

QEMU_KINDS = [
    ("dynamic", "subformat=dynamic", 20 * MIB, ["write -P 17 0 64k", "write -P 18 9M 2M", "write -P 19 20479k 1k"]),
    ("dynamic, blocks of 1 MiB, holes not zeroed", "subformat=dynamic,block_size=1M,block_state_zero=off", 7 * MIB + 512,
     ["write -P 20 1M 1M", "write -P 21 512 512", "write -P 22 7M 512"]),
    ("dynamic, blocks of 256 MiB, a large log", "subformat=dynamic,block_size=256M,log_size=4M", 600 * MIB, ["write -P 23 300M 1M"]),
    ("fixed, all blocks zero", "subformat=fixed,block_size=2M", 10 * MIB, ["write -P 24 3M 64k"]),
    ("fixed, all blocks present", "subformat=fixed,block_state_zero=off", 20 * MIB, ["write -P 25 12M 100k"]),
    ("more than one chunk", "subformat=dynamic,block_size=32M", 9 << 30, ["write -P 26 4095M 2M", "write -P 27 8190M 4M"]),
]


def written_ranges(commands):
    unit = {"k": 1 << 10, "M": MIB, "": 1}
    number = lambda text: int(text.rstrip("kM")) * unit[text.lstrip("0123456789")]
    return [(number(start), number(length)) for start, length in (command.split()[-2:] for command in commands)]


def unwritten_data(options, image, size, commands):
    """Notes: the map is not of one piece, or has no stored bytes where something was written."""
    got = rows(map_of(options, image).out)
    ends = [start + length for start, length, *_ in got]
    if [0, *ends] != [*(start for start, *_ in got), size]:
        return ["the entries do not follow upon each other"]
    return [f"{start}+{length} is not data" for start, length in written_ranges(commands)
            if any(row[0] < start + length and start < row[0] + row[1] and row[3] != DATA for row in got)]


def images_made_by_qemu_read_as_for_qemu_img(options, directory):
    for name, how, size, commands in QEMU_KINDS:
        image = os.path.join(directory, "qemu.vhdx")
        qemu.must("qemu-img", "create", "-q", "-f", "vhdx", "-o", how, image, size)
        guest.qemu_io(image, *commands, form="vhdx")
        yield harness.result(f"what qemu-io wrote is data: {name}", unwritten_data(options, image, size, commands))
        yield reads_as_qemu(f"reads as qemu-img reads it: {name}", options, image)
        if name == "dynamic":
            yield harness.result("qemu-img has one data entry over the disk", qemu_has_one_entry(image, size))
        guest.remove(image)


def qemu_has_one_entry(image, size):
    got = [(entry["start"], entry["length"], entry["data"]) for entry in qemu.entries(qemu.qemu_map([image], ["--output=json"]))]
    return [] if got == [(0, size, True)] else [f"got {got}: compare the maps with it now"]


# -- Images of the builder ----------------------------------------------------------------------------------------------

def every_block_state_maps_and_reads_as_specified(options, directory):
    image = vhdx.Image(12 * MIB - 512)
    payload = random_bytes(options, "states", MIB)
    for block, state in enumerate((vhdx.NOT_PRESENT, vhdx.UNDEFINED, vhdx.ZERO, vhdx.UNMAPPED, vhdx.UNMAPPED_095)):
        image.set(block, state)
    image.set(2, vhdx.ZERO, 5 * MIB)  # reserved bits of that state
    first = image.put(5, payload)
    assert image.put(6, payload[::-1]) == first + MIB
    kept = image.allocate(MIB)
    image.set(7, vhdx.UNMAPPED, kept)
    image.set(8, vhdx.UNDEFINED, 1 << 50)  # behind the end of the file: no place is kept
    hole = image.put(9, payload[:4096])
    last = image.put(11, payload)
    path = image.write(os.path.join(directory, "states.vhdx"))
    yield maps_as("each block state of a dynamic image", options, path, [
        (0, 5 * MIB, ZERO, None), (5 * MIB, 2 * MIB, DATA, first), (7 * MIB, MIB, KEPT, kept), (8 * MIB, MIB, ZERO, None),
        (9 * MIB, 4096, DATA, hole), (9 * MIB + 4096, MIB - 4096, SPARSE, hole + 4096), (10 * MIB, MIB, ZERO, None),
        (11 * MIB, MIB - 512, DATA, last)])
    content = {5 * MIB: payload + payload[::-1], 9 * MIB: payload[:4096], 11 * MIB: payload[:-512]}
    yield reads_as("each block state reads as the specification says", options, path, image.size, content)
    yield reads_as_qemu("and as qemu-img reads it", options, path)
    dense = shutil.copy(path, path + ".dense")
    qemu.must("cp", "--sparse=never", path, dense)
    yield maps_as("a dense copy has no holes", options, dense, [
        (0, 5 * MIB, ZERO, None), (5 * MIB, 2 * MIB, DATA, first), (7 * MIB, MIB, KEPT, kept), (8 * MIB, MIB, ZERO, None),
        (9 * MIB, MIB, DATA, hole), (10 * MIB, MIB, ZERO, None), (11 * MIB, MIB - 512, DATA, last)])
    yield maps_as("a range of the map", options, path, [
        (6 * MIB + 512, MIB - 512, DATA, first + MIB + 512), (7 * MIB, 1024, KEPT, kept)], f"-s{6 * MIB + 512}", f"-l{MIB + 512}")
    guest.remove(path, dense)


def only_whole_sectors_count(options, directory):
    """Only whole sectors count."""
    for sector, more in ((512, 700), (4096, 4096 + 700)):
        image = vhdx.Image(5 * MIB + more, sector=sector)
        place = image.put(5, b"x" * MIB)
        path = image.write(os.path.join(directory, "odd.vhdx"))
        yield maps_as(f"a disk that ends within a sector of {sector}", options, path,
                      [(0, 5 * MIB, ZERO, None), (5 * MIB, sector, DATA, place)])
        if sector == 512:
            yield reads_as_qemu("it ends for qemu-img, too", options, path)
        guest.remove(path)


def long_disks_map_across_the_chunks_of_their_bat(options, directory):
    """Behind each chunk of blocks the BAT has an entry for a sector bitmap."""
    for sector, size in ((512, 12 << 30), (4096, 96 << 30)):
        image = vhdx.Image(size, sector=sector)
        ratio = image.chunk_ratio
        before, after = image.put(ratio - 1, b"a" * MIB), image.put(ratio, b"b" * MIB)
        last = image.put(image.blocks - 1, b"c" * MIB)
        image.bat[ratio] = before | vhdx.FULL  # of no meaning here: QEMU before 8.0 leaves such things
        path = image.write(os.path.join(directory, "long.vhdx"))
        edge = ratio * MIB
        yield maps_as(f"blocks beside the end of a chunk, sectors of {sector}", options, path, [
            (0, edge - MIB, ZERO, None), (edge - MIB, 2 * MIB, DATA, before),
            (edge + MIB, size - edge - 2 * MIB, ZERO, None), (size - MIB, MIB, DATA, last)])
        assert after == before + MIB
        if sector == 512:
            yield harness.result("qemu-io reads the same there", qemu_io_reads(path, edge, size))
        guest.remove(path)
    image = vhdx.Image(64 << 40)
    place = image.put(image.blocks - 1, b"z" * 512)
    path = image.write(os.path.join(directory, "largest.vhdx"))
    yield maps_as("the largest disk, 64 TiB", options, path, [
        (0, image.size - MIB, ZERO, None), (image.size - MIB, 4096, DATA, place),
        (image.size - MIB + 4096, MIB - 4096, SPARSE, place + 4096)])
    path = image.write(path, length=4 * MIB)
    yield maps_as("a BAT that the end of the file cuts off reads as zeroes", options, path, [(0, image.size, ZERO, None)])
    guest.remove(path)


def qemu_io_reads(path, edge, size):
    try:
        guest.qemu_io(path, f"read -P 97 {edge - MIB} 1M", f"read -P 98 {edge} 1M", f"read -P 99 {size - MIB} 1M",
                        f"read -P 0 {edge - 2 * MIB} 1M", form="vhdx")
    except qemu.ToolError as error:
        return [str(error)]
    return []


def variants_and_marks_are_found_by_a_scan(options, directory):
    def check(name, image, expected, findings=()):
        path = image.write(os.path.join(directory, "facts.vhdx"))
        row, codes = facts(options, directory, path)
        notes = [f"{key}: {row[key]}, not {value}" for key, value in expected.items() if row[key] != value]
        notes += [f"no finding {code}" for code in findings if code not in codes]
        notes += [f"finding {code}" for code in ("dirty", "truncated") if code in codes and code not in findings]
        guest.remove(path)
        return harness.result(f"facts: {name}", notes)

    yield check("dynamic", vhdx.Image(5 * MIB, block_size=2 * MIB), {
        "format": "vhdx", "variant": "dynamic", "virtual_size": 5 * MIB, "cluster_size": 2 * MIB, "backing_path": None, "state": "ok",
        "metadata_bytes": 4 * MIB})
    yield check("fixed, with large sectors", vhdx.Image(4 * MIB, sector=4096, flags=vhdx.KEEPS_BLOCKS), {"variant": "fixed 4k-sectors"})
    image = vhdx.Image(5 << 30, parent=vhdx.parent_pairs(".\\no such.vhdx"))
    image.put_partial(4096, b"x", [(0, 1)])
    yield check("differencing, with a sector bitmap", image, {"variant": "differencing", "metadata_bytes": 5 * MIB})
    image = vhdx.Image(4 * MIB)
    image.use_log([vhdx.LogEntry(1, [])])
    yield check("a log that changes nothing", image, {"variant": "dynamic log"}, ["dirty"])
    image = vhdx.Image(4 * MIB)
    image.put(1, b"x" * MIB, place=4 * MIB)
    image.end = 5 * MIB - 4096
    yield check("a block that the file's end cuts", image, {"variant": "dynamic"}, ["truncated"])
    image = vhdx.Image(4 * MIB - 4096)
    image.put(3, b"x" * (MIB - 4096))
    image.end -= 4096
    yield check("the last block only as long as the disk", image, {"variant": "dynamic"})


# -- Images with the fields of those that others made -------------------------------------------------------------------

def disks_of_other_makers_map_and_read_as_specified(options, directory):
    path = os.path.join(directory, "made.vhdx")
    for name, image in (("Hyper-V", made_by_windows()), ("disk2vhd", made_by_disk2vhd())):
        expected, content = [], {}
        for block in range(image.blocks):
            entry = image.bat[image.index(block)]
            at, place = block * image.block_size, entry & ~vhdx.FULL
            if entry == vhdx.ZERO:
                expected.append((at, image.block_size, ZERO, None))
                continue
            content[at] = image.payload[place] = random_bytes(options, f"{name}{block}", 65536)
            expected += [(at, 65536, DATA, place), (at + 65536, image.block_size - 65536, SPARSE, place + 65536)]
        image.write(path)
        yield maps_as(f"a disk by {name}", options, path, expected)
        yield reads_as(f"a disk by {name} reads as the specification says", options, path, image.size, content)
        yield reads_as_qemu(f"a disk by {name} reads as qemu-img reads it", options, path)
        yield reads_as_libvhdi(f"a disk by {name} reads as libvhdi reads it", options, path)
    guest.remove(path)


def made_by_windows():
    """Closed after use: no header names the log any more, whose last entry has another block in the BAT."""
    image = vhdx.Image(128 * MIB, block_size=32 * MIB)
    image.creator = "Microsoft Windows 6.2.9200.16384"
    for block in range(3):
        image.put(block, b"")
    image.use_log([vhdx.LogEntry(1, []), vhdx.LogEntry(2, [image.bat_page({0: vhdx.ZERO, 3: image.allocate(MIB) | vhdx.FULL})])])
    image.headers = [vhdx.header(14), vhdx.header(15)]
    image.set(3, vhdx.ZERO)
    return image


def made_by_disk2vhd():
    """One header twice; tables that name things in another order than they lie in; the last block second in the file."""
    image = vhdx.Image(16 * MIB, block_size=2 * MIB)
    image.creator = "d2v"
    image.headers = [vhdx.header(1)] * 2
    image.regions.reverse()
    image.replace_item(vhdx.PHYSICAL_SECTOR, struct.pack("<I", 512))
    table = vhdx.metadata_table(image.items)[0]
    image.raw[vhdx.METADATA_AT + 32] = b"".join(table[32 + 32 * item:64 + 32 * item] for item in (0, 1, 3, 4, 2))
    for block in (0, 7, *range(1, 7)):
        image.put(block, b"")
    return image


# -- Differencing images ------------------------------------------------------------------------------------------------

def write_base(options, path, sector=512, size=8 * MIB):
    """Random bytes in blocks 0, 1, 3, 4 and 6; returns them as the disk's content."""
    base = vhdx.Image(size, sector=sector)
    content = {}
    for block in (0, 1, 3, 4, 6):
        content[block * MIB] = random_bytes(options, f"base{block}", MIB)
        base.put(block, content[block * MIB])
    base.write(path)
    return bytearray().join(content.get(block * MIB, bytes(MIB)) for block in range(size // MIB))


def lay(disk, image, block, data, ranges, sector):
    """What the sectors of the ranges change of the disk."""
    for first, count in ranges:
        start, length = first * sector, count * sector
        disk[block * MIB + start:block * MIB + start + length] = data[start:start + length]


def differencing_disks_read_as_built(options, directory):
    for sector in (512, 4096):
        base_path, path = (os.path.join(directory, name) for name in ("base.vhdx", "child.vhdx"))
        disk = write_base(options, base_path, sector)
        image = vhdx.Image(8 * MIB, sector=sector, parent=vhdx.parent_pairs())
        full = image.put(1, random_bytes(options, "full", MIB))
        disk[MIB:2 * MIB] = image.payload[full]
        rng = harness.generator(options.seed, "partial", sector)
        for block in (2, 3, 6, 7):
            data, most = rng.randbytes(MIB), MIB // sector
            ranges = [(first, rng.randint(1, min(90, most - first))) for first in (rng.randrange(most) for _ in range(9))]
            ranges += [(most - 1, 1)] if block == 3 else [(0, 1)] if block == 6 else []
            image.put_partial(block, data, ranges)
            lay(disk, image, block, data, ranges, sector)
        image.write(path)
        what = f"sectors of {sector}"
        yield reads_as(f"full and partial blocks over a parent, {what}", options, path, image.size, {0: bytes(disk)})
        yield reads_as_libvhdi(f"and as libvhdi reads them, {what}", options, path, base_path)
        guest.remove(base_path, path)
    yield from small_differencing(options, directory)
    yield from chains(options, directory)
    yield from locators(options, directory)


def small_differencing(options, directory):
    base_path, path = (os.path.join(directory, name) for name in ("base.vhdx", "child.vhdx"))
    write_base(options, base_path)
    image = vhdx.Image(8 * MIB, parent=vhdx.parent_pairs())
    partial = image.put_partial(0, b"p" * MIB, [(1, 3), (64, 1), (127, 2), (2047, 1)])
    image.set(1, vhdx.ZERO)
    image.set(3, vhdx.UNMAPPED)
    image.set(4, vhdx.UNDEFINED)
    image.write(path)
    base = 4 * MIB
    yield maps_as("a partial block is cut by its sector bitmap; zero, unmapped and undefined blocks hide the parent", options, path, [
        (0, 512, 1, DATA, base), (512, 1536, 0, DATA, partial + 512), (2048, 30720, 1, DATA, base + 2048),
        (32768, 512, 0, DATA, partial + 32768), (33280, 31744, 1, DATA, base + 33280), (65024, 1024, 0, DATA, partial + 65024),
        (66048, MIB - 66560, 1, DATA, base + 66048), (MIB - 512, 512, 0, DATA, partial + MIB - 512),
        (MIB, MIB, 0, ZERO, None), (2 * MIB, MIB, 1, ZERO, None), (3 * MIB, 2 * MIB, 0, ZERO, None),
        (5 * MIB, MIB, 1, ZERO, None), (6 * MIB, MIB, 1, DATA, base + 4 * MIB), (7 * MIB, MIB, 1, ZERO, None)])
    far = vhdx.Image(9 << 30, parent=vhdx.parent_pairs())
    places = [far.put_partial(block, b"q" * MIB, [(sector, 1)]) for block, sector in ((1, 2047), (4096 + 1, 3), (8192 + 5, 70))]
    far.write(path)
    outcome = map_of(options, path)
    stored = [row for row in rows(outcome.out) if row[2:4] == (0, DATA)] if outcome.code == 0 else outcome.err
    expected = [(block * MIB + sector * 512, 512, 0, DATA, place + sector * 512)
                for place, (block, sector) in zip(places, ((1, 2047), (4097, 3), (8197, 70)))]
    yield harness.result("each chunk has a sector bitmap of its own",
                         [] if stored == expected else [f"got {stored}", f"expected {expected}"])
    guest.remove(base_path, path)


def chains(options, directory):
    """Three levels in three directories, named in every way that there is."""
    places = [os.path.join(directory, *parts) for parts in (("a", "base.vhdx"), ("b", "middle.vhdx"), ("b", "c", "top.vhdx"))]
    for place in places:
        os.makedirs(os.path.dirname(place), exist_ok=True)
    disk = write_base(options, places[0])
    middle = vhdx.Image(8 * MIB, parent=vhdx.parent_pairs("..\\a\\base.vhdx"), data_guid=OTHER_GUID)
    middle.put_partial(3, random_bytes(options, "middle", MIB), [(100, 1000)])
    lay(disk, middle, 3, random_bytes(options, "middle", MIB), [(100, 1000)], 512)
    middle.write(places[1])
    top = vhdx.Image(8 * MIB, parent=vhdx.parent_pairs("..\\middle.vhdx", OTHER_GUID))
    top.put_partial(3, random_bytes(options, "top", MIB), [(50, 100)])
    lay(disk, top, 3, random_bytes(options, "top", MIB), [(50, 100)], 512)
    top.write(places[2])
    yield reads_as("a chain of three through other directories", options, places[2], top.size, {0: bytes(disk)})
    yield reads_as_libvhdi("and as libvhdi reads it", options, *reversed(places))
    expect = lambda name, wrong: harness.result(name, parent_mismatch(options, directory, places[2], wrong))
    yield expect("its identities are as they should be", False)
    middle.headers = [vhdx.header(1, vhdx.UNKNOWN), vhdx.header(2, OTHER_GUID)]
    middle.write(places[1])
    yield expect("the header with the higher sequence number is who an image is", False)
    middle.headers = [vhdx.header(3, vhdx.UNKNOWN), vhdx.header(2, OTHER_GUID)]
    middle.write(places[1])
    yield expect("a parent that was changed since is found", True)
    shutil.rmtree(os.path.dirname(places[0]))
    yield refused("a parent that is missing", options, places[2], "base.vhdx")
    shutil.rmtree(os.path.dirname(places[1]))


def parent_mismatch(options, directory, image, expected):
    codes = facts(options, directory, image)[1]
    return [] if ("parent-mismatch" in codes) == expected else [f"findings {codes}"]


LOCATORS = [
    ("a volume's path leads to a file beside the image",
     [vhdx.linkage(), ("volume_path", "\\\\?\\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\\x\\base.vhdx")]),
    ("so does an absolute path", [("absolute_win32_path", "\\\\?\\d:\\x\\base.vhdx"), vhdx.linkage()]),
    ("a relative path comes first", [("absolute_win32_path", "\\\\?\\d:\\x\\wrong.vhdx"), vhdx.linkage(), ("relative_path", "base.vhdx")]),
    ("a volume's path comes second",
     [("absolute_win32_path", "d:\\wrong.vhdx"), vhdx.linkage(), ("volume_path", "\\\\?\\Volume{1}\\base.vhdx")]),
    ("a path that leads nowhere is passed over",
     [("relative_path", "..\\none\\gone.vhdx"), ("absolute_win32_path", "d:\\base.vhdx"), vhdx.linkage()]),
    ("upper case and other keys",
     [("unknown", "x"), ("parent_linkage", "{" + vhdx.DATA_GUID.upper() + "}"), ("relative_path", "base.vhdx")]),
    ("only parent_linkage2 identifies it", [("parent_linkage2", "{" + vhdx.DATA_GUID + "}"), ("relative_path", "base.vhdx")]),
]
BAD_LOCATORS = [
    ("no GUID", [("relative_path", "base.vhdx")], "GUID"),
    ("a GUID without braces", [("parent_linkage", vhdx.DATA_GUID), ("relative_path", "base.vhdx")], "GUID"),
    ("a GUID with other letters", [("parent_linkage", "{" + vhdx.DATA_GUID[:-1] + "g}"), ("relative_path", "base.vhdx")], "GUID"),
    ("no path", [vhdx.linkage()], "names no file"),
    ("empty paths", [vhdx.linkage(), ("relative_path", ""), ("volume_path", "x:\\")], "names no file"),
    ("a key twice", [vhdx.linkage(), ("relative_path", "a"), ("relative_path", "b")], "twice"),
]


def locators(options, directory):
    base_path, path = (os.path.join(directory, name) for name in ("base.vhdx", "child.vhdx"))
    wrong = os.path.join(directory, "wrong.vhdx")
    write_base(options, base_path)
    write_base(options, wrong)
    for name, pairs in LOCATORS:
        vhdx.Image(8 * MIB, parent=pairs).write(path)
        outcome = map_of(options, path, "--filenames")
        found = outcome.code == 0 and not outcome.err and {entry.get("filename") for entry in json.loads(outcome.out)} >= {base_path}
        yield harness.result(f"parent locator: {name}", [] if found else [f"code {outcome.code}", outcome.out, outcome.err])
    for name, pairs, pattern in BAD_LOCATORS:
        vhdx.Image(8 * MIB, parent=pairs).write(path)
        yield refused(f"parent locator with {name}", options, path, pattern)
    outside = bytearray(vhdx.locator([vhdx.linkage()]))
    outside[20:24] = struct.pack("<I", len(outside))
    for name, data, pattern in (("of another type", vhdx.locator([vhdx.linkage()], vhdx.UNKNOWN), "unknown type"),
                                ("that points outside of itself", bytes(outside), "outside")):
        image = vhdx.Image(8 * MIB, parent=[])
        image.parent, image.flags = True, vhdx.HAS_PARENT
        image.replace_item(vhdx.FILE_PARAMETERS, struct.pack("<II", MIB, vhdx.HAS_PARENT), 4)
        image.items.append((vhdx.PARENT_LOCATOR, 4, data))
        image.write(path)
        yield refused(f"parent locator {name}", options, path, pattern)
    guest.remove(base_path, path, wrong)


# -- Broken images ------------------------------------------------------------------------------------------------------

def one_block(**more):
    image = vhdx.Image(4 * MIB, **more)
    image.put(1, b"x" * MIB)
    return image


def broken_copies():
    """One of two headers, one of two region tables is enough."""
    for name, which in (("first header", vhdx.HEADER_1), ("second header", vhdx.HEADER_2), ("first region table", vhdx.REGIONS_1),
                        ("second region table", vhdx.REGIONS_2)):
        image = one_block()
        image.raw[which + 60] = b"\xa5"
        yield f"the {name} is broken, the other one counts", image
    image = one_block()
    image.headers = [vhdx.header(7), vhdx.header(7)]
    yield "two headers that are the same", image
    image = one_block()
    image.headers = [vhdx.header(7), vhdx.header(8, version=2)]
    yield "a header of another version does not count", image
    image = one_block()
    image.regions.append((vhdx.UNKNOWN, 64 * MIB, MIB, 0))
    image.items.append((vhdx.UNKNOWN, 2, b"something"))
    yield "regions and metadata of an unknown sort that are not required", image
    image = one_block()
    image.raw = {0: b"vhdxfile" + bytes(1024)}
    yield "no creator", image


def broken_images():
    def change(pattern, edit, **more):
        image = one_block(**more)
        edit(image)
        return pattern, image

    def raw(place, data):
        return lambda image: image.raw.update({place: data})

    def item(kind, data):
        return lambda image: image.replace_item(kind, data)

    def drop(kind):
        return lambda image: setattr(image, "items", [entry for entry in image.items if entry[0] != kind])

    def bat(block, entry):
        return lambda image: image.bat.update({image.index(block): entry})

    def regions(*entries):
        return lambda image: setattr(image, "regions", list(entries))

    bat_region, metadata_region = one_block().regions
    yield "both headers broken", *change("neither of the two headers", lambda i: i.raw.update({vhdx.HEADER_1: b"x", vhdx.HEADER_2: b"x"}))
    yield "both region tables broken", *change("neither of the two region tables",
                                               lambda i: i.raw.update({vhdx.REGIONS_1 + 99: b"x", vhdx.REGIONS_2 + 99: b"x"}))
    yield "another version", *change("VHDX version 2", lambda i: setattr(i, "headers", [vhdx.header(1, version=2)] * 2))
    yield "two headers that disagree", *change("sequence number 5", lambda i: setattr(
        i, "headers", [vhdx.header(5), vhdx.header(5, OTHER_GUID)]))
    yield "a required region of an unknown sort", *change("required region", regions(
        bat_region, metadata_region, (vhdx.UNKNOWN, 64 * MIB, MIB, 1)))
    yield "no BAT", *change("no BAT region", regions(metadata_region))
    yield "no metadata", *change("no metadata region", regions(bat_region))
    yield "two BATs", *change("two BAT regions", regions(bat_region, metadata_region, (vhdx.BAT_REGION, 64 * MIB, MIB, 1)))
    yield "regions that overlap", *change("overlap at offset 0x280000", regions(
        bat_region, metadata_region, (vhdx.UNKNOWN, 5 * MIB // 2, MIB, 0)))
    yield "a region over the log", *change("overlap", regions(bat_region, metadata_region, (vhdx.UNKNOWN, MIB, MIB, 0)))
    yield "a region past 2^63", *change("region 2 at offset", regions(
        bat_region, metadata_region, (vhdx.UNKNOWN, (1 << 63) - 1, 2, 0)))
    yield "a region table of too many entries", *change("region table of 2048 entries", lambda i: setattr(
        i, "tables", [vhdx.signed(vhdx.region_table(i.regions)[:8] + struct.pack("<I", 2048) + bytes(65524))] * 2))
    yield "no metadata table", *change("no metadata table", raw(vhdx.METADATA_AT, b"M"))
    yield "a metadata table of too many entries", *change("metadata table of 2048", raw(vhdx.METADATA_AT + 10, b"\x00\x08"))
    yield "a required metadata item of an unknown sort", *change("required metadata item", lambda i: i.items.append(
        (vhdx.UNKNOWN, 4, b"x")))
    yield "a metadata item twice", *change("two metadata items", lambda i: i.items.append(i.items[0]))
    yield "a metadata item outside of its region", *change("of a region of", raw(vhdx.METADATA_AT + 32 + 16, struct.pack("<I", MIB - 4)))
    yield "a metadata item that is too short", *change("'virtual disk size' of 4 bytes", item(vhdx.DISK_SIZE, bytes(4)))
    for kind, name in ((vhdx.FILE_PARAMETERS, "file parameters"), (vhdx.DISK_SIZE, "virtual disk size"), (vhdx.DISK_ID, "virtual disk id"),
                       (vhdx.LOGICAL_SECTOR, "logical sector size"), (vhdx.PHYSICAL_SECTOR, "physical sector size")):
        yield f"no {name}", *change(f"no metadata item '{name}'", drop(kind))
    for block in (0, 512 * 1024, 3 * MIB, 512 * MIB):
        yield f"blocks of {block} bytes", *change(f"blocks of {block} bytes", item(vhdx.FILE_PARAMETERS, struct.pack("<II", block, 0)))
    yield "sectors of 520 bytes", *change("sectors of 520", item(vhdx.LOGICAL_SECTOR, struct.pack("<I", 520)))
    yield "a disk of 0 bytes", *change("disk of 0 bytes", item(vhdx.DISK_SIZE, struct.pack("<Q", 0)))
    yield "a disk of more than 64 TiB", *change("disk of 70368744178176 bytes", item(vhdx.DISK_SIZE, struct.pack("<Q", (64 << 40) + 512)))
    yield "a BAT that is too short", *change("BAT region of 1048576 bytes for", item(vhdx.DISK_SIZE, struct.pack("<Q", 1 << 40)))
    yield "a parent without a locator", *change("no parent locator", item(vhdx.FILE_PARAMETERS, struct.pack("<II", MIB, vhdx.HAS_PARENT)))
    yield "a locator without a parent", *change("no parent", lambda i: i.items.append(
        (vhdx.PARENT_LOCATOR, 4, vhdx.locator([vhdx.linkage()]))))
    yield "a block in a reserved state", *change("reserved state 4", bat(2, vhdx.RESERVED))
    yield "a partial block without a parent", *change("without a parent", bat(2, 8 * MIB | vhdx.PARTIAL))
    yield "a block in the header section", *change("over other structures", bat(2, vhdx.FULL))
    yield "a block over the log", *change("over other structures", bat(2, MIB | vhdx.FULL))
    yield "a block over the BAT", *change("over other structures", bat(2, 3 * MIB | vhdx.FULL))
    yield "a block that reaches into the BAT", *change("over other structures", lambda i: (regions(
        (vhdx.BAT_REGION, 3 * MIB, MIB, 1), metadata_region, (vhdx.UNKNOWN, 41 * MIB, MIB, 0))(i), bat(0, 40 * MIB | vhdx.FULL)(i)),
        block_size=2 * MIB)
    yield "a block inside of a region", *change("over other structures", lambda i: (regions(
        *i.regions, (vhdx.UNKNOWN, 41 * MIB, 3 * MIB, 0))(i), bat(0, 42 * MIB | vhdx.FULL)(i)))
    yield "a block past 2^63", *change("over other structures", bat(2, (1 << 63) | vhdx.FULL))


def broken_images_are_refused(options, directory):
    path = os.path.join(directory, "broken.vhdx")
    for name, image in broken_copies():
        image.write(path)
        yield maps_as(name, options, path, [(0, MIB, ZERO, None), (MIB, MIB, DATA, 4 * MIB), (2 * MIB, 2 * MIB, ZERO, None)])
    for name, pattern, image in broken_images():
        image.write(path)
        yield refused(f"refused: {name}", options, path, pattern)
    image = vhdx.Image(4 * MIB, parent=vhdx.parent_pairs("missing.vhdx"))
    image.put(2, b"", vhdx.PARTIAL)
    image.write(path)
    yield refused("a partial block without a sector bitmap: the missing parent comes first", options, path, "missing.vhdx")
    vhdx.Image(4 * MIB).write(os.path.join(directory, "base.vhdx"))
    image = vhdx.Image(4 * MIB, parent=vhdx.parent_pairs())
    image.put(2, b"", vhdx.PARTIAL)
    image.write(path)
    yield refused("refused: a partial block without a sector bitmap", options, path, "no sector bitmap")
    image.bat[image.chunk_ratio] = 2 * MIB | vhdx.BITMAP_PRESENT
    image.write(path)
    yield refused("refused: a sector bitmap over the metadata", options, path, "sector bitmap of guest offset .* over other")
    one_block().write(path)
    full = qemu.execute([options.imgaudit, "map", "-f", "vhdx", os.path.join(directory, "base.vhdx")])
    other = os.path.join(directory, "other")
    with open(other, "wb") as file:
        file.write(bytes(8 * MIB))
    forced = qemu.execute([options.imgaudit, "map", "-f", "vhdx", other])
    yield harness.result("-f vhdx of a VHDX, and of something else",
                         [] if full.code == 0 and forced.code == 1 and "not a VHDX image" in forced.err else [full.err, forced.err])
    yield from truncated(options, path)
    guest.remove(path, other, os.path.join(directory, "base.vhdx"))


def truncated(options, path):
    """Every length of a file gives a map or a message, soon."""
    image = one_block()
    notes = []
    for length in (0, 7, 8, 512, 65536, 65536 + 80, 3 * 65536, 256 * 1024, 5 * 65536, MIB, 2 * MIB, 2 * MIB + 100,
                   2 * MIB + 65536 + 20, 3 * MIB, 3 * MIB + 8, 4 * MIB, 4 * MIB + 1, 5 * MIB - 1):
        image.write(path, length)
        outcome = qemu.execute([options.imgaudit, "map", "-f", "vhdx", path], timeout=10)
        if outcome.code not in (0, 1):
            notes.append(f"{length} bytes: code {outcome.code} {outcome.err}")
    yield harness.result("a file cut at any place gives a map or a message", notes)


GROUPS = (
    images_made_by_qemu_read_as_for_qemu_img,
    every_block_state_maps_and_reads_as_specified,
    only_whole_sectors_count,
    long_disks_map_across_the_chunks_of_their_bat,
    variants_and_marks_are_found_by_a_scan,
    disks_of_other_makers_map_and_read_as_specified,
    differencing_disks_read_as_built,
    logs_are_replayed_or_refused,
    broken_images_are_refused,
)


def main():
    parser = guest.parser(__doc__, 6)
    parser.add_argument("--vhdi-read", metavar="PATH", help="the test program that reads by libvhdi")
    parser.add_argument("--group", choices=[group.__name__ for group in GROUPS], help="only these tests")
    options = guest.parse(parser)
    report = harness.Tap()
    missing = harness.missing_tools("qemu-img", "qemu-io")
    if missing:
        report.skip("vhdx", missing)
        return report.finish()
    report.note(f"seed {options.seed}")
    with harness.work_directory(options.keep) as directory:
        for group in GROUPS if not options.group else [group for group in GROUPS if group.__name__ == options.group]:
            place = os.path.join(directory, group.__name__)
            os.makedirs(place, exist_ok=True)
            for result in group(options, place):
                report.report(result)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
