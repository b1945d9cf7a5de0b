#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images that others made: the samples of QEMU's own tests, where somebody put them beside the project. Each is mapped and
# read as it is and with holes for its zeroes: as qemu-img does, or refused as qemu-img refuses it.

import bz2
import os
import shutil

import harness
import qemu
import tap

import holes  # of tests/oracle, which harness made importable

# qemu-img prints one entry for the whole disk of these, so that only their contents can be compared.
WITHOUT_MAP = (".vhdx", ".dmg", ".cloop", ".bochs")
LOG_TO_REPLAY = "contains a log that needs to be replayed"
KINDS = ("dense", "sparse")
UNPACK_BYTES = harness.MIB


def sample_names(directory):
    return sorted(name[:-len(".bz2")] for name in os.listdir(directory) if name.endswith(".bz2"))


def unpack(source, target):
    with bz2.open(source) as packed, open(target, "wb") as file:
        while piece := packed.read(UNPACK_BYTES):
            file.write(piece)
        os.fsync(file.fileno())


def unpack_as(kind, source, target):
    if kind == "dense":
        unpack(source, target)
        return
    unpack(source, target + ".dense")
    harness.must("cp", "--reflink=never", "--sparse=always", "--", target + ".dense", target)
    os.unlink(target + ".dense")
    holes.settle(os.path.dirname(target))


# -- One sample -------------------------------------------------------------------------------------------------------

def test_sample(directory, options, samples, name, kind):
    """The map and the contents of one copy; or only that it is refused."""
    unpack_as(kind, os.path.join(samples, name + ".bz2"), os.path.join(directory, name))
    label = f"{name}, {kind}"
    theirs = qemu.qemu_map([name], ["--output=json"], directory)
    if LOG_TO_REPLAY in theirs.err:
        return tap.Batch([test_replayed(options, directory, name, label)])
    if theirs.code != 0:
        return tap.Batch([test_refused(options, directory, name, label)])
    results = [test_size_alone(options, directory, name, label, theirs) if name.endswith(WITHOUT_MAP)
               else harness.result(f"map equals qemu-img's: {label}", harness.compare_maps(options, name, cwd=directory)[1])]
    compare = lambda: harness.compare_with_convert(options, name, cwd=directory)
    results.append(harness.content_result(options, f"content equals qemu-img's: {label}", compare))
    return tap.Batch(results)


def test_refused(options, directory, name, label):
    """With a reason, and not for the reason that the format is unknown."""
    ours = qemu.imgaudit_map(options.imgaudit, name, (), directory)
    notes = [] if ours.code == 1 and ours.err.strip() else [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)]
    notes += [ours.err.strip()] if "not read by this version" in ours.err else []
    return harness.result(f"refused as by qemu-img: {label}", notes)


def test_size_alone(options, directory, name, label, theirs):
    """All that qemu-img's map says of these is how long they are."""
    ours = qemu.imgaudit_map(options.imgaudit, name, ["--output=json"], directory)
    title = f"map covers the disk: {label}"
    if ours.code != 0:
        return harness.result(title, [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)])
    at, notes = 0, []
    for entry in qemu.entries(ours):
        notes += [f"entry at {entry['start']}, not {at}"] if entry["start"] != at else []
        at = entry["start"] + entry["length"]
    size = sum(entry["length"] for entry in qemu.entries(theirs))
    return harness.result(title, notes + ([] if at == size else [f"{at} bytes, not {size}"]))


def test_replayed(options, directory, name, label):
    """A VHDX with a log. qemu-img reads it once the log was replayed; we may refuse it, or read what will be there then."""
    title = f"refused, or read as after the log's replay: {label}"
    ours = qemu.imgaudit_map(options.imgaudit, name, (), directory)
    if ours.code == 1:
        return harness.result(title, [ours.err.strip()] if " log" not in ours.err.replace(name, "") else [])
    replayed = "replayed-" + name
    shutil.copyfile(os.path.join(directory, name), os.path.join(directory, replayed))
    harness.must("qemu-img", "check", "-q", "-r", "all", replayed, cwd=directory)
    harness.must("qemu-img", "convert", "-O", "raw", replayed, "expected", cwd=directory)

    def compare():
        done = harness.read_guest(options.read_guest, name, "got", cwd=directory)
        if done.code != 0:
            return [f"read_guest ended with {done.code}", *qemu.tail(done.err)]
        return harness.different_files(os.path.join(directory, "expected"), os.path.join(directory, "got"))
    return harness.content_result(options, title, compare)


def test_name_decides(directory, options, samples):
    """Without the ending of its name a dmg image is raw, for qemu-img as for us."""
    unpack(os.path.join(samples, "simple-dmg.dmg.bz2"), os.path.join(directory, "simple-dmg.img"))
    notes = harness.compare_maps(options, "simple-dmg.img", cwd=directory)[1]
    return tap.Batch([harness.result("simple-dmg under another name is raw, as for qemu-img", notes)])


# -- The run ----------------------------------------------------------------------------------------------------------

def jobs(options, directory, samples):
    for index, name in enumerate(sample_names(samples)):
        if options.only not in (None, index):
            continue
        for kind in KINDS:
            place = os.path.join(directory, f"{index}-{kind}")
            yield tap.Job(test_sample, (options, samples, name, kind), place, tap.keep_failed(options))
    if options.only is None:
        yield tap.Job(test_name_decides, (options, samples), os.path.join(directory, "renamed"), tap.keep_failed(options))


def main():
    parser = harness.parser("Maps and reads the sample images of QEMU's tests as qemu-img does.")
    parser.add_argument("--samples", default=harness.samples_directory(), metavar="DIR", help="where NAME.bz2 are (default %(default)s)")
    options = harness.parse(parser)
    out = tap.Tap()
    reason = harness.missing_tools("qemu-img")
    if reason or not options.samples:
        out.skip("sample images", reason or "no directory ../shared/samples beside the project")
        return out.finish()
    with tap.work_directory(options.keep) as directory:
        tests = 0
        for batch in tap.run_jobs(jobs(options, directory, options.samples), options.jobs):
            for result in batch.results:
                out.report(result)
                tests += 1
        if options.only is None:
            out.check(tests > len(KINDS) * len(sample_names(options.samples)), "every sample was tried, dense and sparse")
    return out.finish()


if __name__ == "__main__":
    tap.main(main)
