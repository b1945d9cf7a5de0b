#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a verdict may rest on: directories that were walked, and that held still; files that were read and not exchanged.
# strace slows the program down at one system call, so that a change falls into it for certain.

import os
import shutil
import subprocess
import threading
import time

import harness
import sites
import witness
from sites import MIB, create, make_raw, must, write

LISTING = "getdents64:delay_exit=400000:when=1..12"  # each listing of a directory takes 0.4 s more; not those of /proc
FIRST_OPEN = "openat2:delay_enter=3000000:when=1"  # the first image is opened 3 s later


def slowly(site, injection, then, after, *options):
    """A scan that is slowed down at a system call, and what is done meanwhile."""
    call = injection.split(":")[0]
    slow = sites.Site(site.imgaudit, site.directory, ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={injection}"])
    timer = threading.Timer(after, then)
    timer.start()
    try:
        return slow.scan("-j", "1", *options, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    finally:
        timer.join()


def traceable(case):
    reason = witness.why_no_strace()
    if reason:
        case.skip(reason)
    return not reason


def verdict(site, name):
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def orphan(site, name, *options, over="gone.qcow2"):
    """A base that a scan saw named by an overlay that is gone."""
    base = write(create(site.path(name), MIB), 0)
    overlay = create(site.path(over), MIB, base)
    site.scan(*options)
    os.unlink(overlay)
    return base


# -- Which directories were walked ------------------------------------------------------------------------------------

def test_what_is_in_an_allowed_directory_is_not_proven(case):
    site = case.site()
    base = write(create(site.outside("debian.qcow2"), MIB), 0, 1)
    create(site.outside("web.qcow2"), MIB, "debian.qcow2")
    over = write(create(site.path("db.qcow2"), MIB, base), 0)
    name = site.relative(base)
    allow = ("--allow", os.path.dirname(base))
    site.scan(*allow)
    case.same(verdict(site, name), ("partly-masked", "unproven", "not-walked"), "masked in an --allow directory: overlays beside it are unknown")
    whole = site.rows("--what-if-delete", over)
    case.check(any(row["path"] == base and row["verdict"] == "unproven" and "not-walked" in (row["why_codes"] or "") for row in whole),
               "what-if: the base would be unreferenced, unproven", whole)
    os.unlink(over)
    site.scan(*allow)
    case.same(verdict(site, name), ("unreferenced", "unproven", "not-walked"), "unreferenced there: unproven")
    site.scan(roots=[site.root, os.path.dirname(base)])
    case.same(verdict(site, name), None, "with the directory as a root: the overlay beside it is known")
    os.unlink(site.outside("web.qcow2"))
    site.scan(roots=[site.root, os.path.dirname(base)])
    case.same(verdict(site, name), ("unreferenced", "proven", None), "and nothing else names it: proven")


def test_a_file_named_as_root_is_not_proven(case):
    site = case.site()
    base = orphan(site, "base.qcow2")
    write(create(site.path("sub", "other.qcow2"), MIB), 0)
    site.scan(roots=[base, site.path("sub")])
    case.same(verdict(site, "base.qcow2")[1:], ("unproven", "not-walked"), "a file named as a root: what lies beside it is unknown")
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "its directory as the root: proven")


def test_a_hard_link_outside_raises_no_doubt(case):
    site = case.site()
    base = orphan(site, "base.qcow2")
    os.link(base, site.outside("twin.qcow2"))
    over = create(site.path("over.qcow2"), MIB, site.outside("twin.qcow2"))
    site.scan("--allow", os.path.dirname(site.outside("x")))
    os.unlink(over)
    site.scan("--allow", os.path.dirname(site.outside("x")))
    case.same(verdict(site, "base.qcow2")[1], "proven", "a hard link elsewhere that nothing names keeps nothing from being deleted")


def test_a_base_folder_alone_asks_for_the_one_above(case):
    for folder, root, above in (("instances/_base/0123", "instances/_base", "instances"), ("images/7/base-7-disk-0.qcow2", "images/7", "images")):
        site = case.site()
        write(create(site.path(folder), MIB), 0)
        site.scan(roots=[site.path(root)])
        case.same(verdict(site, folder), ("unreferenced", "unproven", "not-walked"), f"{root} alone as a root: the machines lie above")
        row = site.unused()[folder]
        case.check(site.path(above) in row["why"], "the directory to be walked is named", [row])
        site.scan(roots=[site.path(above)])
        case.same(verdict(site, folder)[1:], ("proven", None), f"{above} as a root: proven")


# -- Changes under the scan -------------------------------------------------------------------------------------------

def test_a_file_renamed_under_the_walk_is_found(case):
    if not traceable(case):
        return
    site = case.site()
    base = orphan(site, "a/b.qcow2", over="a/gone.qcow2")
    site.path("m", "x")
    late = create(site.path("z/v.qcow2"), MIB, base)
    scan = slowly(site, LISTING, lambda: os.rename(late, site.path("a/v.qcow2")), 1.2)
    case.same((scan.code, verdict(site, "a/b.qcow2")), (0, None), "an overlay that is renamed into a directory that was listed is found", scan.notes())
    case.same(site.value("SELECT path FROM v_image WHERE path LIKE '%/v.qcow2'"), site.path("a/v.qcow2"), "under its new name alone")
    again = site.scan()
    case.same((again.code, again.stats["vanished"], again.stats["added"]), (0, 0, 0), "the next scan finds the same", again.notes())


def test_a_directory_renamed_under_the_walk_is_found(case):
    if not traceable(case):
        return
    site = case.site()
    base = orphan(site, "a/b.qcow2", over="a/gone.qcow2")
    create(site.path("z/vm/v.qcow2"), MIB, base)
    site.path("m", "x")
    scan = slowly(site, LISTING, lambda: os.rename(site.path("z/vm"), site.path("a/vm")), 1.2)
    case.same((scan.code, verdict(site, "a/b.qcow2")), (0, None), "a directory that is renamed into one that was listed is walked", scan.notes())


def test_a_rename_over_a_file_costs_nothing(case):
    if not traceable(case):
        return
    for how in ("rename", "exchange"):
        site = case.site()
        one = write(create(site.path("a.qcow2"), MIB), 0)
        new = write(create(site.path("b.qcow2"), MIB), 0, 1)
        for number in range(3):
            create(site.path(f"other{number}.qcow2"), MIB)

        def change(one=one, new=new, how=how):
            if how == "rename":
                os.rename(new, one)
            else:
                must("python3", "-c", "import ctypes, sys; sys.exit(ctypes.CDLL(None).renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2))", one, new)

        scan = slowly(site, FIRST_OPEN, change, 1.5)
        case.same((scan.code, site.findings()), (0, set()), f"{how} over a file under the scan costs nothing", scan.notes())
        sizes = {os.path.basename(path): size for path, size in site.query("SELECT path, data_bytes FROM v_usage")}
        expected = {"a.qcow2": 2 * sites.CLUSTER, **({"b.qcow2": sites.CLUSTER} if how == "exchange" else {}), **{f"other{n}.qcow2": 0 for n in range(3)}}
        case.same(sizes, expected, f"{how}: each name has the content that it has now")
        fresh = sites.Site(site.imgaudit, site.directory)
        fresh.db = site.db + ".fresh"
        fresh.scan()
        case.same(sites.differences(site.db, fresh.db, sites.WITHOUT_IDS), [], f"{how}: a store that is made anew agrees")


def test_a_file_deleted_under_the_scan_leaves_nothing(case):
    if not traceable(case):
        return
    site = case.site()
    base = orphan(site, "base.qcow2")
    doomed = write(create(site.path("a.qcow2"), MIB), 0)
    scan = slowly(site, FIRST_OPEN, lambda: os.unlink(doomed), 1.5)
    case.same((scan.code, site.findings(), verdict(site, "base.qcow2")), (0, set(), ("unreferenced", "proven", None)),
              "a file that is deleted under the scan is as if it had not been there", scan.notes())
    case.same(site.value("SELECT count(*) FROM file WHERE path LIKE '%/a.qcow2'"), 0, "and leaves no row")
    case.check(os.path.exists(base), "the base is where it was", [])


def test_a_link_turned_under_the_scan_leads_where_it_does_at_the_end(case):
    if not traceable(case):
        return
    site = case.site()
    for version in ("v1", "v2"):
        write(create(site.path(version, "base.qcow2"), MIB), 0)
    os.symlink("v1/base.qcow2", site.path("current.qcow2"))
    create(site.path("vm.qcow2"), MIB, "current.qcow2")

    def turn():
        os.symlink("v2/base.qcow2", site.path("new"))
        os.rename(site.path("new"), site.path("current.qcow2"))

    scan = slowly(site, FIRST_OPEN, turn, 1.5)
    case.same(site.value("SELECT backing_image FROM v_image WHERE path LIKE '%/vm.qcow2'"), site.path("v2/base.qcow2"),
              "a symbolic link that is turned under the scan leads where it leads at the end", scan.notes())


def test_nothing_is_proven_while_a_directory_changes(case):
    if not traceable(case):
        return
    site = case.site()
    orphan(site, "base.qcow2")
    stop = threading.Event()

    def come_and_go():
        number = 0
        while not stop.is_set():
            number += 1
            shutil.copy(site.path("base.qcow2"), site.path(f"new{number}.qcow2"))
            if number > 3:
                os.unlink(site.path(f"new{number - 3}.qcow2"))
            time.sleep(0.01)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        scan = slowly(site, "lstat,newfstatat:delay_exit=30000:when=1..60", lambda: None, 0)
    finally:
        stop.set()
        thread.join()
    case.same((scan.code, ("directory-changing", ".") in site.findings()), (3, True), "a directory that changes each time that it is listed is a finding", scan.notes())
    case.check("changed-during-scan" in verdict(site, "base.qcow2")[2], "and nothing is proven then", site.rows("--unused-backing"))
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "when it holds still, it is")


