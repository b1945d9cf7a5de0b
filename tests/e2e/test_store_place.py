#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Where a store lies: who can read a new one, whose store root takes from a directory where anybody may make files, and how one
# is read where nothing can be written.

import os
import shutil
import sqlite3
import stat
from contextlib import closing

import harness
import sites
from sites import MIB, Mounts, create

NOBODY = 65534


def modes(db):
    return {suffix: stat.S_IMODE(os.stat(db + suffix).st_mode) for suffix in ("", "-wal", "-shm")}


def scanned(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    scan = site.scan()
    case.check(scan.code == 0, "a scan makes the store", scan.notes())
    return site


# -- Rights -----------------------------------------------------------------------------------------------------------

def test_a_new_store_can_be_read_by_its_owner_only(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    case.same(site.scan(umask=0o022).code, 0, "a scan with the usual umask")
    case.same(modes(site.db), dict.fromkeys(("", "-wal", "-shm"), 0o600), "makes a store, a log and an index of mode 0600")
    site.db = os.path.join(site.directory, "link.db")
    os.symlink(os.path.join(site.directory, "target.db"), site.db)
    case.same((site.scan(umask=0).code, modes(os.path.join(site.directory, "target.db"))[""]), (0, 0o600), "so it does through a link, whatever the umask")


def test_rights_that_a_store_was_given_are_kept(case):
    site = scanned(case)
    for suffix in ("", "-wal", "-shm"):
        os.chmod(site.db + suffix, 0o640)
    case.same((site.scan(umask=0o077).code, modes(site.db)), (0, dict.fromkeys(("", "-wal", "-shm"), 0o640)), "a scan keeps them")
    case.same(site.run("db", "backup", "--db", site.db, site.db + ".copy", umask=0o022).code, 0, "a backup is made")
    case.same(stat.S_IMODE(os.stat(site.db + ".copy").st_mode), 0o644, "with the rights of any new file: it is for others")


# -- Directories where anybody may make files -------------------------------------------------------------------------

def test_root_takes_no_store_of_others_from_a_directory_for_everybody(case):
    if not sites.is_root():
        return case.skip("a store of another user", "only root can give files away")
    site = scanned(case)
    place = os.path.join(site.directory, "everybody")
    os.mkdir(place)
    os.chmod(place, 0o1777)

    def put(name, owner, target=None):
        path = os.path.join(place, name)
        if target:
            os.symlink(target, path)
        else:
            shutil.copyfile(site.db, path)
        os.chown(path, owner, owner, follow_symlinks=False)
        return path

    def outcomes(db):
        return [site.run(*command, "--db", db, *more) for command, more in
                ((("scan",), [site.root]), (("report",), []), (("sql",), ["SELECT 1"]), (("db", "check"), []), (("db", "prune"), []))]

    def expect(db, code, name):
        got = outcomes(db)
        case.check(all(outcome.code == code and (code == 0 or "refused for root" in outcome.err) for outcome in got), name, got)

    expect(put("own.db", 0), 0, "root's own store there is taken")
    expect(put("theirs.db", NOBODY), 1, "another user's is refused by every command")
    expect(put("link.db", NOBODY, site.db), 1, "so is another user's link to root's own store")
    expect(put("own-link.db", 0, site.db), 0, "but not root's own link")
    inside = os.path.join(place, "inside")
    os.mkdir(inside)
    shutil.copyfile(site.db, os.path.join(inside, "store.db"))
    expect(os.path.join(inside, "store.db"), 0, "a directory of root's own there is as good as any")
    os.chown(inside, NOBODY, NOBODY)
    expect(os.path.join(inside, "store.db"), 1, "one of another user is not, whosever the store in it is")
    elsewhere = os.path.join(site.directory, "elsewhere.db")
    os.symlink(os.path.join(place, "theirs.db"), elsewhere)
    expect(elsewhere, 1, "nor does a link from elsewhere help")
    for suffix in ("-wal", "-shm", "-journal"):
        db = put(f"log{suffix}.db", 0)
        with open(db + suffix, "wb"):
            pass
        os.chown(db + suffix, NOBODY, NOBODY)
        expect(db, 1, f"a {suffix} of another user beside root's store is refused")
    with open(os.path.join(place, "new.db-wal"), "wb"):
        pass
    os.chown(os.path.join(place, "new.db-wal"), NOBODY, NOBODY)
    outcome = site.run("scan", "--db", os.path.join(place, "new.db"), site.root)
    case.check(outcome.code == 1 and not os.path.exists(os.path.join(place, "new.db")), "so is one that waits for a new store", [outcome])
    os.chmod(place, 0o777)
    expect(os.path.join(place, "theirs.db"), 0, "where the directory is no such place, its owner answers for it")
    os.chmod(place, 0o1777)
    powerless, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip("a user who is not root", reason)
    os.chmod(os.path.join(place, "own.db"), 0o644)
    copy = os.path.join(powerless.directory, "everybody")
    os.mkdir(copy)
    os.chmod(copy, 0o1777)
    shutil.copyfile(site.db, os.path.join(copy, "own.db"))
    os.chmod(os.path.join(copy, "own.db"), 0o644)
    outcome = powerless.run("sql", "--db", os.path.join(copy, "own.db"), "SELECT 1")
    return case.check(outcome.code == 0, "another user may read root's store there", [outcome])


# -- Where nothing can be written -------------------------------------------------------------------------------------

def test_a_store_on_a_read_only_file_system_can_be_read(case):
    if reason := sites.why_no_mounts():
        return case.skip("a read-only file system", reason)
    site = scanned(case)
    writable, point = (os.path.join(site.directory, name) for name in ("writable", "read only"))
    os.mkdir(writable)
    shutil.copyfile(site.db, os.path.join(writable, "odd ?#%41.db"))
    expected = site.report("--sparse")
    with Mounts() as mounts:
        mounts.bind(writable, point)
        sites.must("mount", "-o", "remount,bind,ro", point)
        site.db = os.path.join(point, "odd ?#%41.db")
        outcome = site.report("--sparse")
        case.same((outcome.code, outcome.out, outcome.err), (0, expected.out, ""), "a report is the same as elsewhere")
        case.same((site.run("db", "check", "--db", site.db).code, os.listdir(point)), (0, ["odd ?#%41.db"]), "a check works, and nothing is written")
        case.same(site.run("db", "backup", "--db", site.db, os.path.join(site.directory, "copy.db")).code, 0, "so does a backup")
        scan = site.scan()
        case.check(scan.code == 1 and len(scan.outcome.err.splitlines()) == 1, "a scan fails, with a message", scan.notes())
        with open(os.path.join(writable, "odd ?#%41.db-wal"), "wb") as file:
            file.write(bytes(64))
        outcome = site.report()
        case.check(outcome.code == 1 and "-wal" in outcome.err and "copy both files" in outcome.err,
                   "a log with something in it that cannot be opened is an error that says what to do", [outcome])
    return None


def test_a_store_in_a_directory_that_its_reader_cannot_write_can_be_read(case):
    powerless, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip("a directory that its reader cannot write", reason)
    owner = sites.Site(powerless.imgaudit, powerless.directory)
    owner.db = powerless.db = os.path.join(powerless.directory, "place", "store.db")
    os.mkdir(os.path.dirname(owner.db))
    create(owner.path("a.qcow2"), MIB)
    case.same(owner.scan().code, 0, "the owner scans")
    with closing(sqlite3.connect(owner.db)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        if os.path.exists(owner.db + suffix):
            os.unlink(owner.db + suffix)
    expected = owner.report("--sparse").out
    for suffix in ("-wal", "-shm"):
        if os.path.exists(owner.db + suffix):
            os.unlink(owner.db + suffix)
    os.chmod(owner.db, 0o644)
    os.chmod(os.path.dirname(owner.db), 0o555)
    outcome = powerless.report("--sparse")
    case.same((outcome.code, outcome.out, outcome.err), (0, expected, ""), "without a log beside it: as for its owner")
    case.same(os.listdir(os.path.dirname(owner.db)), ["store.db"], "and none was made")
    os.chmod(owner.db, 0o600)
    outcome = powerless.report("--sparse")
    if sites.is_root():  # else reader and owner are one
        case.check(outcome.code == 1 and len(outcome.err.splitlines()) == 1, "one that it may not read is an error with a message", [outcome])
    os.chmod(os.path.dirname(owner.db), 0o755)
    return None


TESTS = [
    test_a_new_store_can_be_read_by_its_owner_only,
    test_rights_that_a_store_was_given_are_kept,
    test_root_takes_no_store_of_others_from_a_directory_for_everybody,
    test_a_store_on_a_read_only_file_system_can_be_read,
    test_a_store_in_a_directory_that_its_reader_cannot_write_can_be_read,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Where a store lies, and whose it is.", TESTS))
