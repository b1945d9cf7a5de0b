#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The store when things go wrong: kill -9 at random moments, a full disk, two scans at once, readers
# during a scan, stores that are not ours; and looking after it with `imgaudit db`.

import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

import harness
import sites
from sites import KIB, MIB, WITHOUT_IDS, Mounts, Site, create, patch, run, write
from slow_tree import IMAGES, SlowTree
from store_look import dump, integrity, scans, short_dump

KILLS = 100
WRITE_LOCK = 120  # the byte of the -shm file that a writer holds (SQLite's WAL format)
APPLICATION_ID = 0x494D4741


# -- Scans in the background ------------------------------------------------------------------------------------------

def start_scan(site, *options):
    """A scan in the background."""
    command = site.command("scan", "--db", site.db, *options, site.root)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # what nohup ignores, children would ignore too
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=sites.ENVIRONMENT)


def end_scan(process):
    out, err = process.communicate(timeout=sites.SCAN_TIMEOUT)
    return process.returncode, sites.decode(out), sites.decode(err)


# -- kill -9 ----------------------------------------------------------------------------------------------------------

class Autopsy:
    """Looks at a copy, so that the next scan finds just what the kill left."""

    def __init__(self, case, site):
        self.case = case
        self.site = site
        self.copy = os.path.join(case.fresh(), "copy.db")

    def take_copy(self):
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.copy + suffix)
            if os.path.exists(self.site.db + suffix):
                shutil.copy(self.site.db + suffix, self.copy + suffix)

    def faults(self, baseline, thorough):
        self.take_copy()
        faults = []
        if integrity(self.copy) != ["ok"]:
            faults.append(f"integrity_check: {integrity(self.copy)[:3]}")
        if short_dump(self.copy) != baseline["short"]:
            faults.append("the previous scan is not what it was")
        if thorough:
            if dump(self.copy) != baseline["long"]:
                faults.append("a view is not what it was")
            check = run([self.case.imgaudit, "db", "check", "--db", self.copy])
            if check.code != 0 or check.out:
                faults.append(f"db check: {check}")
        return faults


def baseline_of(site):
    return {"short": short_dump(site.db), "long": dump(site.db)}


def wait_for_writes(site, process):
    """Until the log of the store is written to, which is late in a scan."""
    wal = site.db + "-wal"

    def state():
        with contextlib.suppress(FileNotFoundError):
            st = os.stat(wal)
            return st.st_size, st.st_mtime_ns
        return None

    before = state()
    while process.poll() is None and state() == before:
        time.sleep(0.0005)


def kill_once(site, rng, length):
    """Kills a scan: one half anywhere in its time, one half soon after it begins to write. Whether it had not ended."""
    late = rng.random() < 0.5
    process = start_scan(site)
    if late:
        wait_for_writes(site, process)
    time.sleep(rng.uniform(0, length / 20 if late else length))
    process.send_signal(signal.SIGKILL)
    code, _, err = end_scan(process)
    if code not in (0, -signal.SIGKILL):
        raise sites.ToolError(f"a scan ended with {code}: {err}")
    return code != 0


def unlike_anew(case, site, db):
    """In what a store differs from a new one of the same tree; nothing when it does not."""
    new = Site(case.imgaudit, site.directory)
    new.db = os.path.join(case.fresh(), "anew.db")
    scan = new.scan()
    return scan.notes() if scan.code != 0 else sites.differences(db, new.db, WITHOUT_IDS)


