# SPDX-License-Identifier: MIT
# `report --unused-backing`: people delete files on its word. What is listed, with which verdict, and why not
# proven; every way in which an image can reach a file must keep that file from being called unused.

import os
import shutil

import harness
from harness import CLUSTER, MIB, Holder, Mounts, Site, checksum, create, make_raw, must, patch, qemu_io, qemu_map, write

CLUSTERS = MIB // CLUSTER
PROVEN = ("unreferenced", "proven")
UNPROVEN = ("unreferenced", "unproven")
NOTHING = ("contributes-nothing", "proven")
GLOB = ("--backing-glob", "*base*")


def verdict(site, name):
    """(status, verdict) of a file by its name below the root; None where it is not listed."""
    row = site.unused().get(name)
    return row and (row["status"], row["verdict"])


def scanned(site, *options, **how):
    scan = site.scan(*options, **how)
    if scan.code not in (0, 3):
        raise harness.ToolError(f"scan: {scan.notes()}")
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

def test_orphan(case):
    site = case.site()
    base = make_orphan(site)
    started = site.value("SELECT started FROM v_scan WHERE scan_id = 1")
    create(site.path("alone.qcow2"), MIB)
    make_raw(site.path("alone.img"))
    scan = scanned(site)
    case.same(scan.code, 0, "the scan has nothing to complain about", scan.notes())
    rows = site.unused()
    case.same(set(rows), {"base.qcow2"}, "an orphan is listed; disks that merely stand alone are not")
    row = rows["base.qcow2"]
    case.same((row["status"], row["verdict"], row["why"]), (*PROVEN, None), "as unreferenced and proven")
    case.same((row["last_referenced"], row["referenced_by"]), (started, site.path("gone-overlay.qcow2")),
              "with the scan that last saw it referenced, and by whom")
    case.check("scan 1" in row["evidence"] and "gone-overlay.qcow2" in row["evidence"], "which is the evidence", [row["evidence"]])
    case.same((row["disk_size"], row["virtual_size"], row["names"]), (os.stat(base).st_blocks * 512, MIB, 1),
              "sizes and names are what stat and qemu-img say")
    for _ in range(3):
        scanned(site, "--keep", "1")
    check_verdict(case, site, "base.qcow2", PROVEN, "it is remembered over many scans, whatever history is kept")
    os.rename(base, site.path("elsewhere", "template.qcow2"))
    scanned(site)
    check_verdict(case, site, "elsewhere/template.qcow2", PROVEN, "and when it is moved")
    create(site.path("elsewhere", "again.qcow2"), MIB, "template.qcow2")
    scanned(site)
    case.same(site.unused(), {}, "once it is used again it is not listed")


def test_written_orphan(case):
    """A template that somebody starts as a disk of its own is no leftover."""
    site = case.site()
    base = make_orphan(site)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "an orphan that nobody touched is proven")
    write(base, 5)
    scanned(site)
    check_verdict(case, site, "base.qcow2", UNPROVEN, "an orphan that was written to since is not", ["written to"])


def test_raw_orphan(case):
    """A raw base without a suffix is known only because something named it."""
    site = case.site()
    make_orphan(site, "base", "raw")
    scanned(site)
    check_verdict(case, site, "base", PROVEN, "an orphaned raw base without a suffix")
    scanned(site)
    check_verdict(case, site, "base", PROVEN, "still, one scan later")


def test_conventions(case):
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

def direct(site):
    create(site.path("vms", "deep", "over.qcow2"), MIB, "../../base.qcow2")


def absolute(site):
    create(site.path("vms", "over.qcow2"), MIB, site.path("base.qcow2"))


def file_name(site):
    create(site.path("vms", "over.qcow2"), MIB, "file:" + site.path("base.qcow2"))


def json_name(site):
    create(site.path("vms", "over.qcow2"), MIB,
           'json:{"driver":"qcow2","file":{"driver":"file","filename":"%s"}}' % site.path("base.qcow2"), None)


def through_others(site):
    create(site.path("mid.qcow2"), MIB, "base.qcow2")
    create(site.path("vms", "top.qcow2"), MIB, "../mid.qcow2")
    create(site.path("vms", "head.qcow2"), MIB, "top.qcow2")


