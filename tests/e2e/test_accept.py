#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What an administrator accepts: verdicts before and after, at once and with the next scan; what counts, what does not.

import os
import sqlite3
from contextlib import closing

import harness
from sites import MIB, create, make_raw, write

VERDICTS = ("SELECT * FROM candidate ORDER BY image_id", "SELECT * FROM evidence ORDER BY image_id, code, subject",
            "SELECT image_id, code, subject, sentence FROM doubt ORDER BY image_id, code, subject",
            "SELECT errors, doubts FROM scan ORDER BY scan_id DESC LIMIT 1")


def accept(site, *words, reason="known"):
    return site.run("accept", "--db", site.db, *words, *(("--reason", reason) if reason else ()))


def verdict(site, name="base.qcow2"):
    row = site.unused(partly=True)[name]
    return row["verdict"], row["why_codes"], row["assumes"]


def stored(site):
    return [site.query(query) for query in VERDICTS]


def make_forest(site):
    """base is unreferenced, and named by a scan before; x is left out, and lost has no backing file."""
    write(create(site.path("base.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    write(create(site.path("root.qcow2"), MIB), 0, 1)
    create(site.path("lost.qcow2"), MIB, "gone.qcow2")
    for name in ("base.qcow2", "root.qcow2"):  # lost may mean them: they may have got their names after it was made
        os.rename(site.path(name), site.path("for a moment"))
        os.rename(site.path("for a moment"), site.path(name))
    for number in range(3):
        write(create(site.path(f"on{number}.qcow2"), MIB, "root.qcow2"), 0)
    create(site.path("out", "x.qcow2"), MIB)
    scan = lambda: site.scan("--exclude", "*/out")
    scan()
    os.unlink(over)
    return scan


def test_what_is_accepted_blocks_no_verdict(case):
    site = case.site()
    scan = make_forest(site)
    case.same(scan().code, 3, "a scan with two findings")
    lost, out = site.path("lost.qcow2"), os.path.dirname(site.path("out", "x"))
    doubted = verdict(site)
    case.same((doubted[0], doubted[2]), ("unproven", None), "is not complete: nothing is proven")
    before = stored(site)
    outcome = accept(site, "excluded", "*/out")
    case.same((outcome.code, outcome.out, outcome.err), (0, "accepted as 1: 1 findings of the latest scan\n", ""), "what is left out is accepted")
    case.same(verdict(site), ("unproven", "broken-reference", f"excluded {out} (accepted as 1)"), "and is no doubt any more, at once")
    accept(site, "backing-missing", "lost*")
    assumes = f"excluded {out} (accepted as 1); backing-missing {lost} (accepted as 2)"
    case.same(verdict(site), ("proven", None, assumes), "all is accepted: proven, and the row names what it assumes")
    case.same(verdict(site, "root.qcow2")[0], "proven", "so is another")
    rows = {row["code"]: (row["accepted_by"], row["hides"]) for row in site.rows("--findings")}
    case.same(rows, {"excluded": (1, False), "backing-missing": (2, False)}, "the findings are listed, with the numbers")
    at_once = stored(site)
    case.same(scan().code, 0, "the next scan has no error")
    case.same((stored(site)[0], stored(site)[2:]), (at_once[0], at_once[2:]), "and the same verdicts as at once")
    case.same(site.report("--findings", "--fail-on", "info").code, 0, "--fail-on passes over what is accepted")
    case.same(site.value("SELECT complete FROM v_scan ORDER BY scan_id DESC LIMIT 1"), 1, "the scan is complete")
    rows = [row for row in site.rows("--what-if-delete", lost) if row["effect"] == "total"]
    case.same([(row["verdict"], row["assumes"]) for row in rows], [("proven", assumes.split("; ")[0])], "a what-if mentions what is left of it")
    outcome = site.run("prove", "--db", site.db, site.path("base.qcow2"))
    case.check(outcome.code == 0 and f"; assumes: {assumes}; by scan" in outcome.out, "so does prove", [outcome])
    for number in (2, 1):
        outcome = site.run("accept", "--db", site.db, "--remove", str(number))
        case.same((outcome.code, outcome.out, outcome.err), (0, "", ""), f"number {number} is taken away, silently")
    case.same((verdict(site), [row[1:] for row in stored(site)[0]], stored(site)[2:]), (doubted, [row[1:] for row in before[0]], before[2:]),
              "all verdicts are as they were")
    case.same(scan().code, 3, "and the next scan has its errors again")
    outcome = site.run("db", "check", "--db", site.db)
    case.same(outcome.code, 0, "the store is sound", [outcome])


def test_judging_again_changes_nothing_else(case):
    """Accepting what has no finding leaves every verdict as the scan wrote it."""
    site = case.site()
    scan = make_forest(site)
    write(create(site.path("old.qcow2"), MIB), 0)
    write(create(site.path("app.qcow2"), MIB, "old.qcow2"), 0)
    make_raw(site.path("base-7-disk-0.raw"))
    scan()
    before = stored(site)
    case.check(len(before[0]) == 4 and len(before[1]) > 5 and len(before[2]) > 1, "a forest with candidates of each kind", before)
    outcome = accept(site, "corrupt", "*")
    case.same(outcome.out, "accepted as 1: 0 findings of the latest scan\n", "something is accepted that no scan found")
    case.same(stored(site), before, "no verdict changes")


def test_code_and_path_have_to_match(case):
    site = case.site()
    make_forest(site)()
    codes = lambda: {row["code"]: row["accepted_by"] for row in site.rows("--findings")}
    for glob in ("lost", "*/nothing/*", site.root, "LOST*"):
        accept(site, "backing-missing", glob)
        case.same(codes(), {"excluded": None, "backing-missing": None}, f"{glob} does not match it")
    accept(site, "unreadable", "*")
    case.same(codes(), {"excluded": None, "backing-missing": None}, "nor do findings of another code")
    accept(site, "backing-missing", site.path("lost.qcow2"), "--until", "2199-12-31")
    case.same(codes(), {"excluded": None, "backing-missing": 6}, "its path does")
    accept(site, "backing-missing", "*lost*")
    case.same(codes(), {"excluded": None, "backing-missing": 6}, "of two that match, the first counts")
    site.run("accept", "--db", site.db, "--remove", "6")
    case.same(codes(), {"excluded": None, "backing-missing": 7}, "then the other")
    case.check("accepted as 8" in accept(site, "corrupt", "x").out, "numbers are not used again", [])


def test_what_is_over_counts_no_more(case):
    """Time does not pass in a test: the store is set back instead."""
    site = case.site()
    scan = make_forest(site)
    accept(site, "backing-missing", "*", "--until", "2199-01-01T12:00")
    accept(site, "excluded", "*", "--until", "2199-01-01")
    case.same(scan().code, 0, "accepted until then")
    case.same(verdict(site)[0], "proven", "and proven")
    with closing(sqlite3.connect(site.db)) as store, store:
        case.same(store.execute("SELECT until_ns FROM acceptance ORDER BY number").fetchall(),
                  [(7226625600 * 10 ** 9,), (7226582400 * 10 ** 9,)], "to the second")  # date -u -d 2199-01-01T12:00 +%s
        store.execute("UPDATE acceptance SET until_ns = 1000000000 WHERE number = 2")
    totals = [row["verdict"] for row in site.rows("--what-if-delete", site.path("base.qcow2")) if row["effect"] == "deleted"]
    case.same(totals, ["unproven"], "once the time is over, a what-if does not count on it")
    case.same(site.run("prove", "--db", site.db, site.path("base.qcow2")).code, 5, "nor does prove")
    case.same(verdict(site), ("unproven", "unread", f"backing-missing {site.path('lost.qcow2')} (accepted as 1)"), "nor the next scan")
    outcome = site.run("accept", "--db", site.db, "--list", "--format", "csv")
    lines = [line.split(",") for line in outcome.out.splitlines()]
    case.same([line[:6] for line in lines], [["number", "code", "glob", "findings", "until", "expired"],
                                             ["1", "backing-missing", "*", "1", "2199-01-01T12:00:00Z", "0"],
                                             ["2", "excluded", "*", "0", "1970-01-01T00:00:01Z", "1"]], "the list has it, marked")


def test_what_makes_no_sense_changes_nothing(case):
    site = case.site()
    outcome = accept(site, "excluded", "*")
    case.check(outcome.code == 1 and "run 'imgaudit scan' first" in outcome.err and not os.path.exists(site.db), "without a store: exit 1, and none is made",
               [outcome])
    make_forest(site)()
    for words, reason, what in ((("nonsense", "*"), "x", "no such finding"), (("in-use", "*"), "x", "a doubt that is no finding"), (("excluded",), "x", "no glob"),
                                ((), "x", "nothing"), (("excluded", "*"), None, "no reason"), (("excluded", "*"), " ", "an empty reason"),
                                (("excluded", ""), "x", "an empty glob"), (("excluded", "*", "more"), "x", "too much"),
                                (("excluded", "*", "--until", "2001-01-01"), "x", "a time that is over"),
                                (("excluded", "*", "--until", "soon"), "x", "no date"), (("excluded", "*", "--until", "7"), "x", "a number"),
                                (("excluded", "*", "--format", "csv"), "x", "a format"), (("--list",), "x", "a list with a reason"),
                                (("--list", "--remove", "1"), None, "both"), (("--remove", "0"), None, "number 0"),
                                (("--remove", "x"), None, "a word for a number"), (("--list", "--format", "no"), None, "no such format"),
                                (("--nonsense",), None, "a bad option")):
        outcome = accept(site, *words, reason=reason)
        case.check(outcome.code == 2 and outcome.err and not outcome.out, f"{what}: wrong usage", [outcome])
    outcome = site.run("accept", "--db", site.db, "--remove", "1")
    case.check(outcome.code == 1 and "number 1" in outcome.err, "--remove of what is not there: exit 1", [outcome])
    case.same(site.value("SELECT count(*) FROM acceptance"), 0, "nothing was accepted")
    accept(site, "excluded", "*/o'ut", reason="it's, well\nfine")
    outcome = site.run("accept", "--db", site.db, "--list", "--format", "ndjson")
    case.check(outcome.code == 0 and '"glob": "*/o\'ut"' in outcome.out and '"reason": "it\'s, well\\nfine"' in outcome.out,
               "words are kept as they are", [outcome])


TESTS = [test_what_is_accepted_blocks_no_verdict, test_judging_again_changes_nothing_else, test_code_and_path_have_to_match, test_what_is_over_counts_no_more, test_what_makes_no_sense_changes_nothing]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Accepting findings.", TESTS))
