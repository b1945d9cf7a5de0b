#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What was away for some nights, and comes back, is what it was: moved aside, copied out and back, left out of a scan, or
# damaged and repaired. What does not come back names nothing.

import gzip
import os
import shutil
import sqlite3
import time
from contextlib import closing

import harness
from sites import CLUSTER, MIB, create, must, patch, write


FIRST = "SELECT path, image_id, first_scan FROM image JOIN image_memory USING (image_id) ORDER BY path"


def verdict(site, name):
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def codes(site, name):
    row = site.unused(partly=True).get(name)
    return set((row["why_codes"] or "").split(",")) if row else None


def found(site, code):
    return sorted(path for kind, path in site.findings() if kind == code)


def change(site, sql):
    with closing(sqlite3.connect(site.db)) as store, store:
        store.execute(sql)


def away_and_back(site, name, go=os.rename, nights=1, **scan):
    """The file or directory lies outside of the roots for so many scans."""
    here, there = site.path(name), site.outside(os.path.basename(name))
    go(here, there)
    for _ in range(nights):
        site.scan(**scan)
    go(there, here)
    site.scan()


# -- Ways to go and to come back: name, and a function of site and the directory -------------------------------------

def copy(here, there):
    """As cp -a and rm do it: another inode, the same time stamp."""
    must("cp", "-a", here, there)
    must("rm", "-r", here)


def moved_aside(site, name):
    away_and_back(site, name)


def moved_aside_for_nights(site, name):
    away_and_back(site, name, nights=3)


def moved_file_by_file(site, name):
    files = sorted(os.listdir(site.path(name)))
    for file in files:
        os.rename(site.path(name, file), site.outside(file))
    site.scan()
    for file in files:
        os.rename(site.outside(file), site.path(name, file))
    site.scan()


def copied_out_and_back(site, name):
    away_and_back(site, name, copy)


def restored_from_an_archive(site, name):
    """GNU tar keeps seconds."""
    must("tar", "-C", site.root, "-cf", site.outside("archive.tar"), name)
    shutil.rmtree(site.path(name))
    site.scan()
    must("tar", "-C", site.root, "-xf", site.outside("archive.tar"))
    site.scan()


def copied_in_one_day(site, name):
    must("cp", "-a", site.path(name), site.outside(name))
    shutil.rmtree(site.path(name))
    must("cp", "-a", site.outside(name), site.path(name))
    site.scan()


def excluded_for_a_night(site, name):
    site.scan("--exclude", site.path(name))
    site.scan()


def not_among_the_roots(site, name):
    others = [os.path.join(site.root, entry) for entry in sorted(os.listdir(site.root)) if entry != name]
    site.scan(roots=others)
    site.scan()


def on_a_file_system_without_births(site, name):
    """Of a file whose inode has no time of birth, path and content are the same."""
    os.rename(site.path(name), site.outside(name))
    site.scan()
    change(site, "UPDATE vanished SET birth_ns = NULL")
    os.rename(site.outside(name), site.path(name))
    site.scan()


WAYS = [moved_aside, moved_aside_for_nights, moved_file_by_file, copied_out_and_back, restored_from_an_archive, copied_in_one_day,
        excluded_for_a_night, not_among_the_roots, on_a_file_system_without_births]


# -- An overlay whose base was exchanged ------------------------------------------------------------------------------

def template(path, pattern):
    return write(create(path, MIB), 0, 1, pattern=pattern)


def exchanged(site):
    """In `pool` a clone of v1, which bears the name `current` no more. The clone was used before that."""
    template(site.path("v1.qcow2"), 1)
    os.symlink("v1.qcow2", site.path("current.qcow2"))
    time.sleep(0.02)
    clone = write(create(site.path("pool", "clone.qcow2"), MIB, "../current.qcow2"), 3)
    create(site.path("other", "plain.qcow2"), MIB)
    site.scan()
    time.sleep(0.02)
    template(site.path("v2.qcow2"), 2)
    os.unlink(site.path("current.qcow2"))
    os.symlink("v2.qcow2", site.path("current.qcow2"))
    site.scan()
    return clone


