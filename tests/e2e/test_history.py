#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a scan keeps of where backing names led: bases that were exchanged, written to or renamed under their overlays, and
# what a name may mean that leads nowhere.

import os
import shutil
import time

import harness
from builders import vpc
from sites import MIB, create, must, patch, write


def verdict(site, name):
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def found(site, code):
    return sorted(path for kind, path in site.findings() if kind == code)


def base_and_overlay(site, base="base.qcow2", over="vm.qcow2", named=None):
    path = write(create(site.path(base), MIB), 0, 1)
    return path, write(create(site.path(over), MIB, named or os.path.basename(base)), 3)


# -- Exchanged --------------------------------------------------------------------------------------------------------

def refresh(site, base):
    """A new file under the old name; the old one is kept beside it."""
    old = site.path("base-old.qcow2")
    os.rename(base, old)
    write(create(base, MIB), 0, 5)
    return old


def test_a_base_refreshed_under_its_name_is_found_and_the_old_one_kept(case):
    site = case.site()
    base, over = base_and_overlay(site)
    site.scan()
    old = refresh(site, base)
    for night in range(3):
        scan = site.scan()
        case.same(found(site, "backing-exchanged"), ["vm.qcow2"], f"scan {night}: the overlay's base was exchanged", scan.notes())
        case.check("exchanged" in verdict(site, "base-old.qcow2")[2], f"scan {night}: the base that it was made on is not proven", site.rows("--unused-backing"))
    os.rename(old, base)
    site.scan()
    case.same((found(site, "backing-exchanged"), verdict(site, "base.qcow2")), ([], None), "with the old file under its name again all is well")
    refresh(site, base)
    site.scan()
    os.unlink(over)
    site.scan()
    case.same((found(site, "backing-exchanged"), verdict(site, "base-old.qcow2")[2]), ([], "renamed"), "without the overlay nothing was made on it")


def test_a_base_made_after_its_overlay_is_another_one(case):
    site = case.site()
    template, clone = base_and_overlay(site, "template.qcow2", "clone.qcow2")
    other = create(site.path("other.qcow2"), MIB, "template.qcow2")
    time.sleep(0.02)
    os.rename(template, site.path("template.old.qcow2"))
    write(create(template, MIB), 0, 5)
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "template.old.qcow2", other)
    for night in range(2):
        scan = site.scan()
        case.same(found(site, "backing-exchanged"), ["clone.qcow2"], f"scan {night}: refreshed before any scan saw the clone", scan.notes())
    os.unlink(other)
    site.scan()
    case.check(verdict(site, "template.old.qcow2")[1] == "unproven" and "broken-reference" in verdict(site, "template.old.qcow2")[2],
               "the old template may be what the clone was made on", site.rows("--unused-backing"))
    write(clone, 6)
    site.scan()
    case.same(found(site, "backing-exchanged"), ["clone.qcow2"], "a write to the clone mends nothing")
    case.check("broken-reference" in verdict(site, "template.old.qcow2")[2], "and proves nothing", site.rows("--unused-backing"))
    os.unlink(clone)
    site.scan()
    case.same(verdict(site, "template.old.qcow2"), ("unreferenced", "proven", None), "without the clone nothing was made on it")


def test_a_forest_copied_with_its_times_is_no_exchange(case):
    site = case.site()
    base_and_overlay(site, "old/base.qcow2", "old/a.qcow2")
    time.sleep(0.02)
    must("cp", "-a", site.path("old"), site.path("new"))
    site.scan()
    case.same(found(site, "backing-exchanged"), [], "cp -a of overlay and base, in whatever order")


def test_what_if_agrees_about_an_exchanged_base(case):
    site = case.site()
    base, over = base_and_overlay(site)
    other = create(site.path("other.qcow2"), MIB, "base-old.qcow2")
    site.scan()
    refresh(site, base)
    site.scan()
    rows = [row for row in site.rows("--what-if-delete", other) if row["path"] == site.path("base-old.qcow2")]
    case.same([(row["effect"], row["verdict"], "exchanged" in row["why_codes"]) for row in rows], [("unreferenced", "unproven", True)],
              "what-if: unreferenced then, and not proven", rows)
    del over


