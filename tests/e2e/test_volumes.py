#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# File systems that are mounted anew, elsewhere, or twice, and inodes that are used again: what a scan takes for the file
# that it saw before. The file systems are loop-mounted ext4, XFS and btrfs.
# And file systems that other hosts may have mounted too, by way of bindfs.

import os
import shutil
import time

import harness
import sites
from sites import MIB, Mounts, ToolError, create, must, run, write

DISK_SIZE = 320 * MIB
MAKERS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}


def why_not(case, kind, *tools):
    if reason := harness.missing_tools(MAKERS[kind][0], *tools) or sites.why_no_mounts():
        return reason
    try:
        with Mounts() as mounts:
            mounts.volume(make_disk(case, kind), os.path.join(case.fresh(), "mnt"))
    except ToolError as error:
        return f"cannot mount {kind} here: {error}"
    return None


def make_disk(case, kind, *options):
    path = os.path.join(case.fresh(), "disk.img")
    with open(path, "wb") as file:
        file.truncate(DISK_SIZE)
    must(*MAKERS[kind], *options, path)
    return path


def settle(*paths):
    """Blocks as they will stay, and time stamps that the next scan can trust."""
    for path in paths:
        must("sync", "-f", path)
        os.utime(path, (time.time() - 3600, time.time() - 3600))  # XFS preallocates, see may_settle in parse.c
    time.sleep(0.05)


def fill(site, directory=""):
    base = write(create(site.path(directory, "base.qcow2")), 0)
    settle(base, create(site.path(directory, "over.qcow2"), MIB, base))


def counts(scan):
    return {word: scan.stats.get(word) for word in ("images", "parsed", "unchanged", "added", "vanished")}


def same(images):
    return {"images": images, "parsed": 0, "unchanged": images, "added": 0, "vanished": 0}


def volumes(site, columns):
    return site.query(f"SELECT {columns} FROM v_volume ORDER BY mount, volume_id")


def uuid_of(disk):
    """By another program."""
    return must("blkid", "-p", "-o", "value", "-s", "UUID", disk).strip()


def keeps_uuid(site):
    """XFS has no other identity, and the kernel gives it since Linux 6.9, or udev does."""
    return volumes(site, "identity")[0][0].startswith("uuid:")


# -- Mounted anew -----------------------------------------------------------------------------------------------------

def remount(case, mounts, kind, disk, point):
    """With another st_dev: its number goes to another file system first, or to somebody else's."""
    before = os.stat(point).st_dev
    for _ in range(5):
        mounts.undo(point)
        mounts.volume(make_disk(case, kind), os.path.join(case.fresh(), "spare"))
        mounts.volume(disk, point)
        if os.stat(point).st_dev != before:
            break
    return before, os.stat(point).st_dev


def on_kinds(test):
    def each(case):
        for kind in MAKERS:
            if reason := why_not(case, kind):
                case.skip(f"{test.__name__} on {kind}", reason)
            else:
                test(case, kind)
    each.__name__ = test.__name__
    return each


@on_kinds
def test_a_remount_reads_nothing_again(case, kind):
    with Mounts() as mounts:
        site, disk = case.site(), make_disk(case, kind)
        mounts.volume(disk, site.root)
        fill(site)
        mounts.undo(site.root)  # what XFS preallocated behind the end goes now, not later
        mounts.volume(disk, site.root)
        site.scan()
        if kind == "xfs" and not keeps_uuid(site):
            return case.skip("a remount of XFS", "neither the kernel nor udev has its UUID")
        number = volumes(site, "volume_id")
        before, after = remount(case, mounts, kind, disk, site.root)
        case.check(before != after, f"{kind} has another st_dev after the remount", [f"{before} and {after}"])
        scan = site.scan()
        case.same((scan.code, counts(scan)), (0, same(2)), f"{kind}: nothing is read again after a remount", scan.notes())
        case.same(volumes(site, "volume_id"), number, f"{kind}: its volume keeps its number")
        case.same(site.query("SELECT DISTINCT dev FROM v_file"), [(after,)], f"{kind}: v_file has the st_dev of today")
        case.same(site.findings(), set(), f"{kind}: nothing is reported as missing")
        mounts.undo(site.root)
        elsewhere = site.path("elsewhere")
        mounts.volume(disk, elsewhere)
        scan = site.scan()
        case.same((counts(scan), scan.stats["renamed"]), (same(2), 2), f"{kind}: mounted elsewhere, its images are renamed", scan.notes())
        case.same(volumes(site, "volume_id, mount"), [(number[0][0], elsewhere)], f"{kind}: and the volume is the same one")
    return None


