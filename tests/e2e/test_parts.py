#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images of several files, and parents that are known by who they are, in scans: pieces are no images of their own, what
# lies outside an image's directory is not opened, a changed or missing piece is noticed, identities are compared.

import json
import os
import re
import shutil
import struct
import uuid

import harness
from qemu import as_qemu_prints
from sites import KIB, MIB, create, make_raw, must, patch, qemu_io

GIB = 1024 * MIB


def check(case, passed, name, *notes):
    case.check(passed, name, [repr(note) for note in notes])


def map_entries(site, image):
    return site.run("map", "--output=json", image).out


def view_map(site, image):
    """What the view prints for an image, with the names of files below the root."""
    return [(start, length, present, zero, data, offset, name and site.relative(name))
            for start, length, present, zero, data, offset, name in site.query(
                "SELECT start, length, present, zero, data, offset, filename FROM v_map WHERE path = ? ORDER BY start", image)]


def same_as_qemu(case, site, image, form, name):
    theirs = must("qemu-img", "map", "--output=json", "-f", form, image)
    ours = as_qemu_prints(map_entries(site, image))
    check(case, theirs == ours, name, [theirs[:500], ours[:500]])


# -- Pieces -----------------------------------------------------------------------------------------------------------

def test_flat_extents_belong_to_their_descriptor(case):
    site = case.site()
    image = create(site.path("flat.vmdk"), 8 * MIB, format="vmdk", options=["subformat=monolithicFlat"])
    qemu_io(image, "write -q -P 1 1M 64k", "write -q -P 2 5M 128k", format="vmdk")
    scan = site.scan()
    check(case, scan.code == 0 and scan.stats["images"] == 1, "a descriptor and its flat extent are one image", scan.notes())
    rows = site.query("SELECT role, path FROM v_file ORDER BY path")
    check(case, [(role, site.relative(path)) for role, path in rows] == [("extent", "flat-flat.vmdk"), ("main", "flat.vmdk")],
              "both files are rows of v_file", rows)
    sizes = site.query("SELECT file_size, disk_size FROM v_image")
    files = [os.stat(site.path(name)) for name in ("flat.vmdk", "flat-flat.vmdk")]
    expected = [(sum(s.st_size for s in files), sum(s.st_blocks for s in files) * 512)]
    check(case, sizes == expected, "the sizes of the image are those of its files", [sizes, expected])
    check(case, not site.findings(), "a piece is no finding", site.findings())
    outcome = site.run("chain", "--db", site.db, site.path("flat-flat.vmdk"))
    check(case, outcome.code == 1 and "part of one" in outcome.err, "chain shows that a piece is a part of an image", outcome.err)
    same_as_qemu(case, site, image, "vmdk", "its map is qemu-img's")
    names = {row[6] for row in view_map(site, image) if row[5] is not None}
    check(case, names == {"flat-flat.vmdk"}, "offsets name the file that they are in", names)
    again = site.scan()
    check(case, again.stats["parsed"] == 0 and again.stats["unchanged"] == 1, "nothing is read again when nothing changed", again.notes())
    qemu_io(image, "write -q -P 3 7M 64k", format="vmdk")
    changed = site.scan()
    check(case, changed.stats["parsed"] == 1 and changed.code == 0, "a changed piece has its image read again", changed.notes())
    at = site.value("SELECT count(*) FROM v_extent WHERE start <= ? AND start + length > ? AND state = 'data'", 7 * MIB, 7 * MIB)
    check(case, at == 1, "and the store has its new extents", at)


