#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Reports about machines: what they take adds up to the disk, and what no machine uses is listed as that.

import os
import time

import harness
import sites
from sites import MIB, create, make_raw, write


def listed(site, *lines):
    path = os.path.join(site.directory, "list")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return "list:" + path


def blocks(*paths):
    return sum(os.stat(path).st_blocks * 512 for path in paths)


def machines(site):
    return {row["machine"]: row for row in site.rows("--machines")}


def test_shares_add_up_to_the_disk_to_the_byte(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0, 1, 2)
    disks = [write(create(site.path(f"{name}.qcow2"), MIB, base), place) for place, name in enumerate("abc")]
    alone = write(create(site.path("alone.qcow2"), MIB), 4)
    iso = make_raw(site.path("cd.iso"), MIB)
    site.scan(inventory=listed(site, *(f"{disk}\t{name}" for disk, name in zip(disks, "abc")), f"{iso}\ta\tcdrom", f"{iso}\tb\tcdrom"))
    rows = machines(site)
    case.same(sorted(rows, key=str), sorted([None, "a", "b", "c"], key=str), "a row for each machine, and one of the rest")
    for name, disk in zip("abc", disks):
        case.same((rows[name]["disks"], rows[name]["chain_depth"], rows[name]["exclusive_bytes"]), (1, 1, blocks(disk)), f"{name}: its own blocks")
    case.same([rows[name]["shared_bytes"] for name in "abc"], [blocks(base) + blocks(iso)] * 2 + [blocks(base)], "what they use together, whole")
    case.same(sum(rows[name]["share_bytes"] for name in "abc"), blocks(base) + blocks(iso), "their parts of that add up to it")
    case.check(max(rows[name]["share_bytes"] for name in "ab") - min(rows[name]["share_bytes"] for name in "ab") <= 2, "equal parts", [rows])
    case.same(rows[None]["total_bytes"], blocks(alone), "the rest is what no machine uses")
    case.same(sum(row["total_bytes"] for row in rows.values()), blocks(base, alone, iso, *disks), "all adds up to the disk")


