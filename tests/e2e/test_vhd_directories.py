#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# VHDs as Xen Orchestra keeps its backups: a directory with footer, header, bat and blocks, and a text file NAME.alias.vhd
# that names it (packages/vhd-lib of vatesfr/xen-orchestra: VhdDirectory.js, aliases.js, chain.js).

import gzip
import os

import harness
from builders import vpc
from builders.vpc import Block, Footer, Layout, Parent
from sites import MIB, create, must, qemu_io

BLOCK = 2 * MIB


def directory(site, path, parent=None, pack=None):
    """A VHD directory of one block. All of it goes through the filter, as chunk-filters.json states."""
    image = vpc.sparse({0: Block(vpc.pattern(BLOCK, 1))}, Footer(2 * BLOCK), Layout(BLOCK), parent)
    pieces = {"footer": image[:512], "header": image[512:1536], "bat": bytes([1]),
              "blocks/0/0": b"\xff" * 512 + vpc.pattern(BLOCK, 1)}
    for name, data in pieces.items():
        with open(site.path(*path.split("/"), *name.split("/")), "wb") as file:
            file.write(pack(data) if pack else data)
    if pack:
        with open(site.path(*path.split("/"), "chunk-filters.json"), "w", encoding="utf-8") as file:
            file.write('["gzip"]')
    return site.path(*path.split("/"))


def alias(site, path, target):
    with open(site.path(*path.split("/")), "w", encoding="utf-8") as file:
        file.write(target)


def orphan(site):
    """A base that nothing names, with evidence: proven unless something is hidden."""
    base = create(site.path("_base", "base.qcow2"))
    qemu_io(base, "write -q -P 1 0 64k")
    return base


def verdict(site):
    row = site.unused().get("_base/base.qcow2")
    return row and (row["verdict"], row["why_codes"] or "")


def findings(site):
    """{path below the root: (code, whether it hides)}, and a check that no path has two."""
    rows = site.query("SELECT path, code, hides FROM v_finding WHERE NOT cleared")
    assert len(rows) == len({path for path, _, _ in rows}), rows
    return {site.relative(path): (code, hides) for path, code, hides in rows}


def test_a_directory_without_a_parent_hides_nothing(case):
    site = case.site()
    orphan(site)
    directory(site, "vdis/data/u1.vhd")
    alias(site, "vdis/20230101T000000Z.alias.vhd", "data/u1.vhd\n")
    for _ in range(2):
        scan = site.scan()
        case.same(findings(site), {"vdis/data/u1.vhd": ("unsupported-format", 0)}, "one finding for the directory, none for alias and footer",
                  scan.notes())
        case.same(verdict(site), ("proven", ""), "and it hides nothing")
    passed = dict(site.query("SELECT reason, files FROM scan_passed WHERE scan_id = 2"))
    case.same((passed.get("vhd-piece"), passed.get("vhd-alias")), (2, 1), "footer, block and alias are passed over")


def test_a_parent_that_is_such_a_directory_hides_nothing(case):
    """chain.js has the parent's name relative to the alias of the child."""
    site = case.site()
    orphan(site)
    directory(site, "vdis/data/u1.vhd")
    directory(site, "vdis/data/u2.vhd", Parent(name="1.alias.vhd"))
    directory(site, "vdis/data/u3.vhd", Parent(name="u2.vhd"))
    alias(site, "vdis/1.alias.vhd", "data/u1.vhd")
    alias(site, "vdis/2.alias.vhd", "data/u2.vhd")
    site.scan()
    case.same(findings(site), {f"vdis/data/u{n}.vhd": ("unsupported-format", 0) for n in (1, 2, 3)}, "each directory has a finding")
    case.same(verdict(site), ("proven", ""), "and none hides anything")
    with open(site.path("vdis", "data", "1.alias.vhd"), "wb") as file:
        file.write(vpc.fixed(vpc.pattern(BLOCK, 2)))
    site.scan()
    case.same(findings(site), {**{f"vdis/data/u{n}.vhd": ("unsupported-format", 0) for n in (1, 3)}, "vdis/data/u2.vhd": ("unsupported-format", 1)},
              "a disk that bears the parent's name, seen from the directory, may be it")
    os.unlink(site.path("vdis", "data", "1.alias.vhd"))
    os.unlink(site.path("vdis", "1.alias.vhd"))
    site.scan()
    case.same(findings(site)["vdis/data/u2.vhd"], ("unsupported-format", 1), "a parent that is not found may be anything")
    case.same(verdict(site), ("unproven", "unread"), "so nothing is proven")


