#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Replicas of Longhorn: files with holes over one another, described beside. What builders/longhorn.py writes is as its
# writer does it. What a volume reads is composed here by hand, as lookup of longhorn-engine's pkg/replica/diff_disk.go
# does: sector by sector, the newest file that the host keeps anything of it for, at last the backing image.

import fcntl
import json
import os
import shutil
import struct

import harness
from beside import PROVEN, claims, put, verdict
from builders import longhorn
from builders.longhorn import HOST_PATH, LONG_AGO, SECTOR, Replica, head, snapshot, three_disks
from sites import MIB, create, make_raw, must, patch, qemu_map, write

HEAD, A, B = head(2), snapshot("a"), snapshot("b")
BACKING = HOST_PATH.format("deb-7a")
FIEMAP = 0xC020660B  # FS_IOC_FIEMAP of linux/fs.h
LAST = 1             # FIEMAP_EXTENT_LAST of linux/fiemap.h


# -- What there is, by hand -------------------------------------------------------------------------------------------

def sectors_by_seeking(path):
    """The numbers of the sectors of which the file has any byte that is in no hole."""
    found, at = set(), 0
    with open(path, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        while at < end:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return found
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found |= set(range(start // SECTOR, -(-at // SECTOR)))
    return found


def sectors_by_fiemap(path):
    """The same of what the host has extents for, written or not; None where it does not answer."""
    count = 256
    request = bytearray(struct.pack("=QQLLLL", 0, 2**64 - 1, 0, 0, count, 0) + bytes(56 * count))
    with open(path, "rb") as file:
        try:
            fcntl.ioctl(file.fileno(), FIEMAP, request)
        except OSError:
            return None
    found = set()
    for number in range(struct.unpack_from("=L", request, 20)[0]):
        start, _physical, length = struct.unpack_from("=QQQ", request, 32 + 56 * number)
        found |= set(range(start // SECTOR, -(-(start + length) // SECTOR)))
    return found


def sectors_of(path):
    mapped = sectors_by_fiemap(path)
    return sectors_by_seeking(path) if mapped is None else mapped


def compose(disks, backing=None):
    """disks: paths from the head on. For each sector of the head the depth that has it, None where none does, and its
    bytes. backing: a path of a raw file, which has every byte up to its end."""
    owned = [sectors_of(path) for path in disks]
    size = os.path.getsize(disks[0])
    limits = [min(os.path.getsize(path) for path in disks[:depth + 1]) for depth in range(len(disks))]
    sectors = []
    for number in range(size // SECTOR):
        depth = next((d for d in range(len(disks)) if number in owned[d] and number * SECTOR < limits[d]), None)
        path = None if depth is None else disks[depth]
        if depth is None and backing is not None and number * SECTOR < min(os.path.getsize(backing), limits[-1]):
            depth, path = len(disks), backing
        data = bytes(SECTOR)
        if path is not None:
            with open(path, "rb") as file:
                file.seek(number * SECTOR)
                data = file.read(SECTOR).ljust(SECTOR, b"\0")
        sectors.append((depth, data))
    return sectors


def by_sector(entries, files):
    """The same from the entries of a map. files: paths by depth."""
    sectors = []
    for entry in entries:
        for at in range(entry["start"], entry["start"] + entry["length"], SECTOR):
            data, depth = bytes(SECTOR), entry["depth"] if entry["present"] else None
            if entry["present"] and entry["data"]:
                with open(files[depth], "rb") as file:
                    file.seek(entry["offset"] + at - entry["start"])
                    data = file.read(SECTOR)
            sectors.append((depth, data))
    return sectors


def map_of(case, path, *options):
    outcome = case.site().run("map", "--output=json", *options, path)
    return json.loads(outcome.out) if outcome.code == 0 else outcome.err.strip()


def compare(case, name, disks, backing=None):
    expected = compose(disks, backing)
    got = by_sector(map_of(case, disks[0]), [*disks, backing])
    case.same([depth for depth, _data in got], [depth for depth, _data in expected], f"{name}: the file that has each sector")
    case.check(got == expected, f"{name}: and the bytes there")
    return expected


# -- The map ----------------------------------------------------------------------------------------------------------

def test_a_sector_is_read_from_the_newest_file_that_has_it(case):
    replica = three_disks(case.fresh())
    disks = [replica.path(name) for name in (HEAD, B, A)]
    expected = compare(case, "three disks", disks)
    case.same([depth for depth, _data in expected[:6]], [2, 1, 0, 1, 1, None], "that is what was written")
    case.same(compare(case, "a snapshot", disks[1:])[2], (0, b"\xb1" * SECTOR), "a snapshot reads as it was")


def test_random_replicas_are_mapped_as_their_holes_have_it(case):
    rng = case.random("longhorn")
    for number in range(12):
        directory = case.fresh()
        length = rng.randint(1, 60)
        backing = None
        if rng.randrange(2):
            backing = make_raw(put(os.path.join(directory, "backing-images", "deb-7a", "backing"), ""), rng.randint(1, length) * SECTOR, 0xBB)
        replica = Replica(os.path.join(directory, "replicas", "v-1"), length * SECTOR, BACKING if backing else "")
        names = [snapshot(f"s{i}") for i in range(rng.randrange(5))] + [head(7)]
        for name in names:  # a volume grows by a snapshot and a longer head: Expand
            length += rng.choice([0, 0, 0, 5])
            replica.size = length * SECTOR
            replica.add(name, {rng.randrange(length): rng.randint(1, 255) for _ in range(rng.randint(0, length))}, removed=name != head(7) and rng.randrange(3) == 0)
        replica.describe()
        compare(case, f"replica {number}", [replica.path(name) for name in reversed(names)], backing)


def test_what_was_preallocated_and_never_written_hides_the_parent(case):
    """Longhorn asks for extents, and unwritten ones are some: it reads their zeroes."""
    replica = three_disks(case.fresh())
    with open(replica.path(HEAD), "r+b") as file:
        os.posix_fallocate(file.fileno(), 3 * SECTOR, SECTOR)
    if sectors_by_fiemap(replica.path(HEAD)) is None:
        case.skip("preallocated sectors", "the file system has no FIEMAP")
        return
    case.check(3 in sectors_by_fiemap(replica.path(HEAD)), "the host has an extent")
    expected = compare(case, "preallocated", [replica.path(name) for name in (HEAD, B, A)])
    case.same(expected[3], (0, bytes(SECTOR)), "which is the head's, and zeroes")


def test_a_stretch_of_a_map_is_that_of_the_whole_map(case):
    replica = three_disks(case.fresh())
    whole = by_sector(map_of(case, replica.path(HEAD)), [replica.path(name) for name in (HEAD, B, A)])
    for start, length in ((0, 3), (2, 1), (3, 9), (15, 1)):
        entries = map_of(case, replica.path(HEAD), "-s", str(start * SECTOR), "-l", str(length * SECTOR))
        case.same(by_sector(entries, [replica.path(name) for name in (HEAD, B, A)]), whole[start:start + length], f"{length} sectors from {start}")


def test_a_qcow2_backing_image_is_read_as_one(case):
    directory = case.fresh()
    backing = write(create(put(os.path.join(directory, "backing-images", "deb-7a", "backing"), ""), MIB), 1)
    replica = Replica(os.path.join(directory, "replicas", "v"), MIB, BACKING)
    replica.add(snapshot("a"), {20: 0xA1})
    replica.add(head(1), {0: 0xC1})
    replica.describe()
    qcow2 = next(entry for entry in qemu_map(backing) if entry["data"])
    entries = [(e["start"], e["length"], e["depth"], e["offset"]) for e in map_of(case, replica.path(head(1))) if e["data"]]
    end = qcow2["start"] + qcow2["length"]
    at = 20 * SECTOR
    case.same(entries, [(0, SECTOR, 0, 0), (qcow2["start"], at - qcow2["start"], 2, qcow2["offset"]), (at, SECTOR, 1, at),
                        (at + SECTOR, end - at - SECTOR, 2, qcow2["offset"] + at + SECTOR - qcow2["start"])], "by qemu-img's map of it")


def test_the_backing_image_is_found_beside_below_host_and_as_named(case):
    for name, place, named in (("beside", "backing-images/deb-7a/backing", BACKING),
                               ("beside, of another disk", "backing-images/deb-7a/backing", "/host/mnt/disk2/backing-images/deb-7a/backing")):
        directory = case.fresh()
        backing = make_raw(put(os.path.join(directory, place), ""), 16 * SECTOR)
        replica = three_disks(os.path.join(directory, "replicas", "v"), named)
        compare(case, name, [replica.path(disk) for disk in (HEAD, B, A)], backing)
    for name, prefix in (("below /host", "/host"), ("as named", "")):
        directory = case.fresh()
        backing = make_raw(os.path.join(directory, "image"), 16 * SECTOR)
        replica = three_disks(os.path.join(directory, "v"), prefix + backing)
        compare(case, name, [replica.path(disk) for disk in (HEAD, B, A)], backing)
    os.unlink(backing)
    case.check("No such file" in map_of(case, replica.path(HEAD)), "one that is nowhere is an error")


# -- What is one ------------------------------------------------------------------------------------------------------

def formats(site):
    return {site.relative(path): (form, basis) for path, form, basis in site.query("SELECT path, format, format_basis FROM v_image")}


def test_an_image_is_one_by_its_name_and_what_lies_beside(case):
    site = case.site()
    three_disks(site.path("all", ""))
    for directory, left_out in (("own", "volume.meta"), ("volume", HEAD + ".meta"), ("neither", None)):
        replica = three_disks(site.path(directory, ""))
        for name in [left_out] if left_out else ["volume.meta", *(disk + ".meta" for disk in replica.disks)]:
            os.unlink(replica.path(name))
    for name in ("disk.img", "volume-head-x.img", "volume-head-.img", "volume-head-001.raw"):
        make_raw(site.path("other", name), MIB)
        put(site.path("other", name + ".meta"), longhorn.disk_meta(name))
    make_raw(site.path("other", "volume.meta"), SECTOR)
    site.scan("--raw-suffix", ".img", "--raw-suffix", ".raw")
    got = formats(site)
    case.same({name for name, what in got.items() if what == ("longhorn", "beside")},
              {os.path.join(directory, name) for directory in ("all", "own", "volume") for name in (HEAD, A, B)}, "its own description or the volume's")
    case.same({what[0] for name, what in got.items() if name.startswith(("neither", "other"))}, {"raw"}, "neither, or another name: raw")
    states = dict(site.query("SELECT path, state FROM v_image"))
    case.same([states[site.path(*name)] for name in (("all", HEAD), ("all", A), ("own", HEAD), ("own", A), ("volume", HEAD), ("volume", A))],
              ["ok", "ok", "broken-chain", "missing", "missing", "ok"], "without a description that it needs an image has no map")


def test_what_a_guest_writes_makes_no_other_image_of_it(case):
    site = case.site()
    replica = three_disks(site.path("v", ""))
    victim = create(site.path("victim.qcow2"), MIB)
    with open(create(os.path.join(case.fresh(), "x"), MIB, victim), "rb") as file:
        patch(replica.path(HEAD), 0, file.read(SECTOR))
    site.scan()
    case.same(formats(site)[f"v/{HEAD}"], ("longhorn", "beside"), "a qcow2 header in the first sector")
    case.same(site.value("SELECT dependents FROM v_image WHERE path = ?", victim), 0, "names nothing")
    case.same(len(map_of(case, replica.path(HEAD), "-f", "qcow2")) > 0 and map_of(case, replica.path(HEAD))[0]["depth"], 0, "nor in map, but where -f states it")


def test_a_stated_format_goes_before_what_lies_beside(case):
    directory = case.fresh()
    replica = three_disks(directory)
    entries = map_of(case, replica.path(HEAD), "-f", "raw")
    case.same({entry["depth"] for entry in entries}, {0}, "-f raw: one file")
    plain = make_raw(os.path.join(directory, "plain.img"), MIB)
    case.check("plain.img.meta" in map_of(case, plain, "-f", "longhorn"), "-f longhorn: what it needs is missing")


def test_links_of_any_kind_lead_to_the_replica(case):
    site = case.site()
    replica = three_disks(site.path("replicas", "v", ""))
    expected = map_of(case, replica.path(HEAD))
    link = os.path.join(case.fresh(), "disk")
    os.symlink(replica.path(HEAD), link)
    case.same(map_of(case, link), expected, "map by a symbolic link of another name")
    os.symlink(replica.path(HEAD), site.path("a-link"))
    os.link(replica.path(B), site.path("a-hard-link.img"))  # comes before the replica in order of bytes
    site.scan()
    case.same(site.query("SELECT format, state, chain_depth FROM v_image ORDER BY chain_depth"), [("longhorn", "ok", 0), ("longhorn", "ok", 1), ("longhorn", "ok", 2)], "a hard link elsewhere takes nothing away")
    case.same(site.scan().stats["parsed"], 0, "and the second scan reads nothing")


# -- Broken ones ------------------------------------------------------------------------------------------------------

def broken():
    """(name, file, its bytes, a word of the message)"""
    whole = longhorn.disk_meta(HEAD, B)
    yield "cut off", HEAD + ".meta", whole[:-5], "ends too early"
    yield "empty", HEAD + ".meta", b"", "no JSON object"
    yield "blanks", HEAD + ".meta", b" \n\t", "no JSON object"
    yield "an array", HEAD + ".meta", b"[]", "something else"
    yield "bytes of no text", HEAD + ".meta", b"\xff\xfe\0{}", "no JSON object"
    yield "more behind it", HEAD + ".meta", whole + b"{}", "no JSON object"
    yield "no Parent", HEAD + ".meta", b'{"Name":"x"}', "it has no Parent"
    yield "a Parent that is null", HEAD + ".meta", b'{"Parent":null}', "its Parent is no text"
    yield "a Parent that is a number", HEAD + ".meta", b'{"Parent":7}', "its Parent is no text"
    yield "a Parent with a NUL", HEAD + ".meta", b'{"Parent":"%s\\u0000x"}' % B.encode(), "its Parent has a NUL"
    yield "two spellings", HEAD + ".meta", b'{"Parent":"","parent":"%s"}' % B.encode(), "several spellings"
    yield "another spelling", HEAD + ".meta", b'{"parent":"%s"}' % B.encode(), "it has no Parent"
    yield "nested deeply", HEAD + ".meta", b'{"Parent":"","Labels":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "no JSON object"
    yield "too large", HEAD + ".meta", longhorn.disk_meta(HEAD, B, labels={"a": "x" * MIB}), "more than 1048576"
    yield "a Parent above", HEAD + ".meta", longhorn.disk_meta(HEAD, "../" + B), "is no name of a file"
    yield "a Parent below", HEAD + ".meta", longhorn.disk_meta(HEAD, "x/" + B), "is no name of a file"
    yield "an absolute Parent", HEAD + ".meta", longhorn.disk_meta(HEAD, "/etc/passwd"), "is no name of a file"
    yield "the directory above", HEAD + ".meta", longhorn.disk_meta(HEAD, ".."), "is no name of a file"
    yield "the directory", HEAD + ".meta", longhorn.disk_meta(HEAD, "."), "is no name of a file"
    yield "no BackingFilePath", "volume.meta", b'{"Size":1}', "it has no BackingFilePath"
    yield "a volume.meta that is empty", "volume.meta", b"", "no JSON object"
    yield "a volume.meta that is cut off", "volume.meta", longhorn.volume_meta(1, HEAD)[:-4], "ends too early"


def test_a_description_that_is_broken_leaves_no_map_and_no_proof(case):
    for name, file, data, word in broken():
        site = case.site()
        orphan = create(site.path("orphan.qcow2"), MIB)
        over = create(site.path("over.qcow2"), MIB, orphan)
        site.scan()
        os.unlink(over)
        replica = three_disks(site.path("v", ""))
        replica.put(file, data)
        case.check(word in str(map_of(case, replica.path(HEAD))), f"{name}: map says why", [map_of(case, replica.path(HEAD))])
        code = site.scan().code
        path = HEAD if file.startswith(HEAD) else A
        found = [detail for code, where, detail in site.query("SELECT code, path, detail FROM v_finding WHERE NOT cleared AND hides AND code IN ('corrupt', 'limit')") if where.endswith(path)]
        case.check(code == 3 and len(found) == 1 and word in found[0], f"{name}: a scan finds it", [code, found])
        case.same((verdict(site, "orphan.qcow2") or [None] * 2)[1], "unproven", f"{name}: what it is made on may be anything")
        again = site.scan()
        case.same((again.code, again.stats["parsed"]), (3, 0), f"{name}: and nothing else is known the second time")
        three_disks(site.path("v", ""))
        case.same((site.scan().code, verdict(site, "orphan.qcow2")), (0, PROVEN), f"{name}: what is mended is read again")


def test_a_description_that_is_missing_leaves_no_proof(case):
    for name, file in (("its own", HEAD + ".meta"), ("the volume's", "volume.meta")):
        site = case.site()
        over = create(site.path("over.qcow2"), MIB, create(site.path("orphan.qcow2"), MIB))
        replica = three_disks(site.path("v", ""))
        site.scan()
        os.unlink(over)
        site.scan()
        case.same(verdict(site, "orphan.qcow2"), PROVEN, "proven while it is there")
        os.unlink(replica.path(file))
        case.same(site.scan().code, 3, f"without {name} the scan has a finding")
        case.same(verdict(site, "orphan.qcow2")[1:], ("unproven", "unread"), f"{name}: what the image is made on is unknown")
        case.same([code for code, _path in site.findings()], ["extent-unreadable"], f"{name}: it is called so")


def test_a_description_elsewhere_is_not_read(case):
    site = case.site()
    replica = three_disks(site.path("v", ""))
    secret = put(site.outside("secret"), longhorn.disk_meta(HEAD))
    os.unlink(replica.path(HEAD + ".meta"))
    os.symlink(secret, replica.path(HEAD + ".meta"))
    case.same(site.scan().code, 3, "a link out of the directory")
    case.same(site.query("SELECT state FROM v_image WHERE path = ?", replica.path(HEAD)), [("refused",)], "is refused")
    case.check(("extent-outside", f"v/{HEAD}") in site.findings(), "and found")
    os.unlink(replica.path(HEAD + ".meta"))
    os.mkfifo(replica.path(HEAD + ".meta"))
    case.same((site.scan().code, site.query("SELECT state FROM v_image WHERE path = ?", replica.path(HEAD))), (3, [("unsupported",)]), "a FIFO is not opened")
    os.unlink(replica.path(HEAD + ".meta"))
    os.mkdir(replica.path(HEAD + ".meta"))
    case.same(site.scan().code, 3, "nor is a directory")
    case.check("outside" in str(map_of(case, three_disks(case.fresh()).path(HEAD), "--confine", site.root)), "map stays where it is confined to")


def test_parents_that_lead_in_a_circle_or_nowhere_break_the_chain(case):
    for name, disk, parent, code in (("itself", HEAD, HEAD, "backing-loop"), ("a circle", A, HEAD, "backing-loop"), ("nowhere", A, snapshot("gone"), "backing-missing")):
        site = case.site()
        replica = three_disks(site.path("v", ""))
        replica.put(disk + ".meta", longhorn.disk_meta(disk, parent))
        case.check(isinstance(map_of(case, replica.path(HEAD)), str), f"{name}: map ends with an error", [map_of(case, replica.path(HEAD))])
        case.same(site.scan().code, 3, f"{name}: the scan ends")
        case.check((code, f"v/{disk}") in site.findings(), f"{name}: {code}", sorted(site.findings()))
        case.same(site.value("SELECT count(*) FROM v_unused WHERE verdict = 'proven'"), 0, f"{name}: nothing is proven")


def test_a_backing_image_that_reaches_past_its_snapshot_is_no_sound_base(case):
    """Engines that took such read its end once the volume was longer: what is read of it is not known by the snapshot."""
    for sectors, sound in ((16, True), (17, False)):
        site = case.site()
        backing = make_raw(site.path("backing-images", "deb-7a", "backing"), sectors * SECTOR)
        three_disks(site.path("replicas", "v", ""), BACKING)
        os.utime(backing, (LONG_AGO, LONG_AGO))
        site.scan("--raw-suffix", "backing")
        case.same(("parent-mismatch", f"replicas/v/{A}") in site.findings(), not sound, f"{sectors} sectors: finding")
        row = site.unused(partly=True).get("backing-images/deb-7a/backing")
        case.same(row["verdict"] if row else None, "proven" if sound else "unproven", f"{sectors} sectors: what is masked")
        case.same("longer" in str(site.run("map", os.path.join(site.root, "replicas", "v", HEAD)).err) or "more than" in site.run("map", os.path.join(site.root, "replicas", "v", HEAD)).err, not sound, f"{sectors} sectors: a warning of map")


# -- What is in use ---------------------------------------------------------------------------------------------------

def replica_with_backing(site, name="pvc-1-a", **how):
    make_raw(site.path("backing-images", "deb-7a", "backing"), 16 * SECTOR)
    return three_disks(site.path("replicas", name, ""), BACKING, **how)


def test_all_of_a_replica_is_claimed_what_is_marked_as_removed_too(case):
    site = case.site()
    replica = replica_with_backing(site)
    replica.put(B + ".meta", longhorn.disk_meta(B, A, removed=True))
    case.same(site.scan(inventory=None).code, 0, "a scan without complaint")
    case.same(claims(site), [("deb-7a", "backing-images/deb-7a/backing", "template", "found")] +
              [("pvc-1-a", f"replicas/pvc-1-a/{name}", role, "found") for name, role in ((HEAD, "disk"), (A, "restore-point"), (B, "restore-point"))], "as before: head, snapshots, backing image")
    case.same(site.unused(partly=True), {}, "none is a candidate")
    case.same(site.query("SELECT path, variant, chain_depth FROM v_image WHERE format = 'longhorn' ORDER BY path"),
              [(replica.path(HEAD), "", 3), (replica.path(A), "", 1), (replica.path(B), "removed", 2)], "the chain is followed, the mark is shown")


def test_a_replica_elsewhere_is_claimed_by_what_lies_beside(case):
    site = case.site()
    three_disks(site.path("copy", ""))
    make_raw(site.path("plain", HEAD), MIB)
    site.scan(inventory=None)
    case.same([(path, role) for _machine, path, role, _state in claims(site)], [(f"copy/{HEAD}", "disk"), (f"copy/{A}", "restore-point"), (f"copy/{B}", "restore-point")], "with descriptions it is one, without it is not")


def test_files_of_a_replica_without_descriptions_are_claimed_as_raw(case):
    site = case.site()
    for name in (HEAD, A):
        make_raw(site.path("replicas", "v", name), MIB)
    case.same(site.scan(inventory=None).code, 0, "names alone")
    case.same((len(claims(site)), set(formats(site).values())), (2, {("raw", "suffix")}), "are claimed")


def test_replicas_of_one_volume_have_chains_of_their_own(case):
    site = case.site()
    replicas = [replica_with_backing(site, f"pvc-1-{letter}") for letter in "abc"]
    replicas[2].put("volume.meta", longhorn.volume_meta(16 * SECTOR, HEAD, B, BACKING, rebuilding=True))
    site.scan(inventory=None)
    links = site.query("SELECT path, backing_path FROM v_image WHERE format = 'longhorn' AND backing_name NOT LIKE '/%'")
    case.same({(os.path.dirname(path) == os.path.dirname(backing)) for path, backing in links}, {True}, "parents are those of the same directory")
    case.same(len(links), 6, "of all three")
    case.same(site.query("SELECT dependents, descendants FROM v_usage WHERE path LIKE '%/backing'"), [(3, 9)], "one backing image below all")
    case.same({path for code, path in site.findings() if code == "dirty"}, {f"replicas/pvc-1-c/{A}"}, "one that is rebuilt is shown to be")
    case.same({os.path.basename(os.path.dirname(path)): machine for machine, path, role, _state in claims(site) if role == "disk"}, {f"pvc-1-{x}": f"pvc-1-{x}" for x in "abc"}, "a machine each")


def test_a_backing_image_is_used_as_long_as_a_volume_names_it(case):
    site = case.site()
    replica = three_disks(site.path("v", ""), site.path("base"))
    backing = make_raw(site.path("base"), 16 * SECTOR)
    os.utime(backing, (LONG_AGO, LONG_AGO))
    site.scan()
    case.same(verdict(site, "base")[0], "partly-masked", "named by volume.meta: used")
    replica.put("volume.meta", longhorn.volume_meta(16 * SECTOR, HEAD, B))
    site.scan("--backing-glob", backing)
    case.same(verdict(site, "base"), PROVEN, "named no more: a candidate")
    replica.put("volume.meta", longhorn.volume_meta(16 * SECTOR, HEAD, B, "/host" + backing))
    site.scan()
    case.same(verdict(site, "base")[0], "partly-masked", "named again")


def test_a_snapshot_is_kept_until_it_is_marked_as_removed(case):
    """Longhorn can be asked to go back to it, whether a file is made on it or not."""
    site = case.site()
    replica = three_disks(site.path("v", ""))
    site.scan()
    replica.put(HEAD + ".meta", longhorn.disk_meta(HEAD, A))
    site.scan()
    case.same(site.unused(partly=True), {}, "the head is on an older one now: the other is kept all the same")
    case.check("kept whole" in site.run("prove", "--db", site.db, replica.path(B)).out, "prove has the reason")
    replica.put(B + ".meta", longhorn.disk_meta(B, A, removed=True))
    site.scan()
    case.same(verdict(site, f"v/{B}"), ("unreferenced", "unproven", "written-since"), "marked as removed and named by none it is a candidate; the mark itself is newer than what named it")
    replica.put(HEAD + ".meta", longhorn.disk_meta(HEAD, B))
    site.scan()
    case.same(site.unused(), {}, "as long as a file is made on it, it is read")


def test_volume_meta_is_deleted_with_none_of_two_that_need_it(case):
    site = case.site()
    replica = three_disks(site.path("v", ""))
    site.scan()
    replica.put(HEAD + ".meta", longhorn.disk_meta(HEAD))
    os.unlink(replica.path(B))
    os.unlink(replica.path(B + ".meta"))
    replica.put(A + ".meta", longhorn.disk_meta(A, removed=True))
    site.scan()
    case.same(verdict(site, f"v/{A}"), ("unreferenced", "unproven", "written-since,shared-file"), "a snapshot that nothing names, beside a head that is made on nothing")


def test_no_command_of_qemu_is_suggested(case):
    site = case.site()
    replica_with_backing(site)
    site.scan()
    names = [f"replicas/pvc-1-a/{name}" for name in (HEAD, A, B)]
    out = [site.report(f"--what-if-{deed}", site.path(*name.split("/")), "--long").out for deed in ("flatten", "commit", "delete") for name in names]
    out += [site.report(*options).out for options in (("--unused-backing", "--long"), ("--sparse", "--long"), ("--sparse",), ("--unclaimed", "--long"))]
    case.same([text for text in out if "qemu-img " in text.replace("qemu-img does not commit", "")], [], "in any report")
    details = {row["detail"] for name in (HEAD, B) for row in site.rows("--what-if-flatten", site.path("replicas", "pvc-1-a", name)) if row["effect"] == "flattened"}
    case.check(len(details) == 1 and "QEMU does not know this format" in details.pop(), "a flatten is none of QEMU's")
    why = [row["why_codes"] for row in site.rows("--what-if-commit", site.path("replicas", "pvc-1-a", B)) if row["effect"] == "committed"]
    case.same(why, ["cannot-commit"], "nor is a commit")
    promised = site.query("SELECT max(can_be_written + can_rebase + can_commit + can_be_empty + can_receive + is_good_base + can_grow + can_grow_with_snapshots"
                          " + can_grow_over_backing + can_be_trimmed), min(is_foreign) FROM image_ability JOIN image USING (image_id) WHERE format = 'longhorn'")
    case.same(promised, [(0, 1)], "it can do nothing by any")


# -- Later scans ------------------------------------------------------------------------------------------------------

def parents(site):
    return {site.relative(path): backing and site.relative(backing) for path, backing in site.query("SELECT path, backing_path FROM v_image WHERE format = 'longhorn'")}


def test_a_description_that_changed_is_read_though_its_image_did_not(case):
    site = case.site()
    replica = three_disks(site.path("v", ""))
    site.scan()
    case.same(site.scan().stats["parsed"], 0, "nothing changed: nothing is read")
    replica.put(HEAD + ".meta", longhorn.disk_meta(HEAD, A))
    case.same((site.scan().stats["parsed"], parents(site)[f"v/{HEAD}"]), (1, f"v/{A}"), "another Parent")
    make_raw(site.path("base"), 16 * SECTOR)
    replica.put("volume.meta", longhorn.volume_meta(16 * SECTOR, HEAD, A, site.path("base")))
    site.scan()
    case.same(parents(site)[f"v/{A}"], "base", "another backing image")
    case.same(site.scan().stats["parsed"], 0, "and then it is known")


def test_descriptions_that_come_and_go_make_another_image_of_a_file(case):
    site = case.site()
    replica = three_disks(site.path("v", ""))
    kept = case.fresh()
    for name in os.listdir(replica.directory):
        if name.endswith(".meta"):
            shutil.move(replica.path(name), kept)
    site.scan("--raw-suffix", ".img")
    case.same({form for form, _basis in formats(site).values()}, {"raw"}, "without them raw files")
    for name in os.listdir(kept):
        shutil.copy(os.path.join(kept, name), replica.directory)
    site.scan("--raw-suffix", ".img")
    case.same(parents(site), {f"v/{HEAD}": f"v/{B}", f"v/{B}": f"v/{A}", f"v/{A}": None}, "with them a chain")
    for name in os.listdir(kept):
        os.unlink(replica.path(name))
    case.same(site.scan("--raw-suffix", ".img").code, 3, "what is lost again")
    case.check(("image-lost", f"v/{HEAD}") in site.findings(), "is found to be")


def test_a_snapshot_of_the_volume_is_followed_from_scan_to_scan(case):
    """createDisk: a new head, the old one linked under the snapshot's name, then its old name removed."""
    site = case.site()
    replica = three_disks(site.path("replicas", "v", ""))
    site.scan(inventory=None)
    number = site.value("SELECT image_id FROM v_image WHERE path = ?", replica.path(HEAD))
    c = snapshot("c")
    replica.add(head(3), {5: 0xD1}, parent=c)
    os.link(replica.path(HEAD), replica.path(c))
    os.link(replica.path(HEAD + ".meta"), replica.path(c + ".meta"))
    site.scan(inventory=None)
    case.same(len(parents(site)), 4, "while the old head has both names")
    replica.put("volume.meta", longhorn.volume_meta(16 * SECTOR, head(3), c))
    replica.put(c + ".meta", longhorn.disk_meta(HEAD, B, user_created=True))
    os.unlink(replica.path(HEAD))
    os.unlink(replica.path(HEAD + ".meta"))
    case.same(site.scan(inventory=None).code, 0, "and after")
    directory = "replicas/v/"
    case.same(parents(site), {directory + name: parent and directory + parent for name, parent in ((head(3), c), (c, B), (B, A), (A, None))}, "the chain is one longer")
    case.same(site.value("SELECT image_id FROM v_image WHERE path = ?", replica.path(c)), number, "the snapshot is the head that was")
    compare(case, "then", [replica.path(name) for name in (head(3), c, B, A)])
    case.same(site.query("SELECT role FROM v_claim WHERE path = ?", replica.path(c)), [("restore-point",)], "and claimed as such")


def test_the_view_of_a_store_has_the_same_map(case):
    site = case.site()
    replica = replica_with_backing(site)
    site.scan()
    columns = "start, length, depth, present, zero, data"
    for name in (HEAD, B, A):
        view = site.query(f"SELECT {columns}, offset FROM v_map WHERE path = ? ORDER BY start", replica.path(name))
        printed = [(*(int(entry[key]) for key in columns.split(", ")), entry.get("offset")) for entry in map_of(case, replica.path(name))]
        case.same(view, printed, name)


def test_a_copy_with_its_holes_filled_hides_the_parents(case):
    """What `cp --sparse=never` does to a head: the map is of what the host keeps now."""
    replica = three_disks(case.fresh())
    must("cp", "--sparse=never", replica.path(HEAD), replica.path("copy"))
    os.rename(replica.path("copy"), replica.path(HEAD))
    expected = compare(case, "filled", [replica.path(name) for name in (HEAD, B, A)])
    case.same({depth for depth, _data in expected}, {0}, "all sectors are the head's")


TESTS = [value for name, value in sorted(globals().items(), key=lambda item: getattr(getattr(item[1], "__code__", None), "co_firstlineno", 0)) if name.startswith("test_")]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Longhorn's replicas.", TESTS))
