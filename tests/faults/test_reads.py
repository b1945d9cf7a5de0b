#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images that cannot be read at some place: each read of a scan fails once, with EIO or by giving half of what is asked. What
# comes of it is a finding about that image and a doubt, and never a verdict that a scan of the same images does not give.

import errno
import os

import harness
from faulty import SCAN, Faulty, ended_badly, forest, is_sound, proven, spread
from sites import without_ids


def broken_reads(case, error, words):
    site = case.site()
    forest(site)
    site.scan()
    os.unlink(site.path("gone.qcow2"))
    site.scan()
    whole, may_go = without_ids(site), proven(site)
    case.same(may_go, {"old.qcow2"}, f"{words}: what is proven without a fault")
    faulty = Faulty(case, site, "read", site.root)
    bad, wrong, changed, silent = [], [], [], []
    os.unlink(site.db)
    count = faulty.calls("scan", "--db", site.db, *SCAN, site.root)
    numbers = spread(count, case.options.count)
    for number in numbers:
        os.unlink(site.db)
        outcome = faulty.scan(at=number, error=error)
        notes = f"read {number} of {count}"
        bad += [f"{notes}: {why}" for why in [ended_badly(outcome) or is_sound(site.db)] if why]
        if outcome.code == 0 and error and without_ids(site) != whole:
            silent.append(f"{notes}: exit code 0, and the store differs")
        if outcome.code not in (0, 3):
            bad.append(f"{notes}: exit code {outcome.code}")
        wrong += [f"{notes}: {path}" for path in sorted(proven(site) - may_go)]
        again = site.scan()
        if again.code != 0 or without_ids(site) != whole:
            changed.append(f"{notes}: the scan after it is another one: {again.code}")
    case.check(not bad, f"{words} at {len(numbers)} of {count} reads: the scan ends with 0 or 3, and the store is sound", bad[:5])
    case.check(not silent, f"{words}: what is not known is a finding", silent[:5])
    case.check(not wrong, f"{words}: nothing is proven because of it", wrong[:5])
    case.check(not changed, f"{words}: the next scan is as if nothing had been", changed[:5])


def test_a_read_that_fails_proves_nothing(case):
    broken_reads(case, errno.EIO, "EIO")


def test_a_short_read_changes_nothing_for_good(case):
    broken_reads(case, 0, "half a read")


TESTS = [test_a_read_that_fails_proves_nothing, test_a_short_read_changes_nothing_for_good]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS, count=60, tools=("faults",)))
