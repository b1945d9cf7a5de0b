#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Random images, and copies of them with other holes, must map as qemu-img maps them, byte for byte.
# A second group breaks images on purpose; a third names backing files in every odd way.

import collections
import os

import harness
import damage
import forge
import holes
import layers
import qemu
import references
import wishes

RANGE_TRIES = 3
BROKEN_TIMEOUT = 20
GROUPS = ("map", "broken", "references")


def name_of(verb, chain, variant):
    return f"{verb}: {chain.label} {variant}".rstrip()


def image_wish(index):
    return wishes.WISHES[index % len(wishes.WISHES)]


def random_offset(rng, size):
    """Sectors, clusters, odd numbers, with suffixes, and past the end."""
    kinds = [rng.randrange(size + 1), rng.randrange(size + 1) // 512 * 512, f"{rng.randint(1, 300)}k", size, size + 12345, "0.5M", "1.5k"]
    return str(rng.choice(kinds))


def range_options(rng, size):
    options = []
    if rng.randrange(4):
        options += [rng.choice(["-s", "--start-offset"]), random_offset(rng, size)]
    if rng.randrange(4) or not options:
        options += [rng.choice(["-l", "--max-length"]), random_offset(rng, size)]
    return options


def compare_with(compare, imgaudit, chain, name, qemu_args, options, qemu_options=None):
    """Both programs with the same options, or with what qemu-img wants instead."""
    theirs = options if qemu_options is None else qemu_options
    return qemu.compare_runs(compare, " ".join(options) or "no options", lambda: qemu.qemu_map(qemu_args, theirs, chain.cwd),
                             lambda: qemu.imgaudit_map(imgaudit, name, options, chain.cwd))


def compare_ranges(imgaudit, rng, chain, theirs_args):
    notes = []
    for _ in range(RANGE_TRIES):
        options = [f"--output={rng.choice(['json', 'json', 'human'])}", *range_options(rng, chain.top.size)]
        compare = qemu.compare_json if "json" in options[0] else qemu.compare_human
        notes += compare_with(compare, imgaudit, chain, chain.name, theirs_args, options)[2]
    return notes


def compare_formats(imgaudit, chain, key_args):
    """The format said aloud, and the image read as raw bytes. With --image-opts qemu-img takes no -f."""
    notes = []
    for name in sorted({chain.top.format, "raw"}):
        options = ["--output=json", "-f", name]
        encrypted = layers.is_encrypted(chain.top) and name != "raw"
        args, without_format = (key_args, ["--output=json"]) if encrypted else ([chain.name], None)
        notes += compare_with(qemu.compare_json, imgaudit, chain, chain.name, args, options, without_format)[2]
    return notes


def compare_outputs(imgaudit, chain, name):
    """JSON and human; also the outcome of qemu-img's JSON."""
    args = layers.image_args(chain.top, name, probe=True)
    theirs, ours, notes = compare_with(qemu.compare_json, imgaudit, chain, name, args, ["--output=json"])
    if theirs.code != 0 or ours.crashed():
        # An image that qemu-img refuses is a fault of the forge; where it crashes there is nothing to compare with.
        return theirs, [] if theirs.crashed() and not ours.crashed() else qemu.code_notes("json", theirs, ours)
    if not notes:
        notes = qemu.check_compressed(ours, layers.is_encrypted(chain.top))
    human_notes = compare_with(qemu.compare_human, imgaudit, chain, name, args, [])[2]
    return theirs, notes + human_notes


def reproduce(imgaudit, seed, group, index):
    return [f"again: {os.path.relpath(__file__)} --imgaudit {imgaudit} --seed {seed} --group {group} --only {index} --keep DIR"]


def test_random_chains_map_as_for_qemu_img(directory, imgaudit, seed, index):
    """One chain: as made, with ranges and formats, then its copies."""
    rng = harness.generator(seed, "map", index)
    again = reproduce(imgaudit, seed, "map", index)
    chain = forge.forge(rng, directory, image_wish(index))
    batch = harness.Batch(features=chain.features)
    args = layers.image_args(chain.top, chain.name, probe=True)
    theirs, notes = compare_outputs(imgaudit, chain, chain.name)
    if not theirs.crashed():
        notes += compare_ranges(imgaudit, rng, chain, args)
        notes += compare_formats(imgaudit, chain, args)
    add_map(batch, name_of("map equals qemu-img", chain, "as made"), theirs, notes, again)
    for kind in holes.COPIES:
        test_copies_with_other_holes_map_as_for_qemu_img(batch, imgaudit, chain, kind, again)
    return batch


def test_copies_with_other_holes_map_as_for_qemu_img(batch, imgaudit, chain, kind, again):
    name = f"{os.path.splitext(chain.name)[0]}.{kind}{os.path.splitext(chain.name)[1]}"
    if not holes.COPIES[kind](os.path.join(chain.cwd, chain.name), os.path.join(chain.cwd, name)):
        return
    theirs, notes = compare_outputs(imgaudit, chain, name)
    add_map(batch, name_of("map equals qemu-img", chain, kind), theirs, notes, again)
    batch.features.add(f"copy={kind}")


def add(batch, name, notes, again):
    batch.results.append(harness.Result(name, not notes, notes + again if notes else []))


def add_map(batch, name, theirs, notes, again):
    """qemu-img 7.2 aborts on encrypted images where 2 GiB or more are of one kind."""
    if theirs.crashed() and not notes:
        batch.results.append(harness.Result(name, True, skipped=f"qemu-img ended with {theirs.code}"))
        batch.features.add("qemu-img crashed")
        return
    add(batch, name, notes, again)
    if theirs.code == 0:
        batch.features |= qemu.map_features(theirs)


def test_broken_images_map_or_fail_as_for_qemu_img(directory, imgaudit, seed, index):
    """One small chain, then several separate wounds to a layer of it."""
    rng = harness.generator(seed, "broken", index)
    chain = forge.forge(rng, directory, damage.wish(rng))
    batch = harness.Batch()
    for wound in damage.wounds(rng, chain):
        options = ["--output=json", *rng.choice([[], ["-f", chain.top.format]])]
        theirs, ours, notes = qemu.compare_runs(
            qemu.compare_json, "json",
            lambda: qemu.execute(["qemu-img", "map", "-U", *options, chain.name], chain.cwd, BROKEN_TIMEOUT),
            lambda: qemu.execute([imgaudit, "map", *options, chain.name], chain.cwd, BROKEN_TIMEOUT))
        judge_broken(batch, name_of(f"broken image agrees: {wound.label}", chain, " ".join(options[1:])), wound,
                     (theirs, ours, notes), reproduce(imgaudit, seed, "broken", index))
        if not batch.results[-1].passed:
            wound.keep(len(batch.results))
        wound.heal()
    return batch


def judge_broken(batch, name, wound, outcome, again):
    theirs, ours, notes = outcome
    if ours.crashed():
        add(batch, name, [f"imgaudit ended with {ours.code}", *qemu.tail(ours.err)], again)
        return
    if theirs.crashed():
        batch.results.append(harness.Result(name, True, skipped=f"qemu-img ended with {theirs.code}"))
        return
    reason = theirs.code != ours.code and deliberate_difference(wound, theirs, ours)
    if reason:
        batch.features.add(f"differs: {reason}")
        add(batch, f"{name} ({reason})", [], again)
        return
    batch.features |= {f"qemu-img exit {theirs.code}", f"wound={wound.kind}"}
    add(batch, name, notes, again)


def deliberate_difference(wound, theirs, ours):
    """Why the exit codes may differ here, or None. Each reason asks qemu for its opinion."""
    if ours.code == 0 and theirs.code == 1:
        if wound.claims_encryption():
            return "no key is asked for here"
        if "bitmap" in theirs.err.lower():
            return "dirty bitmaps are not read here"
    if ours.code == 1 and theirs.code == 0 and qemu_calls_broken(wound):
        if wound.in_snapshots:
            return "qemu-img map does not look at snapshots"
        if wound.in_base:
            return "qemu-img map does not look at what an overlay hides"
    return None


def qemu_calls_broken(wound):
    """qemu-img's own verdict on the wounded layer alone."""
    check = qemu.execute(["qemu-img", "check", "-U", "-f", "qcow2", wound.path], timeout=BROKEN_TIMEOUT)
    alone = qemu.execute(["qemu-img", "map", "-U", "-f", "qcow2", "--output=json", wound.path], timeout=BROKEN_TIMEOUT)
    return check.code != 0 or alone.code != 0


def test_odd_backing_names_are_followed_as_by_qemu_img(directory, imgaudit, seed, index):
    """One odd spelling of a backing file, over one base."""
    return references.test(directory, imgaudit, harness.generator(seed, "references", index), index,
                           reproduce(imgaudit, seed, "references", index))


def jobs(options, directory, group):
    function, count = {
        "map": (test_random_chains_map_as_for_qemu_img, options.count),
        "broken": (test_broken_images_map_or_fail_as_for_qemu_img, options.count // 2),
        "references": (test_odd_backing_names_are_followed_as_by_qemu_img, len(references.SPELLINGS)),
    }[group]
    chosen = range(count) if options.only is None else [options.only]
    for index in chosen:
        yield harness.Job(function, (
            options.imgaudit,
            options.seed,
            index,
        ), os.path.join(directory, f"{group}-{index}"), harness.keep_failed(options))


def run_group(out, options, directory, group):
    histogram = collections.Counter()
    tests = 0
    for batch in harness.run_jobs(jobs(options, directory, group), options.jobs):
        for result in batch.results:
            out.report(result)
        tests += len(batch.results)
        histogram.update(batch.features)
    harness.print_histogram(out, histogram)
    check_enough(out, options, group, tests, histogram)


def check_enough(out, options, group, tests, histogram):
    """Nothing may pass because nothing was compared."""
    if options.only is not None:
        return
    if group == "references":
        out.check(tests >= len(references.SPELLINGS), "every spelling of a reference was tried")
        return
    if group == "broken":
        out.check(tests >= options.count // 2 * damage.WOUNDS_EACH, f"{tests} broken images were compared")
        required, name = damage.REQUIRED_FEATURES, "every kind of wound was inflicted"
    else:
        out.check(tests >= 3 * options.count, f"{tests} images were compared, at least three for each chain")
        required, name = wishes.REQUIRED_FEATURES + MAP_FEATURES, "every feature was seen"
    if options.count < len(wishes.WISHES):
        out.skip(name, f"needs --count {len(wishes.WISHES)}")
        return
    harness.check_coverage(out, histogram, required, name)


MAP_FEATURES = [f"copy={kind}" for kind in holes.COPIES] + [
    "map:data", "map:data without offset", "map:zero", "map:zero with offset", "map:absent", "map:hole in a data cluster",
    "map:depth=0", "map:depth=1", "map:depth=2", "map:depth=3",
]


def main():
    parser = harness.parser("Compares imgaudit map with qemu-img map on random, broken and oddly named images.", count=len(wishes.WISHES))
    parser.add_argument("--group", choices=[*GROUPS, "all"], default="all", help="sound images, broken ones, odd references (default all)")
    options = harness.parse(parser)
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        for group in GROUPS if options.group == "all" else [options.group]:
            run_group(out, options, directory, group)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
