#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What the bytes of an image's files are used for. Built images are painted sector by sector from what the builder placed
# (space_built.py); of those that QEMU made, qemu-img's map shows the data, and QEMU leaves nothing unused. In none of them
# does anything lie over anything else.

import json
import os
import sys

import harness
import guest
import qemu
import space_built
from builders import vhdx

KIB, MIB = guest.KIB, guest.MIB
SECTOR = 512


def read_space(options, name, form, cwd):
    """An Outcome, {file number: {use: bytes}}, metadata_bytes. An image that overlaps has failed."""
    done = qemu.execute([options.read_space, *(["-f", form] if form else []), name], cwd)
    files, metadata = {}, None
    for line in done.out.splitlines():
        words = line.split()
        if words[0] == "metadata_bytes":
            metadata = int(words[1])
        elif words[0] == "overlapping":
            done = done if words[1] == "0" else qemu.Outcome(1, done.out, f"overlapping: {words[1]}")
        else:
            files.setdefault(int(words[0]), {})[words[1]] = int(words[2])
    return done, files, metadata


def compare(options, name, form, cwd, wanted):
    """Notes; wanted: {use: bytes} of each file in its order."""
    done, files, metadata = read_space(options, name, form, cwd)
    if done.code != 0:
        return [f"read_space ended with {done.code}", *qemu.tail(done.err)]
    notes = []
    for number, uses in enumerate(wanted):
        if files.get(number, {}) != uses:
            notes.append(f"file {number}: {files.get(number, {})}, not {uses}")
    total = sum(uses.get("metadata", 0) + uses.get("bitmap", 0) for uses in wanted)
    return notes + ([] if metadata == total else [f"metadata_bytes {metadata}, not {total}"])


# -- Built ------------------------------------------------------------------------------------------------------------

def test_built_images_have_the_account_of_their_builder(directory, options):
    results = []
    for number, (name, form, files, claims) in enumerate(space_built.cases()):
        where = os.path.join(directory, str(number))
        os.mkdir(where)
        if hasattr(files, "write"):  # too large for memory: a builder that leaves holes
            files.write(os.path.join(where, "a"))
            files = {"a": None}
        else:
            for file, data in files.items():
                with open(os.path.join(where, file), "wb") as out:
                    out.write(data)
        sizes = [os.path.getsize(os.path.join(where, file)) for file in files]
        wanted = [claim if isinstance(claim, dict) else space_built.expected(size, claim) for size, claim in zip(sizes, claims)]
        results.append(harness.result(f"{form}: {name}", compare(options, next(iter(files)), form, where, wanted)))
    return harness.Batch(results)


# Layout of the builder: header section, log, metadata, BAT of one MiB each, then the blocks.
VHDX_METADATA = 4 * MIB


def vhdx_dynamic():
    """States with and without a place; the last of eight blocks of 1 MiB is half a block of the disk."""
    image = vhdx.Image(8 * MIB - 512 * KIB)
    image.put(0, b"full")
    image.put(7, b"last")
    for block, state in enumerate((vhdx.UNDEFINED, vhdx.ZERO, vhdx.UNMAPPED, vhdx.NOT_PRESENT), 1):
        image.set(block, state, image.allocate(MIB))
    image.set(5, vhdx.ZERO)
    image.allocate(MIB)  # nobody's
    return image, {"unused": MIB, "zero": 4 * MIB, "data": 2 * MIB, "metadata": VHDX_METADATA}


def vhdx_differencing():
    """Of block 0 three sectors are here; block 2 is kept for nothing; block 3 is all here. A sector bitmap of 1 MiB."""
    image = vhdx.Image(4 * MIB, parent=vhdx.parent_pairs())
    image.put_partial(0, b"partial", [(0, 1), (100, 2)])
    image.set(2, vhdx.NOT_PRESENT, image.allocate(MIB))
    image.put(3, b"full")
    return image, {"unallocated": 2 * MIB - 3 * SECTOR, "data": MIB + 3 * SECTOR, "metadata": VHDX_METADATA + MIB}


def vhdx_with_log():
    """The log gives block 1 a place and takes that of block 0."""
    image = vhdx.Image(4 * MIB)
    place = image.put(0, b"old")
    fresh = image.allocate(MIB)
    page = image.bat_page({0: vhdx.NOT_PRESENT, 1: fresh | vhdx.FULL})
    image.use_log([vhdx.LogEntry(1, [page])])
    assert fresh == place + MIB
    return image, {"unused": MIB, "data": MIB, "metadata": VHDX_METADATA}


def test_vhdx_images_have_the_account_of_their_builder(directory, options):
    results = []
    for make in (vhdx_dynamic, vhdx_differencing, vhdx_with_log):
        image, wanted = make()
        image.write(os.path.join(directory, "a.vhdx"))
        results.append(harness.result(f"vhdx: {make.__name__}", compare(options, "a.vhdx", "vhdx", directory, [wanted])))
    return harness.Batch(results)


