# SPDX-License-Identifier: MIT
# Rows of `imgaudit map`. Imported only.

import os

import images
from bench import need
from row import faster, within

SHUFFLED_CLUSTERS = 2 * 1024 * 1024  # 128 GiB
CHAIN_DEPTH = 30
CHAIN_EXTENTS = 880_000


def qemu_map(bench, path):
    return bench.run([need("qemu-img"), "map", "-U", "--output=json", path])


def against_qemu(bench, path):
    bench.map(path)  # whatever is not in the cache is afterwards
    return bench.alternate(lambda: bench.map(path), lambda: qemu_map(bench, path))


def shuffled(bench):
    clusters = bench.size(SHUFFLED_CLUSTERS)
    with bench.room("map-shuffled") as directory:
        path = images.make(bench, os.path.join(directory, "shuffled.qcow2"), clusters, "--order", "shuffled")
        yield faster("map-shuffled", f"map, {clusters:,} extents, JSON", "qemu-img map", against_qemu(bench, path), 10)


def forget(path):
    """Takes the file out of the page cache."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold(bench):
    clusters = bench.size(SHUFFLED_CLUSTERS)
    with bench.room("map-cold") as directory:
        path = images.make(bench, os.path.join(directory, "shuffled.qcow2"), clusters, "--order", "shuffled")
        images.settle()

        def unread(run):
            forget(path)
            return run()
        yield faster("map-cold", f"map, {clusters:,} extents, JSON, none of it in the page cache", "qemu-img map",
                     bench.alternate(lambda: unread(lambda: bench.map(path)), lambda: unread(lambda: qemu_map(bench, path))))


def holes(bench):
    """The same image with all its refcounts, as after preallocation=metadata: each extent is looked up in the host file."""
    clusters = bench.size(SHUFFLED_CLUSTERS)
    with bench.room("map-holes") as directory:
        path = images.make(bench, os.path.join(directory, "shuffled.qcow2"), clusters, "--order", "shuffled",
                           refcounts="all")
        yield faster("map-holes", f"map, {clusters:,} extents, metadata preallocated", "qemu-img map",
                     against_qemu(bench, path))


def sequential(bench):
    clusters = bench.size(images.TIB_CLUSTERS)
    what = f"map, {clusters:,} clusters in order"
    with bench.room("map-sequential") as directory:
        path = images.make(bench, os.path.join(directory, "sequential.qcow2"), clusters)
        bare = [bench.tool("read_tables"), path]
        bench.run(bare)
        yield within("map-sequential-read", what, "pread of the tables",
                     bench.alternate(lambda: bench.map(path), lambda: bench.run(bare)), 3)
        yield faster("map-sequential", what, "qemu-img map", against_qemu(bench, path), 25)


def chain(bench):
    with bench.room("map-chain") as directory:
        head = images.chain(bench, directory, CHAIN_DEPTH, bench.size(CHAIN_EXTENTS))
        yield faster("map-chain", f"map, chain of {CHAIN_DEPTH}, {bench.size(CHAIN_EXTENTS):,} extents", "qemu-img map",
                     against_qemu(bench, head), 25)