@on_kinds
def test_another_disk_is_another_volume(case, kind):
    """The opposite: another file system at the mount point is another volume, though its inode numbers are the same."""
    with Mounts() as mounts:
        site, disk, other = case.site(), make_disk(case, kind), make_disk(case, kind)
        for each in (other, disk):
            mounts.volume(each, site.root)
            fill(site)
            if each == other:
                mounts.undo(site.root)
        site.scan()
        number = volumes(site, "volume_id")
        mounts.undo(site.root)
        mounts.volume(other, site.root)
        scan = site.scan()
        case.same(scan.stats["parsed"], 2, f"{kind}: another disk at the mount point is read", scan.notes())
        case.check(volumes(site, "volume_id") != number, f"{kind}: it is another volume")
        case.check(("mount-missing", ".") in site.findings(), f"{kind}: and the first one is missing", [str(site.findings())])


def test_identity_is_what_blkid_and_statvfs_print(case):
    """What identifies a file system, by blkid, stat and statvfs."""
    for kind in ("ext4", "xfs"):
        if reason := why_not(case, kind, "blkid"):
            case.skip(f"the identity of {kind}", reason)
            continue
        with Mounts() as mounts:
            site, disk = case.site(), make_disk(case, kind)
            mounts.volume(disk, site.root)
            fill(site)
            site.scan()
            identity = volumes(site, "identity")[0][0]
            fs, st = os.statvfs(site.root), os.stat(site.root)
            if identity.startswith("uuid:"):
                case.same(identity, "uuid:" + uuid_of(disk), f"the identity of {kind} is the UUID that blkid finds")
            else:
                number = must("stat", "-f", "-c", "%i", site.root).strip().zfill(16)
                device = f"dev:{os.major(st.st_dev)}:{os.minor(st.st_dev)}"
                case.same(identity, {"ext4": f"fsid:{number}", "xfs": device}[kind], f"the identity of {kind} without its UUID")
            case.same(volumes(site, "mount, type, shared, size, dev, twin"),
                      [(site.root, kind, 0, fs.f_blocks * fs.f_frsize, st.st_dev, 0)], f"v_volume has what statvfs has of {kind}")


def test_heads_are_promised_their_virtual_size(case):
    """What images take, and could come to take: a head its virtual size, a base what it takes."""
    site = case.site()
    base = write(create(site.path("base.qcow2"), 64 * MIB), 0)
    create(site.path("over.qcow2"), 64 * MIB, base)
    sites.make_raw(site.path("full.raw"), MIB)
    site.scan()
    disk = {name: os.stat(site.path(name)).st_blocks * 512 for name in ("base.qcow2", "over.qcow2", "full.raw")}
    promised = disk["base.qcow2"] + 64 * MIB + max(MIB, disk["full.raw"])
    case.same(volumes(site, "images, disk_bytes, promised_bytes"), [(3, sum(disk.values()), promised)], "bytes that are taken and promised")


def test_subvolumes_are_volumes_of_their_own(case):
    """Inode numbers of a snapshot are those of the subvolume that it was made of."""
    if reason := why_not(case, "btrfs", "btrfs"):
        return case.skip("btrfs subvolumes", reason)
    with Mounts() as mounts:
        site, disk = case.site(), make_disk(case, "btrfs")
        mounts.volume(disk, site.root)
        must("btrfs", "subvolume", "create", site.path("one"))
        fill(site, "one")
        must("sync", "-f", site.root)
        must("btrfs", "subvolume", "snapshot", site.path("one"), site.path("two"))
        scan = site.scan()
        case.same(scan.stats["images"], 4, "files of a subvolume and of its snapshot are two each", scan.notes())
        identities = {row[0] for row in volumes(site, "identity")}
        case.same((len(identities), volumes(site, "DISTINCT twin")), (2, [(0,)]), "each subvolume has an identity of its own")
        remount(case, mounts, "btrfs", disk, site.root)
        scan = site.scan()
        case.same(counts(scan), same(4), "and nothing is read again after a remount", scan.notes())
    return None


