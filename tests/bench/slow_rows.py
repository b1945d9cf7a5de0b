# SPDX-License-Identifier: MIT
# A scan of slow storage: each read takes 5 ms more (slow_reads.c), and reads at the same time wait together. Imported only.

import os

import images
from row import faster

IMAGES = 200
CLUSTERS = 20_000  # three L2 tables
DELAY_MS = 5


def slow_storage(bench):
    count = bench.size(IMAGES, 20)
    with bench.room("slow-storage") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        for number in range(count):
            images.make(bench, os.path.join(root, f"disk{number}.qcow2"), CLUSTERS, "--share", 10, "--seed", number + 1)
        images.settle()
        db = os.path.join(directory, "store.db")
        env = {"LD_PRELOAD": bench.tool("slow_reads.so"), "SLOW_READS_UNDER": root, "SLOW_READS_MS": str(DELAY_MS)}
        pairs = bench.alternate(lambda: bench.scan_anew(db, root, env=env),
                                lambda: bench.scan_anew(db, "-j", "1", root, env=env), bench.long_runs)
        yield faster("slow-storage", f"scan of {count} images, {DELAY_MS} ms for each read", "the same with -j 1", pairs, 4)
