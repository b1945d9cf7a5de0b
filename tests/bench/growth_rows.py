# SPDX-License-Identifier: MIT
# How processor time grows with size: a line through the logarithms, whose slope is the exponent. 1 is in proportion. What
# an empty run takes is subtracted first. Imported only.

import math
import os

import images
from row import Row, median

EXTENTS = [10_000, 100_000, 1_000_000, 10_000_000]
IMAGES = [10, 100, 1000, 10_000]
DEPTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
DEPTH_EXTENTS = 500_000
LEAST_SECONDS = 2e-3  # what is below says more of the empty run than of the size, and is left out of the fit


def exponent(points):
    """Least squares through (log size, log seconds); None when fewer than two sizes differ from an empty run."""
    logs = [(math.log(size), math.log(seconds)) for size, seconds in points if seconds >= LEAST_SECONDS]
    if len(logs) < 2:
        return None
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def row(name, what, points, peaks):
    result = Row(name, what, value=exponent(points), unit="exponent", peak_mib=max(peaks))
    result.note = "" if result.value is not None else "too small to differ from an empty run"
    result.details = [f"{size:>12,} {seconds:10.4f} s of processor {peak:8.1f} MiB"
                      for (size, seconds), peak in zip(points, peaks)]
    return result


def measure(bench, sizes, prepare, run, fixed):
    """[(size, seconds)] and the peaks in MiB; `prepare` makes what `run` is given."""
    points, peaks = [], []
    for size in sizes:
        with bench.room("growth") as directory:
            made = prepare(directory, size)
            run(directory, made)
            runs = [run(directory, made) for _ in range(bench.long_runs)]
            points.append((size, median(cost.processor for cost in runs) - fixed))
            peaks.append(max(cost.peak_kib for cost in runs) / 1024)
    return points, peaks


def scan_anew(bench):
    return lambda directory, root: bench.scan_anew(os.path.join(directory, "store.db"), root)


def empty_map(bench):
    with bench.room("empty") as directory:
        path = images.make(bench, os.path.join(directory, "empty.qcow2"), 1)
        return median(bench.map(path).processor for _ in range(5))


def empty_scan(bench):
    with bench.room("empty") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        return median(scan_anew(bench)(directory, root).processor for _ in range(5))


def one_image(bench):
    def prepare(directory, extents):
        root = os.path.join(directory, "images")
        os.mkdir(root)
        images.make(bench, os.path.join(root, "disk.qcow2"), extents, "--order", "shuffled")
        images.settle()
        return root
    return prepare


def many_images(bench):
    def prepare(directory, count):
        root = os.path.join(directory, "images")
        images.small_tree(bench, root, count, min(count, 10))
        images.settle()
        return root
    return prepare


def growth(bench):
    extents = [bench.size(size) for size in EXTENTS]
    counts = sorted({bench.size(count, 10) for count in IMAGES})
    of_map, of_scan = empty_map(bench), empty_scan(bench)
    yield row("growth-map", "map, by extents of one image",
              *measure(bench, extents, one_image(bench), lambda _, root: bench.map(os.path.join(root, "disk.qcow2")), of_map))
    yield row("growth-scan", "scan, by extents of one image",
              *measure(bench, extents, one_image(bench), scan_anew(bench), of_scan))
    counts = counts if len(counts) > 1 else [10, 100]
    yield row("growth-images", "scan, by small images", *measure(bench, counts, many_images(bench), scan_anew(bench), of_scan))
    yield row("growth-depth", f"map, by depth of the chain, {bench.size(DEPTH_EXTENTS):,} extents in all",
              *measure(bench, DEPTHS, lambda directory, depth: images.deep_chain(bench, directory, depth, bench.size(DEPTH_EXTENTS)),
                       lambda _, head: bench.map(head), of_map))
