#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Machines: what an inventory has of them keeps what they use from being called unused, and what is not known of them keeps
# verdicts from being proven.

import os
import subprocess

import harness
import sites
from sites import KIB, MIB, create, make_raw, write


def orphan(site, name="disk.qcow2", **how):
    """The disk of a machine whose overlay was thrown away after a scan saw it."""
    disk = write(create(site.path(name), MIB), 0)
    over = create(site.path(name + ".over"), MIB, disk)
    site.scan(**how)
    os.unlink(over)
    return disk


def verdict(site, name="disk.qcow2"):
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def listed(site, *lines, end="\n"):
    path = os.path.join(site.directory, "list")
    with open(path, "wb") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else line.encode()) + end.encode())
    return "list:" + path


def of_others(site):
    """A list of a machine that uses no image."""
    return listed(site, f"{make_raw(site.outside('install.iso'))}\tother\tcdrom")


PROVEN = ("unreferenced", "proven", None)


# -- Whether there is an inventory ------------------------------------------------------------------------------------

def test_without_an_inventory_nothing_unreferenced_is_proven(case):
    site = case.site()
    disk = orphan(site, inventory=None)
    for inventory, expected in ((None, ("unreferenced", "unproven", "no-inventory")), ("none", PROVEN), (of_others(site), PROVEN)):
        scan = site.scan(inventory=inventory)
        case.same((scan.code, verdict(site)), (0, expected), f"--inventory {inventory or '(auto, which finds none)'}: the disk of a deleted overlay")
    site.scan("--backing-glob", "disk*", inventory=None)
    case.same(verdict(site), PROVEN, "what --backing-glob calls a base is proven without one")
    site.scan(inventory=None)
    case.same(site.value("SELECT code FROM v_doubt"), "no-inventory", "and not without that", [disk])


def test_masked_bytes_need_no_inventory(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    write(create(site.path("over.qcow2"), MIB, base), 0)
    site.scan(inventory=None)
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "proven", None), "what overlays mask is proven whatever machines there are")


# -- What is claimed --------------------------------------------------------------------------------------------------

def test_what_a_machine_uses_is_never_unused(case):
    site = case.site()
    disk = orphan(site)
    for line in (disk, f"{disk}\tvm", f"{disk}\tvm\trestore-point", f"{disk}\t\ttemplate"):
        site.scan(inventory=listed(site, line))
        case.same(verdict(site), None, f"claimed by the line {line.replace(disk, 'DISK')!r}, it is no candidate")
    site.scan(inventory=listed(site, site.path("other.qcow2")))
    case.same(verdict(site)[0], "unreferenced", "claimed no more, it is one")


def test_a_claimed_base_is_read_whole(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0, 1)
    write(create(site.path("over.qcow2"), MIB, base), 0, 1)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "proven", None), "its overlay masks all of it")
    site.scan(inventory=listed(site, f"{base}\tvm"))
    case.same((verdict(site, "base.qcow2"), site.value("SELECT masked_bytes FROM v_usage WHERE path = ?", base)), (None, 0), "a machine that uses it reads all of it")
    rows = site.rows("--what-if-delete", site.path("over.qcow2"))
    case.check(not any(row["path"] == base and "unreferenced" in row["effect"] for row in rows), "what-if: it would not be unreferenced", rows)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "proven", None), "without the machine it is masked again")


def test_a_snapshot_below_a_disk_is_never_called_superfluous(case):
    site = case.site()
    base = write(create(site.path("vm.qcow2"), MIB), 0, 1)
    middle = write(create(site.path("vm.before-upgrade"), MIB, base), 0, 1)
    disk = write(create(site.path("vm.after-upgrade"), MIB, middle), 0, 1, 2)
    site.scan()
    case.same({name: row["status"] for name, row in site.unused().items()}, {"vm.qcow2": "fully-masked", "vm.before-upgrade": "fully-masked"}, "without an inventory both look superfluous")
    site.scan(inventory=listed(site, f"{disk}\tvm"))
    rows = site.unused(partly=True)
    case.same({name: (row["status"], row["suggestion"]) for name, row in rows.items()},
              {"vm.qcow2": ("partly-masked", None), "vm.before-upgrade": ("partly-masked", None)}, "below a machine's disk they may be snapshots: no command is suggested")
    case.same(site.query("SELECT path, subject FROM v_evidence WHERE code = 'external-snapshot' ORDER BY path"), [(middle, disk), (base, disk)], "v_evidence names the disk")
    site.scan("--template", "*/vm.qcow2", inventory=listed(site, f"{disk}\tvm", f"{middle}\tvm\trestore-point"))
    case.same(site.unused(partly=True), {}, "claimed, or kept as a template, they are no candidates")


