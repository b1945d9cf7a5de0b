#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What files are must not depend on how often they were scanned: contents that are used as something else than they look
# like are read anew, and nothing that they name is called unused. A store into which a tree was scanned again and again
# agrees with one into which it was scanned once.

import os
from dataclasses import dataclass

import harness
from sites import MIB, create, make_raw, must

CLASSES = ("SELECT f.path, f.class, i.format, i.format_basis, i.state FROM file AS f LEFT JOIN image AS i USING (file_id)"
           " WHERE f.class IN ('image', 'part') ORDER BY f.path")


def with_data_file(site, image, data, make=None):
    """A qcow2 image with an external data file, into which then something else is put."""
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path(data)}", site.path(image), "1M")
    if make is not None:
        os.unlink(site.path(data))
        make(site.path(data))
    return site.path(image)


def data_file_like_an_overlay(site, data):
    create(site.path("_base", "img"), MIB)
    with_data_file(site, "vm.qcow2", data, lambda path: create(path, MIB, site.path("_base", "img")))


def data_file_like_an_image_with_a_data_file(site):
    make_raw(site.path("_base", "img"))
    with_data_file(site, "vm.qcow2", "disk.data", lambda path: with_data_file(
        site, os.path.basename(path), "_base/img", lambda inner: create(inner, MIB)))


def raw_by_an_overlay(site):
    """Its content has a data file, which looks like a base."""
    create(site.path("_base", "c.qcow2"), MIB)
    with_data_file(site, "x.qcow2", "_base/c.qcow2", lambda path: create(path, MIB))
    create(site.path("over.qcow2"), MIB, "x.qcow2", "raw")


def overlay_goes(site):
    os.unlink(site.path("over.qcow2"))


def stated_raw(site):
    create(site.path("base.qcow2"), MIB)
    create(site.path("over.qcow2"), MIB, "base.qcow2", "raw")


def stated_as_it_is(site):
    with_data_file(site, "base.qcow2", "base.data")
    create(site.path("over.qcow2"), MIB, "base.qcow2")


def touch(site):
    """The data file changes, so the image is read again; the overlay is written to after it."""
    with open(site.path("base.data"), "r+b") as data:
        data.write(b"changed")
    os.utime(site.path("over.qcow2"))


@dataclass
class Case:
    what: str
    make: object          # function of a site
    then: object = None   # the same, after the first scan
    proven: tuple = ()    # what is unused


CASES = [
    Case("a data file that looks like an overlay", lambda site: data_file_like_an_overlay(site, "disk.data")),
    Case("the same, called like a raw image", lambda site: data_file_like_an_overlay(site, "disk.raw")),
    Case("the same, called like an image", lambda site: data_file_like_an_overlay(site, "disk.qcow2")),
    Case("a data file that looks like an image with a data file", data_file_like_an_image_with_a_data_file),
    Case("an image that is used as raw, and looks like one with a data file", raw_by_an_overlay),
    Case("the same, when the overlay goes", raw_by_an_overlay, overlay_goes),
    Case("an image that was used as raw", stated_raw, overlay_goes, ("base.qcow2",)),
    Case("an image that is what an overlay states, and is read again", stated_as_it_is, touch,
         ("base.qcow2",)),
]


def test_later_scans_find_what_a_first_scan_finds(case):
    for number, situation in enumerate(CASES):
        site = case.site()
        situation.make(site)
        site.scan()
        if situation.then is not None:
            situation.then(site)
        for _ in range(2):
            site.scan()
        seen = site.query(CLASSES)
        proven = tuple(site.relative(row["path"]) for row in site.rows("--unused-backing") if row["verdict"] == "proven")
        os.rename(site.db, site.db + ".old")
        site.scan()
        fresh = site.query(CLASSES)
        case.same([row[:3] for row in seen], [row[:3] for row in fresh], f"{situation.what}: files are what they are in a new store")
        case.same([row[3:] for row in seen], [row[3:] for row in fresh], f"{situation.what}: for the same reason")
        case.same(proven, situation.proven, f"{situation.what}: what is proven to be unused")


TESTS = [test_later_scans_find_what_a_first_scan_finds]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Scanning again and again.", TESTS))
