#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The benchmark's images are what they say: qemu-img finds no errors in them, and sees the extents that arithmetic expects;
# imgaudit maps them as qemu-img does, with the refcounts of all clusters and with those of the tables alone.

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import harness

CLUSTERS = 20_000
CLUSTER = 64 * 1024

# Options, and the number of entries that `map` has of them; None where chance decides.
KINDS = [
    ("in order", [], 1),
    ("every other cluster", ["--every", "2"], CLUSTERS),
    ("runs of 100", ["--order", "runs:100"], None),
    ("shuffled", ["--order", "shuffled"], None),
    ("3 of 10 clusters, shuffled", ["--share", "300", "--order", "shuffled", "--seed", "7"], None),
    ("a tenth of the tables", ["--table-share", "100", "--every", "2", "--cluster-bits", "12"], None),
    ("clusters of 512 bytes", ["--cluster-bits", "9", "--share", "900"], None),
    ("clusters of 2 MiB", ["--cluster-bits", "21", "--order", "shuffled"], None),
]


def make(tools, path, *options, clusters=CLUSTERS):
    subprocess.run([os.path.join(tools, "make_image"), "--clusters", str(clusters), *options, path], check=True)
    return path


def entries(command, path):
    """What `map` prints, without the key that qemu-img of Debian 12 does not have."""
    out = subprocess.run([*command, "map", "--output=json", path], check=True, capture_output=True).stdout
    return [{key: value for key, value in entry.items() if key != "compressed"} for entry in json.loads(out)]


def check(path):
    done = subprocess.run(["qemu-img", "check", "-U", "--output=json", path], capture_output=True, check=False)
    said = json.loads(done.stdout or "{}")
    return done.returncode == 0 and said.get("check-errors") == 0 and not said.get("leaks") and not said.get("corruptions")


def is_permutation(mapped, clusters):
    """Each of the clusters of the host has its place, and no two the same."""
    places = [entry["offset"] // CLUSTER + i for entry in mapped if "offset" in entry
              for i in range(entry["length"] // CLUSTER)]
    return len(places) == clusters and len(set(places)) == clusters and max(places) - min(places) == clusters - 1


def check_count(out, entries, expected, name):
    out.check(entries in expected, name, [] if entries in expected else [f"{entries} entries"])


def test_each_kind_is_sound_and_mapped_as_by_qemu_img(out, options, directory, kind):
    name, how, expected = kind
    path = make(options.tools, os.path.join(directory, "image.qcow2"), *how)
    out.check(check(path), f"{name}: qemu-img check finds no errors")
    mapped = entries(["qemu-img"], path)
    if expected is not None:
        check_count(out, len(mapped), range(expected, expected + 1), f"{name}: {expected} entries")
    if name == "shuffled":
        out.check(is_permutation(mapped, CLUSTERS), "shuffled: the host's clusters are a permutation of the guest's")
        check_count(out, len(mapped), range(CLUSTERS - 10, CLUSTERS + 1), "shuffled: hardly any two clusters adjoin")
    out.check(entries([options.imgaudit], path) == mapped, f"{name}: imgaudit maps it as qemu-img does")


def test_refcounts_decide_whether_data_is_a_hole(out, options, directory):
    path = os.path.join(directory, "image.qcow2")
    for which, zero in ("all", True), ("tables", False):
        make(options.tools, path, "--refcounts", which)
        mapped = entries(["qemu-img"], path)
        out.check({entry["zero"] for entry in mapped} == {zero} and entries([options.imgaudit], path) == mapped,
                  f"refcounts of {which}: the data is {'a hole' if zero else 'data'} to qemu-img and to imgaudit")


def test_an_overlay_is_sound_and_mapped_as_by_qemu_img(out, options, directory):
    base = make(options.tools, os.path.join(directory, "base.qcow2"), "--order", "shuffled")
    head = make(options.tools, os.path.join(directory, "head.qcow2"), "--backing", "base.qcow2", "--share", "100")
    mapped = entries(["qemu-img"], head)
    out.check({entry["depth"] for entry in mapped} == {0, 1}, "an overlay: qemu-img finds its backing file")
    out.check(check(base) and check(head), "an overlay: qemu-img check finds no errors")
    out.check(entries([options.imgaudit], head) == mapped, "an overlay: imgaudit maps it as qemu-img does")


def test_a_tebibyte_takes_space_for_tables_only(out, options, directory):
    path = make(options.tools, os.path.join(directory, "image.qcow2"), clusters=1024 * 1024 * 1024 // 64)
    out.check(check(path) and len(entries(["qemu-img"], path)) == 1, "1 TiB in order: no errors, one entry")
    out.check(os.stat(path).st_blocks * 512 < 256 * 1024 * 1024, "1 TiB: nothing but tables takes space")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    parser.add_argument("--tools", required=True, metavar="DIR")
    options = parser.parse_args()
    if shutil.which("qemu-img") is None:
        print("1..0 # SKIP qemu-img is not installed")
        return 0
    out = harness.Tap()
    with tempfile.TemporaryDirectory(prefix="imgaudit-bench-") as directory:
        for kind in KINDS:
            test_each_kind_is_sound_and_mapped_as_by_qemu_img(out, options, directory, kind)
        test_refcounts_decide_whether_data_is_a_hole(out, options, directory)
        test_an_overlay_is_sound_and_mapped_as_by_qemu_img(out, options, directory)
        test_a_tebibyte_takes_space_for_tables_only(out, options, directory)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