def test_a_turned_link_exchanges_the_base(case):
    site = case.site()
    for version in ("v1", "v2"):
        write(create(site.path(version, "base.qcow2"), MIB), int(version[1]))
    os.symlink("v1", site.path("current"))
    create(site.path("vm.qcow2"), MIB, "current/base.qcow2")
    site.scan()
    os.unlink(site.path("current"))
    os.symlink("v2", site.path("current"))
    site.scan()
    case.same((found(site, "backing-exchanged"), verdict(site, "v1/base.qcow2")[2]), (["vm.qcow2"], "exchanged"), "the old version is kept, and the overlay reported")


def test_the_data_file_of_a_base_is_exchanged_like_a_base(case):
    site = case.site()
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('data.raw')},data_file_raw=on", site.path("base.qcow2"), str(MIB))
    create(site.path("other.raw"), MIB, format="raw")
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    os.symlink("data.raw", site.path("current.raw"))
    clone = create(site.path("clone.qcow2"), MIB, "current.raw", "raw")
    site.scan()
    os.unlink(over)
    for target, codes in (("other.raw", "exchanged"), ("nothing.raw", "broken-reference")):
        os.unlink(site.path("current.raw"))
        os.symlink(target, site.path("current.raw"))
        for night in range(2):
            site.scan()
            case.same(verdict(site, "base.qcow2"), ("unreferenced", "unproven", codes), f"a clone was made on its data file; link turned to {target}, scan {night}")
    os.unlink(clone)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "without the clone it may go")


def test_what_an_exchanged_base_was_based_on_is_kept_when_that_is_gone(case):
    for keep in ((), ("--keep", "1")):
        keep_below_what_is_gone(case, keep)


def keep_below_what_is_gone(case, keep):
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    create(site.path("other.qcow2"), MIB)
    middle = write(create(site.path("middle.qcow2"), MIB, "base.qcow2"), 1)
    top = create(site.path("top.qcow2"), MIB, "middle.qcow2")
    site.scan(*keep)
    os.rename(middle, site.outside("middle.qcow2"))
    create(middle, MIB, "other.qcow2")
    for night in range(3):
        site.scan(*keep)
        case.same((found(site, "backing-exchanged"), verdict(site, "base.qcow2")), (["top.qcow2"], ("unreferenced", "unproven", "exchanged")),
                  f"{keep}, scan {night}: the middle one was exchanged, and may come back")
    deed = {row["effect"]: row["verdict"] for row in site.rows("--what-if-delete", site.path("base.qcow2"))}
    case.same(deed, {"deleted": "unproven", "total": "unproven"}, "a what-if agrees")
    os.unlink(top)
    site.scan(*keep)
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "without the overlay it may go")
    site.scan(*keep)
    case.same(site.value("SELECT count(*) FROM vanished") == 0, keep != (), "what is gone is remembered as long as the history has it")


def test_a_base_replaced_by_a_rename_is_found(case):
    site = case.site()
    base, _ = base_and_overlay(site)
    site.scan()
    os.rename(write(create(site.path("new.qcow2"), MIB), 7), base)
    site.scan()
    case.same(found(site, "backing-exchanged"), ["vm.qcow2"], "a file renamed over the base")
    site.scan()
    case.same(found(site, "backing-exchanged"), ["vm.qcow2"], "on the next night, too, though the old file is gone and its number free")


def test_a_faithful_copy_is_no_exchange(case):
    site = case.site()
    base, _ = base_and_overlay(site)
    site.scan()
    shutil.copy2(base, base + ".copy")
    os.rename(base + ".copy", base)
    site.scan()
    case.same(found(site, "backing-exchanged"), [], "a copy with the original's time stamp under its name")
    site.scan()
    case.same(found(site, "backing-exchanged"), [], "on the next night neither")


def test_an_overlay_that_is_rebased_or_made_anew_is_no_exchange(case):
    site = case.site()
    base, over = base_and_overlay(site)
    other = shutil.copy(base, site.path("other.qcow2"))
    site.scan()
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "other.qcow2", over)
    site.scan()
    case.same(found(site, "backing-exchanged"), [], "an overlay with another backing name")
    os.unlink(over)
    os.unlink(other)
    write(create(other, MIB), 9)
    create(over, MIB, "other.qcow2")
    site.scan()
    case.same(found(site, "backing-exchanged"), [], "an overlay that is a new file")


# -- Written to -------------------------------------------------------------------------------------------------------

