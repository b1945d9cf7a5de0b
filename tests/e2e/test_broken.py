#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Broken trees: loops, missing and unreadable files, things that are no files, damaged headers. Each gives
# a finding with its code and exit status 3, all the rest is recorded, and nothing hangs.

import os
import shutil
import socket
import stat
import struct

import harness
import sites
from builders import dmg, parallels
from sites import CLUSTER, KIB, MIB, create, make_raw, must, patch, write

TRUNCATIONS = 40
GARBAGE = 60
INCOMPATIBLE, CRYPT, L1_SIZE, L1_OFFSET, SNAPSHOTS, SNAPSHOTS_OFFSET = 72, 32, 36, 40, 60, 64
BACKING_OFFSET, BACKING_SIZE, CLUSTER_BITS, SIZE, HEADER_LENGTH, COMPRESSION = 8, 16, 20, 24, 100, 104
REFCOUNT_OFFSET, REFCOUNT_ORDER = 48, 96
UNDERSTOOD_BY_NOBODY = {"corrupt", "limit"}


def make_good(site):
    """A chain that has nothing to do with what is broken."""
    write(create(site.path("good", "base.qcow2"), MIB), 0, 1, 2)
    write(create(site.path("good", "over.qcow2"), MIB, "base.qcow2"), 2, 5)


def good_is_recorded(site):
    """The good chain as the store has it, against numbers known by hand."""
    rows = site.query("SELECT i.path, i.state, i.chain_depth, count(e.start), sum(e.length) FROM v_image AS i"
                      " JOIN v_extent AS e ON e.image_id = i.image_id WHERE i.path LIKE ? GROUP BY i.path ORDER BY i.path",
                      site.root + "/good/%")
    return [(site.relative(path), *rest) for path, *rest in rows] == [
        ("good/base.qcow2", "ok", 0, 1, 3 * CLUSTER), ("good/over.qcow2", "ok", 1, 2, 2 * CLUSTER)]


def check_broken(case, site, name, expected, code=3, states=None):
    """One scan: its findings are exactly these, and `states` of v_image where given."""
    make_good(site)
    scan = site.scan()
    notes = list(scan.notes())
    if scan.code is None or scan.code < 0:
        return case.check(False, name, notes)
    found = site.findings()
    notes += [f"expected {sorted(expected)}", f"found {sorted(found)}"]
    passed = scan.code == code and found == set(expected) and good_is_recorded(site)
    if not good_is_recorded(site):
        notes.append("the good chain beside it is not recorded as it is")
    for path, state in (states or {}).items():
        stored = site.value("SELECT state FROM v_image WHERE path = ?", site.path(path))
        passed = passed and stored == state
        notes.append(f"{path}: state {stored!r}, expected {state!r}")
    return case.check(passed, name, notes)


# -- Loops ------------------------------------------------------------------------------------------------------------

