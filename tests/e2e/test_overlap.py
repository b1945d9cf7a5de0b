#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images of qcow2 that use the same host bytes for two things: made by QEMU itself, which `qemu-img check` must agree with,
# and by hand. They are reported, once read and when taken over from the store; nothing about them and about what lies below
# them is proven. Healthy images with all that shares clusters on purpose are not reported.

import json
import os
import struct
import sys

import harness
import sites
from overlap_damages import DAMAGES, Tables, copy_entry, zero_over_data, zero_over_zero
from sites import MIB, create, must, patch, qemu_io, write

OVERLAP = "clusters-overlap"
MIXED = ("write -q -c 0 64k", "write -q 0 64k", "write -q 64k 64k", "write -q 640k 64k", "write -q -c 128k 64k",
         "write -q -c 192k 64k")


def check(path):
    """What qemu-img check counts: errors, not leaks."""
    outcome = sites.run(["qemu-img", "check", "--output=json", "-f", "qcow2", path])
    if outcome.code not in (0, 2, 3):
        raise sites.ToolError(f"qemu-img check {path}: {outcome.code}: {outcome.err}{outcome.out}")
    return json.loads(outcome.out).get("corruptions", 0)


def overlapping(site, code=OVERLAP):
    """Paths below the root that the finding names."""
    return {path for found, path in site.findings() if found == code}


# -- By QEMU ----------------------------------------------------------------------------------------------------------

def what_qemu_broke_by_mixing_writes_is_a_finding(case):
    """QEMU 7.2 packs compressed data into a cluster that was freed and given to plain data meanwhile."""
    site = case.site()
    path = create(site.path("mixed.qcow2"))
    qemu_io(path, *MIXED)
    errors = check(path)
    if not errors:
        case.skip("an image that QEMU broke", "this QEMU mixes compressed and plain writes without harm")
        return
    site.scan()
    case.same(overlapping(site), {"mixed.qcow2"}, "what QEMU broke by mixing compressed and plain writes is found", [f"{errors} errors"])


def random_images_are_findings_where_their_tables_overlap(case):
    """Told wherever qemu-img check finds errors, and where the tables say so: where a snapshot has the compressed
    cluster or the plain one, no COPIED flag contradicts the refcount, and QEMU notices nothing."""
    site, random = case.site(), case.random("overlap")
    broken, checked = set(), set()
    for number in range(80):
        name = f"{number}.qcow2"
        path = create(site.path(name), 2 * MIB, options=random.choice(((), ("compression_type=zstd",))))
        for _ in range(random.randrange(1, 4)):
            commands = []
            for _ in range(random.randrange(3, 14)):
                word = random.choice(("write -q -c", "write -q", "write -q -z", "discard -q", "write -q -c"))
                commands.append(f"{word} {random.randrange(32) * 64}k 64k")
            sites.run(["qemu-io", *[part for command in commands for part in ("-c", command)], path])  # some are refused
            if random.random() < 0.3:
                must("qemu-img", "snapshot", "-c", "s", path)
        if check(path):
            checked.add(name)
        if Tables(path).overlap():
            broken.add(name)
    site.scan()
    case.same(overlapping(site), broken, f"of images written at random, those whose tables overlap (seed {case.options.seed})")
    case.same(checked - overlapping(site), set(), f"and all that qemu-img check finds errors in (seed {case.options.seed})")
    print(f"# {len(broken)} of 80 overlap, {len(checked)} by qemu-img check")


# -- By hand ----------------------------------------------------------------------------------------------------------

def every_damage_by_hand_is_a_finding(case):
    site = case.site()
    for damage in DAMAGES:
        path = write(create(site.path(f"{damage.__name__}.qcow2"), 2 * MIB), 0, 1)
        if damage in (zero_over_data, zero_over_zero):
            path = write(create(path, 2 * MIB), 0)
        damage(Tables(path))
    site.scan()
    found = overlapping(site)
    for damage in DAMAGES:
        name = f"{damage.__name__}.qcow2"
        case.check(name in found, f"{damage.__name__.replace('_', ' ')} is found", [str(found)])
        case.check(check(site.path(name)) > 0, f"{damage.__name__.replace('_', ' ')}: qemu-img check finds errors too")


# -- Healthy ----------------------------------------------------------------------------------------------------------

