#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# An overlay that is compressed or in an archive needs its base: what is opened, by names and contents, what it names, when
# the doubt goes, and what a scan does with what cannot be opened.

import json
import os
import shutil
import subprocess

import harness
import sites
from builders import packed
from sites import MIB, create, make_raw, must, write

DOUBTED = ("unreferenced", "unproven", "packed-reference")
FREE = ("unreferenced", "proven", None)


def lay(site, size=MIB):
    """An orphan: the scan before saw it named by vm.qcow2, which is there still."""
    write(create(site.path("base.qcow2"), size), 0)
    overlay = write(create(site.path("vm.qcow2"), size, "base.qcow2"), 1)
    site.scan()
    return overlay


def verdict(site, name="base.qcow2"):
    """(status, verdict, codes) of a row; None: it is not listed."""
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def is_doubted(site, name):
    """Whether a packed image is a reason, beside others: one that was renamed is doubted for that, too."""
    return "packed-reference" in (verdict(site, name)[2] or "").split(",")


def subjects(site):
    return [subject for (subject,) in site.query("SELECT subject FROM v_doubt WHERE code = 'packed-reference' ORDER BY 1")]


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def in_directory(site, *command, stdout=None):
    must("sh", "-c", f'cd "$0" && exec "$@" {"> " + stdout if stdout else ""}', site.root, *command)


# -- Packers ----------------------------------------------------------------------------------------------------------

PACKERS = {
    "vm.qcow2.gz": (["gzip", "vm.qcow2"], ""),
    "vm.qcow2.xz": (["xz", "vm.qcow2"], ""),
    "vm.qcow2.lzma": (["xz", "--format=lzma", "vm.qcow2"], ""),
    "vm.qcow2.zst": (["zstd", "-q", "--rm", "vm.qcow2"], ""),
    "vm.qcow2.bz2": (["bzip2", "vm.qcow2"], ""),
    "vm.qcow2.lz4": (["lz4", "-q", "--rm", "vm.qcow2", "vm.qcow2.lz4"], ""),
    "vm.qcow2.tar": (["tar", "cf", "vm.qcow2.tar", "--remove-files", "vm.qcow2"], "vm.qcow2"),
    "vm.qcow2.tar.xz": (["tar", "cJf", "vm.qcow2.tar.xz", "--remove-files", "./vm.qcow2"], "./vm.qcow2"),
    "vm.ova": (["tar", "cf", "vm.ova", "--remove-files", "vm.qcow2"], "vm.qcow2"),
    "vm.qcow2.zip": (["zip", "-qm", "vm.qcow2.zip", "vm.qcow2"], "vm.qcow2"),
    "vm.qcow2.7z": (["bsdtar", "--format", "7zip", "-cf", "vm.qcow2.7z", "vm.qcow2"], "vm.qcow2"),
}


def test_an_overlay_of_each_packer_keeps_its_base(case):
    for name, (command, member) in PACKERS.items():
        if reason := harness.missing_tools(command[0]):
            case.skip(f"{name}: the overlay in it keeps its base", reason)
            continue
        site = case.site()
        overlay = lay(site)
        in_directory(site, *command)
        if os.path.exists(overlay):
            os.unlink(overlay)
        scan = site.scan()
        case.same((scan.code, verdict(site), subjects(site)),
                  (0, DOUBTED, [site.path(name) + (f" ({member})" if member else "")]),
                  f"{name}: the overlay in it keeps its base", scan.notes())
        case.same(site.query("SELECT path, member, format, kind, name, target_path, state, problem FROM v_packed"),
                  [(site.path(name), member, "qcow2", "backing", "base.qcow2", site.path("base.qcow2"), "followed", None)],
                  f"{name}: v_packed has what it names")
        again = site.scan()
        case.same((again.stats["bytes read"], verdict(site)), (0, DOUBTED), f"{name}: unchanged, it is not opened again",
                  again.notes())
        case.same(site.query("SELECT reason, files FROM scan_passed WHERE scan_id = 3"), [("packed", 1)],
                  f"{name}: it counts as packed, and not as an image")
        os.unlink(site.path(name))
        site.scan()
        case.same((verdict(site), site.query("SELECT * FROM v_packed")), (FREE, []), f"{name}: deleted, it keeps nothing")


def test_what_is_proven_can_go_and_the_overlay_be_unpacked(case):
    """What the doubt is for: the base, kept, lets the overlay be read once it is unpacked."""
    site = case.site()
    overlay = lay(site)
    before = sites.checksum(overlay)
    must("gzip", overlay)
    site.scan()
    for row in site.rows("--unused-backing"):
        if row["verdict"] == "proven":
            os.unlink(row["path"])
    must("gunzip", overlay + ".gz")
    case.same(sites.checksum(overlay), before, "what is proven is deleted, and the overlay is unpacked: it reads what it did")
    site.scan()
    case.same((verdict(site), site.query("SELECT * FROM v_packed")), (None, []), "unpacked, it is an image as any other")


