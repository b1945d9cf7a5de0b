#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A directory tree of random images is scanned; then the views v_map and v_chain must say of each image
# what qemu-img map says of it, and what imgaudit map says too. Only a stock sqlite3 shell reads the store.

import collections
import json
import os
import subprocess

import harness
import forge
import holes
import layers
import map_rows
import qemu
import wishes

CHAINS = 60
# What the working directory decides cannot be known to a scan, and a format stated wrongly makes two images of one file.
LEFT_OUT_KINDS = (*wishes.WORKING_DIRECTORY_KINDS, "raw-over-qcow2")
SCAN_CODES = (0, 3)
REQUIRED_FEATURES = [
    "v2", "v3", "raw", "extended_l2", "data_file", "data_file_raw", "aes", "snapshots", "zstd", "longer", "shorter", "symlink", "name=odd",
    "backing=absolute", "backing=subdir", "backing=json-nested", "backing=json-dotted", "backing=no-format", "op=commit", "op=rebase",
    "io=compressed", "size=empty", "size=1T", "depth=1", "depth=2", "depth=3",
    "map:data", "map:data without offset", "map:zero", "map:zero with offset", "map:absent", "map:hole in a data cluster",
]


# -- Making the forest ------------------------------------------------------------------------------------------------

def ordered_wishes():
    """First what concerns paths, chains and lengths; then the rest, in steps, so that the first sixty are a mixture."""
    known = [wish for wish in wishes.WISHES if wish.get("backing") not in LEFT_OUT_KINDS]
    first = [wish for wish in known if {"backing", "name", "ops", "size"} & wish.keys()]
    rest = [wish for wish in known if wish not in first]
    return first + [rest[index * 29 % len(rest)] for index in range(len(rest))]


def wish_of(index):
    ordered = ordered_wishes()
    return ordered[index % len(ordered)]


def make_chain(directory, seed, index):
    chain = forge.forge(harness.generator(seed, "view", index), directory, wish_of(index))
    holes.drop_unwritten(directory)
    return harness.Batch(made=chain)


def make_forest(out, options, forest):
    """Returns the chains that were made; a chain that could not be made is a failed test."""
    chosen = range(options.count) if options.only is None else [options.only]
    jobs = [harness.Job(make_chain, (options.seed, index), os.path.join(forest, str(index)), "always") for index in chosen]
    chains = []
    for batch in harness.run_jobs(jobs, options.jobs):
        for result in batch.results:
            out.report(result)
        if batch.made:
            chains.append(batch.made)
    return chains


def scan(out, imgaudit, database, forest):
    done = qemu.execute([imgaudit, "scan", "--db", database, forest])
    out.check(done.code in SCAN_CODES, f"scan ends with 0 or 3: {done.code}", qemu.tail(done.err))
    return done.code in SCAN_CODES


# -- Reading the store ------------------------------------------------------------------------------------------------

def query(database, sql):
    """Rows as dictionaries, by a sqlite3 shell without extensions. Two shells that start together must wait for each other."""
    command = ["sqlite3", "-readonly", "-json", "-cmd", ".timeout 10000", database, sql]
    done = subprocess.run(command, capture_output=True, check=True, timeout=qemu.TIMEOUT)
    text = done.stdout.decode("utf-8", "surrogateescape")
    return json.loads(text) if text.strip() else []


def sql_text(text):
    return "'" + text.replace("'", "''") + "'"


def read_map(database, path):
    return query(database, f"SELECT {', '.join(map_rows.ROW_COLUMNS)} FROM v_map WHERE path = {sql_text(path)} ORDER BY start")


def read_chain(database, path):
    columns = "depth, layer_path, visible_bytes, data_bytes"
    return query(database, f"SELECT {columns} FROM v_chain WHERE path = {sql_text(path)} ORDER BY depth")


# -- One form for all three: a list of (start, length, depth, present, zero, data, compressed, offset) ----------------

def as_qemu_prints(rows):
    """Without `compressed` for a qemu-img that does not print it; rows that differ in this alone become one."""
    if qemu.prints_compressed():
        return rows
    joined = []
    for row in rows:
        last = joined[-1] if joined else None
        if last and last[6] != row[6] and last[2:6] == row[2:6] and last[7] is None and row[7] is None:
            joined[-1] = (last[0], last[1] + row[1], *row[2:])
        else:
            joined.append(row)
    return [(*row[:6], None, row[7]) for row in joined]


def human_differences(rows, outcome, cwd):
    """The file that qemu-img's table names for a row, where it prints one."""
    if outcome.code != 0:
        return []
    stored = {row["start"]: row for row in rows}
    for line in outcome.out.splitlines()[1:]:
        start, _, offset, name = line.split(None, 3)
        row = stored.get(int(start, 16))
        if not row or row["offset"] != int(offset, 16) or not map_rows.same_file(name, row["filename"], cwd):
            return [f"qemu-img: {line}", f"v_map: {row}"]
    return []


# -- Comparing --------------------------------------------------------------------------------------------------------

def qemu_args(layer, path, format_name):
    if layer and layers.is_encrypted(layer):
        return layers.image_args(layer, path)
    return ["-f", format_name, path]


def compare_map(imgaudit, path, cwd, rows, theirs, human):
    ours = qemu.imgaudit_map(imgaudit, path, ["--output=json", "--filenames"], cwd)
    if ours.code != 0:
        return [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)]
    got = map_rows.view_rows(rows)
    notes = map_rows.row_differences(as_qemu_prints(map_rows.json_rows(qemu.entries(theirs))), as_qemu_prints(got), "qemu-img", "v_map")
    notes += map_rows.row_differences(map_rows.json_rows(qemu.entries(ours)), got, "imgaudit map", "v_map")
    return notes or map_rows.filename_differences(rows, qemu.entries(ours), cwd) + human_differences(rows, human, cwd)


