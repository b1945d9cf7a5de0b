#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What --what-if and --sparse promise of files that share blocks, against what the file system has in use before and
# after it is done, on loop-mounted XFS. All numbers are worked out by hand.

import os

import harness
from host_places import clone, fill, on, overwrite, place, raw, scan
from sites import KIB, MIB, Mounts, ToolError, create, must, qemu_io, why_no_mounts

TABLES = 512 * KIB  # the most that tables of the small images here take, and blocks of the file system's own


def ask(site, action, *names):
    """{effect or (effect, name): row}."""
    rows = {}
    for row in site.rows(f"--what-if-{action}", *[site.path(name) for name in names]):
        rows[(row["effect"], site.relative(row["path"])) if row["path"] else row["effect"]] = row
    return rows


def bounds(row):
    return row["freed_bytes"], row["freed_at_most"]


def delete(case, here, names, least, most, freed, what):
    """Asks, compares with numbers by hand, does it, and compares with what the file system says."""
    here.settle()
    scan(case, here.site)
    total = ask(here.site, "delete", *names)["total"]
    case.same((bounds(total), total["verdict"]), ((least, most), "proven"), f"{what}: {least} for certain, {most} at most")
    before = here.used()
    for name in names:
        os.unlink(here.site.path(name))
    really = before - here.used()
    case.check(freed <= really <= freed + 64 * KIB and least <= really <= most + 64 * KIB,
               f"{what}: {freed} are freed", [f"freed {really}", repr(total)])


def copies(site):
    """Three copies of 8 MiB, 2 MiB of b written anew."""
    a = raw(site.path("a.raw"))
    for name in ("b.raw", "c.raw"):
        clone(a, site.path(name))
    overwrite(site.path("b.raw"), 1 * MIB, 2 * MIB)


@on("xfs", "btrfs")
def test_deleting_one_copy_frees_what_it_has_alone(case, kind):
    with place(case, kind) as here:
        copies(here.site)
        delete(case, here, ["b.raw"], 2 * MIB, 2 * MIB, 2 * MIB, f"{kind}: one of three copies")


@on("xfs", "btrfs")
def test_deleting_all_copies_frees_their_blocks_once(case, kind):
    with place(case, kind) as here:
        copies(here.site)
        delete(case, here, ["a.raw", "b.raw", "c.raw"], 2 * MIB, 10 * MIB, 10 * MIB, f"{kind}: all copies")


@on("xfs")
def test_deleting_two_of_three_copies_frees_what_only_they_share(case, kind):
    """Where b was written anew, a and c share what b does not have."""
    with place(case, kind) as here:
        copies(here.site)
        scan(case, here.site)
        rows = ask(here.site, "delete", "a.raw", "c.raw")
        case.same(sorted(bounds(rows["deleted", name]) for name in ("a.raw", "c.raw")), [(0, 0), (0, 2 * MIB)],
                  "blocks that two of the set share count with one of them")
        delete(case, here, ["a.raw", "c.raw"], 0, 2 * MIB, 2 * MIB, "two of three copies")


@on("xfs")
def test_deleting_does_not_free_what_a_copy_outside_holds(case, kind):
    with place(case, kind) as here:
        a = raw(here.site.path("a.raw"))
        clone(a, here.site.outside("kept.raw"))
        overwrite(a, 0, 1 * MIB)
        delete(case, here, ["a.raw"], 1 * MIB, 8 * MIB, 1 * MIB, "a copy outside of the roots")


@on("xfs")
def test_deleting_frees_nothing_while_a_hard_link_is_outside(case, kind):
    with place(case, kind) as here:
        os.link(raw(here.site.path("a.raw")), here.site.outside("kept.raw"))
        scan(case, here.site)
        row = ask(here.site, "delete", "a.raw")["deleted", "a.raw"]
        case.check("hard links that the scan did not find" in row["detail"], "the row has the reason", [repr(row)])
        delete(case, here, ["a.raw"], 0, 0, 0, "a hard link outside of the roots")


@on("xfs")
def test_deleting_a_file_that_shares_with_itself_may_free_all(case, kind):
    """A file whose two halves are one: whether anything else has them is not known."""
    with place(case, kind) as here:
        a = raw(here.site.path("a.raw"), 4 * MIB)
        must("xfs_io", "-c", f"reflink {a} 0 4m 4m", a)
        delete(case, here, ["a.raw"], 0, 4 * MIB, 4 * MIB, "a file that shares with itself")