def test_a_write_to_a_base_is_found_once(case):
    site = case.site()
    base, _ = base_and_overlay(site)
    site.scan()
    time.sleep(0.02)
    write(base, 5)
    site.scan()
    case.same(found(site, "backing-written"), ["base.qcow2"], "a base written to under its overlay")
    site.scan()
    case.same(found(site, "backing-written"), [], "it was written to before the scan that reported it")


def test_a_write_under_running_machines_is_found(case):
    site = case.site()
    base, over = base_and_overlay(site)
    create(site.path("two.qcow2"), MIB, "base.qcow2")
    site.scan()
    write(base, 5)
    time.sleep(0.02)
    write(over, 4)
    write(site.path("two.qcow2"), 4)
    site.scan()
    case.same(found(site, "backing-written"), ["base.qcow2"], "though its overlays were written to later")


def copied_over(site, base, back_ns):
    """Another image's content in the same inode, with a time that lies before that of the base: cp -p, rsync --inplace -t."""
    before = os.stat(base).st_mtime_ns
    new = write(create(site.outside("new.qcow2"), MIB), 7)
    with open(new, "rb") as source, open(base, "r+b") as target:
        target.write(source.read())
        target.truncate()
    os.utime(base, ns=(before - back_ns, before - back_ns))


def test_an_older_file_copied_over_a_base_is_a_write(case):
    for back_ns in (1, 10 * 86400 * 10 ** 9):
        site = case.site()
        base, over = base_and_overlay(site)
        site.scan()
        copied_over(site, base, back_ns)
        site.scan()
        case.same(found(site, "backing-written"), ["base.qcow2"], f"{back_ns} ns: a base whose time went back")
        site.scan()
        case.same(found(site, "backing-written"), [], f"{back_ns} ns: it is found once")
        os.unlink(over)
        for number in (1, 2):
            site.scan()
            row = site.unused()["base.qcow2"]
            case.same((row["verdict"], row["why_codes"]), ("unproven", "written-since"), f"{back_ns} ns, night {number} without its overlay: it may be another disk")


def test_a_time_that_went_back_before_a_base_was_named_is_no_write(case):
    site = case.site()
    base = write(create(site.path("base.qcow2"), MIB), 0)
    site.scan()
    os.utime(base, ns=(10 ** 18, 10 ** 18))
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    os.unlink(over)
    site.scan()
    case.same((found(site, "backing-written"), site.unused()["base.qcow2"]["verdict"]), ([], "proven"), "a time that was set back before there was an overlay")


def test_a_commit_of_the_only_overlay_is_none(case):
    site = case.site()
    _, over = base_and_overlay(site)
    site.scan()
    must("qemu-img", "commit", "-q", over)
    site.scan()
    case.same(found(site, "backing-written"), [], "qemu-img commit")


# -- Renamed ----------------------------------------------------------------------------------------------------------

def test_a_base_with_its_overlays_name_is_not_proven(case):
    site = case.site()
    disk = write(create(site.path("images/102/vm-102-disk-0.qcow2"), MIB), 0)
    snapshot = site.path("images/102/snap_vm-102-disk-0_pre.qcow2")
    os.rename(disk, snapshot)
    create(disk, MIB, os.path.basename(snapshot))
    site.scan()
    os.unlink(disk)
    os.rename(snapshot, disk)
    for night in range(2):
        site.scan()
        case.same(verdict(site, "images/102/vm-102-disk-0.qcow2"), ("unreferenced", "unproven", "renamed"), f"scan {night}: the snapshot was made the machine's disk again")
    os.rename(disk, snapshot)
    site.scan()
    case.same(verdict(site, "images/102/snap_vm-102-disk-0_pre.qcow2")[1], "proven", "under the name by which it was named it is a snapshot that nothing names")