def test_what_cannot_be_made_out_hides(case):
    for what, make in (("a parent that is a file", lambda site: directory(site, "u.vhd", Parent(name="base.vhd"))),
                       ("a parent that is missing", lambda site: directory(site, "u.vhd", Parent(name="gone.vhd"))),
                       ("one without a name", lambda site: directory(site, "u.vhd", Parent())),
                       ("a compressed header", lambda site: directory(site, "u.vhd", pack=gzip.compress))):
        site = case.site()
        orphan(site)
        with open(site.path("base.vhd"), "wb") as file:
            file.write(vpc.fixed(vpc.pattern(BLOCK, 1)))
        make(site)
        site.scan()
        case.same((findings(site), verdict(site)), ({"u.vhd": ("unsupported-format", 1)}, ("unproven", "unread")), f"{what}: nothing is proven")


def test_an_alias_that_leads_nowhere_hides(case):
    for what, target, hides in (("of a directory that is missing", "gone.vhd", True), ("of one outside of the roots", "../outside/o.vhd", True),
                                ("of a directory that is none of these", "plain.vhd", True), ("of a VHD that is a file", "file.vhd", False)):
        site = case.site()
        orphan(site)
        os.makedirs(site.outside("o.vhd"))
        os.makedirs(site.path("plain.vhd"))
        with open(site.path("file.vhd"), "wb") as file:
            file.write(vpc.fixed(vpc.pattern(BLOCK, 1)))
        alias(site, "a.alias.vhd", target)
        site.scan()
        expected = ({"a.alias.vhd": ("unsupported-format", 1)}, ("unproven", "unread")) if hides else ({}, ("proven", ""))
        case.same((findings(site), verdict(site)), expected, f"an alias {what} {'hides' if hides else 'hides nothing'}")


def child(site, name, parent):
    with open(site.path(name), "wb") as file:
        file.write(vpc.sparse({0: Block(vpc.pattern(BLOCK, 3))}, Footer(2 * BLOCK), Layout(BLOCK), Parent(name=parent)))
    return site.path(name)


def test_a_child_may_name_an_alias(case):
    """Which is no damaged VHD, but a name of what it leads to."""
    site = case.site()
    orphan(site)
    directory(site, "data/u1.vhd")
    alias(site, "a.alias.vhd", "data/u1.vhd")
    child(site, "c.vhd", "a.alias.vhd")
    for _ in range(2):
        site.scan()
        case.same(findings(site), {"data/u1.vhd": ("unsupported-format", 0), "c.vhd": ("backing-unsupported", 0)}, "of a directory: its child has no base that is read")
        case.same(verdict(site), ("proven", ""), "and what that may be is known")
    os.unlink(site.path("a.alias.vhd"))
    site.scan()
    case.same((findings(site)["c.vhd"][0], findings(site)["data/u1.vhd"][0]), ("backing-missing", "unsupported-format"), "the alias is gone")

    site = case.site()
    with open(site.path("base.vhd"), "wb") as file:
        file.write(vpc.sparse({0: Block(vpc.pattern(BLOCK, 1))}, Footer(2 * BLOCK), Layout(BLOCK)))
    alias(site, "a.alias.vhd", "base.vhd\n")
    over = child(site, "c.vhd", "a.alias.vhd")
    for _ in range(2):
        site.scan()
        case.same((findings(site), site.value("SELECT backing_image FROM v_image WHERE path = ?", over)), ({}, site.path("base.vhd")), "of a file: that is its base")

    site = case.site()
    alias(site, "a.alias.vhd", "gone.vhd")
    child(site, "c.vhd", "a.alias.vhd")
    site.scan()
    case.same(findings(site), {"a.alias.vhd": ("unsupported-format", 1), "c.vhd": ("backing-missing", 0)}, "of nothing: both are findings")


