#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# qcow, version 1: maps and contents of what qemu-img and qemu-io write, alone, compressed, encrypted and in chains; of
# every geometry that a builder can lay out; and of broken images.

import json
import os
import shutil

import harness
import disk_writes
import guest
import qemu
import verdicts
from builders import qcow1
from verdicts import patched

KIB, MIB = guest.KIB, guest.MIB
PLAIN, OVERLAY = 4 * KIB, 512  # QEMU's cluster sizes without and with a backing file
SECRET = "secret,id=s,data=imgaudit"


# -- What qemu-img and qemu-io write ----------------------------------------------------------------------------------

def plain(rng, directory):
    disk = disk_writes.create(directory, "plain.qcow", "qcow", rng.choice([1 * MIB, 3 * MIB + 700, 70 * KIB]), cluster=PLAIN)
    disk_writes.write(rng, disk, ["data", "zero"], rng.randint(0, 20))
    return disk


def packed(rng, directory):
    disk = disk_writes.create(directory, "packed.qcow", "qcow", 5 * MIB, cluster=PLAIN)
    disk_writes.write(rng, disk, ["data", "packed", "packed"], 25)
    return disk


def converted(rng, directory):
    disk = disk_writes.convert_packed(plain(rng, directory), "converted.qcow", "qcow", cluster=PLAIN)
    disk_writes.write(rng, disk, ["data"], rng.randint(0, 4))
    return disk


def overlay(rng, directory, base, name="overlay.qcow"):
    size = max(64 * KIB, base.size + rng.choice([0, 0, 300 * KIB, -300 * KIB]))
    disk = disk_writes.create(directory, name, "qcow", size, backing=base, cluster=OVERLAY)
    disk_writes.write(rng, disk, ["data", "zero", "packed"], 20)
    return disk


def over(form):
    return disk_writes.over(form, overlay)


def over_packed(rng, directory):
    return overlay(rng, directory, converted(rng, directory))


def three_deep(rng, directory):
    return overlay(rng, directory, over("qed")(rng, directory), "third.qcow")


def under_qcow2(rng, directory):
    base = over("raw")(rng, directory)
    disk = disk_writes.create(directory, "top.qcow2", "qcow2", base.size + 64 * KIB, backing=base)
    disk_writes.write(rng, disk, ["data", "zero"], 4)
    return disk


def converted_overlay(rng, directory):
    first = over("qcow2")(rng, directory)
    base = disk_writes.Disk("base.qcow2", "qcow2", bytearray(), directory)
    return disk_writes.convert_packed(first, "converted-overlay.qcow", "qcow", backing=base, cluster=OVERLAY)


SHAPES = [plain, packed, converted, over("raw"), over("qcow2"), over("qed"), over("qcow"), over_packed, three_deep, under_qcow2,
          converted_overlay]


def test_random_disks_map_and_read_as_for_qemu_img(directory, options, index):
    rng = harness.generator(options.seed, "qcow1", index)
    shape = SHAPES[index % len(SHAPES)]
    disk = shape(rng, directory)
    what = f"{index} {shape.__name__.replace('_', ' ')}"
    again = guest.again(__file__, options, "--only", index, "--keep DIR")
    return disk_writes.results(options, rng, disk, what, again)


# -- Encryption -------------------------------------------------------------------------------------------------------

def encrypted_options(name):
    return ["--object", SECRET, "--image-opts", f"driver=qcow,file.filename={name},encrypt.key-secret=s,encrypt.format=aes"]


