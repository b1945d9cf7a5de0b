#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Apple disk images: the extents that the tables say, contents against what the builder put in and what qemu-img reads.

import os
import re
import sys
from pathlib import Path

import harness
import qemu
import scanned
from builders import dmg as build
from builders.dmg import ADC, BZIP2, COMMENT, COMPRESSED, IGNORE, LZFSE, RAW, SECTOR, XZ, ZERO, ZLIB, Disk, chunk, nothing, pattern

NAMES = {RAW: "raw", ADC: "adc", ZLIB: "zlib", BZIP2: "bzip2", LZFSE: "lzfse", XZ: "xz"}
QEMU_READS = (ZERO, RAW, IGNORE, ZLIB)  # whatever modules are installed
RANDOM_DISKS = 25


def check(tap_out, passed, name, notes=()):
    tap_out.check(passed, name, [] if passed else [str(note)[:500] for note in notes])


def ours(options, cwd, name, *words):
    return qemu.imgaudit_map(options.imgaudit, name, ["--output=json", *words], cwd)


def shorten(outcome):
    """(start, length, state, offset) of each entry of our JSON map."""
    out = []
    for e in qemu.entries(outcome):
        state = "absent" if not e["present"] else "zero" if e["zero"] else "compressed" if e["compressed"] else "data"
        out.append((e["start"], e["length"], state, e.get("offset")))
    return out


def expected_map(disk, sectors):
    """From the chunks: sorted, cut, with what none describes between them, neighbours joined."""
    out, end = [], 0
    pieces = sorted((c.start * SECTOR, c.sectors * SECTOR, c) for c in disk.chunks() if c.sectors and c.start < sectors)
    for start, length, piece in [*pieces, (sectors * SECTOR, 0, None)]:
        if start > end:
            join(out, end, start - end, "absent", None)
        if piece is not None:
            length = min(length, sectors * SECTOR - start)
            state = "zero" if piece.type in (ZERO, IGNORE) else "data" if piece.type == RAW else "compressed"
            join(out, start, length, state, piece.offset if state == "data" else None)
        end = start + length
    return out


def join(out, start, length, state, offset):
    if out and out[-1][2] == state and (state != "data" or out[-1][3] + out[-1][1] == offset):
        out[-1] = (out[-1][0], out[-1][1] + length, state, out[-1][3])
    else:
        out.append((start, length, state, offset))


def judge_content(tap_out, options, cwd, name, label, content):
    """By our own reading, and by qemu-img's where it knows all that is in the image."""
    if not options.read_guest:
        tap_out.skip(f"{label}: content is what the builder put in", "no --read-guest was given")
        return
    done = qemu.execute([options.read_guest, name, "guest"], cwd)
    same = done.code == 0 and Path(cwd, "guest").read_bytes() == content
    check(tap_out, same, f"{label}: content is what the builder put in", [done.code, done.err])


def judge_convert(tap_out, cwd, name, label, content):
    done = qemu.execute(["qemu-img", "convert", "-U", "-O", "raw", name, "converted"], cwd)
    same = done.code == 0 and Path(cwd, "converted").read_bytes() == content
    check(tap_out, same, f"{label}: qemu-img reads the same", [done.code, done.err])


