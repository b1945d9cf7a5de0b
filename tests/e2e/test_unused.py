#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# `report --unused-backing`: people delete files on its word. What is listed, with which verdict, and why not
# proven; every way in which an image can reach a file must keep that file from being called unused.

import os
import shutil

import harness
import sites
from sites import MIB, Holder, Mounts, Site, checksum, create, make_raw, must, patch, qemu_map, write
from unused_covers import COVERS, Lay, fill
from unused_reached import REACHED
from unused_spoilers import SPOILED, SPOILED_WITHOUT_RIGHTS, spoil_nothing

PROVEN = ("unreferenced", "proven")
UNPROVEN = ("unreferenced", "unproven")
NOTHING = ("fully-masked", "proven")
GLOB = ("--backing-glob", "*base*")


def verdict(site, name):
    """(status, verdict) of a file by its name below the root; None where it is not listed."""
    row = site.unused().get(name)
    return row and (row["status"], row["verdict"])


def scanned(site, *options, **how):
    scan = site.scan(*options, **how)
    if scan.code not in (0, 3):
        raise sites.ToolError(f"scan: {scan.notes()}")
    return scan


def make_orphan(site, base="base.qcow2", backing_format="qcow2"):
    """A base whose overlay was seen by a scan and is gone now; its path."""
    path = site.path(base)
    if backing_format == "raw":
        make_raw(path)
    else:
        write(create(path, MIB), 0, 1)
    over = create(os.path.join(os.path.dirname(path), "gone-overlay.qcow2"), MIB, os.path.basename(path), backing_format)
    scanned(site)
    os.unlink(over)
    return path


def check_verdict(case, site, name, expected, what, why=()):
    """One test: the verdict, and words that must stand in the reason."""
    row = site.unused().get(name)
    got = row and (row["status"], row["verdict"])
    words = (row and row["why"]) or ""
    return case.check(got == expected and all(word in words for word in why), what,
                      [f"expected {expected}, got {got}", f"why: {words}", f"findings: {sorted(site.findings())}"])


# -- Evidence ---------------------------------------------------------------------------------------------------------

def test_an_orphan_is_proven_unreferenced_until_it_is_used_again(case):
    site = case.site()
    base = make_orphan(site)
    started = site.value("SELECT started FROM v_scan WHERE scan_id = 1")
    create(site.path("alone.qcow2"), MIB)
    make_raw(site.path("alone.img"))
    scan = scanned(site)
    case.same(scan.code, 0, "the scan has nothing to complain about", scan.notes())
    rows = site.unused()
    case.same(set(rows), {"base.qcow2"}, "an orphan is listed; disks that merely have no overlay are not")
    row = rows["base.qcow2"]
    case.same((row["status"], row["verdict"], row["why"]), (*PROVEN, None), "as unreferenced and proven")
    case.same((row["last_referenced"], row["referenced_by"]), (started, site.path("gone-overlay.qcow2")),
              "with the scan that last saw it referenced, and by whom")
    case.check("scan 1" in row["evidence"] and "gone-overlay.qcow2" in row["evidence"], "which is the evidence", [row["evidence"]])
    case.same((row["disk_size"], row["virtual_size"], row["names"]), (os.stat(base).st_blocks * 512, MIB, 1),
              "sizes and names are what stat and qemu-img print")
    for _ in range(3):
        scanned(site, "--keep", "1")
    check_verdict(case, site, "base.qcow2", PROVEN, "it is remembered over many scans, whatever history is kept")
    os.rename(base, site.path("elsewhere", "template.qcow2"))
    scanned(site)
    check_verdict(case, site, "elsewhere/template.qcow2", ("unreferenced", "unproven"), "when it is moved, somebody may use it")
    create(site.path("elsewhere", "again.qcow2"), MIB, "template.qcow2")
    scanned(site)
    case.same(site.unused(), {}, "once it is used again it is not listed")


def test_an_orphan_that_was_written_to_is_unproven(case):
    """A template that somebody starts as a disk of its own is no leftover."""
    site = case.site()
    base = make_orphan(site)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "an orphan that nobody touched is proven")
    write(base, 5)
    scanned(site)
    check_verdict(case, site, "base.qcow2", UNPROVEN, "an orphan that was written to since is not", ["written to"])