def hard_link(site):
    os.link(site.path("base.qcow2"), site.path("links", "other-name.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, "../links/other-name.qcow2")


def symlink(site):
    os.symlink("../base.qcow2", site.path("links", "current.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, "../links/current.qcow2")


def symlink_chain(site):
    os.symlink("two", site.path("links", "one"))
    os.symlink("../base.qcow2", site.path("links", "two"))
    create(site.path("links", "over.qcow2"), MIB, "one")


def symlinked_directory(site):
    os.symlink("..", site.path("vms", "up"))
    create(site.path("vms", "over.qcow2"), MIB, "up/base.qcow2")


def dots(site):
    site.path("vms", "x")
    create(site.path("over.qcow2"), MIB, "./vms/..//vms/../base.qcow2")


def alias_symlink(site):
    """over.qcow2 is on vms/base.qcow2; by its name in the root it is on the base in the root."""
    write(create(site.path("vms", "base.qcow2"), MIB), 9)
    create(site.path("vms", "over.qcow2"), MIB, "base.qcow2")
    os.symlink("vms/over.qcow2", site.path("over.qcow2"))


def alias_hard_link(site):
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "over.qcow2"), MIB, "base.qcow2")
    os.link(site.path("a-first", "over.qcow2"), site.path("over.qcow2"))


def alias_of_a_middle(site):
    """The head names mid by a symlink; from there mid's own relative name leads to the base."""
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    os.symlink("a-first/mid.qcow2", site.path("mid.qcow2"))
    create(site.path("vms", "head.qcow2"), MIB, "../mid.qcow2")


def link_outside_in(site):
    """The name lies outside the roots, the file inside."""
    os.symlink(site.path("base.qcow2"), site.outside("template.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, site.outside("template.qcow2"))


def middle_outside_in(site):
    """The head names mid by a symlink outside the roots; beside that, mid's own relative name leads to the base."""
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    os.symlink(site.path("a-first", "mid.qcow2"), site.outside("mid.qcow2"))
    os.symlink(site.path("base.qcow2"), site.outside("base.qcow2"))
    create(site.path("vms", "head.qcow2"), MIB, site.outside("mid.qcow2"))


def stated_raw(site):
    """Said to be raw: then a guest sees the qcow2 file itself, and needs it all the more."""
    create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2", "raw")


def no_format(site):
    create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2", None)


def part_of_a_disk(site):
    create(site.path("vms", "over.qcow2"), MIB,
           'json:{"driver":"raw","offset":65536,"size":65536,"file":{"driver":"file","filename":"%s"}}' % site.path("base.qcow2"),
           None)


def backing_in_json(site):
    """The base of the middle is stated in the head's own name for the middle, and differs from what the middle says."""
    create(site.path("mid.qcow2"), MIB)
    node = '{"driver":"qcow2","file":{"driver":"file","filename":"%s"}%s}'
    inner = ',"backing":' + node % (site.path("base.qcow2"), "")
    create(site.path("vms", "head.qcow2"), MIB, "json:" + node % (site.path("mid.qcow2"), inner), None)


def working_directory(site):
    create(site.path("vms", "over.qcow2"), MIB, "file:base.qcow2", "raw")


def below_a_conflict(site):
    """One overlay takes mid for raw, another for qcow2; only the second needs the base."""
    create(site.path("mid.qcow2"), MIB, "base.qcow2")
    create(site.path("a.qcow2"), MIB, "mid.qcow2", "raw")
    create(site.path("b.qcow2"), MIB, "mid.qcow2", "qcow2")


def below_a_conflict_by_hard_link(site):
    """The same; the second takes mid by a hard link, from which its relative name leads to another base."""
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    create(site.path("a-first", "base.qcow2"), MIB)
    os.link(site.path("a-first", "mid.qcow2"), site.path("mid.qcow2"))
    create(site.path("a-first", "a.qcow2"), MIB, "mid.qcow2", "raw")
    create(site.path("b.qcow2"), MIB, "mid.qcow2", "qcow2")


def corrupt_overlay(site):
    """Its tables cannot be read, its header names the base all the same."""
    over = create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2")
    patch(over, 40, (1 << 40).to_bytes(8, "big"))


def overlay_without_data_file(site):
    over = site.path("vms", "over.qcow2")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={over}.data", over, "1M")
    must("qemu-img", "rebase", "-u", "-b", site.path("base.qcow2"), "-F", "qcow2", over)
    os.unlink(over + ".data")


def ring(site):
    """Images in a ring have no bottom, and still name each other."""
    must("qemu-img", "rebase", "-u", "-b", "mid.qcow2", "-F", "qcow2", site.path("base.qcow2"))
    create(site.path("mid.qcow2"), MIB, "base.qcow2")


def encrypted(site):
    must("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=x", "-o",
         "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", "-u", "-b", site.path("base.qcow2"), "-F", "qcow2",
         site.path("over.qcow2"), "1M")


def odd_suffix(site):
    create(site.path("vms", "backup.2024-01-01.old"), MIB, "../base.qcow2")


REACHED = [
    ("an overlay elsewhere by a relative name", direct), ("by an absolute name", absolute), ("by a file: name", file_name),
    ("by a json: name", json_name), ("through others", through_others), ("by a hard link in another directory", hard_link),
    ("by a symlink", symlink), ("by a chain of symlinks", symlink_chain), ("through a symlinked directory", symlinked_directory),
    ("by a name with dots and slashes", dots), ("by an overlay that is seen through a symlink elsewhere", alias_symlink),
    ("by an overlay that has a hard link elsewhere", alias_hard_link),
    ("by an image in the middle that is named through a symlink", alias_of_a_middle),
    ("by a symlink outside the roots that leads back in", link_outside_in),
    ("by an image in the middle that is named through a symlink outside the roots", middle_outside_in),
    ("by an overlay that takes it for raw", stated_raw), ("by an overlay that states no format", no_format),
    ("as a part of a disk", part_of_a_disk), ("by a backing file inside a json: name", backing_in_json),
    ("by a name relative to a working directory", working_directory), ("below an image that is taken for two formats", below_a_conflict),
    ("below an image of two names that is taken for two formats", below_a_conflict_by_hard_link),
    ("by an overlay with broken tables", corrupt_overlay), ("by an overlay whose data file is gone", overlay_without_data_file),
    ("by a ring that it is part of", ring), ("by an encrypted overlay", encrypted), ("by an image without a suffix of images", odd_suffix),
]


def test_reached(case):
    for what, build in REACHED:
        site = case.site()
        write(create(site.path("base.qcow2"), MIB), 0, 1)
        scanned(site, *GLOB)
        control = verdict(site, "base.qcow2")
        build(site)
        for turn in ("", ", also in a second scan"):
            scan = scanned(site, *GLOB)
            now = verdict(site, "base.qcow2")
            case.check(control == PROVEN and now not in (PROVEN, NOTHING),
                       f"a base reached {what} is not proven unused{turn}",
                       [f"alone: {control}, then {now}", *scan.notes(), *map(str, site.query("SELECT * FROM reference"))])
        anew = Site(case.imgaudit, site.directory)
        anew.db = os.path.join(case.fresh(), "anew.db")
        scanned(anew, *GLOB)
        case.check(verdict(anew, "base.qcow2") not in (PROVEN, NOTHING), "nor by a first scan")


def test_reached_by_hard_link_outside(case):
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


def test_bind_mounts(case):
    if reason := harness.why_no_mounts():
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


def test_renamed_away(case):
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


def test_data_files(case):
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

def spoil_unreadable_directory(site):
    os.makedirs(site.path("closed", "sub"))
    os.chmod(site.path("closed"), 0)
    return "closed"


def spoil_unreadable_file(site):
    create(site.path("closed.qcow2"), MIB)
    os.chmod(site.path("closed.qcow2"), 0)
    return "closed.qcow2"


def spoil_unsupported(site):
    with open(site.path("disk.vmdk"), "wb") as file:
        file.write(b"KDMV".ljust(4096, b"\0"))
    return "disk.vmdk"


def spoil_new_version(site):
    create(site.path("new.qcow2"), MIB)
    patch(site.path("new.qcow2"), 4, (4).to_bytes(4, "big"))
    return "new.qcow2"


def spoil_corrupt(site):
    create(site.path("corrupt.qcow2"), MIB)
    patch(site.path("corrupt.qcow2"), 8, (8).to_bytes(8, "big") + (100000).to_bytes(4, "big"))
    return "corrupt.qcow2"


def spoil_truncated(site):
    write(create(site.path("short.qcow2"), MIB), 0)
    os.truncate(site.path("short.qcow2"), 2 * CLUSTER)
    return "short.qcow2"


def spoil_empty(site):
    open(site.path("empty.qcow2"), "wb").close()
    return "empty.qcow2"


def spoil_unrecognised(site):
    make_raw(site.path("what.vdi"), 4096)
    return "what.vdi"


def spoil_missing(site):
    """Whatever stood there may have had the orphan as its own base."""
    create(site.path("lost.qcow2"), MIB, "nowhere.qcow2")
    return "lost.qcow2"


def spoil_outside(site):
    create(site.outside("foreign.qcow2"), MIB, site.path("base.qcow2"))
    create(site.path("leads-out.qcow2"), MIB, site.outside("foreign.qcow2"))
    return "leads-out.qcow2"


def spoil_symlink_outside(site):
    create(site.outside("foreign.qcow2"), MIB, site.path("base.qcow2"))
    os.symlink(site.outside("foreign.qcow2"), site.path("link.qcow2"))
    return "link.qcow2"


def spoil_directory_outside(site):
    create(site.outside("dir", "foreign.qcow2"), MIB, site.path("base.qcow2"))
    os.symlink(site.outside("dir"), site.path("linked-dir"))
    return "linked-dir"


def spoil_quorum(site):
    create(site.path("quorum.qcow2"), MIB, 'json:{"driver":"quorum","children":["a","b"],"vote-threshold":1}', None)
    return "quorum.qcow2"


def spoil_nothing(site):
    """A FIFO, a text file, a missing raw base, a data file that is gone: nothing of that can name a backing file."""
    os.mkfifo(site.path("pipe.qcow2"))
    with open(site.path("notes.txt"), "w", encoding="utf-8") as file:
        file.write("base.qcow2 is the template\n")
    create(site.path("raw-lost.qcow2"), MIB, "nowhere.img", "raw")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('d')}", site.path("no-data.qcow2"), "1M")
    os.unlink(site.path("d"))


SPOILED = [
    ("a file of a format that is not read", spoil_unsupported), ("a qcow2 image of a newer version", spoil_new_version),
    ("a corrupt image", spoil_corrupt), ("a truncated image", spoil_truncated), ("an empty x.qcow2", spoil_empty),
    ("an x.vdi that is none", spoil_unrecognised), ("a missing qcow2 base", spoil_missing),
    ("a reference out of the roots", spoil_outside), ("a symlink out of the roots", spoil_symlink_outside),
    ("a symlinked directory out of the roots", spoil_directory_outside), ("a reference that is not followed", spoil_quorum),
]
SPOILED_WITHOUT_RIGHTS = [("a directory that cannot be listed", spoil_unreadable_directory),
                          ("a file that cannot be read", spoil_unreadable_file)]


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
               f"{what}: an orphan is not proven, and the row says why", [f"before: {control}", f"now: {row}", *scan.notes()])
    path = site.path(culprit)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o755)
        shutil.rmtree(path)
    else:
        os.unlink(path)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "and is once that is gone")


