#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# --min-age: nothing is proven of a status or a file that is more recent. Age is made by dating what the store holds of
# files that did not change since.

import os
import sqlite3
from contextlib import closing

import harness
from sites import CLUSTER, MIB, create, write

DAY = 86400
SECOND = 10**9
STATUSES = {"orphan.qcow2": "unreferenced", "hidden.qcow2": "fully-masked", "partly.qcow2": "partly-masked"}


def make(site):
    """One base of each status; what names the orphan is still there."""
    for base, size in (("orphan", 1), ("hidden", 2), ("partly", 1)):
        write(create(site.path(f"{base}.qcow2"), MIB), 0, 1)
        write(create(site.path(f"on-{base}.qcow2"), MIB, f"{base}.qcow2"), *range(size))


def verdicts(site):
    return {name: (row["verdict"], row["why_codes"]) for name, row in site.unused(partly=True).items()}


def every(verdict, codes=None):
    return {name: (verdict, codes) for name in STATUSES}


def date_files(site, seconds):
    """As if they had last been written to so long ago. Their ctime and birth are of now."""
    for name in os.listdir(site.root):
        path = site.path(name)
        then = os.stat(path).st_mtime_ns - seconds * SECOND
        os.utime(path, ns=(then, then))


def change_store(site, *statements):
    with closing(sqlite3.connect(site.db)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def births_are(seconds):
    return f"UPDATE file SET birth_ns = coalesce(birth_ns, ctime_ns) - {seconds * SECOND}"


def statuses_are(seconds):
    return f"UPDATE candidate SET since_ns = since_ns - {seconds * SECOND}"


def two_nights(case, written=2 * DAY, *statements, min_age=None):
    """A site with a candidate of each status that was scanned twice, and what the store had changed between."""
    site = case.site()
    make(site)
    date_files(site, written)
    site.scan(min_age=min_age)
    os.unlink(site.path("on-orphan.qcow2"))
    site.scan(min_age=min_age)
    change_store(site, *statements)
    site.scan(min_age=min_age)
    return site


def test_what_is_recent_is_proven_the_next_day(case):
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(DAY))
    case.same(verdicts(site), every("proven"), "files of two days, and a status of one: proven")
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(DAY - 600))
    case.same(verdicts(site), every("unproven", "recent"), "a status of ten minutes less than a day: unproven")
    case.same(sorted(site.query("SELECT path, subject FROM v_doubt WHERE code = 'recent'")),
              sorted((site.path(name), f"{status} (the status)") for name, status in STATUSES.items()), "because of the status")
    site = two_nights(case, 2 * DAY, births_are(DAY - 600), statuses_are(2 * DAY))
    case.same(verdicts(site), every("unproven", "recent"), "files that were made a little later than a day ago: unproven")
    case.same(sorted(site.query("SELECT path, subject FROM v_doubt WHERE code = 'recent'")),
              sorted((site.path(name), f"{site.path(name)} (the file)") for name in STATUSES), "because of the files")
    site = two_nights(case, DAY - 600, births_are(2 * DAY), statuses_are(2 * DAY))
    case.same({subject for subject, in site.query("SELECT subject FROM v_doubt WHERE code = 'recent'")},
              {f"{site.path(name)} (its last write)" for name in STATUSES}, "files that were written to since: unproven")


def test_the_span_is_the_one_that_was_given(case):
    for min_age, code in (("0", None), ("3h", None), ("180m", None), ("1d", "recent"), ("1w", "recent"), ("99999w", "recent")):
        site = two_nights(case, 4 * 3600, births_are(4 * 3600), statuses_are(4 * 3600), min_age=min_age)
        case.same(verdicts(site), every("unproven" if code else "proven", code), f"four hours, of --min-age {min_age}")
    for text in ("", "5", "5x", "h", "-1h", "1.5h", "24hh", "24 h", "123456d"):
        outcome = site.run("scan", "--db", site.db, f"--min-age={text}", site.root)
        case.check(outcome.code == 2 and "bad span" in outcome.err and not outcome.out, f"--min-age '{text}' is wrong usage", [outcome])


def test_a_new_status_begins_anew(case):
    """What was fully masked all the time is unreferenced since this scan only."""
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(2 * DAY))
    os.unlink(site.path("on-hidden.qcow2"))
    site.scan(min_age=None)
    case.same(verdicts(site), {**every("proven"), "hidden.qcow2": ("unproven", "recent")}, "another status is recent")
    since = site.query("SELECT c.since_ns = s.started_ns FROM candidate AS c JOIN scan AS s ON s.scan_id = 4 ORDER BY c.status = 'unreferenced', c.image_id")
    case.same(sum(flag for flag, in since), 1, "since this scan")


def blocked(case):
    """All is old, and an image that lacks its base may mean the orphan, by its name."""
    site = case.site()
    make(site)
    date_files(site, 2 * DAY)
    site.scan(min_age=None)
    os.unlink(site.path("on-orphan.qcow2"))
    blocker = create(site.path("elsewhere", "lost.qcow2"), MIB, "gone/orphan.qcow2")
    site.scan(min_age=None)
    change_store(site, births_are(2 * DAY) + f" WHERE path <> '{blocker}'", statuses_are(2 * DAY))
    site.scan(min_age=None)
    case.same(verdicts(site), {**every("proven"), "orphan.qcow2": ("unproven", "broken-reference")}, "a name may mean it")
    return site, blocker


