#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What the drivers say that QEMU does with an image (src/model/abilities.h) against what qemu-img and qemu-io then do with
# it: every kind of image that qemu-img makes is written to, rebased, committed, committed into and made longer, each on
# images of its own, and each must succeed or fail as was said. So are images that others make and QEMU only reads.

import json
import os
import sys

import harness
import guest
import kinds
import qemu
from builders import bochs, cloop, dmg, vmdk
from kinds import KINDS, LUKS

KIB, MIB = guest.KIB, guest.MIB
SIZE = 32 * MIB
LEAST_CLUSTER = 64 * KIB  # of what is overwritten with zeroes: holes of a host are not finer than this anywhere
ZEROES = ["data", "kept", "dropped"]  # enum ia_zeroes
WORDS = ("compression",)
COMPAT = {"0.10": 2, "1.1": 3}  # qcow2 versions in words of qemu-img
# What QEMU writes into the header of other formats; into a flat VMDK's descriptor it writes none that is reported.
VERSIONS = {"raw": 0, "qcow": 1, "qed": 0, "vdi": 1, "vpc": 1, "parallels": 2, "vhdx": 1, "luks": 1, "vmdk sparse": 1,
            "vmdk zeroed grains": 2, "vmdk stream": 3, "vmdk flat": 0, "vmdk split sparse": 0, "vmdk split flat": 0}


# -- What is said -----------------------------------------------------------------------------------------------------

def said(options, path, form, cwd):
    """{name: number or word} by the driver."""
    lines = qemu.must(options.abilities, "-f", form, path, cwd=cwd).splitlines()
    return {name: value if name in WORDS else int(value) for name, value in (line.split() for line in lines)}


# -- What is done -----------------------------------------------------------------------------------------------------

def keyed(kind, path):
    """What names an image to a tool of QEMU's."""
    if kind == LUKS:
        return ["--object", kinds.SECRET, "--image-opts", f"driver=luks,key-secret=s,file.filename={path}"]
    return ["-f", kind.form, path]


def works(*command, cwd):
    """Whether the tool says that it did it. qemu-io may say otherwise with exit code 0."""
    done = qemu.execute([str(word) for word in command], cwd)
    return done.code == 0 and "failed" not in done.out + done.err


def io_works(kind, path, *commands, cwd):
    arguments = [part for command in commands for part in ("-c", command)]
    return works("qemu-io", *arguments, *keyed(kind, path), cwd=cwd)


def img_works(verb, kind, path, *more, cwd, before=()):
    return works("qemu-img", verb, *before, *keyed(kind, path), *more, cwd=cwd)


def filled(cwd, name):
    """A raw file without zeroes."""
    with open(os.path.join(cwd, name), "wb") as file:
        file.write(b"\5" * SIZE)
    return name


def make(kind, name, cwd):
    """An image of SIZE, its first MiB filled with data where it can be written to at all."""
    path = os.path.join(cwd, name)
    if kind == LUKS:
        kinds.make_luks(path, SIZE)
    elif kind.made_by == "convert":
        qemu.must("qemu-img", "convert", "-f", "raw", "-O", kind.form, *kinds.option_words(kind, name), filled(cwd, name + ".raw"), name, cwd=cwd)
        return name
    else:
        qemu.must("qemu-img", "create", "-q", "-f", kind.form, *kinds.option_words(kind, name), name, SIZE, cwd=cwd)
    if not io_works(kind, name, "write -P 5 0 1M", cwd=cwd):
        raise qemu.ToolError(f"{name}: a first write failed")
    return name


def named_base(kind, name):
    """The arguments that make an image the backing file of another."""
    if kind == LUKS:
        name = "json:" + json.dumps({"driver": "luks", "key-secret": "s", "file": {"driver": "file", "filename": name}})
        return ["--object", kinds.SECRET, "-b", name, "-F", "luks"]
    return ["-b", name, "-F", kind.form]


def overlay_over(kind, base, name, size, cwd):
    """A qcow2 overlay over an image of any kind."""
    qemu.must("qemu-img", "create", "-q", "-f", "qcow2", *named_base(kind, base), name, size, cwd=cwd)
    return name


def secret_of(kind):
    return ["--object", kinds.SECRET] if kind == LUKS else []


def commit_into(kind, base, name, size, write, cwd):
    """Whether what is written to an overlay can be committed into the image below it."""
    overlay_over(kind, base, name, size, cwd)
    qemu.must("qemu-io", *secret_of(kind), "-f", "qcow2", "-c", write, name, cwd=cwd)
    return works("qemu-img", "commit", "-q", *secret_of(kind), "-f", "qcow2", name, cwd=cwd)


