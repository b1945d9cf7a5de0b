#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Volumes of oVirt's file domains. A domain is laid out as vdsm does it: DOMAIN/images/IMAGE/VOLUME with VOLUME.meta and VOLUME.lease beside it,
# DOMAIN/dom_md (lib/vdsm/storage/fileVolume.py, fileSD.py; metaVolumePath, leaseVolumePath). Lines and their order are those of storage_format in
# lib/vdsm/storage/volumemetadata.py, words those of constants.py. A thin machine's image has hard links to the template's volume, metadata and lease
# (_share in fileVolume.py), and its overlays name their parent without a directory (clone there).

import os
import time
import uuid

import harness
import sites
from sites import MIB, create, make_raw, write

NOBODY = "00000000-0000-0000-0000-000000000000"
SUFFIX = ".meta"


def name(number):
    return str(uuid.UUID(int=0x75f8a1bb45044314 << 64 | number))


class Domain:
    def __init__(self, case, version=5):
        self.site = case.site()
        self.version = version
        self.id = name(1)
        self.path("dom_md", "x")
        for file in ("ids", "inbox", "leases", "outbox", "xleases"):
            make_raw(self.path("dom_md", file), 1 * MIB)
        with open(self.path("dom_md", "metadata"), "w", encoding="utf-8") as file:
            file.write("CLASS=Data\nDESCRIPTION=data\nROLE=Regular\nTYPE=NFS\nVERSION=5\n")

    def path(self, *parts):
        return self.site.path(self.id, *parts)

    def meta(self, image, volume, **changed):
        """The metadata of a volume; a value of None leaves the line out."""
        lines = {"CTIME": 1440935038, "DESCRIPTION": '{"DiskAlias":"web_Disk1","DiskDescription":""}', "DISKTYPE": "DATA", "DOMAIN": self.id, "FORMAT": "RAW", "GEN": 0, "IMAGE": image,
                 "LEGALITY": "LEGAL", "PUUID": NOBODY, "TYPE": "SPARSE", "VOLTYPE": "LEAF", **({"CAP": MIB, "SEQ": 1} if self.version == 5 else {"MTIME": 0, "SIZE": MIB // 512}), **changed}
        path = self.path("images", image, volume + SUFFIX)
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{key}={lines[key]}\n" for key in sorted(lines) if lines[key] is not None) + "EOF\n")
        return path

    def raw(self, image, volume, **changed):
        self.meta(image, volume, **changed)
        make_raw(self.path("images", image, volume + ".lease"), MIB)
        return make_raw(self.path("images", image, volume))

    def cow(self, image, volume, parent=None, **changed):
        self.meta(image, volume, FORMAT="COW", **({"PUUID": parent} if parent else {}), **changed)
        path = self.path("images", image, volume)
        if parent is None:
            return write(create(path, MIB), 0)
        format = "qcow2" if open(self.path("images", image, parent), "rb").read(4) == b"QFI\xfb" else "raw"
        return create(path, MIB, parent, format)

    def share(self, image, volume, target):
        for end in ("", SUFFIX, ".lease"):
            if os.path.exists(self.path("images", image, volume + end)):
                os.link(self.path("images", image, volume + end), self.path("images", target, volume + end))

    def scan(self, *options, **how):
        return self.site.scan(*options, inventory=None, **how)

    def images(self):
        return sorted((os.path.basename(path), format) for path, format in self.site.query("SELECT path, format FROM v_image"))

    def is_claimed(self, volume):
        return self.site.value("SELECT i.is_claimed FROM image AS i JOIN v_image AS v USING (image_id) WHERE v.path LIKE '%/' || ?", volume)

    def claims(self):
        return sorted(self.site.query("SELECT machine, replace(path, ?, ''), role, format, state FROM v_claim", self.path("images") + "/"))

    def problems(self):
        return [detail for detail, in self.site.query("SELECT detail FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared")]


DISK, TEMPLATE, OTHER = name(16), name(17), name(18)
V = [name(256 + number) for number in range(10)]


# -- What metadata make of volumes ------------------------------------------------------------------------------------

def test_raw_volumes_without_suffix_are_images(case):
    for version in (5, 4):
        domain = Domain(case, version)
        domain.raw(DISK, V[0])
        domain.cow(OTHER, V[1])
        make_raw(domain.path("images", DISK, V[2]))
        domain.scan()
        case.same(domain.images(), [(V[0], "raw"), (V[1], "qcow2")], f"version {version}: with metadata a volume is an image; leases, dom_md and what has none are not")
        case.same(domain.claims(), [(DISK, f"{DISK}/{V[0]}", "disk", "raw", "found"), (OTHER, f"{OTHER}/{V[1]}", "disk", "qcow2", "found")], "each belongs to its disk")
        case.same(domain.site.query("SELECT DISTINCT source, kind, state FROM v_machine"), [("ovirt", "storage", "unknown")], "which is no machine")


def test_raw_volumes_with_foreign_content_stay_raw(case):
    domain = Domain(case)
    path = domain.raw(DISK, V[0])
    base = write(create(domain.site.path("base.qcow2"), MIB), 0)
    os.unlink(path)
    create(path, MIB, base)
    domain.scan()
    case.same(domain.site.value("SELECT format FROM v_image WHERE path = ?", path), "raw", "a guest that writes a header into its raw disk names no file of the host")


def test_snapshots_are_kept(case):
    domain = Domain(case)
    domain.cow(DISK, V[0], VOLTYPE="INTERNAL")
    domain.cow(DISK, V[1], V[0], VOLTYPE="INTERNAL")
    write(domain.path("images", DISK, V[1]), 0)
    domain.cow(DISK, V[2], V[1])
    domain.site.scan()
    case.check(any(V[0] in path for path in domain.site.unused(partly=True)), "without metadata the first is masked", list(domain.site.unused(partly=True)))
    domain.scan()
    case.same(domain.site.unused(partly=True), {}, "a snapshot's state is kept whole")
    roles = {(path.split("/")[1], role) for _, path, role, _, _ in domain.claims()}
    case.same(roles, {(V[0], "restore-point"), (V[0], "backing"), (V[1], "restore-point"), (V[1], "backing"), (V[2], "disk")}, "by VOLTYPE, and by PUUID")


def test_a_discarded_overlay_leaves_no_orphan(case):
    domain = Domain(case)
    domain.cow(DISK, V[0])
    over = create(domain.path("images", DISK, V[1]), MIB, V[0])
    domain.site.scan()
    os.unlink(over)
    domain.scan()
    case.same(domain.site.unused(), {}, "a volume that has metadata is used")
    os.unlink(domain.path("images", DISK, V[0] + SUFFIX))
    domain.raw(DISK, V[3])
    domain.scan()
    case.same([row["verdict"] for row in domain.site.unused().values()], ["proven"], "and one that lost them is not", domain.site.rows("--unused-backing"))


def test_a_template_is_never_written_into(case):
    for make in (Domain.raw, Domain.cow):
        domain = Domain(case)
        make(domain, TEMPLATE, V[0], VOLTYPE="SHARED")
        template = domain.path("images", TEMPLATE, V[0])
        domain.path("images", DISK, "x")
        domain.share(TEMPLATE, V[0], DISK)
        domain.cow(DISK, V[1], V[0])
        write(domain.path("images", DISK, V[1]), 0)
        scan = domain.scan()
        case.same((scan.code, domain.site.rows("--unused-backing")), (0, []), f"{make.__name__}: one thin machine masks parts of the template, and nothing is suggested", scan.notes())
        case.same(domain.site.value("SELECT count(*) FROM v_claim WHERE role = 'template' AND machine = ?", TEMPLATE), 2, "both links belong to the template")
        os.unlink(domain.path("images", DISK, V[1]))
        os.unlink(domain.path("images", DISK, V[1] + SUFFIX))
        domain.scan()
        case.same(domain.site.rows("--unused-backing"), [], "nor without a machine", [template])


def test_what_is_no_disk_becomes_no_image(case):
    domain = Domain(case)
    uses = {"DATA": "disk", "2": "disk", "1": "disk", "HEVD": "disk", "ISOF": "cdrom", "MEMD": "other", "MEMM": "other", "HESD": "other", "HEMD": "other", "HECI": "other", "SCRD": "other", "OVFS": None, "NEWS": "disk"}
    for number, use in enumerate(uses):
        domain.raw(name(64 + number), name(128 + number), DISKTYPE=use)
    scan = domain.scan()
    roles = {claim[0]: claim[2] for claim in domain.claims()}
    case.same((scan.code, {use: roles.get(name(64 + number)) for number, use in enumerate(uses)}), (0, uses), "by DISKTYPE", domain.problems())
    case.same(len(domain.images()), sum(role == "disk" for role in uses.values()), "disks are images")


def test_disks_that_are_being_removed_are_not_claimed(case):
    domain = Domain(case)
    domain.raw("_remove_me_" + DISK, V[0])
    domain.raw(OTHER, V[1], LEGALITY="ILLEGAL")
    domain.scan()
    case.same([claim[1] for claim in domain.claims()], [f"{OTHER}/{V[1]}"], "a disk that vdsm deletes; what is illegal may still be in use")


# -- Parents ----------------------------------------------------------------------------------------------------------

def test_the_parent_of_the_metadata_counts_as_well(case):
    domain = Domain(case)
    domain.cow(DISK, V[0])
    domain.cow(DISK, V[1], V[0])
    os.unlink(domain.path("images", DISK, V[0] + SUFFIX))
    domain.scan()
    case.same(domain.is_claimed(V[0]), 0, "a parent that the overlay names is read through it")
    sites.must("qemu-img", "rebase", "-u", "-b", "", domain.path("images", DISK, V[1]))
    domain.scan()
    case.same((domain.site.unused(), domain.is_claimed(V[0])), ({}, 1), "one that only the metadata have is used all the same")
    os.unlink(domain.path("images", DISK, V[0]))
    domain.scan()
    case.check(("claim-missing", f"{domain.id}/images/{DISK}/{V[0]}") in domain.site.findings(), "a parent that is missing is a finding", [str(domain.site.findings())])
    domain.meta(DISK, V[1], PUUID="../../../etc/passwd")
    case.same((domain.scan().code, len(domain.problems())), (3, 1), "a parent is a name")


def test_metadata_and_image_must_agree_on_the_parent(case):
    """A merge changes both, one after the other: volumeInfo of the engine goes by the metadata, QEMU by the image."""
    domain = Domain(case)
    domain.cow(DISK, V[0])
    domain.cow(DISK, V[1])
    domain.cow(DISK, V[2], V[0], VOLTYPE="LEAF")
    domain.raw(OTHER, V[5])
    domain.cow(OTHER, V[6], V[5])
    case.same((domain.scan().code, domain.problems()), (0, []), "the same parents, or none, of qcow2 and of raw volumes")
    orphan = write(create(domain.site.path("orphan.qcow2"), MIB), 0)
    over = create(domain.site.path("over.qcow2"), MIB, orphan)
    domain.site.scan()
    os.unlink(over)
    for words, volume, parent, header in (("another parent", V[2], V[1], V[0]), ("none in the metadata", V[2], NOBODY, V[0]), ("none in the image", V[0], V[1], "none")):
        domain.meta(DISK, volume, FORMAT="COW", PUUID=parent)
        scan = domain.scan()
        case.same((scan.code, len(domain.problems()), "inventory-incomplete" in domain.site.unused()["orphan.qcow2"]["why_codes"]), (3, 1, True), f"{words}: nothing is proven", domain.problems())
        case.check(f"names {header}" in domain.problems()[0], f"{words}: the finding says what", domain.problems())
        domain.meta(DISK, volume, FORMAT="COW", PUUID=V[0] if volume == V[2] else NOBODY)
    case.same((domain.scan().code, domain.problems()), (0, []), "they agree again")
    domain.meta(DISK, V[2], FORMAT="COW", PUUID=None)
    case.same((domain.scan().code, domain.problems()), (0, []), "metadata without PUUID state nothing")


def test_what_is_not_legal_is_a_finding(case):
    domain = Domain(case)
    domain.raw(DISK, V[0], LEGALITY=None)
    case.same(domain.scan().code, 0, "without LEGALITY nothing is wrong")
    for word, code in (("LEGAL", 0), ("ILLEGAL", 3), ("FAKE", 3), ("", 3)):
        domain.meta(DISK, V[0], LEGALITY=word)
        case.same((domain.scan().code, len(domain.problems()), domain.is_claimed(V[0])), (code, int(code > 0), 1), f"LEGALITY={word}: the volume is in use, legal or not", domain.problems())


# -- What is not understood -------------------------------------------------------------------------------------------

def test_what_is_not_understood_blocks(case):
    domain = Domain(case)
    orphan = write(create(domain.site.path("orphan.qcow2"), MIB), 0)
    over = create(domain.site.path("over.qcow2"), MIB, orphan)
    domain.site.scan()
    os.unlink(over)
    domain.raw(DISK, V[0])
    path = domain.meta(DISK, V[0])
    with open(path, "rb") as file:
        whole = file.read()
    for text in (whole[:whole.index(b"VOLTYPE") + 9], whole[:whole.index(b"VOLTYPE")], whole[:whole.index(b"FORMAT")], whole[:10], b"", b"\0" * 512, whole.replace(b"FORMAT=RAW", b"FORMAT=UNKNOWN"),
                 whole.replace(b"VOLTYPE=LEAF", b"VOLTYPE=9"), b"NONE=" + b"#" * 500 + b"\nEOF\n", b"\xff" * 512):
        with open(path, "wb") as file:
            file.write(text)
        scan = domain.scan()
        case.same((scan.code, len(domain.problems())), (3, 1), f"{text[-40:]!r} is not understood", domain.problems())
        case.check("inventory-incomplete" in domain.site.unused()["orphan.qcow2"]["why_codes"], f"{text[-40:]!r}: nothing is proven", domain.site.rows("--unused-backing"))
    for text in (whole, whole[:-4], whole.replace(b"\n", b"\r\n"), whole + b"VOLTYPE=9\n", whole.replace(b"=", b" = "), whole.ljust(512, b"\0"), b"no line\n" + whole, whole.replace(b"web", b"\xff\xfe")):
        with open(path, "wb") as file:
            file.write(text)
        scan = domain.scan()
        case.same((scan.code, domain.images()), (0, [(V[0], "raw"), ("orphan.qcow2", "qcow2")]), f"{text[-40:]!r} is", domain.problems())


def test_files_of_others_are_none_of_ovirts(case):
    site = case.site()
    disk = write(create(site.path("disk.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, disk)
    site.scan()
    os.unlink(over)
    for file, text in (("volume.meta", '{"Size":1048576,"Head":"volume-head-000.img"}'), ("disk.qcow2.meta", "FORMAT=RAW\nVOLTYPE=LEAF\n"), ("x.meta", "guid: 1\n"), ("disk.meta.new", "FORMAT=RAW\n"), (".meta", "FORMAT=RAW\n")):
        with open(site.path(file), "w", encoding="utf-8") as out:
            out.write(text)
        scan = site.scan(inventory=None)
        case.same((scan.code, site.query("SELECT * FROM v_claim"), site.unused()["disk.qcow2"]["why_codes"]), (0, [], "no-inventory"), f"{file} claims nothing, and is no inventory of its directory", scan.notes())


def test_a_volume_is_an_inventory_of_its_directory_alone(case):
    for place, expected in (("disk.qcow2", None), ("below/disk.qcow2", "no-inventory")):
        site = case.site()
        make_raw(site.path(V[0]))
        with open(site.path(V[0] + SUFFIX), "w", encoding="utf-8") as out:
            out.write("FORMAT=RAW\nVOLTYPE=LEAF\nEOF\n")
        disk = write(create(site.path(place), MIB), 0)
        over = create(site.path("over.qcow2"), MIB, disk)
        site.scan()
        os.unlink(over)
        site.scan(inventory=None)
        case.same(site.unused()[place]["why_codes"], expected, f"a volume that was copied beside other machines' images has metadata; {place} has none")


def test_names_of_any_bytes_are_claimed(case):
    site = case.site()
    volume = os.fsencode(site.path("images", "x"))[:-1] + bytes(byte for byte in range(1, 128) if byte not in b"/.") + b"\xff"
    with open(volume, "wb") as file:
        file.truncate(MIB)
    with open(volume + b".meta", "wb") as file:
        file.write(b"FORMAT=RAW\nIMAGE=\xff\xfe\nVOLTYPE=LEAF\n")
    scan = site.scan(inventory=None)
    case.same((scan.code, site.query("SELECT state, machine FROM v_claim")), (0, [("found", "\udcff\udcfe")]), "a volume", scan.notes())


def test_hostile_metadata_take_linear_time(case):
    domain = Domain(case)
    path = domain.meta(DISK, V[0])
    begin = time.monotonic()
    for text in (b"A=" * (8 << 20), b"=\n" * (8 << 20), b"PUUID=" + b"a" * (16 << 20), b" " * (16 << 20)):
        with open(path, "wb") as file:
            file.write(text[:16 << 20])
        domain.scan()
    case.check(time.monotonic() - begin < 60, "metadata of 16 MiB", [f"{time.monotonic() - begin:.1f} s"])


def test_ten_thousand_volumes_are_read_at_once(case):
    domain = Domain(case)
    domain.site.scan()
    for number in range(10000):
        domain.meta(name(4096 + number), name(65536 + number))
    begin = time.monotonic()
    domain.scan()
    took = time.monotonic() - begin
    print(f"# 10,000 volumes: {took:.2f} s")
    case.check(took < 10, "10,000 volumes take less than ten seconds", [f"{took:.2f} s"])
    case.same(domain.site.value("SELECT count(*) FROM v_claim"), 10000, "and are all there")


TESTS = [
    test_raw_volumes_without_suffix_are_images,
    test_raw_volumes_with_foreign_content_stay_raw,
    test_snapshots_are_kept,
    test_a_discarded_overlay_leaves_no_orphan,
    test_a_template_is_never_written_into,
    test_what_is_no_disk_becomes_no_image,
    test_disks_that_are_being_removed_are_not_claimed,
    test_the_parent_of_the_metadata_counts_as_well,
    test_metadata_and_image_must_agree_on_the_parent,
    test_what_is_not_legal_is_a_finding,
    test_what_is_not_understood_blocks,
    test_files_of_others_are_none_of_ovirts,
    test_a_volume_is_an_inventory_of_its_directory_alone,
    test_names_of_any_bytes_are_claimed,
    test_hostile_metadata_take_linear_time,
    test_ten_thousand_volumes_are_read_at_once,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Volumes of oVirt.", TESTS))