@on("xfs")
def test_what_two_steps_have_in_common_goes_with_the_later_one(case, kind):
    """The base goes in step 1, and with it what the overlay's data file had in common with it."""
    with place(case, kind) as here:
        site = here.site
        base = raw(site.path("base.raw"), 4 * MIB)
        create(site.path("head.qcow2"), 4 * MIB, "base.raw", "raw")
        clone(base, site.path("other.raw"))
        here.settle()
        scan(case, site)
        rows = ask(site, "delete", "head.qcow2", "other.raw")
        case.same([bounds(rows[key]) for key in (("deleted", "other.raw"), ("unreferenced", "base.raw"))],
                  [(0, 0), (0, 4 * MIB)], "what two have in common goes with the later one")
        own = bounds(rows["deleted", "head.qcow2"])[0]
        case.same(bounds(rows["total-with-next"]), (own, own + 4 * MIB), "and counts once")
        before = here.used()
        for name in ("head.qcow2", "other.raw"):
            os.unlink(site.path(name))
        first = before - here.used()
        os.unlink(base)
        really = before - here.used()
        case.check(own <= first < own + 64 * KIB and 4 * MIB <= really - own <= 4 * MIB + 64 * KIB, "as it is when it is done",
                   [f"freed {first}, {really}"])


def commit_family(here, *shared):
    """A base of 8 MiB, an overlay with 4 MiB of it; copies of these outside of the roots."""
    site = here.site
    qemu_io(create(site.path("base.qcow2"), 8 * MIB), "write -q -P 1 0 8M")
    qemu_io(create(site.path("head.qcow2"), 8 * MIB, "base.qcow2"), "write -q -P 2 2M 4M")
    must("sync", "-f", here.point)
    for name in shared:
        clone(site.path(name), site.outside(f"copy-of-{name}"))
    here.settle()


def commit(case, here, freed, most, needed, grows, what):
    site = here.site
    scan(case, site)
    rows = ask(site, "commit", "head.qcow2")
    committed, receives = rows["committed", "head.qcow2"], rows["receives", "base.qcow2"]
    case.same((bounds(committed), receives["needed_bytes"]), ((freed, most), needed),
              f"{what}: frees {freed}, {most} at most, needs {needed}")
    case.same((bounds(rows["total"]), rows["total"]["needed_bytes"], rows["total"]["verdict"]),
              ((freed, most), needed, "proven"), f"{what}: and so does the total")
    before = here.used()
    must("qemu-img", "commit", "-q", site.path("head.qcow2"))
    here.settle()
    grown = here.used() - before
    case.check(grows - TABLES <= grown <= grows + TABLES and grown <= needed - freed + TABLES,
               f"{what}: {grows} more are in use after it", [f"grown by {grown}"])


@on("xfs")
def test_a_commit_without_copies_frees_all_the_data_it_moves(case, kind):
    with place(case, kind) as here:
        commit_family(here)
        commit(case, here, 4 * MIB, 4 * MIB, 0, -4 * MIB, "a commit where nothing is shared")


@on("xfs")
def test_a_commit_of_a_copied_image_frees_nothing_for_sure(case, kind):
    with place(case, kind) as here:
        commit_family(here, "head.qcow2")
        commit(case, here, 0, 4 * MIB, 0, 0, "a commit of an image that has a copy")


@on("xfs")
def test_a_commit_into_a_copied_base_needs_what_it_writes(case, kind):
    with place(case, kind) as here:
        commit_family(here, "base.qcow2")
        commit(case, here, 4 * MIB, 4 * MIB, 4 * MIB, 0, "a commit into an image that has a copy")


@on("xfs")
def test_a_commit_between_copies_frees_nothing_and_needs_all(case, kind):
    with place(case, kind) as here:
        commit_family(here, "base.qcow2", "head.qcow2")
        commit(case, here, 0, 4 * MIB, 4 * MIB, 4 * MIB, "a commit where both have copies")


@on("xfs")
def test_a_commit_of_half_a_copy_frees_the_other_half(case, kind):
    """The second MiB of the overlay's data is its own."""
    with place(case, kind) as here:
        commit_family(here, "head.qcow2")
        qemu_io(here.site.path("head.qcow2"), "write -q -P 3 3M 1M")
        here.settle()
        commit(case, here, 1 * MIB, 4 * MIB, 0, -1 * MIB, "a commit of what is a copy in part")


def sparse(site, name):
    return next(row for row in site.rows("--sparse") if row["path"] == site.path(name))


