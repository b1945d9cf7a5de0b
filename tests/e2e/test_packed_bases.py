#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a packed overlay was made on: its name for it stays as it is, while the base is renamed, moved or followed by another under
# its name, and the images that are not packed get a new name for it. When nothing but the packed overlay needs the base, that is
# not proven unused; and what it was not made on is.

import os
import shutil

import harness
import sites
from builders import packed
from sites import MIB, Mounts, create, must, why_no_mounts, write

DOUBTED = ("unreferenced", "unproven", "packed-reference")
FREE = ("unreferenced", "proven", None)


def verdict(site, name):
    """(status, verdict, codes) of a row; None: it is not listed."""
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def codes(site, name):
    """Doubts, of what may have others besides: None where it is not listed."""
    found = verdict(site, name)
    return found and set((found[2] or "").split(",")) - {""}


def lay(site, named="base.qcow2", folder="backups"):
    """base.qcow2 with an overlay, over.qcow2, and another base with its own, none of it packed."""
    os.makedirs(site.path(folder), exist_ok=True)
    for name in ("base", "other"):
        write(create(site.path(f"{name}.qcow2"), MIB), 0)
    create(site.path("over.qcow2"), MIB, named)
    create(site.path("over-other.qcow2"), MIB, "other.qcow2")


def pack(site, path="backups/b.qcow2.gz", source="over.qcow2"):
    must("sh", "-c", 'gzip -c "$0" > "$1"', site.path(source), site.path(path))
    return site.path(path)


def rebase(site, name, overlay="over.qcow2"):
    must("qemu-img", "rebase", "-q", "-u", "-b", name, "-F", "qcow2", site.path(overlay))


def rename(site, old, new):
    os.makedirs(os.path.dirname(site.path(new)), exist_ok=True)
    os.rename(site.path(old), site.path(new))


def lay_releases(site, name="current/gold.qcow2"):
    """Two files of one name in two directories, each with an overlay, and a link to the first; the packed one goes by the link."""
    for release in ("v1", "v2"):
        os.makedirs(site.path(release))
        write(create(site.path(release, "gold.qcow2"), MIB), 1)
        create(site.path(f"over-{release}.qcow2"), MIB, f"{release}/gold.qcow2")
    os.symlink("v1", site.path("current"))
    create(site.path("vm.qcow2"), MIB, site.path(name))


def turn(site, release="v2", age=0, at=None):
    """The link, as if that had been done so many seconds ago, or when the file was written."""
    os.unlink(site.path("current"))
    os.symlink(release, site.path("current"))
    made = os.stat(at).st_mtime_ns if at else os.lstat(site.path("current")).st_mtime_ns - age * 10 ** 9
    os.utime(site.path("current"), ns=(made, made), follow_symlinks=False)


def abandon_releases(site):
    os.unlink(site.path("over-v1.qcow2"))
    os.unlink(site.path("over-v2.qcow2"))
    site.scan()
    return verdict(site, "v1/gold.qcow2"), verdict(site, "v2/gold.qcow2")


def give_other_the_name(site):
    """The other base was once called base.qcow2, too, in another directory: it counts where it is not known what is meant."""
    rename(site, "other.qcow2", "elsewhere-once/base.qcow2")
    rebase(site, "elsewhere-once/base.qcow2", "over-other.qcow2")
    site.scan()
    rename(site, "elsewhere-once/base.qcow2", "other.qcow2")
    rebase(site, "other.qcow2", "over-other.qcow2")


def abandon(site):
    """Two scans: one that sees the bases named as they are now, and one when nothing names them."""
    site.scan()
    os.unlink(site.path("over.qcow2"))
    os.unlink(site.path("over-other.qcow2"))
    return site.scan()


