#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What little costs little: the store and its rows do not grow faster than what they describe. Rows are counted, and sizes
# are compared; expectations are worked out by hand, or are those of qemu-img.

import struct

import harness
import sites
from sites import CLUSTER, MIB, create, must, write

CHAIN_TABLES = ("chain", "chain_place", "chain_change")


def chain_rows(site):
    return [site.value(f"SELECT count(*) FROM {table}") for table in CHAIN_TABLES]


def make_chain(site, count, clusters=lambda number: ()):
    for number in range(count):
        path = create(site.path(f"{number}.qcow2"), MIB, f"{number - 1}.qcow2" if number else None)
        if clusters(number):
            write(path, *clusters(number))


# -- Chains -----------------------------------------------------------------------------------------------------------

def test_a_chain_has_rows_in_proportion_to_its_images(case):
    """Empty overlays on a base: each has itself, and nothing that its backing image has otherwise."""
    site = case.site()
    make_chain(site, 60, lambda number: range(4) if number == 0 else ())
    site.scan()
    case.same(chain_rows(site), [60, 60, 59], "a chain of 60 has a row for each image, and one about each that is not the head")
    case.same(site.value("SELECT count(*) FROM v_chain"), 60 * 61 // 2, "v_chain has the chains of all")
    for number in range(60, 120):
        create(site.path(f"{number}.qcow2"), MIB, f"{number - 1}.qcow2")
    site.scan()
    case.same(chain_rows(site), [120, 120, 119], "with twice the images it has twice the rows")


def read_by_qemu(path):
    """Guest bytes and bytes of data by depth."""
    visible, data = {}, {}
    for entry in sites.qemu_map(path):
        depth = entry["depth"]
        visible[depth] = visible.get(depth, 0) + entry["length"] * entry.get("present", False)
        data[depth] = data.get(depth, 0) + entry["length"] * entry["data"]
    return visible, data


def faults_of_chain(site, path, count):
    visible, data = read_by_qemu(path)
    wanted = [(depth, visible.get(depth, 0), data.get(depth, 0)) for depth in range(count)]
    rows = site.query("SELECT depth, visible_bytes, data_bytes FROM v_chain WHERE path = ? ORDER BY depth", path)
    return [] if rows == wanted else [f"{site.relative(path)}: {rows}, qemu-img: {wanted}"]


def faults_of_map(site, path):
    wanted = [(entry["start"], entry["length"], entry["depth"], int(entry["zero"]), int(entry["data"])) for entry in sites.qemu_map(path)]
    rows = site.query("SELECT start, length, depth, zero, data FROM v_map WHERE path = ? ORDER BY start", path)
    return [] if rows == wanted else [f"{site.relative(path)}: {rows}, qemu-img: {wanted}"]


def test_images_inside_a_chain_have_the_chain_and_map_of_qemu_img(case):
    """A trunk of eight images of different sizes with two heads in the middle and one at its end."""
    site = case.site()
    sizes = [16, 16, 12, 12, 16, 10, 20, 16]
    for number, size in enumerate(sizes):
        path = create(site.path(f"{number}.qcow2"), size * CLUSTER, f"{number - 1}.qcow2" if number else None)
        write(path, *range(number, 10, 3)) if number else write(path, *range(16))
    for name, base, clusters in (("left", 3, (0, 5)), ("right", 3, (1,)), ("top", 7, (2, 9))):
        write(create(site.path(f"{name}.qcow2"), MIB, f"{base}.qcow2"), *clusters)
    site.scan()
    lengths = {f"{number}.qcow2": number + 1 for number in range(8)} | {"left.qcow2": 5, "right.qcow2": 5, "top.qcow2": 9}
    chains = [fault for name, count in lengths.items() for fault in faults_of_chain(site, site.path(name), count)]
    case.same(chains, [], "v_chain has of each layer what qemu-img reads from it")
    case.same([fault for name in lengths for fault in faults_of_map(site, site.path(name))], [], "and v_map is the map")


def test_images_inside_a_broken_chain_have_rows_down_to_the_break(case):
    site = case.site()
    make_chain(site, 6, range)
    sites.patch(site.path("3.qcow2"), 40, b"\xff" * 8)  # l1_table_offset
    site.scan()
    rows = site.query("SELECT i.path, c.depth, c.data_bytes FROM v_chain AS c JOIN v_image AS i USING (image_id) ORDER BY 1, 2")
    known = {(site.relative(path), depth): data for path, depth, data in rows}
    case.same([known["2.qcow2", depth] for depth in range(3)], [2 * CLUSTER, 0, 0], "an image below the break has its whole chain",
              [str(rows)])
    case.same({depth: data for (name, depth), data in known.items() if name == "5.qcow2"}, {0: None, 1: None, 2: None},
              "one above it has rows down to the break, and what it reads is not known")


# -- Doubts -----------------------------------------------------------------------------------------------------------

def test_doubts_of_one_code_are_listed_up_to_a_hundred(case):
    """Three bases one upon the other, each of them read by 130 images that are damaged."""
    site = case.site()
    make_chain(site, 3, lambda number: range(4))
    for number in range(130):
        path = create(site.path(f"broken-{number}.qcow2"), MIB, "2.qcow2")
        with open(path, "rb") as file:
            file.seek(40)
            table = int.from_bytes(file.read(8), "big")
        sites.patch(path, table, (1 << 63 | 512).to_bytes(8, "big"))  # of an L2 table, which begins at a cluster
    site.scan()
    doubts = site.query("SELECT path, count(*), count(DISTINCT subject) FROM v_doubt WHERE code = 'not-understood' AND image_id IS NOT NULL GROUP BY 1")
    case.same({(site.relative(path), count, subjects) for path, count, subjects in doubts},
              {(f"{number}.qcow2", 101, 101) for number in range(2)}, "a hundred of 130 are listed for each, and one row for the rest")
    rest = site.query("SELECT DISTINCT subject FROM v_doubt WHERE code = 'not-understood' AND subject NOT LIKE '%.qcow2%'")
    case.same(rest, [("30 more",)], "which has their number")
    why = site.unused()["0.qcow2"]["why"]
    case.check("and 127 more" in why, "the words of the candidate count all of them", [why])


# -- Tables -----------------------------------------------------------------------------------------------------------

TABLE_ENTRIES = CLUSTER // 8


def make_tables(path, tables, distinct, snapshots=0):
    """An L1 table with so many entries, which name so many L2 tables in turn; each of those has every other cluster, none with data.
    Snapshots have the same L1 table."""
    l1 = 8 * CLUSTER
    l1_bytes = b"".join(struct.pack(">Q", (64 + number % distinct) * CLUSTER) for number in range(tables))
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, tables * TABLE_ENTRIES * CLUSTER, 0, tables, l1, 2 * CLUSTER, 1,
                         snapshots, 5 * CLUSTER if snapshots else 0)
    entry = struct.pack(">QIHHIIQII", l1, tables, 1, 1, 0, 0, 0, 0, 16) + struct.pack(">QQ", 0, tables * TABLE_ENTRIES * CLUSTER) + b"12"
    with open(path, "wb") as file:
        file.write(header + struct.pack(">QQQII", 0, 0, 0, 4, 104))
        file.seek(5 * CLUSTER)
        file.write((entry + bytes(-len(entry) % 8)) * snapshots)
        file.seek(l1)
        file.write(l1_bytes)
        for number in range(distinct):
            file.seek((64 + number) * CLUSTER)
            file.write(struct.pack(">QQ", 1, 0) * (TABLE_ENTRIES // 2))
        file.truncate(1 << 40)
    return path


def store_size(site):
    return site.value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")


def found(site):
    return {(code, path) for code, path in site.findings()}


def test_tables_of_their_own_are_stored_all(case):
    """Every other cluster reads as zeroes: an extent for each 16 bytes of a table."""
    site = case.site()
    make_tables(site.path("a.qcow2"), 40, 40)
    scan = site.scan()
    case.same(site.value("SELECT count(*) FROM extent"), 40 * TABLE_ENTRIES // 2, "an image that is all tables has all its extents", scan.notes())
    case.same(site.value("SELECT state FROM v_image"), "ok", "and is understood")


def test_one_table_for_all_of_l1_is_refused_before_it_is_stored(case):
    site = case.site()
    write(create(site.path("good.qcow2"), MIB), 0)
    site.scan()
    before = store_size(site)
    make_tables(site.path("a.qcow2"), 131072, 1)
    scan = site.scan()
    case.same((scan.code, found(site)), (3, {("corrupt", "a.qcow2")}), "1 GiB of tables in a file of 2 MiB is corrupt", scan.notes())
    case.check(store_size(site) - before < 256 * 1024, "and its extents were never in the store", [str(before), str(store_size(site))])


def test_extents_that_a_file_cannot_have_are_a_limit(case):
    """A table is named a hundred times, or by as many snapshots: 409,600 extents of 64 KiB of it."""
    site = case.site()
    kind = must("stat", "-f", "-c", "%T", site.root).strip()
    if kind not in ("ext2/ext3", "xfs", "tmpfs", "jfs", "ramfs"):
        case.skip("extents that a file cannot have", f"{kind} may compress, and the limit is far higher")
        return
    make_tables(site.path("named.qcow2"), 100, 1)
    make_tables(site.path("snapshots.qcow2"), 1, 1, snapshots=99)
    scan = site.scan()
    case.check(scan.code == 3 and ("limit", "named.qcow2") in found(site), "a mapping with too many extents is a limit", scan.notes())
    case.check(("snapshot-unreadable", "snapshots.qcow2") in found(site), "and so it is for mappings of snapshots", [str(found(site))])
    extents = dict(site.query("SELECT i.path, count(*) FROM mapping AS m JOIN image AS i USING (image_id) JOIN extent AS e ON e.map_id = m.map_id GROUP BY 1"))
    case.same(extents.get(site.path("named.qcow2"), 0), 0, "of which nothing is kept")
    case.check(extents.get(site.path("snapshots.qcow2"), 0) <= 20 * TABLE_ENTRIES, "or what has room", [str(extents)])


TESTS = [
    test_a_chain_has_rows_in_proportion_to_its_images,
    test_images_inside_a_chain_have_the_chain_and_map_of_qemu_img,
    test_images_inside_a_broken_chain_have_rows_down_to_the_break,
    test_doubts_of_one_code_are_listed_up_to_a_hundred,
    test_tables_of_their_own_are_stored_all,
    test_one_table_for_all_of_l1_is_refused_before_it_is_stored,
    test_extents_that_a_file_cannot_have_are_a_limit,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What little costs little.", TESTS))