def test_a_base_written_to_after_its_overlay_is_unproven(case):
    """A block commit of a running machine goes on in the base, and its overlay stays behind: names, and means nothing."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0, 1)
    write(create(site.path("overlay.qcow2"), MIB, "base.qcow2"), 0)
    write(site.path("base.qcow2"), 5)
    scanned(site)
    row = site.unused(partly=True)["base.qcow2"]
    case.check(row["status"] == "partly-masked" and "commit" not in row["suggestion"],
               "nothing is to be committed to a base that was written to after its overlay", [row["suggestion"]])
    foretold = [row["verdict"] for row in site.rows("--what-if-delete", site.path("overlay.qcow2")) if row["effect"] == "unreferenced"]
    case.same(foretold, ["unproven"], "what-if foretells no proof")
    os.unlink(site.path("overlay.qcow2"))
    scanned(site)
    check_verdict(case, site, "base.qcow2", UNPROVEN, "nor is it proven unused once the overlay is gone", ["written to"])
    again = create(site.path("again.qcow2"), MIB, "base.qcow2")
    scanned(site)
    os.unlink(again)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "unless it became a base again and was not written to since")


def test_a_raw_orphan_without_a_suffix_is_proven(case):
    """A raw base without a suffix is known only because something named it."""
    site = case.site()
    make_orphan(site, "base", "raw")
    scanned(site)
    check_verdict(case, site, "base", PROVEN, "an orphaned raw base without a suffix")
    scanned(site)
    check_verdict(case, site, "base", PROVEN, "still, one scan later")


def test_bases_of_openstack_and_proxmox_are_listed(case):
    site = case.site()
    listed = {"_base/abcdef": "qcow2", "nova/instances/_base/0123": "raw", "base-100-disk-0.qcow2": "qcow2",
              "images/9000/base-9000-disk-1.qcow2": "qcow2"}
    alone = ["vm-100-disk-0.qcow2", "base.qcow2", "my_base/disk.qcow2", "database-disk.qcow2"]
    for name, form in listed.items():
        path = site.path(name + (".raw" if form == "raw" else ""))
        create(path, MIB, format=form)
    for name in alone:
        create(site.path(name), MIB)
    scanned(site)
    expected = {name + (".raw" if form == "raw" else "") for name, form in listed.items()}
    rows = site.unused()
    case.same(set(rows), expected, "files where OpenStack and Proxmox keep bases are listed, look-alikes are not")
    case.same({(row["status"], row["verdict"]) for row in rows.values()}, {PROVEN}, "as unreferenced and proven")
    case.check(all("OpenStack" in row["evidence"] for name, row in rows.items() if "_base" in name) and
               all("Proxmox" in row["evidence"] for name, row in rows.items() if "disk" in name), "with that as evidence")
    scanned(site, "--backing-glob", "*/vm-*")
    case.same(set(site.unused()), expected | {"vm-100-disk-0.qcow2"}, "--backing-glob adds a file to them")
    case.check("--backing-glob '*/vm-*'" in site.unused()["vm-100-disk-0.qcow2"]["evidence"], "with the glob as evidence")


# -- Ways to reach a file ---------------------------------------------------------------------------------------------

def test_a_base_that_is_reached_is_not_proven_unused(case):
    for what, build in REACHED:
        site = case.site()
        write(create(site.path("base.qcow2"), MIB), 0, 1)
        scanned(site, *GLOB)
        control = verdict(site, "base.qcow2")
        build(site)
        for turn in ("", ", also in a second scan", ", also when an image comes that has nothing to do with it"):
            if "comes" in turn:
                create(site.path("unrelated.qcow2"), MIB)
            scan = scanned(site, *GLOB)
            now = verdict(site, "base.qcow2")
            case.check(control == PROVEN and now not in (PROVEN, NOTHING),
                       f"a base reached {what} is not proven unused{turn}",
                       [f"alone: {control}, then {now}", *scan.notes(), *map(str, site.query("SELECT * FROM reference"))])
        anew = Site(case.imgaudit, site.directory)
        anew.db = os.path.join(case.fresh(), "anew.db")
        scanned(anew, *GLOB)
        case.check(verdict(anew, "base.qcow2") not in (PROVEN, NOTHING), "nor by a first scan")


def test_a_base_reached_by_a_hard_link_outside_is_not_proven_unused(case):
    """The overlay is scanned, and the name it uses is a link outside the roots to a file inside."""
    for form in ("qcow2", "raw"):
        site = case.site()
        base = create(site.path("base.img"), MIB, format=form)
        scanned(site, *GLOB)
        control = verdict(site, "base.img")
        os.link(base, site.outside("link.img"))
        create(site.path("over.qcow2"), MIB, site.outside("link.img"), form)
        scanned(site, *GLOB)
        case.check(control == PROVEN and verdict(site, "base.img") != PROVEN,
                   f"a {form} base reached by a hard link outside the roots is not proven unused",
                   [str(site.unused()), str(site.findings())])


def test_a_base_reached_by_a_bind_mount_is_not_proven_unused(case):
    if reason := sites.why_no_mounts():
        return case.skip("bind mounts", reason)
    with Mounts() as mounts:
        for form in ("qcow2", "raw"):
            site = case.site()
            write(create(site.path("bases", "base.img"), MIB, format=form), 0, format=form)
            scanned(site, *GLOB)
            case.same(verdict(site, "bases/base.img"), PROVEN, f"a {form} base that nobody uses")
            mounts.bind(site.path("bases"), site.path("mnt", "bases"))
            create(site.path("over.qcow2"), MIB, site.path("mnt", "bases", "base.img"), form)
            scanned(site, *GLOB)
            case.same(site.unused(), {}, f"a {form} base reached through a bind mount inside the roots is not listed")
            case.same(site.value("SELECT count(*) FROM v_image"), 2, "and is one image, whatever its names")
            mounts.undo(site.path("mnt", "bases"))

            site = case.site()
            create(site.path("bases", "base.img"), MIB, format=form)
            scanned(site, *GLOB)
            control = verdict(site, "bases/base.img")
            mounts.bind(site.path("bases"), site.outside("bases"))
            create(site.path("over.qcow2"), MIB, site.outside("bases", "base.img"), form)
            scanned(site, *GLOB)
            case.check(control == PROVEN and verdict(site, "bases/base.img") != PROVEN,
                       f"a {form} base reached through a bind mount outside the roots is not proven unused",
                       [str(site.unused()), str(site.findings())])
            mounts.undo(site.outside("bases"))

        site = case.site()
        write(create(site.path("a", "base.qcow2"), MIB), 1)
        write(create(site.path("b", "base.qcow2"), MIB), 2)
        create(site.path("a", "vms", "over.qcow2"), MIB, "../base.qcow2")
        scanned(site, *GLOB)
        case.same(verdict(site, "b/base.qcow2"), PROVEN, "a base beside the one that is used")
        mounts.bind(site.path("a", "vms"), site.path("b", "vms"))
        scanned(site, *GLOB)
        case.check(verdict(site, "b/base.qcow2") != PROVEN, "is not proven unused once a bind mount lets the overlay lead there",
                   [str(site.unused())])
        mounts.undo(site.path("b", "vms"))
    return None


def test_a_base_renamed_under_its_overlay_is_not_proven_unused(case):
    """An overlay that lost its base because somebody renamed it: the base is not unused, it is misplaced."""
    for form in ("qcow2", "raw"):
        site = case.site()
        base = create(site.path("base.img"), MIB, format=form)
        create(site.path("over.qcow2"), MIB, "base.img", form)
        scanned(site)
        os.rename(base, site.path("base-old.img"))
        scanned(site)
        case.check(verdict(site, "base-old.img") != PROVEN and ("backing-missing", "over.qcow2") in site.findings(),
                   f"a {form} base that was renamed under its overlay is not proven unused", [str(site.unused()), str(site.findings())])


def make_with_data_file(site, name, data):
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", site.path(name), "1M")
    write(site.path(name), 0)


def test_a_misplaced_data_file_is_not_proven_unused(case):
    """The same with a disk's data instead of its base."""
    site = case.site()
    data = site.path("base-data.raw")
    make_with_data_file(site, "disk.qcow2", data)
    scanned(site, *GLOB)
    case.same(site.unused(), {}, "a data file is not listed")
    os.rename(data, site.path("base-old.raw"))
    scanned(site, *GLOB)
    case.check(verdict(site, "base-old.raw") != PROVEN, "a data file that was renamed under its image is not proven unused",
               [str(site.unused()), str(site.findings())])
    site = case.site()
    data = make_raw(site.path("base-data.raw"))
    scanned(site, *GLOB)
    control = verdict(site, "base-data.raw")
    link = site.outside("link.raw")
    make_with_data_file(site, "disk.qcow2", link)
    os.unlink(link)
    os.link(data, link)
    scanned(site, *GLOB)
    case.check(control == PROVEN and verdict(site, "base-data.raw") != PROVEN,
               "a data file that is named by a hard link outside the roots is not proven unused",
               [str(site.unused()), str(site.findings())])


