# SPDX-License-Identifier: MIT
# Running the program where a call of some kind fails (tests/faults/faults.c), and what may come of it. Imported only.

import contextlib
import os
import sqlite3
from contextlib import closing

from sites import ENVIRONMENT, MIB, TRUST_LOCKS, create, write

# What is preloaded counts in one process, and writes at its end what it counted: without the sandbox.
BARE = "--sandbox=off"
SCAN = (BARE, TRUST_LOCKS, "--min-age", "0", "--inventory", "none")


def forest(site):
    """Chains of several formats, a base that nothing names, and one that is masked in part."""
    base = write(create(site.path("base.qcow2"), MIB), 0, 1, 2)
    for name in ("a", "b"):
        write(create(site.path(name + ".qcow2"), MIB, base), 0, 3)
    write(create(site.path("old.qcow2"), MIB), 0)
    create(site.path("gone.qcow2"), MIB, site.path("old.qcow2"))
    for form in ("vmdk", "vdi", "vhdx", "vpc", "qed", "parallels"):
        write(create(site.path(f"{form}.{form}"), MIB, format=form), 0, format=form)
    with open(site.path("disk.img"), "wb") as file:
        file.truncate(MIB)
    return base


class Faulty:
    """The program of a site with the module preloaded; `under`: the files it is about."""

    def __init__(self, case, site, call, under):
        self.site = site
        self.count_file = os.path.join(case.fresh(), "count")
        self.settings = {"LD_PRELOAD": os.path.realpath(case.options.faults), "FAULTS_CALL": call, "FAULTS_UNDER": under,
                         "FAULTS_COUNT": self.count_file}

    def run(self, *arguments, at=0, error=None, lasts=False, **more):
        settings = {**ENVIRONMENT, **self.settings, "FAULTS_AT": str(at), **more}
        if error is not None:
            settings["FAULTS_ERRNO"] = str(error)
        if lasts:
            settings["FAULTS_LASTS"] = "1"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.count_file)
        return self.site.run(*arguments, env=settings)

    def scan(self, **how):
        return self.run("scan", "--db", self.site.db, *SCAN, self.site.root, **how)

    def calls(self, *arguments, **more):
        """How many such calls a run has without a fault."""
        self.run(*arguments, **more)
        with open(self.count_file, encoding="ascii") as file:
            return int(file.read())


def spread(count, most):
    """Up to `most` of the numbers 1 to `count`: the first, the last, and some between them."""
    if count <= most:
        return list(range(1, count + 1))
    half = most // 2
    return sorted({*range(1, half + 1), *(half + (count - half) * i // (most - half) for i in range(1, most - half + 1))})


def is_sound(db):
    """What SQLite finds wrong with the store; None: nothing."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        rows = connection.execute("PRAGMA integrity_check").fetchall() + connection.execute("PRAGMA foreign_key_check").fetchall()
    return None if rows == [("ok",)] else rows[:3]


def proven(site):
    return {site.relative(row["path"]) for row in site.rows("--unused-backing") if row["verdict"] == "proven" and row["status"] != "partly-masked"}


def ended_badly(outcome):
    """The program was killed, or ended without a word; None: neither."""
    if outcome.code is None or outcome.code < 0 or outcome.code > 5:
        return f"code {outcome.code}: {outcome.err[:300]}"
    return None if outcome.code in (0, 3, 4, 5) or outcome.err.startswith("imgaudit: ") else f"code {outcome.code} without a message: {outcome.err[:300]}"
