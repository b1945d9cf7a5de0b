#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a scan reads again and what it takes from the store: 500 overlays on one base, and every way
# in which a file can change, move, come or go between two scans.

import os
import shutil
import sqlite3
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import harness
import sites
from builders import vpc
from sites import CLUSTER, KIB, MIB, Site, create, make_raw, patch, qemu_io, qemu_map, without_ids, write, write_alone

OVERLAYS = 500
TEMPLATES = 10
SMALL = 4 * KIB
BASE_EXTENTS = 400
RACES = 20
ROUNDS = 15


def own_extents(path):
    """How many extents qemu-img sees in the image itself."""
    return sum(entry["depth"] == 0 and entry["present"] for entry in qemu_map(path))


def counts(scan, *words):
    return {word: scan.stats.get(word) for word in words}


def check_counts(case, name, scan, **expected):
    words = {key.replace("_", " "): value for key, value in expected.items()}
    return case.same((scan.code, counts(scan, *words)), (0, words), name, scan.notes())


# -- 500 overlays on one base -----------------------------------------------------------------------------------------

def make_base(site):
    """Every second cluster of 4 KiB, so that no two extents can be one."""
    base = create(site.path("base.qcow2"), 4 * MIB, options=["cluster_size=4k"])
    qemu_io(base, *[f"write -q -P 1 {2 * i * SMALL} {SMALL}" for i in range(BASE_EXTENTS)])
    return base


def make_template(site, number):
    """Template N has N extents, some clusters apart."""
    path = create(site.path(f"template{number}.qcow2"), 4 * MIB, "base.qcow2")
    qemu_io(path, *[f"write -q -P {number} {3 * i * CLUSTER} {CLUSTER}" for i in range(number)])
    return path


def stamp(path, number):
    """Different bytes in the first data cluster of each copy; the map stays what it was."""
    first = next(entry for entry in qemu_map(path) if entry["depth"] == 0 and entry["data"])
    patch(path, first["offset"], b"overlay %d" % number)


def make_overlay(site, templates, number):
    path = site.path(f"overlay{number:03}.qcow2")
    shutil.copy(templates[number % TEMPLATES], path)
    stamp(path, number)
    return path


def test_each_image_is_parsed_once_until_it_changes(case):
    site = case.site()
    base = make_base(site)
    templates = [make_template(site, number + 1) for number in range(TEMPLATES)]
    with ThreadPoolExecutor(2) as pool:
        overlays = list(pool.map(lambda number: make_overlay(site, templates, number), range(OVERLAYS)))
        for path in templates:
            os.unlink(path)
        extents = list(pool.map(own_extents, overlays))
    late = os.path.join(case.fresh(), "late")
    os.mkdir(late)
    for path in overlays[100:]:
        os.rename(path, os.path.join(late, os.path.basename(path)))

    case.same(own_extents(base), BASE_EXTENTS, "qemu-img sees the base's extents as they were written")
    case.same(set(extents), set(range(1, TEMPLATES + 1)), "qemu-img sees 1 to 10 extents in the overlays")
    first = site.scan()
    check_counts(case, "100 overlays: each image is parsed once, the base too", first, images=101, parsed=101, added=101,
                 extents_stored=BASE_EXTENTS + sum(extents[:100]))
    for path in overlays[100:]:
        os.rename(os.path.join(late, os.path.basename(path)), path)
    second = site.scan()
    check_counts(case, "400 more overlays: the base is not parsed again, the store grows by the overlays' own extents",
                 second, images=501, parsed=400, unchanged=101, added=400, extents_stored=sum(extents[100:]))
    case.same(site.value("SELECT count(*) FROM v_extent"), BASE_EXTENTS + sum(extents),
              "the store holds the sum of what each layer has, counted by qemu-img")
    case.same(site.value("SELECT count(*) FROM v_extent WHERE path = ?", base), BASE_EXTENTS,
              "the base's extents are stored once")
    case.same(site.query("SELECT parsed, unchanged, extents FROM v_scan ORDER BY scan_id"),
              [(101, 0, BASE_EXTENTS + sum(extents[:100])), (400, 101, sum(extents[100:]))],
              "v_scan has the same numbers as --stats")
    case.same(site.query("SELECT depth, count(*), count(DISTINCT layer_path) FROM v_chain GROUP BY depth"),
              [(0, 501, 501), (1, 500, 1)], "chains: 501 images, 500 of them on the one base")
    check_counts(case, "a third scan parses nothing and reads nothing", site.scan(), images=501, parsed=0, unchanged=501,
                 added=0, changed=0, renamed=0, vanished=0, extents_stored=0, bytes_read=0)
    write(overlays[7], 40)
    check_counts(case, "one changed overlay parses one", site.scan(), images=501, parsed=1, unchanged=500, changed=1,
                 extents_stored=extents[7] + 1)
    whole = Site(case.imgaudit, site.directory)
    whole.db = os.path.join(site.directory, "whole.db")
    check_counts(case, "a store made in one scan parses all", whole.scan(), parsed=501)
    case.check(without_ids(whole) == without_ids(site), "and has the same rows as the one made in four")