def test_a_renamed_base_stays_the_one_that_is_meant(case):
    for word, packed_as, named in (("beside it", "vm.qcow2.gz", "base.qcow2"), ("elsewhere, by its path", "backups/b.gz", None),
                                   ("elsewhere, by a relative name", "backups/b.qcow2.gz", "../base.qcow2"),
                                   ("elsewhere, by a name that leads nowhere from there", "backups/b.qcow2.gz", "base.qcow2")):
        site = case.site()
        lay(site)
        rebase(site, named or site.path("base.qcow2"))
        pack(site, packed_as)
        rebase(site, "base.qcow2")
        site.scan()
        rename(site, "base.qcow2", "pool/new.qcow2")
        rebase(site, "pool/new.qcow2")
        scan = abandon(site)
        case.same((scan.code, verdict(site, "pool/new.qcow2"), verdict(site, "other.qcow2")), (0, DOUBTED, FREE),
                  f"packed {word}: the renamed base is doubted, and no other", scan.notes())
        rows = site.rows("--what-if-delete", site.path("other.qcow2"))
        case.check(all(row["verdict"] == "unproven" for row in rows if row["path"] == site.path("pool/new.qcow2")),
                   "nor is it proven in a what-if", [str(rows)])
        rename(site, "pool/new.qcow2", "newer.qcow2")
        site.scan()
        case.check("packed-reference" in codes(site, "newer.qcow2"), "renamed once more, it is doubted still")
        os.unlink(site.path(packed_as))
        site.scan()
        case.check("packed-reference" not in codes(site, "newer.qcow2"), "but not when the packed image is gone")


def test_a_what_if_has_the_same_doubt(case):
    """From the store, before the overlay goes."""
    site = case.site()
    lay(site)
    pack(site, "vm.qcow2.gz")
    site.scan()
    rename(site, "base.qcow2", "new.qcow2")
    rebase(site, "new.qcow2")
    site.scan()
    rows = {row["path"]: row for row in site.rows("--what-if-delete", site.path("over.qcow2"), site.path("over-other.qcow2"))}
    case.same([(row["verdict"], row["why_codes"]) for row in (rows[site.path("new.qcow2")], rows[site.path("other.qcow2")])],
              [("unproven", "packed-reference"), ("proven", None)], "what nothing names after a deed may be meant by a packed image", [str(rows)])
    case.same(site.query("SELECT name, target_path, state FROM v_packed ORDER BY state"),
              [("base.qcow2", site.path("new.qcow2"), "earlier"), ("base.qcow2", site.path("base.qcow2"), "missing")],
              "v_packed has where the name led before")


def test_a_base_with_a_successor_under_its_name_is_doubted(case):
    site = case.site()
    lay(site)
    rebase(site, site.path("base.qcow2"))
    pack(site)
    site.scan()
    rename(site, "base.qcow2", "old.qcow2")
    rebase(site, "old.qcow2")
    write(create(site.path("base.qcow2"), MIB), 3)
    create(site.path("over-new.qcow2"), MIB, "base.qcow2")
    site.scan()
    os.unlink(site.path("over-new.qcow2"))
    abandon(site)
    case.same([verdict(site, name) for name in ("old.qcow2", "base.qcow2", "other.qcow2")], [DOUBTED, DOUBTED, FREE],
              "the one that it was made on is doubted, and the one that it leads to now")
    rename(site, "base.qcow2", "second.qcow2")
    site.scan()
    case.same(["packed-reference" in codes(site, name) for name in ("old.qcow2", "second.qcow2")], [True, False],
              "the second one is doubted only while it has the name")