def test_each_member_keeps_its_own_base(case):
    site = case.site()
    lay(site)
    for name in ("mid", "other"):
        write(create(site.path(f"{name}.qcow2"), MIB), 0)
        os.unlink(create(site.path(f"over-{name}.qcow2"), MIB, f"{name}.qcow2"))
    write(create(site.path("over-mid.qcow2"), MIB, "mid.qcow2"), 1)
    create(site.path("over-other.qcow2"), MIB, "other.qcow2")
    site.scan()
    in_directory(site, "tar", "cf", "all.img.tar", "--remove-files", "vm.qcow2", "over-mid.qcow2")
    os.unlink(site.path("over-other.qcow2"))
    site.scan()
    archive = site.path("all.img.tar")
    case.same({name: verdict(site, name) for name in ("base.qcow2", "mid.qcow2", "other.qcow2")},
              {"base.qcow2": DOUBTED, "mid.qcow2": DOUBTED, "other.qcow2": FREE},
              "each member of an archive keeps what it names, and nothing else")
    case.same(subjects(site), [f"{archive} (over-mid.qcow2)", f"{archive} (vm.qcow2)"], "the doubt has the member")


def test_a_member_in_a_directory_is_followed_from_there(case):
    """A relative name may be meant from beside the archive, or from the member's own directory."""
    site = case.site()
    lay(site)
    os.makedirs(site.path("vms"))
    os.rename(site.path("vm.qcow2"), site.path("vms/vm.qcow2"))
    must("qemu-img", "rebase", "-q", "-u", "-b", "../base.qcow2", "-F", "qcow2", site.path("vms/vm.qcow2"))
    in_directory(site, "tar", "czf", "vm.qcow2.tgz", "--remove-files", "vms/vm.qcow2")
    site.scan()
    case.same((verdict(site), site.query("SELECT target_path, state FROM v_packed")),
              (DOUBTED, [(site.path("base.qcow2"), "followed")]), "a member's name is followed from its own directory in the archive")


def test_a_packed_overlay_reads_what_others_mask(case):
    """A packed overlay reads what all others hide, of its base and of what is behind that."""
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    write(create(site.path("mid.qcow2"), MIB, "base.qcow2"), 1)
    write(create(site.path("head.qcow2"), MIB, "mid.qcow2"), 0, 1)
    create(site.path("vm.qcow2"), MIB, "mid.qcow2")
    site.scan()
    case.same(verdict(site), None, "an overlay reads it")
    must("gzip", site.path("vm.qcow2"))
    site.scan()
    masked = ("fully-masked", "unproven", "packed-reference")
    case.same((verdict(site), verdict(site, "mid.qcow2")), (masked, masked), "packed, it keeps both bases from being masked")
    rows = site.rows("--what-if-delete", site.path("mid.qcow2"))
    case.check(all(row["verdict"] == "unproven" for row in rows if row["path"] == site.path("mid.qcow2")),
               "nor is a what-if about the base proven", [str(rows)])
    must("gunzip", site.path("vm.qcow2.gz"))
    must("qemu-img", "rebase", "-q", "-u", "-b", "", site.path("vm.qcow2"))
    must("gzip", site.path("vm.qcow2"))
    site.scan()
    proven = ("fully-masked", "proven", None)
    case.same((verdict(site), verdict(site, "mid.qcow2")), (proven, proven), "one that names nothing keeps nothing")


def test_a_large_image_is_opened_by_its_head_alone(case):
    """What lies behind the head of an image is not needed: internal snapshots, the footer of a stream."""
    site = case.site()
    overlay = lay(site, 32 * MIB)
    with open(site.path("noise"), "wb") as file:
        file.write(os.urandom(12 * MIB))
    must("qemu-io", "-c", f"write -q -s {site.path('noise')} 4M 12M", overlay)
    must("qemu-img", "snapshot", "-c", "one", overlay)
    must("gzip", "-1", overlay)
    create(site.path("parent.vmdk"), 32 * MIB, format="vmdk")
    must("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "-f", "raw", site.path("noise"),
         site.path("disk.vmdk"))
    sites.patch(site.path("disk.vmdk"), 512, open(site.path("disk.vmdk"), "rb").read()[512:20 * 512].replace(
        b"parentCID=ffffffff", b"parentFileNameHint=\"parent.vmdk\"\nparentCID=12345678").ljust(19 * 512, b"\0")[:19 * 512])
    sites.patch(site.path("disk.vmdk"), 56, b"\xff" * 8)  # as other software has it: the footer alone has the directory's place
    in_directory(site, "tar", "cf", "export.ova", "--remove-files", "noise", "disk.vmdk")
    scan = site.scan()
    case.same((scan.code, verdict(site)), (0, DOUBTED), "a qcow2 image with a snapshot far behind its head", scan.notes())
    case.same(site.query("SELECT member, format, name, target_path FROM v_packed WHERE path = ?", site.path("export.ova")),
              [("disk.vmdk", "vmdk", "parent.vmdk", site.path("parent.vmdk"))], "a VMDK stream in an OVA",
              [str(site.query("SELECT * FROM v_packed")), *scan.notes()])