def compare_chain(layer, rows, theirs):
    """Sums of qemu-img's entries for each depth, zero where a layer has none."""
    visible, data = collections.Counter(), collections.Counter()
    for entry in qemu.entries(theirs):
        visible[entry["depth"]] += entry["length"] * entry["present"]
        data[entry["depth"]] += entry["length"] * entry["data"]
    notes = []
    if [row["depth"] for row in rows] != list(range(len(rows))) or (visible and max(visible) >= len(rows)):
        notes.append(f"depths are {[row['depth'] for row in rows]}, qemu-img has {sorted(visible)}")
    for row in rows:
        depth = row["depth"]
        if (row["visible_bytes"], row["data_bytes"]) != (visible[depth], data[depth]):
            notes.append(f"depth {depth}: visible {row['visible_bytes']} and data {row['data_bytes']}, "
                         f"by qemu-img {visible[depth]} and {data[depth]}")
    return notes + layer_differences(layer, rows)


def layer_differences(layer, rows):
    if not layer:
        return []
    made = [one.path for one in layer.chain()]
    stored = [row["layer_path"] for row in rows]
    if len(made) == len(stored) and all(map_rows.same_file(a, b) for a, b in zip(made, stored)):
        return []
    return [f"layers are {stored}", f"made were {made}"]


def test_the_views_of_an_image_equal_qemu_imgs_map(_, imgaudit, database, image, layer, again):
    """The two views of one image. The working directory is the image's: a relative data file is looked for there."""
    path = image["path"]
    cwd = os.path.dirname(path)
    args = qemu_args(layer, path, image["format"])
    theirs = qemu.qemu_map(args, ["--output=json"], cwd)
    label = " ".join(sorted(layers.header_features(layer))) if layer else image["format"]
    name = f"{os.path.join(*path.split(os.sep)[-3:])}: {label}"
    if theirs.crashed():
        return harness.Batch([harness.Result(f"v_map equals qemu-img: {name}", True, skipped=f"qemu-img ended with {theirs.code}")])
    if theirs.code != 0:
        return harness.Batch([harness.Result(f"v_map equals qemu-img: {name}", False, ["qemu-img cannot map it", *qemu.tail(theirs.err)])])
    human = qemu.qemu_map(args, (), cwd)
    notes = compare_map(imgaudit, path, cwd, read_map(database, path), theirs, human)
    chain_notes = compare_chain(layer, read_chain(database, path), theirs)
    results = [harness.Result(f"v_map equals qemu-img: {name}", not notes, notes + again if notes else []),
               harness.Result(f"v_chain adds up: {name}", not chain_notes, chain_notes + again if chain_notes else [])]
    return harness.Batch(results, qemu.map_features(theirs))


# -- The run ----------------------------------------------------------------------------------------------------------

def known_layers(chains):
    return {os.path.realpath(layer.path): layer for chain in chains for layer in chain.layers}


def may_be_broken(layer):
    """A relative data file is looked for in the working directory, which a scan does not have."""
    return any(one.spec.data_file == "relative" for one in layer.chain())


def check_all_stored(out, images, made):
    """Every image that was made must be in the store, with a whole chain; else it could drop out of the comparison unseen."""
    states = {image["path"]: image["state"] for image in images}
    missing = [path for path in made if path not in states]
    out.check(not missing, f"all {len(made)} images that were made are in v_image", missing)
    broken = [f"{states[path]}: {path}" for path, layer in made.items() if states.get(path) not in ("ok", None) and not may_be_broken(layer)]
    out.check(not broken, "none of them has a broken chain", broken)


def compare_images(out, options, database, directory, chains):
    """Returns how many images were compared, and what their maps showed."""
    images = query(database, "SELECT path, format, state FROM v_image WHERE path IS NOT NULL ORDER BY path")
    made = known_layers(chains)
    check_all_stored(out, images, made)
    histogram = collections.Counter()
    scratch = os.path.join(directory, "scratch")
    again = [f"again: {os.path.relpath(__file__)} --imgaudit {options.imgaudit} --seed {options.seed} --count {options.count} --keep DIR"]
    compared = 0
    whole = [image for image in images if image["state"] == "ok"]
    jobs = [harness.Job(test_the_views_of_an_image_equal_qemu_imgs_map,
                        (options.imgaudit, database, image, made.get(image["path"]), again), scratch, "always") for image in whole]
    for batch in harness.run_jobs(jobs, options.jobs):
        for result in batch.results:
            out.report(result)
        histogram.update(batch.features)
        compared += not any(result.skipped for result in batch.results)
    return compared, histogram


def run(out, options, directory):
    forest = os.path.join(directory, "forest")
    database = os.path.join(directory, "imgaudit.db")
    chains = make_forest(out, options, forest)
    if not scan(out, options.imgaudit, database, forest):
        return
    compared, histogram = compare_images(out, options, database, directory, chains)
    for chain in chains:
        histogram.update(chain.features)
    harness.print_histogram(out, histogram)
    if options.only is None:
        out.check(compared >= options.count, f"{compared} images were compared, at least one for each of {options.count} chains")
        check_features(out, options, histogram)


def check_features(out, options, histogram):
    name = "every feature was seen"
    if options.count < CHAINS:
        out.skip(name, f"needs --count {CHAINS}")
    else:
        harness.check_coverage(out, histogram, REQUIRED_FEATURES, name)


def main():
    parser = harness.parser("Compares the views v_map and v_chain with qemu-img map on a scanned forest.", count=CHAINS)
    options = harness.parse(parser)
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        run(out, options, directory)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