def healthy_images_are_no_findings(case):
    """What may share, shares: compressed clusters each other's sectors, snapshots data, tables and compressed clusters."""
    site = case.site()
    raw = sites.make_raw(site.outside("r.raw"), 4 * MIB)
    noise = site.outside("noise.raw")
    with open(noise, "wb") as file:
        file.write(os.urandom(MIB) + bytes(MIB) + os.urandom(3000) * 300)
    for kind in ("zlib", "zstd"):
        for bits in (9, 12, 16, 21):
            must("qemu-img", "convert", "-q", "-c", "-f", "raw", "-O", "qcow2", "-o", f"compression_type={kind},cluster_size={1 << bits}", noise,
                 site.path(f"{kind}-{bits}.qcow2"))
    path = site.path("snapshots.qcow2")
    must("qemu-img", "convert", "-q", "-c", "-f", "raw", "-O", "qcow2", raw, path)
    for number in range(4):
        must("qemu-img", "snapshot", "-c", f"s{number}", path)
        qemu_io(path, f"write -q {number * 640}k 200k", f"write -q -z {number}M 100k", f"discard -q {number * 700}k 128k")
    must("qemu-img", "snapshot", "-a", "s1", path)
    must("qemu-img", "snapshot", "-d", "s2", path)
    bitmaps = create(site.path("bitmaps.qcow2"), 8 * MIB, options=("cluster_size=4k",))
    must("qemu-img", "bitmap", "--add", bitmaps, "first")
    must("qemu-img", "bitmap", "--add", "-g", "512", bitmaps, "second")
    qemu_io(bitmaps, "write -q 0 1M")
    for number, options in enumerate((("extended_l2=on",), ("preallocation=metadata",), ("preallocation=falloc",), ("lazy_refcounts=on",),
                                      ("compat=0.10",), (f"data_file={site.path('0.data')}",),
                                      (f"data_file={site.path('1.data')}", "data_file_raw=on"))):
        path = create(site.path(f"{number}.qcow2"), 8 * MIB - 512, options=options)
        zeroes = [] if "compat=0.10" in options else ["write -q -z 1M 300k", "write -q -z -u 2M 300k"]
        qemu_io(path, "write -q 0 3M", "write -q 5M 5k", *zeroes, "discard -q 512k 512k", "write -q 700k 4k")
        if not any("data_file" in option for option in options):
            must("qemu-img", "snapshot", "-c", "s", path)
            qemu_io(path, "write -q 100k 1M")
    site.scan()
    errors = {name for name in os.listdir(site.root) if name.endswith(".qcow2") and check(site.path(name))}
    case.same((overlapping(site), errors), (set(), set()), "in healthy images of all kinds nothing is found")
    case.same(site.value("SELECT count(*) FROM image_account WHERE overlapping IS NOT 0"), 0, "and known not to overlap")


# -- What follows -----------------------------------------------------------------------------------------------------

def base_and_overlay(case):
    """A base of which the overlay masks half."""
    site = case.site()
    base = write(create(site.path("base.qcow2")), *range(8))
    over_it = write(create(site.path("over.qcow2"), MIB, "base.qcow2"), *range(4))
    return site, base, over_it


def a_damaged_base_is_unproven(case):
    site, base, _ = base_and_overlay(case)
    site.scan()
    row = site.unused(partly=True)["base.qcow2"]
    case.same((row["status"], row["verdict"]), ("partly-masked", "proven"), "a healthy base: proven", [row])
    copy_entry(Tables(base))
    for turn in ("read", "taken over from the store"):
        scan = site.scan()
        row = site.unused(partly=True)["base.qcow2"]
        case.check(row["verdict"] == "unproven" and "lie over each other" in row["why"], f"a damaged base, {turn}: unproven, and why", [row])
        case.same(row["suggestion"], "imgaudit report --findings", f"a damaged base, {turn}: nothing is suggested but to look")
        case.same(overlapping(site), {"base.qcow2"}, f"a damaged base, {turn}: found", scan.notes())
    case.same(scan.stats["parsed"], 0, "the last scan read nothing")


def the_base_of_a_damaged_overlay_is_unproven(case):
    site, _, over_it = base_and_overlay(case)
    copy_entry(Tables(over_it))
    site.scan()
    row = site.unused(partly=True)["base.qcow2"]
    case.check(row["verdict"] == "unproven" and f"over.qcow2 ({OVERLAP})" in row["why"], "a damaged overlay: its base is unproven", [row])