def test_a_killed_scan_leaves_a_sound_store(case):
    rng = case.random("kill")
    site = case.site()
    tree = SlowTree(site, rng)
    tree.change()
    case.same(site.scan().code, 0, "a first scan")
    tree.change()
    start = time.monotonic()
    case.same(site.scan().code, 0, "a second scan, which is timed")
    length = time.monotonic() - start
    autopsy = Autopsy(case, site)
    baseline = baseline_of(site)
    killed = attempts = published = writing = 0
    faults = []
    while killed < KILLS and attempts < 3 * KILLS and not faults:
        attempts += 1
        tree.change()
        if not kill_once(site, rng, length):
            baseline = baseline_of(site)
            continue
        killed += 1
        wal = site.db + "-wal"
        writing += os.path.exists(wal) and os.path.getsize(wal) > 0
        autopsy.take_copy()
        if scans(autopsy.copy) == baseline["short"]["v_scan"][-1][0] + 1:  # all was done, and it only had to end
            published += 1
            found = [f"integrity_check: {line}" for line in integrity(autopsy.copy) if line != "ok"]
            found += unlike_anew(case, site, autopsy.copy)
            faults += [f"kill {killed}: the scan was published, and is not whole:", *found] if found else []
        else:
            faults += [f"kill {killed}: {fault}" for fault in autopsy.faults(baseline, killed % 10 == 0)]
        if killed % 5 == 0 or scans(autopsy.copy) != baseline["short"]["v_scan"][-1][0]:
            scan = site.scan()
            if scan.code != 0:
                faults += [f"the scan after kill {killed}:", *scan.notes()]
            baseline = baseline_of(site)
    case.check(not faults, f"{KILLS} scans killed at random moments: the store is sound and as before, the next scan succeeds",
               faults)
    case.same(killed, KILLS, "that many were really killed")
    case.check(writing, "some of them while they wrote to the store")
    case.out.note(f"a scan takes {length:.2f} s; {attempts} were started, {writing} of the killed ones had begun to write, "
                  f"{published} had published")
    case.same(site.scan().code, 0, "a scan after all that")
    found = unlike_anew(case, site, site.db)
    case.check(not found, "the store that survived has what a new one has", found)


def test_a_killed_first_scan_leaves_nothing_to_report(case):
    """Nothing was published before: there is no store, or an empty one, and the next scan succeeds."""
    rng = case.random("kill first")
    site = case.site()
    SlowTree(site, rng).change()
    killed = 0
    faults = []
    for turn in range(30):
        fresh_db(case, site)
        process = start_scan(site)
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        if end_scan(process)[0] == 0:
            continue
        outcome = site.report("--summary")
        if outcome.code == 0 and scans(site.db) == 1:
            continue  # killed after it had published
        killed += 1
        if outcome.code != 1 or not outcome.err or outcome.out:
            faults.append(f"turn {turn}: report: {outcome}")
        scan = site.scan()
        if scan.code != 0 or integrity(site.db) != ["ok"]:
            faults.append(f"turn {turn}: the next scan: {scan.notes()}")
        if killed == 10:
            break
    case.check(not faults and killed, "a store whose first scan was killed has nothing to report, and the next scan succeeds",
               [f"{killed} scans were killed", *faults])


def test_a_signal_leaves_the_scan_before_or_all_of_the_new_one(case):
    site = case.site()
    tree = SlowTree(site, case.random("interrupt"))
    tree.change()
    site.scan()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        tree.change()
        process, before = stop_in_the_middle(site)
        last = scans(site.db)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        code, _, err = end_scan(process)
        # A thread may run on for a moment before the signal arrives, and one that was about to publish has done so then.
        found = [] if dump(site.db) == before else unlike_anew(case, site, site.db)
        whole = dump(site.db) == before or (scans(site.db) == last + 1 and not found)
        case.check(code == 128 + number and whole, f"{number.name} ends a scan and leaves the one before, or all of it",
                   [f"exit code {code}, last scan {last}, now {scans(site.db)}", *found])
        line = "interrupted" if number == signal.SIGINT else "ended by a signal"
        case.same(err.splitlines()[-1:], [f"imgaudit: {line}"], "a line says so")
        site.scan()