def test_a_clone_that_was_away_keeps_what_it_was_made_on(case):
    for way in WAYS:
        site, what = case.site(), way.__name__
        exchanged(site)
        before = site.query(FIRST)
        case.same((found(site, "backing-exchanged"), verdict(site, "v1.qcow2")), (["pool/clone.qcow2"], ("unreferenced", "unproven", "exchanged")),
                  f"{what}: before, its base was exchanged")
        way(site, "pool")
        status, proof, why = verdict(site, "v1.qcow2")
        # Where the link led while it was away is not known: another doubt may come of that.
        case.same((found(site, "backing-exchanged"), status, proof, set(why.split(",")) - {"broken-reference"}),
                  (["pool/clone.qcow2"], "unreferenced", "unproven", {"exchanged"}), f"{what}: and when it is back")
        case.same(site.query(FIRST), before, f"{what}: and it was seen first when it was")
        os.unlink(site.path("pool", "clone.qcow2"))
        site.scan()
        case.same(verdict(site, "v1.qcow2"), ("unreferenced", "proven", None), f"{what}: when it is deleted it blocks nothing")


def test_a_template_refreshed_while_a_clone_is_away_is_exchanged(case):
    for go in (os.rename, copy):
        site = case.site()
        template(site.path("templates", "t.qcow2"), 1)
        create(site.path("pool", "clone.qcow2"), MIB, "../templates/t.qcow2")
        create(site.path("pool", "late.qcow2"), MIB, "../templates/t.qcow2")
        site.scan()
        go(site.path("pool"), site.outside("pool"))
        site.scan()
        os.rename(site.path("templates", "t.qcow2"), site.path("templates", "t-old.qcow2"))
        template(site.path("templates", "t.qcow2"), 2)
        site.scan()
        case.same(verdict(site, "templates/t-old.qcow2"), ("unreferenced", "unproven", "renamed"), f"{go.__name__}: away, the clones name nothing")
        go(site.outside("pool"), site.path("pool"))
        write(site.path("pool", "late.qcow2"), 4)
        site.scan()
        known = ["pool/clone.qcow2", "pool/late.qcow2"] if go is os.rename else ["pool/clone.qcow2"]
        case.same(found(site, "backing-exchanged"), known, f"{go.__name__}: what is known to be the same clone was made on the old template")
        case.check("exchanged" in codes(site, "templates/t-old.qcow2"), f"{go.__name__}: which is not proven", [verdict(site, "templates/t-old.qcow2")])


def test_what_does_not_come_back_blocks_nothing(case):
    site = case.site()
    clone = exchanged(site)
    os.unlink(clone)
    for night in range(3):
        site.scan()
        case.same((found(site, "backing-exchanged"), verdict(site, "v1.qcow2")), ([], ("unreferenced", "proven", None)), f"night {night} without the clone")
    create(clone, MIB, "../current.qcow2")
    site.scan()
    case.same((found(site, "backing-exchanged"), verdict(site, "v1.qcow2")), ([], ("unreferenced", "proven", None)), "a new clone under its name was made on the new template")


def test_an_inode_that_is_used_again_is_another_file(case):
    for birth, same in (("birth_ns - 1", False), ("birth_ns", True)):
        site = case.site()
        clone = exchanged(site)
        os.rename(clone, site.outside("clone.qcow2"))
        site.scan()
        if site.value("SELECT birth_ns FROM vanished") is None:
            return case.skip("the file system keeps no time of birth")
        change(site, f"UPDATE vanished SET birth_ns = {birth}")
        os.rename(site.outside("clone.qcow2"), site.path("pool", "new.qcow2"))
        write(site.path("pool", "new.qcow2"), 5)
        site.scan()
        case.same(found(site, "backing-exchanged"), ["pool/new.qcow2"] if same else [], f"an inode of {'the same' if same else 'another'} birth, by another name and written to")
    return None


