#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# QED: maps and contents of what qemu-img and qemu-io write, alone and in chains; of geometries that a builder lays out;
# of images that need a check; and of broken images.

import hashlib
import json
import os

import harness
import disk_writes
import guest
import qemu
import verdicts
from builders import qed
from verdicts import patched

KIB, MIB, GIB = guest.KIB, guest.MIB, guest.MIB * 1024


# -- What qemu-img and qemu-io write ----------------------------------------------------------------------------------

def create(rng, directory, name, size, backing=None):
    cluster = rng.choice([4 * KIB, 4 * KIB, 64 * KIB, 256 * KIB])
    options = [f"cluster_size={cluster}", f"table_size={rng.choice([2, 4, 8])}"]
    return disk_writes.create(directory, name, "qed", size, options, backing, cluster)


def plain(rng, directory):
    disk = create(rng, directory, "plain.qed", rng.choice([1 * MIB, 3 * MIB, 9 * MIB + 512]))
    disk_writes.write(rng, disk, ["data", "zero"], rng.randint(0, 20))
    return disk


def grown(rng, directory):
    disk = plain(rng, directory)
    more = rng.choice([512, MIB])
    qemu.must("qemu-img", "resize", "-q", "-f", "qed", disk.name, disk.size + more, cwd=directory)
    disk.content.extend(bytes(more))
    disk_writes.write(rng, disk, ["data", "zero"], 5)
    return disk


def converted(rng, directory):
    disk = plain(rng, directory)
    qemu.must("qemu-img", "convert", "-O", "qed", disk.name, "converted.qed", cwd=directory)
    return disk_writes.Disk("converted.qed", "qed", disk.content, directory)


def overlay(rng, directory, base, name="overlay.qed"):
    size = max(64 * KIB, base.size + rng.choice([0, 0, 300 * KIB, -300 * KIB]))
    disk = create(rng, directory, name, size, base)
    # Not mixed: where a part of a zero cluster is written, QEMU fills the rest from the backing file, against the specification.
    disk_writes.write(rng, disk, ["data"], 9)
    if size >= disk.cluster:
        disk_writes.write(rng, disk, ["zero clusters"], 3)
    return disk


def over(form):
    return disk_writes.over(form, overlay)


def three_deep(rng, directory):
    return overlay(rng, directory, over("qcow")(rng, directory), "third.qed")


def under_qcow2(rng, directory):
    base = over("raw")(rng, directory)
    disk = disk_writes.create(directory, "top.qcow2", "qcow2", base.size + 64 * KIB, backing=base)
    disk_writes.write(rng, disk, ["data", "zero"], 4)
    return disk


SHAPES = [plain, grown, converted, over("raw"), over("qcow2"), over("qed"), three_deep, under_qcow2]


def test_random_disks_map_and_read_as_for_qemu_img(directory, options, index):
    rng = harness.generator(options.seed, "qed", index)
    shape = SHAPES[index % len(SHAPES)]
    disk = shape(rng, directory)
    what = f"{index} {shape.__name__.replace('_', ' ')}"
    again = guest.again(__file__, options, "--only", index, "--keep DIR")
    return disk_writes.results(options, rng, disk, what, again)


# -- What the builder lays out ----------------------------------------------------------------------------------------