def test_an_encrypted_image_maps_without_its_key(directory, options):
    create = ["qemu-img", "create", "-q", "--object", SECRET, "-f", "qcow", "-o", "encrypt.format=aes,encrypt.key-secret=s"]
    qemu.must(*create, "aes.qcow", 5 * MIB, cwd=directory)
    arguments = [part for at, length in ((0, 5000), (MIB, 64 * KIB), (3 * MIB + 512, 512))
                 for part in ("-c", f"write -P 7 {at} {length}")]
    qemu.must("qemu-io", *encrypted_options("aes.qcow"), *arguments, cwd=directory)
    qemu.must("qemu-io", *encrypted_options("aes.qcow"), "-c", f"write -c -P 9 {2 * MIB} {PLAIN}",
                 "-c", f"write -P 9 {2 * MIB + PLAIN} {PLAIN}", cwd=directory)
    results = []
    for output, compare in (("json", qemu.compare_json), ("human", qemu.compare_human)):
        _, _, notes = qemu.compare_runs(
            compare, output, lambda: qemu.qemu_map(encrypted_options("aes.qcow"), [f"--output={output}"], directory),
            lambda: qemu.imgaudit_map(options.imgaudit, "aes.qcow", [f"--output={output}"], directory))
        results.append(harness.result(f"an encrypted image maps without its key as with it: {output}", notes))
    states = [(e["start"], e["compressed"]) for e in qemu.entries(qemu.imgaudit_map(options.imgaudit, "aes.qcow", ["--output=json"], directory))
              if e["data"]]
    expected = [(0, False), (MIB, False), (2 * MIB, True), (2 * MIB + PLAIN, False), (3 * MIB, False)]
    results.append(harness.result("a compressed cluster of an encrypted image is called compressed",
                                  [] if states == expected else [f"{states}, not {expected}"]))
    return harness.Batch(results)


# -- What the builder lays out ----------------------------------------------------------------------------------------

def geometry_image(rng, cluster_bits, l2_bits):
    """Runs across tables, compressed clusters between plain ones, clusters at odd sectors, a cut last cluster."""
    span = 1 << cluster_bits + l2_bits
    size = min(2 * span, 64 * MIB) + rng.choice([0, 512, 1000, 1 << cluster_bits])
    image = qcow1.Image(size, cluster_bits, l2_bits, l1=rng.choice([None, 4096, 777]))
    clusters = size // image.cluster
    edge = min(1 << l2_bits, clusters - 2)
    numbers = {0, 1, edge - 1, edge, edge + 1, clusters - 1} | {rng.randrange(clusters) for _ in range(12)}
    order = sorted(numbers) if rng.randrange(2) else rng.sample(sorted(numbers), len(numbers))
    for number in order:
        kind = rng.choice(["plain", "plain", "packed", "sector"])
        if kind == "packed":
            image.packed(number)
        else:
            image.plain(number, shift=512 if kind == "sector" else 0)
    return image