def test_split_sparse_extents_are_never_images(case):
    site = case.site()
    image = create(site.path("split.vmdk"), 5 * GIB, format="vmdk", options=["subformat=twoGbMaxExtentSparse"])
    qemu_io(image, "write -q -P 1 1G 64k", "write -q -P 2 3G 64k", "write -q -P 3 4608M 64k", format="vmdk")
    scan = site.scan()
    images = site.query("SELECT path FROM v_image")
    check(case, scan.code == 0 and [site.relative(path) for (path,) in images] == ["split.vmdk"],
              "a split image is one image", [images, *scan.notes()])
    roles = site.query("SELECT role, count(*) FROM v_file GROUP BY role ORDER BY role")
    check(case, roles == [("extent", 3), ("main", 1)], "its three extents are files of it", roles)
    same_as_qemu(case, site, image, "vmdk", "its map is qemu-img's")
    names = [row[6] for row in view_map(site, image) if row[5] is not None]
    check(case, names == ["split-s001.vmdk", "split-s002.vmdk", "split-s003.vmdk"], "each offset names its extent", names)
    again = site.scan()
    check(case, again.stats["parsed"] == 0, "the second scan reads nothing", again.notes())
    os.unlink(image)
    orphaned = site.scan()
    images = {site.relative(path) for (path,) in site.query("SELECT path FROM v_image")}
    check(case, images == {"split-s001.vmdk", "split-s002.vmdk", "split-s003.vmdk"} and orphaned.stats["images"] == 3,
              "without the descriptor each extent is an image of its own", images)


def test_missing_extents_are_findings(case):
    site = case.site()
    image = create(site.path("split.vmdk"), 5 * GIB, format="vmdk", options=["subformat=twoGbMaxExtentSparse"])
    os.unlink(site.path("split-s002.vmdk"))
    scan = site.scan()
    check(case, scan.code == 3 and ("extent-missing", "split.vmdk") in site.findings(), "a missing extent is a finding", site.findings())
    images = [site.relative(path) for (path,) in site.query("SELECT path FROM v_image")]
    check(case, images == ["split.vmdk"], "the other extents are still parts", images)
    state = site.value("SELECT state FROM v_image")
    check(case, state == "missing", "the image has no map", state)
    create(site.path("other.vmdk"), 5 * GIB, format="vmdk", options=["subformat=twoGbMaxExtentSparse"])
    os.rename(site.path("other-s002.vmdk"), site.path("split-s002.vmdk"))
    shutil.copy(site.path("split-s002.vmdk"), site.path("other-s002.vmdk"))
    mended = site.scan()
    check(case, mended.code == 0 and not site.findings(), "when it is back all is well", [site.findings(), *mended.notes()])
    same_as_qemu(case, site, image, "vmdk", "and the map is qemu-img's")


def descriptor(*extents, parent=""):
    lines = ["# Disk DescriptorFile", "version=1", "CID=12345678", "parentCID=ffffffff", 'createType="monolithicFlat"', "",
             "# Extent description", *extents, "", "# The Disk Data Base", '#DDB', 'ddb.adapterType = "ide"', parent]
    return "\n".join(lines) + "\n"


def test_extents_elsewhere_are_not_followed(case):
    site = case.site()
    make_raw(site.outside("secret.raw"))
    make_raw(site.path("elsewhere", "other.raw"))
    make_raw(site.path("vm", "sub", "below.raw"))
    os.symlink(site.outside("secret.raw"), site.path("vm", "link.raw"))
    cases = {"absolute": site.outside("secret.raw"), "upwards": "../elsewhere/other.raw", "through-a-link": "link.raw",
             "inside-the-roots": site.path("elsewhere", "other.raw")}
    for name, target in cases.items():
        with open(site.path("vm", name + ".vmdk"), "w", encoding="ascii") as file:
            file.write(descriptor(f'RW 2048 FLAT "{target}" 0'))
    with open(site.path("vm", "below.vmdk"), "w", encoding="ascii") as file:
        file.write(descriptor('RW 2048 FLAT "sub/below.raw" 0'))
    scan = site.scan()
    outside = {path for code, path in site.findings() if code == "extent-outside"}
    expected = {f"vm/{name}.vmdk" for name in cases}
    check(case, scan.code == 3 and outside == expected, "an extent outside of its directory is a finding", [outside, *scan.notes()])
    extents = site.value("SELECT count(*) FROM v_extent WHERE path LIKE '%absolute%' OR path LIKE '%upwards%' OR path LIKE '%link%'")
    check(case, extents == 0, "nothing of it was mapped", extents)
    check(case, site.value("SELECT state FROM v_image WHERE path LIKE '%below.vmdk'") == "ok", "a directory below is inside")
    hidden = site.value("SELECT complete FROM v_scan")
    check(case, hidden == 0, "nothing is proven while such a one is there", hidden)