def test_what_is_packed_twice_is_opened(case):
    """OVF lets a disk in an OVA be compressed."""
    site = case.site()
    overlay = lay(site)
    must("gzip", overlay)
    in_directory(site, "tar", "cf", "vm.ova", "--remove-files", "vm.qcow2.gz")
    site.scan()
    case.same((verdict(site), subjects(site)), (DOUBTED, [site.path("vm.ova") + " (vm.qcow2.gz)"]),
              "a compressed image in an archive keeps its base")


# -- Names ------------------------------------------------------------------------------------------------------------

def lay_orphan(site):
    """Nothing is called as an image was."""
    os.unlink(lay(site))
    site.scan()


def test_an_image_counts_whatever_the_packed_file_is_called(case):
    for name in ("vm.qcow2.gz", "VM.QCOW2.GZ", "vm.qcow2.2026-11-30.gz", "vm.qcow2-old.gz", "vm.img.gz", "a.vmdk.backup", "x.ova",
                 "backups/vm1.snap3.gz", "backups/vm.gz", "notes.txt.gz", "qcow2.gz", "vm.qcow2x.gz", "images.tar", ".gz", "saved"):
        site = case.site()
        lay_orphan(site)
        os.makedirs(site.path("backups"))
        put(site.path(name), packed.gzip.compress(packed.qcow2()) if not name.endswith((".tar", ".ova"))
            else packed.tar([("vm.qcow2", packed.qcow2())]))
        scan = site.scan()
        case.same((scan.code, verdict(site), subjects(site)[0].split(" ")[0] if subjects(site) else None), (0, DOUBTED, site.path(name)),
                  f"{name} is opened", scan.notes())
        again = site.scan()
        case.same((again.stats["bytes read"], verdict(site)), (0, DOUBTED), f"{name}: unchanged, it is not opened again", again.notes())


def test_what_cannot_be_opened_counts_where_its_name_shows_an_image(case):
    image = packed.gzip.compress(packed.qcow2())
    for name, counts in {"vm.qcow2.gz": True, "vm.qcow2.2026-11-30.gz": True, "x.ova": True, "backups/vm1.snap3.gz": False, "vm.gz": False,
                         "messages.1.gz": False, "images.tar.gz": False}.items():
        site = case.site()
        lay_orphan(site)
        os.makedirs(site.path("backups"))
        put(site.path(name), damaged(image))
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), (3, DOUBTED, {("packed-unreadable", name)}) if counts else (0, FREE, set()),
                  f"{name}, damaged, {'may name anything' if counts else 'is passed over'}", scan.notes())
        again = site.scan()
        case.same((again.stats["bytes read"], verdict(site)), (0, DOUBTED if counts else FREE), f"{name}: unchanged, it is not opened again",
                  again.notes())


def test_other_names_are_looked_at_in_their_beginning_alone(case):
    """Where the name shows no image. The bound is 1 MiB, of what is read and of what is unpacked."""
    image, noise, text = packed.qcow2(), os.urandom(3 << 20), b"a line of a log\n" * 1000
    first = [("vm.xml", text), ("vm.qcow2", image)]
    last = [("disk.raw", noise), ("vm.qcow2", image)]
    files = {
        "logs.tar.gz": (packed.gzip.compress(packed.tar([("a", text), ("b", text)])), FREE),
        "messages.1.gz": (packed.gzip.compress(text * 100), FREE),
        "report.docx": (packed.zipped([("word/document.xml", text)]), FREE),
        "vm.tar.gz": (packed.gzip.compress(packed.tar(first)), DOUBTED),
        "vm.zip": (packed.zipped(first), DOUBTED),
        "twice.tar": (packed.tar([("vm.gz", packed.gzip.compress(image))]), DOUBTED),
        "far.tar": (packed.tar(last), DOUBTED),  # what is not compressed is passed over without reading it
        "far.tar.gz": (packed.gzip.compress(packed.tar(last), 1), FREE),
        "far.img.tar.gz": (packed.gzip.compress(packed.tar(last), 1), DOUBTED),
        "far-and-near.tar.gz": (packed.gzip.compress(packed.tar([("other.qcow2", packed.qcow2("x")), *last]), 1), DOUBTED),
    }
    for name, (data, expected) in files.items():
        site = case.site()
        lay_orphan(site)
        put(site.path(name), data)
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), (0, expected, set()), name, scan.notes())
    for name, members, cut in (("cut.tar", [("vm.qcow2", packed.qcow2("x")), *last], 20000),
                               ("a-bad-log.tar", [("a.gz", damaged(packed.gzip.compress(text))), *first], 0)):
        site = case.site()
        lay_orphan(site)
        data = packed.tar(members)
        put(site.path(name), data[:len(data) - cut])
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), (3, DOUBTED, {("packed-unreadable", name)}),
                  f"{name}: one that has an image and cannot be read to its end may name anything", scan.notes())