def test_data_files_are_not_listed(case):
    site = case.site()
    for number, name in enumerate((site.path("base-data.raw"), "base-relative.raw")):
        must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={name}", site.path(f"image{number}.qcow2"), "1M",
             cwd=site.root)
    os.link(site.path("base-data.raw"), site.path("links", "base-link.raw"))
    os.symlink("base-data.raw", site.path("base-symlink.raw"))
    create(site.path("base.qcow2"), MIB)
    for turn in ("first", "second"):
        scanned(site, *GLOB)
        case.same(set(site.unused()), {"base.qcow2"}, f"the {turn} scan lists no data file, by whatever name")
    make_raw(site.path("base-both.img"))
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('base-both.img')},data_file_raw=on",
         site.path("image2.qcow2"), "1M")
    create(site.path("over.qcow2"), MIB, "base-both.img", "raw")
    scanned(site, *GLOB)
    case.same(set(site.unused()), {"base.qcow2"}, "nor one that is a base as well")
    os.unlink(site.path("over.qcow2"))
    scanned(site, *GLOB)
    case.same(set(site.unused()), {"base.qcow2"}, "nor one that was a base before")


# -- Reasons not to be sure -------------------------------------------------------------------------------------------

def check_spoiled(case, site, what, spoil):
    make_orphan(site)
    for folder, _, files in os.walk(site.root):
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)
    scanned(site)
    scanned(site)
    control = verdict(site, "base.qcow2")
    culprit = spoil(site)
    scan = scanned(site)
    row = site.unused().get("base.qcow2", {})
    case.check(control == PROVEN and row.get("verdict") == "unproven" and site.path(culprit) in (row.get("why") or "") and
               site.value("SELECT complete FROM v_scan ORDER BY scan_id DESC") == 0,
               f"{what}: an orphan is not proven, and the row has the reason", [f"before: {control}", f"now: {row}", *scan.notes()])
    path = site.path(culprit)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o755)
        shutil.rmtree(path)
    else:
        os.unlink(path)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "and is once that is gone")