def flat_base(case):
    """A flat VMDK that a qcow2 stands on, scanned; the site, the base and the overlay."""
    site = case.site()
    base = create(site.path("base.vmdk"), 4 * MIB, format="vmdk", options=["subformat=monolithicFlat"])
    qemu_io(base, "write -q -P 1 1M 64k", format="vmdk")
    overlay = create(site.path("overlay.qcow2"), 4 * MIB, "base.vmdk", backing_format="vmdk")
    site.scan()
    return site, base, overlay


def test_a_base_of_two_files_without_its_overlay_is_unreferenced(case):
    site, base, overlay = flat_base(case)
    os.unlink(overlay)
    site.scan()
    unused = site.unused()
    check(case, list(unused) == ["base.vmdk"] and unused["base.vmdk"]["verdict"] == "proven",
          "a flat VMDK that lost its overlay is unreferenced, and its extent no image", unused)
    size = sum(os.stat(site.path(name)).st_blocks * 512 for name in ("base.vmdk", "base-flat.vmdk"))
    check(case, unused["base.vmdk"]["disk_size"] == size, "with the blocks of both of its files", unused, size)


def test_a_written_extent_makes_its_base_unproven(case):
    site, base, overlay = flat_base(case)
    os.unlink(overlay)
    before = os.stat(base).st_mtime_ns
    qemu_io(site.path("base-flat.vmdk"), "write -q -P 9 2M 64k", format="raw")  # as a machine that runs on it does
    check(case, os.stat(base).st_mtime_ns == before, "the descriptor is not touched")
    site.scan()
    row = site.unused().get("base.vmdk", {})
    check(case, row.get("verdict") == "unproven" and "written to" in row["why"], "it may be a disk of its own by now", row)


def test_an_extent_of_two_descriptors_keeps_both(case):
    site, base, overlay = flat_base(case)
    shutil.copy(base, site.path("copy.vmdk"))
    os.unlink(overlay)
    site.scan()
    row = site.unused().get("base.vmdk", {})
    check(case, row.get("verdict") == "unproven" and "copy.vmdk" in row["why"],
          "an image whose extent another descriptor names is not proven unused", row)
    images = {site.relative(path) for (path,) in site.query("SELECT path FROM v_image")}
    check(case, images == {"base.vmdk", "copy.vmdk"}, "the extent is listed by itself under neither", images)


def test_an_image_of_too_many_files_is_a_finding(case):
    site = case.site()
    if not shutil.which("prlimit"):
        case.skip("an image of more files than the process may open is a finding", "prlimit is missing")
        return
    site.prefix = ["prlimit", "--nofile=200:200"]
    for n in range(300):
        make_raw(site.path(f"many-f{n:03d}.raw"), 4096)
    with open(site.path("many.vmdk"), "w", encoding="ascii") as file:
        file.write(descriptor(*[f'RW 8 FLAT "many-f{n:03d}.raw" 0' for n in range(300)]))
    image = create(site.path("plain.qcow2"))
    scan = site.scan("-j", "2")
    check(case, scan.code == 3 and site.findings() == {("limit", "many.vmdk")},
          "an image of more files than the process may open is a finding", site.findings(), *scan.notes())
    state = site.value("SELECT state FROM v_image WHERE path = ?", image)
    check(case, state == "ok", "others are read beside it", state)


# -- Parents by identity ----------------------------------------------------------------------------------------------

UUID_IMAGE, UUID_MODIFY, UUID_LINK, UUID_PARENT_MODIFY = 0x188, 0x198, 0x1A8, 0x1B8
VDI_TYPE, VDI_DIFFERENCING = 0x4C, 4


def identify(path, own, modified, link=None, parent_modified=None):
    """Writes UUIDs into a VDI made by qemu-img, and makes it a differencing one if it has a parent."""
    patch(path, UUID_IMAGE, own.bytes_le + modified.bytes_le)
    if link is not None:
        patch(path, UUID_LINK, link.bytes_le + (parent_modified or uuid.UUID(int=0)).bytes_le)
        patch(path, VDI_TYPE, struct.pack("<I", VDI_DIFFERENCING))
    return path