def geometry_image(rng, cluster, table):
    per_table = table * cluster // 8
    size = min((per_table + per_table // 2) * cluster, 3 * GIB) + rng.choice([0, 512, 3 * 512])
    image = qed.Image(size, cluster, table, header_size=rng.choice([1, 2]))
    clusters = size // cluster
    edge = min(per_table, clusters - 2)
    numbers = {0, 1, 2, 3, edge - 1, edge, edge + 1, clusters - 1} | {rng.randrange(clusters) for _ in range(8)}
    for number in sorted(numbers) if rng.randrange(2) else rng.sample(sorted(numbers), len(numbers)):
        (image.zero if rng.randrange(3) == 0 else image.plain)(number)
    return image


def test_every_geometry_maps_and_reads_as_built(directory, options, cluster, table):
    rng = harness.generator(options.seed, "qed geometry", f"{cluster}/{table}")
    image = geometry_image(rng, cluster, table)
    name = verdicts.save(directory, "built.qed", image.bytes())
    what = f"clusters of {cluster >> 10} KiB, tables of {table}"
    results = [harness.result(f"the map equals qemu-img's: {what}", guest.compare_maps(options, name, cwd=directory)[1])]
    content = lambda: guest.compare_with_content(options, name, image.size, image.guest, cwd=directory)
    results.append(guest.content_result(options, f"the content is the builder's: {what}", content))
    return harness.Batch(results)


def test_4_gib_of_one_kind_in_an_l2_table_are_mapped(directory, options):
    """Expected by arithmetic alone: qemu-img 7.2 stops on an assertion where 4 GiB in one L2 table are of one kind."""
    cluster, per_table = 64 * KIB, 16 * 64 * KIB // 8
    image = qed.Image(20 * GIB, cluster, 16)
    first = image.plain(0)
    image.zero(1)
    last = image.plain(2 * per_table)
    verdicts.save(directory, "long.qed", image.bytes())
    outcome = qemu.execute([options.imgaudit, "map", "--output=json", "long.qed"], directory)
    got = [(e["start"], e["present"], e["zero"], e["data"], e.get("offset")) for e in json.loads(outcome.out or "[]")]
    absent = (False, True, False, None)
    expected = [(0, True, False, True, first), (cluster, True, True, False, None), (2 * cluster, *absent),
                (2 * per_table * cluster, True, False, True, last), ((2 * per_table + 1) * cluster, *absent)]
    return harness.Batch([verdicts.equal("4 GiB of one kind in an L2 table are mapped", got, expected)])


# -- Broken images ----------------------------------------------------------------------------------------------------

def sample(size=20 * MIB, **fields):
    image = qed.Image(size, **fields)
    for number in (0, 1, 2, 1024):
        image.plain(number)
    image.zero(3)
    return image


def with_entry(value, number=9):
    image = sample()
    image.entry(number, value)
    return image.bytes()


def with_table(value):
    image = sample()
    image.point(2, value)
    return image.bytes()


def with_header(**fields):
    data = sample().bytes()
    return qed.header(20 * MIB, **fields) + data[qed.HEADER.size:]


def past_the_end(gap):
    """Clusters from the last one of the file on; `gap` clusters from it the file ends."""
    image = sample()
    first = image.plain(20)
    for number in range(4):
        image.entry(20 + number, first + (number + gap) * 4096)
    return image.bytes()


def long_run_past_the_end():
    """All clusters of an L2 table of 256 KiB lie one after another; all but the first are past the end."""
    image = qed.Image(32768 * 64 * KIB, 64 * KIB, 4)
    first = image.plain(0)
    for number in range(32768):
        image.entry(number, first + number * 64 * KIB)
    return image.bytes()


def one_table_everywhere():
    """1024 L1 entries that all name one L2 table of 64 KiB."""
    image = qed.Image(1024 * 8192 * 4096, table=16)
    image.plain(0)
    for index in range(1, 1024):
        image.point(index, image.table(0))
    return image.bytes()


def with_name(length, at=64):
    return qed.header(20 * MIB, features=qed.BACKING_FILE, l1=4096, backing_at=at, backing_length=length) + b"n" * 4000 + bytes(20000)


# Name, bytes, and what imgaudit says; qemu-img refuses the image too.
REFUSED = [
    ("no magic", patched(sample(), 0, "<I", 1), "no QED magic"),
    ("an unknown feature", with_header(features=8), "unknown features 0x8"),
    ("a feature of the upper half", with_header(features=1 << 63 | 2), "unknown features 0x8000000000000000"),
    ("clusters of 2 KiB", patched(sample(), 4, "<I", 2048), "cluster size of 2048 bytes"),
    ("clusters of 128 MiB", patched(sample(), 4, "<I", 128 * MIB), "cluster size of 134217728 bytes"),
    ("clusters of 5000 bytes", patched(sample(), 4, "<I", 5000), "cluster size of 5000 bytes"),
    ("no clusters", patched(sample(), 4, "<I", 0), "cluster size of 0 bytes"),
    ("no tables", patched(sample(), 8, "<I", 0), "tables of 0 clusters"),
    ("tables of one cluster", patched(sample(), 8, "<I", 1), "tables of one cluster"),
    ("tables of 3 clusters", patched(sample(), 8, "<I", 3), "tables of 3 clusters"),
    ("tables of 32 clusters", patched(sample(), 8, "<I", 32), "tables of 32 clusters"),
    ("more than the tables map", patched(sample(), 48, "<Q", (4 << 30) + 512), "image of 4294967808 bytes"),
    ("half a sector", patched(sample(), 48, "<Q", 300), "image of 300 bytes"),
    ("a size of 2^63", patched(sample(), 48, "<Q", 1 << 63), "image size above 2^63 - 1"),
    ("tables that map 2^64 bytes", with_header(cluster=4 * MIB, table=4, l1=4 * MIB), "image of 20971520 bytes"),
    ("a header of 2^20 clusters", with_header(header_size=1 << 20), "header of 1048576 clusters"),
    ("an L1 table in the header", with_header(l1=0), "L1 table of 8192 bytes at bad offset 0"),
    ("an L1 table between clusters", with_header(l1=4608), "L1 table of 8192 bytes at bad offset 0x1200"),
    ("an L1 table at the end", with_header(l1=len(sample().bytes()) - 4096), "L1 table of 8192 bytes at bad offset"),
    ("an L1 table at 2^64", with_header(l1=(1 << 64) - 4096), "L1 table of 8192 bytes at bad offset"),
    ("a cut L1 table", sample().bytes()[:12288 - 512], "L1 table of 8192 bytes at bad offset 0x1000 in a file of 11776"),
    ("an L2 table that is 1", with_table(1), "L2 table 2 at bad offset 0x1"),
    ("an L2 table past the end", with_table(1 << 40), "L2 table 2 at bad offset"),
    ("an L2 table between clusters", with_table(4608), "L2 table 2 at bad offset 0x1200"),
    ("an L2 table at the end", with_table(len(sample().bytes()) - 4096), "L2 table 2 at bad offset"),
    ("a cut L2 table", sample().bytes()[:5 * 4096 - 512], "L2 table 0 at bad offset 0x3000 in a file of 19968"),
    ("a cluster in the header", with_entry(2), "cluster of guest offset 0x9000 at bad offset 0x2"),
    ("a cluster between clusters", with_entry(4096 * 3 + 512), "at bad offset 0x3200"),
    ("a cluster past the end", with_entry(1 << 40), "at bad offset 0x10000000000"),
    ("a cluster at 2^64", with_entry((1 << 64) - 4096), "at bad offset 0xfffffffffffff000"),
    ("a cut cluster", sample().bytes()[:-512], "cluster of guest offset 0x400000 at bad offset"),
    ("a run past the end", past_the_end(1), "cluster of guest offset 0x14000 at bad offset"),
    ("a name outside of the header", with_name(100, 4000), "backing file name of 100 bytes at 0xfa0"),
    ("a name of 4096 bytes", qed.header(20 * MIB, header_size=2, features=1, l1=8192, backing_at=64, backing_length=4096) + bytes(30000),
     "backing file name of 4096 bytes"),
]
# These qemu-img maps.
REFUSED_HERE = [("1024 times the same L2 table", one_table_everywhere(), "bytes of L1 and L2 tables in a file of")]
# Odd, but mapped as qemu-img maps them.
MAPPED = [
    ("a size of 0", patched(sample(), 48, "<Q", 0)),
    ("the largest size of its tables", patched(sample(), 48, "<Q", 4 << 30)),
    ("unknown compatible and autoclear features", with_header(compat=1 << 63 | 1, autoclear=1 << 63 | 1)),
    ("a run that goes on past the end", past_the_end(0)),
    ("2 GiB that go on past the end", long_run_past_the_end()),
    ("an L2 table that is the L1 table", with_table(4096)),
    ("no header", with_header(header_size=0, l1=4096)),
    ("a name that no feature speaks of", with_header(backing_at=1, backing_length=1 << 31)),
    ("an empty name", with_header(features=qed.BACKING_FILE)),
    ("a name of zeroes", with_header(features=qed.BACKING_FILE, backing_at=64, backing_length=9)),
    ("a file that ends inside of a sector", sample().bytes()[:-1]),
    ("a file that ends inside of a cluster", sample().bytes() + b"more"),
]


def test_broken_images_are_refused_or_mapped_as_by_qemu_img(directory, options):
    return harness.Batch([*verdicts.refused(options, directory, "qed", REFUSED, by_qemu=True),
                      *verdicts.refused(options, directory, "qed", REFUSED_HERE, by_qemu=False),
                      *verdicts.mapped(options, directory, "qed", MAPPED)])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_an_image_that_needs_a_check_maps_and_is_not_repaired(directory, options):
    """qemu-img map reads without repairing, broken references and all."""
    results = []
    lost = sample(features=qed.NEED_CHECK)
    lost.grow(len(lost.file) + 3 * 4096)
    for what, data in (("sound", sample(features=qed.NEED_CHECK).bytes()), ("with lost clusters", lost.bytes()),
                       ("with a bad reference", patched(with_entry(1 << 40), 16, "<Q", qed.NEED_CHECK))):
        path = os.path.join(directory, verdicts.save(directory, "check.qed", data))
        before = digest(path)
        theirs = verdicts.qemu_map("check.qed", "qed", directory)
        notes = qemu.compare_json("json", theirs, verdicts.imgaudit_map(options, "check.qed", "qed", directory))
        results.append(harness.result(f"an image that needs a check maps as with qemu-img, {what}",
                                      notes + ([] if digest(path) == before else ["the image was changed"])))
    return harness.Batch(results)


# -- Facts ------------------------------------------------------------------------------------------------------------

def test_a_scan_finds_facts_and_findings(directory, options):
    images = os.path.join(directory, "images")
    os.mkdir(images)
    files = {
        "good.qed": sample().bytes(),  # a header, an L1 table and two L2 tables; four clusters and one of zeroes
        "twice.qed": next(data for name, data in qed.seeds() if name == "one-table-twice"),
        "probed.qed": sample(backing=b"good.qed").bytes(),
        "raw.qed": sample(backing=b"flat.img", features=qed.NO_PROBE).bytes(),
        "flat.img": b"x" * 4096,
        "dirty.qed": sample(features=qed.NEED_CHECK).bytes(),
        "run-past.qed": past_the_end(0),
        "cut.qed": sample().bytes()[:-512],
        "new.qed": with_header(features=8),
    }
    for name, data in files.items():
        verdicts.save(images, name, data)
    facts, findings = verdicts.scan(options, images)
    expected = {"format": "qed", "virtual_size": 20 * MIB, "cluster_size": 4096, "metadata_bytes": 4096 + 3 * 8192,
                "data_bytes": 4 * 4096, "zero_bytes": 4096}
    got = {key: facts["good.qed"][key] for key in expected}
    results = [verdicts.equal("facts of an image of five clusters", got, expected)]
    results.append(verdicts.equal("an L2 table named twice is metadata once", facts["twice.qed"]["metadata_bytes"], 4096 + 2 * 8192))
    for name, base, form, what in (("probed.qed", "good.qed", None, "of a format that is not stated"),
                                   ("raw.qed", "flat.img", "raw", "that is raw, as stated")):
        got = (facts[name]["backing_path"], facts[name]["backing_format"])
        results.append(verdicts.equal(f"a backing file {what}", got, (os.path.join(images, base), form)))
    for name, codes in (("good.qed", set()), ("probed.qed", {"backing-format-guessed"}), ("dirty.qed", {"dirty"}),
                        ("run-past.qed", {"truncated"}), ("cut.qed", {"corrupt", "truncated"}), ("new.qed", {"unsupported-format"})):
        results.append(verdicts.equal(f"findings of {name}: {', '.join(codes) or 'none'}", findings[name], codes))
    return harness.Batch(results)


def jobs(options, directory):
    make = disk_writes.job_maker(options, directory)
    chosen = range(options.count) if options.only is None else [options.only]
    yield from (make(test_random_disks_map_and_read_as_for_qemu_img, index) for index in chosen)
    if options.only is None:
        yield from (make(test_every_geometry_maps_and_reads_as_built, cluster, table) for cluster in (4 * KIB, 64 * KIB, 512 * KIB)
                    for table in (2, 4, 8, 16)
                    if cluster * table <= 4 * MIB)
        yield from (make(function) for function in (
            test_4_gib_of_one_kind_in_an_l2_table_are_mapped,
            test_broken_images_are_refused_or_mapped_as_by_qemu_img,
            test_an_image_that_needs_a_check_maps_and_is_not_repaired,
            test_a_scan_finds_facts_and_findings,
        ))


def main():
    options = guest.parse(guest.parser(__doc__, count=2 * len(SHAPES)))
    return disk_writes.run(options, lambda directory: jobs(options, directory))


if __name__ == "__main__":
    harness.main(main)