# -- Mounted twice ----------------------------------------------------------------------------------------------------

def check_clone(case, kind, options):
    with Mounts() as mounts:
        site, disk = case.site(), make_disk(case, kind)
        one, two = os.path.join(site.root, "one"), os.path.join(site.root, "two")
        mounts.volume(disk, one)
        fill(site, "one")
        mounts.undo(one)
        clone = shutil.copyfile(disk, os.path.join(case.fresh(), "clone.img"))
        mounts.volume(disk, one)
        site.scan()
        if not keeps_uuid(site):
            return case.skip(f"a clone of {kind}", "neither the kernel nor udev has its UUID")
        number = volumes(site, "volume_id")[0][0]
        mounts.volume(clone, two, options)
        settle(write(os.path.join(two, "over.qcow2"), 1))
        scan = site.scan()
        case.same((scan.stats["images"], scan.stats["unchanged"]), (4, 2), f"{kind}: files of a clone are other files", scan.notes())
        case.same(volumes(site, "mount, twin, volume_id = ?".replace("?", str(number))), [(one, 1, 1), (two, 1, 0)],
                  f"{kind}: both are marked, and the original keeps its number")
        case.same(site.query("SELECT path FROM v_extent WHERE start = 65536"), [(os.path.join(two, "over.qcow2"),)],
                  f"{kind}: what was written to the clone is in the clone alone")
        scan = site.scan()
        case.same(counts(scan), same(4), f"{kind}: neither is read again while both stay", scan.notes())
        mounts.undo(one)
        mounts.undo(two)
        mounts.volume(clone, two)
        mounts.volume(disk, one, options)
        scan = site.scan()
        case.same(counts(scan), same(4), f"{kind}: nor when their st_dev are exchanged: the mount point decides", scan.notes())
        mounts.undo(two)
        os.rmdir(two)
        scan = site.scan()
        twin = site.query("SELECT twin FROM v_volume WHERE mount = ?", one)
        states = site.query("SELECT state, count(*) FROM v_image GROUP BY state ORDER BY state")
        case.same((twin, states), ([(0,)], [("not-seen", 2), ("ok", 2)]), f"{kind}: alone it is unmarked, and what was on the clone is not seen", scan.notes())
    return None


def test_a_clone_is_another_volume(case):
    for kind, options in (("ext4", ""), ("xfs", "nouuid")):
        if reason := why_not(case, kind):
            case.skip(f"a clone of {kind}", reason)
        else:
            check_clone(case, kind, options)


# -- Inodes that are used again ---------------------------------------------------------------------------------------

def reuse_inode(site, directory, keep_name=False):
    """base.qcow2, seen as backing file, is deleted; a copy of it gets its inode, under another name or its own."""
    base = site.path("base.qcow2")
    saved = shutil.copy2(base, os.path.join(directory, "saved.qcow2"))
    inode = os.stat(base).st_ino
    os.unlink(site.path("over.qcow2"))
    os.unlink(base)
    name = base if keep_name else site.path("restored-vm.qcow2")
    shutil.copy2(saved, name)
    settle()
    return os.stat(name).st_ino == inode


def test_a_file_born_later_is_a_new_one(case):
    """ext4 gives the next file the lowest inode that is free."""
    if reason := why_not(case, "ext4"):
        return case.skip("an inode that is used again", reason)
    with Mounts() as mounts:
        site, disk = case.site(), make_disk(case, "ext4", "-I", "256")
        mounts.volume(disk, site.root)
        fill(site)
        site.scan()
        births = dict(site.query("SELECT name, birth FROM (SELECT substr(path, -10) AS name, birth FROM v_image)"))
        stat = must("stat", "-c", "%W", site.path("base.qcow2")).strip()
        expected = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(stat)))
        case.same(births.get("base.qcow2"), expected, "v_image has the birth that stat prints")
        reused = reuse_inode(site, case.fresh())
        case.check(reused, "ext4 uses the inode again")
        scan = site.scan()
        case.same((scan.stats["added"], scan.stats["vanished"], site.unused()), (1, 2, {}),
                  "a file that was made later is a new one, of which nothing is remembered", scan.notes())
        os.rename(site.path("restored-vm.qcow2"), site.path("renamed.qcow2"))
        settle(write(site.path("renamed.qcow2"), 3))
        scan = site.scan()
        case.same((scan.stats["added"], scan.stats["renamed"], scan.stats["changed"]), (0, 1, 1),
                  "one that was renamed and written to is the same", scan.notes())
    return None