def test_a_raw_image_that_begins_as_an_archive_does_is_looked_into(case):
    site = case.site()
    lay_orphan(site)
    put(site.path("disk.raw"), packed.tar([("vm.qcow2", packed.qcow2())]))
    site.scan()
    case.same(verdict(site), DOUBTED, "a raw image that is an archive holds an overlay")
    put(site.path("disk.raw"), packed.tar([("vm.txt", b"text")]))
    site.scan()
    case.same(verdict(site), FREE, "or none")


def test_what_is_called_after_an_image_is_opened(case):
    """What is called as an image was is opened, whatever the image was called."""
    site = case.site()
    overlay = lay(site)
    os.rename(overlay, site.path("disk"))
    site.scan()
    must("gzip", site.path("disk"))
    site.scan()
    case.same(verdict(site), DOUBTED, "an image without an ending, packed since")
    site.scan()
    case.same(verdict(site), DOUBTED, "is still known when nothing is called so")
    os.rename(site.path("disk.gz"), site.path("retired.gz"))
    site.scan()
    case.same(verdict(site), DOUBTED, "and under another name")
    os.rename(site.path("retired.gz"), site.path("copy.gz"))
    put(site.path("copy.gz"), b"something else")
    site.scan()
    case.same(verdict(site), FREE, "but not what has another content")

    site = case.site()
    overlay = lay(site)
    os.rename(overlay, site.path("disk"))
    must("gzip", "-k", site.path("disk"))
    os.unlink(site.db)
    site.scan()
    os.unlink(site.path("disk"))
    site.scan("--backing-glob", "base*")
    case.same(verdict(site), DOUBTED, "a copy beside its image, both seen by the first scan")

    site = case.site()
    overlay = lay(site)
    put(site.path("disk.gz"), damaged(packed.gzip.compress(packed.qcow2())))
    os.unlink(overlay)
    site.scan()
    case.same(verdict(site), FREE, "what is called after nothing and cannot be opened is passed over")
    create(site.path("disk"), MIB)
    site.scan()
    case.same(verdict(site), DOUBTED, "until an image is called so, although the file did not change")


