#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Who has unchanged images open. The kernel's list of locks spares a scan most opens; qemu-io holds the locks.

import contextlib
import fcntl
import os
import struct
import threading

import harness
import sites
from sites import MIB, Holder, Mounts, create, must, write
from witness import scan_traced, why_no_strace

ALONE = [f"alone{number}.qcow2" for number in range(20)]


def states(site):
    return {site.relative(path): state for path, state in site.query("SELECT path, lock_state FROM image")}


def make(site):
    """Images that nothing names, a base and its overlay, and a base that lost its own; scanned, and old enough."""
    paths = [write(create(site.path(name)), 0) for name in ALONE]
    for base in ("base.qcow2", "orphan.qcow2"):
        paths += [write(create(site.path(base)), 0), create(site.path("over-" + base), MIB, base)]
    for path in paths:
        os.utime(path, (1, 1))
    site.scan()
    os.unlink(site.path("over-orphan.qcow2"))
    site.scan()


def rescan_opens(site):
    """Of the images, those that a second scan opens."""
    outcome, trace = scan_traced(site)
    if outcome.code != 0:
        raise sites.ToolError(f"scan: {outcome.err}")
    return {site.relative(path) for path in trace.below(site.root)} - {"."}


def check_states(case, site, what):
    images = set(states(site))
    with Holder(site.path("alone1.qcow2")), Holder(site.path("alone2.qcow2"), "-r"), Holder(site.path("over-base.qcow2")):
        held = {"alone1.qcow2": "write", "alone2.qcow2": "read", "over-base.qcow2": "write", "base.qcow2": "read"}
        scan = site.scan()
        case.same(states(site), {name: held.get(name, "none") for name in images}, f"{what}: those that QEMU has open", scan.notes())
        case.same(scan.stats["parsed"], 0, f"{what}: nothing was read for it")
    site.scan()
    case.same(set(states(site).values()), {"none"}, f"{what}: nobody holds any, once QEMU has ended")


def test_unchanged_images_get_their_lock_states(case):
    site = case.site()
    make(site)
    check_states(case, site, "unchanged images")


def test_locks_of_other_programs_are_not_qemus(case):
    """A lock that is none of QEMU's: of another kind, or on other bytes."""
    site = case.site()
    make(site)
    with open(site.path("alone3.qcow2"), "rb+") as one, open(site.path("alone4.qcow2"), "rb+") as two:
        fcntl.flock(one, fcntl.LOCK_EX)
        fcntl.fcntl(two, fcntl.F_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 100, 0))
        site.scan()
        case.same(set(states(site).values()), {"none"}, "locks of other programs do not mean that QEMU has it open")
        fcntl.fcntl(two, fcntl.F_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 101, 1, 0))
        site.scan()
        case.same(states(site)["alone4.qcow2"], "write", "one on QEMU's bytes does, whichever way it was taken")


def test_a_lock_is_a_doubt_about_its_image_alone(case):
    """A lock is a doubt about who is held, and nobody else."""
    site = case.site()
    make(site)
    site.scan()
    free = {site.relative(row["path"]): row["why_codes"] for row in site.rows("--unused-backing")}
    with Holder(site.path("orphan.qcow2")):
        site.scan()
        held = {site.relative(row["path"]): row["why_codes"] for row in site.rows("--unused-backing")}
    case.check("in-use" not in (free["orphan.qcow2"] or "").split(","), "an orphan that nobody has open is not in use", [str(free)])
    case.same((held["orphan.qcow2"] or "").split(",").count("in-use"), 1, "one that QEMU has open is")
    case.same({name: codes for name, codes in held.items() if name != "orphan.qcow2"},
              {name: codes for name, codes in free.items() if name != "orphan.qcow2"}, "and nothing else is")


def test_few_unchanged_images_are_opened_for_their_locks(case):
    reason = why_no_strace()
    if reason:
        return case.skip("how many files a scan opens", reason)
    site = case.site()
    make(site)
    case.same(rescan_opens(site) - {"alone0.qcow2"}, {"base.qcow2", "orphan.qcow2"},
              "of unchanged images, those that may be called unused are opened, and one that stands for its file system")
    with Holder(site.path("alone5.qcow2")):
        opened = rescan_opens(site)
    case.check("alone5.qcow2" in opened and "alone6.qcow2" not in opened, "and those that somebody holds a lock on", [str(opened)])


