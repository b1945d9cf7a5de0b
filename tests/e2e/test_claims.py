#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What machines use and is not there tonight, and what they see besides files: directories with all that is in them.

import os
import shutil

import harness
import test_inventory_proxmox as proxmox
from sites import MIB, create, make_raw, write
from test_inventory import PROVEN, listed, orphan, verdict
from test_inventory_libvirt import OTHER, UUID, Host, disk, domain, status

INCOMPLETE = ("unreferenced", "unproven", "inventory-incomplete")


def test_the_base_of_a_disk_that_is_away_is_kept(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    over = create(site.path("web.qcow2"), MIB, base)
    inventory = listed(site, f"{over}\tweb")
    site.scan(inventory=inventory)
    deleted = {row["path"]: row["verdict"] for row in site.rows("--what-if-delete", over) if row["effect"] == "unreferenced"}
    case.same(deleted, {base: "unproven"}, "what-if: the machine needs it as long as it is defined")
    away = os.path.join(site.directory, "away.qcow2")
    os.rename(over, away)
    for night in range(2):
        site.scan(inventory=inventory)
        case.same(verdict(site, "base.qcow2"), INCOMPLETE, f"night {night + 1}: what the lost disk was made on")
        case.same(site.query("SELECT subject FROM v_doubt WHERE code = 'inventory-incomplete'"), [(f"{over} (web)",)], "by whom")
    os.rename(away, over)
    site.scan(inventory=inventory)
    case.same(verdict(site, "base.qcow2"), None, "the disk is back, and reads it")
    os.unlink(over)
    site.scan(inventory=listed(site, f"{site.path('others/other.qcow2')}\tother"))
    case.same(verdict(site, "base.qcow2"), PROVEN, "the machine is defined no more")


def test_a_disk_that_is_made_on_nothing_keeps_nothing(case):
    site = case.site()
    orphan(site)
    plain = create(site.path("web.qcow2"), MIB)
    inventory = listed(site, f"{plain}\tweb")
    site.scan(inventory=inventory)
    os.unlink(plain)
    site.scan(inventory=inventory)
    case.same(verdict(site), PROVEN, "another image")


def test_a_disk_outside_that_is_not_mounted_hides_what_it_is_made_on(case):
    site = case.site()
    base = orphan(site)
    outside = os.path.join(site.directory, "fast")
    os.mkdir(outside)
    over = create(os.path.join(outside, "web.qcow2"), MIB, base)
    inventory = listed(site, f"{over}\tweb")
    site.scan(inventory=inventory)
    case.same(verdict(site), ("unreferenced", "unproven", "unread"), "mounted: it may be made on anything")
    os.rename(outside, outside + ".away")
    for night in range(2):
        site.scan(inventory=inventory)
        case.same(verdict(site)[:2] + tuple(verdict(site)[2].split(","))[:1], ("unreferenced", "unproven", "unread"), f"not mounted, night {night + 1}")
    site.scan(inventory=listed(site, f"{site.path('disk.qcow2.new')}\tweb"))
    case.same(verdict(site), INCOMPLETE, "the machine has a disk that nobody saw: it may have got this name")
    site.scan(inventory=listed(site, f"{site.path('others/disk.qcow2.new')}\tweb"))
    case.same(verdict(site)[:2], ("unreferenced", "proven"), "it is used by no machine")


def test_an_empty_directory_outside_may_be_one_to_mount_on(case):
    site = case.site()
    orphan(site)
    outside = os.path.join(site.directory, "fast")
    os.mkdir(outside)
    inventory = listed(site, f"{outside}/vms/web.qcow2\tweb")
    for what, expected in (("empty", "unread"), ("with other files", None), ("gone", None)):
        if expected is None and what != "gone":
            create(os.path.join(outside, "other.qcow2"), MIB)
        elif what == "gone":
            shutil.rmtree(outside)
        site.scan(inventory=inventory)
        case.same(verdict(site)[2], expected, f"a directory that is {what}: a disk in it that no scan saw")


def test_what_a_machine_sees_in_a_directory_is_not_proven(case):
    site = case.site()
    host = Host(site)
    orphan(site, "shared/sub/in.qcow2")
    orphan(site, "out.qcow2")
    for element in (f"<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs'/><source dir='{site.path('shared')}'/><target dir='t'/></filesystem>",
                    disk(site.path("shared"), "fat", kind="dir", attribute="dir")):
        host.define(domain(element))
        site.scan(inventory=host.source)
        found = {name: verdict(site, name) for name in ("shared/sub/in.qcow2", "out.qcow2")}
        case.same(found, {"shared/sub/in.qcow2": INCOMPLETE, "out.qcow2": PROVEN}, element.split(" ")[0] + ">: images below it, and others")
    host.define(domain())
    site.scan(inventory=host.source)
    case.same(verdict(site, "shared/sub/in.qcow2"), PROVEN, "and when it sees it no more")


def test_directories_of_guests_of_proxmox_are_seen(case):
    host = proxmox.Host(case)
    site = host.site
    for name in ("shared/in.qcow2", "mapped/in.qcow2", "elsewhere/in.qcow2"):
        orphan(site, name)
    host.container(f"hostname: c\nrootfs: data:200/vm-200-disk-0.raw,size=1G\nmp0: {site.path('shared')},mp=/mnt\n")
    os.mkdir(os.path.join(host.place, "mapping"))
    host.put("mapping/directory.cfg", f"share\n\tmap node=one,path={site.path('mapped')}\n\tmap node=two,path={site.path('elsewhere')}\n")
    make_raw(site.path("images", "200", "vm-200-disk-0.raw"))
    host.scan()
    case.same({name: verdict(site, f"{name}/in.qcow2") for name in ("shared", "mapped", "elsewhere")},
              {"shared": INCOMPLETE, "mapped": INCOMPLETE, "elsewhere": PROVEN}, "of a container, by a mapping, and of another node", host.problems())


def test_a_base_that_another_machine_writes_to_is_an_error(case):
    site = case.site()
    host = Host(site)
    base = create(site.path("base.qcow2"), MIB)
    over = create(site.path("over.qcow2"), MIB, create(site.path("mid.qcow2"), MIB, base))
    host.start(status(domain(disk(over), name="b", uuid=OTHER)), name="b")
    for inner, expected in (("", True), ("<readonly/>", False), ("<transient/>", False)):
        host.start(status(domain(disk(base, inner=inner), uuid=UUID)))
        site.scan(inventory=host.source)
        case.same(("disk-in-two-machines", "base.qcow2") in site.findings(), expected, f"one that runs has it {inner or 'to write'}, the other one a disk made on it")
    host.start(status(domain(disk(base) + disk(over), name="b", uuid=OTHER)), name="b")
    os.unlink(os.path.join(host.run, "qemu/web.xml"))
    site.scan(inventory=host.source)
    case.check(("disk-in-two-machines", "base.qcow2") not in site.findings(), "one machine with both is one")


def test_views_have_how_much_and_how_fresh(case):
    site = case.site()
    host = Host(site)
    used, lost = create(site.path("used.qcow2"), MIB), site.path("lost.qcow2")
    os.utime(host.define(domain(disk(used) + disk(lost))), (1700000000, 1700000000))
    os.utime(host.define(domain(disk(used), name="b", uuid=OTHER), name="b"), (1700000060, 1700000060))
    site.scan(inventory=host.source)
    case.same(site.query("SELECT name, claims, defined FROM v_machine ORDER BY name"),
              [("b", 1, "2023-11-14T22:14:20Z"), ("web", 2, "2023-11-14T22:13:20Z")], "v_machine: what each uses, and when it was written")
    case.same(site.query("SELECT source, place, is_of_host, machines, claims, lost_claims, newest FROM v_inventory"),
              [("libvirt", host.etc, 1, 2, 3, 1, "2023-11-14T22:14:20Z")], "v_inventory: how many, and the newest of them")


TESTS = [
    test_the_base_of_a_disk_that_is_away_is_kept,
    test_a_disk_that_is_made_on_nothing_keeps_nothing,
    test_a_disk_outside_that_is_not_mounted_hides_what_it_is_made_on,
    test_an_empty_directory_outside_may_be_one_to_mount_on,
    test_what_a_machine_sees_in_a_directory_is_not_proven,
    test_views_have_how_much_and_how_fresh,
    test_directories_of_guests_of_proxmox_are_seen,
    test_a_base_that_another_machine_writes_to_is_an_error,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Claims that lead nowhere, or to directories.", TESTS))