class Vdi:
    """A base and a child that differs from it."""

    def __init__(self, site, base="base.vdi", child="Snapshots/child.vdi"):
        numbers = [uuid.UUID(int=0x1111 * n + (n << 100)) for n in range(1, 5)]
        self.own, self.modified, self.child_own, self.child_modified = numbers
        self.base, self.child = site.path(base), site.path(child)
        create(self.base, 4 * MIB, format="vdi")
        qemu_io(self.base, "write -q -P 1 0 1M", "write -q -P 2 2M 1M", format="vdi")
        identify(self.base, self.own, self.modified)
        create(self.child, 4 * MIB, format="vdi")
        qemu_io(self.child, "write -q -P 3 2M 1M", format="vdi")
        identify(self.child, self.child_own, self.child_modified, self.own, self.modified)


def identity_doubts(site):
    """{path: (verdict, subject of its doubt that a reference may mean it)} of what is unreferenced."""
    subjects = dict(site.query("SELECT path, subject FROM v_doubt WHERE code = 'broken-reference' AND path IS NOT NULL"))
    return {path: (row["verdict"], subjects.get(site.path(path))) for path, row in site.unused().items()}


def test_a_vdi_parent_is_found_by_its_uuid(case):
    site = case.site()
    vdi = Vdi(site, base="pool/deep/base.vdi", child="other/child.vdi")
    scan = site.scan()
    check(case, scan.code == 0 and not site.findings(), "a parent anywhere below the roots is found", [site.findings(), *scan.notes()])
    backing = site.value("SELECT backing_image FROM v_image WHERE path = ?", vdi.child)
    check(case, backing == vdi.base, "it is the child's backing image", backing)
    rows = [row[:5] for row in view_map(site, vdi.child)]
    depths = site.query("SELECT start, length, depth, data FROM v_map WHERE path = ? ORDER BY start", vdi.child)
    expected = [(0, MIB, 1, 1), (MIB, MIB, 1, 0), (2 * MIB, MIB, 0, 1), (3 * MIB, MIB, 1, 0)]
    check(case, depths == expected, "the child's map is made of both", [depths, rows])
    again = site.scan()
    check(case, again.stats["parsed"] == 0 and site.value("SELECT count(*) FROM v_chain") == 3, "and again without a read", again.notes())
    moved = site.path("moved", "renamed.vdi")
    os.rename(vdi.base, moved)
    site.scan()
    backing = site.value("SELECT backing_image FROM v_image WHERE path = ?", vdi.child)
    check(case, backing == moved, "a parent that was moved is found again", backing)
    os.unlink(vdi.child)
    site.scan()
    unused = site.unused()
    check(case, unused.get("moved/renamed.vdi", {}).get("verdict") == "proven", "without its child it is unreferenced, and proven so", unused)


def test_a_missing_vdi_parent_is_no_image_of_another_format(case):
    site = case.site()
    vdi = Vdi(site)
    site.scan()
    base = create(site.path("known-base.qcow2"))
    overlay = create(site.path("overlay.qcow2"), backing="known-base.qcow2")
    site.scan()
    os.unlink(overlay)
    os.unlink(vdi.base)
    scan = site.scan()
    check(case, scan.code == 3 and ("backing-missing", "Snapshots/child.vdi") in site.findings(), "a missing parent is a finding", site.findings())
    verdict = site.unused().get(site.relative(base), {}).get("verdict")
    check(case, verdict == "proven", "it is no qcow2 image: that one is proven unused", verdict)