def test_an_orphan_beside_what_hides_references_is_not_proven(case):
    for what, spoil in SPOILED:
        check_spoiled(case, case.site(), what, spoil)
    for what, spoil in SPOILED_WITHOUT_RIGHTS:
        site, reason = sites.powerless_site(case.imgaudit, case.fresh())
        if reason:
            case.skip(f"{what}: an orphan is not proven", reason)
        else:
            check_spoiled(case, site, what, spoil)


def test_findings_that_hide_no_reference_leave_an_orphan_proven(case):
    site = case.site()
    make_orphan(site)
    spoil_nothing(site)
    scan = scanned(site)
    case.same(scan.code, 3, "a FIFO, a missing raw base and a missing data file are findings", scan.notes())
    check_verdict(case, site, "base.qcow2", PROVEN, "that hide no reference: the orphan is proven")


def test_an_excluded_overlay_leaves_its_base_unproven(case):
    site = case.site()
    make_orphan(site)
    create(site.path("skipped", "over.qcow2"), MIB, "../base.qcow2")
    scanned(site, "--exclude", "skipped")
    check_verdict(case, site, "base.qcow2", UNPROVEN, "what is excluded may use it", [site.path("skipped")])
    scanned(site)
    case.same(site.unused(), {}, "as it does here")


def test_a_scan_of_fewer_roots_proves_nothing(case):
    """A directory that was scanned before and is not any more still holds what it held."""
    site = case.site()
    other = os.path.join(site.directory, "other")
    os.mkdir(other)
    make_orphan(site)
    create(os.path.join(other, "over.qcow2"), MIB, site.path("base.qcow2"))
    scanned(site, roots=[site.root, other])
    case.same(site.unused(), {}, "a base that is used from another root is not listed")
    scanned(site)
    check_verdict(case, site, "base.qcow2", UNPROVEN, "a scan without that root proves nothing", [other])
    scanned(site)
    check_verdict(case, site, "base.qcow2", UNPROVEN, "nor does the one after")
    os.unlink(os.path.join(other, "over.qcow2"))
    scanned(site, roots=[site.root, other])
    check_verdict(case, site, "base.qcow2", PROVEN, "a scan of both that finds it gone does")


