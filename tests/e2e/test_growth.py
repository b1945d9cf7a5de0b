#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# `report --growth`: what the latest scan saw differently from an earlier one, which earlier one is meant, and how the
# history is bounded. What is expected comes from qemu-img, stat and counting.

import datetime
import os
import sqlite3
from contextlib import closing

import harness
from sites import CLUSTER, MIB, create, must, write

LINKS = ("status", "depth_from", "depth_to", "dependents_from", "dependents_to")


def growth(site, *options):
    """{path below the root: row}"""
    return {site.relative(row["path"]): row for row in site.rows("--growth", *options)}


def links(rows):
    return {name: tuple(row[key] for key in LINKS) for name, row in rows.items()}


def set_back(site, days):
    """As if scan 1 had been made `days` days ago, and each later one a day later."""
    with closing(sqlite3.connect(site.db)) as store, store:
        store.execute("UPDATE scan SET started_ns = started_ns - (? - scan_id + 1) * 86400000000000,"
                      " finished_ns = finished_ns - (? - scan_id + 1) * 86400000000000", (days, days))


def started(site, scan):
    return site.value("SELECT started FROM v_scan WHERE scan_id = ?", scan)


def test_growth_shows_how_depths_and_dependents_changed(case):
    """Scan 1: over on base. Scan 2: over on middle on base. Scan 3: over alone, nothing on middle or base."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    over = write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 1)
    site.scan()
    create(site.path("middle.qcow2"), MIB, "base.qcow2")
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "middle.qcow2", over)
    site.scan()
    case.same(links(growth(site)), {"over.qcow2": ("changed", 1, 2, 0, 0), "middle.qcow2": ("new", None, 1, None, 1)},
              "a chain that became deeper is listed with both depths")
    must("qemu-img", "rebase", "-F", "qcow2", "-b", "", over)
    os.unlink(site.path("middle.qcow2"))
    site.scan()
    rows = growth(site)
    case.same(links(rows), {"over.qcow2": ("changed", 2, 0, 0, 0), "middle.qcow2": ("vanished", 1, None, 1, None),
                            "base.qcow2": ("changed", 0, 0, 1, 0)}, "so is one that became shallower, and a base that nothing names any more")
    case.same(rows["base.qcow2"]["unreferenced_since"], started(site, 3), "with the scan since which nothing names it")
    site.scan()
    case.same(growth(site), {}, "what did not change since the scan before is not listed")
    row = growth(site, "--since", "1")["base.qcow2"]
    case.same((row["from_scan"], row["to_scan"], row["unreferenced_since"]), (1, 4, started(site, 3)),
              "seen from further back it is unreferenced since the same scan, not since the latest")
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "base.qcow2", over)
    site.scan()
    case.same(links(growth(site)), {"over.qcow2": ("changed", 0, 1, 0, 0), "base.qcow2": ("changed", 0, 0, 0, 1)},
              "a base that is named again is listed")
    os.rename(site.path("base.qcow2"), site.outside("base.qcow2"))
    site.scan()
    case.same(links(growth(site)), {"over.qcow2": ("changed", 1, None, 0, 0), "base.qcow2": ("vanished", 0, None, 1, None)},
              "of a chain that broke the depth is not listed")
    view = site.query("SELECT depth_from, depth_to, dependents_from, dependents_to FROM v_growth"
                      " WHERE path = ? AND from_scan = 2 AND to_scan = 3", site.path("base.qcow2"))
    case.same(view, [(0, 0, 1, 0)], "v_growth has the same of any two scans")


def test_an_incomplete_scan_proves_no_base_unreferenced(case):
    """An overlay that cannot be understood any more may still name the base."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    with open(over, "r+b") as file:
        file.write(b"QFI\xfb\0\0\0\3" + bytes(4096))
    scan = site.scan()
    row = growth(site)["base.qcow2"]
    case.same((scan.code, row["dependents_to"], row["unreferenced_since"]), (3, 0, None),
              "a scan that could not read everything does not date since when nothing names a base")
    os.unlink(over)
    site.scan()
    case.same(growth(site, "--since", "1")["base.qcow2"]["unreferenced_since"], started(site, 3), "the next one that can does")


