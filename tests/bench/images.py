# SPDX-License-Identifier: MIT
# The images of the benchmark, made by make_image: tables only. Imported only.

import os
import subprocess

from bench import BenchError

TIB_CLUSTERS = 16 * 1024 * 1024  # of 64 KiB


def make(bench, path, clusters, *options, refcounts="tables"):
    """Of the refcounts, those of the tables alone are the default: QEMU then maps the image like one whose data is there,
    instead of asking the host file for a hole at each extent. (`test_images.py` shows both.)"""
    command = [bench.tool("make_image"), "--clusters", str(clusters), "--refcounts", refcounts, *map(str, options), path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(done.stderr.strip())
    return path


def overlay(bench, path, backing, clusters, *options):
    return make(bench, path, clusters, "--backing", os.path.basename(backing), *options)


def settle():
    """Writes out what was made, so that nobody's fsync waits for it."""
    os.sync()


def scattered_clusters(extents, share):
    """How many guest clusters have about so many extents when `share` of 1000 are allocated, each by chance."""
    return round(extents / (share / 1000 * (1 - share / 1000)))


def chain(bench, directory, depth, extents):
    """A chain with about so many extents over all layers; the path of its head."""
    share = max(500 // depth, 2)
    clusters = scattered_clusters(extents / depth, share)
    below = make(bench, os.path.join(directory, "0.qcow2"), clusters, "--share", share, "--seed", 1)
    for layer in range(1, depth):
        path = os.path.join(directory, f"{layer}.qcow2")
        below = overlay(bench, path, below, clusters, "--share", share, "--seed", layer + 1)
    return below


def deep_chain(bench, directory, depth, extents):
    """The same with about so many bytes of L2 tables, too: each layer has a few tables, and every other cluster in them."""
    share = max(1000 // depth, 3)
    clusters = round(extents * 2 * 1000 / share / depth)
    options = ["--cluster-bits", 12, "--table-share", share, "--every", 2]
    below = make(bench, os.path.join(directory, "0.qcow2"), clusters, *options)
    for layer in range(1, depth):
        below = overlay(bench, os.path.join(directory, f"{layer}.qcow2"), below, clusters, *options, "--seed", layer + 1)
    return below


def base_and_overlays(bench, directory, clusters, overlays, share):
    """A shuffled base, and overlays that have `share` of 1000 clusters each; the paths, the base first."""
    base = make(bench, os.path.join(directory, "base.qcow2"), clusters, "--order", "shuffled")
    return [base] + [overlay(bench, os.path.join(directory, f"overlay{number:02}.qcow2"), base, clusters,
                             "--share", share, "--seed", number + 1) for number in range(overlays)]


def small_tree(bench, root, count, folders, raw_every=0):
    """`count` images of a few KiB in `folders` directories; every so many-th is a raw one."""
    sample = os.path.join(root, "sample")
    os.makedirs(root, exist_ok=True)
    make(bench, sample, 256, "--cluster-bits", 9, "--share", 50)
    with open(sample, "rb") as file:
        contents = {"qcow2": file.read(), "img": bytes(range(256)) * 16}
    os.unlink(sample)
    for number in range(count):
        kind = "img" if raw_every and number % raw_every == 0 else "qcow2"
        folder = os.path.join(root, f"d{number % folders:04}")
        if number < folders:
            os.mkdir(folder)
        with open(os.path.join(folder, f"disk{number}.{kind}"), "wb") as file:
            file.write(contents[kind])