# -- In use -----------------------------------------------------------------------------------------------------------

def test_an_orphan_in_use_is_unproven(case):
    site = case.site()
    base = make_orphan(site)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "an orphan that nobody has open is proven")
    with Holder(base):
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "one that QEMU writes to is not", ["in use"])
        case.same(site.value("SELECT in_use FROM v_image WHERE path = ?", base), 1, "v_image shows that it is in use")
    with Holder(base, "-r"):
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "nor is one that QEMU reads", ["in use"])
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    with Holder(over):
        os.unlink(over)
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "nor the base of a running guest whose overlay was deleted", ["in use"])
    scanned(site)
    row = site.unused().get("base.qcow2", {})
    case.check("in use (" not in (row.get("why") or ""), "when QEMU ends, it is in use no more", [str(row)])


def test_a_scan_takes_no_locks(case):
    """QEMU can open an image for writing while a scan reads it, and a scan reads one that QEMU writes."""
    site = case.site()
    path = write(create(site.path("a.qcow2"), MIB), 0, 2)
    with Holder(path):
        scan = scanned(site)
        case.same((scan.code, site.value("SELECT count(*) FROM v_extent")), (0, 2), "an image that QEMU has open is read", scan.notes())
    write(path, 4)
    case.same(scanned(site).code, 0, "and QEMU can write to it afterwards")


# -- Contributes nothing ----------------------------------------------------------------------------------------------

def noise(base, form="qcow2"):
    """Overwrites every byte of data that a base holds; its tables stay."""
    pieces = [entry for entry in qemu_map(base, form) if entry["data"] and "offset" in entry]
    for entry in pieces:
        patch(base, entry["offset"], os.urandom(entry["length"]))
    return sum(entry["length"] for entry in pieces)


def all_contents(heads):
    """Checksums of what heads and their snapshots read."""
    result = {}
    for head in heads:
        result[head] = checksum(head)
        listing = must("qemu-img", "snapshot", "-l", "-U", head)
        for line in listing.splitlines()[2:]:
            name = line.split()[1]
            copy = shutil.copy(head, head + ".snapshot")
            must("qemu-img", "snapshot", "-a", name, copy)  # convert -l would read it at the disk's length
            result[head, name] = checksum(copy)
            os.unlink(copy)
    return result


def test_a_covered_base_is_listed_and_noise_in_it_changes_nothing(case):
    for form in ("qcow2", "raw"):
        for what, build, expected in COVERS:
            if form == "raw" and "where it has data" in what:
                continue  # a raw file has its data everywhere
            site = case.site()
            heads = build(Lay(site, form))
            scan = scanned(site)
            listed = verdict(site, "base.qcow2")
            before = all_contents(heads)
            overwritten = noise(site.path("base.qcow2"), form)
            changed = all_contents(heads) != before
            case.check(overwritten > 0 and None not in before.values() and changed == (not expected),
                       f"{form} base {what}: noise in it changes {'nothing' if expected else 'something'} that qemu-img reads",
                       [f"{overwritten} bytes of noise, changed: {changed}"])
            wanted = "proven to contribute nothing" if expected else "not listed"
            case.check(listed == (NOTHING if expected else None), f"and it is {wanted}",
                       [f"got {listed}", *scan.notes(), str(site.unused().get("base.qcow2")), str(site.findings())])


def test_a_covered_base_is_unproven_in_use_or_under_a_broken_overlay(case):
    site = case.site()
    lay = Lay(site, "qcow2")
    base = site.path("base.qcow2")
    fill(lay.over())
    scanned(site)
    check_verdict(case, site, "base.qcow2", NOTHING, "a covered base is proven to contribute nothing")
    row = site.unused(partly=True)["base.qcow2"]
    case.check(site.path("over.qcow2") in row["evidence"], "and the evidence shows what still names it", [row["evidence"]])
    with Holder(base, "-r"):
        scanned(site)
        check_verdict(case, site, "base.qcow2", ("fully-masked", "unproven"), "not while QEMU has it open", ["in use"])
    broken = lay.over("broken.qcow2")
    patch(broken, 40, (1 << 40).to_bytes(8, "big"))
    scanned(site)
    case.check(verdict(site, "base.qcow2") != NOTHING, "not when another overlay on it cannot be read", [str(site.unused())])
    os.unlink(broken)
    os.mkdir(site.path("elsewhere"))
    fill(create(site.path("elsewhere", "base.qcow2"), MIB))
    os.symlink("../over2.qcow2", site.path("elsewhere", "over2.qcow2"))
    fill(lay.over("over2.qcow2"), last=3)
    fill(site.path("over2.qcow2"))
    scanned(site)
    case.check(verdict(site, "base.qcow2") == NOTHING, "covered from both overlays it is proven again", [str(site.unused())])


