# SPDX-License-Identifier: MIT
# Rows of `imgaudit scan` as a whole: a forest, a second scan of many files, peak memory. Imported only.

import os
import shlex

import images
from bench import Run, need
from row import below, faster, within

FOREST_CLUSTERS = 629_000
FOREST_OVERLAYS = 50
FOREST_SHARE = 20  # of 1000 clusters, that an overlay has
LOADED_OVERLAYS = 5
TREE_FILES = 100_000
TREE_FOLDERS = 1000
SMALL_IMAGES = 10_000
MEMORY_MIB = 128

LOAD = """
CREATE TABLE IF NOT EXISTS map (path, start, length, depth, present, zero, data, offset);
INSERT INTO map SELECT '{path}', value ->> 'start', value ->> 'length', value ->> 'depth', value ->> 'present',
 value ->> 'zero', value ->> 'data', value ->> 'offset' FROM json_each(readfile('{json}'));
"""


def qemu_loop(bench, paths):
    need("qemu-img")
    loop = f"for image in {shlex.join(paths)}; do qemu-img map -U --output=json \"$image\" || exit; done"
    return bench.run(["sh", "-c", loop])


def qemu_and_sqlite(bench, directory, paths):
    """What an administrator would script: the JSON of each image, loaded by the sqlite3 shell."""
    need("qemu-img")
    need("sqlite3")
    json = os.path.join(directory, "map.json")
    db = os.path.join(directory, "loaded.db")
    steps = [f"qemu-img map -U --output=json {shlex.quote(path)} >{json} && "
             f"sqlite3 {db} {shlex.quote(LOAD.format(path=path, json=json))}" for path in paths]
    try:
        return bench.run(["sh", "-c", " && ".join(steps)])
    finally:
        for path in (json, db):
            if os.path.exists(path):
                os.unlink(path)


def loaded_by_parts(bench, directory, paths):
    """The base and a few overlays are loaded; each further overlay costs what those did on average."""
    few = 1 + min(LOADED_OVERLAYS, len(paths) - 1)
    base = qemu_and_sqlite(bench, directory, paths[:1])
    some = qemu_and_sqlite(bench, directory, paths[:few])
    factor = (len(paths) - 1) / (few - 1)
    return Run(base.seconds + (some.seconds - base.seconds) * factor, base.user + (some.user - base.user) * factor,
               base.system + (some.system - base.system) * factor, some.peak_kib)


def forest(bench):
    with bench.room("forest") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        db = os.path.join(directory, "store.db")
        paths = images.base_and_overlays(bench, root, bench.size(FOREST_CLUSTERS), FOREST_OVERLAYS, FOREST_SHARE)
        images.settle()
        what = f"scan of a base of {bench.size(FOREST_CLUSTERS):,} clusters and {FOREST_OVERLAYS} overlays"
        bench.scan_anew(db, root)
        pairs = bench.alternate(lambda: bench.scan_anew(db, root), lambda: qemu_loop(bench, paths), bench.long_runs)
        yield faster("scan-forest", what, "loop of qemu-img map", pairs, 30)
        pairs = bench.alternate(lambda: bench.scan_anew(db, root), lambda: loaded_by_parts(bench, directory, paths), 1)
        yield faster("scan-forest-stored", what, "loop of qemu-img map, JSON into sqlite3", pairs,
                     note=f"the peer: measured with the base and {LOADED_OVERLAYS} overlays, reckoned up for all")


def rescan(bench):
    files = bench.size(TREE_FILES)
    with bench.room("rescan") as directory:
        root = os.path.join(directory, "images")
        db = os.path.join(directory, "store.db")
        images.small_tree(bench, root, files, bench.size(TREE_FOLDERS), raw_every=3)
        images.settle()
        find = [need("find"), root, "-printf", "%i %s %T@ %C@\n"]
        first = bench.scan(db, root)
        bench.scan(db, root)  # files that were too young to be trusted are read a second time
        bench.run(find)
        pairs = bench.alternate(lambda: bench.scan(db, root), lambda: bench.run(find))
        yield within("rescan", f"second scan of {files:,} unchanged files", "find -printf", pairs, 3,
                     note=f"the first scan took {first.seconds:.1f} s")


def took(run):
    return f"took {run.seconds:.1f} s, {run.processor:.1f} s of processor"


def memory_large(bench):
    clusters = bench.size(images.TIB_CLUSTERS)
    with bench.room("memory-large") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        images.make(bench, os.path.join(root, "large.qcow2"), clusters, "--order", "shuffled")
        images.settle()
        run = bench.scan_anew(os.path.join(directory, "store.db"), root)
        yield below("memory-large", f"peak memory, scan of an image of {clusters:,} extents", run.peak_kib / 1024, "MiB",
                    MEMORY_MIB, took(run))


def memory_many(bench):
    count = bench.size(SMALL_IMAGES)
    with bench.room("memory-many") as directory:
        root = os.path.join(directory, "images")
        images.small_tree(bench, root, count, 10)
        images.settle()
        run = bench.scan_anew(os.path.join(directory, "store.db"), root)
        yield below("memory-many", f"peak memory, scan of {count:,} small images", run.peak_kib / 1024, "MiB", MEMORY_MIB,
                    took(run))