def judge(tap_out, options, cwd, label, disk, data, sectors=None, qemu_reads=None):
    """Map, size and content of a good image."""
    size = disk.sectors() if sectors is None else sectors
    Path(cwd, "disk.dmg").write_bytes(data)
    outcome = ours(options, cwd, "disk.dmg")
    expected = expected_map(disk, size) if size else [(0, 0, "absent", None)]
    got = shorten(outcome) if outcome.code == 0 else outcome.err
    check(tap_out, got == expected, f"{label}: the map is what the tables hold", [got, expected])
    theirs = qemu.execute(["qemu-img", "map", "-U", "--output=json", "disk.dmg"], cwd)
    length = sum(e["length"] for e in qemu.entries(theirs)) if theirs.code == 0 else theirs.err
    unreadable = theirs.code == 1 and qemu.refuses_more() and not any(c.type in QEMU_READS for c in disk.chunks())
    check(tap_out, unreadable or length == size * SECTOR, f"{label}: qemu-img prints the same size, or reads no chunk of it",
          [length, size * SECTOR])
    content = disk.content(size)
    judge_content(tap_out, options, cwd, "disk.dmg", label, content)
    gaps = any(state == "absent" for _, _, state, _ in expected)
    if qemu_reads is None:
        qemu_reads = not gaps and all(c.type in QEMU_READS for c in disk.chunks())
    if qemu_reads and size:
        judge_convert(tap_out, cwd, "disk.dmg", label, content)


