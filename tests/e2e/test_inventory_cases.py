#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Hosts on which an administrator does every night what the report suggests of proven files. Everything that a machine, a restore
# point or a backup needs is read whole afterwards, and has the same bytes.

import os

import harness
import sites
from sites import MIB, checksum, create, make_raw, must, write

NIGHTS = 3


def obey(site):
    """Runs what is suggested of proven files, as root's shell would. The commands that were run."""
    path = os.path.dirname(os.path.abspath(site.imgaudit)) + ":" + os.environ["PATH"]
    commands = [row["suggestion"] for row in site.rows("--unused-backing") if row["verdict"] == "proven" and row["suggestion"]]
    for command in commands:
        sites.run(["/bin/sh", "-c", command], cwd="/", env={**sites.ENVIRONMENT, "PATH": path, "IMGAUDIT_DB": site.db})
    return commands


def sums(site, names):
    return {name: checksum(site.path(name)) for name in names}


def check_nights(case, site, needed, what, inventory="none", each_night=lambda site: None):
    """What is needed stays as it is over some nights, each with a scan and a morning on which suggestions are followed."""
    before = sums(site, needed)
    case.check(all(before.values()), f"{what}: all that is needed can be read", [before])
    commands = []
    for _ in range(NIGHTS):
        each_night(site)
        site.scan(inventory=inventory)
        commands += obey(site)
    case.same(sums(site, needed), before, f"{what}: all that is needed is as it was", commands)
    return commands


def listed(site, *lines):
    path = os.path.join(site.directory, "list")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return "list:" + path


def night_of_backups(site, disks):
    """An overlay for the time of the backup, under a scan, is committed, unless it is empty as that of a machine that is off."""
    for number, disk in enumerate(disks):
        overlay = create(disk + ".backup", MIB, os.path.basename(disk))
        if number % 2:
            write(overlay, 5)
    site.scan(inventory=None)
    for disk in disks:
        must("qemu-img", "commit", "-q", disk + ".backup")
        os.unlink(disk + ".backup")


def test_backups_by_external_snapshots_leave_the_disks_of_machines(case):
    for word in ("no inventory", "a list of the machines' disks"):
        site = case.site()
        disks = [write(create(site.path(f"vm-{number}.qcow2"), MIB), number) for number in range(4)]
        inventory = listed(site, *disks) if word != "no inventory" else None
        for night in range(NIGHTS):
            night_of_backups(site, disks)
            before = sums(site, [os.path.basename(disk) for disk in disks])
            site.scan(inventory=inventory)
            rows = [(row["status"], row["verdict"]) for row in site.rows("--unused-backing")]
            case.same(rows, [("unreferenced", "unproven")] * 4 if inventory is None else [], f"{word}, night {night}: nothing is proven, or even a candidate")
            case.same((obey(site), sums(site, before)), ([], before), f"{word}, night {night}: no command, and all disks are there")


def test_a_discarded_overlay_leaves_the_machine_its_disk(case):
    """A shut-off machine whose overlay was thrown away: a revert by hand, a transient disk, a kiosk."""
    domain = "<domain type='kvm'><name>kiosk</name><devices><disk type='file'><driver type='qcow2'/><source file='%s'/><transient/></disk></devices></domain>"
    for word in ("no inventory", "its definition"):
        site = case.site()
        disk = write(create(site.path("kiosk.qcow2"), MIB), 0)
        folder = os.path.join(site.directory, "qemu")
        os.makedirs(folder)
        if word == "its definition":
            with open(os.path.join(folder, "kiosk.xml"), "w", encoding="utf-8") as file:
                file.write(domain % disk)
        inventory = "libvirt:" + folder if word == "its definition" else None
        write(create(site.path("kiosk.qcow2.TRANSIENT-kiosk"), MIB, "kiosk.qcow2"), 1)
        site.scan(inventory=inventory)
        os.unlink(site.path("kiosk.qcow2.TRANSIENT-kiosk"))
        case.same(check_nights(case, site, ["kiosk.qcow2"], word, inventory), [], f"{word}: no command")
        effect = site.rows("--what-if-delete", disk)
        case.check(effect, f"{word}: what deleting it does is answered", [effect])


def check_commands(case, commands, inventory, what):
    """Where it is known what is a restore point, nothing is suggested; else what is masked may be taken out of a chain, and stays."""
    wrong = [command for command in commands if inventory or "rm " in command or "commit" in command.split()]
    case.same(wrong, [], f"{what}: no command that deletes or changes what is needed")


def chain(site, clusters):
    """{name: the clusters written}, each on the one before."""
    below = None
    for name, places in clusters.items():
        write(create(site.path(name), MIB, below), *places)
        below = name