def test_an_unknown_birth_is_uncertain(case):
    """Of the same inode and the same name, with another content, it is not known whether it is the same file."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    os.unlink(site.path("over.qcow2"))
    os.rename(site.path("base.qcow2"), site.outside("base.qcow2"))
    site.scan()
    change(site, "UPDATE vanished SET birth_ns = NULL")
    os.rename(site.outside("base.qcow2"), site.path("base.qcow2"))
    write(site.path("base.qcow2"), 2)
    site.scan()
    case.check("identity-uncertain" in codes(site, "base.qcow2"), "what was named may have been another file", [verdict(site, "base.qcow2")])


def test_a_base_that_was_away_is_known_again(case):
    """The exchanged base itself, in a directory of its own."""
    for way in WAYS:
        site, what = case.site(), way.__name__
        template(site.path("old", "v1.qcow2"), 1)
        os.symlink("old/v1.qcow2", site.path("current.qcow2"))
        time.sleep(0.02)
        create(site.path("clone.qcow2"), MIB, "current.qcow2")
        create(site.path("mended.qcow2"), MIB, "old/v1.qcow2")
        write(site.path("mended.qcow2"), 0)
        site.scan()
        time.sleep(0.02)
        template(site.path("v2.qcow2"), 2)
        os.unlink(site.path("current.qcow2"))
        os.symlink("v2.qcow2", site.path("current.qcow2"))
        site.scan()
        case.same(verdict(site, "old/v1.qcow2"), ("partly-masked", "unproven", "exchanged"), f"{what}: before")
        way(site, "old")
        case.same((found(site, "backing-exchanged"), verdict(site, "old/v1.qcow2")), (["clone.qcow2"], ("partly-masked", "unproven", "exchanged")),
                  f"{what}: the clone was made on what came back")
        rows = [row for row in site.rows("--what-if-delete", site.path("mended.qcow2")) if row["path"] == site.path("old", "v1.qcow2")]
        case.same([(row["effect"], row["verdict"], "exchanged" in row["why_codes"]) for row in rows], [("unreferenced", "unproven", True)],
                  f"{what}: what-if agrees", rows)


def test_a_template_that_was_away_is_no_exchange(case):
    for way in WAYS:
        site, what = case.site(), way.__name__
        template(site.path("templates", "t.qcow2"), 1)
        create(site.path("clone.qcow2"), MIB, "templates/t.qcow2")
        site.scan()
        way(site, "templates")
        case.same(site.findings(), set(), f"{what}: the clone is on the template that it was made on")
        time.sleep(0.02)
        os.rename(site.path("templates", "t.qcow2"), site.path("templates", "t-old.qcow2"))
        template(site.path("templates", "t.qcow2"), 2)
        site.scan()
        case.same(found(site, "backing-exchanged"), ["clone.qcow2"], f"{what}: and is found to be on another later")


def test_a_damaged_clone_keeps_what_it_was_made_on(case):
    site = case.site()
    clone = exchanged(site)
    with open(clone, "rb") as file:
        header = file.read(512)
    patch(clone, 0, bytes(512))
    for _ in range(2):
        site.scan()
        case.check("unread" in codes(site, "v1.qcow2"), "damaged, what it named is not known", [verdict(site, "v1.qcow2")])
    away_and_back(site, "pool")
    case.same(found(site, "image-lost"), ["pool/clone.qcow2"], "moved away and back, it is lost still")
    patch(clone, 0, header)
    for _ in range(2):
        site.scan()
        case.same((found(site, "backing-exchanged"), codes(site, "v1.qcow2") - {"broken-reference"}), (["pool/clone.qcow2"], {"exchanged"}), "repaired, it was made on the old template")


def test_a_copy_was_made_on_what_its_original_was(case):
    site = case.site()
    clone = exchanged(site)
    plain = create(site.path("pool", "new.qcow2"), MIB, "../current.qcow2")
    site.scan()
    for path in (clone, plain):
        must("cp", "-p", path, path.replace(".qcow2", "-copy.qcow2"))
    site.scan()
    case.same(found(site, "backing-exchanged"), ["pool/clone-copy.qcow2", "pool/clone.qcow2"], "a copy with its time stamp; one of a clone of the new template is fine")
    os.unlink(clone)
    for _ in range(2):
        site.scan()
        case.check("exchanged" in codes(site, "v1.qcow2"), "the copy alone keeps the old template", [verdict(site, "v1.qcow2")])
    copy(site.path("pool", "clone-copy.qcow2"), site.path("archive", "moved.qcow2"))
    site.scan()
    case.check("exchanged" in codes(site, "v1.qcow2"), "moved to another place, as between file systems, it does so, too", [verdict(site, "v1.qcow2")])


def test_a_base_copied_to_another_place_is_what_the_clone_was_made_on(case):
    site = case.site()
    exchanged(site)
    copy(site.path("v1.qcow2"), site.path("archive", "v1.qcow2"))
    write(create(site.path("mended.qcow2"), MIB, "archive/v1.qcow2"), 0)
    for _ in range(2):
        site.scan()
        case.same(verdict(site, "archive/v1.qcow2"), ("partly-masked", "unproven", "exchanged"), "v1, moved between file systems")


# -- Evidence ---------------------------------------------------------------------------------------------------------

def test_a_base_that_was_away_is_unused_as_before(case):
    for way in WAYS:
        site, what = case.site(), way.__name__
        template(site.path("pool", "base.qcow2"), 1)
        create(site.path("pool", "over.qcow2"), MIB, "base.qcow2")
        create(site.path("pool", "plain.qcow2"), MIB)
        create(site.path("other.qcow2"), MIB)
        site.scan()
        os.unlink(site.path("pool", "over.qcow2"))
        site.scan()
        rows = site.unused()
        case.same({name: row["verdict"] for name, row in rows.items()}, {"pool/base.qcow2": "proven"}, f"{what}: before")
        way(site, "pool")
        now = site.unused()
        case.same({name: row["evidence"] for name, row in now.items()}, {name: row["evidence"] for name, row in rows.items()}, f"{what}: the same evidence")
        exact = way is not restored_from_an_archive
        case.same(verdict(site, "pool/base.qcow2")[1:], ("proven", None) if exact else ("unproven", "written-since"),
                  f"{what}: and the same verdict, if its time stamp is the same to the nanosecond")


def test_a_base_whose_overlay_goes_while_it_is_away_is_unused(case):
    for way in WAYS:
        site, what = case.site(), way.__name__
        template(site.path("pool", "base.qcow2"), 1)
        create(site.path("other", "over.qcow2"), MIB, "../pool/base.qcow2")
        site.scan()
        os.unlink(site.path("other", "over.qcow2"))
        way(site, "pool")
        row = site.unused().get("pool/base.qcow2")
        case.same(row and (row["status"], site.relative(row["referenced_by"])), ("unreferenced", "other/over.qcow2"), f"{what}: named when it was seen last")


def test_a_raw_base_without_an_ending_is_an_image_again(case):
    for way in (moved_aside, copied_out_and_back):
        site, what = case.site(), way.__name__
        with open(site.path("pool", "disk"), "wb") as file:
            file.write(b"x" * MIB)
        create(site.path("over.qcow2"), MIB, "pool/disk", "raw")
        site.scan()
        os.unlink(site.path("over.qcow2"))
        site.scan()
        case.same(verdict(site, "pool/disk"), ("unreferenced", "proven", None), f"{what}: an image because it was named")
        way(site, "pool")
        case.same(verdict(site, "pool/disk"), ("unreferenced", "proven", None), f"{what}: it was named when it was seen last")


def test_a_base_in_an_allowed_directory_is_watched_again(case):
    site = case.site()
    template(site.outside("bases", "base.qcow2"), 1)
    allow = "--allow", site.outside("bases", "x")[:-2]
    create(site.path("over.qcow2"), MIB, site.outside("bases", "base.qcow2"))
    site.scan(*allow)
    os.unlink(site.path("over.qcow2"))
    os.rename(site.outside("bases", "base.qcow2"), site.outside("base.qcow2"))
    for _ in range(2):
        site.scan(*allow)
    case.same(site.unused(), {}, "away, it is no candidate")
    os.rename(site.outside("base.qcow2"), site.outside("bases", "base.qcow2"))
    site.scan(*allow)
    case.same(verdict(site, "../outside/bases/base.qcow2"), ("unreferenced", "unproven", "not-walked"), "in a directory that is not walked, but allowed")


def test_another_image_in_its_place_was_no_base(case):
    site = case.site()
    template(site.path("pool", "base.qcow2"), 1)
    create(site.path("pool", "over.qcow2"), MIB, "base.qcow2")
    site.scan()
    shutil.rmtree(site.path("pool"))
    site.scan()
    template(site.path("pool", "base.qcow2"), 7)
    site.scan()
    case.same(site.unused(), {}, "made anew at its path on another night")


def test_what_was_put_in_its_place_goes_on_and_the_old_one_comes_back(case):
    """A template is moved out, another takes its path; then the old one is put beside it."""
    site = case.site()
    template(site.path("t.qcow2"), 1)
    for name in ("clone", "other"):
        create(site.path(name + ".qcow2"), MIB, "t.qcow2")
    write(site.path("other.qcow2"), 0)
    site.scan()
    time.sleep(0.02)
    os.rename(site.path("t.qcow2"), site.outside("t.qcow2"))
    template(site.path("t.qcow2"), 2)
    site.scan()
    case.same(found(site, "backing-exchanged"), ["clone.qcow2", "other.qcow2"], "both are on another file than they were made on")
    os.rename(site.outside("t.qcow2"), site.path("t-old.qcow2"))
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "t-old.qcow2", site.path("other.qcow2"))
    site.scan()
    case.same((found(site, "backing-exchanged"), verdict(site, "t-old.qcow2")), (["clone.qcow2"], ("partly-masked", "unproven", "exchanged")),
              "one is mended, and the other was made on what came back")
    case.same(site.value("SELECT count(DISTINCT image_id) FROM v_image"), 4, "each image has a number of its own")
    os.rename(site.path("t-old.qcow2"), site.path("t.qcow2"))
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "t.qcow2", site.path("other.qcow2"))
    site.scan()
    case.same(site.findings(), set(), "under its old name all is well")


# -- Bases in between -------------------------------------------------------------------------------------------------

def replace(site, pattern, keep=None):
    time.sleep(0.02)
    template(site.path("new"), pattern)
    if keep:
        os.rename(site.path("t.qcow2"), site.path(keep))
    os.rename(site.path("new"), site.path("t.qcow2"))


def twice(site, first_scan=True):
    """over1 was made on a template that was replaced, and used on the next one, which is t-old now; over2 was made on that."""
    template(site.path("t.qcow2"), 1)
    write(create(site.path("pool", "over1.qcow2"), MIB, "../t.qcow2"), 3)
    if first_scan:
        site.scan()
    replace(site, 2)
    site.scan()
    write(create(site.path("over2.qcow2"), MIB, "t.qcow2"), 0)
    site.scan()
    replace(site, 3, "t-old.qcow2")
    site.scan()
    must("qemu-img", "rebase", "-u", "-b", "t-old.qcow2", "-F", "qcow2", site.path("over2.qcow2"))
    site.scan()


def test_a_base_in_between_is_kept(case):
    for first_scan in (True, False):
        site, what = case.site(), "the first template was seen" if first_scan else "the first template was gone before any scan"
        twice(site, first_scan)
        for night in range(2):
            case.check("exchanged" in codes(site, "t-old.qcow2"), f"{what}, night {night}: over1 was used on t-old", [verdict(site, "t-old.qcow2")])
            site.scan()
        deed = [row for row in site.rows("--what-if-delete", site.path("over2.qcow2")) if row["path"] == site.path("t-old.qcow2")]
        case.same([(row["effect"], row["verdict"], "exchanged" in row["why_codes"]) for row in deed], [("unreferenced", "unproven", True)], f"{what}: what-if agrees", deed)
        deed = [row for row in site.rows("--what-if-flatten", site.path("pool", "over1.qcow2")) if row["path"] == site.path("t-old.qcow2")]
        case.check(all("exchanged" not in (row["why_codes"] or "") for row in deed), f"{what}: flattened, over1 needs nothing of it", deed)
        away_and_back(site, "pool")
        case.check("exchanged" in codes(site, "t-old.qcow2"), f"{what}: nor does a night away change that", [verdict(site, "t-old.qcow2")])
        away_and_back(site, "pool", copy)
        case.check("exchanged" in codes(site, "t-old.qcow2"), f"{what}: nor a copy", [verdict(site, "t-old.qcow2")])
        must("qemu-img", "rebase", "-u", "-b", "../over2.qcow2", "-F", "qcow2", site.path("pool", "over1.qcow2"))
        site.scan()
        case.same(verdict(site, "t-old.qcow2"), ("partly-masked", "proven", None), f"{what}: rebased, over1 names another file")
        case.same(site.value("SELECT count(*) FROM former_base"), 0, f"{what}: and nothing is kept of it")


def test_a_base_in_between_is_free_when_the_first_one_is_back(case):
    site = case.site()
    template(site.path("t.qcow2"), 1)
    create(site.path("over.qcow2"), MIB, "t.qcow2")
    site.scan()
    replace(site, 2, "first.qcow2")
    site.scan()
    os.rename(site.path("t.qcow2"), site.path("second.qcow2"))
    os.rename(site.path("first.qcow2"), site.path("t.qcow2"))
    write(create(site.path("user.qcow2"), MIB, "second.qcow2"), 0)
    site.scan()
    case.same((site.findings(), verdict(site, "second.qcow2")), (set(), ("partly-masked", "proven", None)), "the overlay is on its own base again")


# -- More that is remembered ------------------------------------------------------------------------------------------

def test_an_overlay_in_pieces_keeps_what_it_was_made_on(case):
    """Writes to a split VMDK go to its extents: its descriptor, which does not change, is read again for them."""
    site = case.site()
    must("qemu-img", "create", "-q", "-f", "vmdk", site.path("v1.vmdk"), "1M")
    os.symlink("v1.vmdk", site.path("current.vmdk"))
    time.sleep(0.02)
    must("qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", "-b", site.path("current.vmdk"), "-F", "vmdk", site.path("clone.vmdk"))
    site.scan()
    time.sleep(0.02)
    must("qemu-img", "create", "-q", "-f", "vmdk", site.path("v2.vmdk"), "1M")
    os.unlink(site.path("current.vmdk"))
    os.symlink("v2.vmdk", site.path("current.vmdk"))
    site.scan()
    case.check("exchanged" in codes(site, "v1.vmdk"), "its base was exchanged", [verdict(site, "v1.vmdk")])
    with open(site.path("clone-s001.vmdk"), "ab") as file:
        file.write(bytes(CLUSTER))
    for _ in range(2):
        site.scan()
        case.check("exchanged" in (codes(site, "v1.vmdk") or ()), "after an extent of it was written to", [verdict(site, "v1.vmdk"), site.findings()])


def test_a_packed_copy_is_recognised_by_a_name_of_nights_before(case):
    site = case.site()
    template(site.path("base"), 1)
    vm = create(site.path("pool", "vm"), MIB, "../base")
    site.scan()
    os.rename(vm, site.outside("vm"))
    site.scan()
    with open(site.outside("vm"), "rb") as file, open(site.path("pool", "vm.backup"), "wb") as packed:
        packed.write(gzip.compress(file.read()))
    for _ in range(2):
        site.scan()
        case.same(codes(site, "base"), {"packed-reference"}, "vm.backup, packed a night after vm was moved out")
    away_and_back(site, "pool")
    case.same(codes(site, "base"), {"packed-reference"}, "and when it was away itself")


def test_a_packed_overlay_has_its_renamed_base_after_nights_away(case):
    """The overlay is packed as long as its base has the name; then that is renamed, and the overlay deleted."""
    for name in ("backups", "bases"):
        for go in (os.rename, copy):
            site, what = case.site(), f"{name}, {go.__name__}"
            template(site.path("bases", "base.qcow2"), 1)
            over = create(site.path("over.qcow2"), MIB, "bases/base.qcow2")
            with open(over, "rb") as file, open(site.path("backups", "over.qcow2.gz"), "wb") as packed:
                packed.write(gzip.compress(file.read().replace(b"bases/base.qcow2", b"../bases/b.qcow2")))
            os.rename(site.path("bases", "base.qcow2"), site.path("bases", "b.qcow2"))
            site.scan()
            os.rename(site.path("bases", "b.qcow2"), site.path("bases", "new.qcow2"))
            must("qemu-img", "rebase", "-u", "-b", "bases/new.qcow2", "-F", "qcow2", over)
            site.scan()
            os.unlink(over)
            site.scan()
            case.same(codes(site, "bases/new.qcow2"), {"packed-reference"}, f"{what}: before")
            away_and_back(site, name, go, nights=2)
            case.same(codes(site, "bases/new.qcow2"), {"packed-reference"}, f"{what}: and when it is back")
            os.unlink(site.path("backups", "over.qcow2.gz"))
            site.scan()
            case.same(verdict(site, "bases/new.qcow2"), ("unreferenced", "proven", None), f"{what}: without the backup nothing needs it")


def test_what_lies_between_may_be_away(case):
    """An image, and what it names without standing on it itself: what is between them lies in a directory that is away."""
    doubted, free = ("unreferenced", "unproven", "broken-reference"), ("unreferenced", "proven", None)
    for between in (["pool/a"], ["pool/a", "pool/b", "pool/c"]):
        site = case.site()
        below = write(create(site.path("base"), MIB), 0)
        create(site.path("other-over"), MIB, write(create(site.path("other"), MIB), 0))
        os.makedirs(site.path("pool"))
        for name in between:
            below = create(site.path(*name.split("/")), MIB, below)
        top = create(site.path("top"), MIB, below)
        site.scan()
        os.unlink(site.path("other-over"))
        rows = {(row["effect"], row["path"]): row for row in site.rows("--what-if-delete", *map(site.path, between))}
        case.same(rows[("unreferenced", site.path("base"))]["why_codes"], "broken-reference", f"{len(between)} between: doubted in a what-if")
        os.rename(site.path("pool"), site.outside("pool"))
        for night in (1, 2):
            site.scan()
            case.same((verdict(site, "base"), verdict(site, "other")), (doubted, free), f"{len(between)} between, night {night}: kept for what is named still")
        os.rename(site.outside("pool"), site.path("pool"))
        site.scan()
        case.same(verdict(site, "base"), None, "in use when all are back")
        shutil.rmtree(site.path("pool"))
        os.unlink(top)
        site.scan()
        case.same(verdict(site, "base"), free, "and unused when none is left")


def test_what_is_remembered_is_bounded(case):
    site = case.site()
    clone = exchanged(site)
    os.rename(clone, site.outside("clone.qcow2"))
    site.scan("--keep", "2")
    case.same(site.value("SELECT count(*) FROM vanished"), 1, "it is remembered while the history has the scan that missed it")
    site.scan("--keep", "2")
    site.scan("--keep", "2")
    case.same(site.value("SELECT count(*) FROM vanished"), 0, "and no longer")
    change(site, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000) INSERT INTO vanished"
           " (file_id, gone_scan, volume, path, inode, size, mtime_ns, ctime_ns, was_image, was_packed, referenced_uncertain, link_is_newer)"
           " SELECT 1000000 + i, 3, 'x', '/' || i, i, 0, 0, 0, 0, 0, 0, 0 FROM n")
    os.unlink(site.path("other", "plain.qcow2"))
    site.scan()
    case.same((site.value("SELECT count(*) FROM vanished"), site.value("SELECT count(*) FROM vanished WHERE path LIKE '%plain.qcow2'")), (10000, 1),
              "10,000 at most, the latest of them")


def test_a_returned_image_is_new_to_the_counts(case):
    site = case.site()
    exchanged(site)
    os.rename(site.path("pool"), site.outside("pool"))
    gone = site.scan()
    os.rename(site.outside("pool"), site.path("pool"))
    back = site.scan()
    case.same((gone.stats["vanished"], back.stats["added"], back.stats["changed"]), (1, 1, 0), "vanished, then added", back.notes())


TESTS = [
    test_a_clone_that_was_away_keeps_what_it_was_made_on,
    test_a_template_refreshed_while_a_clone_is_away_is_exchanged,
    test_what_does_not_come_back_blocks_nothing,
    test_what_lies_between_may_be_away,
    test_an_inode_that_is_used_again_is_another_file,
    test_an_unknown_birth_is_uncertain,
    test_a_base_that_was_away_is_known_again,
    test_a_template_that_was_away_is_no_exchange,
    test_a_damaged_clone_keeps_what_it_was_made_on,
    test_a_copy_was_made_on_what_its_original_was,
    test_a_base_copied_to_another_place_is_what_the_clone_was_made_on,
    test_a_base_that_was_away_is_unused_as_before,
    test_a_base_whose_overlay_goes_while_it_is_away_is_unused,
    test_a_raw_base_without_an_ending_is_an_image_again,
    test_a_base_in_an_allowed_directory_is_watched_again,
    test_another_image_in_its_place_was_no_base,
    test_what_was_put_in_its_place_goes_on_and_the_old_one_comes_back,
    test_a_base_in_between_is_kept,
    test_a_base_in_between_is_free_when_the_first_one_is_back,
    test_an_overlay_in_pieces_keeps_what_it_was_made_on,
    test_a_packed_copy_is_recognised_by_a_name_of_nights_before,
    test_a_packed_overlay_has_its_renamed_base_after_nights_away,
    test_what_is_remembered_is_bounded,
    test_a_returned_image_is_new_to_the_counts,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What was away for some nights.", TESTS))