def test_a_base_read_by_a_second_name_is_not_proven_unused(case):
    """An overlay of two names has two bases; what the forest knows of the second is nothing."""
    site = case.site()
    for folder in ("a", "b"):
        fill(create(site.path(folder, "base.qcow2"), MIB))
    write(create(site.path("a", "over.qcow2"), MIB, "base.qcow2"), 1)
    os.link(site.path("a", "over.qcow2"), site.path("b", "over.qcow2"))
    fill(create(site.path("b", "cover.qcow2"), MIB, "base.qcow2"))
    scanned(site)
    before = checksum(site.path("b", "over.qcow2"))
    noise(site.path("b", "base.qcow2"))
    case.check(checksum(site.path("b", "over.qcow2")) != before, "qemu-img reads the second base by the overlay's second name")
    case.check(verdict(site, "b/base.qcow2") != NOTHING, "so it is not proven to contribute nothing", [str(site.unused())])


# -- File systems that come and go ------------------------------------------------------------------------------------

def mount_site(case, mounts):
    """A base in the root; its overlay on a file system that is mounted below the root, and kept elsewhere."""
    site = case.site()
    stash = os.path.join(site.directory, "stash")
    mounts.tmpfs(stash)
    write(create(site.path("base.qcow2"), MIB), 0)
    point = site.path("mnt", "x")[:-2]
    mounts.bind(stash, point)
    create(os.path.join(point, "sub-over.qcow2"), MIB, site.path("base.qcow2"))
    scanned(site)
    return site, stash, point


def test_a_base_used_from_an_unmounted_file_system_is_unproven(case):
    if reason := sites.why_no_mounts():
        return case.skip("a file system that is not mounted", reason)
    with Mounts() as mounts:
        site, stash, point = mount_site(case, mounts)
        case.same(site.unused(), {}, "a base that is used from another file system is not listed")
        mounts.undo(point)
        scan = scanned(site)
        case.same((scan.code, site.findings()), (3, {("mount-missing", "mnt")}), "a file system that is gone is a finding", scan.notes())
        case.same(verdict(site, "base.qcow2"), None, "the base is not called unused: what names it is not seen")
        scanned(site)
        case.same(verdict(site, "base.qcow2"), None, "nor in later scans")
        os.rmdir(point)
        scanned(site)
        case.same(verdict(site, "base.qcow2"), None, "nor when the mount point is gone, too")
        mounts.bind(stash, point)
        scan = scanned(site)
        case.same((scan.code, site.findings(), site.unused()), (0, set(), {}), "when it is back, all is as it was", scan.notes())
        os.unlink(os.path.join(point, "sub-over.qcow2"))
        scanned(site)
        check_verdict(case, site, "base.qcow2", PROVEN, "an overlay that is deleted while its file system is there is gone")
    return None


def test_a_forgotten_mount_holds_nothing(case):
    if reason := sites.why_no_mounts():
        return case.skip("db prune --forget-mounts", reason)
    with Mounts() as mounts:
        site, _, point = mount_site(case, mounts)
        mounts.undo(point)
        scanned(site)
        case.same(site.run("db", "prune", "--db", site.db, "--forget-mounts").code, 0, "db prune --forget-mounts")
        scan = scanned(site)
        case.same((scan.code, site.findings()), (0, set()), "is the administrator's word that it will not come back", scan.notes())
        check_verdict(case, site, "base.qcow2", PROVEN, "then the base is proven unused")
    return None


