#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# prove: exit 0 for a file that may be deleted now, and for nothing else; what each line has; that it scans as the latest
# scan did, from wherever it is called.

import os
import re
import shutil
import sqlite3
from contextlib import closing

import harness
from sites import MIB, Holder, create, make_raw, must, write

BASIS = re.compile(r"; by scan (\d+) of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: (\d+) directory entries walked, (\d+) images$")


def prove(site, *files, **how):
    return site.run("prove", "--db", site.db, *files, **how)


def orphan(site, name="base.qcow2"):
    """A base that a scan saw named, and nothing names now."""
    base = write(create(site.path(name), MIB), 0)
    over = create(site.path(name + ".over"), MIB, base)
    site.scan()
    os.unlink(over)
    return base


def expect(case, outcome, verdict, words, what):
    """One line with that verdict."""
    code = {"proven": 0, "unproven": 5}[verdict]
    lines = outcome.out.splitlines()
    case.check(outcome.code == code and len(lines) == 1 and lines[0].startswith(verdict + ": ") and words in lines[0] and not outcome.err,
               f"{what}: {verdict}, exit {code}", [outcome])


def test_a_name_that_the_scan_did_not_see_is_not_walked(case):
    site = case.site()
    base = orphan(site)
    shown = f": of the image {base}: unreferenced; "
    inside, outside = site.path("inside.qcow2"), site.outside("outside.qcow2")
    for name in (inside, outside):
        os.link(base, name)
    create(site.outside("vm.qcow2"), MIB, "outside.qcow2")
    expect(case, prove(site, outside), "unproven", "overlays of it may lie in a directory that was not walked: " + os.path.dirname(outside),
           "a hard link outside of the roots, which an overlay beside it names")
    os.unlink(outside)
    expect(case, prove(site, inside), "proven", shown, "a hard link that the scan saw")
    os.unlink(inside)
    expect(case, prove(site, base), "proven", "", "the only name")


def test_an_orphan_is_proven_until_it_is_written_to(case):
    site = case.site()
    base = orphan(site)
    make_raw(site.path("other.img"))
    outcome = prove(site, base)
    expect(case, outcome, "proven", f": {base}: unreferenced; scan 1 saw it named as backing file by '{base}.over'; by scan 2 of ",
           "an orphan, without a scan after its overlay went")
    basis = BASIS.search(outcome.out.rstrip("\n"))
    # The root, the base and the raw image.
    case.same(basis and basis.groups(), ("2", "3", "2"), "the basis: the scan that prove made, what it walked and found", [outcome])
    case.same(site.value("SELECT count(*) FROM v_scan"), 2, "it is a scan like others")
    case.check(os.path.exists(base), "nothing is deleted", [])
    write(base, 3)
    expect(case, prove(site, base), "unproven", "unreferenced; ", "an orphan that was written to")


def test_what_is_no_unused_base_is_unproven(case):
    site = case.site()
    root = write(create(site.path("root.qcow2"), MIB), 0, 1)
    over = write(create(site.path("over.qcow2"), MIB, "root.qcow2"), 0)
    old = write(create(site.path("old.qcow2"), MIB), 0)
    app = write(create(site.path("app.qcow2"), MIB, "old.qcow2"), 0)
    two = create(site.path("two.qcow2"), MIB, "old.qcow2")
    alone = create(site.path("alone.qcow2"), MIB)
    note = site.path("note.txt")
    with open(note, "w", encoding="ascii") as file:
        file.write("hello\n")
    elsewhere = create(site.outside("elsewhere.qcow2"), MIB)
    kept = create(site.path("kept.qcow2"), MIB)
    write(two, 0)
    site.scan("--template", "*/kept.qcow2")
    for path, words, what in ((root, "partly-masked; named by " + over, "what is read in part"),
                              (old, f"fully-masked; named by {app}, {two}; images name it, and would not open without it", "what nobody reads"),
                              (over, "may be a machine's disk", "a head"), (alone, "may be a machine's disk", "a disk alone"),
                              (kept, "kept whole as a template", "a template"), (note, "no image", "a text"),
                              (elsewhere, "not found by the scan", "an image outside of the roots"), (site.root, "not found by the scan", "a directory"),
                              (site.path("nowhere"), "No such file", "a name of nothing")):
        expect(case, prove(site, path), "unproven", words, what)
    create(site.path("third.qcow2"), MIB, "root.qcow2")
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "root.qcow2", two)
    write(two, 1)
    expect(case, prove(site, root), "unproven", f"named by {over} and 2 more", "a base of three that is read whole")


def test_one_unproven_of_several_makes_exit_5(case):
    site = case.site()
    one, two = orphan(site, "one.qcow2"), orphan(site, "two.qcow2")
    outcome = prove(site, one, two)
    case.check(outcome.code == 0 and len(outcome.out.splitlines()) == 2, "two that are proven: exit 0, a line each", [outcome])
    alone = create(site.path("alone.qcow2"), MIB)
    for files in ((one, alone, two), (alone, one), (one, site.path("nowhere"))):
        outcome = prove(site, *files)
        verdicts = [line.split(":")[0] for line in outcome.out.splitlines()]
        case.check(outcome.code == 5 and verdicts == ["proven" if file in (one, two) else "unproven" for file in files],
                   "one that is not proven: exit 5, and a line for each", [outcome])


