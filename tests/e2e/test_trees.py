#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A scan works out anew only the trees that changed, and what it leaves is what a first scan of the same files gives.

import os
import sqlite3
from contextlib import closing

import harness
import sites
from sites import CLUSTER, MIB, create, must, write, write_alone

VIEWS = {
    "v_chain": "path, depth, layer_path, visible_bytes, data_bytes",
    "v_usage": "path, data_bytes, visible_bytes, masked_bytes, exclusive_bytes, shared_bytes, dependents, descendants, heads",
    "v_sharing": "path, readers, bytes",
    "v_masked": "path, start, length, file, offset, state",
    "v_pair": "path, other_path, shared_bytes, others_at_most",
    "v_file": "path, role, size, disk_size",
    "(SELECT * FROM v_history WHERE scan_id = (SELECT max(scan_id) FROM scan))":
        "path, virtual_size, file_size, disk_size, data_bytes, chain_depth, dependents, backing_path, state",
}
NONSENSE = 424242  # a number that no analysis gives, to see whether a row was written again


def mark(site):
    """Puts nonsense into every row of the table usage."""
    with closing(sqlite3.connect(site.db)) as database, database:
        database.execute("UPDATE usage SET heads = ?", (NONSENSE,))


def fresh_rows(site):
    """The names of the images whose row was written since."""
    return {os.path.basename(path) for (path,) in site.query(f"SELECT path FROM v_usage WHERE heads <> {NONSENSE}")}


def three_trees(site):
    """a <- a1 <- a2, b <- b1, c alone."""
    for tree, overlays in (("a", ("a1", "a2")), ("b", ("b1",)), ("c", ())):
        name = f"{tree}.qcow2"
        create(site.path(name), MIB)
        write(site.path(name), *range(8))
        for overlay in overlays:
            create(site.path(f"{overlay}.qcow2"), MIB, name)
            name = f"{overlay}.qcow2"
            write(site.path(name), 3)


def test_only_trees_that_changed_are_written(case):
    """The rows of a tree that did not change are left alone; those of one that did are all written again."""
    site = case.site()
    three_trees(site)
    site.scan()
    steps = [
        ("nothing changes", lambda: None, set()),
        ("data is written to a head", lambda: write(site.path("b1.qcow2"), 5), {"b.qcow2", "b1.qcow2"}),
        ("a head is rebased to another tree", lambda: must("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", "b.qcow2", "-F", "qcow2",
                                                           site.path("a2.qcow2")),
         {"a.qcow2", "a1.qcow2", "a2.qcow2", "b.qcow2", "b1.qcow2"}),
        ("a head is deleted", lambda: os.unlink(site.path("a2.qcow2")), {"b.qcow2", "b1.qcow2"}),
        ("an image comes", lambda: create(site.path("d.qcow2"), MIB), {"d.qcow2"}),
        ("a stand-alone image gets an overlay", lambda: create(site.path("c1.qcow2"), MIB, "c.qcow2"), {"c.qcow2", "c1.qcow2"}),
        ("a base is renamed under its overlay", lambda: os.rename(site.path("c.qcow2"), site.path("e.qcow2")), {"e.qcow2", "c1.qcow2"}),
        ("it comes back", lambda: os.rename(site.path("e.qcow2"), site.path("c.qcow2")), {"c.qcow2", "c1.qcow2"}),
        ("an image goes bad", lambda: sites.patch(site.path("a1.qcow2"), 4, b"\0\0\0\x63"), {"a.qcow2"}),
    ]
    for name, change, expected in steps:
        mark(site)
        change()
        site.scan()
        case.same(fresh_rows(site), expected, name)
    mark(site)
    site.scan("--template", "*/b.qcow2")
    case.same(fresh_rows(site), {"b.qcow2", "b1.qcow2"}, "an image is to be kept whole")


def everything(site):
    return {view: site.query(f"SELECT {columns} FROM {view} ORDER BY {columns}") for view, columns in VIEWS.items()}


def change_something(random, site, names):
    """One random change of the files below the root."""
    kind = random.choice(["new", "overlay", "write", "delete", "rename", "rebase", "break"])
    name = random.choice(sorted(names)) if names else None
    if kind in ("new", "overlay") or name is None:
        fresh = f"{random.randrange(10 ** 6)}.qcow2"
        create(site.path(fresh), random.choice([MIB, 2 * MIB]), name if kind == "overlay" else None)
        names.add(fresh)
        name = fresh
    if kind == "delete":
        os.unlink(site.path(name))
        names.discard(name)
    elif kind == "rename":
        to = f"{random.randrange(10 ** 6)}.qcow2"
        os.rename(site.path(name), site.path(to))
        names.discard(name)
        names.add(to)
    elif kind == "rebase":
        to = random.choice(["", *sorted(names - {name})])
        must("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", to, *(["-F", "qcow2"] if to else []), site.path(name))
    elif kind == "break":
        must("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", "gone.qcow2", "-F", "qcow2", site.path(name))
    else:
        write_alone(site.path(name), *random.sample(range(MIB // CLUSTER), random.randint(1, 6)))


def test_the_store_is_as_if_scanned_for_the_first_time(case):
    """After every one of many random changes, rings and broken chains among them, the store says what a new one would."""
    site = case.site()
    random = case.random("trees")
    names = set()
    for step in range(24):
        for _ in range(random.randint(1, 3)):
            change_something(random, site, names)
        site.scan()
        kept = everything(site)
        first = case.site()
        first.scan(roots=[site.root])
        case.same(kept, everything(first), f"step {step}")


TESTS = [test_only_trees_that_changed_are_written, test_the_store_is_as_if_scanned_for_the_first_time]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What a scan works out anew, and that it is right.", TESTS))