def test_a_root_that_is_not_mounted_proves_nothing(case):
    """The root itself is the mount point."""
    if reason := sites.why_no_mounts():
        return case.skip("a root that is not mounted", reason)
    with Mounts() as mounts:
        site = case.site()
        stash, point = os.path.join(site.directory, "stash"), os.path.join(site.directory, "second")
        mounts.tmpfs(stash)
        mounts.bind(stash, point)
        write(create(site.path("base.qcow2"), MIB), 0)
        create(os.path.join(point, "over.qcow2"), MIB, site.path("base.qcow2"))
        scanned(site, roots=[site.root, point])
        mounts.undo(point)
        scan = scanned(site, roots=[site.root, point])
        case.check(("mount-missing", "../second") in site.findings(), "a root that is an empty mount point is a finding", scan.notes())
        case.same(verdict(site, "base.qcow2"), None, "and the base is not called unused: what names it is not seen")
    return None


def test_an_exchanged_file_system_proves_nothing(case):
    """Two disks take turns at one mount point. Both have a file of the same name and inode number."""
    if reason := sites.why_no_mounts():
        return case.skip("two file systems that take turns", reason)
    with Mounts() as mounts:
        site = case.site()
        first, second = (os.path.join(site.directory, name) for name in ("first", "second"))
        point = site.path("mnt", "x")[:-2]
        write(create(site.path("base.qcow2"), MIB), 0)
        for place in (first, second):
            mounts.tmpfs(place)
            create(os.path.join(place, "common.qcow2"), MIB)
        write(os.path.join(second, "common.qcow2"), 3)
        create(os.path.join(first, "over.qcow2"), MIB, site.path("base.qcow2"))
        same = os.stat(os.path.join(first, "common.qcow2")).st_ino == os.stat(os.path.join(second, "common.qcow2")).st_ino
        mounts.bind(first, point)
        scanned(site)
        mounts.undo(point)
        mounts.bind(second, point)
        scan = scanned(site)
        case.check(verdict(site, "base.qcow2") != PROVEN, "another file system at the same place proves nothing of what the first one held",
                   [f"the same inode number: {same}", str(site.unused()), str(site.findings()), *scan.notes()])
        mounts.undo(point)
        site = case.site()
        point = site.path("mnt", "x")[:-2]
        write(create(site.path("base.qcow2"), MIB), 0)
        for place in (first, second):
            with open(os.path.join(place, "common.qcow2"), "rb"):
                os.unlink(os.path.join(place, "common.qcow2"))
        os.rename(os.path.join(first, "over.qcow2"), os.path.join(first, "disk.qcow2"))
        must("qemu-img", "rebase", "-u", "-b", site.path("base.qcow2"), "-F", "qcow2", os.path.join(first, "disk.qcow2"))
        create(os.path.join(second, "disk.qcow2"), MIB)
        mounts.bind(first, point)
        scanned(site)
        mounts.undo(point)
        mounts.bind(second, point)
        scanned(site)
        case.check(verdict(site, "base.qcow2") != PROVEN, "nor when its overlay has the name of a file of the other",
                   [str(site.unused()), str(site.findings())])
        mounts.undo(point)
    return None


TESTS = [
    test_an_orphan_is_proven_unreferenced_until_it_is_used_again,
    test_an_orphan_that_was_written_to_is_unproven,
    test_a_base_written_to_after_its_overlay_is_unproven,
    test_a_raw_orphan_without_a_suffix_is_proven,
    test_bases_of_openstack_and_proxmox_are_listed,
    test_a_base_that_is_reached_is_not_proven_unused,
    test_a_base_reached_by_a_hard_link_outside_is_not_proven_unused,
    test_a_base_reached_by_a_bind_mount_is_not_proven_unused,
    test_a_base_renamed_under_its_overlay_is_not_proven_unused,
    test_a_misplaced_data_file_is_not_proven_unused,
    test_data_files_are_not_listed,
    test_an_orphan_beside_what_hides_references_is_not_proven,
    test_findings_that_hide_no_reference_leave_an_orphan_proven,
    test_an_excluded_overlay_leaves_its_base_unproven,
    test_a_scan_of_fewer_roots_proves_nothing,
    test_an_orphan_in_use_is_unproven,
    test_a_scan_takes_no_locks,
    test_a_covered_base_is_listed_and_noise_in_it_changes_nothing,
    test_a_covered_base_is_unproven_in_use_or_under_a_broken_overlay,
    test_a_base_read_by_a_second_name_is_not_proven_unused,
    test_a_base_used_from_an_unmounted_file_system_is_unproven,
    test_a_forgotten_mount_holds_nothing,
    test_a_root_that_is_not_mounted_proves_nothing,
    test_an_exchanged_file_system_proves_nothing,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("--unused-backing.", TESTS))
