# SPDX-License-Identifier: MIT
# Logs of VHDX images: what replaying them in memory makes of the map and the contents. test_vhdx.py runs these tests.

import os
import shutil
import struct

import guest
import harness
import qemu
from builders import vhdx
from guest import MIB
from vhdx_support import DATA, KEPT, OTHER_GUID, SPARSE, ZERO, facts, map_of, maps_as, random_bytes, reads_as_qemu, refused


def log_image(options, **more):
    """Blocks 0 and 1 are in the BAT; where block 5 should be, only the log says."""
    image = vhdx.Image(8 * MIB, **more)
    image.put(0, random_bytes(options, "log0", MIB))
    image.put(1, random_bytes(options, "log1", MIB))
    place = image.put(5, random_bytes(options, "log5", MIB))
    del image.bat[5]
    return image, place


def log_cases(options):
    """(name, image, where the log says that block 5 is or None, whether QEMU 7.2 agrees). QEMU does not look at the tail, takes
    the first two entries for a sequence whatever their numbers, and cannot read more than one sector of descriptors."""
    def case(name, make, adds=True, by_qemu=True):
        image, place = log_image(options)
        make(image, image.bat_page({5: place | vhdx.FULL}), image.bat_page({5: vhdx.ZERO}))
        return name, image, place if adds else None, by_qemu

    entry = vhdx.LogEntry
    yield case("one entry", lambda image, add, drop: image.use_log([entry(1, [add])]))
    yield case("a later entry wins", lambda image, add, drop: image.use_log([entry(1, [drop]), entry(2, [add], tail=0)]))
    yield case("a later descriptor wins", lambda image, add, drop: image.use_log([entry(1, [add, drop])]), adds=False)
    yield case("zeroes, then data over them", lambda image, add, drop: image.use_log([entry(1, [(vhdx.BAT_AT, 64 * 4096), add])]))
    yield case("a sequence around the ring's end", lambda image, add, drop: image.use_log(
        [entry(1, [drop, (vhdx.BAT_AT + 8192, 4096)]), entry(2, [add], tail=MIB - 4096)], at=MIB - 4096), by_qemu=False)
    yield case("an entry around the ring's end", lambda image, add, drop: image.use_log([entry(1, [add], tail=MIB - 4096)], at=MIB - 4096))
    yield case("more descriptors than a sector holds", lambda image, add, drop: image.use_log(
        [entry(1, [(vhdx.BAT_AT + 4096 * (page % 200 + 1), 4096) for page in range(300)] + [add])]), by_qemu=False)
    yield case("entries of an older log behind", lambda image, add, drop: image.use_log(
        [entry(8, [add], tail=0), entry(9, [drop], tail=0, log_guid=OTHER_GUID)]))
    yield case("a torn last entry does not count", lambda image, add, drop: image.use_log(
        [entry(8, [add], tail=0), entry(9, [drop], tail=0, good=False)]))
    yield case("of two sequences the newer one", lambda image, add, drop: image.use_log(
        [entry(90, [add], tail=0), entry(4, [drop], tail=8192), entry(5, [drop], tail=8192)]), by_qemu=False)
    yield case("the newer one later in the ring", lambda image, add, drop: image.use_log(
        [entry(4, [drop], tail=0), entry(5, [drop], tail=0), entry(90, [add], tail=16384)]), by_qemu=False)
    yield case("a sequence begins where its last entry points", lambda image, add, drop: image.use_log(
        [entry(4, [(vhdx.METADATA_AT, 65536)], tail=0), entry(5, [add], tail=4096)]), by_qemu=False)
    yield case("a sequence whose beginning is lost is none", lambda image, add, drop: image.use_log(
        [entry(4, [add], tail=0), entry(9, [drop], tail=65536)]), by_qemu=False)
    yield case("a data sector of another sequence number", lambda image, add, drop: image.use_log(
        [entry(4, [add], tail=0), entry(5, [drop], tail=0, extra={8192 - 4: bytes(4)})]), by_qemu=False)
    yield case("sequence numbers above 2^32", lambda image, add, drop: image.use_log(
        [entry(1 << 40, [drop]), entry((1 << 40) + 1, [add], tail=0)]))


def replayed_by_qemu(path):
    """A copy whose log qemu-img has written to where it belongs."""
    copy = path + ".replayed"
    shutil.copy(path, copy)
    qemu.execute(["qemu-img", "check", "-f", "vhdx", "-r", "all", copy])
    return copy


