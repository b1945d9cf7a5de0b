#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Backing files of which nobody reads a part: what is reported of them, what could be given back, and templates, which stay
# whole although nobody reads them. Numbers are worked out by hand.

import json
import os

import harness
import sites
from sites import CLUSTER, MIB, create, must, qemu_io, write

PARTLY = ("partly-masked", "proven")


def rows(site):
    return site.unused(partly=True)


def verdict(site, name):
    row = rows(site).get(name)
    return row and (row["status"], row["verdict"])


def test_parts_that_nobody_reads_are_listed_and_proven(case):
    """The base has clusters 0 to 7. One overlay has 0 to 3, the other 2 to 5: nobody reads 2 and 3."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), *range(8))
    write(create(site.path("a.qcow2"), MIB, "base.qcow2"), *range(4))
    write(create(site.path("b.qcow2"), MIB, "base.qcow2"), *range(2, 6))
    scan = site.scan()
    row = rows(site).get("base.qcow2", {})
    case.same(set(rows(site)), {"base.qcow2"}, "a base that is read in part is listed, its overlays are not", scan.notes())
    case.same((row["status"], row["verdict"], row["why"]), (*PARTLY, None), "as partly masked, and proven")
    case.same((row["masked_bytes"], row["reclaimable_bytes"]), (2 * CLUSTER, 2 * CLUSTER), "with what nobody reads, and what that takes")
    masked = site.query("SELECT start, length FROM v_masked")
    case.same(masked, [(2 * CLUSTER, 2 * CLUSTER)], "which v_masked lists place by place")
    seen = site.query("SELECT readers, bytes FROM v_sharing WHERE path = ? ORDER BY readers", site.path("base.qcow2"))
    case.same(seen, [(1, 4 * CLUSTER), (2, 2 * CLUSTER)], "clusters 0, 1, 4 and 5 have one reader, 6 and 7 have two")
    write(site.path("b.qcow2"), 0, 1)
    site.scan()
    case.same(rows(site)["base.qcow2"]["masked_bytes"], 4 * CLUSTER, "what an overlay takes over later is masked too")
    os.unlink(site.path("a.qcow2"))
    site.scan()
    case.same(rows(site)["base.qcow2"]["masked_bytes"], 6 * CLUSTER, "and what its last reader leaves behind")


def test_rows_are_sorted_by_status_and_size(case):
    """First what nothing names, then what nobody reads, then the parts, the largest first."""
    site = case.site()
    for name, clusters in (("small", 1), ("large", 5)):
        write(create(site.path(f"{name}.qcow2"), MIB), *range(8))
        write(create(site.path(f"on-{name}.qcow2"), MIB, f"{name}.qcow2"), *range(clusters))
    write(create(site.path("nothing.qcow2"), MIB), 0)
    write(create(site.path("on-nothing.qcow2"), MIB, "nothing.qcow2"), 0)
    write(create(site.path("alone.qcow2"), MIB), 0)
    site.scan("--backing-glob", "alone.qcow2")
    listed = [(row["status"], site.relative(row["path"])) for row in site.rows("--unused-backing")]
    case.same(listed, [("unreferenced", "alone.qcow2"), ("fully-masked", "nothing.qcow2"), ("partly-masked", "large.qcow2"),
                       ("partly-masked", "small.qcow2")], "rows are sorted by status, and by what could be given back")


def test_holes_give_nothing_back_and_compressed_data_its_share(case):
    """What is a hole on the host gives nothing back; of compressed data it is the share that nobody reads."""
    site = case.site()
    base = site.path("raw.img")
    with open(base, "wb") as file:
        file.truncate(MIB)
    qemu_io(base, f"write -q -P 1 {4 * CLUSTER} {CLUSTER}", format="raw")
    write(create(site.path("on-raw.qcow2"), MIB, "raw.img", "raw"), *range(6))
    must("qemu-img", "create", "-q", "-f", "qcow2", site.path("packed.qcow2"), "1M")
    for place in range(8):
        qemu_io(site.path("packed.qcow2"), f"write -q -c -P {place + 1} {place * CLUSTER} {CLUSTER}")
    write(create(site.path("on-packed.qcow2"), MIB, "packed.qcow2"), 0, 1, 2, 3)
    site.scan()
    raw = rows(site).get("raw.img", {})
    case.same((raw.get("status"), raw.get("masked_bytes"), raw.get("reclaimable_bytes")), ("partly-masked", CLUSTER, CLUSTER),
              "a raw base of which its overlay reads nothing but holes")
    packed = rows(site)["packed.qcow2"]
    host = site.value("SELECT a.compressed_host FROM image_account AS a JOIN image AS i ON i.image_id = a.image_id WHERE i.path = ?", site.path("packed.qcow2"))
    case.same((packed["masked_bytes"], packed["reclaimable_bytes"]), (4 * CLUSTER, host * 4 // 8), "half of eight compressed clusters is half of their bytes")


def test_a_part_is_unproven_in_use_or_beside_what_is_not_understood(case):
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), *range(4))
    write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 0)
    site.scan()
    case.same(verdict(site, "base.qcow2"), PARTLY, "a part is proven to be read by nobody")
    with sites.Holder(site.path("over.qcow2")):
        site.scan()
        row = rows(site)["base.qcow2"]
    case.check(row["verdict"] == "unproven" and "in use" in row["why"], "not while QEMU has the chain open", [row])
    with open(site.path("broken.qcow2"), "wb") as file:
        file.write(b"QFI\xfb\0\0\0\3" + bytes(4096))
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("partly-masked", "unproven"), "nor while something may read it that is not understood")


def test_snapshots_keep_what_they_hold(case):
    """A cluster of a base that only its own internal snapshot still needs is not masked."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0, 1)
    must("qemu-img", "snapshot", "-c", "s", site.path("base.qcow2"))
    write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 0, 1)
    site.scan()
    case.same(rows(site), {}, "a base whose data its snapshot holds has nothing to give back")


