#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What an earlier scan knew outlives a night in which it cannot be seen: without permission, or without its mount.

import os
import shutil
import sqlite3
from contextlib import closing

import harness
import sites
from sites import MIB, create, write

VIEW = ("SELECT path, format, virtual_size, file_size, disk_size, chain_depth, is_head, dependents, state, backing_image FROM v_image"
        " WHERE path LIKE '%/kept/%' ORDER BY path")


def unused(site):
    return {name: (row["status"], row["verdict"], row["evidence"]) for name, row in site.unused(partly=True).items()}


def since(site):
    return dict(site.query("SELECT path, since FROM v_unused"))


def extents(site):
    return site.query("SELECT path, start, length, state, file, offset FROM v_extent ORDER BY path, start")


def growth(site, *options):
    return {site.relative(row["path"]): row["status"] for row in site.rows("--growth", *options)}


def lose(site, *names):
    for name in names:
        os.unlink(site.path(name))


def make(site):
    """In `kept`: a base that lost its overlay, one that has one there, a data file, a base whose overlays lie elsewhere, and an
    overlay of a base that lies elsewhere."""
    write(create(site.path("kept", "orphan.qcow2"), MIB), 0)
    create(site.path("kept", "gone.qcow2"), MIB, "orphan.qcow2")
    write(create(site.path("kept", "base.qcow2"), MIB), 0, 1)
    write(create(site.path("kept", "top.qcow2"), MIB, "base.qcow2"), 0)
    with open(site.path("kept", "data.raw"), "wb"):
        pass
    create(site.path("kept", "split.qcow2"), MIB, options=[f"data_file={site.path('kept', 'data.raw')}", "data_file_raw=on"])
    write(create(site.path("seen", "below.qcow2"), MIB), 0, 1)
    create(site.path("kept", "above.qcow2"), MIB, site.path("seen", "below.qcow2"))
    write(create(site.path("seen", "orphan.qcow2"), MIB), 0)
    create(site.path("seen", "gone.qcow2"), MIB, "orphan.qcow2")
    site.scan()
    lose(site, "kept/gone.qcow2", "seen/gone.qcow2")
    site.scan()


IMAGES = {"kept/" + name for name in ("above.qcow2", "base.qcow2", "orphan.qcow2", "split.qcow2", "top.qcow2")}


def night(case, site, name, hide, show, findings, hidden=frozenset(IMAGES)):
    """Two nights without, and one with: nothing of what was known is lost, and nothing is proven meanwhile."""
    before = site.query(VIEW), extents(site), unused(site), since(site)
    seen = site.value("SELECT max(started) FROM v_scan")
    first = dict(site.query("SELECT image_id, path FROM v_image"))
    case.same(unused(site)["kept/orphan.qcow2"][:2], ("unreferenced", "proven"), f"{name}: before, the orphan is unreferenced and proven so")
    hide()
    for number in (1, 2):
        scan = site.scan()
        label = f"{name}, night {number}"
        case.same((scan.code, site.findings()), (3, findings), f"{label}: it is a finding", scan.notes())
        case.same({site.relative(path) for (path,) in site.query("SELECT path FROM v_image WHERE state = 'not-seen'")}, set(hidden),
                  f"{label}: what was there is kept, and is not seen")
        case.same({row[0] for row in site.query("SELECT last_seen FROM v_image WHERE state = 'not-seen'")}, {seen}, f"{label}: nor since then")
        case.same(extents(site), before[1], f"{label}: its extents are kept")
        now = unused(site)
        case.same({path: row[0] for path, row in now.items()}, {path: row[0] for path, row in before[2].items()},
                  f"{label}: candidates are those that they were: what is named by what is not seen is none")
        case.same({row[1] for row in now.values()}, {"unproven"}, f"{label}: and none is proven")
        case.same(growth(site), dict.fromkeys(hidden, "not-seen") if number == 1 else {}, f"{label}: it did not vanish")
        deed = {row["verdict"] for row in site.rows("--what-if-delete", site.path("kept", "orphan.qcow2"))}
        case.same(deed, {"unproven"}, f"{label}: nor is it proven what deleting it would do")
    show()
    scan = site.scan()
    case.same((scan.code, site.findings()), (0, set()), f"{name}: seen again, all is well", scan.notes())
    case.same((site.query(VIEW), extents(site), unused(site), since(site)), before, f"{name}: it is as it was before, and since when it was so")
    case.same(dict(site.query("SELECT image_id, path FROM v_image")), first, f"{name}: under the numbers that it had")
    case.same((growth(site), growth(site, "--since", "2")), ({}, {}), f"{name}: and nothing came, went or grew")