def test_every_kind_of_chunk_is_mapped_and_read(tap_out, options, cwd):
    for kind, name in NAMES.items():
        disk = Disk().add(0, [chunk(kind, pattern(9)), chunk(kind, bytes(SECTOR) + pattern(4, 7))])
        judge(tap_out, options, cwd, f"chunks of {name}", disk, disk.build())
    disk = Disk().add(0, [nothing(ZERO, 3), nothing(IGNORE, 300000), chunk(ZLIB, pattern(2))])
    judge(tap_out, options, cwd, "zeroes of both sorts", disk, disk.build())
    for kind, data in ((ADC, bytes(70000 // SECTOR * SECTOR)), (ADC, pattern(130) * 2), (XZ, pattern(600))):
        disk = Disk().add(0, [chunk(kind, data), nothing(ZERO, 1)])
        judge(tap_out, options, cwd, f"{len(data)} bytes of {NAMES[kind]}", disk, disk.build())


def test_every_layout_of_tables_is_read(tap_out, options, cwd):
    disk = Disk(fork=333).add(0, build.every_kind()).add(disk_end(), build.every_kind(), data_offset=17)
    judge(tap_out, options, cwd, "property list, data fork at 333", disk, disk.build())
    judge(tap_out, options, cwd, "resource fork", disk, disk.build(plist=False, resources=True))
    others = disk.resources(extra=[b"plst" + bytes(300), b"x"])
    judge(tap_out, options, cwd, "resource fork with other resources", disk, disk.build(plist=False, resources=others))
    readable = Disk().add(0, [chunk(ZLIB, pattern(5)), nothing(ZERO, 2), chunk(RAW, pattern(3)), chunk(RAW, pattern(3, 1))])
    unread = Disk().add(0, [nothing(ZERO, 13)])
    judge(tap_out, options, cwd, "both: the resource fork counts", readable, readable.build(plist=unread.plist(), resources=True))
    for tail in (1, 100, 508, 511):
        judge(tap_out, options, cwd, f"{tail} bytes behind the trailer", readable, with_tail(readable, tail))
    judge(tap_out, options, cwd, "no end mark", *ended(ends=False))
    judge(tap_out, options, cwd, "longer lines of base64", readable, readable.build(plist=readable.plist(wrap=10000)))
    judge(tap_out, options, cwd, "zero bytes behind the property list", readable, readable.build(plist=readable.plist() + bytes(9)))
    extra = b"<key>plst</key><array><dict><key>Data</key><data>AAAA bWlz</data><data/><data></data></dict></array>"
    judge(tap_out, options, cwd, "other data in the property list", readable, readable.build(plist=readable.plist(extra)))
    judge(tap_out, options, cwd, "segment count 0", readable, readable.build(segment=0, segments=0))
    gpt = gpt_disk()
    name = "<key>CFName</key><string>disk image\uff08Apple_HFS: 4\uff09</string>".encode()
    named = gpt.plist().replace(b"<key>ID</key>", name + b"<key>ID</key>")
    judge(tap_out, options, cwd, "a GPT disk by Disk Utility", gpt, gpt.build(plist=named, segment=0, segments=0))


def gpt_disk():
    """A table for each part of the disk, all stored in another order; free space that has an offset; comments in all entries."""
    free = lambda sectors: nothing(IGNORE, sectors, offset=178, comment=9)
    packed = lambda sectors, salt: chunk(ZLIB, pattern(sectors, salt), comment=65)
    disk = Disk()
    for salt, (first, sectors) in enumerate(((2, 32), (3513, 1), (1, 1), (0, 1), (3481, 32))):
        disk.add(first, [packed(sectors, salt)])
    disk.add(40, [packed(2010, 5), nothing(ZERO, 38), nothing(ZERO, 1376), packed(8, 6), free(6), packed(1, 7), free(1)])
    disk.add(34, [free(6)]).add(3480, [free(1)])
    disk.tables.sort(key=lambda table: table.first)
    return disk


def with_tail(disk, tail):
    """A file of whole sectors: the trailer may begin up to 1023 bytes before its end."""
    plist = disk.plist()
    return disk.build(plist=plist + bytes(-(len(disk.build(plist=plist)) + tail) % SECTOR), tail=bytes(tail))


def disk_end():
    return sum(c.sectors for c in build.every_kind())


def ended(ends):
    disk = Disk().add(0, [chunk(ZLIB, pattern(5)), nothing(ZERO, 2)], ends=ends)
    return disk, disk.build()


def test_tables_that_qemu_cannot_read_are_mapped(tap_out, options, cwd):
    """Where QEMU cannot read all, and we can."""
    disk = Disk().add(20, [chunk(ZLIB, pattern(8))]).add(0, [chunk(RAW, pattern(20, 2))]).add(28, [nothing(ZERO, 9)])
    judge(tap_out, options, cwd, "tables in another order", disk, disk.build(), qemu_reads=False)
    disk = Disk().add(4, [chunk(ZLIB, pattern(4))]).add(10, [nothing(ZERO, 2)])
    judge(tap_out, options, cwd, "holes between tables and behind them", disk, disk.build(sectors=30), 30)
    disk = Disk().add(0, [nothing(COMMENT, 0), chunk(ZLIB, pattern(4)), nothing(0x80000009, 0), nothing(COMMENT, 77), nothing(ZERO, 0)])
    disk.tables[0].chunks[3].start = 4
    judge(tap_out, options, cwd, "comments and empty chunks", disk, disk.build(sectors=4), 4)
    disk = Disk().add(0, [nothing(ZERO, 2, offset=1 << 63), chunk(RAW, pattern(2)), nothing(IGNORE, 2, offset=(1 << 64) - 1, length=4)])
    judge(tap_out, options, cwd, "zeroes stored nowhere", disk, disk.build())
    disk = Disk().add(0, [chunk(ZLIB, pattern(4)), chunk(RAW, pattern(10)), nothing(ZERO, 3)])
    judge(tap_out, options, cwd, "chunks cut by the disk's size", disk, disk.build(sectors=9), 9)
    judge(tap_out, options, cwd, "a disk of no sectors", disk, disk.build(sectors=0), 0)


def test_a_window_has_the_map_of_its_range(tap_out, options, cwd):
    disk = Disk(fork=64).add(0, [chunk(RAW, pattern(4)), chunk(ZLIB, pattern(4)), nothing(ZERO, 8)])
    Path(cwd, "disk.dmg").write_bytes(disk.build(sectors=20))
    cases = [
        (("-s", "1024", "-l", "2048"), [(1024, 1024, "data", 64 + 1024), (2048, 1024, "compressed", None)]),
        (("-s", "3000"), [(3000, 1096, "compressed", None), (4096, 4096, "zero", None), (8192, 2048, "absent", None)]),
        (("-s", "9000"), [(9000, 1240, "absent", None)]),
        (("-l", "1"), [(0, 1, "data", 64)]),
    ]
    for words, expected in cases:
        outcome = ours(options, cwd, "disk.dmg", *words)
        got = shorten(outcome) if outcome.code == 0 else outcome.err
        check(tap_out, got == expected, f"the map with {' '.join(words)}", [got, expected])


def test_random_disks_are_mapped_and_read(tap_out, options, cwd):
    for index in range(RANDOM_DISKS):
        rng = harness.generator(options.seed, "dmg", index)
        kinds = [RAW, ZLIB] if index % 2 else [RAW, *COMPRESSED]
        disk = Disk(fork=rng.choice([0, 1, 512, 700]))
        at = 0
        tables = []
        for _ in range(rng.randint(1, 6)):
            chunks = [random_chunk(rng, kinds) for _ in range(rng.randint(1, 8))]
            at += 0 if index % 2 else rng.choice([0, 0, 0, 5])
            tables.append((at, chunks))
            at += sum(c.sectors for c in chunks)
        if index % 4 == 0:
            rng.shuffle(tables)
        for first, chunks in tables:
            disk.add(first, chunks, data_offset=min(rng.choice([0, 3, 1024]), len(disk.body) - disk.fork))
        forks = rng.choice([{"plist": True}, {"plist": False, "resources": True}, {"resources": True}])
        data = disk.build(**forks)
        judge(tap_out, options, cwd, f"random disk {index} of seed {options.seed}", disk, data)


def random_chunk(rng, kinds):
    if rng.randrange(3) == 0:
        return nothing(rng.choice([ZERO, IGNORE]), rng.randint(1, 5000))
    sectors = rng.randint(1, 40)
    data = rng.choice([pattern(sectors, rng.randrange(99)), rng.randbytes(sectors * SECTOR), bytes(sectors * SECTOR)])
    return chunk(rng.choice(kinds), data)


def one(*chunks, **changes):
    return Disk().add(0, list(chunks), **changes)


def broken():
    """name, bytes, message, whether qemu-img refuses it too"""
    good = Disk(fork=10).add(0, [chunk(ZLIB, pattern(4)), nothing(ZERO, 2)])
    sound = good.build()
    huge = 1 << 63
    yield "without a trailer", sound[:-512], "no DMG trailer", True
    yield "511 bytes", sound[-511:], "DMG file of 511 bytes", True
    yield "512 bytes", sound[-512:], "data fork at offset 0xa, past the trailer at 0", True
    yield "a trailer 1024 bytes before the end", with_tail(good, 512), "no DMG trailer", True
    yield "version 5", good.build(version=5), "DMG version 5", False
    yield "of two segments", good.build(segments=2), "DMG of 2 segments", False
    yield "no tables at all", good.build(plist=False), "a DMG without tables", True
    yield "data fork behind the trailer", good.build(fork=1 << 20), "data fork at offset 0x100000, past", True
    yield "property list behind the trailer", good.build(plist_length=1 << 20), "property list of 1048576 bytes", True
    yield "resource fork behind the trailer", good.build(resources_length=1 << 20), "resource fork of 1048576 bytes", True
    yield "sectors above 2^63 bytes", good.build(sectors=1 << 55), "above 2.63", True
    yield "property list of 2^63 bytes", good.build(plist_length=huge), "above 2.63", True
    yield "property list that is no XML", good.build(plist=b"<plist><data>" + bytes(90)), "XML", True
    yield "XML with entities", good.build(plist=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "entities", False
    yield "base64 with other characters", good.build(plist=b"<plist><data>bWl*aAAA</data></plist>"), "byte 0x2a in base64", False
    yield "base64 behind its end", good.build(plist=b"<plist><data>bWl=zaAAA</data></plist>"), "byte 0x7a in base64", False
    yield "an element in the data", good.build(plist=b"<plist><data>bW<a/>lz</data></plist>"), "element inside", False
    yield "resources behind the fork", good.build(resources=b"\0\0\1\0" * 4), "resources of 256 bytes at 256", True
    yield "an empty resource", good.build(resources=good.resources(extra=[b""])), "resource of 0 bytes", True
    yield "a fork without resources", good.build(resources=bytes(64)), "resources of 0 bytes", True
    cut = bytearray(good.resources(extra=[b"last"]))
    cut[-58:-54] = b"\0\0\1\0"
    yield "a resource longer than the rest", good.build(resources=bytes(cut)), "resource of 256 bytes", True
    yield "table that is cut", one(chunk(ZLIB, pattern(4)), entries=9).build(), "with 9 entries in", False
    yield "table of version 2", one(chunk(ZLIB, pattern(4)), version=2).build(), "table of chunks of version 2", False
    yield "table at 2^63", one(chunk(ZLIB, pattern(4)), offset=huge).build(), "above 2.63", False
    yield "data of a table at 2^63", one(chunk(ZLIB, pattern(4)), offset=huge - 1).build(), "above 2.63", False
    yield "unknown type of chunk", one(nothing(0x80000009, 8)).build(), "chunk at guest offset 0 is of type 0x80000009", False
    yield "chunk of 64 MiB and a sector", one(nothing(ZLIB, 131073)).build(), "of 67109376 bytes, stored in 0: above", True
    yield "chunk stored in 64 MiB and a byte", one(nothing(ZERO, 1, length=(64 << 20) + 1)).build(), "stored in 67108865: above", True
    yield "chunk at sector 2^55", one(nothing(ZERO, 1, sector=1 << 55)).build(sectors=1), "above 2.63", False
    yield "chunk of 2^55 sectors", one(nothing(ZERO, 1, sectors=1 << 55)).build(sectors=1), "above 2.63", False
    yield "chunk stored at 2^63 - 1", one(chunk(ZLIB, pattern(1), offset=huge - 1)).build(), "above 2.63", False
    yield "raw chunk stored in less", one(chunk(RAW, pattern(4), length=2047)).build(), "of 2048 bytes, stored in 2047", False
    yield "chunks over one another", one(nothing(ZERO, 8), nothing(IGNORE, 8, sector=7)).build(), "chunk at guest offset 0xe00 lies over the one at 0", False
    yield "the same table twice", Disk().add(0, [nothing(ZERO, 8)]).add(0, [nothing(ZERO, 8)]).build(), "lies over", False
    yield "encrypted, version 2", b"encrcdsa\0\0\0\2".ljust(4096, b"\x5a"), r"encrypted DMG \(version 2\)", True
    yield "encrypted, version 1", b"cdsaencr".rjust(4096, b"\x5a"), r"encrypted DMG \(version 1\)", True


def test_broken_images_are_refused(tap_out, options, cwd):
    for name, data, message, refused in broken():
        Path(cwd, "broken.dmg").write_bytes(data)
        theirs = qemu.execute(["qemu-img", "map", "-U", "--output=json", "broken.dmg"], cwd)
        outcome = ours(options, cwd, "broken.dmg")
        passed = outcome.code == 1 and re.search(message, outcome.err)
        check(tap_out, passed, f"refused: {name}", [outcome.code, outcome.err, outcome.out])
        if refused or not qemu.refuses_more():
            check(tap_out, (theirs.code == 1) == refused, f"qemu-img {'refuses it too' if refused else '7.2 does not'}: {name}", [theirs.code, theirs.err])


def test_a_scan_goes_by_the_trailer_and_a_map_by_the_name(tap_out, options, cwd):
    """QEMU's map goes by the name; a scan by the trailer."""
    good = Disk().add(0, [chunk(RAW, pattern(4)), nothing(ZERO, 4)])
    where = os.path.join(cwd, "probing")
    os.makedirs(where, exist_ok=True)
    Path(where, "a.dmg").write_bytes(good.build())
    Path(where, "b.bin").write_bytes(good.build())
    Path(where, "cut.bin").write_bytes(one(chunk(ZLIB, pattern(4), offset=1 << 30)).build())
    Path(where, "e1.bin").write_bytes(b"cdsaencr".rjust(4096, b"\x5a"))
    Path(where, "e2.bin").write_bytes(b"encrcdsa\0\0\0\2".ljust(4096, b"\x5a"))
    Path(where, "other").write_bytes(b"koly".ljust(512, b"\0"))
    notes = qemu.compare_json("json", qemu.qemu_map(["b.bin"], ["--output=json"], where), ours(options, where, "b.bin"))
    check(tap_out, not notes, "under another name it is raw, as for qemu-img", notes)
    outcome = ours(options, where, "b.bin", "-f", "dmg")
    check(tap_out, shorten(outcome) == [(0, 2048, "data", 0), (2048, 2048, "zero", None)], "-f dmg reads it under any name", [outcome.out])
    found = scanned.scan(options.imgaudit, where, cwd + ".db")
    for name in ("a.dmg", "b.bin"):
        image = found[name].image
        facts = (image["format"], image["format_basis"], image["variant"], image["virtual_size"], image["truncated"])
        check(tap_out, facts == ("dmg", "footer", "v4 raw", 4096, 0), f"a scan recognises {name} by its trailer", [facts])
        check(tap_out, found[name].extents == [(0, 2048, "data", 0), (2048, 2048, "zero", None)], f"a scan maps {name}", [found[name].extents])
    check(tap_out, found["cut.bin"].image["truncated"] == 1, "a chunk stored past the end of the file is reported", [found["cut.bin"].image])
    for name, version in (("e1.bin", 1), ("e2.bin", 2)):
        text = found[name].findings.get("unsupported-format", "")
        check(tap_out, f"encrypted DMG (version {version})" in text, f"a scan finds {name} encrypted", [found[name]])
    check(tap_out, "other" not in found or not found["other"].image, "four letters are no trailer", [found.get("other")])


def test_facts_are_those_of_the_tables(tap_out, options, cwd):
    where = os.path.join(cwd, "facts")
    os.makedirs(where, exist_ok=True)
    disk = Disk().add(0, build.every_kind())
    Path(where, "plist").write_bytes(disk.build())
    Path(where, "fork").write_bytes(disk.build(plist=False, resources=True))
    found = scanned.scan(options.imgaudit, where, cwd + ".db")
    tables = {"plist": len(disk.plist()), "fork": len(disk.resources())}
    for name, variant in (("plist", "v4 raw adc zlib bzip2 lzfse xz"), ("fork", "v4 resource-fork raw adc zlib bzip2 lzfse xz")):
        image = found[name].image
        facts = (image["variant"], image["metadata_bytes"], image["data_bytes"], image["zero_bytes"])
        # Tables and trailer stand behind the chunks: all sectors that have a byte of them.
        first, end = len(disk.body) // SECTOR, -(-(len(disk.body) + tables[name] + 512) // SECTOR)
        expected = (variant, (end - first) * SECTOR, 18 * SECTOR, 9 * SECTOR)
        check(tap_out, facts == expected, f"facts of a DMG with its tables in the {name}", [facts, expected])


def main():
    parser = harness.parser("Apple disk images", 1)
    parser.add_argument("--read-guest", metavar="PATH", help="the program that reads an image through our map")
    options = harness.parse(parser)
    if options.read_guest:
        options.read_guest = os.path.realpath(options.read_guest)
    out = harness.Tap()
    with harness.work_directory(options.keep) as directory:
        cwd = os.path.join(directory, "images")
        os.makedirs(cwd, exist_ok=True)
        for test in (
            test_every_kind_of_chunk_is_mapped_and_read,
            test_every_layout_of_tables_is_read,
            test_tables_that_qemu_cannot_read_are_mapped,
            test_a_window_has_the_map_of_its_range,
            test_random_disks_are_mapped_and_read,
            test_broken_images_are_refused,
            test_a_scan_goes_by_the_trailer_and_a_map_by_the_name,
            test_facts_are_those_of_the_tables,
        ):
            test(out, options, cwd)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
