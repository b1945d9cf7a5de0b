#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Parallels images against qemu-img: expandable ones of both versions map and read as there. qemu-img cannot open a
# DiskDescriptor.xml, but each of its pieces: put together by this test they are what the disk must be.

import os
import struct

import harness
import guest
import parallels_disk
import qemu
from parallels_disk import build, refusal, scan, write

SECTOR = build.SECTOR
CLUSTER_SECTORS = (1, 2, 8, 63, 128, 2048)


# -- Expandable images ------------------------------------------------------------------------------------------------

def compare(options, directory, name, label, content=None, size=None):
    """Results: the map and the contents of one image are qemu-img's, and what the test knows."""
    notes = guest.compare_maps(options, name, "parallels", directory)[1]
    results = [harness.result(f"map equals qemu-img: {label}", notes)]
    results.append(guest.content_result(options, f"content equals qemu-img: {label}",
                                          lambda: guest.compare_with_convert(options, name, "parallels", directory)))
    if content is not None:
        results.append(guest.content_result(options, f"content is what was built: {label}",
                                              lambda: guest.compare_with_content(options, name, size, content, "parallels", directory)))
    return results


def test_images_made_by_qemu_img_map_and_read_as_for_it(directory, options, index):
    """qemu-img makes the image, qemu-io writes to it."""
    rng = harness.generator(options.seed, "created", index)
    cluster = CLUSTER_SECTORS[index % len(CLUSTER_SECTORS)] * SECTOR
    size = cluster * rng.randint(1, 200) + SECTOR * rng.randrange(4)
    qemu.must("qemu-img", "create", "-q", "-f", "parallels", "-o", f"cluster_size={cluster}", "image", size, cwd=directory)
    commands = []
    for number in range(rng.randrange(12)):
        at = rng.randrange(size // SECTOR) * SECTOR
        length = min(size - at, rng.choice([SECTOR, cluster, 3 * cluster]))
        commands.append(f"write -P {number + 1} {at} {length}")
    if commands:
        guest.qemu_io("image", *commands, form="parallels", cwd=directory)
    return harness.Batch(compare(options, directory, "image", f"created, clusters of {cluster}"))


def random_expandable(rng, magic):
    tracks = rng.choice(CLUSTER_SECTORS[:-1])
    sectors = rng.randint(1, 120 * tracks)
    count = -(-sectors // tracks)
    chosen = rng.sample(range(count), rng.randint(0, count))
    if rng.randrange(2):
        chosen.sort()
    clusters = {cluster: rng.randbytes(tracks * SECTOR) for cluster in chosen}
    data_off = rng.choice([None, 0, -(-(64 + 4 * count) // SECTOR) + 5]) if magic == build.V1 else None
    return build.Expandable(sectors, tracks, clusters, magic=magic, gap=rng.randrange(3), data_off=data_off,
                            in_use=rng.choice([0, build.IN_USE, build.CLOSED]), flags=rng.randrange(2))


def content_of(image):
    size = image.sectors * SECTOR
    content = {}
    for cluster, data in image.clusters.items():
        at = cluster * image.cluster_size
        content[at] = data[:size - at]
    return content


def test_built_images_map_and_read_as_built(directory, options, index):
    rng = harness.generator(options.seed, "built", index)
    magic = (build.V1, build.V2)[index % 2]
    image = random_expandable(rng, magic)
    write(os.path.join(directory, "image"), image.to_bytes())
    label = f"{magic.decode()}, {image.tracks} sectors a cluster"
    return harness.Batch(compare(options, directory, "image", label, content_of(image), image.sectors * SECTOR))


def empty_with_bitmap():
    """The bits of the bitmap are in a cluster of their own, before the extension."""
    return build.Expandable(1 << 27, 2048, gap=1, features=[build.bitmap(1 << 27, 128, [2048])])


def odd_images():
    """Images that QEMU maps although the specification says otherwise, or that are at a bound."""
    one = build.filled([1], 8)
    yield "no disk at all", build.Expandable(0, entries=0).to_bytes()
    yield "no entry allocated", build.Expandable(1 << 20).to_bytes()
    yield "a BAT shorter than the disk", build.Expandable(128, 8, one, entries=4).to_bytes()
    yield "a BAT longer than the disk", build.Expandable(24, 8, one, entries=9, patch={8: 1}).to_bytes()
    yield "entries past the end of the file", build.Expandable(128, 8, one, patch={3: 0xFFFFFFFF, 4: 77, 5: 78}).to_bytes()
    yield "entries inside of the header", build.Expandable(128, 8, one, magic=build.V1, patch={3: 1, 4: 9, 5: 17}).to_bytes()
    yield "one cluster twice", build.Expandable(128, 8, one, patch={3: 1, 4: 1}).to_bytes()
    yield "runs over a wrapping entry", build.Expandable(128, 8, one, magic=build.V1, patch={3: 2**32 - 8, 4: 1, 5: 9}).to_bytes()
    yield "the largest offsets", build.Expandable(4 * 4186127, 4186127, entries=4, data_off=64,
                                                  patch={0: 2**32 - 2, 1: 2**32 - 1}).to_bytes()[:4096]
    yield "version 1 with high bits in its size", build.Expandable(2**33 + 64, 8, one, magic=build.V1, entries=8).to_bytes()
    yield "a wrong data offset", build.Expandable(128, 8, one, data_off=3).to_bytes()
    yield "a file that ends inside of its BAT", build.Expandable(8 * 4096, 8, {}).to_bytes()[:4000]
    yield "a file that ends inside of its header", build.Expandable(128, 8, one).to_bytes()[:40]
    yield "a file that ends inside of a cluster", build.Expandable(128, 8, one).to_bytes()[:-1000]
    yield "900 GiB", build.Expandable(900 << 21, 2048, {0: b"x", 899 << 10: b"y"}).to_bytes()
    yield "marked as in use by nobody", build.Expandable(128, 8, one, in_use=5).to_bytes()
    yield "a dirty bitmap", build.Expandable(128, 8, one, features=[build.bitmap(128, 1, [1])]).to_bytes()
    yield "a dirty bitmap and no data", empty_with_bitmap().to_bytes()
    first = lambda **more: build.Expandable(4096, 128, build.filled(range(4), 128), in_use=0, data_off=128, **more).to_bytes()
    yield "the first clusters of version 1, from 64 KiB on", first(magic=build.V1)
    yield "the same of version 2", first()
    half = patched(first(magic=build.V1, entries=16), 20, "<Q", 0)
    yield "version 1 without geometry and data offset, with half a BAT", patched(half, 48, "<I", 0)
    yield "two dirty bitmaps", build.Expandable(
        1024, 1, build.filled([7], 1), features=[build.bitmap(1024, 2, [8]), build.bitmap(1024, 1024, [0], number=1)]).to_bytes()


def test_odd_images_map_and_read_as_for_qemu_img(directory, options):
    results = []
    for number, (label, data) in enumerate(odd_images()):
        name = f"odd{number}"
        write(os.path.join(directory, name), data)
        theirs, notes = guest.compare_maps(options, name, "parallels", directory)
        if theirs.code != 0:
            notes = [f"qemu-img ended with {theirs.code}", *qemu.tail(theirs.err)]
        results.append(harness.result(f"map equals qemu-img: {label}", notes))
        if "GiB" not in label and "largest" not in label:
            results.append(guest.content_result(
                options, f"content equals qemu-img: {label}",
                lambda name=name: guest.compare_with_convert(options, name, "parallels", directory)))
    return harness.Batch([*results, test_a_disk_of_5_tib_is_mapped(directory, options)])


def test_a_disk_of_5_tib_is_mapped(directory, options):
    """qemu-img 7.2 counts the sectors of a run in 32 bits and gives up."""
    tib = 1 << 40
    image = build.Expandable(5 * tib // SECTOR, 2048, {0: b"x", (5 << 20) - 1: b"y"})
    write(os.path.join(directory, "huge"), image.to_bytes())
    ours = qemu.imgaudit_map(options.imgaudit, "huge", ["--output=json"], directory)
    data = {"depth": 0, "present": True, "zero": False, "data": True, "compressed": False}
    hole = {"depth": 0, "present": False, "zero": True, "data": False, "compressed": False}
    mib = image.cluster_size
    expected = [{"start": 0, "length": mib, **data, "offset": image.data_start},
                {"start": mib, "length": 5 * tib - 2 * mib, **hole},
                {"start": 5 * tib - mib, "length": mib, **data, "offset": image.data_start + mib}]
    got = qemu.entries(ours) if ours.code == 0 else ours.err
    return harness.result("map of 5 TiB with its first and its last cluster", [] if got == expected else [str(expected), str(got)])


def refused_images():
    """(label, bytes, words of the message, whether qemu-img refuses it, too)"""
    plain = lambda **more: build.Expandable(**{"sectors": 128, "clusters": build.filled([1], 8), **more}).to_bytes()
    extended = lambda *features: plain(features=list(features))
    cluster = lambda **more: plain(extension=build.extension_cluster([], 4096, **more))
    yield "version 3", plain(version=3), "parallels version 3", True
    yield "other bytes", bytes(512), "no parallels magic", True
    yield "clusters of no sectors", patched(plain(), 28, "<I", 0), "clusters of 0 sectors", True
    yield "clusters of 2 GiB", patched(plain(), 28, "<I", 4186128), "clusters of 4186128 sectors", True
    yield "too many entries", patched(plain(), 32, "<I", 0x20000000), "a BAT of 536870912 entries", True
    yield "a size above 2^63", patched(plain(), 36, "<Q", 2**54 + 128), "a disk of 18014398509482112 sectors", True
    yield "more clusters than 32 bits count", patched(plain(), 36, "<Q", 2**36), "a disk of 68719476736 sectors", False
    yield "an extension past the end", patched(plain(), 56, "<Q", 2**40), "format extension at 0x2000000000000", True
    yield "an extension at a sector of 61 bits", patched(plain(), 56, "<Q", 2**60), "format extension at sector", False
    yield "an extension without magic", cluster(magic=7), "no magic of a format extension", True
    yield "an extension with a wrong checksum", cluster(checksum=bytes(16)), "wrong checksum of the format extension", True
    yield "an extension without an end", plain(extension=build.extension_cluster(
        [build.feature(77, bytes(4072 - 24))], 4096, end=False)), "format extension without an end", True
    yield "a feature longer than its cluster", extended(struct.pack("<QQII", 77, 0, 5000, 0)), "feature 0x4d", True
    yield "an unknown necessary feature", extended(build.feature(77, b"", build.NECESSARY)), "unknown necessary feature 0x4d", True
    yield "a bitmap with flags", extended(build.feature(build.DIRTY_BITMAP, bytes(32), build.TRANSIT)), "flags 0x2", True
    yield "a bitmap without its header", extended(build.feature(build.DIRTY_BITMAP, bytes(31))), "dirty bitmap of 31 bytes", True
    yield "a bitmap of another size", extended(build.bitmap(128, 1, [0], size=64)), "dirty bitmap of 64 sectors", True
    yield "a bitmap without granularity", extended(build.bitmap(128, 0, [0])), "granularity of 0 sectors", False
    yield "a bitmap with a crooked granularity", extended(build.bitmap(128, 3, [0])), "granularity of 3 sectors", False
    yield "a bitmap with too long a table", extended(build.bitmap(128, 1, [0, 0])), "a table of 2 entries", True
    yield "a bitmap with too short a table", extended(build.bitmap(128, 1, [])), "a table of 0 entries", True


def patched(data, at, form, value):
    data = bytearray(data)
    struct.pack_into(form, data, at, value)
    return bytes(data)


def test_broken_images_are_refused(directory, options):
    results = []
    for number, (label, data, words, qemu_too) in enumerate(refused_images()):
        name = f"refused{number}"
        write(os.path.join(directory, name), data)
        notes = refusal(options, directory, name, words)
        theirs = qemu.qemu_map([name], ["-f", "parallels"], directory)
        if qemu_too != (theirs.code == 1) and (qemu_too or not qemu.refuses_more()):
            notes.append(f"qemu-img ended with {theirs.code}")
        results.append(harness.result(f"refused: {label}", notes))
    return harness.Batch(results
                         + [*test_unknown_optional_features_are_passed_over(directory, options),
                            *test_what_qemu_takes_for_no_parallels_image_is_none(directory, options)])


def test_unknown_optional_features_are_passed_over(directory, options):
    """qemu-img refuses what it does not know of an extension; the specification says what may be dropped."""
    with_it = build.Expandable(128, 8, build.filled([1, 3], 8), features=[build.feature(77, b"odd", build.TRANSIT)])
    write(os.path.join(directory, "with"), with_it.to_bytes())
    with_it.features = []
    write(os.path.join(directory, "without"), with_it.to_bytes())
    theirs = qemu.qemu_map(["without"], ["--output=json"], directory)
    ours = qemu.imgaudit_map(options.imgaudit, "with", ["--output=json"], directory)
    yield harness.result("an unknown feature that is not necessary is passed over", qemu.compare_json("json", theirs, ours))


def test_what_qemu_takes_for_no_parallels_image_is_none(directory, options):
    """What QEMU does not take for Parallels is not taken for it here."""
    for label, data in (("version 3", build.Expandable(128, version=3).to_bytes()), ("other XML", b"<?xml version='1.0'?><domain/>" * 40),
                        ("the element's name behind 512 bytes", b"<?xml version='1.0'?>" + b" " * 500 + b"<Parallels_disk_image/>")):
        write(os.path.join(directory, "probed"), data)
        yield harness.result(f"no Parallels image: {label}", guest.compare_maps(options, "probed", None, directory)[1])


# -- What a scan finds -------------------------------------------------------------------------------------------------

def expandable_facts():
    """(label, image, facts of a scan): flags, what the file lacks, bytes of metadata by hand."""
    one = build.filled([1], 8)
    extended = build.Expandable(8 << 15, 8, one, features=[build.bitmap(8 << 15, 1, [1 << 10] + [0] * 7)])
    whole = build.Expandable(128, 8, one)
    yield "a closed image", whole.to_bytes(), (0, 0, "v2", 4096, 4096)
    yield "an image in use", build.Expandable(128, 8, one, in_use=build.IN_USE).to_bytes(), (1, 0, "v2", 4096, 4096)
    yield "an empty image", build.Expandable(128, 8, flags=1).to_bytes(), (0, 0, "v2 empty", 4096, 4096)
    yield "a cluster cut short", whole.to_bytes()[:-512], (0, 1, "v2", 4096, 4096)
    yield "a cluster past the end", build.Expandable(128, 8, one, patch={2: 9}).to_bytes(), (0, 1, "v2", 4096, 4096)
    yield "a cluster past the end of the disk", build.Expandable(121, 8, one, patch={15: 2}).to_bytes() + bytes(512), (0, 0, "v2", 4096, 4096)
    yield "a BAT cut short", build.Expandable(8 * 4096, 8).to_bytes()[:4000], (0, 1, "v2", 4096, 20480)
    yield "version 1", build.Expandable(63 * 200, 63, magic=build.V1).to_bytes(), (0, 0, "v1", 63 * SECTOR, 1024)
    yield "a dirty bitmap", extended.to_bytes(), (0, 0, "v2 dirty-bitmap", 4096, 135168 + 2 * 4096)
    yield "a dirty bitmap and no data", empty_with_bitmap().to_bytes(), (0, 0, "v2 dirty-bitmap", 1 << 20, 3 << 20)


def test_a_scan_finds_the_facts_of_expandable_images(directory, options):
    results = []
    for label, data, expected in expandable_facts():
        write(os.path.join(directory, "image.hds"), data)
        db = scan(options, directory)
        row = db.execute("SELECT dirty, truncated, variant, cluster_size, metadata_bytes FROM v_image JOIN v_usage USING (image_id)").fetchone()
        db.close()
        results.append(harness.result(f"a scan finds of {label}", [] if row == expected else [f"expected {expected}", f"got {row}"]))
    return harness.Batch(results)


def jobs(options, directory):
    groups = {
        "created": (test_images_made_by_qemu_img_map_and_read_as_for_it, len(CLUSTER_SECTORS)),
        "built": (test_built_images_map_and_read_as_built, options.count),
        "disk": (parallels_disk.test_a_disk_of_several_files_maps_as_its_pieces, options.count),
    }
    for group, (function, count) in groups.items():
        for index in range(count) if options.only is None else [options.only]:
            yield harness.Job(function, (options, index), os.path.join(directory, f"{group}-{index}"), harness.keep_failed(options))
    for function in (
        test_odd_images_map_and_read_as_for_qemu_img,
        test_broken_images_are_refused,
        parallels_disk.test_bad_descriptors_are_refused_and_good_ones_mapped,
        test_a_scan_finds_the_facts_of_expandable_images,
    ) if options.only is None else ():
        yield harness.Job(function, (options,), os.path.join(directory, function.__name__), harness.keep_failed(options))


def main():
    options = guest.parse(guest.parser("Compares Parallels images with qemu-img, and disks of several files with their pieces.",
                                           count=2 * len(parallels_disk.KINDS)))
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        for batch in harness.run_jobs(jobs(options, directory), options.jobs):
            for result in batch.results:
                out.report(result)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