def newc(name, data):
    """A cpio archive with one file, of the format newc (cpio(5))."""
    def entry(name, data):
        name = name.encode() + b"\0"
        fields = [1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return entry(name, data) + entry("TRAILER!!!", b"")


def test_what_is_called_after_a_former_image_may_be_that(case):
    """Whatever packed it. What is smaller than 64 KiB is a note about it."""
    noise = os.urandom(65536)
    image = newc("disk", packed.qcow2())
    files = [(f"disk.{ending}", noise, True) for ending in ("enc", "br", "b64", "uu", "run", "a", "2026-11-30", "old.gpg")]
    files += [("disk.squashfs", b"hsqs" + noise[4:], True), ("disk.cpio", image + bytes(65536), True), ("disk.cpio.gz", packed.gzip.compress(image), True),
              ("disk.log.gz", packed.gzip.compress(b"a line of a log\n" * 10000), False), ("disk.xml", noise[:65535], False),
              ("disks.enc", noise, False), ("other.enc", noise, False)]
    for name, data, counts in files:
        site = case.site()
        overlay = lay(site)
        os.rename(overlay, site.path("disk"))
        put(site.path(name), data)
        scan = site.scan()
        nested = name == "disk.cpio.gz"  # it is opened while there is a disk, and not again
        case.same((scan.code, site.findings()), (3, {("packed-unreadable", name)}) if nested else (0, set()), f"{name} beside disk", scan.notes())
        os.unlink(site.path("disk"))
        for number in (1, 2):
            scan = site.scan()
            expected = (3, DOUBTED, {("packed-unreadable", name)}) if counts else (0, FREE, set())
            case.same((scan.code, verdict(site), site.findings()), expected, f"{name}, night {number} without disk", scan.notes())
        os.unlink(site.path(name))
        site.scan()
        case.same((verdict(site), site.findings()), (FREE, set()), f"{name}: deleted, it is nothing")
    site = case.site()
    make_raw(site.path("base.raw"))
    make_raw(site.path("vm.raw"))
    site.scan()
    os.unlink(site.path("vm.raw"))
    put(site.path("vm.raw.enc"), noise)
    scan = site.scan()
    case.same((scan.code, site.findings()), (0, set()), "a raw image named nothing, and nor does what it became", scan.notes())


def test_a_packed_ova_counts_as_one(case):
    far = packed.tar([("disk.raw", os.urandom(3 << 20)), ("vm.qcow2", packed.qcow2())])
    many = packed.tar([(f"{number}.txt", b"text") for number in range(200)] + [("vm.qcow2", packed.qcow2())])
    for name, data, expected in (("x.ova.gz", packed.gzip.compress(far, 1), (0, DOUBTED, set())),
                                 ("x.ova.gz", packed.gzip.compress(many), (3, DOUBTED, {("packed-unreadable", "x.ova.gz")})),
                                 ("x.ova.xz", b"nothing of the kind", (3, DOUBTED, {("packed-unreadable", "x.ova.xz")})),
                                 ("x.txt.gz", packed.gzip.compress(many), (0, FREE, set()))):
        site = case.site()
        os.unlink(lay(site))
        put(site.path(name), data)
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), expected, f"{name} of {len(data)} bytes", scan.notes())


def test_an_image_in_an_archive_that_is_not_read_may_name_anything(case):
    for name, counts in (("vm.qcow2.cpio", True), ("vm.qcow2.cpio.gz", True), ("vm.qcow2.br", True), ("vm.qcow2.tar.enc", True),
                         ("initrd.img-6.1.0-amd64", False), ("backup.cpio.gz", False)):
        site = case.site()
        os.unlink(lay(site))
        data = newc("vm.qcow2", packed.qcow2())
        put(site.path(name), packed.gzip.compress(data) if name.endswith(("gz", "amd64")) else data)
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), (3, DOUBTED, {("packed-unreadable", name)}) if counts else (0, FREE, set()), name, scan.notes())


# -- What cannot be opened --------------------------------------------------------------------------------------------

def damaged(data):
    return data[:20] + bytes(byte ^ 0xFF for byte in data[20:60]) + data[60:]


def test_what_cannot_be_opened_may_name_anything(case):
    image = packed.qcow2()
    bad = {
        "damaged.qcow2.gz": damaged(packed.gzip.compress(image)),
        "cut.qcow2.gz": packed.gzip.compress(image)[:30],
        "cut.img.tar": packed.tar([("vm.qcow2", image)])[:1024 + 5000],
        "cut.qcow2.zip": packed.zipped([("vm.qcow2", image)])[:-30],
        "empty.qcow2.gz": b"",
        "unknown.qcow2.xz": b"no such thing\n" * 100,
        "kind.qcow2.rar": b"Rar!\x1a\x07\x01\0" + b"\0" * 1000,
        "secret.qcow2.gpg": b"\x85\x01\x0c\x03" + b"\x5a" * 1000,
        "many.img.tar": packed.tar([(f"{number}.txt", b"x") for number in range(101)]),
        "header.qcow2.gz": packed.gzip.compress(image[:16] + b"\xff" * 400 + image[416:]),
        "deep.ova": packed.tar([("a.tar", packed.tar([("b.tar", packed.tar([("c.gz", packed.gzip.compress(image))]))]))]),
    }
    for name, data in bad.items():
        site = case.site()
        os.unlink(lay(site))
        site.scan()
        case.same(verdict(site), FREE, f"{name}: without it the base is proven unused")
        put(site.path(name), data)
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings(), subjects(site)[:1]),
                  (3, DOUBTED, {("packed-unreadable", name)}, [site.path(name)]), f"{name} may name anything", scan.notes())
        again = site.scan()
        case.same((again.code, again.stats["bytes read"], verdict(site)), (3, 0, DOUBTED),
                  f"{name}: unchanged, it is not opened again, and still may", again.notes())
        os.unlink(site.path(name))
        site.scan()
        case.same((verdict(site), site.findings()), (FREE, set()), f"{name}: deleted, it does not")