def test_without_a_list_of_locks_every_image_is_opened(case):
    """Other kernels and some containers show an empty list, or none."""
    reason = sites.why_no_mount_namespace() or why_no_strace()
    if reason:
        return case.skip("a kernel without a list of locks", reason)
    for what, content in (("an empty list", ""), ("a list that cannot be read", "1: NEWKIND\n")):
        fake = os.path.join(case.site().directory, "locks")
        with open(fake, "w", encoding="ascii") as file:
            file.write(content)
        site = case.site()
        site.prefix = ["unshare", "--mount", "sh", "-c", f'mount --bind {fake} /proc/locks && exec "$@"', "sh"]
        make(site)
        check_states(case, site, what)
        case.same(rescan_opens(site), set(ALONE) | {"base.qcow2", "over-base.qcow2", "orphan.qcow2"}, f"{what}: every image is opened")


def test_a_lock_that_the_list_hides_is_found(case):
    """Elsewhere than in the first PID namespace the list lacks the locks of processes outside, but for those of open files."""
    reason = sites.why_no_mount_namespace()
    if reason:
        return case.skip("locks seen from another PID namespace", reason)
    site = case.site()
    make(site)
    site.prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
    with open(site.path("alone3.qcow2"), "rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 101)
        scan = site.scan()
        case.same((scan.code, states(site)["alone3.qcow2"]), (0, "write"), "a lock that the list hides is found", scan.notes())
    return None


def test_no_lock_is_missed_among_many(case):
    """More locks than the kernel shows by one read, and a program that takes and drops others all the time."""
    site = case.site()
    paths = [create(site.path(f"{number}.qcow2"), MIB) for number in range(120)]
    for path in paths:
        os.utime(path, (1, 1))
    site.scan()
    with contextlib.ExitStack() as held, open(site.outside("other"), "wb") as other:
        for path in paths:
            file = held.enter_context(open(path, "rb+"))
            for byte in (100, 101, 103, 201, 203):  # QEMU, writing
                fcntl.fcntl(file, fcntl.F_OFD_SETLK if hasattr(fcntl, "F_OFD_SETLK") else 37,
                            struct.pack("hhqqi", fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0))
        done = threading.Event()

        def flap():
            while not done.is_set():
                for byte in range(0, 10, 2):
                    fcntl.lockf(other, fcntl.LOCK_EX, 1, byte)
                fcntl.lockf(other, fcntl.LOCK_UN)
        thread = threading.Thread(target=flap)
        thread.start()
        try:
            wrong = []
            for _ in range(8):
                site.scan()
                wrong += [f"{name} {state}" for name, state in states(site).items() if state != "write"]
        finally:
            done.set()
            thread.join()
    case.same(wrong, [], "every image that QEMU writes to is found in each of 8 scans")


def test_every_image_is_opened_where_files_share_blocks(case):
    """Where files share blocks, each is opened for that."""
    reason = sites.why_no_mounts() or why_no_strace()
    if reason:
        return case.skip("locks on other file systems", reason)
    for kind, maker in (("xfs", ["mkfs.xfs", "-q"]), ("btrfs", ["mkfs.btrfs", "-q"])):
        site = case.site()
        volume = os.path.join(site.directory, "volume")
        with Mounts() as mounts:
            with open(volume, "wb") as file:
                file.truncate(512 * MIB)
            try:
                must(*maker, volume)
                mounts.volume(volume, site.root)
            except (sites.ToolError, FileNotFoundError) as error:
                case.skip(f"locks on {kind}", str(error).splitlines()[0])
                continue
            make(site)
            check_states(case, site, kind)
            case.same(rescan_opens(site), set(states(site)), f"{kind}: every image is opened")


def test_most_images_on_tmpfs_are_not_opened(case):
    reason = sites.why_no_mounts() or why_no_strace()
    if reason:
        return case.skip("locks on tmpfs", reason)
    site = case.site()
    with Mounts() as mounts:
        mounts.tmpfs(site.root)
        make(site)
        check_states(case, site, "tmpfs")
        case.check(len(rescan_opens(site)) <= 3, "tmpfs: most images are not opened")
    return None


if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Who has unchanged images open.", [
        test_unchanged_images_get_their_lock_states,
        test_locks_of_other_programs_are_not_qemus,
        test_a_lock_is_a_doubt_about_its_image_alone,
        test_few_unchanged_images_are_opened_for_their_locks,
        test_without_a_list_of_locks_every_image_is_opened,
        test_a_lock_that_the_list_hides_is_found,
        test_no_lock_is_missed_among_many,
        test_every_image_is_opened_where_files_share_blocks,
        test_most_images_on_tmpfs_are_not_opened,
    ]))