def test_what_is_written_under_the_scan_is_not_proven(case):
    if not traceable(case):
        return
    for before in ("read before", "to be read again"):
        site = case.site()
        base = orphan(site, "base.qcow2")
        site.scan()
        create(site.path("new.qcow2"), MIB)
        if before == "to be read again":
            write(base, 4)
        scan = slowly(site, FIRST_OPEN, lambda base=base: write(base, 5), 1.5)
        case.check("changed-during-scan" in verdict(site, "base.qcow2")[2],
                   f"a candidate that is written to under the scan is not proven, {before}", scan.notes())
        site.scan()
        case.check("changed-during-scan" not in (verdict(site, "base.qcow2")[2] or ""), f"the next scan has no such doubt, {before}", site.rows("--unused-backing"))


# -- What is not walked -----------------------------------------------------------------------------------------------

def test_views_of_the_kernel_are_skipped_with_a_line(case):
    site = case.site()
    orphan(site, "base.qcow2")
    mount = site.path("proc", "x")[:-2]
    if not sites.is_root() or sites.run(["mount", "-t", "proc", "proc", mount]).code != 0:
        case.skip("cannot mount proc")
        return
    try:
        scan = site.scan()
        case.same((scan.code, site.findings()), (0, {("pseudo-file-system", "proc")}), "proc below a root is skipped with a line", scan.notes())
        case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "and hides nothing")
    finally:
        subprocess.run(["umount", mount], check=False)
    make_raw(os.path.join(mount, "x.img"))
    site.scan()
    case.same((site.findings(), site.value("SELECT count(*) FROM v_image WHERE path LIKE '%/x.img'")), (set(), 1), "unmounted, it is a directory like others")


