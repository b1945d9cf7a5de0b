#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Exit statuses where something other than an image is in the way: the place of the store, the output, memory.

import os
import resource

import harness
from sites import MIB, create

SOON = 20  # against a command that waits for a writer of a FIFO, which never comes


def limited(kib):
    """For preexec_fn: so much address space."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (kib * 1024, kib * 1024))


def commands(site, db):
    return {"scan": ("scan", "--db", db, site.root), "report": ("report", "--db", db), "sql": ("sql", "--db", db, "SELECT 1"),
            "chain": ("chain", "--db", db, site.path("a.qcow2")), "db check": ("db", "check", "--db", db),
            "db prune": ("db", "prune", "--db", db), "db templates": ("db", "templates", "--db", db, "--add", "x")}


def test_a_store_that_is_no_file_is_refused_at_once(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    fifo = os.path.join(site.directory, "fifo")
    link = os.path.join(site.directory, "link")
    os.mkfifo(fifo)
    os.symlink(fifo, link)
    for what, db in (("a FIFO", fifo), ("a link to one", link), ("a device", "/dev/null"), ("a directory", site.root)):
        for name, command in commands(site, db).items():
            outcome = site.run(*command, timeout=SOON)
            case.check(outcome.code == 1 and "not a regular file" in outcome.err and not outcome.out,
                       f"{name} --db naming {what}: exit 1, at once", [outcome])
    case.check(not [name for name in os.listdir(site.directory) if "-wal" in name or "-journal" in name], "and no log is left beside it",
               os.listdir(site.directory))


def test_output_that_cannot_be_written_is_an_error(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    open(site.path("empty.qcow2"), "wb").close()  # a finding: exit 3 where the output is written
    case.same(site.scan().code, 3, "a scan with a finding")
    site.prefix = ["sh", "-c", 'exec "$@" >/dev/full', "sh"]
    for name, command in {**commands(site, site.db), "scan": ("scan", "--db", site.db, "--stats", site.root),
                          "scan --help": ("scan", "--help"), "map": ("map", site.path("a.qcow2"))}.items():
        if name in ("db check", "db prune"):  # they print nothing
            continue
        outcome = site.run(*command)
        case.check(outcome.code == 1 and "cannot write" in outcome.err, f"{name} >/dev/full: exit 1", [outcome])
    case.same(site.value("SELECT max(scan_id) FROM v_scan"), 2, "the scan itself is recorded")


def test_an_inventory_other_than_none_is_wrong_usage(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    outcome = site.run("scan", "--db", site.db, "--inventory", "none", site.root)
    case.same((outcome.code, outcome.out, outcome.err), (0, "", ""), "--inventory none is what a scan does")
    outcome = site.run("scan", "--db", site.db, "--inventory", "nowhere", site.root)
    case.check(outcome.code == 2 and "unknown inventory 'nowhere'" in outcome.err, "another one is unknown: exit 2", [outcome])


def test_running_out_of_memory_is_an_error_with_a_message(case):
    """From too little to begin with to enough: each run ends with 0 or with 1, and a message."""
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    case.same(site.scan().code, 0, "a scan with all the memory there is")
    codes = {name: set() for name in ("scan", "report", "sql", "db check")}
    begins = next(kib for kib in range(4000, 200000, 500) if site.run("--version", preexec_fn=limited(kib)).code == 0)
    for kib in range(begins, begins + 6000, 250):
        for name, seen in codes.items():
            outcome = site.run(*commands(site, site.db)[name], preexec_fn=limited(kib))
            if outcome.code == 127 or (outcome.code or 0) < 0:
                continue  # the program did not begin
            seen.add(outcome.code)
            if outcome.code not in (0, 1) or (outcome.code == 1) != bool(outcome.err):
                case.check(False, f"{name} with {kib} KiB", [outcome])
    case.check(all(1 in seen for seen in codes.values()), "each ran out of memory at some limit: exit 1", [codes])


TESTS = [
    test_a_store_that_is_no_file_is_refused_at_once,
    test_output_that_cannot_be_written_is_an_error,
    test_an_inventory_other_than_none_is_wrong_usage,
    test_running_out_of_memory_is_an_error_with_a_message,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Exit statuses.", TESTS))