def test_templates_are_kept_whole(case):
    site = case.site()
    write(create(site.path("templates", "base.qcow2"), MIB), *range(4))
    write(create(site.path("over.qcow2"), MIB, "templates/base.qcow2"), *range(4))
    write(create(site.path("templates", "half.qcow2"), MIB), *range(4))
    write(create(site.path("on-half.qcow2"), MIB, "templates/half.qcow2"), 0)
    site.scan()
    case.same({name: row["status"] for name, row in rows(site).items()},
              {"templates/base.qcow2": "fully-masked", "templates/half.qcow2": "partly-masked"}, "bases that overlays hide are listed")
    site.scan("--template", "*/templates/*")
    case.same(rows(site), {}, "--template keeps them whole")
    case.same(site.value("SELECT count(*) FROM v_image WHERE is_template"), 2, "v_image shows which they are")
    seen = site.query("SELECT readers, sum(bytes) FROM v_sharing WHERE path LIKE '%/templates/base.qcow2' GROUP BY readers")
    case.same(seen, [(1, 4 * CLUSTER)], "a template is a reader of itself")
    site.scan()
    case.same(len(rows(site)), 2, "for that scan alone")
    outcome = site.run("db", "templates", "--db", site.db, "--add", "*/templates/base.qcow2", "--add", "x")
    case.same((outcome.code, outcome.out), (0, "*/templates/base.qcow2\nx\n"), "db templates keeps a list in the store")
    site.scan()
    case.same(set(rows(site)), {"templates/half.qcow2"}, "which every scan goes by")
    os.unlink(site.path("over.qcow2"))
    site.scan()
    case.same(set(rows(site)), {"templates/half.qcow2"}, "a template without overlays is not unused")
    outcome = site.run("db", "templates", "--db", site.db, "--remove", "*/templates/base.qcow2")
    case.same((outcome.code, outcome.out), (0, "x\n"), "what is taken off the list")
    site.scan()
    case.same(verdict(site, "templates/base.qcow2"), ("unreferenced", "proven"), "counts again as what it is")
    outcome = site.run("db", "templates", "--db", site.db, "--add", "y", "--remove", "x", "--remove", "*/templates/*")
    case.check(outcome.code == 1 and "'*/templates/*' is not on the list" in outcome.err and not outcome.out, "taking off what is not on it fails, with the reason",
               [outcome.code, outcome.err, outcome.out])
    case.same(site.run("db", "templates", "--db", site.db).out, "x\n", "and changes nothing")
    for action, option in (("check", ("--add", "x")), ("templates", ("--keep", "2")), ("prune", ("--remove", "x"))):
        outcome = site.run("db", action, "--db", site.db, *option)
        case.same((outcome.code, outcome.out), (2, ""), f"db {action} {option[0]} is wrong usage")
    outcome = site.run("db", "templates", "--db", site.db)
    case.same((outcome.code, outcome.out), (0, "x\n"), "without an option the list is printed")