def test_what_is_odd_and_can_be_opened_is_no_finding(case):
    """The near misses of the above."""
    image = packed.qcow2("elsewhere.qcow2")
    good = {
        "tail.qcow2.gz": packed.gzip.compress(image + os.urandom(1 << 20))[:-5000],  # its header can be read
        "empty-image.qcow2.gz": packed.gzip.compress(b""),
        "many.img.tar": packed.tar([(f"{number}.txt", b"x") for number in range(100)]),
        "text.qcow2.gz": packed.gzip.compress(b"no image\n" * 100),
        "raw.img.gz": packed.gzip.compress(os.urandom(65536)),
        "deep.ova": packed.tar([("a.tar", packed.tar([("b.gz", packed.gzip.compress(image))]))]),
    }
    for name, data in good.items():
        site = case.site()
        os.unlink(lay(site))
        put(site.path(name), data)
        scan = site.scan()
        case.same((scan.code, verdict(site), site.findings()), (0, FREE, set()), f"{name} is understood", scan.notes())


def test_what_is_encrypted_may_name_anything(case):
    for name, command in {"vm.qcow2.zip": ["zip", "-qmP", "word", "vm.qcow2.zip", "vm.qcow2"],
                          "vm.qcow2.7z": ["7z", "a", "-bso0", "-pword", "vm.qcow2.7z", "vm.qcow2"],
                          "vm.qcow2.names.7z": ["7z", "a", "-bso0", "-pword", "-mhe=on", "vm.qcow2.names.7z", "vm.qcow2"]}.items():
        if reason := harness.missing_tools(command[0]):
            case.skip(f"{name}, encrypted, may name anything", reason)
            continue
        site = case.site()
        overlay = lay(site)
        in_directory(site, *command)
        if os.path.exists(overlay):
            os.unlink(overlay)
        scan = site.scan()
        detail = site.value("SELECT detail FROM v_finding WHERE code = 'packed-unreadable'")
        case.check(scan.code == 3 and verdict(site) == DOUBTED and "encrypted" in (detail or ""),
                   f"{name}, encrypted, may name anything", [str(detail), *scan.notes()])


def test_without_the_library_nothing_is_proven_until_it_is_there(case):
    site = case.site()
    overlay = lay(site)
    must("gzip", overlay)
    put(site.outside("libarchive.so.13"), b"no library")
    site.prefix = ["env", "LD_LIBRARY_PATH=" + site.outside()]
    scan = site.scan()
    case.same((scan.code, verdict(site), site.findings()), (3, DOUBTED, {("packed-unreadable", "vm.qcow2.gz")}),
              "without libarchive a packed image may name anything", scan.notes())
    site.prefix = []
    scan = site.scan()
    case.same((scan.code, site.findings(), subjects(site)), (0, set(), [site.path("vm.qcow2.gz")]),
              "with it, the unchanged file is opened", scan.notes())


def test_bombs_are_given_up_within_bounds(case):
    """What is unpacked is bounded, in bytes and so in time; memory is that of a few blocks."""
    site = case.site()
    overlay = lay(site)
    if reason := harness.missing_tools("zstd", "bsdtar"):
        case.skip("bombs are bounded", reason)
        return
    huge = site.outside("huge.raw")
    with open(huge, "wb") as file:
        file.truncate(600 << 20)
    shutil.copy(overlay, site.outside("vm.qcow2"))
    os.unlink(overlay)
    must("sh", "-c", 'cd "$0" && tar cf - huge.raw vm.qcow2 | zstd -q > "$1"', site.outside(), site.path("bomb.img.tar.zst"))
    must("zstd", "-q", huge, "-o", site.path("plain.img.zst"))
    must("sh", "-c", 'zstd -qc "$0" | zstd -q > "$1"', huge, site.path("twice.img.zst.zst"))
    must("sh", "-c", 'cd "$0" && bsdtar --format 7zip --options compression=deflate -cf "$1" huge.raw vm.qcow2', site.outside(), site.path("bomb.img.7z"))
    outcome = subprocess.run(["sh", "-c", 'ulimit -t 30; exec "$0" "$@"', site.imgaudit, "scan", "--db", site.db, sites.TRUST_LOCKS, "--min-age", "0", "--inventory", "none", site.root],
                             capture_output=True, text=True, check=False, timeout=120)
    case.same((outcome.returncode, site.findings()), (3, {("packed-unreadable", "bomb.img.tar.zst"), ("packed-unreadable", "bomb.img.7z")}),
              "archives are given up, what is only compressed costs its beginning", outcome.stderr.splitlines())
    case.same(verdict(site), DOUBTED, "what was not reached may name anything")


# -- Beside other rules -----------------------------------------------------------------------------------------------