# -- Images that grow -------------------------------------------------------------------------------------------------

class Growing:
    """Files get a byte every few ms, as long as this lasts."""

    def __init__(self, *paths):
        self.paths = paths
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.grow)

    def grow(self):
        while not self.done.wait(0.005):
            for path in self.paths:
                with open(path, "ab") as file:
                    file.write(b"x")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *about):
        self.done.set()
        self.thread.join()


def cut(path, length):
    """Shortens a file; returns what it had behind that."""
    with open(path, "r+b") as file:
        file.seek(length)
        rest = file.read()
        file.truncate(length)
    return rest


def grown(site, name, length):
    """Findings of a scan while the file grows from there, and its state; the same of one when it does not; and whole again."""
    path = site.path(name)
    rest = cut(path, length)
    with Growing(path):
        slowly(site, "pread64:delay_exit=30000", lambda: None, 0)
    growing = state_and_findings(site, name)
    cut(path, length)
    site.scan()
    still = state_and_findings(site, name)
    with open(path, "ab") as file:
        file.write(rest)
    site.scan()
    return growing, still, state_and_findings(site, name)


def state_and_findings(site, name):
    rows = site.query("SELECT code, hides FROM v_finding WHERE NOT cleared AND path = ?", site.path(name))
    return site.value("SELECT state FROM v_image WHERE path = ?", site.path(name)), sorted(rows)