def test_since_takes_numbers_dates_times_and_spans(case):
    site = case.site()
    path = write(create(site.path("x.qcow2"), MIB), 0)
    site.scan()
    case.same(growth(site), {}, "after one scan there is nothing to compare")
    case.same(growth(site, "--since", "7d"), {}, "from whatever time on")
    for place in (1, 2):
        write(path, place)
        site.scan()
    set_back(site, 3)  # scans 1, 2 and 3 were made three days, two days and one day ago
    now = datetime.datetime.now(datetime.timezone.utc)
    day = [(now - datetime.timedelta(days=back)).strftime("%Y-%m-%d") for back in range(4)]
    cases = {"1": 1, "2": 2, "0": 1, "52w": 1, "71h": 1, "49h": 1, "2d": 2, "47h": 2, "25h": 2, day[3]: 1,
             day[3] + "T23:59:59Z": 1, day[2] + " 23:59:59": 2, day[1]: 2, day[1] + "T00:00": 2, "1999-12-31": 1}
    got = {when: [row["from_scan"] for row in site.rows("--growth", "--since", when)] for when in cases}
    case.same(got, {when: [scan] for when, scan in cases.items()}, "--since takes numbers, dates, times and spans")
    for when, code, words in (("99", 2, "no scan 99"), ("3", 1, "scan 3 is the latest"), ("99999999999999999999", 2, "no scan"),
                              ("0h", 1, "no scan was made since"), ("2199-01-01", 1, "no scan was made since"),
                              (day[0] + "T23:59:59Z", 1, "no scan was made since"), ("22h", 1, "no scan was made since")):
        outcome = site.report("--growth", "--since", when)
        case.check(outcome.code == code and words in outcome.err and not outcome.out, f"--since {when}: nothing to compare, which is the message",
                   [outcome.code, outcome.err, outcome.out])
    for wrong in ("d", "7x", "7dd", "-1d", "1000000d", "7 d", "", "2025-02-30", "2025-13-01", "2025-1-1", "2025-01-01T25:00", "2025-01-01x"):
        outcome = site.report("--growth", f"--since={wrong}")
        case.check(outcome.code == 2 and "--since takes" in outcome.err, f"--since '{wrong}' is wrong usage", [outcome.code, outcome.err])
    case.same(site.report("--backing", "--since", "1").code, 2, "reports without a history take no --since")


def scans_kept(site):
    return [scan for scan, in site.query("SELECT scan_id FROM v_scan ORDER BY scan_id")]


def history(site):
    return site.query("SELECT scan_id, count(*) FROM v_history GROUP BY scan_id ORDER BY scan_id")


def make_history(site, scans):
    """An image that gets a cluster before each scan, and one that always lacks its backing file."""
    path = create(site.path("x.qcow2"), 4 * MIB)
    create(site.path("orphan.qcow2"), MIB, "gone.qcow2")
    for place in range(scans):
        write(path, place)
        site.scan()


def first_seen(site):
    return {code: seen for code, seen in site.query("SELECT code, first_seen FROM v_finding WHERE NOT cleared")}


def test_keep_bounds_the_history(case):
    site = case.site()
    make_history(site, 5)
    set_back(site, 5)
    case.same(history(site), [(scan, 2) for scan in range(1, 6)], "each scan leaves a row for each image")
    case.same(first_seen(site), {"backing-missing": started(site, 1)}, "a finding is listed with the scan that first found it")
    with closing(sqlite3.connect(site.db)) as store, store:
        store.execute("INSERT INTO finding (code, severity, path, detail, first_scan, last_scan) VALUES"
                      " ('dirty', 'warning', '/old', 'over', 1, 3), ('dirty', 'warning', '/late', 'over', 1, 4)")
    site.scan("--keep", "3")
    case.same((scans_kept(site), history(site)), ([4, 5, 6], [(4, 2), (5, 2), (6, 2)]), "--keep 3 keeps the history of three scans")
    case.same(first_seen(site), {"backing-missing": started(site, 4)}, "a finding of all times dates from the oldest scan that is kept")
    case.same(site.query("SELECT path FROM finding WHERE code = 'dirty'"), [("/late",)], "findings that only dropped scans saw are dropped")
    case.same([(row["from_scan"], row["data_delta"]) for row in site.rows("--growth", "--since", "1")], [(4, CLUSTER)],
              "growth since a scan that is dropped is counted from the oldest, with a note")
    write(site.path("x.qcow2"), 9)
    site.scan("--keep", "3")
    case.same((scans_kept(site), history(site)), ([5, 6, 7], [(5, 2), (6, 2), (7, 2)]), "and so for each further scan")
    site.scan("--keep", "1")
    case.same((scans_kept(site), history(site), growth(site)), ([8], [(8, 2)], {}), "--keep 1 leaves nothing to compare with")
    case.same(site.run("db", "check", "--db", site.db).code, 0, "the store is sound")