def test_without_birth_the_evidence_is_uncertain(case):
    """ext4 with small inodes keeps no birth."""
    if reason := why_not(case, "ext4"):
        return case.skip("an inode that is used again, without a birth", reason)
    for change, codes in (("other name", "renamed,identity-uncertain"), ("same name", None), ("renamed", "renamed,identity-uncertain")):
        with Mounts() as mounts:
            site, disk = case.site(), make_disk(case, "ext4", "-I", "128")
            mounts.volume(disk, site.root)
            fill(site)
            site.scan()
            case.same(site.query("SELECT DISTINCT birth FROM v_image"), [(None,)], f"{change}: the birth is unknown")
            if change == "renamed":
                os.unlink(site.path("over.qcow2"))
                os.rename(site.path("base.qcow2"), site.path("renamed.qcow2"))
                settle()
            else:
                case.check(reuse_inode(site, case.fresh(), change == "same name"), f"{change}: the inode is used again")
            for night in ("first", "second"):
                scan = site.scan()
                rows = [(row["status"], row["why_codes"]) for row in site.unused().values()]
                case.same(rows, [("unreferenced", codes)], f"{change}: why it is not proven, on the {night} night", scan.notes())
            create(site.path("again.qcow2"), MIB, next(iter(site.unused())))
            settle()
            site.scan()
            os.unlink(site.path("again.qcow2"))
            site.scan()
            rows = [(row["status"], row["why_codes"]) for row in site.unused().values()]
            case.same(rows, [("unreferenced", None)], f"{change}: once it was named again, the evidence is of this very file")
    return None


def test_a_clone_makes_evidence_uncertain(case):
    if reason := why_not(case, "ext4"):
        return case.skip("evidence on a clone", reason)
    with Mounts() as mounts:
        site, disk = case.site(), make_disk(case, "ext4")
        one, two = os.path.join(site.root, "one"), os.path.join(site.root, "two")
        mounts.volume(disk, one)
        fill(site, "one")
        site.scan()
        os.unlink(os.path.join(one, "over.qcow2"))
        mounts.undo(one)
        clone = shutil.copyfile(disk, os.path.join(case.fresh(), "clone.img"))
        mounts.volume(disk, one)
        site.scan()
        case.same(site.unused()["one/base.qcow2"]["verdict"], "proven", "a base without overlays is proven unused")
        mounts.volume(clone, two)
        site.scan()
        case.same(site.unused()["one/base.qcow2"]["why_codes"], "identity-uncertain", "not so while a clone of its file system is mounted")
        mounts.undo(two)
        os.rmdir(two)
        site.scan()
        site.run("db", "prune", "--db", site.db, "--forget-mounts")
        site.scan()
        case.same(site.unused()["one/base.qcow2"]["verdict"], "proven", "and again when it is gone")
    return None


# -- Shared file systems ----------------------------------------------------------------------------------------------

def why_no_fuse():
    if reason := harness.missing_tools("bindfs") or sites.why_no_mounts():
        return reason
    return None if os.path.exists("/dev/fuse") else "there is no /dev/fuse"


def verdicts(site, *options):
    scan = site.scan(*options)
    return scan, {path: row["why_codes"] for path, row in site.unused().items()}


