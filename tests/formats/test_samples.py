#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images that others made: the samples of QEMU's own tests, where somebody put them beside the project. Each is mapped and
# read as it is and with holes for its zeroes: as qemu-img does, or refused as qemu-img refuses it. They are a second opinion:
# the test of each format shows the same of images of our own.

import bz2
import os

import harness
import guest
import holes
import qemu
import raw_judge
from vhdx_logs import replayed_by_qemu
from vhdx_support import map_of, reads_as_libvhdi, reads_as_qemu

# qemu-img prints one entry for the whole disk of these, so that only their contents can be compared.
WITHOUT_MAP = (".vhdx", ".dmg", ".cloop", ".bochs")
# What their tables hold: sectors and states. No entry has an offset.
TABLES = {
    "empty.bochs": [(2016, "zero")],
    "simple-pattern.cloop": [(2048, "compressed")],
    "simple-dmg.dmg": [(34, "compressed"), (6, "zero"), (2010, "compressed"), (1414, "zero"), (8, "compressed"), (6, "zero"),
                       (1, "compressed"), (2, "zero"), (33, "compressed")],
}
REFUSED = ("afl5.img", "afl9.vmdk", "afl9-old.vmdk")
SAMPLES = os.path.join(os.path.dirname(harness.PROJECT), "shared", "samples")
LOG_TO_REPLAY = "contains a log that needs to be replayed"
KINDS = ("dense", "sparse")
UNPACK_BYTES = guest.MIB


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
    qemu.must("cp", "--reflink=never", "--sparse=always", "--", target + ".dense", target)
    os.unlink(target + ".dense")
    holes.settle(os.path.dirname(target))


# -- One sample -------------------------------------------------------------------------------------------------------

def test_each_sample_maps_and_reads_as_for_qemu_img(directory, options, samples, name, kind):
    """The map and the contents of one copy; or only that it is refused."""
    unpack_as(kind, os.path.join(samples, name + ".bz2"), os.path.join(directory, name))
    label = f"{name}, {kind}"
    theirs = qemu.qemu_map([name], ["--output=json"], directory)
    if LOG_TO_REPLAY in theirs.err:
        return harness.Batch([*test_a_log_is_replayed_as_by_qemu_img(options, os.path.join(directory, name), label)])
    if theirs.code != 0:
        return harness.Batch([test_what_qemu_img_refuses_is_refused_with_a_reason(options, directory, name, label)])
    results = [test_a_map_covers_the_disk_as_its_tables_do(options, directory, name, label, theirs) if name.endswith(WITHOUT_MAP)
               else harness.result(f"map equals qemu-img's: {label}", guest.compare_maps(options, name, cwd=directory)[1])]
    compare = lambda: guest.compare_with_convert(options, name, cwd=directory)
    results.append(guest.content_result(options, f"content equals qemu-img's: {label}", compare))
    if name.endswith(".vhdx") and kind == "sparse":
        results.append(reads_as_libvhdi(f"content equals libvhdi's: {name}", options, os.path.join(directory, name)))
    return harness.Batch(results)


def test_what_qemu_img_refuses_is_refused_with_a_reason(options, directory, name, label):
    """One of those that must be, with a reason, and not for the reason that the format is unknown."""
    ours = qemu.imgaudit_map(options.imgaudit, name, (), directory)
    notes = [] if ours.code == 1 and ours.err.strip() else [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)]
    notes += [ours.err.strip()] if "not read by this version" in ours.err or name not in REFUSED else []
    return harness.result(f"refused as by qemu-img: {label}", notes)