def test_two_vdi_of_one_uuid_are_both_kept(case):
    site = case.site()
    vdi = Vdi(site)
    site.scan()
    copy = shutil.copy(vdi.base, site.path("copy.vdi"))
    lonely = create(site.path("lonely.vdi"), 4 * MIB, format="vdi")
    scan = site.scan("--backing-glob", "base.vdi", "--backing-glob", "copy.vdi", "--backing-glob", "lonely.vdi")
    findings = site.findings()
    check(case, scan.code == 3 and ("parent-ambiguous", "Snapshots/child.vdi") in findings, "two images of one identity are a finding", findings)
    expected = {"base.vdi": ("unproven", vdi.child), "copy.vdi": ("unproven", vdi.child), "lonely.vdi": ("proven", None)}
    case.same(identity_doubts(site), expected, "neither is called unused, and any other image is")
    deed = {row["path"]: row["verdict"] for row in site.rows("--what-if-delete", copy) if row["path"] == copy}
    case.same(deed, {copy: "unproven"}, "deleting one of them is not proven to be harmless")
    os.unlink(copy)
    os.unlink(lonely)
    again = site.scan()
    check(case, again.code == 0 and not site.findings(), "with one of them gone all is well", [site.findings(), *again.notes()])


def test_a_copied_machine_uses_its_own_parent(case):
    site = case.site()
    vdi = Vdi(site, base="vm/base.vdi", child="vm/Snapshots/child.vdi")
    base, overlay = create(site.path("known.qcow2")), create(site.path("overlay.qcow2"), backing="known.qcow2")
    site.scan()
    shutil.copytree(site.path("vm"), site.path("copy"))
    copied = site.path("copy", "Snapshots", "child.vdi")
    shutil.move(site.path("copy", "base.vdi"), site.path("copy", "Snapshots", "base.vdi"))
    far = shutil.copy(vdi.base, site.path("far", "away.vdi"))
    os.unlink(overlay)
    scan = site.scan("--backing-glob", "away.vdi")
    check(case, scan.code == 0 and not site.findings(), "copies of one identity are no finding", [site.findings(), *scan.notes()])
    backing = dict(site.query("SELECT path, backing_image FROM v_image WHERE backing_image IS NOT NULL"))
    expected = {vdi.child: vdi.base, copied: site.path("copy", "Snapshots", "base.vdi")}
    case.same(backing, expected, "the one beside the image is its parent, or the one above")
    maps = [json.loads(must(site.imgaudit, "map", "--output=json", "--filenames", path)) for path in sorted(expected)]
    case.same([os.path.normpath(rows[0]["filename"]) for rows in maps], [expected[path] for path in sorted(expected)], "map takes the same ones")
    case.same(identity_doubts(site), {"known.qcow2": ("proven", None), "far/away.vdi": ("unproven", copied)},
              "a third one may be meant, and nothing else is")
    os.unlink(vdi.child)
    os.unlink(far)
    site.scan()
    case.same(identity_doubts(site), {"known.qcow2": ("proven", None), "vm/base.vdi": ("unproven", copied)},
              "a machine's base without its snapshot may be meant by the copy")
    os.unlink(copied)
    site.scan()
    case.same(identity_doubts(site), {"known.qcow2": ("proven", None), "vm/base.vdi": ("proven", None),
                                      "copy/Snapshots/base.vdi": ("proven", None)}, "with both snapshots gone it is proven")


def test_a_parent_further_above_is_nearer_than_one_aside(case):
    site = case.site()
    vdi = Vdi(site, base="pool/base.vdi", child="pool/vm/Snapshots/child.vdi")
    shutil.copy(vdi.base, site.path("pool", "other", "base.vdi"))
    shutil.copy(vdi.base, site.path("pool", "vm2", "base.vdi"))
    scan = site.scan()
    backing = site.value("SELECT backing_image FROM v_image WHERE path = ?", vdi.child)
    check(case, scan.code == 0 and backing == vdi.base, "the nearest directory above decides", [backing, *scan.notes()])
    os.rename(vdi.base, site.path("pool", "vm3", "base.vdi"))
    site.scan()
    check(case, ("parent-ambiguous", "pool/vm/Snapshots/child.vdi") in site.findings(), "directories aside do not", site.findings())
    shutil.copy(site.path("pool", "vm2", "base.vdi"), site.path("pool", "vm", "Snapshot", "base.vdi"))
    site.scan()
    check(case, ("parent-ambiguous", "pool/vm/Snapshots/child.vdi") in site.findings(), "nor one whose name begins alike", site.findings())


