#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What little costs little: the store and its rows do not grow faster than what they describe. Rows are counted, and sizes
# are compared; expectations are worked out by hand, or are those of qemu-img.

import harness
import sites
from sites import CLUSTER, MIB, create, write

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


TESTS = [
    test_a_chain_has_rows_in_proportion_to_its_images,
    test_images_inside_a_chain_have_the_chain_and_map_of_qemu_img,
    test_images_inside_a_broken_chain_have_rows_down_to_the_break,
    test_doubts_of_one_code_are_listed_up_to_a_hundred,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What little costs little.", TESTS))