def test_the_name_of_any_former_overlay_is_remembered(case):
    def link(site):
        base, one = base_and_overlay(site, "base.qcow2", "one.qcow2")
        two = create(site.path("two.qcow2"), MIB, "base.qcow2")
        site.scan()
        os.unlink(one)
        os.link(base, one)
        return two, one

    def rename(site):
        base, one = base_and_overlay(site, "snap.qcow2", "one.qcow2")
        site.scan()
        os.unlink(one)
        os.rename(base, one)
        return create(site.path("two.qcow2"), MIB, "one.qcow2"), one

    def rename_the_overlay(site):
        two, one = rename(site)
        site.scan()
        os.rename(two, site.path("three.qcow2"))
        os.link(one, two)
        return site.path("three.qcow2"), two

    def rebase(site):
        base, one = base_and_overlay(site, "base.qcow2", "one.qcow2")
        two, other = create(site.path("two.qcow2"), MIB, "base.qcow2"), create(site.path("other.qcow2"), MIB)
        site.scan()
        must("qemu-img", "rebase", "-u", "-b", other, "-F", "qcow2", one)
        site.scan()
        os.unlink(one)
        os.link(base, one)
        return two, one

    for change in (link, rename, rename_the_overlay, rebase):
        for keep in ((), ("--keep", "1")):
            site = case.site()
            last, name = change(site)
            site.scan(*keep)
            os.unlink(last)
            for night in range(2):
                site.scan(*keep)
                rows = {row["path"]: (row["verdict"], row["why_codes"] or "") for row in site.rows("--unused-backing") if not row["path"].endswith("other.qcow2")}
                case.check([(verdict, "renamed" in codes.split(",")) for verdict, codes in rows.values()] == [("unproven", True)],
                           f"{change.__name__}, {keep}: the base has the name of an overlay that it had, scan {night}", [rows])
            got = site.run("prove", "--db", site.db, name)
            case.same(got.code, 5, f"{change.__name__}: prove says so, too", [got])


def test_a_renamed_orphan_is_not_proven(case):
    site = case.site()
    base, over = base_and_overlay(site)
    site.scan()
    os.unlink(over)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("unreferenced", "proven", None), "an orphan under its name")
    os.rename(base, site.path("keep.qcow2"))
    site.scan()
    case.same(verdict(site, "keep.qcow2"), ("unreferenced", "unproven", "renamed"), "somebody gave it a name")


# -- What a name may mean that leads nowhere --------------------------------------------------------------------------

def test_a_broken_overlay_blocks_what_it_may_mean_alone(case):
    site = case.site()
    orphan, other = base_and_overlay(site, "orphan.qcow2", "gone.qcow2")
    time.sleep(0.02)
    base, over = base_and_overlay(site, "lost.qcow2", "broken.qcow2")
    foreign = create(site.path("foreign.qcow2"), MIB, "elsewhere.qcow2")
    site.scan()
    os.unlink(other)
    scan = site.scan()
    case.same((verdict(site, "orphan.qcow2"), found(site, "backing-missing")), (("unreferenced", "proven", None), ["foreign.qcow2"]),
              "an overlay whose base is missing does not block what is older than itself and has another name", scan.notes())
    os.rename(base, site.path("moved.qcow2"))
    site.scan()
    case.same((verdict(site, "moved.qcow2")[1:], verdict(site, "orphan.qcow2")[1]), (("unproven", "broken-reference,renamed"), "proven"),
              "a base that was renamed under its overlay is blocked by that, and no other", site.rows("--unused-backing"))
    os.unlink(over)
    site.scan()
    case.same(verdict(site, "moved.qcow2")[2], "broken-reference,renamed", "without the overlay it may still be what the foreign one means")
    os.rename(orphan, site.path("new-name.qcow2"))
    os.rename(site.path("new-name.qcow2"), orphan)
    site.scan()
    case.same(verdict(site, "orphan.qcow2")[1:], ("unproven", "broken-reference"), "what got its name after the broken overlay was made may be what that means")
    later, last = base_and_overlay(site, "later.qcow2", "last.qcow2")
    site.scan()
    os.unlink(last)
    site.scan()
    case.same(verdict(site, "later.qcow2")[1], "proven", "what was made after the broken overlay is not")
    os.unlink(later)
    os.unlink(foreign)
    site.scan()
    case.same(verdict(site, "orphan.qcow2")[1], "proven", "without the broken overlay nothing may mean it")


def test_the_same_last_component_is_meant(case):
    site = case.site()
    base_and_overlay(site, "a/debian.qcow2", "a/gone.qcow2")
    time.sleep(0.02)
    create(site.path("b/vm.qcow2"), MIB, "../old/debian.qcow2")
    site.scan()
    os.unlink(site.path("a/gone.qcow2"))
    site.scan()
    case.same(verdict(site, "a/debian.qcow2")[1:], ("unproven", "broken-reference"), "a missing file of that name in another directory")