def test_a_modified_parent_is_a_finding(case):
    site = case.site()
    vdi = Vdi(site)
    later = uuid.UUID(int=0xABCDEF)
    identify(vdi.base, vdi.own, later)
    scan = site.scan()
    details = site.query("SELECT detail FROM v_finding WHERE NOT cleared AND code = 'parent-mismatch'")
    check(case, len(details) == 1 and str(vdi.modified) in details[0][0] and str(later) in details[0][0],
              "a parent that was modified is a finding with both stamps", [details, *scan.notes()])
    outcome = site.run("map", "--output=json", vdi.child)
    check(case, outcome.code == 0 and "modified" in outcome.err, "map warns of it and prints the map", [outcome.err])
    backing = site.value("SELECT backing_image FROM v_image WHERE path = ?", vdi.child)
    check(case, backing == vdi.base, "it stays the backing image: it is in use", backing)


def test_map_finds_vdi_parents_nearby(case):
    site = case.site()
    vdi = Vdi(site)
    outcome = site.run("map", "--output=json", vdi.child)
    check(case, outcome.code == 0 and '"depth": 1' in outcome.out, "map finds a parent in the directory above", [outcome.out, outcome.err])
    beside = shutil.move(vdi.base, site.path("Snapshots", "base.vdi"))
    outcome = site.run("map", "--output=json", vdi.child)
    check(case, outcome.code == 0 and '"depth": 1' in outcome.out, "and one beside the image", [outcome.err])
    shutil.copy(beside, site.path("Snapshots", "copy.vdi"))
    outcome = site.run("map", "--output=json", vdi.child)
    check(case, outcome.code == 1 and "both" in outcome.err, "of two it takes neither", [outcome.err])
    os.unlink(beside)
    os.unlink(site.path("Snapshots", "copy.vdi"))
    outcome = site.run("map", "--output=json", vdi.child)
    check(case, outcome.code == 1 and str(vdi.own) in outcome.err, "a missing one is named by its identity", [outcome.err])


def test_a_vmdk_parent_with_another_cid_is_a_finding(case):
    site = case.site()
    base = create(site.path("base.vmdk"), 4 * MIB, format="vmdk")
    child = site.path("child.vmdk")
    must("qemu-img", "create", "-q", "-f", "vmdk", "-b", base, "-F", "vmdk", child)
    scan = site.scan()
    check(case, scan.code == 0 and not site.findings(), "a parent with the right CID is no finding", [site.findings(), *scan.notes()])
    with open(base, "rb") as file:
        head = file.read(20 * KIB)
    found = re.search(rb"\nCID=([0-9a-f]+)\n", head)  # qemu-img does not write leading zeroes
    old, new = int(found[1], 16), int(found[1], 16) ^ 1
    patch(base, found.start(1), f"{new:0{len(found[1])}x}".encode())
    again = site.scan()
    check(case, again.code == 0 and again.stats["changed"] == 1, "a base with another CID is read again", *again.notes())
    details = site.query("SELECT detail FROM v_finding WHERE NOT cleared AND code = 'parent-mismatch' AND path = ?", child)
    check(case, len(details) == 1 and f"{new:08x}" in details[0][0] and f"{old:08x}" in details[0][0],
              "another CID is a finding with both values", details)


# -- Changed block tracking -------------------------------------------------------------------------------------------

TRACKING = bytes.fromhex("a27219f6 02000000") + bytes(4088)  # as ESXi begins them


def track(descriptor, name):
    """Adds the lines by which VMware names the file ("Virtual Disk Programming Guide", version 3 of the format)."""
    with open(descriptor, "a", encoding="utf-8") as file:
        file.write(f'\n# Change Tracking File\nchangeTrackPath="{name}"\n')