def logs_are_replayed_or_refused(options, directory):
    path = os.path.join(directory, "log.vhdx")
    for name, image, place, by_qemu in log_cases(options):
        image.write(path)
        stored = [(5 * MIB, MIB, DATA, place), (6 * MIB, 2 * MIB, ZERO, None)] if place else [(5 * MIB, 3 * MIB, ZERO, None)]
        hole = stored.pop(0)[1] if not place else 0
        expected = [(0, 2 * MIB, DATA, 4 * MIB), (2 * MIB, 3 * MIB + hole, ZERO, None), *stored]
        yield maps_as(f"log: {name}", options, path, expected)
        if by_qemu:
            copy = replayed_by_qemu(path)
            yield reads_as_qemu(f"log: {name}: reads as qemu-img does that replayed it", options, path, copy)
            yield maps_as(f"log: {name}: maps as once replayed", options, copy, expected)
            guest.remove(copy)
    yield from log_of_qemu_1_6(options, path)
    yield from log_changes(options, path)
    yield from bad_logs(options, path)
    for index in range(options.count):
        yield random_log(options, directory, index)
    guest.remove(path)


def log_of_qemu_1_6(options, path):
    """Each write had a log of its own: the headers name the last. No region is required, and the BAT is before the metadata."""
    image = vhdx.Image(10 << 30, bat_at=2 * MIB, metadata_at=3 * MIB)
    image.creator = "QEMU v1.6.50"
    image.regions = [(*region[:3], 0) for region in image.regions]
    places, entries = {}, []
    for number, block in enumerate((0, 2, 5, 3, 1, 4, 6), 1):
        places[block] = image.put(block, random_bytes(options, f"old{block}", MIB))
        log_guid = f"{number:08x}-0000-4000-8000-000000000000"
        entries.append(vhdx.LogEntry(number, [image.bat_page({})], log_guid=log_guid, flushed_size=image.end, last_size=image.end))
    del image.bat[6]
    image.use_log(entries, log_guid=log_guid)
    image.write(path)
    expected = [*((block * MIB, MIB, DATA, places[block]) for block in range(7)), (7 * MIB, image.size - 7 * MIB, ZERO, None)]
    yield maps_as("log: the last of seven by QEMU 1.6", options, path, expected)
    copy = replayed_by_qemu(path)
    yield maps_as("log: the last of seven by QEMU 1.6: maps as once replayed", options, copy, expected)
    yield reads_as_qemu("log: the last of seven by QEMU 1.6: reads as qemu-img does that replayed it", options, path, copy)
    guest.remove(copy)


def log_changes(options, path):
    """What is not the BAT."""
    image, place = log_image(options)
    image.use_log([vhdx.LogEntry(1, [image.bat_page({6: 16 * MIB | vhdx.FULL})], last_size=17 * MIB)])
    image.write(path)
    yield maps_as("log: a block behind the end that the file is to get", options, path, [
        (0, 2 * MIB, DATA, 4 * MIB), (2 * MIB, 4 * MIB, ZERO, None), (6 * MIB, MIB, SPARSE, 16 * MIB), (7 * MIB, MIB, ZERO, None)])
    directory = os.path.dirname(path)
    row, codes = facts(options, directory, path)
    yield harness.result("log: such a file is not cut short", [f"findings {codes}"] if "truncated" in codes or "dirty" not in codes else [])
    image, place = log_image(options)
    image.use_log([vhdx.LogEntry(1, [(4 * MIB + 8192, 4096), (5 * MIB - 4096, 8192)])])
    image.write(path)
    yield maps_as("log: zeroes for parts of blocks", options, path, [
        (0, 8192, DATA, 4 * MIB), (8192, 4096, KEPT, 4 * MIB + 8192), (12288, MIB - 16384, DATA, 4 * MIB + 12288),
        (MIB - 4096, 8192, KEPT, 5 * MIB - 4096), (MIB + 4096, MIB - 4096, DATA, 5 * MIB + 4096), (2 * MIB, 6 * MIB, ZERO, None)])
    copy = replayed_by_qemu(path)
    yield reads_as_qemu("log: and as qemu-img reads them", options, path, copy)
    guest.remove(copy)
    image, place = log_image(options)
    image.use_log([vhdx.LogEntry(1, [(5 * MIB, b"x" * 4096)])])
    image.write(path)
    yield refused("log: bytes of a block", options, path, "log holds bytes of the block")
    image, place = log_image(options)
    image.replace_item(vhdx.DISK_SIZE, struct.pack("<Q", 4 * MIB))
    body = vhdx.metadata_table(image.items)[1]
    image.replace_item(vhdx.DISK_SIZE, struct.pack("<Q", 8 * MIB))
    image.use_log([vhdx.LogEntry(1, [(vhdx.METADATA_AT + 65536, body.ljust(4096, b"\0"))])])
    image.write(path)
    yield maps_as("log: another size of the disk", options, path, [(0, 2 * MIB, DATA, 4 * MIB), (2 * MIB, 2 * MIB, ZERO, None)])