def vmdk_pair(site):
    """A base that got its name before its overlay was copied here, and another overlay of it; returns both."""
    create(site.outside("base.vmdk"), MIB, format="vmdk")
    write(site.outside("base.vmdk"), 0, format="vmdk")
    must("qemu-img", "create", "-q", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", site.outside("vm.vmdk"))
    shutil.copy2(site.outside("base.vmdk"), site.path("golden.vmdk"))
    time.sleep(0.02)
    must("qemu-img", "create", "-q", "-f", "vmdk", "-b", "golden.vmdk", "-F", "vmdk", site.path("other.vmdk"))
    return site.path("golden.vmdk"), shutil.copy(site.outside("vm.vmdk"), site.path("vm.vmdk")), site.path("other.vmdk")


def vhd(path, number, parent=None, name="base.vhd"):
    made = parent and vpc.Parent(unique=vpc.identity(parent), name=name, locators=[(b"W2ru", f".\\{name}")])
    data = vpc.sparse({}, vpc.Footer(2 * MIB, unique=vpc.identity(number)), vpc.Layout(2 * MIB), made)
    with open(path, "wb") as file:
        file.write(data)
    return path


def vhd_pair(site):
    base = vhd(site.path("golden.vhd"), 1)
    time.sleep(0.02)
    return base, vhd(site.path("vm.vhd"), 2, 1, "Golden.VHD"), vhd(site.path("other.vhd"), 3, 1, "golden.vhd")


def test_a_name_that_leads_nowhere_means_what_has_the_parents_identity(case):
    for pair in (vmdk_pair, vhd_pair):
        site = case.site()
        base, lost, other = pair(site)
        name = os.path.basename(base)
        site.scan()
        os.unlink(other)
        for night in range(2):
            site.scan()
            case.same(verdict(site, name), ("unreferenced", "unproven", "broken-reference"), f"{name}: an overlay states its identity, scan {night}")
        os.unlink(lost)
        site.scan()
        case.same(verdict(site, name), ("unreferenced", "proven", None), f"{name}: nobody states its identity any more")


def test_another_format_is_not_meant(case):
    site = case.site()
    base_and_overlay(site)
    site.scan()
    os.unlink(site.path("vm.qcow2"))
    foreign = create(site.path("foreign.qcow2"), MIB, "elsewhere.vmdk", "vmdk")
    os.rename(site.path("base.qcow2"), site.path("base2.qcow2"))
    site.scan()
    case.same(verdict(site, "base2.qcow2")[1:], ("unproven", "renamed"), "a missing VMDK is no qcow2 image, whenever that got its name")
    os.unlink(foreign)
    create(foreign, MIB, "elsewhere", None)
    patch(foreign, 0, b"QFI\xfb")
    os.rename(site.path("base2.qcow2"), site.path("base3.qcow2"))
    site.scan()
    case.same(verdict(site, "base3.qcow2")[1:], ("unproven", "broken-reference,renamed"), "one of an unknown format may be")


def restored_after_its_base_was_renamed(site):
    base, over = base_and_overlay(site)
    os.rename(over, site.outside("tape"))
    os.rename(base, site.path("golden.qcow2"))
    create(site.path("other.qcow2"), MIB, "golden.qcow2")
    site.scan()
    return shutil.copy2(site.outside("tape"), over)


def moved_with_its_forest(site):
    """The base was renamed before all was copied, itself first."""
    base = write(create(site.outside("base.qcow2"), MIB), 0)
    over = create(site.outside("vm.qcow2"), MIB, "base.qcow2")
    os.rename(base, site.outside("golden.qcow2"))
    shutil.copy2(site.outside("golden.qcow2"), site.path("golden.qcow2"))
    time.sleep(0.02)
    create(site.path("other.qcow2"), MIB, "golden.qcow2")
    return shutil.copy2(over, site.path("vm.qcow2"))


def based_on_what_came_by_a_copy(site):
    """The base lay elsewhere when the overlay was made, and came as a copy under another name."""
    base = write(create(site.outside("base.qcow2"), MIB), 0)
    over = create(site.path("vm.qcow2"), MIB, base)
    time.sleep(0.02)
    shutil.copy2(base, site.path("golden.qcow2"))
    os.unlink(base)
    create(site.path("other.qcow2"), MIB, "golden.qcow2")
    return over


def test_a_copy_is_as_old_as_its_last_write(case):
    for make in (restored_after_its_base_was_renamed, moved_with_its_forest, based_on_what_came_by_a_copy):
        site = case.site()
        over = make(site)
        site.scan()
        os.unlink(site.path("other.qcow2"))
        for night in range(2):
            site.scan()
            got = verdict(site, "golden.qcow2")
            case.check(got[1] == "unproven" and "broken-reference" in got[2], f"{make.__name__}: the overlay may mean it, scan {night}", [got])
        os.unlink(over)
        site.scan()
        case.same(verdict(site, "golden.qcow2"), ("unreferenced", "proven", None), f"{make.__name__}: without the overlay nothing may")


def touched_after(site, name, foreign):
    """An image that lacks its base is made, and then the time stamp of inodes shows that something was done to the file."""
    time.sleep(0.02)
    create(site.path(foreign), MIB, "lost-long-ago.qcow2")
    time.sleep(0.02)
    os.chmod(site.path(name), 0o640)


def test_what_kept_its_path_over_scans_is_not_what_lost_its_name(case):
    site = case.site()
    for name in ("seen", "linked"):
        base_and_overlay(site, name + ".qcow2", name + ".over")
    os.link(site.path("linked.qcow2"), site.path("linked-too.qcow2"))
    site.scan()
    touched_after(site, "seen.qcow2", "foreign.qcow2")
    os.chmod(site.path("linked.qcow2"), 0o640)
    base_and_overlay(site, "new.qcow2", "new.over")
    touched_after(site, "new.qcow2", "second.qcow2")
    site.scan()
    for name in ("seen.over", "linked.over", "new.over"):
        os.unlink(site.path(name))
    for night in range(2):
        site.scan()
        rows = site.rows("--unused-backing")
        case.same(verdict(site, "seen.qcow2")[1], "proven", f"scan {night}: touched, under the path at which a scan saw it before the overlay was made", rows)
        case.same(verdict(site, "new.qcow2")[1:], ("unproven", "broken-reference"), f"scan {night}: touched, and no scan saw it before", rows)
        case.same(verdict(site, "linked-too.qcow2")[1:], ("unproven", "broken-reference"), f"scan {night}: touched, and it has two names", rows)
    os.rename(site.path("seen.qcow2"), site.path("seen2.qcow2"))
    site.scan()
    case.check("broken-reference" in verdict(site, "seen2.qcow2")[2], "renamed after the overlay was made", site.rows("--unused-backing"))


def test_a_name_made_of_another_is_meant_whatever_scans_saw(case):
    site = case.site()
    base_and_overlay(site, "disk.qcow2", "disk.over")
    base_and_overlay(site, "other.qcow2", "other.over")
    site.scan()
    time.sleep(0.02)
    for name in ("disk", "other"):
        os.unlink(site.path(name + ".over"))
        os.rename(site.path(name + ".qcow2"), site.path("snap-1-" + name + ".qcow2"))
    create(site.path("copy.qcow2"), MIB, "snap-1-disk.qcow2")
    for name in ("disk", "other"):
        os.rename(site.path("snap-1-" + name + ".qcow2"), site.path(name + ".qcow2"))
    os.rename(site.path("copy.qcow2"), site.path("far/copy.qcow2"))
    site.scan()
    case.same((verdict(site, "disk.qcow2")[1:], verdict(site, "other.qcow2")[1]), (("unproven", "broken-reference"), "proven"),
              "renamed for a while, and back", site.rows("--unused-backing"))


def test_a_copy_that_lacks_an_overlay_reads_what_is_below_that(case):
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0, 1)
    for middle, top in (("middle.qcow2", "top.qcow2"), ("other.qcow2", "second.qcow2")):
        write(create(site.path(middle), MIB, "base.qcow2"), 5)
        write(create(site.path(top), MIB, middle), 0)
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("partly-masked", "proven", None), "two chains hide a cluster of the base")
    shutil.copy(site.path("top.qcow2"), site.path("backups/top.qcow2"))
    site.scan()
    case.same(verdict(site, "base.qcow2"), ("partly-masked", "unproven", "broken-reference"), "a copy that lacks what is between may read it")
    os.unlink(site.path("backups/top.qcow2"))
    site.scan()
    case.same(verdict(site, "base.qcow2")[1], "proven", "without the copy nothing may")