# -- One change at a time ---------------------------------------------------------------------------------------------

def small_site(case):
    """base.qcow2 with three overlays that name it by an absolute path, and clusters 0, 2 and 4 in the first."""
    site = case.site()
    base = create(site.path("base.qcow2"), MIB)
    write(base, 0, 1, 2, 3)
    for name in ("a.qcow2", "b.qcow2", "c.qcow2"):
        write(create(site.path("over", name), MIB, base), 0, 2, 4)
    check_counts(case, "four images are parsed at first", site.scan(), images=4, parsed=4, added=4)
    return site


def l2_entry(path, index):
    """The place of an entry of the first L2 table."""
    with open(path, "rb") as file:
        file.seek(40)
        file.seek(struct.unpack(">Q", file.read(8))[0])
        return (struct.unpack(">Q", file.read(8))[0] & 0x00FFFFFFFFFFFE00) + 8 * index


class Entry:
    """One cluster of an image that is taken away and put back by a write of eight bytes."""

    def __init__(self, path, index):
        self.path = path
        self.place = l2_entry(path, index)
        with open(path, "rb") as file:
            file.seek(self.place)
            self.value = file.read(8)

    def set(self, present):
        patch(self.path, self.place, self.value if present else bytes(8))


def starts(site, path):
    return [start // CLUSTER for (start,) in site.query("SELECT start FROM v_extent WHERE path = ? ORDER BY start", path)]


def test_a_change_with_its_mtime_set_back_is_read_again(case):
    site = small_site(case)
    path = site.path("over", "a.qcow2")
    before = os.stat(path)
    Entry(path, 2).set(False)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(path)
    case.same((after.st_size, after.st_mtime_ns, after.st_ino), (before.st_size, before.st_mtime_ns, before.st_ino),
              "the change left size, mtime and inode as they were")
    check_counts(case, "a change with its mtime set back is read again, by its ctime", site.scan(), parsed=1, changed=1,
                 unchanged=3)
    case.same(starts(site, path), [0, 4], "and the extent that went is gone")
    future = after.st_mtime_ns + 86400 * 10**9
    os.utime(path, ns=(future, future))
    check_counts(case, "a file from tomorrow is read", site.scan(), parsed=1)
    check_counts(case, "and then taken over, as its ctime has passed", site.scan(), parsed=0, unchanged=4)


def test_moved_images_are_renamed_and_not_parsed(case):
    site = small_site(case)
    os.rename(site.path("over", "a.qcow2"), site.path("over", "new name.qcow2"))
    check_counts(case, "a renamed file is noticed as the same image", site.scan(), images=4, renamed=1, added=0, vanished=0)
    case.same({site.relative(path) for (path,) in site.query("SELECT path FROM v_image")},
              {"base.qcow2", "over/new name.qcow2", "over/b.qcow2", "over/c.qcow2"}, "under its new name only")
    os.rename(site.path("over"), os.path.join(site.root, "moved"))
    check_counts(case, "a renamed directory: three images are renamed, none is parsed", site.scan(), images=4, parsed=0,
                 renamed=3, added=0, vanished=0)
    case.same(site.value("SELECT count(*) FROM v_chain WHERE depth = 1 AND path LIKE '%/moved/%'"), 3,
              "and their chains go on under the new names")


def test_images_that_come_and_go_are_noticed(case):
    site = small_site(case)
    shutil.copy(site.path("over", "a.qcow2"), site.path("over", "d.qcow2"))
    check_counts(case, "a new image is noticed, and only it is parsed", site.scan(), images=5, added=1, parsed=1, vanished=0)
    os.unlink(site.path("over", "b.qcow2"))
    check_counts(case, "a vanished image is noticed", site.scan(), images=4, vanished=1, parsed=0, added=0)
    gone = site.path("over", "b.qcow2")
    case.same(site.query("SELECT (SELECT count(*) FROM v_image WHERE path = ?1), (SELECT count(*) FROM v_extent WHERE path"
                         " = ?1), (SELECT count(*) FROM v_chain WHERE path = ?1)", gone), [(0, 0, 0)],
              "and nothing of it is left in the views")
    write(create(gone, MIB, site.path("base.qcow2")), 9)
    check_counts(case, "an image that comes back is new", site.scan(), images=5, added=1, parsed=1)


def test_a_replaced_file_is_read_again_as_the_same_image(case):
    site = small_site(case)
    path = site.path("over", "a.qcow2")
    before = os.stat(path)
    other = os.path.join(site.directory, "other.qcow2")
    shutil.copy(path, other)
    Entry(other, 4).set(False)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.rename(other, path)
    case.same((os.stat(path).st_size, os.stat(path).st_mtime_ns), (before.st_size, before.st_mtime_ns),
              "the replacement has the same size and mtime")
    check_counts(case, "a file replaced by a rename is read again, as the same image", site.scan(), images=4, parsed=1,
                 changed=1, added=0, vanished=0, unchanged=3)
    case.same(starts(site, path), [0, 2], "with its new extents")
    os.rename(site.path("over", "b.qcow2"), path)
    check_counts(case, "renamed over another: that one vanished", site.scan(), images=3, vanished=1, renamed=1, added=0)
    case.same(starts(site, path), [0, 2, 4], "and the extents moved along with the name")


def test_swapped_directories_are_renamed_and_not_parsed(case):
    """File times do not change when directories swap their names; every path does."""
    site = case.site()
    for name, cluster in (("left", 1), ("right", 5)):
        write(create(site.path(name, "base.qcow2"), MIB), cluster)
        write(create(site.path(name, "over.qcow2"), MIB, "base.qcow2"), 9)
    site.scan()
    os.rename(site.path("left"), os.path.join(site.root, "aside"))
    os.rename(site.path("right"), os.path.join(site.root, "left"))
    os.rename(site.path("aside"), os.path.join(site.root, "right"))
    check_counts(case, "swapped directories: all renamed, none parsed", site.scan(), images=4, renamed=4, parsed=0)
    case.same([starts(site, site.path(name, "base.qcow2")) for name in ("left", "right")], [[5], [1]],
              "extents went with the files")
    case.same([site.value("SELECT layer_path FROM v_chain WHERE path = ? AND depth = 1", site.path(name, "over.qcow2"))
               for name in ("left", "right")], [site.path(name, "base.qcow2") for name in ("left", "right")],
              "and each overlay lies on the base beside it")


def test_a_write_right_after_a_scan_is_noticed(case):
    """A write of eight bytes as soon as the scan has ended: same size, time stamps as near as can be."""
    site = small_site(case)
    path = site.path("over", "a.qcow2")
    entry = Entry(path, 2)
    missed = []
    for turn in range(RACES):
        entry.set(turn % 2 == 1)
        scan = site.scan()
        expected = [0, 2, 4] if turn % 2 == 1 else [0, 4]
        if scan.stats.get("parsed") != 1 or starts(site, path) != expected:
            missed.append(f"turn {turn}: parsed {scan.stats.get('parsed')}, clusters {starts(site, path)} for {expected}")
    case.same(missed, [], f"{RACES} writes, each right after a scan, are all noticed")


def keep_writing(entry, stop):
    turn = 0
    while not stop.is_set():
        turn += 1
        entry.set(turn % 2 == 1)
    entry.set(False)


def test_writes_during_a_scan_leave_no_stale_map(case):
    """What a busy writer leaves behind is what the next scan shows, however the scans met it."""
    site = small_site(case)
    path = site.path("over", "a.qcow2")
    entry = Entry(path, 2)
    wrong = []
    marked = 0
    for turn in range(RACES // 2):
        stop = threading.Event()
        writer = threading.Thread(target=keep_writing, args=(entry, stop))
        writer.start()
        during = site.scan()
        stop.set()
        writer.join()
        marked += during.code == 3
        if during.code not in (0, 3):
            wrong.append(f"turn {turn}: exit code {during.code} during the writes")
        site.scan()
        if starts(site, path) != [0, 4]:
            wrong.append(f"turn {turn}: clusters {starts(site, path)} for [0, 4]")
    case.same(wrong, [], "an image that is written all the time never leaves a stale map behind")
    case.out.note(f"{marked} of {RACES // 2} scans saw it change under their eyes")


# -- Many changes at once, compared with a store that starts anew -----------------------------------------------------

def random_change(rng, site, serial):
    images = sorted(os.listdir(site.root))
    name = rng.choice(images)
    path = site.path(name)
    kind = rng.choice(["write", "rename", "remove", "new", "copy", "link", "rebase", "touch", "raw"])
    if kind in ("write", "rebase", "copy") and not name.endswith(".qcow2"):
        kind = "touch"
    if kind == "write":
        write_alone(path, rng.randrange(16), pattern=rng.randrange(256))
    elif kind == "rename":
        os.rename(path, site.path(f"renamed{serial}{os.path.splitext(name)[1]}"))
    elif kind == "remove" and len(images) > 5:
        os.unlink(path)
    elif kind == "copy":
        shutil.copy(path, site.path(f"copy{serial}.qcow2"))
    elif kind == "link":
        os.link(path, site.path(f"link{serial}{os.path.splitext(name)[1]}"))
    elif kind == "rebase":
        base = rng.choice([other for other in images if other != name])
        form = "qcow2" if base.endswith(".qcow2") else "raw"
        sites.must("qemu-img", "rebase", "-u", "-b", base, "-F", form, path)
    elif kind == "raw":
        make_raw(site.path(f"raw{serial}.img"), rng.randrange(1, 16) * CLUSTER)
    elif kind == "new":
        base = rng.choice([other for other in images if other.endswith(".qcow2")])
        write_alone(create(site.path(f"new{serial}.qcow2"), MIB, base), rng.randrange(16))
    else:
        os.utime(path)


def test_after_random_changes_the_store_equals_a_new_one(case):
    rng = case.random("incremental")
    site = case.site()
    for number in range(6):
        write_alone(create(site.path(f"start{number}.qcow2"), MIB, f"start{number - 1}.qcow2" if number % 3 else None), number)
    different = []
    for turn in range(ROUNDS):
        site.scan()
        for change in range(rng.randrange(1, 5)):
            random_change(rng, site, turn * 10 + change)
        scan = site.scan()
        anew = Site(case.imgaudit, site.directory)
        anew.db = os.path.join(site.directory, f"anew{turn}.db")
        other = anew.scan()
        if scan.code != other.code or scan.code is None:
            different.append(f"round {turn}: exit codes {scan.code} and {other.code}")
        for what, (left, right) in enumerate(zip(without_ids(site), without_ids(anew))):
            difference = sorted(map(str, set(left) ^ set(right)))
            different.extend(f"round {turn}, query {what}: {row}" for row in difference[:4])
    case.check(not different, f"after {ROUNDS} rounds of random changes the store has what a new one has", different[:20])


def test_a_fixed_vhd_stays_a_vhd_without_its_overlay(case):
    """A fixed VHD has its mark at its end. No overlay names it any more, and it is written to: it is still a VHD."""
    site = case.site()
    base = create(site.path("base.vhd"), MIB, format="vpc", options=["subformat=fixed", "force_size=on"])
    create(site.path("over.qcow2"), MIB, "base.vhd", "vpc")
    known = [(base, "vpc", "footer", MIB)]
    query = "SELECT path, format, format_basis, virtual_size FROM v_image WHERE path LIKE '%.vhd'"
    site.scan()
    case.same(site.query(query), known, "a fixed VHD with an overlay is known by its footer")
    os.unlink(site.path("over.qcow2"))
    write(base, 0, format="vpc")
    site.scan()
    case.same(site.query(query), known, "and still is once that is gone and the file has changed")


def test_a_base_whose_data_file_changed_is_read_again(case):
    """It is read again, as its overlay states it. That is what it is: nothing is in conflict, and nothing is read aside."""
    site = case.site()
    write(create(site.path("root.qcow2"), MIB), 0)
    data = site.path("base.data")
    base = create(site.path("base.qcow2"), MIB, "root.qcow2", options=[f"data_file={data}"])
    write(base, 0)
    create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    patch(data, 0, b"changed")
    scan = site.scan()
    check_counts(case, "a base is read again when only its data file changed", scan, parsed=1, changed=1)
    case.same(site.findings(), {("backing-written", "base.qcow2")}, "that it was written to is all that is found")
    kinds = site.query("SELECT kind, count(*) FROM reference GROUP BY kind ORDER BY kind")
    case.same(kinds, [("backing", 2), ("data-file", 1)], "and it names what it named before")
    case.same({name: row["status"] for name, row in site.unused().items()}, {"root.qcow2": "fully-masked"},
              "so that what lies below it can still be judged")


# What no view says, and reports go by: by path, and without numbers of images.
ABILITIES = ("SELECT * FROM format ORDER BY name",
             "SELECT i.path, t.unit, t.cluster, t.zeroes, t.can_rebase, t.can_be_trimmed, h.version, h.compression FROM image AS i"
             " JOIN image_ability AS t ON t.image_id = i.image_id JOIN image_header AS h ON h.image_id = i.image_id ORDER BY i.path")


def test_rows_taken_from_the_store_are_made_anew(case):
    """Somebody's SQL shell, without foreign keys, took rows away: the next scan makes them anew."""
    site = case.site()
    create(site.path("base.qcow2"))
    for name in ("one.qcow2", "two.qcow2"):
        write(create(site.path(name), MIB, "base.qcow2"), 0)
    for name in ("base.qcow2", "one.qcow2", "two.qcow2"):
        os.utime(site.path(name), (1, 1))
    site.scan()
    before = without_ids(site) + [site.query(query) for query in ABILITIES]
    for sql in ("DELETE FROM file WHERE path LIKE '%one%'", "DELETE FROM mapping", "DELETE FROM image_header", "DELETE FROM image_ability", "DELETE FROM format", "DELETE FROM image_memory WHERE image_id = 2"):
        with closing(sqlite3.connect(site.db)) as connection, connection:
            connection.execute(sql)
        scan = site.scan()
        after = without_ids(site) + [site.query(query) for query in ABILITIES]
        case.same((scan.code, after), (0, before), f"after {sql}", scan.notes())


def test_names_of_an_unchanged_image_outlast_scans(case):
    """What an image names beside its backing file, paths to try for a parent and parts, outlasts scans that do not read it."""
    block = 2 * MIB
    names = "SELECT i.path, r.kind, r.number, r.role, r.place, r.name, r.path, r.state, r.target_id FROM reference AS r" \
            " JOIN image AS i ON i.image_id = r.image_id ORDER BY 1, 2, 3"
    chains = "SELECT path, depth, layer_path FROM v_chain ORDER BY path, depth"
    site = case.site()
    os.makedirs(site.root, exist_ok=True)
    parent = vpc.Parent(unique=vpc.identity(1), name="base.vhd", locators=[(b"W2ru", ".\\gone.vhd"), (b"W2ku", "C:\\x\\base.vhd")])
    for name, data in (("base.vhd", vpc.fixed(vpc.pattern(block, 1), vpc.Footer(block, unique=vpc.identity(1)))),
                       ("child.vhd", vpc.sparse({}, vpc.Footer(block, unique=vpc.identity(2)), vpc.Layout(block), parent))):
        with open(site.path(name), "wb") as file:
            file.write(data)
    create(site.path("flat.vmdk"), MIB, format="vmdk", options=["subformat=monolithicFlat"])
    time.sleep(0.05)  # a file that was written to just now is read again
    first = site.scan()
    before = site.query(names), site.query(chains)
    kinds = {row[1] for row in before[0]}
    case.check({"backing", "parent-path", "extent"} <= kinds, "all kinds of names are there", [str(kinds), first.notes()])
    case.check((site.path("child.vhd"), 1, site.path("base.vhd")) in before[1], "the parent is found", before[1])
    scans = [site.scan()]
    create(site.path("new.qcow2"), MIB)  # now all references are written anew
    scans.append(site.scan())
    os.remove(site.path("new.qcow2"))
    scans.append(site.scan())
    for scan, parsed in zip(scans, (0, 1, 0)):
        case.same((scan.code, scan.stats.get("parsed")), (first.code, parsed), "no image is read again", scan.notes())
    case.same((site.query(names), site.query(chains)), before, "the names of unchanged images are what they were")
    os.rename(site.path("base.vhd"), site.path("moved.vhd"))
    site.scan()
    os.rename(site.path("moved.vhd"), site.path("base.vhd"))
    site.scan()
    case.same((site.query(names), site.query(chains)), before, "also after their parent was away")


def test_a_part_whose_descriptor_went_stays_unrecognised(case):
    """Its name still says image, so it stays one that was not recognised, as on the first scan of it alone."""
    site = case.site()
    os.makedirs(site.root, exist_ok=True)
    create(site.path("flat.vmdk"), MIB, format="vmdk", options=["subformat=monolithicFlat"])
    found = "SELECT path, code FROM finding"
    site.scan()
    case.same(site.query(found), [], "a part is no finding while its descriptor names it")
    os.remove(site.path("flat.vmdk"))
    for name in ("once the descriptor went it is unrecognised", "and stays so on the next scan"):
        site.scan()
        case.same(site.query(found), [(site.path("flat-flat.vmdk"), "unrecognised")], name)


TESTS = [
    test_rows_taken_from_the_store_are_made_anew,
    test_names_of_an_unchanged_image_outlast_scans,
    test_each_image_is_parsed_once_until_it_changes,
    test_a_change_with_its_mtime_set_back_is_read_again,
    test_moved_images_are_renamed_and_not_parsed,
    test_images_that_come_and_go_are_noticed,
    test_a_replaced_file_is_read_again_as_the_same_image,
    test_swapped_directories_are_renamed_and_not_parsed,
    test_a_part_whose_descriptor_went_stays_unrecognised,
    test_a_fixed_vhd_stays_a_vhd_without_its_overlay,
    test_a_base_whose_data_file_changed_is_read_again,
    test_a_write_right_after_a_scan_is_noticed,
    test_writes_during_a_scan_leave_no_stale_map,
    test_after_random_changes_the_store_equals_a_new_one,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Incremental scans.", TESTS))