def make_file(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def flat(site, name):
    return create(site.path(name), MIB, format="vmdk", options=["subformat=monolithicFlat"])


def kinds(site):
    """{path below the root: (verdict, what it is by itself)} of files that are no images."""
    return {site.relative(path): (verdict, reason) for path, verdict, reason in site.query(
        "SELECT path, class, reason FROM file WHERE class <> 'image' AND path LIKE '%-ctk.vmdk'")}


def test_change_tracking_is_a_part(case):
    site = case.site()
    image = flat(site, "vm.vmdk")
    track(image, "vm-ctk.vmdk")
    lost = flat(site, "lost.vmdk")
    track(lost, "lost-ctk.vmdk")
    must("qemu-img", "info", "-f", "vmdk", image)
    make_file(site.path("vm-ctk.vmdk"), TRACKING)
    make_file(site.path("left-over-ctk.vmdk"), TRACKING)
    track(flat(site, "odd.vmdk"), "odd-ctk.vmdk")
    make_file(site.path("odd-ctk.vmdk"), bytes(4096))
    make_file(site.path("vm.vmdk.lck", "M12345.lck"), b"lock")
    make_file(site.path("lost.vmdk.lck"), b"lock")
    scan = site.scan()
    check(case, scan.code == 0 and not site.findings() and scan.stats["images"] == 3,
          "files of changed block tracking and locks are no findings, nor one that is missing", [site.findings(), *scan.notes()])
    expected = {"vm-ctk.vmdk": ("part", "change-tracking"), "odd-ctk.vmdk": ("part", "unrecognised"),
                "left-over-ctk.vmdk": ("passed", "change-tracking")}
    check(case, kinds(site) == expected, "those that are named are parts, the other is passed over", kinds(site))
    again = site.scan()
    check(case, again.stats["parsed"] == 0 and kinds(site) == expected, "the same where nothing is read again", [kinds(site), *again.notes()])
    os.unlink(image)
    site.scan()
    check(case, kinds(site) == {**expected, "vm-ctk.vmdk": ("passed", "change-tracking")}, "it is none when nothing names it", kinds(site))


def test_change_tracking_hides_nothing(case):
    """Names and contents that a tenant chooses."""
    site = case.site()
    image = flat(site, "vm.vmdk")
    track(image, "../outside/victim-ctk.vmdk")
    make_file(site.path("no-ctk.vmdk"), bytes(4096))
    make_file(site.path("tracking.vmdk"), TRACKING)
    site.scan()
    expected = {("unrecognised", name) for name in ("no-ctk.vmdk", "tracking.vmdk")}
    check(case, site.findings() == expected, "neither the name alone makes one, nor the content", site.findings())
    os.unlink(image)
    for path in ("no-ctk.vmdk", "tracking.vmdk"):
        os.unlink(site.path(path))
    base = create(site.path("base.qcow2"))
    disguised = create(site.path("over-ctk.vmdk"), MIB, base)
    image = flat(site, "vm.vmdk")
    track(image, "over-ctk.vmdk")
    other = flat(site, "other.vmdk")
    track(other, "base.qcow2")
    scan = site.scan()
    images = {site.relative(path) for (path,) in site.query("SELECT path FROM v_image")}
    check(case, images == {"base.qcow2", "over-ctk.vmdk", "vm.vmdk", "other.vmdk"}, "an image that is named so stays one", [images, *scan.notes()])
    backing = site.value("SELECT backing_image FROM v_image WHERE path = ?", disguised)
    check(case, backing == base, "and what it names is followed", backing)


TESTS = [test_flat_extents_belong_to_their_descriptor, test_split_sparse_extents_are_never_images,
         test_missing_extents_are_findings, test_extents_elsewhere_are_not_followed,
         test_a_base_of_two_files_without_its_overlay_is_unreferenced, test_a_written_extent_makes_its_base_unproven,
         test_an_extent_of_two_descriptors_keeps_both, test_an_image_of_too_many_files_is_a_finding,
         test_a_vdi_parent_is_found_by_its_uuid,
         test_a_missing_vdi_parent_is_no_image_of_another_format, test_two_vdi_of_one_uuid_are_both_kept,
         test_a_copied_machine_uses_its_own_parent, test_a_parent_further_above_is_nearer_than_one_aside,
         test_a_modified_parent_is_a_finding, test_map_finds_vdi_parents_nearby,
         test_a_vmdk_parent_with_another_cid_is_a_finding, test_change_tracking_is_a_part, test_change_tracking_hides_nothing]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Images of several files, and parents known by identity.", TESTS))
