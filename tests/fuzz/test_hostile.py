#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Small qcow2 files that ask for endless work: each must be scanned in seconds, with little memory and a small store,
# whatever the verdict on it is.

import argparse
import os
import resource
import struct
import subprocess
import tempfile
import time

import harness

CLUSTER = 65536
MIB = 1 << 20
SECONDS = 30
MEMORY = 2048 * MIB
STORE = 256 * MIB


def header(bits=16, size=MIB, l1=(1, 1), snapshots=(0, 0), autoclear=0, extension=b""):
    """l1 and snapshots: (entries, cluster of the file). The refcount table is cluster 2."""
    cluster = 1 << bits
    fields = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, bits, size, 0, l1[0], l1[1] * cluster, 2 * cluster, 1,
                         snapshots[0], snapshots[1] * cluster)
    return fields + struct.pack(">QQQII", 0, 0, autoclear, 4, 104) + extension


def write(path, pieces, size):
    with open(path, "wb") as file:
        for place, data in pieces:
            file.seek(place)
            file.write(data)
        file.truncate(size)


def bitmaps_that_call_the_whole_file_their_table_are_scanned_soon(path):
    """65535 bitmaps, and each calls the whole file its table."""
    count, size = 65535, 8 * MIB
    entry = struct.pack(">QIIBBHI", 3 * CLUSTER, size // 8, 0, 1, 16, 0, 0)
    extension = struct.pack(">IIIIQQ", 0x23852875, 24, count, 0, count * 24, 4 * CLUSTER)
    write(path, [(0, header(autoclear=1, extension=extension)), (4 * CLUSTER, entry * count)], size)


def snapshot_table(count, l1_entries, l1_cluster):
    return struct.pack(">QIHHIIQII", l1_cluster * CLUSTER, l1_entries, 0, 0, 0, 0, 0, 0, 0) * count


def snapshots_past_the_end_are_scanned_soon(path):
    """65536 snapshots with L1 tables of 32 MiB that are not in the file."""
    write(path, [(0, header(snapshots=(65536, 4))), (4 * CLUSTER, snapshot_table(65536, 4 << 20, 3))], 4 * MIB)


def snapshots_of_one_table_are_scanned_soon(path):
    """65536 snapshots that share one L1 table of 32 MiB, every entry of which names the same empty L2 table."""
    l1 = struct.pack(">Q", 3 * CLUSTER) * (4 << 20)
    table = snapshot_table(65536, 4 << 20, 64)
    write(path, [(0, header(size=4 << 49, l1=(4 << 20, 64), snapshots=(65536, 4))), (4 * CLUSTER, table), (64 * CLUSTER, l1)], 40 * MIB)


def one_l2_table_for_all_is_scanned_soon(path):
    """Four million L1 entries name one L2 table, in which every second cluster is zero: 16 thousand million extents."""
    l1 = struct.pack(">Q", 3 * CLUSTER) * (4 << 20)
    l2 = struct.pack(">QQ", 1, 0) * (CLUSTER // 16)
    write(path, [(0, header(size=4 << 49 >> 4, l1=(4 << 20, 4))), (3 * CLUSTER, l2), (4 * CLUSTER, l1)], 36 * MIB)


def one_l2_table_in_a_hole_is_scanned_soon(path):
    """The same in a file of 2 GiB, almost all of which is a hole, and every other cluster of the table's is data."""
    l1 = struct.pack(">Q", 3 * CLUSTER) * 131072
    l2 = b"".join(struct.pack(">Q", 1 << 63 | (16 + place * 7919 % 8192 * 2) * CLUSTER) for place in range(8192))
    write(path, [(0, header(size=64 << 40, l1=(131072, 4))), (3 * CLUSTER, l2), (4 * CLUSTER, l1)], 2 << 30)


def one_refcount_block_for_all_is_scanned_soon(path):
    """A sparse file of 1 TiB whose refcount table names one block throughout."""
    table = struct.pack(">Q", 3 * CLUSTER) * (8 * MIB // 8)
    image = bytearray(header())
    struct.pack_into(">QI", image, 48, 4 * CLUSTER, 128)
    write(path, [(0, bytes(image)), (3 * CLUSTER, b"\0\1" * 10), (4 * CLUSTER, table)], 1 << 40)


def endless_names_are_scanned_soon(path):
    """As many snapshots as QEMU takes, with ids and names as long as their fields say."""
    count = 490  # the table may have 64 MiB
    entry = struct.pack(">QIHHIIQII", CLUSTER, 1, 65535, 65535, 0, 0, 0, 0, 0) + b"n" * 131070
    write(path, [(0, header(snapshots=(count, 4))), (4 * CLUSTER, (entry + b"\0" * 2) * count)], 68 * MIB)


IMAGES = [
    bitmaps_that_call_the_whole_file_their_table_are_scanned_soon,
    snapshots_past_the_end_are_scanned_soon,
    snapshots_of_one_table_are_scanned_soon,
    one_l2_table_for_all_is_scanned_soon,
    one_l2_table_in_a_hole_is_scanned_soon,
    one_refcount_block_for_all_is_scanned_soon,
    endless_names_are_scanned_soon,
]


def is_sanitized(program):
    """A sanitizer reserves memory as it likes: it cannot be limited."""
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def scan(program, directory, limited):
    """(what went wrong or None, a line about the run)"""
    store = os.path.join(directory, "store.db")
    images = os.path.join(directory, "images")
    begun = time.monotonic()
    try:
        done = subprocess.run([program, "scan", "--db", store, images], capture_output=True, text=True, timeout=SECONDS, check=False,
                              preexec_fn=limit_memory if limited else None)
    except subprocess.TimeoutExpired:
        return f"still running after {SECONDS} seconds", ""
    about = f"{time.monotonic() - begun:.1f} s, exit {done.returncode}: {done.stderr.strip()[:500]}"
    if done.returncode not in (0, 3):
        return "no verdict", about
    grown = sum(entry.stat().st_size for entry in os.scandir(directory) if entry.name.startswith("store.db"))
    if grown > STORE:
        return f"a store of {grown} bytes", about
    return None, about


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    options = parser.parse_args()
    limited = not is_sanitized(options.imgaudit)
    out = harness.Tap()
    for make in IMAGES:
        with tempfile.TemporaryDirectory(prefix="imgaudit-hostile-") as directory:
            os.mkdir(os.path.join(directory, "images"))
            make(os.path.join(directory, "images", "hostile.qcow2"))
            problem, about = scan(os.path.abspath(options.imgaudit), directory, limited)
        out.check(problem is None, make.__name__.replace("_", " "), filter(None, [problem, about]))
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