# -- By QEMU ----------------------------------------------------------------------------------------------------------

# Format, options of create, cluster size, whether all of the disk has its place from the beginning.
MADE = [
    ("qed", "cluster_size=4096,table_size=2", 4 * KIB, False),
    ("qed", "", 64 * KIB, False),
    ("qcow", "", 4 * KIB, False),
    ("vdi", "", MIB, False),
    ("vdi", "static=on", MIB, True),
    ("vpc", "subformat=dynamic,force_size=on", 2 * MIB, False),
    ("vpc", "subformat=fixed,force_size=on", SECTOR, True),
    ("parallels", "cluster_size=65536", 64 * KIB, False),
    ("vmdk", "subformat=monolithicSparse", 64 * KIB, False),
    ("vmdk", "subformat=monolithicSparse,zeroed_grain=on", 64 * KIB, False),
    ("vmdk", "subformat=monolithicFlat", SECTOR, True),
    ("vmdk", "subformat=twoGbMaxExtentSparse", 64 * KIB, False),
    ("vmdk", "subformat=twoGbMaxExtentFlat", SECTOR, True),
]


def write_some(path, form, size, random, chosen):
    """Writes, zero writes and discards at random; some formats cannot do all of it, and then it does not count."""
    commands = []
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(size // SECTOR)
        length = min(random.choice((1, 8, 128, 1000, 5000)), size // SECTOR - at)
        word = random.choice(chosen)
        commands += ["-c", f"{word} {at * SECTOR} {length * SECTOR}"]
    qemu.execute(["qemu-io", "-f", form, "-d", "unmap", *commands, path])


def located(entries, size, cluster, whole):
    """Bytes that the map locates; of the last cluster all of it is kept."""
    ends = [(entry["start"], entry["start"] + entry["length"]) for entry in entries if entry["data"] or whole]
    return sum((-(-end // cluster) * cluster if end == size else end) - start for start, end in ends)


def notes_of_made(options, directory, made, size):
    form, chosen, cluster, whole = made
    done, files, metadata = read_space(options, "image", form, directory)
    if done.code != 0:
        return [f"read_space ended with {done.code}", *qemu.tail(done.err)]
    names = ["image"]
    if form == "vmdk" and 1 in files:
        names += sorted(name for name in os.listdir(directory) if name != "image")
    notes = []
    for number, name in enumerate(names):
        length = whole_sectors(os.path.join(directory, name))
        if sum(files.get(number, {}).values()) != length:
            notes.append(f"{name} has {length} bytes: {files.get(number)}")
    entries = json.loads(qemu.must("qemu-img", "map", "-U", "--output=json", "-f", form, "image", cwd=directory))
    total = lambda use: sum(uses.get(use, 0) for uses in files.values())
    wanted = located(entries, size, cluster, whole)
    if total("data") != wanted:
        notes.append(f"{total('data')} bytes of data, qemu-img locates {wanted}")
    if metadata != total("metadata"):
        notes.append(f"metadata_bytes {metadata}, and the files have {total('metadata')}")
    for use in ("leaked", "unallocated", "snapshot", "zero", "bitmap"):
        if total(use) != 0:
            notes.append(f"{total(use)} bytes are {use}")
    return notes + unused_notes(form, chosen, total("unused"), directory)


def unused_notes(form, chosen, unused, directory):
    """QEMU leaves nothing between what it stores. Parallels files it makes longer beforehand; a grain that zeroes are
    written over is lost where there are entries for zeroes."""
    if "zeroed_grain" in chosen and unused % (64 * KIB) == 0:
        return []
    if form != "parallels":
        return [f"{unused} bytes are unused"] if unused else []
    checked = json.loads(qemu.must("qemu-img", "check", "--output=json", "-f", form, "image", cwd=directory))
    behind = os.path.getsize(os.path.join(directory, "image")) - checked["image-end-offset"]
    return [] if unused == behind else [f"{unused} bytes are unused, and {behind} behind what QEMU takes for the end"]


def test_images_made_by_qemu_have_the_account_of_its_map(directory, options, index):
    form, chosen = MADE[index % len(MADE)][:2]
    random = harness.generator(options.seed, "made", index)
    size = random.choice((3 * MIB, 5 * MIB + 512 * 7, 20 * MIB, 64 * MIB))
    words = ["write -P 7", "write -z", "discard"] if form in ("qed", "vdi", "parallels") or "zeroed" in chosen else ["write -P 7"]
    if form in ("vdi", "parallels"):
        words = ["write -P 7"] * 3 + ["discard"]
    name = f"made {index}: {form} {chosen or 'by default'}, {size} bytes"
    qemu.must("qemu-img", "create", "-q", "-f", form, *(["-o", chosen] if chosen else []), "image", size, cwd=directory)
    size = guest.disk_size("image", form, directory)
    write_some(os.path.join(directory, "image"), form, size, random, words)
    again = guest.again(__file__, options, "--read-space", options.read_space, "--only", index)
    return harness.Batch([harness.result(name, notes_of_made(options, directory, MADE[index % len(MADE)], size), again)])


def whole_sectors(path):
    return -(-os.path.getsize(path) // SECTOR) * SECTOR


def test_what_qemu_compressed_is_data(directory, options):
    """QEMU appends what it compresses: all behind the tables is data."""
    qemu.must("qemu-img", "create", "-q", "-f", "qcow", "qcow", 2 * MIB, cwd=directory)
    guest.qemu_io("qcow", *(f"write -c -P {n + 1} {n * 8 * KIB} 4k" for n in range(20)), form="qcow", cwd=directory)
    packed = whole_sectors(os.path.join(directory, "qcow")) - 2 * 4 * KIB  # the header's cluster, and one L2 table
    results = [harness.result("qcow: clusters compressed by QEMU", compare(
        options, "qcow", "qcow", directory, [{"data": packed, "metadata": 2 * 4 * KIB}]))]
    with open(os.path.join(directory, "raw"), "wb") as file:
        file.write(b"".join(os.urandom(2000) + bytes(63536) for _ in range(40)))
        file.truncate(8 * MIB)
    qemu.must("qemu-img", "convert", "-q", "-o", "subformat=streamOptimized", "-O", "vmdk", "-f", "raw", "raw", "vmdk", cwd=directory)
    with open(os.path.join(directory, "vmdk"), "rb") as file:
        stream = file.read()
    overhead = int.from_bytes(stream[64:72], "little") * SECTOR
    end = overhead
    for _ in range(40):  # behind each other, each a marker of 12 bytes with its length, in whole sectors
        end += -(-(12 + int.from_bytes(stream[end + 8:end + 12], "little")) // SECTOR) * SECTOR
    padding = len(stream) - end  # QEMU makes room for a grain as if it were not compressed
    results.append(harness.result("vmdk: a stream written by QEMU", compare(
        options, "vmdk", "vmdk", directory, [{"unused": padding, "data": end - overhead, "metadata": overhead}])))
    with open(os.path.join(directory, "cut"), "wb") as file:  # QEMU's tables stand before the grains
        file.write(stream[:overhead + 10 * SECTOR])
    results.append(harness.result("vmdk: a stream that was cut", compare(
        options, "cut", "vmdk", directory, [{"data": 10 * SECTOR, "metadata": overhead}])))
    return harness.Batch(results)


def test_vhdx_blocks_written_by_qemu_are_data(directory, options):
    """QEMU's map knows nothing of VHDX. It puts blocks from 8 MiB on, and header, log, metadata and BAT into the first 4."""
    qemu.must("qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", "image", 20 * MIB, cwd=directory)
    guest.qemu_io("image", "write -P 1 0 512", "write -P 2 3M 2M", "write -P 3 19M 1k", form="vhdx", cwd=directory)
    notes = compare(options, "image", "vhdx", directory, [{"data": 4 * MIB, "metadata": 4 * MIB, "unused": 4 * MIB}])
    return harness.Batch([harness.result("vhdx: four blocks written by QEMU", notes)])


def test_the_payload_of_luks_is_data(directory, options):
    """The payload begins where the header says, and all of it is data."""
    secret = ["--object", "secret,id=s,data=x", "-o", "key-secret=s,iter-time=10"]
    for _ in range(3):  # now and then it cannot measure how long a thread has run
        made = qemu.execute(["qemu-img", "create", "-q", "-f", "luks", *secret, "image", str(3 * MIB)], directory)
        if made.code == 0:
            break
    if made.code != 0:
        return harness.Batch([harness.Result("luks: made by QEMU", True, skipped=made.err.strip())])
    with open(os.path.join(directory, "image"), "rb") as file:
        payload = int.from_bytes(file.read(108)[104:], "big") * SECTOR
    return harness.Batch([harness.result("luks: made by QEMU", compare(
        options, "image", "luks", directory, [{"data": 3 * MIB, "metadata": payload}]))])


def jobs(options, directory):
    for index in range(options.count) if options.only is None else [options.only]:
        yield harness.Job(test_images_made_by_qemu_have_the_account_of_its_map, (options, index), os.path.join(directory, f"made-{index}"),
                          harness.keep_failed(options))
    for function in (
        test_built_images_have_the_account_of_their_builder,
        test_vhdx_images_have_the_account_of_their_builder,
        test_what_qemu_compressed_is_data,
        test_vhdx_blocks_written_by_qemu_are_data,
        test_the_payload_of_luks_is_data,
    ) if options.only is None else ():
        yield harness.Job(function, (options,), os.path.join(directory, function.__name__), harness.keep_failed(options))


def main():
    arguments = guest.parser(__doc__, 2 * len(MADE))
    arguments.add_argument("--read-space", metavar="PATH", required=True, help="the test program that prints the account")
    options = guest.parse(arguments)
    options.read_space = os.path.realpath(options.read_space)
    return guest.run_jobs(options, "the account of host space", jobs)


if __name__ == "__main__":
    sys.exit(main())