def test_every_loop_is_a_finding(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB, "a.qcow2")
    check_broken(case, site, "an image that backs itself", {("backing-loop", "a.qcow2")}, states={"a.qcow2": "broken-chain"})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "b.qcow2")
    create(site.path("b.qcow2"), MIB, "a.qcow2")
    check_broken(case, site, "two images in a ring", {("backing-loop", "a.qcow2"), ("backing-loop", "b.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "link")
    os.symlink("a.qcow2", site.path("link"))
    check_broken(case, site, "an image that backs itself through a symlink", {("backing-loop", "a.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "dir/link")
    create(site.path("b.qcow2"), MIB, site.path("a.qcow2"))
    os.symlink("../b.qcow2", site.path("dir", "link"))
    check_broken(case, site, "two images in a ring through a symlink",
                 {("backing-loop", "a.qcow2"), ("backing-loop", "b.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "b.qcow2")
    os.link(site.path("a.qcow2"), site.path("b.qcow2"))
    check_broken(case, site, "an image that backs its own hard link", {("backing-loop", "a.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "b.qcow2")
    create(site.path("b.qcow2"), MIB, "c.qcow2")
    create(site.path("c.qcow2"), MIB, "a.qcow2")
    create(site.path("tail.qcow2"), MIB, "b.qcow2")
    check_broken(case, site, "three images in a ring, and one above it",
                 {("backing-loop", "a.qcow2"), ("backing-loop", "b.qcow2"), ("backing-loop", "c.qcow2")},
                 states={"tail.qcow2": "broken-chain"})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "one")
    os.symlink("two", site.path("one"))
    os.symlink("one", site.path("two"))
    check_broken(case, site, "a backing name that is a circle of symlinks", {("backing-loop", "a.qcow2")})


def test_map_and_chain_end_on_a_ring(case):
    """map and chain end on a ring, too: exit 1, which is more than qemu-img does."""
    site = case.site()
    create(site.path("a.qcow2"), MIB, "b.qcow2")
    create(site.path("b.qcow2"), MIB, "a.qcow2")
    site.scan()
    for arguments in (["map", site.path("a.qcow2")], ["chain", site.path("a.qcow2")]):
        outcome = site.run(*arguments)
        case.check(outcome.code == 1 and outcome.err, f"{arguments[0]} of a ring names it", [str(outcome)])
    outcome = site.run("chain", "--db", site.db, site.path("a.qcow2"))
    case.check(outcome.code == 0 and "loop" in outcome.out, "chain --db of a ring draws it", [str(outcome)])


# -- Missing ----------------------------------------------------------------------------------------------------------

def test_every_missing_file_is_a_finding(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB, "gone.qcow2")
    create(site.path("b.qcow2"), MIB, "a.qcow2")
    check_broken(case, site, "a missing base", {("backing-missing", "a.qcow2")},
                 states={"a.qcow2": "broken-chain", "b.qcow2": "broken-chain"})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "nowhere/base.img", backing_format="raw")
    check_broken(case, site, "a missing raw base in a missing directory", {("backing-missing", "a.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "link.qcow2")
    os.symlink("gone.qcow2", site.path("link.qcow2"))
    check_broken(case, site, "a base that is a symlink to nowhere",
                 {("backing-missing", "a.qcow2"), ("symlink-dangling", "link.qcow2")})

    site = case.site()
    create(site.path("a.qcow2"), MIB, "good/base.qcow2/inside")
    check_broken(case, site, "a base below a file", {("backing-missing", "a.qcow2")})

    site = case.site()
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('data.raw')}", site.path("a.qcow2"), "1M")
    os.unlink(site.path("data.raw"))
    check_broken(case, site, "a missing data file", {("data-file-missing", "a.qcow2")})


# -- No files ---------------------------------------------------------------------------------------------------------

def test_every_special_file_is_a_finding(case):
    site = case.site()
    os.mkfifo(site.path("x.qcow2"))
    check_broken(case, site, "a FIFO", {("not-a-regular-file", "x.qcow2")})

    site = case.site()
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(site.root)  # a socket's name has at most 107 bytes
        server.bind("x.qcow2")
        os.chdir(here)
        check_broken(case, site, "a socket", {("not-a-regular-file", "x.qcow2")})

    site = case.site()
    os.mkfifo(site.path("pipe"))
    create(site.path("a.qcow2"), MIB, "pipe", backing_format="raw")
    check_broken(case, site, "a base that is a FIFO", {("backing-unreadable", "a.qcow2")})

    site = case.site()
    os.mkfifo(site.path("pipe"))
    os.symlink("pipe", site.path("link.qcow2"))
    create(site.path("a.qcow2"), MIB, "link.qcow2")
    check_broken(case, site, "a base that is a symlink to a FIFO", {("backing-unreadable", "a.qcow2")})

    site = case.site()
    os.makedirs(site.path("dir.qcow2", "sub"))
    create(site.path("a.qcow2"), MIB, "dir.qcow2")
    check_broken(case, site, "a base that is a directory", {("backing-unreadable", "a.qcow2")})

    site = case.site()
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('data')}", site.path("a.qcow2"), "1M")
    os.unlink(site.path("data"))
    os.mkfifo(site.path("data"))
    check_broken(case, site, "a data file that is a FIFO", {("data-file-unreadable", "a.qcow2")})


def test_device_nodes_are_findings(case):
    site = case.site()
    try:
        os.mknod(site.path("x.qcow2"), stat.S_IFCHR | 0o600, os.makedev(1, 5))
        os.mknod(site.path("y.img"), stat.S_IFBLK | 0o600, os.makedev(7, 0))
    except PermissionError:
        return case.skip("device nodes", "making them needs root")
    return check_broken(case, site, "a character and a block device among the images",
                        {("not-a-regular-file", "x.qcow2"), ("not-a-regular-file", "y.img")})


def test_map_opens_no_fifo_and_no_endless_device(case):
    """map opens no FIFO, which would wait for a writer, and no endless device."""
    site = case.site()
    os.mkfifo(site.path("pipe"))
    create(site.path("fifo.qcow2"), MIB, "pipe", backing_format="raw")
    create(site.path("zero.qcow2"), MIB, "/dev/zero", backing_format="raw")
    for name in ("pipe", "fifo.qcow2", "zero.qcow2"):
        outcome = site.run("map", site.path(name))
        case.check(outcome.code == 1 and outcome.err, f"map of {name} is refused with a message", [str(outcome)])
    outcome = site.scan(roots=[site.path("pipe")])
    case.check(outcome.code in (1, 3), "a FIFO as a root ends at once", outcome.notes())


# -- Empty, truncated, garbage ----------------------------------------------------------------------------------------

def test_an_empty_file_is_a_finding_unless_it_is_a_raw_base(case):
    site = case.site()
    open(site.path("x.qcow2"), "wb").close()
    check_broken(case, site, "an empty x.qcow2", {("empty-image", "x.qcow2")})

    site = case.site()
    open(site.path("base"), "wb").close()
    create(site.path("a.qcow2"), MIB, "base")
    check_broken(case, site, "an empty base whose overlay calls it qcow2", {("corrupt", "base")},
                 states={"a.qcow2": "broken-chain"})

    site = case.site()
    open(site.path("base"), "wb").close()
    create(site.path("a.qcow2"), MIB, "base", backing_format="raw")
    check_broken(case, site, "an empty base whose overlay calls it raw is nothing to complain about", set(), code=0,
                 states={"a.qcow2": "ok", "base": "ok"})


def make_rich(site):
    """Every sort of structure: tables, a snapshot, a compressed cluster, a backing name; no byte is unused."""
    path = create(site.path("rich.qcow2"), MIB, "good/base.qcow2")
    write(path, 0, 3)
    must("qemu-img", "snapshot", "-c", "one", path)
    write(path, 3, 4, 6, pattern=7)
    return path


def codes_for(place):
    """Magic and version end at 8, the fields that every version has at 72."""
    if place == 0:
        return {"empty-image"}
    if place < 8:
        return {"unrecognised"}
    return {"corrupt", "unsupported-format"} if place < 72 else {"corrupt", "truncated"}


def test_a_cut_at_any_place_is_a_finding(case):
    rng = case.random("truncated")
    site = case.site()
    make_good(site)
    rich = make_rich(site)
    size = os.path.getsize(rich)
    case.same(site.scan().code, 0, "the image is sound while it is whole")
    # A cut inside the last cluster is no cut to anybody: qemu-img check finds nothing either, and zeroes are read.
    places = [0, 1, 3, 4, 8, 71, 72, 103, 104, 111] + list(range(4 * KIB, size - CLUSTER, CLUSTER))
    places += [rng.randrange(size - CLUSTER + 1) for _ in range(TRUNCATIONS)]
    with open(rich, "rb") as file:
        whole = file.read()
    wrong = []
    for place in sorted(places):
        os.unlink(rich)
        with open(rich, "wb") as file:
            file.write(whole[:place])
        scan = site.scan()
        found = {code for code, path in site.findings() if path == "rich.qcow2"} - {"image-lost"}  # it was one before
        if scan.code != 3 or not found or not found <= codes_for(place) or not good_is_recorded(site):
            wrong.append(f"cut at {place} of {size}: exit code {scan.code}, {sorted(found)}")
    case.check(not wrong, f"a qcow2 image cut at {len(places)} places is always a finding, and the rest is recorded", wrong[:12])


def test_garbage_behind_the_magic_is_a_finding(case):
    rng = case.random("garbage")
    site = case.site()
    heads = [b"QFI\xfb", b"QFI\xfb\0\0\0\2", b"QFI\xfb\0\0\0\3", b"QFI\xfb" + b"\xff" * 200, b"QFI\xfb\0\0\0\3" + b"\xff" * 200]
    names = []
    for number in range(GARBAGE):
        names.append(f"garbage{number}.qcow2")
        with open(site.path(names[-1]), "wb") as file:
            file.write(heads[number % len(heads)] + rng.randbytes(rng.choice([0, 10, 100, 1000, 100000])))
    make_good(site)
    scan = site.scan()
    silent = set(names) - {path for _, path in site.findings()}
    case.check(scan.code == 3 and not silent and good_is_recorded(site),
               f"{GARBAGE} images of garbage behind the magic: a finding for each", [*scan.notes(), str(sorted(silent))])
    allowed = {"corrupt", "unsupported-format", "limit", "truncated", "unrecognised"}
    case.same({code for code, _ in site.findings()} - allowed, set(), "with a code that fits")


def big(value, width):
    return value.to_bytes(width, "big")


DAMAGE = [
    ("version 1", 4, big(1, 4), {"unsupported-format"}),
    ("version 4", 4, big(4, 4), {"unsupported-format"}),
    ("version 2^32 - 1", 4, big(2**32 - 1, 4), {"unsupported-format"}),
    ("an unknown incompatible feature", INCOMPATIBLE, big(1 << 63, 8), {"unsupported-format"}),
    ("the first unknown incompatible feature", INCOMPATIBLE, big(1 << 5, 8), {"unsupported-format"}),
    ("an unknown encryption", CRYPT, big(9, 4), {"unsupported-format", "corrupt"}),
    ("an unknown compression", INCOMPATIBLE, big(1 << 3, 8) + bytes(24) + big(7, 1), {"unsupported-format", "corrupt"}),
    ("clusters of 256 bytes", CLUSTER_BITS, big(8, 4), UNDERSTOOD_BY_NOBODY | {"unsupported-format"}),
    ("clusters of 2^40 bytes", CLUSTER_BITS, big(40, 4), UNDERSTOOD_BY_NOBODY | {"unsupported-format"}),
    ("a cluster size of 2^(2^32 - 1)", CLUSTER_BITS, big(2**32 - 1, 4), UNDERSTOOD_BY_NOBODY | {"unsupported-format"}),
    ("an L1 table of 2^32 - 1 entries", L1_SIZE, big(2**32 - 1, 4), UNDERSTOOD_BY_NOBODY),
    ("an L1 table that is too small", L1_SIZE, big(0, 4), UNDERSTOOD_BY_NOBODY),
    ("an L1 table beyond the end", L1_OFFSET, big(1 << 40, 8), UNDERSTOOD_BY_NOBODY | {"truncated"}),
    ("an L1 table at 2^64 - 1", L1_OFFSET, big(2**64 - 1, 8), UNDERSTOOD_BY_NOBODY),
    ("an L1 table between two clusters", L1_OFFSET, big(3 * CLUSTER + 8, 8), UNDERSTOOD_BY_NOBODY),
    ("a size of 2^63", SIZE, big(1 << 63, 8), UNDERSTOOD_BY_NOBODY),
    ("a size of 2^62", SIZE, big(1 << 62, 8), UNDERSTOOD_BY_NOBODY),
    ("2^32 - 1 snapshots", SNAPSHOTS, big(2**32 - 1, 4), UNDERSTOOD_BY_NOBODY),
    ("snapshots beyond the end", SNAPSHOTS, big(1, 4) + big(1 << 40, 8), UNDERSTOOD_BY_NOBODY | {"truncated"}),
    ("a backing name beyond the first cluster", BACKING_OFFSET, big(CLUSTER, 8) + big(10, 4), UNDERSTOOD_BY_NOBODY),
    ("a backing name of 5000 bytes", BACKING_OFFSET, big(600, 8) + big(5000, 4), UNDERSTOOD_BY_NOBODY),
    ("a header of 2^32 - 1 bytes", HEADER_LENGTH, big(2**32 - 1, 4), UNDERSTOOD_BY_NOBODY),
    ("a header of 8 bytes", HEADER_LENGTH, big(8, 4), UNDERSTOOD_BY_NOBODY),
    ("refcounts of 2^200 bits", REFCOUNT_ORDER, big(200, 4), UNDERSTOOD_BY_NOBODY),
]
# It reads nothing or zeroes there.
TAKEN_BY_QEMU = ("an L1 table beyond the end", "snapshots beyond the end")


def found_by_path(site):
    result = {}
    for code, path in site.findings():
        result.setdefault(path, set()).add(code)
    return result


def test_every_damaged_header_is_a_finding(case):
    site = case.site()
    make_good(site)
    whole = write(create(site.path("whole.qcow2"), MIB), 0)
    names = [f"damage{number}.qcow2" for number in range(len(DAMAGE))]
    for name, (_, place, data, _) in zip(names, DAMAGE):
        shutil.copy(whole, site.path(name))
        patch(site.path(name), place, data)
    scan = site.scan()
    case.check(scan.code == 3 and good_is_recorded(site), "images with damaged headers: the rest is recorded", scan.notes())
    found = found_by_path(site)
    for name, (what, _, _, codes) in zip(names, DAMAGE):
        refused = what in TAKEN_BY_QEMU or sites.run(["qemu-img", "map", site.path(name)]).code != 0
        codes_found = found.pop(name, set())
        case.check(refused and codes_found and codes_found <= codes, f"{what} is a finding",
                   [f"found {sorted(codes_found)}, allowed {sorted(codes)}", f"qemu-img refuses it: {refused}"])
    case.same(found, {}, "and no other finding is made")


def test_entries_that_lead_out_of_the_file_are_findings(case):
    """Entries that lead out of the file."""
    site = case.site()
    make_good(site)
    path = create(site.path("x.qcow2"), MIB)
    write(path, 0, 1)
    with open(path, "rb") as file:
        file.seek(L1_OFFSET)
        l1 = struct.unpack(">Q", file.read(8))[0]
        file.seek(l1)
        l2 = struct.unpack(">Q", file.read(8))[0] & 0x00FFFFFFFFFFFE00
    patch(path, l2 + 8, big(1 << 63 | 1 << 40, 8))
    scan = site.scan()
    case.same((scan.code, site.findings(), good_is_recorded(site)), (3, {("truncated", "x.qcow2")}, True),
              "a cluster beyond the end of the file")
    patch(path, l1, big(1 << 63 | 1 << 40, 8))
    scan = site.scan()
    case.check(scan.code == 3 and good_is_recorded(site) and {path for _, path in site.findings()} == {"x.qcow2"},
               "a table beyond the end of the file", [*scan.notes(), str(site.findings())])


# Nothing but the bytes by which a format is known, and zeroes behind them.
HOLLOW = [
    ("qcow", b"QFI\xfb\0\0\0\1", "corrupt"), ("vmdk", b"KDMV\1\0\0\0", "corrupt"), ("vmdk for ESX", b"COWD\1\0\0\0", "corrupt"),
    ("vmdk descriptor", b"# Disk DescriptorFile\nversion=1\n", "corrupt"),
    ("vdi", b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe", "unsupported-format"),
    ("vhd", b"conectix\0\0\0\2", "corrupt"), ("vhdx", b"vhdxfile", "corrupt"), ("qed", b"QED\0", "corrupt"),
    ("luks", b"LUKS\xba\xbe\0\1", "unsupported-format"), ("parallels", b"WithoutFreeSpace\2\0\0\0", "corrupt"),
    ("bochs", b"Bochs Virtual HD Image".ljust(32, b"\0") + b"Redolog".ljust(16, b"\0") + b"Growing".ljust(16, b"\0") + b"\0\0\2\0",
     "unsupported-format"),
    ("cloop", b"#!/bin/sh\n#V2.0 Format\n", "corrupt"),
]


def test_xml_with_entities_is_corrupt(case):
    site = case.site()
    disk = dmg.Disk().add(0, [dmg.chunk(dmg.RAW, dmg.pattern(4))])
    descriptor = parallels.Descriptor(2048, [], []).to_bytes()
    plain, declared = b"<!DOCTYPE x>", b'<!DOCTYPE x [<!ENTITY e "x">]>'
    outside, parameter = b'<!DOCTYPE x [<!ENTITY e SYSTEM "/etc/passwd">]>', b'<!DOCTYPE x [<!ENTITY % e "x">]>'
    files = {"well.dmg": disk.build()}
    for name, type in (("declared", declared), ("outside", outside), ("parameter", parameter)):
        files[name + ".dmg"] = disk.build(plist=disk.plist().replace(disk.plist()[:disk.plist().index(b"<plist")], type))
        files[name + ".xml"] = descriptor.replace(b"?>", b"?>" + type, 1)
    files["plain.dmg"] = disk.build(plist=disk.plist().replace(disk.plist()[:disk.plist().index(b"<plist")], plain))
    for name, data in files.items():
        with open(site.path(name), "wb") as file:
            file.write(data)
    broken = sorted(set(files) - {"well.dmg", "plain.dmg"})
    check_broken(case, site, "XML that declares entities is corrupt", {("corrupt", name) for name in broken},
                 states={**{name: "corrupt" for name in broken}, "well.dmg": "ok", "plain.dmg": "ok"})
    details = {detail for (detail,) in site.query("SELECT detail FROM v_finding WHERE code = 'corrupt'")}
    case.same(details, {"XML that declares entities"}, "and the finding has that as its cause")
    scan = site.scan()
    case.same(scan.stats["parsed"], 0, "what is corrupt and did not change is not read again")


def test_formats_are_recognized_by_magic_and_not_by_name(case):
    site = case.site()
    expected = set()
    for name, magic, code in HOLLOW:
        with open(site.path(name + ".img"), "wb") as file:
            file.write(magic.ljust(64 * KIB, b"\0"))
        expected.add((code, name + ".img"))
    check_broken(case, site, f"{len(HOLLOW)} other formats are known by their magic and are no raw images", expected)
    site = case.site()
    make_raw(site.path("x.vmdk"), 4096)
    check_broken(case, site, "a file that is only called vmdk", {("unrecognised", "x.vmdk")})
    site = case.site()
    create(site.path("x.vmdk"), MIB, format="vmdk")
    create(site.path("over.qcow2"), MIB, "x.vmdk", backing_format="vdi")
    check_broken(case, site, "a vmdk that its overlay calls a vdi", {("corrupt", "x.vmdk")}, states={"over.qcow2": "broken-chain"})


def test_images_marked_corrupt_or_dirty_are_read_all_the_same(case):
    """What an image states about itself is reported, and is no failure to read it."""
    site = case.site()
    write(create(site.path("corrupt.qcow2"), MIB), 0)
    patch(site.path("corrupt.qcow2"), INCOMPATIBLE, big(2, 8))
    write(create(site.path("dirty.qcow2"), MIB), 0)
    patch(site.path("dirty.qcow2"), INCOMPATIBLE, big(1, 8))
    check_broken(case, site, "images marked corrupt and dirty are read all the same",
                 {("marked-corrupt", "corrupt.qcow2"), ("dirty", "dirty.qcow2")}, code=0,
                 states={"corrupt.qcow2": "ok", "dirty.qcow2": "ok"})


# -- Deep things ------------------------------------------------------------------------------------------------------

def test_a_chain_too_deep_is_a_finding_and_the_rest_is_recorded(case):
    site = case.site()
    create(site.path("0.qcow2"), MIB, options=["cluster_size=512"])
    for depth in range(1, 1101):
        shutil.copy(site.path("0.qcow2"), site.path(f"{depth}.qcow2"))
        name = b"%d.qcow2" % (depth - 1)
        patch(site.path(f"{depth}.qcow2"), 400, name)
        patch(site.path(f"{depth}.qcow2"), BACKING_OFFSET, big(400, 8) + big(len(name), 4))
    make_good(site)
    scan = site.scan()
    deep = {path for code, path in site.findings() if code == "chain-too-deep"}
    case.check(scan.code == 3 and good_is_recorded(site), "a chain of 1101 images is a finding", scan.notes())
    case.same(deep, {"1000.qcow2"}, "about the first of it that has 1001 images in its chain, and nothing else")
    broken = site.query("SELECT path FROM v_image WHERE state = 'broken-chain'")
    case.same({site.relative(path) for path, in broken}, {f"{depth}.qcow2" for depth in range(1000, 1101)},
              "but all that is based on it has a broken chain")
    case.same(site.value("SELECT chain_depth FROM v_image WHERE path = ?", site.path("900.qcow2")), 900,
              "an image with 900 below it has its whole chain")


def test_an_image_below_too_long_a_path_makes_the_scan_incomplete(case):
    """Deeper than a path can be long: what cannot be reached must not be passed over in silence."""
    site = case.site()
    make_good(site)
    here = os.getcwd()
    os.chdir(site.root)
    try:
        for _ in range(25):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        create("lost.qcow2", MIB)
    finally:
        os.chdir(here)
    scan = site.scan()
    incomplete = site.value("SELECT complete FROM v_scan")
    case.check(scan.code == 3 and incomplete == 0 and good_is_recorded(site),
               "an image below a path of more than 4096 bytes makes the scan incomplete", [*scan.notes(), str(site.findings())])
    sites.run(["rm", "-rf", site.root])


# -- Permissions ------------------------------------------------------------------------------------------------------

def prepare(site):
    """Everything is open to all, so that only what a test takes away is closed."""
    make_good(site)
    for folder, _, files in os.walk(site.root):
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)


def closed(case, name, build, expected, opened):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip(name, reason)
    prepare(site)
    build(site)
    try:
        scan = site.scan()
        found = site.findings()
        return case.check(scan.code == 3 and found == expected and good_is_recorded(site), name,
                          [*scan.notes(), f"expected {sorted(expected)}", f"found {sorted(found)}"])
    finally:
        for path in opened:
            os.chmod(site.path(path), 0o755)


def lock_file(site, path):
    os.chmod(site.path(path), 0)


def test_what_may_not_be_read_is_a_finding(case):
    def file(site):
        create(site.path("x.qcow2"), MIB)
        lock_file(site, "x.qcow2")
    closed(case, "a file that may not be read", file, {("unreadable", "x.qcow2")}, [])

    def nameless(site):
        create(site.path("no-suffix"), MIB)
        lock_file(site, "no-suffix")
    closed(case, "a file that may not be read and could be anything", nameless, {("unreadable", "no-suffix")}, [])

    def base(site):
        create(site.path("base.qcow2"), MIB)
        create(site.path("over.qcow2"), MIB, "base.qcow2")
        os.chmod(site.path("over.qcow2"), 0o644)
        lock_file(site, "base.qcow2")
    closed(case, "an unreadable base", base, {("unreadable", "base.qcow2")}, [])

    def directory(site):
        create(site.path("dir", "base.qcow2"), MIB)
        create(site.path("over.qcow2"), MIB, "dir/base.qcow2")
        os.chmod(site.path("over.qcow2"), 0o644)
        os.chmod(site.path("dir"), 0)
    closed(case, "a directory without permission, with a base in it", directory,
           {("unreadable-directory", "dir"), ("backing-unreadable", "over.qcow2")}, ["dir"])

    def listed(site):
        create(site.path("dir", "x.qcow2"), MIB)
        os.chmod(site.path("dir"), 0o644)
    closed(case, "a directory that can be listed and not entered", listed, {("unreadable", "dir/x.qcow2")}, ["dir"])

    def entered(site):
        create(site.path("dir", "base.qcow2"), MIB)
        os.chmod(site.path("dir", "base.qcow2"), 0o644)
        create(site.path("over.qcow2"), MIB, "dir/base.qcow2")
        os.chmod(site.path("over.qcow2"), 0o644)
        os.chmod(site.path("dir"), 0o111)
    closed(case, "a directory that can be entered and not listed", entered, {("unreadable-directory", "dir")}, ["dir"])


def test_all_that_is_broken_is_found_in_one_scan(case):
    """One tree with all of it: a finding for each, and one scan."""
    site = case.site()
    create(site.path("self.qcow2"), MIB, "self.qcow2")
    create(site.path("orphan.qcow2"), MIB, "gone.qcow2")
    os.mkfifo(site.path("fifo.qcow2"))
    open(site.path("empty.qcow2"), "wb").close()
    create(site.path("v9.qcow2"), MIB)
    patch(site.path("v9.qcow2"), 4, big(9, 4))
    make_raw(site.path("not.vdi"), 4096)
    expected = {("backing-loop", "self.qcow2"), ("backing-missing", "orphan.qcow2"), ("not-a-regular-file", "fifo.qcow2"),
                ("empty-image", "empty.qcow2"), ("unsupported-format", "v9.qcow2"), ("unrecognised", "not.vdi")}
    check_broken(case, site, "all of it in one tree", expected)
    check_broken(case, site, "and again in a second scan", expected)
    case.same(site.query("SELECT DISTINCT first_scan, last_scan FROM v_finding WHERE NOT cleared"), [(1, 2)],
              "findings remember the first scan that saw them")
    os.unlink(site.path("empty.qcow2"))
    check_broken(case, site, "what is mended is no finding any more", expected - {("empty-image", "empty.qcow2")})


TESTS = [
    test_every_loop_is_a_finding,
    test_map_and_chain_end_on_a_ring,
    test_every_missing_file_is_a_finding,
    test_every_special_file_is_a_finding,
    test_device_nodes_are_findings,
    test_map_opens_no_fifo_and_no_endless_device,
    test_an_empty_file_is_a_finding_unless_it_is_a_raw_base,
    test_a_cut_at_any_place_is_a_finding,
    test_garbage_behind_the_magic_is_a_finding,
    test_every_damaged_header_is_a_finding,
    test_entries_that_lead_out_of_the_file_are_findings,
    test_xml_with_entities_is_corrupt,
    test_formats_are_recognized_by_magic_and_not_by_name,
    test_images_marked_corrupt_or_dirty_are_read_all_the_same,
    test_a_chain_too_deep_is_a_finding_and_the_rest_is_recorded,
    test_an_image_below_too_long_a_path_makes_the_scan_incomplete,
    test_what_may_not_be_read_is_a_finding,
    test_all_that_is_broken_is_found_in_one_scan,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Broken trees.", TESTS))