def test_sums_of_readers_and_masked_ranges_add_up(case):
    """Data = visible + masked, and the histogram adds up to what is visible, for every image of a small forest."""
    site = case.site()
    random = case.random("sums")
    names = ["0.qcow2"]
    create(site.path("0.qcow2"), MIB)
    for number in range(1, 12):
        base = random.choice(names)
        create(site.path(f"{number}.qcow2"), random.choice([MIB, MIB // 2, 2 * MIB]), base)
        names.append(f"{number}.qcow2")
    for name in names:
        length = json.loads(must("qemu-img", "info", "--output=json", site.path(name)))["virtual-size"]
        write(site.path(name), *random.sample(range(length // CLUSTER), random.randint(0, length // CLUSTER)))
    site.scan()
    odd = site.query("SELECT path FROM v_usage WHERE data_bytes <> visible_bytes + masked_bytes OR visible_bytes <> exclusive_bytes + shared_bytes")
    case.same(odd, [], "data is visible or masked, and visible is exclusive or shared")
    odd = site.query("SELECT u.path FROM v_usage AS u WHERE u.visible_bytes <> (SELECT coalesce(sum(bytes), 0) FROM v_sharing AS s WHERE s.image_id = u.image_id)"
                     " OR u.shared_bytes <> (SELECT coalesce(sum(bytes), 0) FROM v_sharing AS s WHERE s.image_id = u.image_id AND readers > 1)")
    case.same(odd, [], "the histogram of an image adds up to what is visible and shared")
    odd = site.query("SELECT u.path FROM v_usage AS u WHERE u.masked_bytes <> (SELECT coalesce(sum(length), 0) FROM v_masked AS m WHERE m.image_id = u.image_id)")
    case.same(odd, [], "the masked ranges add up to what is masked")
    wrong = [f"{a} {b}: {pair_by_maps(site, a, b)}" for a, b, shared in site.query("SELECT path, other_path, shared_bytes FROM v_pair")
             if pair_by_maps(site, a, b) != shared]
    heads = [path for path, in site.query("SELECT path FROM v_image WHERE is_head")]
    paired = {frozenset(pair) for pair in site.query("SELECT path, other_path FROM v_pair")}
    wrong += [f"{a} {b} share {pair_by_maps(site, a, b)} and have no row" for a in heads for b in heads
              if a < b and frozenset((a, b)) not in paired and pair_by_maps(site, a, b) > 0]
    case.check(paired and not wrong, "pairs of heads share what the maps of both show in one place", wrong)


def pair_by_maps(site, one, other):
    """Clusters of data that both maps show in the same file at the same place, in bytes."""
    places = []
    for path in (one, other):
        rows = site.query("SELECT start, length, filename, offset FROM v_map WHERE path = ? AND data", path)
        places.append({(filename, offset + at, start + at) for start, length, filename, offset in rows for at in range(0, length, CLUSTER)})
    return len(places[0] & places[1]) * CLUSTER


def test_a_base_that_was_written_to_under_its_overlays_is_unproven(case):
    """Of two overlays the later one counts; of a base with a data file, what is written to that."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0, 1)
    for name in ("a.qcow2", "b.qcow2"):
        write(create(site.path(name), MIB, "base.qcow2"), 0)
    site.scan()
    case.same(verdict(site, "base.qcow2"), PARTLY, "a base that was written to before its overlays")
    write(site.path("base.qcow2"), 1, pattern=9)
    site.scan()
    case.same((verdict(site, "base.qcow2"), rows(site)["base.qcow2"]["why_codes"]), (("partly-masked", "unproven"), "written-since"), "and after both")
    write(site.path("a.qcow2"), 0, 1)
    site.scan()
    case.same(verdict(site, "base.qcow2"), PARTLY, "and after one of them only")
    write(site.path("b.qcow2"), 1)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "proven"), "all is masked, and it was written to before")
    write(site.path("base.qcow2"), 1, pattern=7)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "unproven"), "all is masked, and it was written to after")

    site = case.site()
    data = site.path("base.data")
    write(create(site.path("base.qcow2"), MIB, options=[f"data_file={data}"]), 0, 1)
    write(create(site.path("a.qcow2"), MIB, "base.qcow2"), 0)
    site.scan()
    case.same(verdict(site, "base.qcow2"), PARTLY, "a data file that was written to before")
    with open(data, "r+b") as file:
        file.write(b"x")
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("partly-masked", "unproven"), "a data file that was written to after")


TESTS = [
    test_a_base_that_was_written_to_under_its_overlays_is_unproven,
    test_parts_that_nobody_reads_are_listed_and_proven,
    test_rows_are_sorted_by_status_and_size,
    test_holes_give_nothing_back_and_compressed_data_its_share,
    test_a_part_is_unproven_in_use_or_beside_what_is_not_understood,
    test_snapshots_keep_what_they_hold,
    test_templates_are_kept_whole,
    test_sums_of_readers_and_masked_ranges_add_up,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Parts of backing files that nobody reads, and templates.", TESTS))
