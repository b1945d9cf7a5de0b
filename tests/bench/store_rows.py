# SPDX-License-Identifier: MIT
# Rows of the store: storing extents, bytes for each, and what a hundred nights leave. Imported only.

import os
import random

import images
from bench import Run, read_json, remove_store
from row import below, within

CLUSTERS = 2 * 1024 * 1024
NIGHTS = 100
NIGHTLY_IMAGES = 200
NIGHTLY_CLUSTERS = 20_000
NIGHTLY_CHANGED = 20  # one of so many images changes each night
KEEP = 90


def insert_rows(bench, store, directory, env=None):
    """The same rows by a bare prepared statement. Reading them from the store is not counted."""
    new = os.path.join(directory, "bare.db")
    result = os.path.join(directory, "bare.json")
    remove_store(new)
    bench.run([bench.tool("insert_rows"), store, new, result], env=env)
    return Run(**read_json(result))


def ticks_of_inserts(bench, directory, run):
    """What a process spends inside SQLite inserting extents, in 10^9 ticks."""
    result = os.path.join(directory, "sqlite.json")
    run({"LD_PRELOAD": bench.tool("sqlite_time.so"), "SQLITE_TIME_RESULT": result})
    return Run(read_json(result)["inserts"] / 1e9)


def store_alone(bench, db, root, directory):
    """A pair as for the whole, of the ticks inside sqlite3_step for the inserts alone."""
    return (ticks_of_inserts(bench, directory, lambda env: bench.scan_anew(db, root, env=env)),
            ticks_of_inserts(bench, directory, lambda env: insert_rows(bench, db, directory, env)))


def store(bench):
    clusters = bench.size(CLUSTERS)
    with bench.room("store") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        db = os.path.join(directory, "store.db")
        images.make(bench, os.path.join(root, "shuffled.qcow2"), clusters, "--order", "shuffled")
        images.settle()
        bench.scan_anew(db, root)
        pairs = bench.alternate(lambda: bench.scan_anew(db, root), lambda: insert_rows(bench, db, directory))
        yield within("store", f"whole scan of {clusters:,} extents into a new store", "bare insert of its rows", pairs,
                     1.3, "the scan also reads tables, analyses and writes all else")
        pairs = [store_alone(bench, db, root, directory) for _ in range(bench.runs)]
        row = within("store-inserts", "of that, inside SQLite inserting extents", "the same of the bare insert", pairs,
                     note="10^9 ticks of the processor's counter, not seconds")
        row.unit = "Gtick"
        yield row
        yield below("store-size", "bytes in the store for each extent", os.path.getsize(db) / clusters, "B")


def nightly(bench):
    count = bench.size(NIGHTLY_IMAGES, 20)
    clusters = bench.size(NIGHTLY_CLUSTERS, 200)
    nights = bench.size(NIGHTS, 5)
    rng = random.Random(5)
    with bench.room("nightly") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        db = os.path.join(directory, "store.db")
        paths = [os.path.join(root, f"disk{number}.qcow2") for number in range(count)]
        for number, path in enumerate(paths):
            make_nightly(bench, path, clusters, number)
        seconds = 0.0
        for night in range(nights):
            for path in rng.sample(paths, max(count // NIGHTLY_CHANGED, 1)):
                make_nightly(bench, path, clusters, 1000 * night + rng.randrange(1000))
            seconds += bench.scan(db, "--keep", str(KEEP), root).seconds
        fresh = os.path.join(directory, "fresh.db")
        bench.scan(fresh, root)
        row = below("nightly", f"size after {nights} scans with 1 of {NIGHTLY_CHANGED} images changed, to a fresh store's",
                    os.path.getsize(db) / os.path.getsize(fresh), "x", 1.3)
        row.note = (f"{os.path.getsize(db) / 1e6:.1f} MB, history of {min(nights, KEEP)} scans in it;"
                    f" a scan took {seconds / nights:.2f} s")
        yield row


def make_nightly(bench, path, clusters, seed):
    """As a machine's disk changes: more or less is allocated, elsewhere."""
    share = 300 + seed * 37 % 400
    images.make(bench, path, clusters, "--share", share, "--seed", seed + 1)