def test_spoiled(case):
    for what, spoil in SPOILED:
        check_spoiled(case, case.site(), what, spoil)
    for what, spoil in SPOILED_WITHOUT_RIGHTS:
        site, reason = harness.powerless_site(case.imgaudit, case.fresh())
        if reason:
            case.skip(f"{what}: an orphan is not proven", reason)
        else:
            check_spoiled(case, site, what, spoil)


def test_not_spoiled(case):
    site = case.site()
    make_orphan(site)
    spoil_nothing(site)
    scan = scanned(site)
    case.same(scan.code, 3, "a FIFO, a missing raw base and a missing data file are findings", scan.notes())
    check_verdict(case, site, "base.qcow2", PROVEN, "that hide no reference: the orphan is proven")


def test_excluded(case):
    site = case.site()
    make_orphan(site)
    create(site.path("skipped", "over.qcow2"), MIB, "../base.qcow2")
    scanned(site, "--exclude", "skipped")
    check_verdict(case, site, "base.qcow2", UNPROVEN, "what is excluded may use it", [site.path("skipped")])
    scanned(site)
    case.same(site.unused(), {}, "as it does here")


def test_fewer_roots(case):
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

def test_in_use(case):
    site = case.site()
    base = make_orphan(site)
    scanned(site)
    check_verdict(case, site, "base.qcow2", PROVEN, "an orphan that nobody has open is proven")
    with Holder(base):
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "one that QEMU writes to is not", ["in use"])
        case.same(site.value("SELECT in_use FROM v_image WHERE path = ?", base), 1, "v_image says that it is in use")
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