def test_a_packed_file_is_known_by_another_name_and_as_a_copy(case):
    def move(site, path):
        rename(site, path, "elsewhere/deep/retired.gz")

    def touch(site, path):
        os.utime(site.path(path))

    def copy(site, path):
        os.makedirs(site.path("elsewhere"))
        shutil.copyfile(site.path(path), site.path("elsewhere/copy.gz"))
        os.unlink(site.path(path))

    def chmod(site, path):
        os.chmod(site.path(path), 0o600)

    for deed in (move, touch, copy, chmod):
        for at_once in (True, False):
            site = case.site()
            lay(site)
            path = "backups/b.qcow2.gz"
            rebase(site, "../base.qcow2")
            pack(site, path)
            rebase(site, "base.qcow2")
            give_other_the_name(site)
            site.scan()
            rename(site, "base.qcow2", "new.qcow2")
            rebase(site, "new.qcow2")
            if not at_once:
                site.scan()
            deed(site, path)
            abandon(site)
            case.same((verdict(site, "new.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE),
                      f"{deed.__name__} {'with' if at_once else 'after'} the base")


def test_what_was_packed_after_its_base_was_renamed_means_that(case):
    """The images of the scan before show which file the name led to then, or should have led to."""
    for successor in (False, True):
        site = case.site()
        lay(site)
        rebase(site, site.path("base.qcow2"))
        site.scan()
        rename(site, "base.qcow2", "new.qcow2")
        if successor:
            write(create(site.path("base.qcow2"), MIB), 3)
        site.scan()  # the overlay is broken, or has another base below it
        pack(site)
        rebase(site, "new.qcow2")
        abandon(site)
        case.same((verdict(site, "new.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE),
                  f"{'a successor has' if successor else 'nothing has'} the name when it is packed")
    site = case.site()
    lay(site)
    os.symlink("base.qcow2", site.path("link.qcow2"))
    rebase(site, "link.qcow2")
    site.scan()
    rebase(site, site.path("base.qcow2"))
    pack(site)
    rename(site, "base.qcow2", "new.qcow2")
    rebase(site, "new.qcow2")
    write(create(site.path("base.qcow2"), MIB), 3)
    abandon(site)
    case.same((verdict(site, "new.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE), "packed and renamed between two scans")
    site = case.site()
    lay(site)
    lay_releases(site)
    site.scan()
    turn(site, age=60)
    site.scan()
    pack(site, source="vm.qcow2")
    os.unlink(site.path("vm.qcow2"))
    case.same(abandon_releases(site), (DOUBTED, DOUBTED), "its directory was turned to another before it was packed")


def test_what_was_packed_again_means_what_it_meant(case):
    site = case.site()
    lay(site)
    path = pack(site)
    site.scan()
    rename(site, "base.qcow2", "new.qcow2")
    rebase(site, "new.qcow2")
    site.scan()
    must("gunzip", path)
    must("bzip2", "-z", site.path("backups/b.qcow2"))
    abandon(site)
    case.same((verdict(site, "new.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE), "packed by another packer, its base is known by its former name")


def test_a_base_is_known_as_a_copy_with_its_time_stamp(case):
    """mv to another file system, cp -p: another inode, and nothing has the old name."""
    if reason := why_no_mounts():
        case.skip("a base that was moved to another file system is doubted", reason)
    else:
        with Mounts() as mounts:
            for named in ("base.qcow2", None):
                site = case.site()
                os.makedirs(site.path("pool"))
                mounts.tmpfs(site.path("pool"))
                lay(site)
                rebase(site, named or site.path("base.qcow2"))
                pack(site)
                rebase(site, "base.qcow2")
                if not named:
                    give_other_the_name(site)
                site.scan()
                must("mv", site.path("base.qcow2"), site.path("pool/moved.qcow2"))
                rebase(site, "pool/moved.qcow2")
                abandon(site)
                case.same((verdict(site, "pool/moved.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE),
                          f"a base that was moved to another file system is doubted, {'by its former name' if named else 'by what the name led to'}")
    site = case.site()
    lay(site)
    rebase(site, site.path("base.qcow2"))
    pack(site)
    site.scan()
    must("cp", site.path("base.qcow2"), site.path("other-copy.qcow2"))
    write(site.path("other-copy.qcow2"), 5)
    create(site.path("over-copy.qcow2"), MIB, "other-copy.qcow2")
    site.scan()
    os.unlink(site.path("over-copy.qcow2"))
    abandon(site)
    case.same((verdict(site, "base.qcow2"), verdict(site, "other-copy.qcow2")), (DOUBTED, FREE), "a copy that was written to is another image")


def test_a_directory_that_was_turned_to_another_keeps_the_former(case):
    """A symbolic link to a directory: no name of a file changes."""
    site = case.site()
    lay(site)
    lay_releases(site)
    pack(site, "backups/vm1.snap3.gz", "vm.qcow2")
    os.unlink(site.path("vm.qcow2"))
    site.scan()
    turn(site)
    site.scan()
    rows = {row["path"]: row for row in site.rows("--what-if-delete", site.path("over-v1.qcow2"))}
    case.same(rows[site.path("v1/gold.qcow2")]["why_codes"], "packed-reference", "in a what-if the former is doubted", [str(rows)])
    case.same(abandon_releases(site), (DOUBTED, DOUBTED), "both are doubted")
    os.unlink(site.path("backups/vm1.snap3.gz"))
    site.scan()
    case.same((verdict(site, "v1/gold.qcow2"), verdict(site, "v2/gold.qcow2")), (FREE, FREE), "neither is without the packed image")


def test_what_leads_to_a_newer_file_may_mean_any_older_one(case):
    """Before the first scan a link was turned, or a file replaced: what the name leads to is not what the packed file was made on."""
    for word in ("newer", "turned", "older"):
        site = case.site()
        lay(site)
        newer = word != "older"
        name = "current.qcow2"
        if word != "newer":
            write(create(site.path("v2.qcow2"), MIB), 3)
        os.symlink("v2.qcow2" if word == "older" else "base.qcow2", site.path(name))
        rebase(site, site.path(name))
        pack(site)
        rebase(site, "base.qcow2")
        if word == "newer":
            write(create(site.path(name + ".new"), MIB), 3)
            os.rename(site.path(name + ".new"), site.path(name))
        if word == "turned":
            os.unlink(site.path(name))
            os.symlink("v2.qcow2", site.path(name))
        site.scan()
        rows = {row["path"]: row for row in site.rows("--what-if-delete", site.path("over.qcow2"))}
        case.same((rows[site.path("base.qcow2")]["verdict"], rows[site.path("base.qcow2")]["why_codes"]), DOUBTED[1:] if newer else FREE[1:],
                  f"{word}: in a what-if", [str(rows)])
        abandon(site)
        expected = DOUBTED if newer else FREE
        case.same((verdict(site, "base.qcow2"), verdict(site, "other.qcow2")), (expected, expected), f"{word}: every older base, or none")
        os.unlink(site.path("current.qcow2"))
        os.symlink("other.qcow2", site.path("current.qcow2"))
        site.scan()
        case.same((verdict(site, "base.qcow2"), verdict(site, "other.qcow2")), (expected, DOUBTED), "and still when the name leads to another one")
        os.unlink(site.path("backups/b.qcow2.gz"))
        site.scan()
        case.same((verdict(site, "base.qcow2"), verdict(site, "other.qcow2")), (FREE, FREE), "but not when the packed file is gone")


def test_a_turned_directory_means_what_the_scan_before_had_there(case):
    """The packed file and the turn of a link lie between two scans."""
    for word, turned, seen, tick in (("turned", True, True, False), ("turned under what no scan saw", True, False, False),
                                     ("turned in the tick in which the packed file was written", True, False, True), ("as it was", False, True, False)):
        site = case.site()
        lay(site)
        lay_releases(site)
        if not seen:
            rename(site, "vm.qcow2", "../vm.qcow2")
        if not turned:
            turn(site)
        site.scan()
        packed_file = pack(site, source="vm.qcow2" if seen else "../vm.qcow2")
        if seen:
            os.unlink(site.path("vm.qcow2"))
        if turned:
            turn(site, at=packed_file if tick else None)
        case.same(abandon_releases(site), (DOUBTED if turned else FREE, DOUBTED), f"a directory that was {word}")


def test_a_packed_overlay_means_what_the_image_of_its_name_was_made_on(case):
    """It lies elsewhere, where its relative name leads to another base, or to none."""
    def lay_overlay(site, name="vm.qcow2", backing="../base/base.qcow2"):
        for folder in ("x/base", "base", "x/vm", "archive"):
            os.makedirs(site.path(folder), exist_ok=True)
        for folder in ("base", "x/base"):
            write(create(site.path(folder, "base.qcow2"), MIB), 0)
        create(site.path("x/vm", name), MIB, backing)
        site.scan()
        return site.path("x/vm", name)

    def compress(overlay, site, name):
        must("gzip", overlay)
        os.rename(overlay + ".gz", site.path("archive", name + ".gz"))

    def archive(overlay, site, name):
        must("tar", "cf", site.path("archive", name + ".tar"), "-C", os.path.dirname(overlay), os.path.basename(overlay))
        os.unlink(overlay)

    def put_in_another(overlay, site, name):
        archive(overlay, site, "all-of-monday")

    def pack_later(overlay, site, name):
        os.rename(overlay, site.outside(name))
        site.scan()
        compress(site.outside(name), site, name)

    for pack_it in (compress, archive, put_in_another, pack_later):
        for decoy in (True, False):
            site = case.site()
            overlay = lay_overlay(site)
            if not decoy:
                os.unlink(site.path("base/base.qcow2"))
            pack_it(overlay, site, "vm.qcow2")
            rename(site, "x/base/base.qcow2", "x/base/gold.qcow2")
            for night in range(2):
                site.scan()
                case.check("packed-reference" in codes(site, "x/base/gold.qcow2"), f"{pack_it.__name__}, decoy {decoy}: kept, scan {night}", [verdict(site, "x/base/gold.qcow2")])
    for what, name, inside in (("another name", "other.qcow2.gz", "../base/base.qcow2"), ("another base", "vm.qcow2.gz", "/elsewhere/vm-base.qcow2")):
        site = case.site()
        overlay = lay_overlay(site)
        os.unlink(overlay)
        with open(site.path("archive", name), "wb") as file:
            file.write(packed.gzip.compress(packed.qcow2(inside)))
        site.scan()
        case.same(verdict(site, "x/base/base.qcow2"), FREE, f"a packed image of {what}")


def test_each_former_name_of_an_image_counts(case):
    """A name that leads nowhere from where the packed image is may be any that an image ever had."""
    site = case.site()
    lay(site)
    os.link(site.path("base.qcow2"), site.path("z-second.qcow2"))
    os.symlink("base.qcow2", site.path("z-link.qcow2"))
    site.scan()
    os.unlink(site.path("z-second.qcow2"))
    os.unlink(site.path("z-link.qcow2"))
    rename(site, "base.qcow2", "second-name.qcow2")
    rebase(site, "second-name.qcow2")
    site.scan()
    rename(site, "second-name.qcow2", "new.qcow2")
    rebase(site, "new.qcow2")
    abandon(site)
    case.same(verdict(site, "new.qcow2"), FREE, "nothing is packed")
    for name, expected in (("base.qcow2", DOUBTED), ("second-name.qcow2", DOUBTED), ("z-second.qcow2", DOUBTED), ("z-link.qcow2", DOUBTED),
                           ("new.qcow2", DOUBTED), ("x/base.qcow2", DOUBTED), ("other.qcow2", FREE), ("second.qcow2", FREE)):
        path = site.path("backups/b.qcow2.gz")
        with open(path, "wb") as file:
            file.write(packed.gzip.compress(packed.qcow2(name) + os.urandom(int.from_bytes(os.urandom(1)) + 1)))
        site.scan()
        case.same(verdict(site, "new.qcow2"), expected, f"a packed image that names {name}")


def test_what_a_name_led_to_is_not_mistaken_later(case):
    """A name that led nowhere when it was first seen means no file that gets that name later."""
    site = case.site()
    lay(site)
    pack(site, "backups/b.qcow2.gz")  # base.qcow2, as seen from backups
    site.scan()
    rename(site, "base.qcow2", "new.qcow2")
    rebase(site, "new.qcow2")
    site.scan()
    write(create(site.path("backups/base.qcow2"), MIB), 7)
    create(site.path("over-copy.qcow2"), MIB, "backups/base.qcow2")
    site.scan()
    abandon(site)
    case.same((verdict(site, "new.qcow2"), verdict(site, "other.qcow2")), (DOUBTED, FREE), "it is doubted although the name leads elsewhere now")


def test_what_leads_nowhere_may_mean_what_was_renamed_since(case):
    """Before the first scan the base got another name, on another file system where it is a copy with the time of its last write."""
    for word, moved, made, expected in (("renamed", os.rename, "older", DOUBTED), ("moved to another file system", shutil.copy2, "older", DOUBTED),
                                        ("made since", os.rename, "newer", FREE), ("of another format", os.rename, "raw", FREE)):
        site = case.site()
        lay(site)
        if made == "raw":
            must("qemu-img", "convert", "-O", "qcow", site.path("base.qcow2"), site.path("base.qcow"))
            os.rename(site.path("base.qcow"), site.path("base.qcow2"))
            os.unlink(site.path("over.qcow2"))
            create(site.path("over.qcow2"), MIB, "base.qcow2", "qcow")
        rebase(site, site.path("base.qcow2"), "over-other.qcow2")
        pack(site, source="over-other.qcow2" if made == "raw" else "over.qcow2")
        rebase(site, "other.qcow2", "over-other.qcow2")
        os.makedirs(site.path("moved"))
        moved(site.path("base.qcow2"), site.path("moved/new"))
        if moved is not os.rename:
            os.unlink(site.path("base.qcow2"))
        if made == "newer":
            os.replace(write(create(site.path("moved/made.qcow2"), MIB), 0), site.path("moved/new"))
        must("qemu-img", "rebase", "-q", "-u", "-b", "moved/new", "-F", "qcow" if made == "raw" else "qcow2", site.path("over.qcow2"))
        abandon(site)
        case.same((verdict(site, "moved/new"), verdict(site, "other.qcow2")), (expected, FREE), f"a base that was {word}")


def test_another_content_means_what_it_names(case):
    """The packed file is written anew in its place: what it held before is no more."""
    site = case.site()
    lay(site)
    rebase(site, site.path("base.qcow2"))
    pack(site)
    site.scan()
    rename(site, "base.qcow2", "old.qcow2")
    rebase(site, "old.qcow2")
    rebase(site, "../other.qcow2", "over-other.qcow2")
    pack(site, source="over-other.qcow2")
    rebase(site, "other.qcow2", "over-other.qcow2")
    abandon(site)
    case.same((verdict(site, "old.qcow2"), verdict(site, "other.qcow2")), (FREE, DOUBTED), "the base of the other overlay is kept")


def test_a_packed_file_that_cannot_be_read_for_a_night_is_remembered(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        case.skip("a packed file that cannot be read for a night", reason)
        return
    lay(site)
    lay_releases(site)
    path = pack(site, source="vm.qcow2")
    os.unlink(site.path("vm.qcow2"))
    site.scan()
    turn(site, age=60)
    os.chmod(path, 0)
    scan = site.scan()
    case.same((scan.code, {code for code, _ in site.findings()}), (3, {"unreadable"}), "it cannot be read")
    os.chmod(path, 0o644)
    abandon_releases(site)
    abandon(site)
    found = ["packed-reference" in codes(site, name) for name in ("v1/gold.qcow2", "v2/gold.qcow2", "other.qcow2")]
    case.same(found, [True, True, False], "what it meant is known when it can be read again")


TESTS = [test_a_renamed_base_stays_the_one_that_is_meant, test_a_what_if_has_the_same_doubt, test_a_base_with_a_successor_under_its_name_is_doubted,
         test_a_packed_file_is_known_by_another_name_and_as_a_copy, test_what_was_packed_after_its_base_was_renamed_means_that,
         test_what_was_packed_again_means_what_it_meant, test_a_base_is_known_as_a_copy_with_its_time_stamp,
         test_a_directory_that_was_turned_to_another_keeps_the_former, test_what_leads_to_a_newer_file_may_mean_any_older_one,
         test_a_packed_overlay_means_what_the_image_of_its_name_was_made_on,
         test_a_turned_directory_means_what_the_scan_before_had_there, test_each_former_name_of_an_image_counts,
         test_what_a_name_led_to_is_not_mistaken_later, test_what_leads_nowhere_may_mean_what_was_renamed_since, test_another_content_means_what_it_names,
         test_a_packed_file_that_cannot_be_read_for_a_night_is_remembered]


if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What packed overlays were made on.", TESTS))