def test_a_file_is_proven_by_any_of_its_names(case):
    site = case.site()
    base = orphan(site, "dir/ba\nse.qcow2")
    shown = base.replace("\n", "\\n")
    expect(case, prove(site, os.path.basename(base), cwd=os.path.dirname(base)), "proven", shown, "a relative name, with a newline")
    os.symlink(base, site.outside("link"))
    expect(case, prove(site, site.outside("link")), "proven", shown, "a symbolic link from outside")
    os.link(base, site.path("hard.qcow2"))
    expect(case, prove(site, site.path("hard.qcow2")), "proven", "unreferenced", "another hard link")
    over = create(site.path("over.qcow2"), MIB, "hard.qcow2")
    for name in (base, site.path("hard.qcow2")):
        expect(case, prove(site, name), "unproven", f"named by {over}", "by one name it is named: by neither it may go")


def test_a_data_file_is_proven_as_its_image(case):
    site = case.site()
    base = create(site.path("base.qcow2"), MIB, options=[f"data_file={site.path('base.data')}"])
    write(base, 0)
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    expect(case, prove(site, site.path("base.data")), "unproven", f"of the image {base}: named by {over}", "the data file of an image that is used")
    os.unlink(over)
    expect(case, prove(site, site.path("base.data")), "proven", f"of the image {base}: unreferenced", "the data file of one that is not")
    other = site.path("other.qcow2")
    shutil.copy(base, other)
    outcome = prove(site, site.path("base.data"))
    expect(case, outcome, "unproven", f"of the image {other}: ", "a data file of two images")
    case.check("shared" in outcome.out or "also used by" in outcome.out, "which is the reason", [outcome])


def test_the_options_of_the_latest_scan_are_used_again(case):
    site = case.site()
    base = orphan(site)
    write(create(site.path("lost+found", "x.qcow2"), MIB), 0)
    site.scan("--exclude", "*/lost+found")
    expect(case, prove(site, base), "unproven", "a reference may be hidden", "what was left out is left out again")
    meant = write(create(site.path("pool", "meant.qcow2"), MIB), 0)
    site.scan()
    expect(case, prove(site, meant), "unproven", "may be a machine's disk", "without --backing-glob")
    site.scan("--backing-glob", "*/pool/*")
    expect(case, prove(site, meant), "proven", "matches --backing-glob '*/pool/*'", "with it")
    site.scan("--backing-glob", "*/pool/*", "--template", "*meant*")
    expect(case, prove(site, meant), "unproven", "kept whole as a template", "with --template too")
    disk = site.path("pool", "disk.bin")
    make_raw(disk, pattern=0)
    expect(case, prove(site, disk), "unproven", "no image", "of a suffix that is not raw")
    site.scan("--backing-glob", "*/pool/*", "--raw-suffix", ".bin")
    expect(case, prove(site, disk), "proven", "matches --backing-glob", "with --raw-suffix")


def test_directories_of_options_are_those_of_the_scan(case):
    """Directories among the options are those of the scan, wherever prove is called."""
    site = case.site()
    base = write(create(site.outside("base.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, base)
    outcome = site.run("scan", "--db", site.db, "--allow", "outside", "images", cwd=site.directory)
    case.same(outcome.code, 0, "a scan of relative directories", [outcome])
    expect(case, prove(site, base, cwd="/"), "unproven", f"named by {over}", "a base in an allowed directory")
    case.same(site.query("SELECT kind, value FROM scan_option WHERE kind IN ('root', 'allow') ORDER BY scan_id, kind"),
              [("allow", os.path.dirname(base)), ("root", site.root)] * 2, "both scans had the same directories")


def test_what_cannot_be_answered_is_an_error_with_a_message(case):
    site = case.site()
    base = orphan(site)
    for arguments, code, words in (((), 2, "no FILE"), (("--nonsense", base), 2, "bad option"), (("--db", site.outside("none.db"), base), 1, "run 'imgaudit scan' first")):
        outcome = site.run("prove", *(("--db", site.db) if "--db" not in arguments else ()), *arguments)
        case.check(outcome.code == code and words in outcome.err and not outcome.out, f"{arguments}: exit {code}", [outcome])
    with closing(sqlite3.connect(site.db, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        outcome = prove(site, base)
        case.check(outcome.code == 1 and "another scan" in outcome.err and not outcome.out, "while a scan writes: exit 1", [outcome])
    os.rename(site.root, site.root + ".away")
    outcome = prove(site, site.root + ".away/base.qcow2")
    case.check(outcome.code == 1 and site.root in outcome.err and not outcome.out, "a root that is gone: exit 1", [outcome])
    os.rename(site.root + ".away", site.root)
    with Holder(base):
        expect(case, prove(site, base), "unproven", "in use", "an orphan that somebody has open")
    expect(case, prove(site, base), "proven", "unreferenced", "and has no more")


TESTS = [
    test_an_orphan_is_proven_until_it_is_written_to,
    test_a_name_that_the_scan_did_not_see_is_not_walked,
    test_what_is_no_unused_base_is_unproven,
    test_one_unproven_of_several_makes_exit_5,
    test_a_file_is_proven_by_any_of_its_names,
    test_a_data_file_is_proven_as_its_image,
    test_the_options_of_the_latest_scan_are_used_again,
    test_directories_of_options_are_those_of_the_scan,
    test_what_cannot_be_answered_is_an_error_with_a_message,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What prove answers.", TESTS))