def test_locks_are_not_taken(case):
    """QEMU can open an image for writing while a scan reads it, and a scan reads one that QEMU writes."""
    site = case.site()
    path = write(create(site.path("a.qcow2"), MIB), 0, 2)
    with Holder(path):
        scan = scanned(site)
        case.same((scan.code, site.value("SELECT count(*) FROM v_extent")), (0, 2), "an image that QEMU has open is read", scan.notes())
    write(path, 4)
    case.same(scanned(site).code, 0, "and QEMU can write to it afterwards")


# -- Contributes nothing ----------------------------------------------------------------------------------------------

def noise(base):
    """Overwrites every byte of data that a base holds; its tables stay."""
    pieces = [entry for entry in qemu_map(base) if entry["data"] and "offset" in entry]
    for entry in pieces:
        patch(base, entry["offset"], os.urandom(entry["length"]))
    return sum(entry["length"] for entry in pieces)


def fill(image, first=0, last=CLUSTERS, pattern=7):
    qemu_io(image, f"write -q -P {pattern} {first * CLUSTER} {(last - first) * CLUSTER}")
    return image


def over_base(site, name="over.qcow2", base="base.qcow2", size=MIB, **how):
    return create(site.path(name), size, base, **how)


def cover_fully(site):
    return [fill(over_base(site))]