def test_a_directory_without_permission_is_kept(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    make(site)
    kept = site.path("kept")
    night(case, site, "a closed directory", lambda: os.chmod(kept, 0o000), lambda: os.chmod(kept, 0o755), {("unreadable-directory", "kept")})
    return None


def test_a_directory_that_may_be_listed_alone_is_kept(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    make(site)
    kept = site.path("kept")
    names = os.listdir(kept)
    night(case, site, "a directory that may only be listed", lambda: os.chmod(kept, 0o444), lambda: os.chmod(kept, 0o755),
          {("unreadable", "kept/" + name) for name in names})
    return None


def test_what_is_known_in_a_directory_that_may_be_entered_is_seen(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    make(site)
    parsed = site.scan().stats["parsed"]
    before = site.query(VIEW), extents(site)
    os.chmod(site.path("kept"), 0o711)
    if not sites.is_root():
        os.chmod(site.path("kept"), 0o311)
    scan = site.scan()
    case.same((scan.code, site.findings()), (3, {("unreadable-directory", "kept")}), "a directory that may be entered and not listed", scan.notes())
    case.same((site.query(VIEW), extents(site), scan.stats["parsed"]), (*before, parsed), "what was known to be in it is seen by its name")
    lose(site, "kept/orphan.qcow2")
    site.scan()
    case.same(site.value("SELECT state FROM v_image WHERE path = ?", site.path("kept", "orphan.qcow2")), "not-seen",
              "what was deleted from it is not seen: it may bear another name there")
    os.chmod(site.path("kept"), 0o755)
    site.scan()
    case.same((site.value("SELECT count(*) FROM v_image WHERE path = ?", site.path("kept", "orphan.qcow2")), growth(site)),
              (0, {"kept/orphan.qcow2": "vanished"}), "and has vanished once the directory can be listed")
    return None


def test_a_file_whose_inode_is_used_again_is_not_kept(case):
    """A renamed file stands for a new one with the inode of one that was deleted: the store has another birth for it."""
    for was_made_at_another_time in (True, False):
        site, reason = sites.powerless_site(case.imgaudit, case.fresh())
        if reason:
            return case.skip(reason)
        make(site)
        path, other = site.path("kept", "orphan.qcow2"), site.path("seen", "other.qcow2")
        if was_made_at_another_time:
            with closing(sqlite3.connect(site.db)) as store, store:
                store.execute("UPDATE file SET birth_ns = coalesce(birth_ns, ctime_ns) - 1 WHERE path = ?", [path])
        os.rename(path, other)
        write(other, 1, pattern=3)
        os.chmod(site.path("kept"), 0o000)
        scan = site.scan()
        os.chmod(site.path("kept"), 0o755)
        case.same((scan.code, site.findings()), (3, {("unreadable-directory", "kept")}), "an inode that is used again: the scan is recorded", scan.notes())
        case.same(site.query("SELECT path FROM v_image WHERE path IN (?, ?)", path, other), [(other,)], "what had the inode is gone")
        case.check(("seen/other.qcow2" in unused(site)) != was_made_at_another_time, "and what has it now was a backing file if it is the same file", [unused(site)])
    return None


def test_a_file_without_permission_is_kept(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    make(site)
    hidden = [site.path("kept", name) for name in ("orphan.qcow2", "top.qcow2", "base.qcow2")]

    def chmod(mode):
        for path in hidden:
            os.chmod(path, mode)
    names = {site.relative(path) for path in hidden}
    night(case, site, "files that may not be read", lambda: chmod(0o000), lambda: chmod(0o644), {("unreadable", name) for name in names}, names)
    return None


def test_a_file_that_was_no_image_is_not_made_one(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    new = create(site.path("new.qcow2"), MIB)
    os.chmod(new, 0o000)
    site.scan()
    case.same((site.value("SELECT count(*) FROM v_image"), site.findings()), (0, {("unreadable", "new.qcow2")}), "of a file never read nothing is known")
    return None


def test_an_image_that_is_read_no_more_is_replaced(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(reason)
    path = create(site.path("a.qcow2"), MIB)
    site.scan()
    os.rename(path, site.path("other"))
    create(path, MIB)
    os.unlink(site.path("other"))
    os.chmod(path, 0o000)
    site.scan()
    case.same(site.value("SELECT count(*) FROM v_image"), 0, "another file at its path is not what was known there")
    return None


def test_what_lies_on_a_missing_mount_is_kept(case):
    reason = sites.why_no_mounts()
    if reason:
        return case.skip(reason)
    site = case.site()
    with sites.Mounts() as mounts:
        disk = os.path.join(site.directory, "disk")
        with open(disk, "wb") as file:
            file.truncate(32 * MIB)
        sites.must("mkfs.ext4", "-q", disk)
        mounts.volume(disk, site.path("kept"))
        os.rmdir(site.path("kept", "lost+found"))
        make(site)
        night(case, site, "a missing mount", lambda: mounts.undo(site.path("kept")), lambda: mounts.volume(disk, site.path("kept")),
              {("mount-missing", "kept")})
        mounts.undo(site.path("kept"))
        site.scan()
        case.same(site.run("db", "prune", "--db", site.db, "--forget-mounts").code, 0, "db prune --forget-mounts")
        site.scan()
        case.same((site.query(VIEW), site.findings()), ([], set()), "what is not waited for any more is dropped")
        case.same(unused(site).get("seen/below.qcow2", (None,) * 2)[:2], ("unreferenced", "proven"), "and what it named is not named any more")
    return None


def bound(case, mounts):
    """`kept`, which is a directory outside by a bind mount, has an overlay; `base` has its base, and `other` is empty."""
    site = case.site()
    away = os.path.join(site.directory, "away")
    os.makedirs(away)
    mounts.bind(away, site.path("kept"))
    write(create(site.path("base", "base.qcow2"), MIB), 0)
    create(site.path("kept", "over.qcow2"), MIB, site.path("base", "base.qcow2"))
    os.makedirs(site.path("other"))
    site.scan()
    return site, away


def waits(case, site, label, kept=True, path="kept"):
    for number in (1, 2):
        scan = site.scan()
        case.same((scan.code, site.findings()), (3, {("mount-missing", path)}), f"{label}, night {number}: it is a finding", scan.notes())
        base = unused(site).get("base/base.qcow2")
        case.same(base and base[:2], None if kept else ("unreferenced", "unproven"), f"{label}, night {number}: its base is not free")


def test_what_lies_on_another_mount_of_the_same_file_system_is_kept(case):
    reason = sites.why_no_mounts()
    if reason:
        return case.skip(reason)
    with sites.Mounts() as mounts:
        site, away = bound(case, mounts)
        mounts.undo(site.path("kept"))
        waits(case, site, "a bind mount is missing")
        os.makedirs(site.path("kept", "over.qcow2"))
        waits(case, site, "a bind mount is missing, and there is another thing of that name")
        os.rmdir(site.path("kept", "over.qcow2"))
        mounts.bind(away, site.path("kept"))
        scan = site.scan()
        case.same((scan.code, site.findings(), unused(site)), (0, set(), {}), "mounted again: all is well", scan.notes())
        mounts.undo(site.path("kept"))
        mounts.bind(site.path("other"), site.path("kept"))
        waits(case, site, "another directory is mounted there")
        mounts.undo(site.path("kept"))
        mounts.bind(away, site.path("elsewhere"))
        scan = site.scan()
        case.same((scan.code, unused(site)), (3, {}), "mounted elsewhere, it is seen there", scan.notes())
        case.same(site.value("SELECT path FROM v_image WHERE path LIKE '%/over.qcow2'"), site.path("elsewhere", "over.qcow2"), "under its name there")
        site.run("db", "prune", "--db", site.db, "--forget-mounts")
        scan = site.scan()
        case.same((scan.code, site.findings(), unused(site)), (0, set(), {}), "and not waited for at its former place: all is well", scan.notes())
        os.unlink(os.path.join(away, "over.qcow2"))
        scan = site.scan()
        case.same((scan.code, site.findings(), unused(site)["base/base.qcow2"][:2]), (0, set(), ("unreferenced", "proven")),
                  "deleted on a mount that is there, it is gone", scan.notes())
    return None


def test_what_a_mount_covers_is_kept(case):
    reason = sites.why_no_mounts()
    if reason:
        return case.skip(reason)
    for name, same in (("an empty directory", False), ("one with a file of the same name", True)):
        site = case.site()
        write(create(site.path("base", "base.qcow2"), MIB), 0)
        create(site.path("vm", "over.qcow2"), MIB, site.path("base", "base.qcow2"))
        create(site.path("cover", "over.qcow2" if same else "else.qcow2"), MIB)
        site.scan()
        with sites.Mounts() as mounts:
            mounts.bind(site.path("cover"), site.path("vm"))
            waits(case, site, f"{name} is mounted over it", kept=not same, path="vm")
        scan = site.scan()
        case.same((scan.code, site.findings(), unused(site)), (0, set(), {}), f"{name}, unmounted: all is well", scan.notes())
        os.unlink(site.path("vm", "over.qcow2"))
        with sites.Mounts() as mounts:
            mounts.bind(site.path("cover"), site.path("late"))
            scan = site.scan()
            case.same((scan.code, site.findings(), unused(site)["base/base.qcow2"][:2]), (0, set(), ("unreferenced", "proven")),
                      f"{name}, mounted beside it: what was deleted is gone", scan.notes())
    return None


def test_a_file_that_another_is_mounted_over_is_missed(case):
    reason = sites.why_no_mounts()
    if reason:
        return case.skip(reason)
    site = case.site()
    write(create(site.path("base", "base.qcow2"), MIB), 0)
    create(site.path("over.qcow2"), MIB, site.path("base", "base.qcow2"))
    outside = create(site.outside("outside.qcow2"), MIB)
    site.scan()
    with sites.Mounts() as mounts:
        mounts.bind(outside, site.path("over.qcow2"))
        waits(case, site, "a file is mounted over it", kept=False, path="over.qcow2")
        case.same(site.run("db", "prune", "--db", site.db, "--forget-mounts").code, 0, "db prune --forget-mounts")
        scan = site.scan()
        case.same((scan.code, site.findings(), unused(site)["base/base.qcow2"][:2]), (0, set(), ("unreferenced", "proven")),
                  "it is not waited for any more", scan.notes())
    site.scan()
    case.same(unused(site), {}, "unmounted, it is there again, and names its base")
    return None


def base_verdict(site):
    return unused(site).get("base.qcow2", (None,) * 2)[:2]


def free(site):
    """A base that an overlay which is gone named; another overlay of it may be hidden somewhere."""
    base = write(create(site.path("base.qcow2"), MIB), 0)
    create(site.path("gone.qcow2"), MIB, base)
    site.scan()
    lose(site, "gone.qcow2")
    return base


def test_a_link_that_led_outside_blocks_while_it_leads_nowhere(case):
    for what in ("file", "directory"):
        site = case.site()
        base = free(site)
        over = create(site.outside("disk", "over.qcow2"), MIB, base)
        disk = os.path.dirname(over)
        link = site.path("link.qcow2")
        os.symlink(over if what == "file" else disk, link)
        site.scan()
        case.same(base_verdict(site), ("unreferenced", "unproven"), f"{what}: a link that leads outside")
        os.rename(disk, disk + ".away")
        for number in (1, 2):
            scan = site.scan()
            case.check(("symlink-outside", "link.qcow2") in site.findings() and scan.code == 3, f"{what}, night {number}: it is a finding still", scan.notes())
            case.same(base_verdict(site), ("unreferenced", "unproven"), f"{what}, night {number}: and blocks")
        os.unlink(link)
        site.scan()
        case.same((site.findings(), base_verdict(site)), (set(), ("unreferenced", "proven")), f"{what}: until the link is gone")
        os.symlink(over, link)
        site.scan()
        case.same((site.findings(), base_verdict(site)), ({("symlink-dangling", "link.qcow2")}, ("unreferenced", "proven")),
                  f"{what}: one that leads nowhere from the first hides nothing that was known")


def test_what_a_link_led_to_is_kept_while_it_leads_nowhere(case):
    site = case.site()
    base = free(site)
    over = create(site.outside("disk", "over.qcow2"), MIB, base)
    disk = os.path.dirname(over)
    os.symlink(over, site.path("link.qcow2"))
    allow = ("--allow", os.path.dirname(disk))
    site.scan(*allow)
    case.same((site.findings(), base_verdict(site)), (set(), (None, None)), "an overlay that is read through a link")
    os.rename(disk, disk + ".away")
    for options in (allow, allow, ()):
        scan = site.scan(*options)
        case.same((scan.code, ("symlink-outside", "link.qcow2") in site.findings(), base_verdict(site)), (3, True, (None, None)),
                  f"{options[:1]}: its disk is away, and it names its base still", scan.notes())
        case.same(site.query("SELECT path FROM v_image WHERE state = 'not-seen'"), [(over,)], "it is kept")
    os.rename(disk + ".away", disk)
    scan = site.scan(*allow)
    case.same((scan.code, site.findings(), base_verdict(site)), (0, set(), (None, None)), "the disk is back: all is well", scan.notes())
    os.unlink(over)
    os.unlink(site.path("link.qcow2"))
    site.scan(*allow)
    case.same((site.findings(), base_verdict(site)), (set(), ("unreferenced", "proven")), "deleted with its link, it is gone")


def test_an_image_whose_place_a_link_to_nowhere_has_is_kept(case):
    site = case.site()
    base = free(site)
    over = create(site.path("over.qcow2"), MIB, base)
    site.scan()
    os.rename(over, site.outside("over.qcow2"))
    os.symlink(os.path.join(site.directory, "away", "over.qcow2"), over)
    for number in (1, 2):
        scan = site.scan()
        case.same((scan.code, ("symlink-outside", "over.qcow2") in site.findings(), base_verdict(site)), (3, True, (None, None)),
                  f"night {number}: it was moved behind the link, and names its base still", scan.notes())
    os.unlink(over)
    os.symlink(create(site.path("new.qcow2"), MIB), over)
    scan = site.scan()
    case.same((site.findings(), base_verdict(site)), (set(), ("unreferenced", "proven")), "the link leads somewhere: it is known", scan.notes())
    lose(site, "new.qcow2")
    site.scan()
    case.same((site.findings(), base_verdict(site)), ({("symlink-dangling", "over.qcow2")}, ("unreferenced", "proven")),
              "a link to what was deleted below the roots hides nothing")


def put(content):
    def maker(place, _):
        path = os.path.join(place, "x.qcow2")
        with open(path, "wb") as file:
            file.write(content)
        return path
    return maker


def link_outside(place, site):
    path = os.path.join(place, "x.qcow2")
    os.symlink(create(site.outside("elsewhere.qcow2"), MIB), path)
    return path


def alias(place, _):
    path = os.path.join(place, "x.alias.vhd")
    with open(path, "w", encoding="ascii") as file:
        file.write("none.vhd")
    return path


def vhd_directory(place, _):
    path = os.path.join(place, "x.vhd")
    os.mkdir(path)
    for name in ("footer", "header", "bat"):
        with open(os.path.join(path, name), "wb") as file:
            file.write(bytes(512))
    return path


HIDING = (("an empty image", put(b"")), ("an unrecognised one", put(b"x" * 4096)), ("a corrupt one", put(b"QFI\xfb\0\0\0\3" + bytes(100))),
          ("a link outside", link_outside), ("a VHD alias", alias), ("a VHD directory", vhd_directory))


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def test_what_may_hide_references_is_missed_with_its_mount(case):
    if reason := sites.why_no_mounts():
        return case.skip(reason)
    for name, hide in (("nothing", None), *HIDING):
        site = case.site()
        away = os.path.join(site.directory, "away")
        os.mkdir(away)
        free(site)
        path = hide(away, site) if hide else None
        with sites.Mounts() as mounts:
            mounts.bind(away, site.path("kept"))
            site.scan()
            before = site.findings()
            expected = ("unreferenced", "unproven" if hide else "proven")
            case.same(base_verdict(site), expected, f"{name}: it blocks")
            mounts.undo(site.path("kept"))
            for number in (1, 2):
                site.scan()
                case.same((("mount-missing", "kept") in site.findings(), base_verdict(site)), (bool(hide), expected), f"{name}, its mount is missing, night {number}")
            mounts.bind(away, site.path("kept"))
            site.scan()
            case.same((site.findings(), base_verdict(site)), (before, expected), f"{name}, mounted again")
            if hide:
                remove(path)
                site.scan()
                case.same((site.findings(), base_verdict(site)), (set(), ("unreferenced", "proven")), f"{name}: deleted on its mount, it is gone")
    return None


def test_what_may_hide_references_is_missed_with_its_root(case):
    for name, hide in (("nothing", None), *HIDING):
        site = case.site()
        free(site)
        other = os.path.join(site.directory, "other")
        os.makedirs(os.path.join(other, "sub"))
        if hide:
            hide(os.path.join(other, "sub"), site)
        site.scan(roots=[site.root, other])
        expected = ("unreferenced", "unproven" if hide else "proven")
        case.same(base_verdict(site), expected, f"{name}: it blocks")
        for number in (1, 2):
            site.scan()
            case.same(({code for code, _ in site.findings()}, base_verdict(site)), ({"no-longer-scanned"} if hide else set(), expected),
                      f"{name}, its directory is under no root, night {number}")
        shutil.rmtree(other)
        site.scan()
        case.same((site.findings(), base_verdict(site)), (set(), ("unreferenced", "proven")), f"{name}: with its directory it is gone")


TESTS = [
    test_a_directory_without_permission_is_kept,
    test_a_directory_that_may_be_listed_alone_is_kept,
    test_what_is_known_in_a_directory_that_may_be_entered_is_seen,
    test_a_file_whose_inode_is_used_again_is_not_kept,
    test_a_file_without_permission_is_kept,
    test_a_file_that_was_no_image_is_not_made_one,
    test_an_image_that_is_read_no_more_is_replaced,
    test_what_lies_on_a_missing_mount_is_kept,
    test_what_lies_on_another_mount_of_the_same_file_system_is_kept,
    test_what_a_mount_covers_is_kept,
    test_a_file_that_another_is_mounted_over_is_missed,
    test_a_link_that_led_outside_blocks_while_it_leads_nowhere,
    test_what_a_link_led_to_is_kept_while_it_leads_nowhere,
    test_an_image_whose_place_a_link_to_nowhere_has_is_kept,
    test_what_may_hide_references_is_missed_with_its_mount,
    test_what_may_hide_references_is_missed_with_its_root,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What cannot be seen for a night.", TESTS))