@on("xfs")
def test_nothing_is_sure_to_be_given_back_by_an_image_with_a_copy(case, kind):
    """4 MiB of data, of which 2 MiB are zeroes by now; then a copy; then 3 MiB more."""
    with place(case, kind) as here:
        site = here.site
        image = create(site.path("a.qcow2"), 16 * MIB)
        qemu_io(image, "write -q -P 1 0 4M", "write -q -z 0 2M")
        here.settle()
        scan(case, site)
        row = sparse(site, "a.qcow2")
        case.check(row["disk_shared"] == 0 and row["reclaimable_bytes"] == row["reclaimable_at_most"],
                   "alone, all that is held for nothing is sure to be given back", [repr(row)])
        case.check(2 * MIB <= row["reclaimable_bytes"] < 2 * MIB + 64 * KIB and row["suggestion"],
                   "which is 2 MiB and the rest of a cluster, and a copy is suggested", [repr(row)])
        copy = clone(image, site.outside("copy.qcow2"))
        here.settle()
        scan(case, site)
        row = sparse(site, "a.qcow2")
        case.check(row["reclaimable_bytes"] == 0 and row["reclaimable_at_most"] < 64 * KIB
                   and row["disk_shared"] + row["reclaimable_at_most"] == row["disk_size"],
                   "while all of it but blocks that were never written is a copy, nothing is sure", [repr(row)])
        qemu_io(image, "write -q -P 2 8M 3M")
        here.settle()
        scan(case, site)
        row = sparse(site, "a.qcow2")
        case.same((row["reclaimable_bytes"], row["suggestion"]), (0, None),
                  "nothing is sure of an image that has a copy, and nothing is suggested")
        case.check(2 * MIB <= row["reclaimable_at_most"] < 2 * MIB + 64 * KIB, "it may be as much as before", [repr(row)])
        case.check(4 * MIB <= row["disk_shared"] <= 4 * MIB + TABLES, "4 MiB are shared", [repr(row)])
        before = here.used()
        must("qemu-img", "convert", "-O", "qcow2", image, site.path("new.qcow2"))
        os.replace(site.path("new.qcow2"), image)
        here.settle()
        grown = here.used() - before
        case.check(2 * MIB - TABLES <= grown <= 2 * MIB + TABLES, "a copy of it would take 2 MiB more, not less",
                   [f"grown by {grown}"])
        case.check(os.path.exists(copy), "while the other one is there")


@on("xfs")
def test_no_copy_in_place_is_suggested_for_a_linked_file(case, kind):
    """The old content stays by its other name when a copy takes its place; what is repaired in place is free."""
    with place(case, kind) as here:
        site = here.site
        path = site.path("a.raw")
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 8 * MIB)
        fill(path, 0, 1 * MIB)
        here.settle()
        scan(case, site)
        row = sparse(site, "a.raw")
        case.check(row["reclaimable_bytes"] == 7 * MIB and row["suggestion"], "7 MiB of preallocation, and how to give it back",
                   [repr(row)])
        os.link(path, site.outside("again.raw"))
        scan(case, site)
        case.same(sparse(site, "a.raw")["suggestion"], None, "not for one with another name")


def test_no_figure_is_given_where_the_host_does_not_report_sharing(case):
    """A file system without FIEMAP that may share, here an overlay on tmpfs."""
    reason = why_no_mounts()
    if reason:
        return case.skip("a host that does not show blocks", reason)
    with Mounts() as mounts:
        site = case.site()
        try:
            mounts.overlay(site.root, case.fresh())
        except ToolError as error:
            return case.skip("a host that does not show blocks", str(error))
        qemu_io(create(site.path("base.qcow2"), 8 * MIB), "write -q -P 1 0 8M")
        qemu_io(create(site.path("head.qcow2"), 8 * MIB, "base.qcow2"), "write -q -P 2 2M 4M", "write -q -z 2M 1M")
        scan(case, site)
        size = os.stat(site.path("head.qcow2")).st_blocks * 512
        rows = ask(site, "delete", "head.qcow2")
        row, total = rows["deleted", "head.qcow2"], rows["total"]
        case.same((bounds(row), row["verdict"], row["why"]),
                  ((None, size), "unproven", "the host does not report what its files share"), "what is freed is not known")
        case.same((bounds(total), total["verdict"]), ((None, size), "unproven"), "and so the total")
        rows = ask(site, "commit", "head.qcow2")
        case.same((bounds(rows["committed", "head.qcow2"]), bounds(rows["receives", "base.qcow2"])[0]), ((None, 4 * MIB), None),
                  "nor what a commit frees")
        case.same(rows["receives", "base.qcow2"]["needed_bytes"], 3 * MIB, "which may need all that it writes")
        row = sparse(site, "head.qcow2")
        case.same((row["disk_shared"], row["reclaimable_bytes"], row["suggestion"]), (None, None, None),
                  "nor what can be given back")
    return None


TESTS = [
    test_deleting_one_copy_frees_what_it_has_alone,
    test_deleting_all_copies_frees_their_blocks_once,
    test_deleting_two_of_three_copies_frees_what_only_they_share,
    test_deleting_does_not_free_what_a_copy_outside_holds,
    test_deleting_frees_nothing_while_a_hard_link_is_outside,
    test_deleting_a_file_that_shares_with_itself_may_free_all,
    test_what_two_steps_have_in_common_goes_with_the_later_one,
    test_a_commit_without_copies_frees_all_the_data_it_moves,
    test_a_commit_of_a_copied_image_frees_nothing_for_sure,
    test_a_commit_into_a_copied_base_needs_what_it_writes,
    test_a_commit_between_copies_frees_nothing_and_needs_all,
    test_a_commit_of_half_a_copy_frees_the_other_half,
    test_nothing_is_sure_to_be_given_back_by_an_image_with_a_copy,
    test_no_copy_in_place_is_suggested_for_a_linked_file,
    test_no_figure_is_given_where_the_host_does_not_report_sharing,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What is promised of blocks that files share.", TESTS))