def test_a_shared_file_system_leaves_nothing_proven(case):
    """bindfs, of which nobody knows what it shows: a base there is unused by this host alone."""
    if reason := why_no_fuse():
        return case.skip("a shared file system", reason)
    with Mounts() as mounts:
        site, storage = case.site(), case.fresh()
        point = site.path("fuse", "x")[:-2]
        try:
            mounts.fuse(storage, point)
        except ToolError as error:
            return case.skip("a shared file system", f"cannot mount bindfs here: {error}")
        kind = must("findmnt", "-n", "-o", "FSTYPE", point).strip()
        for directory in ("fuse", "local"):
            fill(site, directory)
        fill(site, "part")
        data = os.path.join(point, "data.raw")
        create(site.path("part", "split.qcow2"), MIB, options=[f"data_file={data}"])
        create(site.path("part", "top.qcow2"), MIB, site.path("part", "split.qcow2"))
        settle(data, site.path("part", "split.qcow2"), site.path("part", "top.qcow2"))
        site.scan()
        case.same(site.query("SELECT type, shared, sole_host FROM v_volume WHERE mount = ?", point), [(kind, 1, 0)],
                  "v_volume has it as shared")
        what_if = site.rows("--what-if-delete", os.path.join(point, "base.qcow2"))
        case.check("other hosts may have its file system mounted" in str(what_if[0]), "so has what-if, of the image itself", [str(what_if)])
        what_if = site.rows("--what-if-delete", os.path.join(point, "over.qcow2"), site.path("local", "over.qcow2"))
        next_ones = {site.relative(row["path"]): row["verdict"] for row in what_if if row["effect"] == "unreferenced"}
        case.same(next_ones, {"fuse/base.qcow2": "unproven", "local/base.qcow2": "proven"},
                  "and of what nothing would name any more")
        for over in (os.path.join(point, "over.qcow2"), site.path("local", "over.qcow2"), site.path("part", "top.qcow2")):
            os.unlink(over)
        scan, found = verdicts(site)
        shared = {"fuse/base.qcow2": "shared-filesystem", "local/base.qcow2": None, "part/split.qcow2": "shared-filesystem"}
        case.same(found, shared, "what lies there, wholly or in part, is not proven unused; what lies elsewhere is", scan.notes())
        subject = site.query("SELECT DISTINCT subject FROM v_doubt WHERE code = 'shared-filesystem'")
        case.same(subject, [(f"{point} ({kind})",)], "the doubt names the mount point and the type")
        scan, found = verdicts(site, "--sole-host", point)
        case.same(found, {path: None for path in shared}, "--sole-host lifts the doubt", scan.notes())
        case.same(site.query("SELECT shared, sole_host FROM v_volume WHERE mount = ?", point), [(1, 1)], "and v_volume has it")
        prove = site.run("prove", "--db", site.db, os.path.join(point, "base.qcow2"))
        case.same(prove.code, 0, "prove scans with it again", [prove.out, prove.err])
        os.makedirs(os.path.join(point, "below"), exist_ok=True)
        scan, found = verdicts(site, "--sole-host", "/", "--sole-host", os.path.join(point, "below"))
        case.same(found, {path: None for path in shared}, "so does a directory on it, among others", scan.notes())
        scan, found = verdicts(site)
        case.same(found, shared, "it holds for that scan alone", scan.notes())
        prove = site.run("prove", "--db", site.db, os.path.join(point, "base.qcow2"))
        case.same(prove.code, 5, "and so prove does not prove", [prove.out, prove.err])
    return None


def test_sole_host_takes_a_path_that_is_in_use(case):
    site = case.site()
    fill(site)
    scan = site.scan("--sole-host", site.directory)
    case.same((scan.code, site.findings()), (0, set()), "a local file system may be named, too", scan.notes())
    for path in ("/proc", os.path.join(site.directory, "missing")):
        scan = site.scan("--sole-host", path)
        case.same((scan.code, site.query("SELECT code, path FROM v_finding WHERE last_scan = (SELECT max(scan_id) FROM v_scan)")),
                  (0, [("sole-host-unused", path)]), f"one that no file lies on is a finding: {os.path.basename(path)}", scan.notes())
    case.same(site.run("scan", "--db", site.db, "--sole-host", "relative", site.root).code, 2, "a relative path is refused")


TESTS = [test_a_remount_reads_nothing_again, test_another_disk_is_another_volume, test_identity_is_what_blkid_and_statvfs_print, test_heads_are_promised_their_virtual_size, test_subvolumes_are_volumes_of_their_own, test_a_clone_is_another_volume, test_a_file_born_later_is_a_new_one,
         test_without_birth_the_evidence_is_uncertain, test_a_clone_makes_evidence_uncertain,
         test_a_shared_file_system_leaves_nothing_proven, test_sole_host_takes_a_path_that_is_in_use]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("File systems and inodes that a scan finds again, or not.", TESTS))