def a_damaged_base_that_nobody_names_is_unproven(case):
    site, base, over_it = base_and_overlay(case)
    site.scan()
    os.unlink(over_it)
    site.scan()
    row = site.unused()["base.qcow2"]
    case.same((row["status"], row["verdict"]), ("unreferenced", "proven"), "a healthy base that nobody names: proven", [row])
    state = os.stat(base)
    copy_entry(Tables(base))
    os.utime(base, ns=(state.st_atime_ns, state.st_mtime_ns))
    site.scan()
    row = site.unused()["base.qcow2"]
    case.check(row["verdict"] == "unproven" and "lie over each other" in row["why"], "a damaged one: unproven", [row])


def what_if_proves_nothing_of_the_damaged(case):
    """Two overlays of one base. What deleting one of them leaves is proven as the next scan proves it."""
    site, base, over_it = base_and_overlay(case)
    other = write(create(site.path("other.qcow2"), MIB, "base.qcow2"), 4, 5)
    def rows(*paths):
        answer = site.rows("--what-if-delete", *paths)
        return {row["effect"]: row for row in answer if row["path"] == base}
    site.scan()
    case.same((rows(other)["masked-more"]["verdict"], rows(other, over_it)["unreferenced"]["verdict"]), ("proven", "proven"),
              "what-if over healthy images: proven")
    entry = Tables(over_it).entry(1)
    copy_entry(Tables(over_it))
    site.scan()
    row = rows(other)["masked-more"]
    case.check(row["verdict"] == "unproven" and "over.qcow2" in row["why"], "what stays and reads the base is damaged: unproven", [row])
    case.same(rows(other, over_it)["unreferenced"]["verdict"], "proven", "it goes too: proven")
    Tables(over_it).set(1, entry)
    state = os.stat(base)
    copy_entry(Tables(base))
    os.utime(base, ns=(state.st_atime_ns, state.st_mtime_ns))
    site.scan()
    row = rows(other, over_it)["unreferenced"]
    case.check(row["verdict"] == "unproven" and "lie over each other" in row["why"], "the base that is left is damaged: unproven", [row])


def an_unknown_overlap_is_a_doubt(case):
    """An image whose account cannot be made: its refcount table names a block that cannot be one."""
    site, base, over = base_and_overlay(case)
    patch(base, Tables(base).reftable, struct.pack(">Q", Tables(base).refblock + 512))
    os.utime(over)
    site.scan()
    row = site.unused(partly=True)["base.qcow2"]
    case.same((site.value("SELECT a.overlapping FROM image_account AS a JOIN image AS i ON i.image_id = a.image_id WHERE i.path = ?", base), site.value("SELECT state FROM image WHERE path = ?", base)),
              (None, "ok"), "without an account it is not known whether clusters overlap")
    case.check(row["verdict"] == "unproven" and row["why_codes"] == "cross-linked", "and nothing is proven", [row])


def nothing_is_suggested_for_a_damaged_image(case):
    """Leaked clusters would be worth a command; of a damaged image nothing is freed."""
    site = case.site()
    for name in ("healthy.qcow2", "damaged.qcow2"):
        tables = Tables(write(create(site.path(name)), 0, 1, 2))
        tables.set(2, 0)
    copy_entry(tables)
    site.scan()
    rows = {site.relative(row["path"]): row["suggestion"] for row in site.rows("--sparse")}
    case.check("check -r leaks" in (rows["healthy.qcow2"] or ""), "--sparse: a command for what a healthy image leaks", [rows])
    case.same(rows["damaged.qcow2"], None, "--sparse: none for a damaged one")


def a_repaired_image_is_no_finding_any_more(case):
    site, base, over = base_and_overlay(case)
    entry = Tables(base).entry(1)
    copy_entry(Tables(base))
    site.scan()
    Tables(base).set(1, entry)
    os.utime(over)
    site.scan()
    case.same((overlapping(site), site.unused(partly=True)["base.qcow2"]["verdict"]), (set(), "proven"), "in an image that was repaired nothing is found any more")


if __name__ == "__main__":
    sys.exit(harness.run_tests(__doc__, [
        what_qemu_broke_by_mixing_writes_is_a_finding,
        random_images_are_findings_where_their_tables_overlap,
        every_damage_by_hand_is_a_finding,
        healthy_images_are_no_findings,
        a_damaged_base_is_unproven,
        the_base_of_a_damaged_overlay_is_unproven,
        a_damaged_base_that_nobody_names_is_unproven,
        what_if_proves_nothing_of_the_damaged,
        an_unknown_overlap_is_a_doubt,
        nothing_is_suggested_for_a_damaged_image,
        a_repaired_image_is_no_finding_any_more,
    ]))