def test_images_among_the_pieces_are_still_found(case):
    """What only looks like a piece is read as any file: an overlay there names its base."""
    for place in ("u.vhd/over.qcow2", "u.vhd/blocks/over", "u.vhd/blocks/0/over.qcow2", "u.vhd/more/0/0", "u.vhd/footer", "u.alias.vhd",
                  "other.vhd/blocks/0/0"):
        site = case.site()
        base = orphan(site)
        directory(site, "u.vhd")
        create(site.path(*place.split("/")), MIB, base)
        site.scan()
        case.same(verdict(site), None, f"{place}: an overlay is read")


def test_an_alias_file_is_a_line_of_text(case):
    site = case.site()
    orphan(site)
    for name, data in (("empty", b""), ("no-vhd", b"data/u1"), ("chained", b"b.alias.vhd"), ("two-lines", b"a.vhd\nb.vhd"), ("binary", b"a\0b.vhd"),
                       ("long", b"x" * 1100 + b".vhd")):
        with open(site.path(name + ".alias.vhd"), "wb") as file:
            file.write(data)
    site.scan()
    found = findings(site)
    case.same(set(found.values()), {("unrecognised", 1), ("empty-image", 1)}, "what is none stays a file that may be an image", [found])
    case.same(len(found), 6, "each of them")


def test_a_vhd_that_is_marked_as_hidden_was_a_base(case):
    """XCP-ng's storage manager marks what other disks are based on (vhdutil.py of xapi-project/sm: "set -n ... -f hidden -v 1")."""
    for word, hidden, expected in (("hidden", 1, ("unreferenced", "proven")), ("not hidden", 0, None)):
        site = case.site()
        for name in ("base.vhd", "flat.vhd"):
            footer = Footer(2 * BLOCK, hidden=hidden, unique=vpc.identity(len(name)))
            data = vpc.fixed(vpc.pattern(2 * BLOCK, 1), footer) if name == "flat.vhd" else vpc.sparse({0: Block(vpc.pattern(BLOCK, 1))}, footer, Layout(BLOCK))
            with open(site.path(name), "wb") as file:
                file.write(data)
        must("qemu-img", "info", "-f", "vpc", site.path("base.vhd"))
        for scan in ("first", "second"):  # what is not read again stays what it was
            site.scan()
            rows = site.unused()
            case.same([(row["status"], row["verdict"]) for row in rows.values()], [expected] * 2 if expected else [], f"{word}, {scan} scan: both kinds of VHD")
        case.same({code for code, in site.query("SELECT code FROM v_evidence")}, {"hidden"} if expected else set(), "for that reason alone")
    site = case.site()
    with open(site.path("base.vhd"), "wb") as file:
        file.write(vpc.sparse({0: Block(vpc.pattern(BLOCK, 1))}, Footer(2 * BLOCK, hidden=1), Layout(BLOCK)))
    with open(site.path("disk.vhd"), "wb") as file:
        file.write(vpc.sparse({}, Footer(2 * BLOCK, unique=vpc.identity(2)), Layout(BLOCK), Parent(name="base.vhd")))
    site.scan()
    case.same(site.unused().get("base.vhd"), None, "one that a disk is based on is in use")


TESTS = [
    test_a_vhd_that_is_marked_as_hidden_was_a_base,
    test_a_directory_without_a_parent_hides_nothing,
    test_a_parent_that_is_such_a_directory_hides_nothing,
    test_what_cannot_be_made_out_hides,
    test_an_alias_that_leads_nowhere_hides,
    test_a_child_may_name_an_alias,
    test_images_among_the_pieces_are_still_found,
    test_an_alias_file_is_a_line_of_text,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("VHDs that are directories, and their aliases.", TESTS))