def bad_logs(options, path):
    def case(name, pattern, entries=(), change=None):
        image, place = log_image(options)
        image.use_log(entries)
        if change:
            change(image)
        image.write(path)
        return refused(f"log: {name}", options, path, pattern)

    good = vhdx.LogEntry(1, [])
    yield case("nothing to replay though the header names a log", "no sequence", [])
    yield case("all of its entries torn", "no sequence", [vhdx.LogEntry(1, [], good=False)])
    yield case("a file shorter than it was", "cut short", [vhdx.LogEntry(1, [], flushed_size=1 << 30)])
    yield case("an unaligned descriptor", "no sequence", [vhdx.LogEntry(1, [(vhdx.BAT_AT + 512, 4096)])])
    yield case("an unaligned length", "no sequence", [vhdx.LogEntry(1, [(vhdx.BAT_AT, 512)])])
    yield case("zeroes past 2^63", "no sequence", [vhdx.LogEntry(1, [((1 << 63) - 8192, 8192)])])
    yield case("a descriptor of another sort", "no sequence", [vhdx.LogEntry(1, [(vhdx.BAT_AT, 4096)], extra={64: b"free"})])
    yield case("more descriptors than its length", "no sequence", [vhdx.LogEntry(1, [], extra={24: struct.pack("<I", 1 << 31)})])
    yield case("longer than the log", "no sequence", [vhdx.LogEntry(1, [], extra={8: struct.pack("<I", 2 * MIB)})])
    fake = vhdx.LogEntry(1, [], extra={8: struct.pack("<I", MIB)}).pack(0)
    yield case("entries in which entries lie, over and over", "overlapping entries", [],
               lambda image: image.log.update({at: fake for at in range(0, MIB, 4096)}))
    yield case("a length that is no multiple of 1 MiB", "log of 1052672 bytes", [good],
               lambda image: setattr(image, "headers", [vhdx.header(9, log_guid=vhdx.LOG_GUID, log_length=MIB + 4096)] * 2))
    yield case("an unknown version", "log version 1", [good], lambda image: setattr(image, "headers", [vhdx.header(9, log_version=1)] * 2))
    yield case("a log in the header section", "log at bad offset", [good],
               lambda image: setattr(image, "headers", [vhdx.header(9, log_at=65536)] * 2))


def random_log(options, directory, index):
    """Random updates of a BAT, in a log and done: both images map the same."""
    rng = harness.generator(options.seed, "log", index)
    pages, rooms = 40, [4 * MIB + place * MIB for place in range(4000)]
    rng.shuffle(rooms)
    logged, done = vhdx.Image(16 << 30), vhdx.Image(16 << 30)
    bat = bytearray(pages * 4096)
    entries, sequence, length = [], rng.choice([1, 77, (1 << 32) - 3]), 0
    for _ in range(rng.randint(1, 12)):
        updates = []
        for _ in range(rng.randint(0, 20)):
            first = rng.randrange(pages)
            if rng.randrange(3):
                words = [rng.choice([0, 2, 3, rooms.pop() | vhdx.FULL if len(rooms) > 1000 else 0]) for _ in range(6)]
                data = b"".join(struct.pack("<Q", rng.choice(words[:3]) if n % 64 else words[n // 64 % 6]) for n in range(512))
                updates.append((vhdx.BAT_AT + first * 4096, data))
                bat[first * 4096:(first + 1) * 4096] = data
            else:
                count = rng.randint(0, min(9, pages - first))
                updates.append((vhdx.BAT_AT + first * 4096, count * 4096))
                bat[first * 4096:(first + count) * 4096] = bytes(count * 4096)
        entries.append((sequence, updates))
        sequence += 1
    at = rng.randrange(256) * 4096
    logged.use_log([vhdx.LogEntry(number, updates, tail=at) for number, updates in entries], at=at)
    paths = [os.path.join(directory, name) for name in ("logged.vhdx", "done.vhdx")]
    done.raw = {vhdx.BAT_AT + page * 4096: bytes(bat[page * 4096:page * 4096 + 4096]) for page in range(pages)}
    for image, path in zip((logged, done), paths):
        image.end = 4008 * MIB
        image.write(path)
    outcomes = [map_of(options, path) for path in paths]
    same = outcomes[0].code == outcomes[1].code == 0 and outcomes[0].out == outcomes[1].out
    notes = [] if same else [f"--seed {options.seed} --count {index + 1}", *(f"code {o.code}: {o.err}" for o in outcomes),
                             *qemu.differences(outcomes[1].out, outcomes[0].out)]
    guest.remove(*paths)
    return harness.result(f"log: random updates {index}, {len(outcomes[1].out.splitlines())} entries", notes)