def test_an_ignored_signal_ends_nothing(case):
    site = case.site()
    SlowTree(site, case.random("ignored")).change()
    site.scan()
    last = scans(site.db)
    process = subprocess.Popen(site.command("scan", "--db", site.db, site.root), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=sites.ENVIRONMENT, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    code, _, err = end_scan(process)
    case.same((code, scans(site.db)), (0, last + 1), "SIGHUP that nohup ignores ends no scan", [err])


def test_a_reader_that_leaves_ends_a_report_without_a_word(case):
    site = case.site()
    for number in range(300):
        create(site.path(f"{number}.qcow2"), MIB)
    site.scan()
    for command in (("sql", "--db", site.db, "SELECT a.path, b.path FROM v_image AS a, v_image AS b"), ("report", "--db", site.db, "--sparse")):
        process = subprocess.Popen(site.command(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=sites.ENVIRONMENT)
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()
        case.same((process.wait(timeout=60), err), (-signal.SIGPIPE, b""), f"{command[0]} | head -c 1")
    process = subprocess.Popen(["sh", "-c", 'exec "$@" | true', "sh", *site.command("scan", "--db", site.db, "--stats", site.root)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=sites.ENVIRONMENT)
    process.communicate(timeout=60)
    case.same(scans(site.db), 2, "a scan is recorded though nobody reads what --stats prints")


# -- Two at once ------------------------------------------------------------------------------------------------------

def is_writing(site):
    """Somebody holds SQLite's write lock. Looks, and takes no lock."""
    try:
        with open(site.db + "-shm", "rb") as file:
            lock = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, WRITE_LOCK, 1, 0)
            return struct.unpack("hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, lock))[0] != fcntl.F_UNLCK
    except FileNotFoundError:
        return False


def stop_in_the_middle(site):
    """A scan that was stopped while it held the write lock, and before it published; the sooner, the faster scans end.
    Attempts that came too late have published: the dump of what was there when the last one began comes with it."""
    for attempt in range(1, 31):
        before = dump(site.db)
        process = start_scan(site)
        while process.poll() is None and not is_writing(site):
            time.sleep(0.001)
        time.sleep(0.03 / attempt)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.02)
        if process.poll() is None and is_writing(site) and dump(site.db) == before:
            return process, before
        process.send_signal(signal.SIGCONT)
        end_scan(process)
        for name in sorted(os.listdir(site.root)):
            os.utime(site.path(name))
    raise sites.ToolError("no scan could be stopped in the middle")


def test_a_second_scan_is_refused_and_readers_see_the_state_before(case):
    site = case.site()
    tree = SlowTree(site, case.random("two"))
    tree.change()
    site.scan()
    tree.change()
    process, before = stop_in_the_middle(site)
    try:
        number, images = site.query("SELECT max(scan_id), (SELECT count(*) FROM v_image) FROM v_scan")[0]
        create(site.path("new.qcow2"), MIB)
        start = time.monotonic()
        second = site.scan()
        case.check(second.code == 1 and time.monotonic() - start < 5 and len(second.outcome.err.splitlines()) == 1,
                   "a second scan ends at once with exit 1 and a message", second.notes())
        case.check("another scan" in second.outcome.err, "with the reason", second.notes())
        now = site.report("--summary")
        shown = json.loads(now.out)["scan"] if now.code == 0 else {}
        case.same((now.code, shown.get("scan_id"), shown.get("images")), (0, number, images),
                  "a report during the scan gives the state before it", [now.err])
        case.same(site.run("sql", "--db", site.db, "--format", "csv", "SELECT count(*) FROM v_image").out.split(),
                  ["count(*)", str(images)], "so does imgaudit sql")
        shell = run(["sqlite3", site.db, "SELECT count(*) FROM v_image"])
        case.same((shell.code, shell.out.strip()), (0, str(images)), "so does the sqlite3 shell", [shell.err])
        case.same(dump(site.db), before, "so do all views")
        copy = os.path.join(site.directory, "backup.db")
        case.same(site.run("db", "backup", "--db", site.db, copy).code, 0, "db backup works")
        case.same(dump(copy), before, "and copies the state before the scan")
        case.same(site.run("db", "check", "--db", site.db).code, 0, "db check works")
        prune = site.run("db", "prune", "--db", site.db, "--keep", "1")
        case.check(prune.code == 1 and prune.err, "db prune is refused with a message", [str(prune)])
    finally:
        process.send_signal(signal.SIGCONT)
    code, _, err = end_scan(process)
    case.same(code, 0, "the scan that was stopped goes on and succeeds", [err])
    case.same(site.value("SELECT max(scan_id) FROM v_scan"), number + 1, "and is seen then")


def test_a_slow_reader_does_not_hold_up_a_scan(case):
    """A reader that stays in the state it began with does not hold up a scan."""
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    site.scan()
    with contextlib.closing(sqlite3.connect(site.db)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM v_image").fetchone()
        create(site.path("b.qcow2"), MIB)
        case.same(site.scan().code, 0, "a scan succeeds while somebody reads")
        case.same(reader.execute("SELECT count(*) FROM v_image").fetchone()[0], 1, "who goes on to see the state before")
    case.same(site.value("SELECT count(*) FROM v_image"), 2, "the next reader sees the new one")


# -- A full disk ------------------------------------------------------------------------------------------------------

def check_no_room(case, site, what, **options):
    before = dump(site.db)
    SlowTree(site, case.random("room"))
    scan = site.scan(**options)
    case.check(scan.code == 1 and len(scan.outcome.err.splitlines()) == 1 and not scan.outcome.out,
               f"{what}: exit 1 and one message", scan.notes())
    case.check(any(word in scan.outcome.err.lower() for word in ("full", "no space", "too large")), "with what is wrong",
               scan.notes())
    case.same((dump(site.db), integrity(site.db)), (before, ["ok"]), "the previous scan is intact")


def test_a_full_disk_leaves_the_store_as_it_was(case):
    if reason := sites.why_no_mounts():
        return case.skip("a full disk", reason)
    site = case.site()
    point = os.path.join(site.directory, "small")
    with Mounts() as mounts:
        mounts.tmpfs(point, "size=760k")
        site.db = os.path.join(point, "store.db")
        write(create(site.path("a.qcow2"), MIB), 0)
        case.same(site.scan().code, 0, "a first scan fits")
        check_no_room(case, site, "a disk that is full before all is stored")
        filler = os.open(os.path.join(point, "filler"), os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(filler, bytes(4096))
        os.close(filler)
        outcome = site.report("--summary")
        case.same((outcome.code, outcome.err), (0, ""), "a report works on a full disk")
        scan = site.scan()
        case.check(scan.code == 1 and scan.outcome.err, "a scan on a disk that is full from the start names that as the reason", scan.notes())
        os.unlink(os.path.join(point, "filler"))
        sites.must("mount", "-o", "remount,size=64m", point)
        case.same((site.scan().code, site.value("SELECT count(*) FROM v_image")), (0, IMAGES + 1),
                  "once there is room, the next scan succeeds")
    return None


def test_a_limit_to_file_sizes_leaves_the_store_as_it_was(case):
    """ulimit -f, for those who cannot mount: the write fails, and a signal comes with it."""
    site = case.site()
    write(create(site.path("a.qcow2"), MIB), 0)
    case.same(site.scan().code, 0, "a first scan fits")
    limit = (512 * KIB, 512 * KIB)
    check_no_room(case, site, "a limit to the size of files (ulimit -f)",
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    case.same(site.scan().code, 0, "without the limit, the next scan succeeds")


def test_a_store_that_cannot_be_made_is_an_error_with_a_message(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    db = site.db
    for what, path in (("a directory", site.root), ("a name in a directory that does not exist", db + "/x/y.db"),
                       ("a name below a file", site.path("a.qcow2") + "/store.db")):
        site.db = path
        scan = site.scan()
        case.check(scan.code == 1 and len(scan.outcome.err.splitlines()) == 1, f"{what} as a store: exit 1 and a message",
                   scan.notes())
    site.db = db
    outcome = site.report("--summary")
    case.check(outcome.code == 1 and outcome.err and not os.path.exists(db), "a report from no store makes none", [str(outcome)])
    powerless, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip("a directory that may not be written to", reason)
    powerless.db = os.path.join(powerless.directory, "locked", "store.db")
    os.mkdir(os.path.dirname(powerless.db), 0o555)
    scan = powerless.scan()
    return case.check(scan.code == 1 and scan.outcome.err and not os.listdir(os.path.dirname(powerless.db)),
                      "a directory that may not be written to: exit 1 and a message", scan.notes())


def test_a_user_who_may_only_read_gets_reports(case):
    """A report for a user who may read the store and write nothing."""
    powerless, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip("a report for a user who may only read", reason)
    place = os.path.join(powerless.directory, "place")
    os.mkdir(place, 0o755)
    owner = Site(powerless.imgaudit, powerless.directory)
    owner.db = powerless.db = os.path.join(place, "store.db")
    create(owner.path("a.qcow2"), MIB)
    case.same(owner.scan().code, 0, "the owner scans")
    for name in os.listdir(place):
        os.chmod(os.path.join(place, name), 0o444)
    os.chmod(place, 0o555)
    expected = owner.report("--sparse").out
    for turn in ("", " again"):
        outcome = powerless.report("--sparse")
        case.same((outcome.code, outcome.out), (0, expected), f"a user who may only read gets a report{turn}", [outcome.err])
    scan = powerless.scan()
    case.check(scan.code == 1 and scan.outcome.err, "and cannot scan into it", scan.notes())
    os.chmod(place, 0o755)
    return None


# -- Stores that are not ours, or not of this version -----------------------------------------------------------------

def contents(directory):
    result = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            result[name] = file.read()
    return result


def main_contents(directory):
    """Without the log and its index that any look at a store of ours leaves; but the log must be empty."""
    return {name: data for name, data in contents(directory).items() if not name.endswith("-shm") and
            not (name.endswith("-wal") and not data)}


def check_left_alone(case, site, what, expected_words, contents=contents):
    """No command touches the file, leaves anything beside it, or succeeds."""
    directory = os.path.dirname(site.db)
    before = contents(directory)
    target = os.path.join(directory, "target.db")
    for arguments in (["scan", site.root], ["report"], ["sql", "SELECT 1"], ["db", "check"], ["db", "migrate"], ["db", "prune"],
                      ["db", "backup", target], ["chain", site.path("a.qcow2")]):
        name = " ".join(arguments[:2]) if arguments[0] == "db" else arguments[0]
        words = arguments[:2] if arguments[0] == "db" else arguments[:1]
        outcome = site.run(*words, "--db", site.db, *arguments[len(words):])
        passed = outcome.code == 1 and outcome.err and contents(directory) == before
        case.check(passed and any(word in outcome.err for word in expected_words), f"{what}: {name} refuses it and leaves it alone",
                   [str(outcome), f"files now: {sorted(contents(directory))}"])


def fresh_db(case, site):
    site.db = os.path.join(case.fresh(), "store.db")
    return site.db


def test_a_newer_store_is_left_alone(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    fresh_db(case, site)
    site.scan()
    with contextlib.closing(sqlite3.connect(site.db)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    check_left_alone(case, site, "a store of a newer version", ["newer"])


def test_foreign_files_are_left_alone(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    with contextlib.closing(sqlite3.connect(fresh_db(case, site))) as connection:
        connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    check_left_alone(case, site, "a database of something else", ["something else"])
    with contextlib.closing(sqlite3.connect(fresh_db(case, site))) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    check_left_alone(case, site, "a database of something else with a log", ["something else"])
    with contextlib.closing(sqlite3.connect(fresh_db(case, site))) as connection:
        connection.executescript("PRAGMA application_id = 42; PRAGMA user_version = 1;")
    check_left_alone(case, site, "an empty database with another application's number", ["something else"])
    with open(fresh_db(case, site), "w", encoding="utf-8") as file:
        file.write("my precious notes\n" * 1000)
    check_left_alone(case, site, "a text file", ["not a database"])
    shutil.copy(site.path("a.qcow2"), fresh_db(case, site))
    check_left_alone(case, site, "an image given as the store", ["not a database"])


def test_an_empty_file_becomes_a_store(case):
    """What mktemp leaves is as good as no file."""
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    open(site.db, "wb").close()
    outcome = site.report()
    case.check(outcome.code == 1 and outcome.err, "a report from an empty file ends with: there is nothing yet", [str(outcome)])
    case.same((site.scan().code, site.report().code), (0, 0), "a scan makes a store of it")


def test_stores_of_development_versions_are_left_alone(case):
    """Stores of before the first release are refused, also where the log of a crash still holds all of it."""
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    for version in (1, 11):
        fresh_db(case, site)
        site.scan()
        with contextlib.closing(sqlite3.connect(site.db)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        check_left_alone(case, site, f"a store of development version {version}", ["into a new file"])
    before = os.path.join(case.fresh(), "before.db")
    with contextlib.closing(sqlite3.connect(before)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; BEGIN; PRAGMA application_id = {APPLICATION_ID};"
                                 "PRAGMA user_version = 11; CREATE TABLE image (image_id); COMMIT")
        fresh_db(case, site)
        shutil.copy(before, site.db)
        shutil.copy(f"{before}-wal", f"{site.db}-wal")
    check_left_alone(case, site, "a store of a development version in its log", ["into a new file"], main_contents)


def schema_of(db):
    with contextlib.closing(sqlite3.connect(db)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return version, sorted(map(str, connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")))


def test_other_views_are_made_anew_by_writers_only(case):
    """Views are made anew where they are not those of the program; nobody who only reads does it."""
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    fresh_db(case, site)
    site.scan()
    current = schema_of(site.db)
    spoil = "DROP VIEW v_pair; CREATE VIEW v_scan_2 AS SELECT 1; UPDATE setting SET value = 1 WHERE key = 'views'"
    for words in (["db", "migrate", "--db", site.db], ["scan", "--db", site.db, site.root]):
        with contextlib.closing(sqlite3.connect(site.db)) as connection:
            connection.executescript(spoil)
        before = main_contents(os.path.dirname(site.db))
        outcome = site.report()
        case.check(outcome.code == 1 and "migrate" in outcome.err, "a report ends with what to do", [str(outcome)])
        case.check(main_contents(os.path.dirname(site.db)) == before, "and changes nothing")
        outcome = site.run(*words)
        case.same((outcome.code, schema_of(site.db)), (0, current), f"{words[0]} makes the views anew", [str(outcome)])
    before = contents(os.path.dirname(site.db))
    outcome = site.run("db", "migrate", "--db", site.db)
    case.check(outcome.code == 0 and contents(os.path.dirname(site.db)) == before, "db migrate of a current store changes nothing",
               [str(outcome)])


# -- Roots ------------------------------------------------------------------------------------------------------------

def test_a_missing_root_leaves_the_scan_before(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    site.scan()
    before = dump(site.db)
    gone = os.path.join(site.directory, "gone")
    for roots in ([gone], [site.root, gone], [gone, site.root]):
        scan = site.scan(roots=roots)
        case.check(scan.code == 1 and gone in scan.outcome.err and dump(site.db) == before,
                   f"a root that does not exist, {roots.index(gone) + 1} of {len(roots)}: exit 1, the scan before stays", scan.notes())
    os.rename(site.root, site.root + "-away")
    scan = site.scan()
    case.check(scan.code == 1 and dump(site.db) == before, "a root that went away: exit 1, the scan before stays", scan.notes())
    os.symlink(site.root + "-nowhere", site.root)
    scan = site.scan()
    case.check(scan.code == 1 and dump(site.db) == before, "a root that is a dangling symlink: the same", scan.notes())


def test_no_root_is_wrong_usage(case):
    site = case.site()
    outcome = site.run("scan", "--db", site.db)
    case.check(outcome.code == 2 and outcome.err and not os.path.exists(site.db), "no root at all is a usage error", [str(outcome)])


# -- imgaudit db ------------------------------------------------------------------------------------------------------

def test_a_backup_is_the_same_store_and_overwrites_nothing(case):
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0, 2)
    write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 5)
    site.scan()
    target = os.path.join(site.directory, "copy of store.db")
    case.same(site.run("db", "backup", "--db", site.db, target).code, 0, "db backup")
    case.same((dump(target), integrity(target)), (dump(site.db), ["ok"]), "the copy has the same rows and is sound")
    copy = Site(case.imgaudit, site.directory)
    copy.db = target
    case.same(copy.report("--backing").out, site.report("--backing").out, "a report from the copy is the same")
    case.same(copy.scan().stats.get("parsed"), 0, "and a scan goes on from it")
    before = dump(target)
    outcome = site.run("db", "backup", "--db", site.db, target)
    case.check(outcome.code in (1, 2) and outcome.err and dump(target) == before, "an existing target is not overwritten",
               [str(outcome)])
    os.symlink(os.path.join(site.directory, "elsewhere"), target + "-link")
    outcome = site.run("db", "backup", "--db", site.db, target + "-link")
    case.check(outcome.code in (1, 2) and not os.path.exists(os.path.join(site.directory, "elsewhere")),
               "nor is a dangling symlink followed", [str(outcome)])
    outcome = site.run("db", "backup", "--db", site.db, os.path.join(site.directory, "none", "x.db"))
    case.check(outcome.code == 1 and outcome.err, "a target that cannot be made: exit 1 and a message", [str(outcome)])


def test_prune_keeps_the_newest_scans_and_gives_space_back(case):
    site = case.site()
    SlowTree(site, case.random("prune"))
    for number in range(4):
        create(site.path(f"extra{number}.qcow2"), MIB)
        site.scan()
    images = site.query("SELECT path FROM v_image ORDER BY path")
    case.same(site.value("SELECT count(*) FROM v_scan"), 4, "all scans are kept without --keep")
    case.same(site.run("db", "prune", "--db", site.db, "--keep", "2").code, 0, "db prune --keep 2")
    case.same(site.query("SELECT scan_id FROM v_scan ORDER BY 1"), [(3,), (4,)], "keeps the newest two")
    case.same(site.query("SELECT path FROM v_image ORDER BY path"), images, "and all images")
    for number in range(IMAGES):
        os.unlink(site.path(f"image{number}.qcow2"))
    site.scan("--keep", "1")
    case.same(site.query("SELECT scan_id FROM v_scan"), [(5,)], "scan --keep 1 keeps itself")
    size = os.path.getsize(site.db)
    case.same(site.run("db", "prune", "--db", site.db).code, 0, "db prune without --keep")
    packed = os.path.join(site.directory, "packed.db")
    site.query(f"VACUUM INTO '{packed}'")
    case.check(os.path.getsize(site.db) == os.path.getsize(packed) < size, "gives the space of what is gone back",
               [f"{size} -> {os.path.getsize(site.db)}, as sqlite3 packs it {os.path.getsize(packed)}"])
    case.same((site.value("SELECT count(*) FROM v_scan"), integrity(site.db), site.run("db", "check", "--db", site.db).code),
              (1, ["ok"], 0), "and harms nothing")
    outcome = site.run("db", "prune", "--db", site.db, "--keep", "many")
    case.same(outcome.code, 2, "--keep takes a number", [outcome.err])


def test_db_check_finds_what_was_broken(case):
    """db check finds what was broken on purpose."""
    site = case.site()
    write(create(site.path("a.qcow2"), MIB), 0)
    site.scan()
    case.same((site.run("db", "check", "--db", site.db).code, site.run("db", "check", "--db", site.db).out), (0, ""),
              "db check of a sound store prints nothing")
    for what, sql in (("an extent outside its mapping", "UPDATE extent SET length = length + (1 << 40)"),
                      ("an extent of no mapping", "INSERT INTO extent VALUES (12345, 0, 10, 0, 0, NULL)"),
                      ("a chain with a gap", "UPDATE chain SET depth = 3")):
        broken = os.path.join(case.fresh(), "broken.db")
        shutil.copy(site.db, broken)
        with contextlib.closing(sqlite3.connect(broken)) as connection:
            connection.execute(sql)
            connection.commit()
        outcome = site.run("db", "check", "--db", broken)
        case.check(outcome.code == 1 and outcome.out and outcome.err, f"db check finds {what}", [str(outcome)])
    broken = os.path.join(case.fresh(), "broken.db")
    shutil.copy(site.db, broken)
    make_noise = os.path.getsize(broken) // 2
    patch(broken, make_noise - make_noise % 4096, os.urandom(4096))
    outcome = site.run("db", "check", "--db", broken)
    case.check(outcome.code == 1 and outcome.err, "db check finds a damaged page", [str(outcome)])


TESTS = [
    test_a_killed_scan_leaves_a_sound_store,
    test_a_killed_first_scan_leaves_nothing_to_report,
    test_a_signal_leaves_the_scan_before_or_all_of_the_new_one,
    test_an_ignored_signal_ends_nothing,
    test_a_reader_that_leaves_ends_a_report_without_a_word,
    test_a_second_scan_is_refused_and_readers_see_the_state_before,
    test_a_slow_reader_does_not_hold_up_a_scan,
    test_a_full_disk_leaves_the_store_as_it_was,
    test_a_limit_to_file_sizes_leaves_the_store_as_it_was,
    test_a_store_that_cannot_be_made_is_an_error_with_a_message,
    test_a_user_who_may_only_read_gets_reports,
    test_a_newer_store_is_left_alone,
    test_foreign_files_are_left_alone,
    test_an_empty_file_becomes_a_store,
    test_stores_of_development_versions_are_left_alone,
    test_other_views_are_made_anew_by_writers_only,
    test_a_missing_root_leaves_the_scan_before,
    test_no_root_is_wrong_usage,
    test_a_backup_is_the_same_store_and_overwrites_nothing,
    test_prune_keeps_the_newest_scans_and_gives_space_back,
    test_db_check_finds_what_was_broken,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("The store when things go wrong.", TESTS))