def test_incremental_backups_are_restore_points_each(case):
    """The second is read wholly aside by the last: masked, were it no restore point."""
    names = ["full.qcow2", "inc1.qcow2", "inc2.qcow2"]
    for word in ("no inventory", "a list of restore points"):
        site = case.site()
        chain(site, dict(zip(names, (range(8), range(2), range(2)))))
        inventory = listed(site, *(f"{site.path(name)}\tbackup\trestore-point" for name in names)) if word != "no inventory" else None
        check_commands(case, check_nights(case, site, names, word, inventory), inventory, word)


def test_external_snapshots_are_points_to_go_back_to(case):
    names = ["vm.qcow2", "vm.before-upgrade", "vm.after-upgrade"]
    for word in ("no inventory", "a list of the machine's disk alone"):
        site = case.site()
        chain(site, dict(zip(names, (range(16), range(16), range(8)))))
        inventory = listed(site, site.path("vm.after-upgrade") + "\tvm") if word != "no inventory" else None
        check_commands(case, check_nights(case, site, names, word, inventory), inventory, word)
        rows = {(row["status"], row["verdict"]) for row in site.rows("--unused-backing")}
        case.check(rows <= {("partly-masked", "proven"), ("partly-masked", "unproven"), ("unreferenced", "unproven")}, f"{word}: none that may be deleted", [rows])


def test_snapshots_of_opennebula_keep_what_the_user_saved(case):
    site = case.site()
    base = write(create(site.path("1", "6f3a"), MIB), 0, 1)
    snap = site.path("0", "42", "disk.0.snap", "")
    os.symlink(".", snap + "disk.0.snap")
    write(create(snap + "0", MIB, base), 2)
    write(create(snap + "1", MIB, "disk.0.snap/0"), 1, 2)
    os.symlink("disk.0.snap/1", site.path("0", "42", "disk.0"))
    case.same(check_nights(case, site, ["1/6f3a", "0/42/disk.0", "0/42/disk.0.snap/0"], "by their places", None), [], "no command")


def test_a_template_of_ovirt_with_one_machine_is_not_written_into(case):
    site = case.site()
    template = make_raw(site.path("images", "T", "bbbb"))
    with open(template + ".meta", "w", encoding="ascii") as file:
        file.write("CAP=1048576\nFORMAT=RAW\nVOLTYPE=SHARED\nLEGALITY=LEGAL\nEOF\n")
    create(site.path("images", "V", "cccc"), MIB, "bbbb", "raw")
    os.link(template, site.path("images", "V", "bbbb"))
    write(site.path("images", "V", "cccc"), 0, 1)
    raw = os.path.getsize(template), open(template, "rb").read()
    case.same(check_nights(case, site, ["images/V/cccc"], "a machine by its overlay", None), [], "no command")
    case.same((os.path.getsize(template), open(template, "rb").read()), raw, "the template has the bytes that it had")


def test_raw_disks_without_suffix_are_images(case):
    """oVirt's data disk, Ganeti's disk0, nova's _base of a file system, ephemeral and swap disks: none has a partition table."""
    site = case.site()
    wanted = ["_base/0a4d55a8d778e5022fab701977c5d840bbc486d0", "_base/ephemeral_20_abc", "v/disk0", "v/dddddddd-0000-0000-0000-000000000003"]
    for name in [*wanted, "v/notes"]:
        with open(site.path(*name.split("/")), "wb") as file:
            file.truncate(8 * MIB)
    for name in (wanted[0], wanted[2]):
        must("mkfs.ext4", "-qF", site.path(name))
    with open(site.path(wanted[3] + ".meta"), "w", encoding="ascii") as file:
        file.write("CAP=8388608\nFORMAT=RAW\nVOLTYPE=LEAF\nLEGALITY=LEGAL\nEOF\n")
    create(site.path("v", "beside.qcow2"))
    site.scan(inventory=None)
    found = {site.relative(path): format for path, format in site.query("SELECT path, format FROM v_image")}
    case.same(found, {**dict.fromkeys(wanted, "raw"), "v/beside.qcow2": "qcow2"}, "each is a raw image, and a file of zeroes is none")


TESTS = [
    test_backups_by_external_snapshots_leave_the_disks_of_machines,
    test_a_discarded_overlay_leaves_the_machine_its_disk,
    test_incremental_backups_are_restore_points_each,
    test_external_snapshots_are_points_to_go_back_to,
    test_snapshots_of_opennebula_keep_what_the_user_saved,
    test_a_template_of_ovirt_with_one_machine_is_not_written_into,
    test_raw_disks_without_suffix_are_images,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What an administrator does on the report's word leaves what machines use.", TESTS))