def test_a_drawing_names_the_machines_that_use_an_image(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    disk = write(create(site.path("disk.qcow2"), MIB, base), 1)
    point = write(create(site.path("point.qcow2"), MIB, base), 2)
    shared = write(create(site.path("shared.qcow2"), MIB, base), 3)
    free = write(create(site.path("free.qcow2"), MIB, base), 4)
    inventory = listed(site, f"{disk}\tweb", f"{disk}\tdb\x1b[31m", f"{point}\tweb\trestore-point", *(f"{shared}\tnode{i}" for i in range(4)))
    site.scan(inventory=inventory)
    lines = site.run("chain", "--db", site.db, base, env=dict(os.environ, LC_ALL="C")).out.splitlines()
    drawn = {line.split("  [")[0].split()[-1]: line.partition(", used by ")[2] for line in lines}
    case.same(drawn, {base: "", "disk.qcow2": "db\\x1b[31m, web]", "point.qcow2": "web (restore-point)]", "shared.qcow2": "4 machines]",
                      "free.qcow2": ""}, "each image with its machines, their names made safe for a terminal", lines)
    site.scan()
    case.same("used by" in site.run("chain", "--db", site.db, base).out, False, "none without an inventory", [free])


def test_a_machine_is_shown_with_all_that_it_uses(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    middle = write(create(site.path("middle.qcow2"), MIB, base), 1)
    disk = write(create(site.path("disk.qcow2"), 2 * MIB, middle), 2)
    sites.must("qemu-img", "snapshot", "-c", "one", disk)
    other = write(create(site.path("other.qcow2"), MIB, base), 3)
    site.scan(inventory=listed(site, f"{disk}\tweb", f"{site.path('gone.img')}\tweb\tunused", f"{other}\tdb"))
    rows = [(row["role"], row["state"], site.relative(row["path"]), row["depth"], row["machines"], row["snapshots"]) for row in site.rows("--machine", "web")]
    case.same(rows, [("disk", "found", "disk.qcow2", None, 1, 1), ("unused", "missing", "gone.img", None, None, None),
                     ("backing", "found", "middle.qcow2", 1, 1, 0), ("backing", "found", "base.qcow2", 2, 2, 0)], "its claims, then what lies below")
    row = machines(site)["web"]
    case.same((row["disks"], row["lost"], row["chain_depth"], row["snapshots"], row["virtual_size"]), (1, 1, 2, 1, 2 * MIB), "--machines counts the same")
    case.same(sum(row["share_bytes"] or 0 for row in site.rows("--machine", "web")), row["total_bytes"], "and both agree on its bytes")
    case.same(site.rows("--machine", "nobody"), [], "a machine that no inventory has has no rows")


def test_what_no_machine_uses_is_unclaimed(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    head = write(create(site.path("head.qcow2"), MIB, base), 1)
    alone = write(create(site.path("alone.qcow2"), MIB), 1)
    used = write(create(site.path("used.qcow2"), MIB), 1)
    site.scan()
    case.same(site.rows("--unclaimed"), [], "without an inventory nothing is unclaimed")
    site.scan(inventory=listed(site, used))
    rows = {site.relative(row["path"]): row for row in site.rows("--unclaimed")}
    case.same({name: row["verdict"] for name, row in rows.items()}, {"head.qcow2": "proven", "alone.qcow2": "proven"}, "a head and one that stands alone; no base, and nothing that is used")
    case.same((rows["head.qcow2"]["backing_image"], rows["alone.qcow2"]["backing_image"], rows["alone.qcow2"]["disk_size"]), (base, None, blocks(alone)), "with what they stand on, and take")
    case.same(rows["head.qcow2"]["suggestion"], f"imgaudit prove --unclaimed '{head}' && rm -- '{head}'", "removed by way of prove")
    case.same(site.unused(partly=True), {}, "they are no unused backing files")
    site.scan("--template", "*/alone.qcow2", inventory=listed(site, used))
    case.same([site.relative(row["path"]) for row in site.rows("--unclaimed")], ["head.qcow2"], "a template is kept")


def test_other_reports_name_machines_beside_images(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    disk = write(create(site.path("disk.qcow2"), MIB, base), 1)
    create(site.path("head.qcow2"), MIB, base)
    inventory = listed(site, f"{disk}\tweb", f"{disk}\tweb-standby")
    site.scan(inventory=inventory)
    case.same({site.relative(row["path"]): row["machines"] for row in site.rows("--dependents", base)}, {"disk.qcow2": "web, web-standby", "head.qcow2": None}, "--dependents names them")
    case.same([row["machines"] for row in site.rows("--backing")], [2], "--backing counts them")
    for action in ("--what-if-delete", "--what-if-flatten", "--what-if-commit"):
        details = {site.relative(row["path"]): row["detail"] for row in site.rows(action, disk) if row["path"]}
        case.check("used by 'web', 'web-standby'" in details["disk.qcow2"], f"{action} names them", [details])
    before = {row["path"]: row["verdict"] for row in site.rows("--what-if-delete", disk, site.path("head.qcow2")) if row["effect"] == "unreferenced"}
    os.unlink(disk)
    os.unlink(site.path("head.qcow2"))
    site.scan(inventory=inventory)
    case.same((before, {row["path"]: row["verdict"] for row in site.unused().values()}), ({base: "unproven"}, {base: "unproven"}), "what-if and the next scan agree on what is left when a machine's disk is deleted")


def test_the_summary_has_what_inventories_were_read(case):
    site = case.site()
    disk = write(create(site.path("disk.qcow2"), MIB), 0)
    site.scan()
    case.same([row for row in site.rows("--summary") if row["section"] == "inventories"], [], "without an inventory there is no line")
    inventory = listed(site, f"{disk}\tweb", f"{site.path('gone.img')}\tweb", f"{disk}\tdb")
    site.scan(inventory=inventory)
    place = inventory.removeprefix("list:")
    lines = {row["item"]: row["value"] for row in site.rows("--summary") if row["section"] == "inventories"}
    changed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(os.stat(place).st_mtime))
    case.same(lines, {f"list {place}, machines": 2, f"list {place}, files that they use": 3, f"list {place}, of these not found": 1, f"list {place}, written to": changed},
              "machines, what they use, and how fresh it is")


def test_unclaimed_images_are_doubted_like_others(case):
    site = case.site()
    alone = write(create(site.path("alone.qcow2"), MIB), 1)
    inventory = listed(site, "/nowhere/alone.qcow2")
    site.scan(inventory=inventory)
    case.same([row["why_codes"] for row in site.rows("--unclaimed")], ["inventory-incomplete"], "a machine's disk that is lost may be it")
    of_others = listed(site, f"{make_raw(site.outside('install.iso'))}\tother\tcdrom")
    site.scan(inventory=of_others)
    case.same([row["why_codes"] for row in site.rows("--unclaimed")], [None], "without that it is proven")
    site.scan("--min-age", "1h", inventory=of_others, min_age=None)
    case.same([row["why_codes"] for row in site.rows("--unclaimed")], ["recent"], "what is new is not")
    with open(site.path("broken.qcow2"), "wb") as file:
        file.write(b"QFI\xfb\0\0\0\3" + bytes(4096))
    site.scan(inventory=of_others)
    case.check("unread" in {row["path"]: row["why_codes"] or "" for row in site.rows("--unclaimed")}[alone], "what is broken may name it", site.rows("--unclaimed"))


def test_prove_wants_to_be_asked_for_what_is_unclaimed(case):
    site = case.site()
    alone = write(create(site.path("alone.qcow2"), MIB), 1)
    used = write(create(site.path("used.qcow2"), MIB), 1)
    site.scan(inventory=listed(site, f"{used}\tweb"))
    plain = site.run("prove", "--db", site.db, alone)
    case.check(plain.code == 5 and "--unclaimed" in plain.out, "without --unclaimed it is not proven, and the line has the option", [plain.out])
    case.same(site.run("prove", "--db", site.db, "--unclaimed", alone).code, 0, "with it it is")
    outcome = site.run("prove", "--db", site.db, "--unclaimed", alone, used)
    case.check(outcome.code == 5 and "machine 'web' uses it" in outcome.out, "what a machine uses never is", [outcome.out])


TESTS = [
    test_shares_add_up_to_the_disk_to_the_byte,
    test_a_drawing_names_the_machines_that_use_an_image,
    test_a_machine_is_shown_with_all_that_it_uses,
    test_what_no_machine_uses_is_unclaimed,
    test_other_reports_name_machines_beside_images,
    test_the_summary_has_what_inventories_were_read,
    test_unclaimed_images_are_doubted_like_others,
    test_prove_wants_to_be_asked_for_what_is_unclaimed,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Reports about machines.", TESTS))