# -- Links that were turned -------------------------------------------------------------------------------------------

def versions(site, *names):
    """Templates of which some other overlay reads a part, older than all else."""
    for number, name in enumerate(names):
        write(create(site.path(name), MIB), 0, 1, pattern=number + 1)
        write(create(site.path(name + ".over"), MIB, os.path.basename(name)), 0)


def turn(site, link, target):
    time.sleep(0.02)
    if os.path.lexists(site.path(link)):
        os.unlink(site.path(link))
    os.symlink(target, site.path(link))


def test_a_link_turned_before_the_first_scan_of_a_clone_is_suspected(case):
    for known in (False, True):
        word = "seen by a scan" if known else "seen by none"
        site = case.site()
        versions(site, "t/v1.qcow2", "other/v0.qcow2")
        turn(site, "t/current", "v1.qcow2")
        if known:
            site.scan()
        time.sleep(0.02)
        clone = create(site.path("clone.qcow2"), MIB, "t/current")
        time.sleep(0.02)
        write(create(site.path("t/v2.qcow2"), MIB), 0, 5)
        turn(site, "t/current", "v2.qcow2")
        for night in range(2):
            scan = site.scan()
            case.same(verdict(site, "t/v1.qcow2")[1:], ("unproven", "broken-reference"), f"{word}, scan {night}: the clone was made on it", scan.notes())
            case.same(verdict(site, "other/v0.qcow2")[1], "proven", f"{word}, scan {night}: what lies elsewhere was not meant", scan.notes())
        os.unlink(clone)
        site.scan()
        case.same(verdict(site, "t/v1.qcow2")[1], "proven", f"{word}: without the clone nothing was made on it")