def test_a_growing_image_is_not_truncated(case):
    if not traceable(case):
        return
    for name, form, length in (("a.qcow2", "qcow2", -65536), ("a.vdi", "vdi", -65536)):
        site = case.site()
        write(create(site.path(name), 4 * MIB, format=form), *range(0, 64, 16), format=form)
        expected = (("changed", [("changed-while-read", 0)]), ("truncated", [("truncated", 0)]), ("ok", []))
        case.same(grown(site, name, os.path.getsize(site.path(name)) + length), expected,
                  f"{form}: it changed while it was read; at rest it is truncated; whole it is well")


def test_a_growing_image_is_not_corrupt(case):
    if not traceable(case):
        return
    site = case.site()
    write(create(site.path("a.vmdk"), 4 * MIB, format="vmdk"), 0, format="vmdk")
    expected = (("changed", [("changed-while-read", 1)]), ("corrupt", [("corrupt", 1)]), ("ok", []))
    case.same(grown(site, "a.vmdk", 30000), expected, "vmdk: what its header names may have come since; what else it names is unknown")
    site = case.site()
    path = write(create(site.path("a.qed"), 4 * MIB, format="qed"), 0, 16, format="qed")
    expected = (("changed", [("changed-while-read", 1)]), ("corrupt", [("corrupt", 1), ("truncated", 0)]), ("ok", []))
    case.same(grown(site, "a.qed", os.path.getsize(path) - 65536), expected, "qed: the same of what its tables name")
    site = case.site()
    orphan(site, "base.qcow2")
    path = write(create(site.path("a.qcow2"), MIB), 0)
    with Growing(path):
        slowly(site, "pread64:delay_exit=30000", lambda: None, 0)
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "one that grows and names nothing hides nothing")


TESTS = [
    test_what_is_in_an_allowed_directory_is_not_proven,
    test_a_file_named_as_root_is_not_proven,
    test_a_hard_link_outside_raises_no_doubt,
    test_a_base_folder_alone_asks_for_the_one_above,
    test_a_file_renamed_under_the_walk_is_found,
    test_a_directory_renamed_under_the_walk_is_found,
    test_a_rename_over_a_file_costs_nothing,
    test_a_file_deleted_under_the_scan_leaves_nothing,
    test_a_link_turned_under_the_scan_leads_where_it_does_at_the_end,
    test_nothing_is_proven_while_a_directory_changes,
    test_what_is_written_under_the_scan_is_not_proven,
    test_views_of_the_kernel_are_skipped_with_a_line,
    test_a_growing_image_is_not_truncated,
    test_a_growing_image_is_not_corrupt,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What a verdict may rest on.", TESTS))