def test_a_map_covers_the_disk_as_its_tables_do(options, directory, name, label, theirs):
    """All that qemu-img's map says of these is how long they are."""
    ours = qemu.imgaudit_map(options.imgaudit, name, ["--output=json"], directory)
    title = f"map {'is what the tables hold' if name in TABLES else 'covers the disk'}: {label}"
    if ours.code != 0:
        return harness.result(title, [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)])
    at, notes = 0, []
    for entry in qemu.entries(ours):
        notes += [f"entry at {entry['start']}, not {at}"] if entry["start"] != at else []
        at = entry["start"] + entry["length"]
    size = sum(entry["length"] for entry in qemu.entries(theirs))
    notes += [] if at == size else [f"{at} bytes, not {size}"]
    got = [(entry["length"] // 512, state_of(entry)) for entry in qemu.entries(ours)]
    return harness.result(title, notes + ([str(got)] if got != TABLES.get(name, got) else []))


def state_of(entry):
    return "stored" if "offset" in entry else "compressed" if entry["compressed"] else "zero" if entry["present"] else "absent"


def test_a_log_is_replayed_as_by_qemu_img(options, image, label):
    """A VHDX with a log: qemu-img reads it once it replayed the log."""
    copy = replayed_by_qemu(image)
    ours, replayed = map_of(options, image), map_of(options, copy)
    notes = qemu.tail(ours.err) if ours.code != 0 else [] if ours.out == replayed.out else qemu.differences(replayed.out, ours.out)
    yield harness.result(f"map is that after the log's replay: {label}", notes)
    yield reads_as_qemu(f"content is that after the log's replay: {label}", options, image, copy)


def test_a_dmg_without_the_ending_of_its_name_is_raw(directory, options, samples):
    """Without the ending of its name a dmg image is raw, for qemu-img as for us."""
    unpack(os.path.join(samples, "simple-dmg.dmg.bz2"), os.path.join(directory, "simple-dmg.img"))
    notes = guest.compare_maps(options, "simple-dmg.img", cwd=directory)[1]
    return harness.Batch([harness.result("simple-dmg under another name is raw, as for qemu-img", notes)])


def test_boot_code_is_a_disk_only_if_it_is_as_long_as_one(out, options, samples, directory):
    """Boot code and a table of somebody's disk: no disk by itself, one when the file is as long as the table says."""
    with bz2.open(os.path.join(samples, "grub_mbr.raw.bz2")) as file:
        data = file.read()
    raw_judge.judge_all(out, options, directory, [
        raw_judge.Case("grub_mbr.raw", data, ""), raw_judge.Case("grub_mbr.raw as long as a disk", data, "mbr", ("dos", None), 12 << 30)])


# -- The run ----------------------------------------------------------------------------------------------------------

def jobs(options, directory, samples):
    for index, name in enumerate(sample_names(samples)):
        if options.only not in (None, index):
            continue
        for kind in KINDS:
            place = os.path.join(directory, f"{index}-{kind}")
            yield harness.Job(test_each_sample_maps_and_reads_as_for_qemu_img, (
                options,
                samples,
                name,
                kind,
            ), place, harness.keep_failed(options))
    if options.only is None:
        yield harness.Job(test_a_dmg_without_the_ending_of_its_name_is_raw, (options, samples), os.path.join(directory, "renamed"),
                          harness.keep_failed(options))


def main():
    parser = guest.parser("Maps and reads the sample images of QEMU's tests as qemu-img does.")
    parser.add_argument("--samples", default=SAMPLES, metavar="DIR", help="where NAME.bz2 are (default %(default)s)")
    parser.add_argument("--vhdi-read", metavar="PATH", help="the test program that reads by libvhdi")
    options = guest.parse(parser)
    out = harness.Tap()
    reason = harness.missing_tools("qemu-img")
    if reason or not os.path.isdir(options.samples):
        out.skip("sample images", reason or f"no directory {options.samples}")
        return out.finish()
    with harness.work_directory(options.keep) as directory:
        tests = 0
        for batch in harness.run_jobs(jobs(options, directory, options.samples), options.jobs):
            for result in batch.results:
                out.report(result)
                tests += 1
        if options.only is None:
            test_boot_code_is_a_disk_only_if_it_is_as_long_as_one(out, options, options.samples, os.path.join(directory, "grub"))
            out.check(tests > len(KINDS) * len(sample_names(options.samples)), "every sample was tried, dense and sparse")
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