def test_a_template_below_two_disks_is_judged_as_before(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    disks = [write(create(site.path(name), MIB, base), 0) for name in ("a.qcow2", "b.qcow2")]
    site.scan(inventory=listed(site, *disks))
    case.same(verdict(site, "base.qcow2"), ("fully-masked", "proven", None), "two machines on one base: it is no snapshot of either")


def test_a_claim_is_followed_through_links(case):
    site = case.site()
    disk = orphan(site)
    os.symlink(disk, site.outside("link"))
    os.link(disk, site.path("second.qcow2"))
    for path in (site.outside("link"), site.path("second.qcow2"), os.path.join(site.root, "..", "images", "disk.qcow2")):
        site.scan(inventory=listed(site, path))
        case.same(verdict(site), None, f"{os.path.basename(path)} leads to the disk")


def test_a_part_that_is_claimed_keeps_its_image(case):
    site = case.site()
    base = site.path("base.vmdk")
    sites.must("qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", base, str(MIB))
    write(base, 0, format="vmdk")
    over = create(site.path("over.qcow2"), MIB, base, "vmdk")
    site.scan()
    os.unlink(over)
    site.scan()
    case.same(verdict(site, "base.vmdk")[0], "unreferenced", "nothing names it")
    site.scan(inventory=listed(site, site.path("base-flat.vmdk")))
    case.same(verdict(site, "base.vmdk"), None, "a machine that uses its extent uses it")
    case.same(site.value("SELECT count(*) FROM v_claim WHERE image_id = (SELECT image_id FROM v_image WHERE path = ?)", base), 1, "v_claim names the image")


def test_a_disk_without_magic_is_a_raw_image(case):
    site = case.site()
    make_raw(site.path("disk0"))
    site.scan()
    case.same(site.value("SELECT count(*) FROM v_image"), 0, "a file without magic and suffix is no image")
    site.scan(inventory=listed(site, f"{site.path('disk0')}\tvm"))
    case.same(site.query("SELECT format FROM v_image"), [("raw",)], "a machine's disk is a raw one")
    again = site.scan(inventory=listed(site, f"{site.path('disk0')}\tvm"))
    case.same((again.stats["parsed"], site.value("SELECT count(*) FROM v_image")), (0, 1), "and is not read again")
    site.scan(inventory=listed(site, f"{site.path('disk0')}\tvm\tcdrom"))
    case.same(site.value("SELECT count(*) FROM v_claim WHERE state = 'found'"), 1, "its CD is a file, whatever is in it")


def test_what_was_written_to_is_the_disk_of_no_machine(case):
    site = case.site()
    disk = orphan(site)
    write(disk, 3)
    os.rename(disk, site.path("renamed.qcow2"))
    site.scan()
    case.same(verdict(site, "renamed.qcow2")[1:], ("unproven", "renamed,written-since"), "written to and renamed, it may be a machine's disk")
    site.scan(inventory=of_others(site))
    case.same(verdict(site, "renamed.qcow2"), PROVEN, "an inventory has the machines' disks, and it is none")
    site.scan(inventory=listed(site, site.path("renamed.qcow2")))
    case.same(verdict(site, "renamed.qcow2"), None, "or it is one")


# -- What is wrong ----------------------------------------------------------------------------------------------------

def test_a_lost_disk_may_be_the_orphan(case):
    site = case.site()
    disk = orphan(site)
    site.scan(inventory=listed(site, f"{disk}\tvm"))
    moved = site.path("moved.qcow2")
    os.rename(disk, moved)
    site.scan(inventory="list:" + os.path.join(site.directory, "list"))
    case.check("inventory-incomplete" in verdict(site, "moved.qcow2")[2], "a machine's disk that was renamed is not proven unused", site.rows("--unused-backing"))
    case.check(("claim-missing", "disk.qcow2") in site.findings(), "the machine's disk is missing", [str(site.findings())])
    case.same(site.run("accept", "--db", site.db, "claim-missing", disk, "--reason", "vm is gone").code, 0, "it is accepted")
    site.scan(inventory="list:" + os.path.join(site.directory, "list"))
    case.check("inventory-incomplete" not in (verdict(site, "moved.qcow2")[2] or ""), "and doubted no more because of that", site.rows("--unused-backing"))


def test_a_lost_disk_may_be_what_lies_beside_it(case):
    """Whoever renames a disk and writes the inventory anew by a list that still has the old name has one that is newer."""
    site = case.site()
    os.mkdir(site.path("pool"))
    disk = orphan(site, "pool/disk.qcow2")
    for words, path, role, expected in (("disk in the same directory", site.path("pool/before.qcow2"), "disk", "inventory-incomplete"),
                                        ("CD in the same directory", site.path("pool/before.qcow2"), "cdrom", None),
                                        ("disk in another directory", site.path("before.qcow2"), "disk", None),
                                        ("disk of a volume group", "/dev/imgaudit-none/before", "disk", None)):
        inventory = listed(site, f"{path}\tvm\t{role}")
        later = os.stat(disk).st_ctime + 3600
        os.utime(inventory.removeprefix("list:"), (later, later))
        site.scan(inventory=inventory)
        case.same(verdict(site, "pool/disk.qcow2")[2], expected, f"a machine's {words} is lost, and was never seen")


def test_a_lost_disk_that_was_another_file_is_no_doubt(case):
    site = case.site()
    orphan(site)
    other = make_raw(site.path("other.img"))
    inventory = listed(site, f"{other}\tvm")
    site.scan(inventory=inventory)
    case.same(verdict(site), PROVEN, "the machine uses another file")
    os.unlink(other)
    site.scan(inventory=inventory)
    case.same(verdict(site), PROVEN, "which is gone, and was not this one")


def test_a_list_that_is_not_understood_blocks(case):
    site = case.site()
    orphan(site)
    for line, words in (("relative.qcow2", "no absolute path"), (site.path("a") + "\tvm\tdrive", "no role")):
        scan = site.scan(inventory=listed(site, line))
        case.same((scan.code, verdict(site)), (3, ("unreferenced", "unproven", "inventory-incomplete")), f"{words}: nothing is proven", scan.notes())
        case.check(words in site.value("SELECT detail FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared"), f"{words}: the finding has the line")
    scan = site.scan(inventory="list:" + os.path.join(site.directory, "nowhere"))
    case.same((scan.code, verdict(site)[2]), (3, "inventory-incomplete"), "nor where the list is missing")
    os.mkfifo(os.path.join(site.directory, "fifo"))
    scan = site.scan(inventory="list:" + os.path.join(site.directory, "fifo"))
    case.same((scan.code, verdict(site)[2]), (3, "inventory-incomplete"), "a FIFO that nobody writes to is not waited for")
    case.same(site.scan(inventory="list:/dev/null").code, 3, "a device is none")
    iso = make_raw(site.outside("install.iso"))
    site.scan(inventory=listed(site, "", f"{iso}\tother\tcdrom", ""))
    case.same(verdict(site), PROVEN, "empty lines are nothing")


def test_a_list_of_nothing_is_none(case):
    """A command that failed prints nothing, too."""
    site = case.site()
    orphan(site)
    for lines, end, words in (([], "\n", "empty"), (["", "", ""], "\n", "of empty lines"), (["", ""], "\r\n", "of empty lines that end in CR LF"), (["", ""], "\0", "of NULs"), (["\tvm\tdisk"], "\n", "of a machine without a path")):
        scan = site.scan(inventory=listed(site, *lines, end=end))
        case.same((scan.code, verdict(site)), (3, ("unreferenced", "unproven", "inventory-incomplete")), f"a list {words}: nothing is proven", scan.notes())
        case.same(site.value("SELECT detail FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared"), "names no file", f"a list {words}: the finding says so")
    scan = site.scan(inventory="-", stdin=subprocess.DEVNULL)
    case.same((scan.code, verdict(site)[1]), (3, "unproven"), "nor by standard input that ends at once")
    case.same((site.scan(inventory="none").code, verdict(site)), (0, PROVEN), "who has no machines says so")


def test_what_lies_outside_may_hide_a_reference(case):
    site = case.site()
    orphan(site)
    outside = create(site.outside("vm.qcow2"), MIB)
    scan = site.scan(inventory=listed(site, f"{outside}\tvm"))
    case.same((scan.code, verdict(site)[2]), (0, "unread"), "a machine's disk outside of the roots may have its base here")
    site.scan(inventory=listed(site, f"{outside}\tvm\tcdrom"))
    case.same(verdict(site), PROVEN, "its CD has none")
    site.scan("--exclude", "*.iso", inventory=listed(site, f"{make_raw(site.path('x.iso'))}\tvm\tcdrom"))
    case.check(("claim-unscanned", "x.iso") in site.findings(), "what is excluded is no file of the scan", [str(site.findings())])


def test_names_of_any_bytes_end_with_nul(case):
    site = case.site()
    disk = os.fsencode(orphan(site))
    odd = os.path.join(os.path.dirname(disk), b"a\nb\xff\t")
    site.scan(inventory=listed(site, disk, end="\0"))
    case.same(verdict(site), None, "paths that end with NUL")
    os.rename(disk, odd[:-1])
    site.scan(inventory=listed(site, odd[:-1], end="\0"))
    case.same((site.unused(), site.value("SELECT state FROM v_claim")), ({}, "found"), "with a line feed and no UTF-8 in it")


def test_lists_of_other_systems_name_the_same_files(case):
    site = case.site()
    disk = orphan(site)
    for lines, end, words in (([disk], "\r\n", "ending in CR LF"), ([f"{disk}\tvm"], "\r\n", "with a machine, ending in CR LF"), ([f"{disk}\tvm\tdisk"], "\r\n", "with a role, ending in CR LF"),
                              ([f"{disk}     "], "\n", "with blanks behind the path"), ([f"{disk}  \tvm"], "\n", "with blanks before the tab"), ([f"{disk}  "], "\r\n", "with both")):
        scan = site.scan(inventory=listed(site, *lines, end=end))
        case.same((verdict(site), scan.code == 3), (None, False), f"a line {words} names the disk", scan.notes())
    odd = os.path.join(site.root, "odd  ")
    os.rename(disk, odd)
    site.scan(inventory=listed(site, odd))
    case.same((verdict(site, "odd  "), site.query("SELECT path, state FROM v_claim")), (None, [(odd, "found")]), "blanks may be part of the name: nothing is missed")
    os.rename(odd, disk + "\r")
    site.scan(inventory=listed(site, disk + "\r", end="\0"))
    case.same(verdict(site, "disk.qcow2\r"), None, "between NULs, CR is a part of a name")
    for end, words in (("\0", "between NULs, that one alone"), ("\n", "else CR is none")):
        site.scan(inventory=listed(site, disk if end == "\0" else disk + "\r", end=end))
        case.same(verdict(site, "disk.qcow2\r") is None, False, words)


def test_a_list_may_come_through_a_pipe(case):
    """What a shell makes of list:<(command)."""
    site = case.site()
    disk = orphan(site)
    for command, expected, words in ((f"sleep 0.5; echo {disk}", None, "later"), (f"echo {site.root}; sleep 0.5; echo {disk}", None, "bit by bit"), ("false", "unproven", "never")):
        outcome = subprocess.run(["bash", "-c", f'exec "$0" scan --db "$1" {sites.TRUST_LOCKS} --min-age 0 --inventory list:<({command}) "$2"', site.imgaudit, site.db, site.root],
                                 capture_output=True, text=True, timeout=60, check=False)
        found = verdict(site)
        case.same(found and found[1], expected, f"what a process prints {words}", [outcome.stderr])
    fifo = os.path.join(site.directory, "fifo")
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", 'sleep 1; echo "$0" > "$1"', disk, fifo]):
        site.scan(inventory="list:" + fifo)
    case.same(verdict(site), None, "and what comes through a named one, whose writer is late")
    case.same(site.run("prove", "--db", site.db, disk).code, 5, "prove has nobody to ask again, and proves nothing")


def test_standard_input_is_read_once(case):
    site = case.site()
    disk = orphan(site)
    with open(os.path.join(site.directory, "list"), "w", encoding="utf-8") as file:
        file.write(f"{site.path('other.img')}\n")
    make_raw(site.path("other.img"))
    with open(file.name, encoding="utf-8") as given:
        scan = site.scan(inventory="-", stdin=given)
    case.same((scan.code, verdict(site)), (0, PROVEN), "a list from standard input")
    outcome = site.run("prove", "--db", site.db, disk, stdin=subprocess.DEVNULL)
    case.same(outcome.code, 5, "prove cannot read it again, and proves nothing", [outcome.out])
    case.check("inventory" in outcome.out, "which it says", [outcome.out])


def test_relative_lists_are_found_from_elsewhere(case):
    site = case.site()
    disk = orphan(site)
    of_others(site)
    site.scan(inventory="list:list", cwd=site.directory)
    outcome = site.run("prove", "--db", site.db, disk, cwd="/")
    case.same(outcome.code, 0, "prove reads the same list from another directory", [outcome.out, outcome.err])


def test_sources_that_are_none_are_wrong_usage(case):
    site = case.site()
    for source in ("nowhere", "list", "list:", "", "auto:x"):
        outcome = site.run("scan", "--db", site.db, "--inventory", source, site.root)
        case.same((outcome.code, outcome.out), (2, ""), f"--inventory '{source}' is wrong usage", [outcome.err])


def test_views_have_machines_and_claims(case):
    site = case.site()
    disk = write(create(site.path("disk.qcow2"), 64 * KIB), 0)
    site.scan(inventory=listed(site, f"{disk}\tweb", f"{site.path('gone.img')}\tweb\trestore-point"))
    case.same(site.query("SELECT source, kind, name, state, defined_in FROM v_machine"), [("list", "vm", "web", "unknown", os.path.join(site.directory, "list"))], "v_machine")
    case.same(site.query("SELECT machine, path, role, state, image_id IS NOT NULL FROM v_claim ORDER BY path"),
              [("web", disk, "disk", "found", 1), ("web", site.path("gone.img"), "restore-point", "missing", 0)], "v_claim")


TESTS = [
    test_without_an_inventory_nothing_unreferenced_is_proven,
    test_masked_bytes_need_no_inventory,
    test_what_a_machine_uses_is_never_unused,
    test_a_claimed_base_is_read_whole,
    test_a_snapshot_below_a_disk_is_never_called_superfluous,
    test_a_template_below_two_disks_is_judged_as_before,
    test_a_claim_is_followed_through_links,
    test_a_part_that_is_claimed_keeps_its_image,
    test_a_disk_without_magic_is_a_raw_image,
    test_what_was_written_to_is_the_disk_of_no_machine,
    test_a_lost_disk_may_be_the_orphan,
    test_a_lost_disk_that_was_another_file_is_no_doubt,
    test_a_list_that_is_not_understood_blocks,
    test_a_list_of_nothing_is_none,
    test_what_lies_outside_may_hide_a_reference,
    test_names_of_any_bytes_end_with_nul,
    test_lists_of_other_systems_name_the_same_files,
    test_a_list_may_come_through_a_pipe,
    test_standard_input_is_read_once,
    test_relative_lists_are_found_from_elsewhere,
    test_sources_that_are_none_are_wrong_usage,
    test_views_have_machines_and_claims,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What machines use.", TESTS))