def test_a_base_that_was_moved_is_known_by_its_name(case):
    site = case.site()
    overlay = lay(site)
    must("gzip", overlay)
    os.makedirs(site.path("moved"))
    os.rename(site.path("base.qcow2"), site.path("moved/base.qcow2"))
    site.scan()
    case.check(is_doubted(site, "moved/base.qcow2"), "a base that was moved away under a packed overlay has its name still")
    os.rename(site.path("moved/base.qcow2"), site.path("moved/gold.qcow2"))
    site.scan()
    case.check(is_doubted(site, "moved/gold.qcow2"), "one that was renamed was named by what is packed now")
    os.rename(site.path("vm.qcow2.gz"), site.path("other.qcow2.gz"))
    site.scan()
    case.check(is_doubted(site, "moved/gold.qcow2"), "which is the same one under another name")
    os.unlink(site.path("other.qcow2.gz"))  # one that is written over was made before the base was renamed
    put(site.path("other.qcow2.gz"), packed.gzip.compress(packed.qcow2("elsewhere.qcow2")))
    site.scan()
    case.check(not is_doubted(site, "moved/gold.qcow2"), "and another one with another content")


def test_another_base_is_not_kept(case):
    site = case.site()
    overlay = lay(site)
    create(site.path("new.qcow2"), MIB)
    must("qemu-img", "rebase", "-q", "-u", "-b", "new.qcow2", "-F", "qcow2", overlay)
    must("gzip", overlay)
    site.scan()
    case.same(verdict(site), FREE, "a packed overlay of another base keeps that one")


def test_a_data_file_is_kept_as_a_base_is(case):
    """A data file is named in the same way; a raw one may be a base as well."""
    site = case.site()
    make_raw(site.path("data.raw"))
    os.unlink(create(site.path("over.qcow2"), MIB, "data.raw", "raw"))
    create(site.path("over.qcow2"), MIB, "data.raw", "raw")
    site.scan()
    os.unlink(site.path("over.qcow2"))
    site.scan()
    case.same(verdict(site, "data.raw"), FREE, "an orphan that is raw")
    create(site.path("vm.qcow2"), MIB, options=["data_file=" + site.path("vm.raw"), "data_file_raw=on"])
    os.rename(site.path("data.raw"), site.path("vm.raw"))
    must("gzip", site.path("vm.qcow2"))
    site.scan()
    case.check(is_doubted(site, "vm.raw"), "the data file of a packed image is kept")


def test_every_file_of_a_description_is_kept(case):
    """Every local file in a description counts, and a service of this host may serve any."""
    site = case.site()
    os.unlink(lay(site))
    below = {"driver": "qcow2", "file": {"driver": "nbd", "host": "storage.example", "export": "x"},
             "backing": {"driver": "qcow2", "file": {"driver": "file", "filename": site.path("base.qcow2")}}}
    put(site.path("vm.qcow2.gz"), packed.gzip.compress(packed.qcow2("json:" + json.dumps(below))))
    site.scan()
    case.same(verdict(site), DOUBTED, "a base inside the description of a packed image")
    again = site.scan()
    case.same((again.stats["bytes read"], verdict(site)), (0, DOUBTED), "and again, from the store", again.notes())
    put(site.path("vm.qcow2.gz"), packed.gzip.compress(packed.qcow2("nbd+unix:///x?socket=/run/x")))
    site.scan()
    case.same((verdict(site)[1:], {code for code, _ in site.findings()}), (("unproven", "local-service"), {"served-locally"}),
              "a service of this host")
    put(site.path("vm.qcow2.gz"), packed.gzip.compress(packed.qcow2("nbd://storage.example/x")))
    site.scan()
    case.same((verdict(site), site.findings()), (FREE, set()), "another host's service")


DESCRIPTOR = """<?xml version='1.0' encoding='UTF-8'?>
<Parallels_disk_image Version="1.0"><Disk_Parameters><Disk_size>2048</Disk_size><Padding>0</Padding></Disk_Parameters>
<StorageData><Storage><Start>0</Start><End>2048</End><Blocksize>2048</Blocksize>
<Image><GUID>{5fbaabe3-6958-40ff-92a7-860e329aab41}</GUID><Type>Compressed</Type><File>base.hds</File></Image></Storage></StorageData>
<Snapshots><Shot><GUID>{5fbaabe3-6958-40ff-92a7-860e329aab41}</GUID><ParentGUID>{00000000-0000-0000-0000-000000000000}</ParentGUID></Shot></Snapshots>
<!--%s--></Parallels_disk_image>
"""