def test_what_a_name_might_mean_is_proven_a_day_after_that_is_gone(case):
    site, blocker = blocked(case)
    os.rename(blocker, site.outside("lost.qcow2"))
    for night in range(2):
        site.scan(min_age=None)
        case.same(verdicts(site), {**every("proven"), "orphan.qcow2": ("unproven", "recent")}, f"scan {night}: the image with that name is gone")
    case.same(site.query("SELECT subject FROM v_doubt WHERE code = 'recent'"), [("unreferenced (the names)",)], "the reason")
    change_store(site, f"UPDATE candidate SET clear_ns = clear_ns - {DAY * SECOND}")
    site.scan(min_age=None)
    case.same(verdicts(site), every("proven"), "a day later")
    os.rename(site.outside("lost.qcow2"), blocker)
    site.scan(min_age=None)
    os.unlink(blocker)
    site.scan(min_age=None)
    case.same(verdicts(site)["orphan.qcow2"], ("unproven", "recent"), "it came back, and went again")


def test_a_name_that_is_accepted_leaves_nothing_to_wait_for(case):
    site, _ = blocked(case)
    site.run("accept", "--db", site.db, "backing-missing", "*/lost.qcow2", "--reason", "known")
    site.scan(min_age=None)
    case.same(verdicts(site), every("proven"), "the administrator accepts the image that lacks its base")


def test_history_that_goes_makes_nothing_younger(case):
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(2 * DAY))
    since = site.query("SELECT path, since FROM v_unused ORDER BY path")
    site.scan("--keep", "1", min_age=None)
    case.same((site.value("SELECT count(*) FROM v_scan"), verdicts(site)), (1, every("proven")), "scans that are not kept: still proven")
    case.same(site.query("SELECT path, since FROM v_unused ORDER BY path"), since, "and since the same time")


def test_prove_and_accept_keep_the_span(case):
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(600))
    base = site.path("orphan.qcow2")
    outcome = site.run("prove", "--db", site.db, base)
    case.check(outcome.code == 5 and "not as old as --min-age: unreferenced (the status)" in outcome.out, "prove has the span of the scan", [outcome])
    site.run("accept", "--db", site.db, "encrypted", "*", "--reason", "none is")
    case.same(verdicts(site), every("unproven", "recent"), "what is judged again after an acceptance is as recent as it was")
    site.scan("--min-age", "5m", min_age=None)
    case.same(site.run("prove", "--db", site.db, base).code, 0, "a shorter one")


def test_what_if_proves_no_status_that_is_new(case):
    for min_age, verdict, words in ((None, "unproven", "not as old as --min-age: unreferenced (the status)"), ("0", "proven", None)):
        site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(2 * DAY), min_age=min_age)
        foretold = site.rows("--what-if-delete", site.path("on-hidden.qcow2"))
        row = next(row for row in foretold if row["effect"] == "unreferenced" and row["path"] == site.path("hidden.qcow2"))
        case.same((row["verdict"], row["why"]), (verdict, words), f"--min-age {min_age or 'by default'}: what is unreferenced by a deed")
        os.unlink(site.path("on-hidden.qcow2"))
        site.scan(min_age=min_age)
        case.same(verdicts(site)["hidden.qcow2"][0], verdict, "and by the next scan")


def test_a_clock_that_was_set_back_proves_nothing(case):
    site = two_nights(case, 2 * DAY, births_are(2 * DAY), statuses_are(-DAY))
    case.same(verdicts(site), every("unproven", "recent"), "a status that begins tomorrow")
    site = two_nights(case, 2 * DAY, births_are(-DAY), statuses_are(2 * DAY))
    case.same(verdicts(site), every("unproven", "recent"), "files of tomorrow")


def test_an_extent_counts_with_its_image(case):
    """The descriptor is old, the extent that holds its data is not."""
    site = case.site()
    base = site.path("base.vmdk")
    create(base, MIB, format="vmdk", options=["subformat=monolithicFlat"])
    flat = site.path("base-flat.vmdk")
    over = create(site.path("over.qcow2"), MIB, "base.vmdk", "vmdk")
    date_files(site, 2 * DAY)
    site.scan(min_age=None)
    os.unlink(over)
    site.scan(min_age=None)
    change_store(site, births_are(2 * DAY), statuses_are(2 * DAY), f"UPDATE file SET birth_ns = ctime_ns WHERE path = '{flat}'")
    site.scan(min_age=None)
    case.same(site.query("SELECT subject FROM v_doubt WHERE code = 'recent'"), [(f"{flat} (the file)",)], "an extent that is recent")
    case.check(os.path.getsize(flat) == 16 * CLUSTER, "which holds the data", [])


TESTS = [
    test_what_is_recent_is_proven_the_next_day,
    test_the_span_is_the_one_that_was_given,
    test_a_new_status_begins_anew,
    test_what_a_name_might_mean_is_proven_a_day_after_that_is_gone,
    test_a_name_that_is_accepted_leaves_nothing_to_wait_for,
    test_history_that_goes_makes_nothing_younger,
    test_prove_and_accept_keep_the_span,
    test_what_if_proves_no_status_that_is_new,
    test_a_clock_that_was_set_back_proves_nothing,
    test_an_extent_counts_with_its_image,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("How old a status and its files have to be.", TESTS))