def test_a_finding_that_came_back_dates_from_its_return(case):
    """Of what went and came back, the report has the present spell; what is gone is in the view with the scan that last saw it."""
    site = case.site()
    create(site.path("x.qcow2"), MIB)
    seen = lambda: site.query("SELECT code, first_scan, last_scan, cleared, hides FROM v_finding ORDER BY code")
    empty, orphan = site.path("empty.qcow2"), site.path("orphan.qcow2")
    create(orphan, MIB, "gone.qcow2")
    open(empty, "wb").close()
    site.scan()
    os.unlink(empty)
    site.scan()
    site.scan()
    case.same(seen(), [("backing-missing", 1, 3, 0, 0), ("empty-image", 1, 1, 1, 0)], "a finding that is gone is cleared, and hides nothing")
    case.same([row["code"] for row in site.rows("--findings")], ["backing-missing"], "the report has what is there")
    case.same(site.report("--findings", "--fail-on", "warning").code, 4, "--fail-on looks at that")
    open(empty, "wb").close()
    site.scan()
    site.scan()
    case.same(seen(), [("backing-missing", 1, 5, 0, 0), ("empty-image", 4, 5, 0, 1)], "one that came back dates from its return")
    os.unlink(empty)
    os.unlink(orphan)
    site.scan("--keep", "3")
    case.same(seen(), [("backing-missing", 1, 5, 1, 0), ("empty-image", 4, 5, 1, 0)], "all are gone")
    case.same((site.report("--findings", "--fail-on", "info").code, site.rows("--findings")), (0, []), "and nothing reaches --fail-on")
    site.scan("--keep", "1")
    case.same(seen(), [], "a finding is forgotten with the last scan that saw it")


def test_prune_drops_old_history(case):
    site = case.site()
    make_history(site, 5)
    outcome = site.run("db", "prune", "--db", site.db, "--keep", "2")
    case.same((outcome.code, scans_kept(site), history(site)), (0, [4, 5], [(4, 2), (5, 2)]), "db prune --keep 2 keeps two")
    case.same([(row["from_scan"], row["data_delta"]) for row in site.rows("--growth", "--since", "1")], [(4, CLUSTER)], "growth names the scan")
    case.same(site.rows("--growth", "--since", "52w"), site.rows("--growth"), "and compares with it from whatever time on")
    case.same(first_seen(site), {"backing-missing": started(site, 4)}, "so do findings")
    write(site.path("x.qcow2"), 20)
    site.scan()
    case.same((scans_kept(site), [row["from_scan"] for row in site.rows("--growth")]), ([4, 5, 6], [5]), "later scans go on from there")
    for wrong in ("0", "x", "-1", ""):
        before = scans_kept(site)
        outcome = site.run("db", "prune", "--db", site.db, "--keep", wrong)
        case.same((outcome.code, scans_kept(site)), (2, before), f"db prune --keep '{wrong}' is wrong usage")
        case.same(site.scan("--keep", wrong).code, 2, f"scan --keep '{wrong}' is wrong usage")


TESTS = [
    test_growth_shows_how_depths_and_dependents_changed,
    test_an_incomplete_scan_proves_no_base_unreferenced,
    test_since_takes_numbers_dates_times_and_spans,
    test_keep_bounds_the_history,
    test_a_finding_that_came_back_dates_from_its_return,
    test_prune_drops_old_history,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Growth, and how its history is bounded.", TESTS))