def test_every_geometry_maps_and_reads_as_built(directory, options, cluster_bits):
    results = []
    for l2_bits in (6, 9, 13):
        rng = harness.generator(options.seed, "qcow1 geometry", f"{cluster_bits}/{l2_bits}")
        image = geometry_image(rng, cluster_bits, l2_bits)
        name = verdicts.save(directory, f"{cluster_bits}-{l2_bits}.qcow", image.bytes())
        what = f"clusters of 2^{cluster_bits} bytes, L2 tables of 2^{l2_bits} entries"
        results.append(harness.result(f"the map equals qemu-img's: {what}", guest.compare_maps(options, name, cwd=directory)[1]))
        content = lambda: guest.compare_with_content(options, name, image.size // 512 * 512, image.guest, cwd=directory)
        both = lambda: content() + guest.compare_with_convert(options, name, cwd=directory)
        results.append(guest.content_result(options, f"the content is the builder's and qemu-img's: {what}", both))
    return harness.Batch(results)


def test_a_disk_of_256_tib_maps_as_laid_out(directory, options):
    """Expected by arithmetic alone, on a disk whose clusters qemu-img would ask for one by one: 256 TiB."""
    image = qcow1.Image(1 << 48, 16, 13)
    per_table = 1 << 13
    first = image.plain(0)
    second = image.plain(100 * per_table + 5)
    image.packed(300000 * per_table)
    image.packed(300000 * per_table + 1)
    verdicts.save(directory, "huge.qcow", image.bytes())
    outcome = qemu.execute([options.imgaudit, "map", "--output=json", "huge.qcow"], directory)
    got = [(e["start"], e["length"], e["compressed"], e.get("offset")) for e in json.loads(outcome.out or "[]") if e["data"]]
    cluster = 1 << 16
    expected = [(0, cluster, False, first), ((100 * per_table + 5) * cluster, cluster, False, second),
                (300000 * per_table * cluster, 2 * cluster, True, None)]
    notes = [] if outcome.code == 0 and got == expected else [f"code {outcome.code}: {got}, not {expected}", *qemu.tail(outcome.err)]
    return harness.Batch([harness.result("a disk of 256 TiB maps at once, as laid out", notes)])


# -- Broken images ----------------------------------------------------------------------------------------------------

def sample():
    image = qcow1.small()
    for number in (0, 1, 2, 64, 70):
        image.plain(number)
    return image


def with_entry(value):
    image = sample()
    image.entry(9, value)
    return image.bytes()


def with_table(value):
    image = sample()
    image.point(1, value)
    return image.bytes()


def with_odd_table():
    image = qcow1.small()
    image.plain(0)
    image.table(1, at=len(image.file) + 777)
    image.plain(66)
    return image.bytes()


def one_table_everywhere():
    """20000 L1 entries that all name one table of clusters."""
    image = qcow1.small(20000 * 64 * 512)
    for number in range(64):
        image.entry(number, 512 * (number % 3))
    for index in range(1, 20000):
        image.point(index, image.table(0))
    return image.bytes()


def long_name(length):
    return qcow1.header(1 << 16, 9, 6, l1=2048, backing_at=48, backing_length=length) + b"n" * length + bytes(4096)


# Name, bytes, and what imgaudit says; qemu-img refuses the image too.
REFUSED = [
    ("an unknown version", patched(sample(), 4, ">I", 4), "qcow version 4"),
    ("no magic", patched(sample(), 0, ">I", 0), "no qcow magic"),
    ("no size", patched(sample(), 24, ">Q", 0), "image of 0 bytes"),
    ("one byte", patched(sample(), 24, ">Q", 1), "image of 1 bytes"),
    ("a size of 2^63", patched(sample(), 24, ">Q", 1 << 63), "above 2^63 - 1"),
    ("a size that needs too large an L1 table", patched(sample(), 24, ">Q", 1 << 50), "is too large"),
    ("clusters of 2^8", patched(sample(), 32, "B", 8), "cluster size of 2^8"),
    ("clusters of 2^17", patched(sample(), 32, "B", 17), "cluster size of 2^17"),
    ("L2 tables of 2^5", patched(sample(), 33, "B", 5), "L2 tables of 2^5"),
    ("L2 tables of 2^14", patched(sample(), 33, "B", 14), "L2 tables of 2^14"),
    ("an unknown encryption", patched(sample(), 36, ">I", 2), "encryption method 2"),
    ("an L1 table at 2^63", patched(sample(), 40, ">Q", 1 << 63), "above 2^63 - 1"),
    ("an L1 table up to 2^63", patched(sample(), 40, ">Q", (1 << 63) - 8), "L1 table at bad offset"),
    ("an L2 table at 2^63", with_table(1 << 63), "L2 table 1 at bad offset"),
    ("an L2 table up to 2^63", with_table((1 << 63) - 8), "L2 table 1 at bad offset"),
    ("a backing file name of 1024 bytes", long_name(1024), "backing file name of 1024 bytes"),
]
# These qemu-img maps, but cannot read.
REFUSED_HERE = [
    ("a cluster between sectors", with_entry(1025), "at bad offset 0x401"),
    ("an L2 table that is the L1 table", with_table(48), "at bad offset 0x30"),
    ("a cluster up to 2^63", with_entry((1 << 63) - 512), "at bad offset"),
    ("20000 times the same L2 table", one_table_everywhere(), "bytes of L1 and L2 tables in a file of"),
]
# Odd, but mapped as qemu-img maps them.
MAPPED = [
    ("a disk of half a sector", patched(sample(), 24, ">Q", 300)),
    ("a disk that ends in a sector", patched(sample(), 24, ">Q", 40000)),
    ("a cluster past the end", with_entry(1 << 40)),
    ("a compressed cluster past the end", with_entry(1 << 63 | 40 << 54 | 1 << 40)),
    ("a compressed cluster without bytes", with_entry(1 << 63 | 512)),
    ("an L2 table past the end", with_table(1 << 40)),
    ("an L2 table between sectors", with_odd_table()),
    ("an L1 table past the end", patched(sample(), 40, ">Q", 1 << 40)),
    ("a backing file name past the end", patched(patched(sample(), 8, ">Q", 1 << 40), 16, ">I", 20)),
    ("an empty backing file name", patched(sample(), 8, ">Q", 48)),
    *((f"cut after {length} bytes", sample().bytes()[:length]) for length in (41, 64, 700, 1100, 2000, 3000)),
]


def test_broken_images_are_refused_or_mapped_as_by_qemu_img(directory, options):
    return harness.Batch([*verdicts.refused(options, directory, "qcow", REFUSED, by_qemu=True),
                      *verdicts.refused(options, directory, "qcow", REFUSED_HERE, by_qemu=False),
                      *verdicts.mapped(options, directory, "qcow", MAPPED)])


# -- Facts ------------------------------------------------------------------------------------------------------------

def test_a_scan_finds_facts_and_findings(directory, options):
    images = os.path.join(directory, "images")
    os.mkdir(images)
    good = qcow1.Image(3 * MIB)  # a header, and L1 table of two entries; two L2 tables; three clusters
    for number in (0, 1, 512):
        good.plain(number)
    verdicts.save(images, "good.qcow", good.bytes())
    verdicts.save(images, "twice.qcow", next(data for name, data in qcow1.seeds() if name == "one-table-twice"))
    verdicts.save(images, "overlay.qcow", qcow1.Image(3 * MIB, 9, 12, backing=b"good.qcow").bytes())
    for name, value in (("plain-past.qcow", 1 << 40), ("packed-past.qcow", 1 << 63 | 40 << 54 | 1 << 40)):
        verdicts.save(images, name, with_entry(value))
    verdicts.save(images, "cut.qcow", sample().bytes()[:1100])
    verdicts.save(images, "bad.qcow", with_entry(1025))
    facts, findings = verdicts.scan(options, images)
    expected = {"format": "qcow", "virtual_size": 3 * MIB, "cluster_size": 4096, "metadata_bytes": 3 * 4096, "data_bytes": 3 * 4096}
    got = {key: facts["good.qcow"][key] for key in expected}
    results = [verdicts.equal("facts of an image of three clusters", got, expected)]
    results.append(verdicts.equal("an L2 table named twice is metadata once", facts["twice.qcow"]["metadata_bytes"], 1024))
    got = facts["overlay.qcow"]["backing_path"]
    results.append(verdicts.equal("the backing file is followed", got, os.path.join(images, "good.qcow")))
    for name, codes in (("good.qcow", set()), ("overlay.qcow", {"backing-format-guessed"}), ("plain-past.qcow", {"truncated"}),
                        ("packed-past.qcow", {"truncated"}), ("cut.qcow", {"truncated"}), ("bad.qcow", {"corrupt"})):
        results.append(verdicts.equal(f"findings of {name}: {', '.join(codes) or 'none'}", findings[name], codes))
    return harness.Batch(results)


def test_libqcow_has_the_same_size_and_encryption(directory, options):
    name = "libqcow finds the same size and encryption"
    if not shutil.which("qcowinfo"):
        return harness.Batch([harness.Result(name, True, skipped="no qcowinfo")])
    image = qcow1.Image(5 * MIB)
    image.plain(3)
    text = qemu.must("qcowinfo", os.path.join(directory, verdicts.save(directory, "known.qcow", image.bytes())))
    mapped = qemu.execute([options.imgaudit, "map", "--output=json", "known.qcow"], directory)
    size = sum(entry["length"] for entry in qemu.entries(mapped))
    good = f"({size} bytes)" in text and "Format version\t\t: 1" in text and "None" in text
    return harness.Batch([harness.result(name, [] if good else [text])])


def jobs(options, directory):
    make = disk_writes.job_maker(options, directory)
    chosen = range(options.count) if options.only is None else [options.only]
    yield from (make(test_random_disks_map_and_read_as_for_qemu_img, index) for index in chosen)
    if options.only is None:
        yield from (make(test_every_geometry_maps_and_reads_as_built, bits) for bits in range(9, 17))
        yield from (make(function) for function in (
            test_an_encrypted_image_maps_without_its_key,
            test_a_disk_of_256_tib_maps_as_laid_out,
            test_broken_images_are_refused_or_mapped_as_by_qemu_img,
            test_a_scan_finds_facts_and_findings,
            test_libqcow_has_the_same_size_and_encryption,
        ))


def main():
    options = guest.parse(guest.parser(__doc__, count=2 * len(SHAPES)))
    return disk_writes.run(options, lambda directory: jobs(options, directory))


if __name__ == "__main__":
    harness.main(main)
