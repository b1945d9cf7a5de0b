#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Eight writers at work on the files while scans run, for some seconds (--count): images are replaced, renamed, exchanged and
# deleted, which never leaves a broken one, and others are shrunk and scribbled over in place. No scan is lost, the store is
# sound, no image that is whole all the time is called broken, and what a quiet scan has after that is what a new store has.

import ctypes
import os
import random
import shutil
import threading
import time

import harness
from faulty import is_sound
from sites import MIB, Site, create, without_ids, write

WRITERS = 8
BROKEN = {"corrupt", "truncated", "limit", "unsupported", "unrecognised", "marked-corrupt", "overlap", "empty"}
AT_FDCWD, RENAME_EXCHANGE = -100, 2
libc = ctypes.CDLL(None, use_errno=True)


class Writer(threading.Thread):
    def __init__(self, site, number, seed, stop):
        super().__init__(daemon=True)
        self.site = site
        self.number = number
        self.rng = random.Random(f"{seed}/{number}")
        self.stop = stop
        self.done = 0
        self.wrong = []

    def run(self):
        deeds = (self.replace, self.rename, self.exchange, self.delete_and_make) if self.number % 2 else (self.shrink, self.scribble, self.grow, self.mend)
        while not self.stop.is_set():
            try:
                self.rng.choice(deeds)()
                self.done += 1
            except FileNotFoundError:
                pass  # another writer was there first
            except Exception as error:  # noqa: BLE001
                self.wrong.append(repr(error))
                return
            time.sleep(self.rng.random() / 100)

    def pick(self, kind):
        return self.site.path(kind, f"{self.rng.randrange(12)}.qcow2")

    def made(self):
        """A whole image, beside the root."""
        path = os.path.join(self.site.directory, f"new-{self.number}")
        shutil.copyfile(self.site.outside(self.rng.choice(("one", "two", "over"))), path)
        return path

    def replace(self):
        os.rename(self.made(), self.pick("whole"))

    def rename(self):
        os.rename(self.pick("whole"), self.pick("whole"))

    def exchange(self):
        libc.renameat2(AT_FDCWD, self.pick("whole").encode(), AT_FDCWD, self.pick("whole").encode(), RENAME_EXCHANGE)

    def delete_and_make(self):
        path = self.pick("whole")
        os.unlink(path)
        os.rename(self.made(), path)

    def shrink(self):
        path = self.pick("broken")
        os.truncate(path, self.rng.randrange(os.path.getsize(path) + 1))

    def scribble(self):
        path = self.pick("broken")
        with open(path, "r+b") as file:
            file.seek(self.rng.randrange(max(1, os.path.getsize(path))))
            file.write(self.rng.randbytes(self.rng.choice((1, 8, 512, 65536))))

    def grow(self):
        with open(self.pick("broken"), "ab") as file:
            file.write(bytes(65536))

    def mend(self):
        os.rename(self.made(), self.pick("broken"))


def made_site(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0, 1)
    write(create(site.outside("one"), MIB), 0, 2)
    write(create(site.outside("two"), 2 * MIB), 1)
    write(create(site.outside("over"), MIB, base), 3)
    for kind in ("whole", "broken"):
        for number in range(12):
            shutil.copyfile(site.outside("one"), site.path(kind, f"{number}.qcow2"))
    return site


def test_writers_cost_no_scan_and_break_nothing_that_is_whole(case):
    site = made_site(case)
    stop = threading.Event()
    writers = [Writer(site, number, case.options.seed, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    lost, called_broken, damaged, count, end = [], [], [], 0, time.monotonic() + case.options.count
    while time.monotonic() < end:
        scan = site.scan()
        count += 1
        if scan.code not in (0, 3):
            lost += [f"scan {count}: code {scan.code}: {scan.outcome.err.strip()[:300]}"]
            continue
        called_broken += [f"scan {count}: {code} of {site.relative(path)}: {detail}"
                          for code, path, detail in site.query("SELECT code, path, detail FROM v_finding WHERE NOT cleared")
                          if code in BROKEN and not site.relative(path).startswith("broken/")]
        if count % 10 == 0:
            damaged += [f"scan {count}: {why}" for why in [is_sound(site.db)] if why]
    stop.set()
    for writer in writers:
        writer.join()
    check = site.run("db", "check", "--db", site.db)
    done = sum(writer.done for writer in writers)
    case.check(count > 2 and done > 20, f"{WRITERS} writers were at work", [f"{count} scans, {done} deeds", *(line for writer in writers for line in writer.wrong)])
    case.check(not lost, "no scan is lost", lost[:5])
    case.check(not called_broken, "what is whole all the time is never called broken", called_broken[:5])
    case.check(not damaged and check.code == 0, "the store is sound", [*damaged[:3], check.err])
    time.sleep(0.1)  # a clock tick: what was written last is older than the next look at it
    site.scan()
    new = Site(site.imgaudit, case.fresh())
    new.root = site.root
    new.scan()
    case.same([row for row in without_ids(site)[:-1]], [row for row in without_ids(new)[:-1]], "a quiet scan has what a new store has")
    kinds = {(code, path) for code, path in site.findings() if code in BROKEN}
    case.same(kinds, {(code, path) for code, path in new.findings() if code in BROKEN}, "and the same images are broken")
    case.out.note(f"{count} scans beside {done} deeds")


TESTS = [test_writers_cost_no_scan_and_break_nothing_that_is_whole]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS, count=5))
