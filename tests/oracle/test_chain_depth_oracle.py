#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Chains of 1 to 200 images, each with a few random writes, must map as qemu-img maps them.
# Their lengths differ, so parts of a base are cut off or end early at many depths.

import collections
import os
import subprocess

import harness
import holes
import qemu
from wishes import KIB, SECTOR

DEPTHS = [1, 2, 10, 50, 200]
CLUSTERS = [4 * KIB, 64 * KIB]
LENGTHS = ["same", "varied"]
COMMANDS_EACH = 4
CASES = [(depth, cluster, lengths) for depth in DEPTHS for cluster in CLUSTERS for lengths in LENGTHS]


def run(command, cwd):
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def layer_size(rng, depth, cluster, lengths):
    """Long enough for the deepest image to be seen through all the others."""
    whole = (96 + 3 * depth) * cluster
    return whole if lengths == "same" else whole + rng.randint(-60, 60) * SECTOR


def random_command(rng, cluster, size):
    """Mostly whole clusters, of all sorts."""
    kinds = [f"write -P {rng.randint(1, 255)}"] * 4 + ["write -z", "write -z -u", "discard", "write -c"]
    kind = rng.choice(kinds)
    length = cluster * rng.choice([1, 1, 2, 3])
    start = rng.randrange(size // cluster) * cluster
    if kind == "write -z" and rng.randrange(2):
        start += SECTOR
    return f"{kind} {start} {min(length, size - start)}"


def make_layer(rng, directory, level, case):
    """Level 0 is the deepest image; its overlays name it by a relative path. What qemu-io is to do with it then."""
    depth, cluster, lengths = case
    size = layer_size(rng, depth, cluster, lengths)
    backing = ["-F", "qcow2", "-b", f"{level - 1}.qcow2"] if level else []
    name = f"{level}.qcow2"
    options = f"cluster_size={cluster},compat={rng.choice(['1.1', '1.1', '0.10'])}"
    run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-o", options, *backing, name, str(size)], directory)
    commands = [random_command(rng, cluster, size) for _ in range(COMMANDS_EACH)]
    if level == 0:
        commands.insert(0, f"write 0 {size // 2 // cluster * cluster}")
    # Opened without its backing file: opening 200 images for each write takes long, and no write here needs them.
    return [f"open -o driver=qcow2,file.filename={name},backing=", *commands, "close"]


def test_chains_of_any_depth_map_as_for_qemu_img(directory, imgaudit, seed, index):
    case = CASES[index % len(CASES)]
    depth, cluster, lengths = case
    rng = harness.generator(seed, "depth", index)
    commands = [command for level in range(depth + 1) for command in make_layer(rng, directory, level, case)]
    # Not every command works on every image, so the exit status says nothing.
    arguments = [part for command in commands for part in ("-c", command)]
    subprocess.run(["qemu-io", *arguments], cwd=directory, check=False, capture_output=True)
    holes.settle(directory)
    again = [f"again: {os.path.relpath(__file__)} --imgaudit {imgaudit} --seed {seed} --only {index} --keep DIR"]
    batch = harness.Batch(features={f"depth={depth}", f"cluster={cluster}", f"lengths={lengths}"})
    label = f"a chain of depth {depth}, cluster={cluster}, {lengths} lengths"
    for level in sorted({depth, depth // 2}):
        compare(batch, directory, imgaudit, level, f"map equals qemu-img: {label}, image {level}", again)
    return batch


def compare_with(function, directory, imgaudit, image, options):
    return qemu.compare_runs(function, " ".join(options) or "no options", lambda: qemu.qemu_map([image], options, directory),
                             lambda: qemu.imgaudit_map(imgaudit, image, options, directory))


def compare(batch, directory, imgaudit, level, name, again):
    image = f"{level}.qcow2"
    theirs, ours, notes = compare_with(qemu.compare_json, directory, imgaudit, image, ["--output=json"])
    if theirs.code != 0:
        batch.results.append(harness.Result(name, False, ["qemu-img cannot map it", *qemu.tail(theirs.err)]))
        return
    notes = notes or qemu.check_compressed(ours, encrypted=False)
    notes += compare_with(qemu.compare_human, directory, imgaudit, image, [])[2]
    batch.results.append(harness.Result(name, not notes, notes + again if notes else []))
    deepest = max(entry["depth"] for entry in qemu.entries(theirs) if entry["data"])
    batch.features.add(f"data from depth {deepest}")


def main():
    parser = harness.parser("Compares imgaudit map with qemu-img map on deep chains.", count=len(CASES))
    options = harness.parse(parser)
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    chosen = range(options.count) if options.only is None else [options.only]
    histogram = collections.Counter()
    with harness.work_directory(options.keep) as directory:
        jobs = [harness.Job(test_chains_of_any_depth_map_as_for_qemu_img, (
            options.imgaudit,
            options.seed,
            index,
        ), os.path.join(directory, f"depth-{index}"), harness.keep_failed(options))
                for index in chosen]
        for batch in harness.run_jobs(jobs, options.jobs):
            for result in batch.results:
                out.report(result)
            histogram.update(batch.features)
    harness.print_histogram(out, histogram)
    check_enough(out, options, histogram)
    return out.finish()


def check_enough(out, options, histogram):
    if options.only is not None:
        return
    compared = out.count
    out.check(compared >= options.count * 2 - len(CLUSTERS), f"{compared} images of {options.count} chains were compared")
    required = [f"depth={depth}" for depth in DEPTHS] + [f"data from depth {depth}" for depth in DEPTHS]
    if options.count >= len(CASES):
        harness.check_coverage(out, histogram, required, "every depth was reached")
    else:
        out.skip("every depth was reached", f"needs --count {len(CASES)}")


if __name__ == "__main__":
    harness.main(main)