def test_a_link_removed_before_a_scan_saw_the_clone_is_remembered(case):
    for replaced in (False, True):
        word = "replaced by a file" if replaced else "removed"
        site = case.site()
        versions(site, "t/v1.qcow2", "other/v0.qcow2")
        turn(site, "t/current", "v1.qcow2")
        site.scan()
        time.sleep(0.02)
        create(site.path("clone.qcow2"), MIB, "t/current")
        time.sleep(0.02)
        os.unlink(site.path("t/current"))
        if replaced:
            write(create(site.path("t/current"), MIB), 0, 5)
        for night in range(2):
            scan = site.scan()
            case.same((verdict(site, "t/v1.qcow2")[1:], verdict(site, "other/v0.qcow2")[1]), (("unproven", "broken-reference"), "proven"),
                      f"a link that was {word}, scan {night}", scan.notes())


def test_a_copy_elsewhere_of_what_a_link_leads_means_that(case):
    site = case.site()
    versions(site, "t/v1.qcow2", "t/v2.qcow2")
    turn(site, "t/current", "v1.qcow2")
    copy = create(site.path("backups/copy.qcow2"), MIB, "../../t/current")
    site.scan()
    case.same(verdict(site, "t/v1.qcow2")[1:], ("unproven", "broken-reference"), "it has a name of the last component that the copy lost")
    site.scan()
    turn(site, "t/current", "v2.qcow2")
    for night in range(2):
        scan = site.scan()
        case.same(verdict(site, "t/v1.qcow2")[1:], ("unproven", "broken-reference"), f"scan {night}: it had", scan.notes())
    os.unlink(copy)
    site.scan()
    case.same(verdict(site, "t/v1.qcow2")[1], "proven", "without the copy nothing may mean it")


def test_a_link_older_than_the_clone_misleads_nobody(case):
    site = case.site()
    versions(site, "t/v1.qcow2", "t/v2.qcow2")
    turn(site, "t/current", "v1.qcow2")
    time.sleep(0.02)
    create(site.path("clone.qcow2"), MIB, "t/current")
    create(site.path("foreign.qcow2"), MIB, "nothing.qcow2")
    site.scan()
    case.same((verdict(site, "t/v2.qcow2")[1], verdict(site, "t/v1.qcow2")), ("proven", None), "it leads to what the clone was made on, and to nothing else")


