#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The power fails while a scan writes its store. All that the scan writes, truncates and syncs is recorded. A disk may then
# hold what was synced, and of what was written to each file since its last sync any part, in any order, the last sector of a
# write torn off. Whatever of that a store is made of, it opens, is sound, and is that of before the scan or that of after it.

import os
import struct

import harness
from faulty import SCAN, Faulty, forest, is_sound
from sites import Site, create, without_ids
from store_look import scans

WRITE, TRUNCATE, SYNC = 2, 3, 4  # tests/faults/faults.c
HEAD = struct.Struct("=IIqq")
SECTOR = 512


class Disk:
    """What a disk holds of the files of a store."""

    def __init__(self, files):
        self.durable = dict(files)
        self.pending = {}  # {path: [(kind, offset, bytes)]}

    def take(self, kind, path, offset, data):
        if kind == SYNC:
            self.durable[path] = applied(self.durable.get(path, b""), self.pending.pop(path, []))
        else:
            self.pending.setdefault(path, []).append((kind, offset, data))

    def after_power_failed(self, rng):
        """{path: bytes}"""
        result = dict(self.durable)
        for path, changes in self.pending.items():
            how = rng.choice(("none", "all", "first", "some"))
            chosen = {"none": [], "all": changes, "first": changes[:rng.randrange(len(changes) + 1)],
                      "some": [change for change in changes if rng.random() < 0.5]}[how]
            result[path] = applied(result.get(path, b""), [torn(rng, change) if change is chosen[-1] else change for change in chosen])
        return result


def torn(rng, change):
    kind, offset, data = change
    if kind != WRITE or len(data) <= SECTOR or rng.random() < 0.5:
        return change
    return kind, offset, data[:rng.randrange(1, len(data) // SECTOR + 1) * SECTOR]


def applied(content, changes):
    content = bytearray(content)
    for kind, offset, data in changes:
        if kind == TRUNCATE:
            content = content[:offset] + bytes(max(0, offset - len(content)))
            continue
        content += bytes(max(0, offset - len(content)))
        content[offset:offset + len(data)] = data
    return bytes(content)


def read_records(path):
    with open(path, "rb") as file:
        while head := file.read(HEAD.size):
            kind, path_len, offset, length = HEAD.unpack(head)
            name = file.read(path_len).decode()
            yield kind, name, offset, file.read(length)


def store_files(db):
    found = {}
    for suffix in ("", "-wal"):
        if os.path.exists(db + suffix):
            with open(db + suffix, "rb") as file:
                found[db + suffix] = file.read()
    return found


def recorded(case, site, name):
    """The records of a scan, without those of the index of the log, which is made anew."""
    log = os.path.join(case.fresh(), name)
    outcome = Faulty(case, site, "", site.db).scan(FAULTS_RECORD=log)
    case.same(outcome.code, 0, f"{name}: the scan", [outcome.err])
    return [record for record in read_records(log) if not record[1].endswith("-shm")]


def found_after(case, site, files):
    """(what is wrong or None, the number of scans, what the store has)"""
    copy = Site(site.imgaudit, case.fresh())
    for path, content in files.items():
        with open(copy.db + path[len(site.db):], "wb") as file:
            file.write(content)
    if not os.path.exists(copy.db) or (os.path.getsize(copy.db) == 0 and not os.path.exists(copy.db + "-wal")):
        return None, 0, None
    check = copy.run("db", "check", "--db", copy.db)
    if check.code != 0:
        return f"db check: {check.code}: {check.err.strip()[:200]}", 0, None
    return is_sound(copy.db), scans(copy.db), without_ids(copy)


def power_fails(case, name, site, before, files):
    records = recorded(case, site, name)
    after = (scans(site.db), without_ids(site))
    rng = case.random(name)
    points = sorted(rng.sample(range(len(records) + 1), min(case.options.count, len(records) + 1)))
    disk, done, wrong, seen = Disk(files), 0, [], {}
    for point in points:
        for record in records[done:point]:
            disk.take(record[0], record[1], record[2], record[3])
        done = point
        why, count, content = found_after(case, site, disk.after_power_failed(rng))
        state = "after" if (count, content) == after else "before" if (count, content) == before else "neither"
        seen[state] = seen.get(state, 0) + 1
        if why or state == "neither":
            wrong.append(f"after {point} of {len(records)} writes and syncs: {why or f'{count} scans, and neither state'}")
    case.check(not wrong, f"{name}: at {len(points)} of {len(records) + 1} moments the store is that of before or of after", wrong[:5])
    case.out.note(f"{name}: {seen}")


def test_a_power_failure_leaves_one_of_both_states(case):
    site = case.site()
    base = forest(site)
    site.scan()
    before, files = (scans(site.db), without_ids(site)), store_files(site.db)
    create(site.path("new.qcow2"), 1 << 20, base)
    os.unlink(site.path("gone.qcow2"))
    power_fails(case, "a second scan", site, before, files)
    files, before = store_files(site.db), (scans(site.db), without_ids(site))
    for i in range(40):
        create(site.path(f"more/{i}.qcow2"), 1 << 20, base)
    power_fails(case, "a third scan, of many more images", site, before, files)


def test_a_power_failure_in_the_first_scan_leaves_nothing_or_all(case):
    site = case.site()
    forest(site)
    records = recorded(case, site, "the first scan")
    after = (scans(site.db), without_ids(site))
    rng = case.random("first")
    disk, wrong = Disk({}), []
    for number, record in enumerate(records):
        disk.take(*record)
        if number % max(1, len(records) // case.options.count):
            continue
        files = disk.after_power_failed(rng)
        copy = Site(site.imgaudit, case.fresh())
        for path, content in files.items():
            with open(copy.db + path[len(site.db):], "wb") as file:
                file.write(content)
        outcome = copy.run("scan", "--db", copy.db, *SCAN, site.root)
        if outcome.code != 0 or is_sound(copy.db) or without_ids(copy) != after[1]:
            wrong.append(f"after {number + 1} of {len(records)}: {outcome.code} {outcome.err.strip()[:200]}")
    case.check(not wrong, f"whatever of {len(records)} writes is there, the next scan succeeds", wrong[:5])


TESTS = [test_a_power_failure_leaves_one_of_both_states, test_a_power_failure_in_the_first_scan_leaves_nothing_or_all]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS, count=60, tools=("faults",)))
