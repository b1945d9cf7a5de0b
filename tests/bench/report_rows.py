# SPDX-License-Identifier: MIT
# Rows on a store of ten million extents: every report, the analysis after a small change, one image's v_map. Imported only.

import os
import subprocess

import images
from bench import BenchError
from row import Row, below, median

CLUSTERS = 1_050_000
OVERLAYS = 8
SMALL_IMAGES = 3000
REPORT_SECONDS = 1
ANALYSIS_SECONDS = 5
ANALYSIS_MIB = 256


class LargeStore:
    """A base, overlays with nearly as many extents each, and small images: made once for all rows here."""

    def __init__(self, bench):
        directory = bench.fresh("large-store")
        self.root = os.path.join(directory, "images")
        self.db = os.path.join(directory, "store.db")
        os.mkdir(self.root)
        clusters = bench.size(CLUSTERS)
        self.base = images.make(bench, os.path.join(self.root, "base.qcow2"), clusters, "--order", "shuffled")
        self.overlays = [self.overlay(bench, number, clusters) for number in range(OVERLAYS)]
        self.extents = clusters * (OVERLAYS + 1)
        self.tiny = os.path.join(self.root, "tiny.qcow2")
        self.changes = 0
        self.change(bench)
        images.small_tree(bench, os.path.join(self.root, "small"), bench.size(SMALL_IMAGES), 10)
        images.settle()
        self.first = bench.scan(self.db, self.root)

    def overlay(self, bench, number, clusters):
        """Twice as long as the base, so that half of its clusters are as many as the base has."""
        path = os.path.join(self.root, f"overlay{number}.qcow2")
        return images.overlay(bench, path, self.base, 2 * clusters, "--every", 2, "--order", "shuffled", "--seed", number)

    def change(self, bench):
        self.changes += 1
        images.overlay(bench, self.tiny, self.base, 1000, "--share", 100, "--seed", self.changes)


def large_store(bench):
    return bench.once("large-store", lambda: LargeStore(bench))


def list_reports(bench):
    done = subprocess.run([bench.imgaudit, "report", "--list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in done.stdout.splitlines() if line.strip()]


def report_command(bench, store, *asked):
    return [bench.imgaudit, "report", "--db", store.db, "--format", "json", *asked]


def named_report(bench, store, name):
    """A report that is about an image gets the base, and refuses to run without; one about a machine has none to show."""
    if name == "machine":
        return report_command(bench, store, "--machine", "nobody")
    command = report_command(bench, store, "--name", name)
    try:
        bench.run(command)
    except BenchError:
        command += ["--image", store.base]
        bench.run(command)
    return command


def slowest(bench, row_name, what, commands):
    """A row for the slowest of several questions: {name: command}."""
    measured, lines = [], []
    for name, command in commands.items():
        runs = [bench.run(command) for _ in range(bench.runs)]
        measured.append((median(run.seconds for run in runs), max(run.peak_kib for run in runs) / 1024, name))
        lines.append(f"{name:<20} {measured[-1][0]:8.3f} s {measured[-1][1]:8.1f} MiB")
    seconds, peak, name = max(measured)
    row = below(row_name, what, seconds, "s", REPORT_SECONDS, f"it is {name}", peak)
    row.details = lines
    return row


def reports(bench):
    store = large_store(bench)
    names = [name for name in list_reports(bench) if name != "what-if"]
    yield slowest(bench, "reports", f"slowest report, {store.extents:,} extents stored, what-if aside",
                  {name: named_report(bench, store, name) for name in names})
    overlay = store.overlays[0]
    yield slowest(bench, "what-if", f"slowest what-if, {store.extents:,} extents stored, all in one tree, which it works out anew",
                  {"delete the base": report_command(bench, store, "--what-if-delete", store.base),
                   "delete an overlay": report_command(bench, store, "--what-if-delete", overlay),
                   "flatten an overlay": report_command(bench, store, "--what-if-flatten", overlay),
                   "commit an overlay": report_command(bench, store, "--what-if-commit", overlay)})
    yield v_map(bench, store)


def v_map(bench, store):
    query = f"SELECT count(*), sum(length) FROM v_map WHERE path = '{store.overlays[0]}'"
    run = bench.run([bench.imgaudit, "sql", "--db", store.db, query])
    return Row("v_map", f"v_map of one image, two layers of {store.extents // (OVERLAYS + 1):,} extents", value=run.seconds,
               peak_mib=run.peak_kib / 1024)


def analysis(bench):
    store = large_store(bench)
    runs = []
    for _ in range(bench.runs):
        store.change(bench)
        runs.append(bench.scan(store.db, store.root))
    peak = max(run.peak_kib for run in runs) / 1024
    what = f"rescan after one small change in a tree of {store.extents:,} extents"
    yield below("analysis", what, median(run.seconds for run in runs), "s", ANALYSIS_SECONDS,
                f"{median(run.processor for run in runs):.1f} s of processor;"
                f" the first scan took {store.first.seconds:.1f} s, {store.first.peak_kib / 1024:.0f} MiB", peak)
    yield below("analysis-memory", "peak memory of that", peak, "MiB", ANALYSIS_MIB)