def test_a_link_turned_back_leaves_the_base_of_the_clone_unproven(case):
    site = case.site()
    versions(site, "t/v1.qcow2", "t/v2.qcow2", "other/v0.qcow2")
    turn(site, "t/current", "v2.qcow2")
    time.sleep(0.02)
    clone = create(site.path("clone.qcow2"), MIB, "t/current")
    turn(site, "t/current", "v1.qcow2")
    for night in range(2):
        scan = site.scan()
        case.same((verdict(site, "t/v2.qcow2")[1:], verdict(site, "other/v0.qcow2")[1]), (("unproven", "broken-reference"), "proven"),
                  f"scan {night}: the link leads to what is older than the clone", scan.notes())
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "t/v2.qcow2", clone)
    site.scan()
    case.same((verdict(site, "t/v1.qcow2")[1], verdict(site, "t/v2.qcow2")), ("proven", None), "the clone has the name of its base itself")


def test_links_copied_with_their_times_mislead_nobody(case):
    site = case.site()
    versions(site, "old/v1.qcow2", "old/v2.qcow2")
    os.symlink("v1.qcow2", site.path("old/current"))
    create(site.path("old/clone.qcow2"), MIB, "current")
    time.sleep(0.02)
    must("cp", "-a", site.path("old"), site.path("new"))
    shutil.rmtree(site.path("old"))
    site.scan()
    case.same(verdict(site, "new/v2.qcow2")[1], "proven", "cp -a of a tree, in whatever order")


def test_what_if_agrees_about_links_and_paths(case):
    site = case.site()
    versions(site, "t/v1.qcow2", "t/v2.qcow2")
    turn(site, "t/current", "v1.qcow2")
    clone = create(site.path("clone.qcow2"), MIB, "t/current")
    turn(site, "t/current", "v2.qcow2")
    site.scan()
    other = site.path("t/v1.qcow2.over")
    rows = site.rows("--what-if-delete", other)
    case.same([(row["effect"], row["why_codes"]) for row in rows if row["path"] == site.path("t/v1.qcow2")], [("unreferenced", "broken-reference")],
              "what-if: the link led there", rows)
    os.unlink(other)
    site.scan()
    case.same(verdict(site, "t/v1.qcow2"), ("unreferenced", "unproven", "broken-reference"), "and so does the next scan")
    del clone


TESTS = [
    test_what_kept_its_path_over_scans_is_not_what_lost_its_name,
    test_a_name_made_of_another_is_meant_whatever_scans_saw,
    test_a_copy_that_lacks_an_overlay_reads_what_is_below_that,
    test_a_link_turned_before_the_first_scan_of_a_clone_is_suspected,
    test_a_link_removed_before_a_scan_saw_the_clone_is_remembered,
    test_a_copy_elsewhere_of_what_a_link_leads_means_that,
    test_a_link_older_than_the_clone_misleads_nobody,
    test_a_link_turned_back_leaves_the_base_of_the_clone_unproven,
    test_links_copied_with_their_times_mislead_nobody,
    test_what_if_agrees_about_links_and_paths,
    test_a_base_refreshed_under_its_name_is_found_and_the_old_one_kept,
    test_a_base_made_after_its_overlay_is_another_one,
    test_a_forest_copied_with_its_times_is_no_exchange,
    test_what_if_agrees_about_an_exchanged_base,
    test_a_turned_link_exchanges_the_base,
    test_a_base_replaced_by_a_rename_is_found,
    test_a_faithful_copy_is_no_exchange,
    test_an_overlay_that_is_rebased_or_made_anew_is_no_exchange,
    test_the_data_file_of_a_base_is_exchanged_like_a_base,
    test_what_an_exchanged_base_was_based_on_is_kept_when_that_is_gone,
    test_a_write_to_a_base_is_found_once,
    test_a_write_under_running_machines_is_found,
    test_an_older_file_copied_over_a_base_is_a_write,
    test_a_time_that_went_back_before_a_base_was_named_is_no_write,
    test_a_commit_of_the_only_overlay_is_none,
    test_a_base_with_its_overlays_name_is_not_proven,
    test_the_name_of_any_former_overlay_is_remembered,
    test_a_renamed_orphan_is_not_proven,
    test_a_broken_overlay_blocks_what_it_may_mean_alone,
    test_the_same_last_component_is_meant,
    test_a_name_that_leads_nowhere_means_what_has_the_parents_identity,
    test_a_copy_is_as_old_as_its_last_write,
    test_another_format_is_not_meant,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Where backing names led, and what they may mean.", TESTS))