def overlay_of(kind, name, cwd, size=SIZE):
    """An overlay of this kind over a filled image of SIZE, or None where QEMU makes none."""
    base = "vmdk-base" if kind.form == "vmdk" else "qcow2-base"
    base_kind = kinds.BY_LABEL["vmdk sparse" if kind.form == "vmdk" else "qcow2"]
    if not os.path.exists(os.path.join(cwd, base)):
        make(base_kind, base, cwd)
    command = ["qemu-img", "create", "-q", "-f", kind.form, *kinds.option_words(kind, name), *named_base(base_kind, base), name]
    return name if kind != LUKS and works(*command, *([] if kind.form == "vmdk" else [size]), cwd=cwd) else None


def entries(options, kind, path, cwd):
    """The map. QEMU says nothing of VHDX's, and does not print LUKS's without a key: there it is ours."""
    if kind.without_map or kind == LUKS:
        return qemu.entries(qemu.imgaudit_map(options.imgaudit, path, ["-f", kind.form, "--output=json"], cwd))
    return qemu.entries(qemu.qemu_map([path], ["-f", kind.form, "--output=json"], cwd))


def at(entries_of_map, offset):
    return next(entry for entry in entries_of_map if entry["start"] <= offset < entry["start"] + entry["length"])


# -- One claim each ---------------------------------------------------------------------------------------------------
# Each yields (what, expected, got).

def check_written(options, kind, can, cwd):
    name = make(kind, "written", cwd)
    yield "a write over data", can["can_be_written"], io_works(kind, name, "write -P 3 0 512", cwd=cwd)
    yield "a commit into it", can["can_receive"], commit_into(kind, name, "written.overlay", SIZE, "write -P 7 0 512", cwd)


def check_grown(options, kind, can, cwd):
    name = make(kind, "grown", cwd)
    yield "making it longer", can["can_grow"], img_works("resize", kind, name, "+1M", cwd=cwd, before=["-q"])
    name = make(kind, "grown-by-commit", cwd)
    longer = commit_into(kind, name, "grown.overlay", SIZE + MIB, f"write -P 7 {SIZE} 512", cwd)
    yield "a longer image's commit into it", can["can_grow"] and can["can_receive"], longer
    name = overlay_of(kind, "short", cwd, size=MIB)
    if name and kind.form != "vmdk":  # which is as long as its backing file
        yield ("making it longer over a longer backing file", can["can_grow"] and can["can_grow_over_backing"],
               img_works("resize", kind, name, "+1M", cwd=cwd, before=["-q"]))
    name = make(kind, "with-snapshot", cwd)
    if works("qemu-img", "snapshot", "-q", "-c", "s", name, cwd=cwd):
        yield ("making it longer with an internal snapshot", can["can_grow"] and can["can_grow_with_snapshots"],
               img_works("resize", kind, name, "+1M", cwd=cwd, before=["-q"]))


def check_rebased(options, kind, can, cwd):
    name = make(kind, "rebased", cwd)
    filled(cwd, "raw")
    yield "giving it a backing file", can["can_rebase"], img_works("rebase", kind, name, cwd=cwd, before=["-u", "-b", "raw", "-F", "raw"])
    if name := overlay_of(kind, "flattened", cwd):
        yield "taking away its backing file", can["can_rebase"], img_works("rebase", kind, name, cwd=cwd, before=["-q", "-b", ""])


def check_committed(options, kind, can, cwd):
    name = overlay_of(kind, "committed", cwd)
    if name is None:
        yield "having a backing file", can["can_commit"] and kind.form != "vmdk", False  # where it has flat extents
        return
    guest.qemu_io(name, f"write -P 7 0 {kind.longest or 64 * KIB}", form=kind.form, cwd=cwd)
    done = img_works("commit", kind, name, cwd=cwd, before=["-q"])
    yield "a commit", can["can_commit"], done
    if done:
        yield "being empty after it", can["can_be_empty"], not holds_something(options, kind, name, cwd)


def holds_something(options, kind, name, cwd):
    return any(entry["depth"] == 0 and entry["data"] for entry in entries(options, kind, name, cwd))