def cover_with_zeroes(site):
    over = over_base(site)
    qemu_io(over, f"write -q -z 0 {MIB}")
    return [over]


def cover_with_zeroes_unmapped(site):
    over = fill(over_base(site))
    qemu_io(over, f"write -q -z -u 0 {MIB}")
    return [over]


def cover_compressed(site):
    over = over_base(site)
    qemu_io(over, *[f"write -q -c -P 3 {number * CLUSTER} {CLUSTER}" for number in range(CLUSTERS)])
    return [over]


def cover_twice(site):
    return [fill(over_base(site)), fill(over_base(site, "second.qcow2"), pattern=9)]


def cover_shorter(site):
    """The overlay ends before the base: what lies behind is seen by nobody."""
    return [fill(over_base(site, size=MIB // 2), last=CLUSTERS // 2)]


def cover_longer(site):
    return [fill(over_base(site, size=2 * MIB))]


def cover_where_data_is(site):
    """The base has data in its first half only, and just that is covered."""
    os.unlink(site.path("base.qcow2"))
    fill(create(site.path("base.qcow2"), MIB), last=CLUSTERS // 2)
    return [fill(over_base(site), last=CLUSTERS // 2)]


def cover_by_the_middle(site):
    fill(over_base(site, "mid.qcow2"))
    return [over_base(site, "head.qcow2", "mid.qcow2"), write(over_base(site, "head2.qcow2", "mid.qcow2"), 3)]


def cover_by_two_together(site):
    fill(over_base(site, "mid.qcow2"), last=CLUSTERS // 2)
    return [fill(over_base(site, "head.qcow2", "mid.qcow2"), CLUSTERS // 2)]


def cover_subclusters(site):
    over = over_base(site, options=["extended_l2=on"])
    qemu_io(over, *[f"write -q -P 4 {place} 32k" for place in range(0, MIB, 32 * 1024)])
    return [over]


def cover_then_snapshot(site):
    over = fill(over_base(site))
    must("qemu-img", "snapshot", "-c", "full", over)
    return [write(over, 3)]


def leave_one_cluster(site):
    return [fill(over_base(site), last=CLUSTERS - 1)]


def leave_one_sector(site):
    over = over_base(site, options=["extended_l2=on", "cluster_size=64k"])
    qemu_io(over, *[f"write -q -P 4 {place} 2k" for place in range(0, MIB, 2048) if place != 600 * 1024])
    return [over]


def leave_to_another(site):
    return [fill(over_base(site)), over_base(site, "second.qcow2")]


def discard(over):
    must("qemu-io", "-d", "unmap", "-f", "qcow2", "-c", f"discard -q {4 * CLUSTER} {CLUSTER}", over)
    return [over]


def cover_then_discard(site):
    return discard(fill(over_base(site)))


def cover_then_discard_v2(site):
    """Version 2 has no zero clusters: to keep the base hidden, QEMU leaves the data."""
    return discard(fill(over_base(site, options=["compat=0.10"])))


def leave_by_hand(site):
    """Takes the last cluster away again, as older versions of QEMU did on a discard."""
    over = fill(over_base(site, options=["compat=0.10"]))
    with open(over, "rb") as file:
        file.seek(40)
        file.seek(int.from_bytes(file.read(8), "big"))
        table = int.from_bytes(file.read(8), "big") & 0x00FFFFFFFFFFFE00
    patch(over, table + 8 * (CLUSTERS - 1), bytes(8))
    return [over]


def leave_to_a_snapshot(site):
    """The disk covers all, the snapshot taken before that covers nothing."""
    over = over_base(site)
    must("qemu-img", "snapshot", "-c", "before", over)
    return [fill(over)]


def leave_to_a_longer_snapshot(site):
    """The disk has shrunk; the snapshot has its old length and sees the base's second half."""
    over = fill(over_base(site), last=CLUSTERS // 2)
    must("qemu-img", "snapshot", "-c", "long", over)
    must("qemu-img", "resize", "-q", "--shrink", over, str(MIB // 2))
    return [over]


def leave_to_a_snapshot_below(site):
    """The snapshot is in the middle image, whose disk covers all."""
    mid = over_base(site, "mid.qcow2")
    must("qemu-img", "snapshot", "-c", "before", mid)
    fill(mid)
    return [mid, over_base(site, "head.qcow2", "mid.qcow2")]


COVERS = [
    ("wholly overwritten by its only overlay", cover_fully, True), ("covered by zeroes", cover_with_zeroes, True),
    ("covered by zeroes without clusters", cover_with_zeroes_unmapped, True), ("covered by compressed clusters", cover_compressed, True),
    ("covered by two overlays", cover_twice, True), ("covered by a shorter overlay", cover_shorter, True),
    ("covered by a longer overlay", cover_longer, True), ("covered where it has data", cover_where_data_is, True),
    ("covered by the image between", cover_by_the_middle, True), ("covered by two images together", cover_by_two_together, True),
    ("covered subcluster by subcluster", cover_subclusters, True), ("covered in the disk and in its snapshot", cover_then_snapshot, True),
    ("covered but for one cluster", leave_one_cluster, False), ("covered but for one subcluster", leave_one_sector, False),
    ("covered by one overlay and not by another", leave_to_another, False),
    ("covered, with a discard above it", cover_then_discard, True),
    ("covered, with a discard in a version 2 image above it", cover_then_discard_v2, True),
    ("covered once, with a cluster taken away again", leave_by_hand, False), ("needed by a snapshot", leave_to_a_snapshot, False),
    ("needed by a snapshot longer than the disk", leave_to_a_longer_snapshot, False),
    ("needed by a snapshot of the image between", leave_to_a_snapshot_below, False),
]


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


def test_covers(case):
    for form in ("qcow2", "raw"):
        for what, build, expected in COVERS:
            if form == "raw" and "where it has data" in what:
                continue  # a raw file has its data everywhere
            site = case.site()
            name = "base.qcow2"  # the name says nothing; overlays state the format
            if form == "raw":
                make_raw(site.path(name))
            else:
                fill(create(site.path(name), MIB), pattern=5)
            heads = build_with(site, build, form)
            scan = scanned(site)
            listed = verdict(site, name)
            before = all_contents(heads)
            overwritten = noise_in(site, name, form)
            changed = all_contents(heads) != before
            case.check(overwritten > 0 and None not in before.values() and changed == (not expected),
                       f"{form} base {what}: noise in it changes {'nothing' if expected else 'something'} that qemu-img reads",
                       [f"{overwritten} bytes of noise, changed: {changed}"])
            case.check(listed == (NOTHING if expected else None), f"and it is {'proven to contribute nothing' if expected else 'not listed'}",
                       [f"got {listed}", *scan.notes(), str(site.unused().get(name)), str(site.findings())])


def build_with(site, build, form):
    """The builders name a qcow2 base; with a raw one the format that the first layer states is another."""
    if form == "qcow2":
        return build(site)
    plain = globals()["over_base"]

    def over_raw(site, name="over.qcow2", base="base.qcow2", **how):
        return plain(site, name, base, **({"backing_format": "raw"} if base == "base.qcow2" else {}), **how)

    globals()["over_base"] = over_raw
    try:
        return build(site)
    finally:
        globals()["over_base"] = plain


def noise_in(site, name, form):
    if form == "qcow2":
        return noise(site.path(name))
    patch(site.path(name), 0, os.urandom(MIB))
    return MIB


def test_contributes_nothing_unproven(case):
    site = case.site()
    base = fill(create(site.path("base.qcow2"), MIB))
    cover_fully(site)
    scanned(site)
    check_verdict(case, site, "base.qcow2", NOTHING, "a covered base is proven to contribute nothing")
    row = site.unused()["base.qcow2"]
    case.check(site.path("over.qcow2") in row["evidence"], "and the evidence says who still names it", [row["evidence"]])
    with Holder(base, "-r"):
        scanned(site)
        check_verdict(case, site, "base.qcow2", ("contributes-nothing", "unproven"), "not while QEMU has it open", ["in use"])
    broken = over_base(site, "broken.qcow2")
    patch(broken, 40, (1 << 40).to_bytes(8, "big"))
    scanned(site)
    case.check(verdict(site, "base.qcow2") != NOTHING, "not when another overlay on it cannot be read", [str(site.unused())])
    os.unlink(broken)
    os.mkdir(site.path("elsewhere"))
    fill(create(site.path("elsewhere", "base.qcow2"), MIB))
    os.symlink("../over2.qcow2", site.path("elsewhere", "over2.qcow2"))
    fill(over_base(site, "over2.qcow2"), last=3)
    fill(site.path("over2.qcow2"))
    scanned(site)
    case.check(verdict(site, "base.qcow2") == NOTHING, "covered from both overlays it is proven again", [str(site.unused())])


def test_alias_contributes(case):
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


def test_unmounted(case):
    if reason := harness.why_no_mounts():
        return case.skip("a file system that is not mounted", reason)
    with Mounts() as mounts:
        site, stash, point = mount_site(case, mounts)
        case.same(site.unused(), {}, "a base that is used from another file system is not listed")
        mounts.undo(point)
        scan = scanned(site)
        case.same((scan.code, site.findings()), (3, {("mount-missing", "mnt")}), "a file system that is gone is a finding", scan.notes())
        check_verdict(case, site, "base.qcow2", UNPROVEN, "the base is not proven unused", [point])
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "nor in later scans", [point])
        os.rmdir(point)
        scanned(site)
        check_verdict(case, site, "base.qcow2", UNPROVEN, "nor when the mount point is gone, too", [point])
        mounts.bind(stash, point)
        scan = scanned(site)
        case.same((scan.code, site.findings(), site.unused()), (0, set(), {}), "when it is back, all is as it was", scan.notes())
        os.unlink(os.path.join(point, "sub-over.qcow2"))
        scanned(site)
        check_verdict(case, site, "base.qcow2", PROVEN, "an overlay that is deleted while its file system is there is gone")
    return None


def test_forgotten_mount(case):
    if reason := harness.why_no_mounts():
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


def test_unmounted_root(case):
    """The root itself is the mount point."""
    if reason := harness.why_no_mounts():
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
        check_verdict(case, site, "base.qcow2", UNPROVEN, "and the base is not proven unused", [point])
    return None


def test_exchanged_file_systems(case):
    """Two disks take turns at one mount point. Both have a file of the same name and inode number."""
    if reason := harness.why_no_mounts():
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


TESTS = [test_orphan, test_written_orphan, test_raw_orphan, test_conventions, test_reached, test_reached_by_hard_link_outside,
         test_bind_mounts, test_renamed_away, test_data_files, test_spoiled, test_not_spoiled, test_excluded, test_fewer_roots,
         test_in_use, test_locks_are_not_taken, test_covers, test_contributes_nothing_unproven, test_alias_contributes,
         test_unmounted, test_forgotten_mount, test_unmounted_root, test_exchanged_file_systems]

if __name__ == "__main__":
    harness.tap.main(lambda: harness.run_tests("--unused-backing.", TESTS))
