#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A store that cannot be written: each write, truncation and sync of a scan fails, alone or with all after it. The store is
# as it was before the scan or as it is after it, whole and sound, and the next scan succeeds.

import errno
import os

import harness
from faulty import SCAN, Faulty, ended_badly, forest, is_sound, spread
from sites import create, without_ids
from store_look import scans


class Store:
    """A site with one scan, whose second scan fails: what its store is before and after that."""

    def __init__(self, case):
        self.site = case.site()
        base = forest(self.site)
        self.site.scan()
        with open(self.site.db, "rb") as file:
            self.kept = file.read()
        self.before = without_ids(self.site)
        create(self.site.path("new.qcow2"), 1 << 20, base)
        os.unlink(self.site.path("gone.qcow2"))
        self.site.scan()
        self.after = without_ids(self.site)

    def reset(self):
        for suffix in ("-wal", "-shm", "-journal"):
            if os.path.exists(self.site.db + suffix):
                os.unlink(self.site.db + suffix)
        with open(self.site.db, "wb") as file:
            file.write(self.kept)

    def wrong(self, outcome):
        """What is wrong with what a failed scan left; None: nothing."""
        log = self.site.db + "-wal"
        size = os.path.getsize(log) if os.path.exists(log) else 0
        now, count = without_ids(self.site), scans(self.site.db)
        if is_sound(self.site.db):
            return f"it is damaged: {is_sound(self.site.db)}"
        if outcome.code == 1:
            if (now, count) != (self.before, 1):
                return f"exit code 1, and something is recorded: {count} scans"
            return f"the log keeps {size} bytes" if size > 0 else None
        return None if (now, count) == (self.after, 2) else f"exit code {outcome.code}, and the scan is not recorded"


def failing(case, call, words, error, lasts):
    store = Store(case)
    store.reset()
    faulty = Faulty(case, store.site, call, store.site.db)
    count = faulty.calls("scan", "--db", store.site.db, *SCAN, store.site.root)
    numbers = spread(count, case.options.count)
    bad, lost, later, codes = [], [], [], set()
    for number in numbers:
        store.reset()
        outcome = faulty.scan(at=number, error=error, lasts=lasts)
        codes.add(outcome.code)
        notes = f"{call} {number} of {count}"
        bad += [f"{notes}: {why}" for why in [ended_badly(outcome)] if why]
        lost += [f"{notes}: {why}" for why in [store.wrong(outcome)] if why]
        again = store.site.scan()
        if again.code != 0 or without_ids(store.site) != store.after:
            later.append(f"{notes}: {again.code} {again.outcome.err[:200]}")
    case.check(not bad, f"{words} at {len(numbers)} of {count}: the scan ends with a message", bad[:5])
    case.check(codes, f"{words}: there are such calls", [str(count)])
    case.check(not lost, f"{words}: the store is that of before, or that of after", lost[:5])
    case.check(not later, f"{words}: the next scan succeeds", later[:5])


def test_a_full_disk_keeps_the_store(case):
    failing(case, "write", "no space from one write on", errno.ENOSPC, True)


def test_an_exceeded_quota_keeps_the_store(case):
    failing(case, "write", "a quota that ends at one write", errno.EDQUOT, False)


def test_a_write_that_fails_keeps_the_store(case):
    failing(case, "write", "EIO at one write", errno.EIO, False)


def test_half_a_write_keeps_the_store(case):
    failing(case, "write", "half of one write, and none after it", 0, True)


def test_a_truncation_that_fails_keeps_the_store(case):
    failing(case, "truncate", "EIO at one truncation", errno.EIO, False)


def test_a_sync_that_fails_keeps_the_store(case):
    failing(case, "sync", "EIO at one sync", errno.EIO, False)


TESTS = [test_a_full_disk_keeps_the_store, test_an_exceeded_quota_keeps_the_store, test_a_write_that_fails_keeps_the_store,
         test_half_a_write_keeps_the_store, test_a_truncation_that_fails_keeps_the_store,
         test_a_sync_that_fails_keeps_the_store]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS, count=40, tools=("faults",)))