def check_unit(options, kind, can, cwd):
    """How much becomes data where 512 bytes are written that no cluster is aligned to. Our map of VHDX shows what of a
    block is a hole of the host."""
    name = make(kind, "unit", cwd)
    offset = SIZE // 2 + can["unit"] // 2 // 512 * 512
    if can["unit"] == 1 or kind.without_map or at(entries(options, kind, name, cwd), offset)["data"]:
        return
    guest.qemu_io(name, f"write -P 7 {offset} 512", form=kind.form, cwd=cwd)
    entry = at(entries(options, kind, name, cwd), offset)
    yield "bytes that a small write takes", [offset // can["unit"] * can["unit"], can["unit"]], [entry["start"], entry["length"]]


def check_zeroes(options, kind, can, cwd):
    """What clusters become that had data, alone and over a backing file: three with data, the middle one then zeroes."""
    for name in (make(kind, "zeroes", cwd), overlay_of(kind, "zeroes-over", cwd)):
        if name is None:
            continue
        here = said(options, name, kind.form, cwd)
        cluster = max(here["cluster"], LEAST_CLUSTER)
        if not here["zeroes_are_known"] or not here["can_be_written"]:
            continue
        step = kind.longest or 3 * cluster
        writes = [f"write -P 7 {start} {min(step, 3 * cluster - start)}" for start in range(0, 3 * cluster, step)]
        writes += [f"write -z -u {start} {min(step, 2 * cluster - start)}" for start in range(cluster, 2 * cluster, step)]
        if not io_works(kind, name, *writes, cwd=cwd):
            raise qemu.ToolError(f"{name}: zeroes were not written")
        entry = at(entries(options, kind, name, cwd), cluster + cluster // 2)
        yield f"zeroes written to {name}", ZEROES[here["zeroes"]], kept(entry)


def kept(entry):
    if entry["data"]:
        return "data"
    return "kept" if entry["present"] and entry["depth"] == 0 else "dropped"


def check_facts(options, kind, can, cwd):
    """What `qemu-img info` says of a qcow2 image; versions of others."""
    if kind.form != "qcow2":
        version = VERSIONS[kind.label if kind.form == "vmdk" else kind.form]
        yield "version, and no data file, subclusters or compression", [version, 0, 0, "-"], [can[fact] for fact in ("version", "has_data_file", "extended_l2", "compression")]
        return
    name = make(kind, "facts", cwd)
    info = json.loads(qemu.must("qemu-img", "info", "--output=json", "-f", "qcow2", name, cwd=cwd))["format-specific"]["data"]
    expected = [COMPAT[info["compat"]], int("data-file" in info), int(info.get("extended-l2", False)), info["compression-type"]]
    yield "version, data file, subclusters, compression", expected, [can[fact] for fact in ("version", "has_data_file", "extended_l2", "compression")]


CHECKS = [check_written, check_grown, check_rebased, check_committed, check_unit, check_zeroes, check_facts]


def results_of(label, claims):
    for what, expected, got in claims:
        expected, got = (bool(value) if isinstance(value, int) else value for value in (expected, got))
        notes = [] if expected == got else [f"promised {expected}, and QEMU: {got}"]
        yield harness.result(f"{label}: {what}", notes)


def test_qemu_can_do_what_the_abilities_promise(directory, options, kind):
    can = said(options, make(kind, "first", directory), kind.form, directory)
    results = []
    for check in CHECKS:
        results += results_of(kind.label, check(options, kind, can, directory))
    return harness.Batch(results)


# -- What QEMU only reads ---------------------------------------------------------------------------------------------

def read_only_images(cwd):
    """(name, format, version, bytes), by the builders."""
    with open(os.path.join(cwd, "se"), "wb") as file:
        file.write(vmdk.se_sparse({0: b"\5" * 4096}, 2048))
    yield "vmdk seSparse", "vmdk", 0, vmdk.descriptor("seSparse", [vmdk.extent_line(2048, "SESPARSE", "se")])
    yield "dmg", "dmg", 4, dmg.Disk().add(0, dmg.every_kind()[:1]).build()
    yield "cloop", "cloop", 2, cloop.Image([b"first" * 50, b"", b"third" * 99]).bytes()
    for name, data in bochs.seeds():
        if name in ("version-1", "version-2"):
            yield "bochs " + name, "bochs", int(name[-1]), data


def test_formats_that_qemu_only_reads_promise_nothing(directory, options):
    results = []
    for number, (label, form, version, data) in enumerate(read_only_images(directory)):
        name = f"image{number}"
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)
        can = said(options, name, form, directory)
        claims = [
            ("its version", [version], [can["version"]]),
            ("reading it", True, works("qemu-img", "info", "-f", form, name, cwd=directory)),
            ("a write", can["can_be_written"], works("qemu-io", "-f", form, "-c", "write -P 1 0 512", name, cwd=directory)),
            ("making it longer", can["can_grow"], works("qemu-img", "resize", "-f", form, name, "+1M", cwd=directory)),
            ("giving it a backing file", can["can_rebase"],
             works("qemu-img", "rebase", "-u", "-f", form, "-b", filled(directory, "raw"), "-F", "raw", name, cwd=directory)),
        ]
        results += results_of(label, claims)
    return harness.Batch(results)


def jobs(options, directory):
    for index, kind in enumerate([*KINDS, LUKS]):
        if options.only in (None, index):
            yield harness.Job(test_qemu_can_do_what_the_abilities_promise, (options, kind), os.path.join(directory, f"kind-{index}"),
                              harness.keep_failed(options))
    if options.only is None:
        yield harness.Job(test_formats_that_qemu_only_reads_promise_nothing, (options,), os.path.join(directory, "read-only"),
                          harness.keep_failed(options))


def main():
    arguments = guest.parser(__doc__)
    arguments.add_argument("--abilities", metavar="PATH", required=True, help="the test program that prints the abilities")
    options = guest.parse(arguments)
    options.abilities = os.path.realpath(options.abilities)
    return guest.run_jobs(options, "abilities", jobs)


if __name__ == "__main__":
    sys.exit(main())
