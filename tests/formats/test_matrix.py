#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Every kind of image that qemu-img makes, alone and as a base of every kind of overlay: maps equal qemu-img's, contents
# equal what qemu-img reads, with holes and without; then the directory of them all is scanned, and the view v_map says of
# each image what imgaudit map prints.

import collections
import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass

import harness
import guest
import holes
import kinds
import map_rows
import qemu
from kinds import BY_LABEL, KINDS, LUKS

LARGEST_DENSE = 64 * guest.MIB
COPIES = ("never", "always")  # of cp --sparse
SCAN_CODES = (0, 3)
DEEP_CHAINS = 8


@dataclass
class Layer:
    path: str
    kind: kinds.Kind

    def form(self):
        """What has to be stated to qemu-img and to us; None: the content shows it."""
        return self.kind.form if self.kind.stated else None


@dataclass
class Plan:
    """The kinds of a chain, the base first. None in `labels` is for the dice."""

    labels: tuple

    def feature(self):
        if len(self.labels) > 2:
            return "chain of more than two"
        return " over ".join(reversed(self.labels))


def all_plans():
    singles = [Plan((kind.label,)) for kind in [*KINDS, LUKS]]
    pairs = [Plan((base.label, overlay)) for overlay in [*kinds.OVERLAYS, *kinds.VMDK_OVERLAYS] for base in KINDS
             if kinds.can_be_base(BY_LABEL[overlay], base)]
    return singles + pairs + [Plan((None,) * 3), Plan((None,) * 4)] * (DEEP_CHAINS // 2)


PLANS = all_plans()
# What comes first is a mixture, too: alone, as a base, in deep chains.
ORDER = sorted(range(len(PLANS)), key=lambda index: index * 37 % len(PLANS))


def plan_of(index):
    return PLANS[ORDER[index % len(PLANS)]]


# -- Making -----------------------------------------------------------------------------------------------------------

def choose_labels(rng, plan):
    """Any base, and overlays that can stand on what is below."""
    if plan.labels[0] is not None:
        return plan.labels
    labels = [rng.choice(KINDS).label]
    while len(labels) < len(plan.labels):
        below = BY_LABEL[labels[-1]]
        labels.append(rng.choice([label for label in kinds.OVERLAYS + kinds.VMDK_OVERLAYS if kinds.can_be_base(BY_LABEL[label], below)]))
    return tuple(labels)


def choose_overlay_size(rng, size):
    """As long as the base, or so by chance, or shorter, or longer."""
    sectors = size // kinds.SECTOR
    return rng.choice([None, None, size, rng.randint(sectors // 2, sectors) * kinds.SECTOR, (sectors + rng.randint(1, 9000)) * kinds.SECTOR])


def make_chain(rng, plan, directory):
    """Layers, the base first, all in one directory."""
    labels = choose_labels(rng, plan)
    base = BY_LABEL[labels[0]]
    size = kinds.choose_size(rng, labels)
    layers = [Layer(os.path.join(directory, f"base.{base.form}"), base)]
    if base is LUKS:
        kinds.make_luks(layers[0].path, size)
    else:
        kinds.make(rng, base, layers[0].path, size)
    for number, label in enumerate(labels[1:], 1):
        below, kind = layers[-1], BY_LABEL[label]
        layer = Layer(os.path.join(directory, f"overlay{number}.{kind.form}"), kind)
        overlay_size = None if kind.form == "vmdk" else choose_overlay_size(rng, size)
        kinds.make_overlay(rng, kind, layer.path, below.kind, os.path.basename(below.path), overlay_size)
        layers.append(layer)
    holes.settle(directory)
    return layers


def copy_directory(source, target, sparse):
    """All files again, with holes where they have zeroes, or without any; a very long one keeps its own."""
    os.makedirs(target)
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        kind = "auto" if sparse == "never" and os.path.getsize(path) > LARGEST_DENSE else sparse
        qemu.must("cp", "--reflink=never", f"--sparse={kind}", "--", path, os.path.join(target, name))
    holes.settle(target)


# -- One chain --------------------------------------------------------------------------------------------------------

def hides_map(layers):
    """A layer of which qemu-img shows one entry only."""
    return any(layer.kind.without_map for layer in layers)


def size_notes(options, name, form, directory):
    """Where qemu-img's map is no oracle, ours must cover the disk that it sees, and only in order."""
    chosen = ["--output=json", *(["-f", form] if form else [])]
    ours = qemu.imgaudit_map(options.imgaudit, name, chosen, directory)
    theirs = qemu.qemu_map([name], chosen, directory)
    if ours.code != 0 or theirs.code != 0:
        return qemu.code_notes("json", theirs, ours)
    ends = [0] + [entry["start"] + entry["length"] for entry in qemu.entries(ours)]
    gaps = [f"entry at {entry['start']}, not {end}" for entry, end in zip(qemu.entries(ours), ends) if entry["start"] != end]
    size = sum(entry["length"] for entry in qemu.entries(theirs))
    return gaps + ([] if ends[-1] == size else [f"{ends[-1]} bytes, not {size}"])


def test_map_and_content_equal_qemu_imgs(options, layers, directory, label, again):
    """Map and contents of a chain as it lies in a directory; also what the map showed."""
    top = layers[-1]
    name = os.path.basename(top.path)
    features = set()
    if hides_map(layers):
        results = [harness.result(f"map covers the disk: {label}", size_notes(options, name, top.form(), directory), again)]
    else:
        theirs, notes = guest.compare_maps(options, name, top.form(), directory)
        results = [harness.result(f"map equals qemu-img's: {label}", notes, again)]
        features = qemu.map_features(theirs) if theirs.code == 0 else set()
    compare = lambda: guest.compare_with_convert(options, name, top.form(), directory)
    content = guest.content_result(options, f"content equals qemu-img's: {label}", compare)
    content.notes += again if not content.passed else []
    return [*results, content], features


def test_luks_is_mapped_without_its_key_and_not_read(options, layer):
    """The map needs no key; the contents do."""
    ours = qemu.imgaudit_map(options.imgaudit, layer.path, ["--output=json"])
    size = guest.disk_size(layer.path, layer.kind.form)
    notes = [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)] if ours.code != 0 else []
    if not notes and sum(entry["length"] for entry in qemu.entries(ours)) != size:
        notes = [f"the map covers not {size} bytes: {ours.out}"]
    yield harness.result("map of a LUKS image covers the disk without the key", notes)

    def compare():
        target = layer.path + ".guest"
        done = guest.read_guest(options.read_guest, layer.path, target)
        guest.remove(target)
        return [] if done.code == guest.ENCRYPTED else [f"read_guest ended with {done.code}", *qemu.tail(done.err)]
    yield guest.content_result(options, "contents of a LUKS image are not read without the key", compare)


def copies_of(layers, index):
    """Both for an image alone, one of the two for a chain."""
    return COPIES if len(layers) == 1 else (COPIES[index % len(COPIES)],)


def test_a_chain_of_mixed_formats_maps_and_reads_as_for_qemu_img(directory, options, index):
    """As made, and copied with other holes. What was made stays for the scan."""
    plan = plan_of(index)
    layers = make_chain(harness.generator(options.seed, "matrix", index), plan, directory)
    batch = harness.Batch(features={plan.feature()}, made=layers)
    if layers[0].kind is LUKS:
        batch.results = list(test_luks_is_mapped_without_its_key_and_not_read(options, layers[0]))
        return batch
    label = f"{' over '.join(layer.kind.label for layer in reversed(layers))} ({index})"
    again = guest.again(__file__, options, "--only", index, "--keep DIR")
    for state in ("as made", *copies_of(layers, index)):
        place = directory if state == "as made" else directory + ".copy"
        if state in COPIES:
            copy_directory(directory, place, state)
            batch.features.add(f"copy with --sparse={state}")
        results, features = test_map_and_content_equal_qemu_imgs(options, layers, place,
                                                                 f"{label}, {state if state == 'as made' else 'sparse ' + state}", again)
        batch.results += results
        batch.features |= features
        if place != directory:
            shutil.rmtree(place)
    return batch


# -- The store --------------------------------------------------------------------------------------------------------

def read_rows(connection, sql, *values):
    """Rows as dictionaries."""
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor]


def open_store(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return contextlib.closing(connection)


def compare_view(options, connection, image):
    """Notes on where v_map and `imgaudit map` differ for an image: rows, and the files that they name."""
    path = image["path"]
    columns = ", ".join(map_rows.ROW_COLUMNS)
    rows = read_rows(connection, f"SELECT {columns} FROM v_map WHERE path = ? ORDER BY start", path)
    ours = qemu.imgaudit_map(options.imgaudit, path, ["--output=json", "--filenames", "-f", image["format"]])
    if ours.code != 0:
        return [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)]
    entries = qemu.entries(ours)
    return (map_rows.row_differences(map_rows.json_rows(entries), map_rows.view_rows(rows), "imgaudit map", "v_map")
            or map_rows.filename_differences(rows, entries, os.path.dirname(path)))


def taken_for_raw(layers):
    """The paths of bases in a chain whose format neither their overlay nor their first bytes show: they are raw to QEMU,
    and so to a scan, although it could know them by their footer."""
    return {os.path.realpath(base.path) for base, above in zip(layers, layers[1:])
            if base.kind.stated and above.kind.form in kinds.WITHOUT_BACKING_FORMAT}


def test_a_scan_stores_the_maps_of_the_whole_forest(out, options, forest, database, chains):
    """Scans the forest and compares every image of it."""
    done = qemu.execute([options.imgaudit, "scan", "--db", database, forest])
    out.check(done.code in SCAN_CODES, f"scan of all of them ends with 0 or 3: {done.code}", qemu.tail(done.err))
    if done.code not in SCAN_CODES:
        return
    with open_store(database) as connection:
        images = {image["path"]: image for image in read_rows(connection, "SELECT path, format, state FROM v_image WHERE path IS NOT NULL")}
        check_images(out, images, [layer for layers in chains for layer in layers], set().union(*map(taken_for_raw, chains)))
        for path, image in sorted(images.items()):
            notes = compare_view(options, connection, image) if image["state"] == "ok" else []
            out.check(not notes, f"v_map equals imgaudit map: {os.path.relpath(path, forest)}, {image['format']}", notes)


def check_images(out, images, made, raw):
    """What was made is in the store, of the right format, and well."""
    for layer in made:
        path = os.path.realpath(layer.path)
        image = images.get(path)
        form = "raw" if path in raw else layer.kind.form
        notes = [f"expected {form} and ok, got {image}"]
        out.check(image and (image["format"], image["state"]) == (form, "ok"),
                  f"scanned: {layer.kind.label}, {os.path.join(*layer.path.split(os.sep)[-2:])}", notes)


# -- The run ----------------------------------------------------------------------------------------------------------

def required_features():
    return sorted({plan.feature() for plan in PLANS}) + [f"copy with --sparse={kind}" for kind in COPIES] + [
        "map:data", "map:data without offset", "map:zero", "map:zero with offset", "map:absent",
        "map:depth=0", "map:depth=1", "map:depth=2"]


def run(out, options, directory):
    forest = os.path.join(directory, "forest")
    chosen = range(options.count) if options.only is None else [options.only]
    jobs = [harness.Job(test_a_chain_of_mixed_formats_maps_and_reads_as_for_qemu_img, (options, index), os.path.join(forest, str(index)),
                        "always") for index in chosen]
    histogram, chains = collections.Counter(), []
    for batch in harness.run_jobs(jobs, options.jobs):
        for result in batch.results:
            out.report(result)
        histogram.update(batch.features)
        chains += [batch.made] if batch.made else []
    test_a_scan_stores_the_maps_of_the_whole_forest(out, options, forest, os.path.join(directory, "imgaudit.db"), chains)
    harness.print_histogram(out, histogram)
    if options.count < len(PLANS) or options.only is not None:
        out.skip("every kind and every pair was seen", f"needs --count {len(PLANS)}")
    else:
        harness.check_coverage(out, histogram, required_features(), "every kind and every pair was seen")


def main():
    parser = guest.parser("Maps and reads all kinds of images that qemu-img makes, alone and in mixed chains.", count=len(PLANS))
    options = guest.parse(parser)
    out = harness.Tap()
    reason = harness.missing_tools("qemu-img", "qemu-io")
    if reason:
        out.skip("mixed chains", reason)
        return out.finish()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        run(out, options, directory)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