def test_a_compressed_description_of_a_bundle_is_read(case):
    """Of which nobody states how long it is."""
    for filler, expected in ((0, (0, set())), ((1 << 20) + 1, (3, {("packed-unreadable", "DiskDescriptor.xml.gz")}))):
        site = case.site()
        base = write(create(site.path("base.hds"), MIB, format="parallels"), 0, format="parallels")
        over = create(site.path("over.qcow2"), MIB, base, backing_format="parallels")
        site.scan()
        os.unlink(over)
        put(site.path("DiskDescriptor.xml.gz"), packed.gzip.compress((DESCRIPTOR % (filler * "x")).encode()))
        scan = site.scan()
        case.same((scan.code, site.findings(), verdict(site, "base.hds")), (*expected, DOUBTED), f"with {filler} bytes more", scan.notes())
        detail = site.value("SELECT detail FROM v_finding WHERE code = 'packed-unreadable'")
        case.same(detail, "disk descriptor of more than 1048576 bytes" if filler else None, "the number is right")


def test_an_archive_used_as_raw_is_looked_into(case):
    """QEMU can use a member of an archive as it is: the archive is an image then, and still holds others."""
    site = case.site()
    overlay = lay(site)
    in_directory(site, "tar", "cf", "vm.ova", "--remove-files", "vm.qcow2")
    create(site.path("top.qcow2"), MIB, "vm.ova", "raw")
    site.scan()
    case.same((site.value("SELECT format FROM v_image WHERE path = ?", site.path("vm.ova")), verdict(site)), ("raw", DOUBTED),
              "an archive that is used as a raw image keeps what its members name")
    again = site.scan()
    case.same((again.stats["parsed"], verdict(site)), (0, DOUBTED), "and is taken over as it was", again.notes())
    case.check(not os.path.exists(overlay), "the overlay is in the archive alone")


def test_names_lead_nowhere_outside_of_the_roots(case):
    """Names in packed images open nothing, and lead nowhere outside of the roots."""
    site = case.site()
    os.unlink(lay(site))
    create(site.outside("secret.qcow2"), MIB)
    put(site.path("vm.qcow2.gz"), packed.gzip.compress(packed.qcow2(site.outside("secret.qcow2"))))
    put(site.path("up.img.tar"), packed.tar([("../../vm.qcow2", packed.qcow2("../../../base.qcow2"))]))
    scan = site.scan()
    case.same((scan.code, site.query("SELECT state FROM v_packed ORDER BY path")), (0, [("missing",), ("outside",)]),
              "they are names, no more", scan.notes() + [str(site.query("SELECT * FROM v_packed"))])


def test_packed_images_that_are_not_scanned_are_missed(case):
    """What is not scanned any more is not forgotten."""
    site = case.site()
    overlay = lay(site)
    must("gzip", overlay)
    away = site.path("..", "archive")
    os.makedirs(away)
    os.rename(overlay + ".gz", os.path.join(away, "vm.qcow2.gz"))
    site.scan(roots=[site.root, away])
    site.scan()
    case.same((verdict(site)[1], {code for code, _ in site.findings()}), ("unproven", {"no-longer-scanned"}),
              "a directory of packed images that is no root any more is a finding")


TESTS = [test_an_overlay_of_each_packer_keeps_its_base, test_what_is_proven_can_go_and_the_overlay_be_unpacked,
         test_each_member_keeps_its_own_base, test_a_member_in_a_directory_is_followed_from_there,
         test_a_packed_overlay_reads_what_others_mask, test_a_large_image_is_opened_by_its_head_alone,
         test_what_is_packed_twice_is_opened, test_an_image_counts_whatever_the_packed_file_is_called,
         test_what_cannot_be_opened_counts_where_its_name_shows_an_image, test_other_names_are_looked_at_in_their_beginning_alone,
         test_a_raw_image_that_begins_as_an_archive_does_is_looked_into,
         test_what_is_called_after_an_image_is_opened, test_what_is_called_after_a_former_image_may_be_that,
         test_a_packed_ova_counts_as_one, test_an_image_in_an_archive_that_is_not_read_may_name_anything,
         test_what_cannot_be_opened_may_name_anything,
         test_what_is_odd_and_can_be_opened_is_no_finding, test_what_is_encrypted_may_name_anything,
         test_without_the_library_nothing_is_proven_until_it_is_there, test_bombs_are_given_up_within_bounds,
         test_a_base_that_was_moved_is_known_by_its_name,
         test_another_base_is_not_kept, test_a_data_file_is_kept_as_a_base_is, test_every_file_of_a_description_is_kept, test_a_compressed_description_of_a_bundle_is_read,
         test_an_archive_used_as_raw_is_looked_into, test_names_lead_nowhere_outside_of_the_roots,
         test_packed_images_that_are_not_scanned_are_missed]


if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Overlays that are compressed or in archives.", TESTS))
