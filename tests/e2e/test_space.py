#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The account of host space: for images of many kinds, on every file system that can be had here, the parts of each file
# add up to its blocks and to its length; small images against numbers worked out by hand; commands that --sparse
# suggests do what they say; accounts are kept, and made anew when the host's blocks change.

import os
import re
import shutil
import sqlite3
import struct
import sys
from contextlib import closing

import harness
import sites
from sites import KIB, MIB, create, must, qemu_io, write

PARTS = ("disk_data", "disk_zero_allocated", "disk_leaked", "disk_unused", "disk_unallocated", "disk_preallocated",
         "disk_tail", "disk_metadata", "disk_snapshots", "disk_bitmaps", "disk_filesystem")
GIVEN_BACK = ("disk_zero_allocated", "disk_leaked", "disk_unused", "disk_unallocated", "disk_preallocated", "disk_tail")


def blocks(path):
    return os.stat(path).st_blocks * 512


def sparse(site):
    return {site.relative(row["path"]): row for row in site.rows("--sparse")}


def settle(site):
    """File systems allot blocks late: only then is the account the last one."""
    os.sync()
    site.scan()


# -- Images of many kinds ---------------------------------------------------------------------------------------------

def make_kinds(site):
    """Names of images below the root, each of another kind."""
    os.makedirs(site.root, exist_ok=True)
    make_raw_kinds(site)
    make_qcow2_kinds(site)
    make_other_kinds(site)
    return sorted(name for name in os.listdir(site.root) if not re.search(r"\.data$|-[sf]00\d\.vmdk$|-flat\.vmdk$", name))


def make_other_kinds(site):
    for kind, *options in (["vmdk"], ["vmdk", "subformat=monolithicFlat"], ["vmdk", "subformat=twoGbMaxExtentSparse"],
                           ["vmdk", "subformat=twoGbMaxExtentFlat"], ["vdi"], ["vdi", "static=on"], ["vhdx"],
                           ["vhdx", "subformat=fixed"], ["vpc"], ["qed"], ["qcow"], ["parallels"]):
        label = "".join(options).partition("=")[2]
        path = create(site.path(f"{kind}{label}.{kind}"), 8 * MIB, format=kind, options=options)
        write(path, 0, 1, 50, format=kind)
        qemu_io(path, "write -q -z 64k 64k", format=kind)
    must("qemu-img", "convert", "-q", "-O", "vmdk", "-o", "subformat=streamOptimized", site.path("vdi.vdi"),
         site.path("stream.vmdk"))


def make_raw_kinds(site):
    create(site.path("sparse.raw"), 8 * MIB, format="raw")
    write(site.path("sparse.raw"), 0, 5, 77, format="raw")
    create(site.path("falloc.raw"), 8 * MIB, format="raw", options=["preallocation=falloc"])
    write(site.path("falloc.raw"), 3, 4, format="raw")
    create(site.path("full.raw"), 2 * MIB, format="raw", options=["preallocation=full"])
    with open(site.path("odd.raw"), "wb") as file:
        file.write(b"x" * (100 * KIB + 77))
    with open(site.path("empty.raw"), "wb"):
        pass
    with open(site.path("behind.raw"), "wb") as file:
        file.write(b"x" * 100000)
    must("fallocate", "-n", "-o", "0", "-l", "1M", site.path("behind.raw"))  # blocks behind the end


def make_qcow2_kinds(site):
    for how in ("off", "metadata", "falloc", "full"):
        path = create(site.path(f"{how}.qcow2"), 8 * MIB, options=[f"preallocation={how}"])
        write(path, 0, 1, 9)
        path = shutil.copy(path, site.path(f"{how}-used.qcow2"))
        qemu_io(path, "write -q -z 0 64k", "write -q 4M 100k", "discard -q 576k 64k", "write -q -z -u 64k 32k")
    path = create(site.path("snapshots.qcow2"), 8 * MIB)
    write(path, *range(20))
    must("qemu-img", "snapshot", "-c", "kept", path)
    write(path, *range(5, 12))
    must("qemu-img", "snapshot", "-c", "gone", path)
    write(path, *range(30, 33))
    must("qemu-img", "snapshot", "-d", "gone", path)
    path = create(site.path("bitmaps.qcow2"), 64 * MIB)
    must("qemu-img", "bitmap", "--add", "-g", "4k", path, "b")
    write(path, *range(8))
    must("qemu-img", "convert", "-q", "-c", "-O", "qcow2", site.path("full-used.qcow2"), site.path("compressed.qcow2"))
    path = create(site.path("subclusters.qcow2"), 8 * MIB, options=["extended_l2=on"])
    qemu_io(path, "write -q 0 2k", "write -q 6k 2k", "write -q 128k 64k", "write -q -z 128k 4k", "discard -q 140k 8k")
    path = create(site.path("outer.qcow2"), 8 * MIB, options=[f"data_file={site.path('outer.data')}"])
    write(path, 0, 1, 50)
    path = create(site.path("tail.qcow2"), 8 * MIB)
    write(path, 0)
    with open(path, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"t" * 300000)
        file.truncate(file.tell() + 500000)
    cut_l2_entry(write(create(site.path("leaks.qcow2"), 8 * MIB), 0, 1, 2))


def cut_l2_entry(path):
    """Guest cluster 1 of a small image is mapped no more, and its host cluster stays counted."""
    with open(path, "r+b") as file:
        file.seek(40)
        file.seek(struct.unpack(">Q", file.read(8))[0])
        table = struct.unpack(">Q", file.read(8))[0] & ((1 << 56) - 512)
        file.seek(table + 8)
        file.write(bytes(8))


def check_sums(case, site, names, where):
    rows = sparse(site)
    case.same(sorted(rows), names, f"{where}: every image has a row")
    for name in names:
        files = dict(site.query("SELECT file, sum(disk_bytes) FROM v_space WHERE path = ? GROUP BY file", site.path(name)))
        case.same(files, {path: blocks(path) for path in files}, f"{where}: {name}: its uses add up to its blocks")
        lengths = dict(site.query("SELECT file, sum(bytes) FROM v_space WHERE path = ? GROUP BY file", site.path(name)))
        case.same(lengths, {path: os.path.getsize(path) for path in files}, f"{where}: {name}: and to its length")
        row = rows[name]
        parts = [row[part] for part in PARTS]
        case.check(None not in parts and sum(parts) == row["disk_size"] == sum(files.values()),
                   f"{where}: {name}: the report's parts add up to disk_size", [str(row)])
        case.check(all(part >= 0 for part in parts[:-1]), f"{where}: {name}: none of them is negative", [str(row)])
        doubtful = site.value("SELECT sum(shared_bytes + encoded_bytes) FROM v_file_blocks WHERE file_id IN (SELECT f.file_id"
                              " FROM v_file AS f JOIN v_image AS i ON i.image_id = f.image_id WHERE i.path = ?)",
                              site.path(name))
        case.same(row["reclaimable_bytes"], max(sum(row[part] for part in GIVEN_BACK) - doubtful, 0),
                  f"{where}: {name}: what is sure to be given back is their sum less what the host shares and compresses")
    case.same(site.query("SELECT path, use FROM v_space WHERE unwritten_bytes > disk_bytes OR disk_bytes < 0"
                         " AND use <> 'filesystem' OR bytes < 0"), [], f"{where}: no part is more than the whole")


def parts_add_up(case):
    site = case.site()
    names = make_kinds(site)
    settle(site)
    check_sums(case, site, names, "here")


def parts_add_up_on_other_file_systems(case):
    reason = sites.why_no_mounts()
    for kind, options in (("xfs", ""), ("btrfs", ""), ("btrfs", "compress-force"), ("tmpfs", "")):
        where = f"{kind} {options}".strip()
        if reason or (kind != "tmpfs" and not shutil.which(f"mkfs.{kind}")):
            case.skip(f"{where}: parts add up", reason or f"mkfs.{kind} is missing")
            continue
        site = case.site()
        with sites.Mounts() as mounts:
            try:
                mount_kind(mounts, kind, options, site)
            except sites.ToolError as error:
                case.skip(f"{where}: parts add up", str(error))
                continue
            names = make_kinds(site)
            settle(site)
            check_sums(case, site, names, where)


def mount_kind(mounts, kind, options, site):
    if kind == "tmpfs":
        mounts.tmpfs(site.root, "size=256m")
        return
    volume = site.outside("volume")
    with open(volume, "wb") as file:
        file.truncate(400 * MIB)
    must(f"mkfs.{kind}", "-q", volume)
    mounts.volume(volume, site.root, options)


# -- By hand ----------------------------------------------------------------------------------------------------------

def uses(site, path):
    return {use: (length, disk, unwritten) for use, length, disk, unwritten in site.query(
        "SELECT use, bytes, disk_bytes, unwritten_bytes FROM v_space WHERE path = ? AND (bytes <> 0 OR disk_bytes <> 0)",
        path)}


def same_uses(case, site, path, expected, name):
    """Where the host shows nothing of preallocation (NULL), none is expected."""
    got = uses(site, path)
    exact = all(unwritten is not None for use, (_, _, unwritten) in got.items() if use != "filesystem")
    if not exact:
        case.skip(name, "the file system does not answer FIEMAP")
        return
    case.same(got, expected, name)


def an_image_by_hand_has_the_parts_of_the_manual(case):
    """The example of the manual: 64 KiB clusters throughout."""
    site = case.site()
    path = create(site.path("vm.qcow2"), 4 * MIB)
    qemu_io(path, "write -q 0 512k", "write -q -z 0 128k", "write -q 1M 64k")
    cut_l2_entry_of(path, 16)  # guest offset 1 MiB
    with open(path, "r+b") as file:
        file.truncate(MIB)  # a tail without blocks
        file.seek(MIB)
        file.write(b"x" * 65536)
    settle(site)
    # 5 clusters of metadata: header, refcount table, refcount block, L1, L2. Of the first four the host keeps the
    # first block each and of the L2 table all: qemu-img writes 4 KiB of the others.
    metadata = sum(held(path, start * 64 * KIB, 64 * KIB) for start in range(5))
    same_uses(case, site, path, {
        "metadata": (5 * 64 * KIB, metadata, 0),
        "zero": (128 * KIB, 128 * KIB, 0),
        "data": (384 * KIB, 384 * KIB, 0),
        "leaked": (64 * KIB, 64 * KIB, 0),
        "tail": (MIB + 64 * KIB - 14 * 64 * KIB, 64 * KIB, 0),
    }, "by hand: data, zeroes that keep clusters, a leaked one, and a tail")
    row = sparse(site)["vm.qcow2"]
    case.same(row["reclaimable_bytes"], 256 * KIB, "by hand: 256 KiB of it can be given back")


def cut_l2_entry_of(path, number):
    with open(path, "r+b") as file:
        file.seek(40)
        file.seek(struct.unpack(">Q", file.read(8))[0])
        file.seek((struct.unpack(">Q", file.read(8))[0] & ((1 << 56) - 512)) + 8 * number)
        file.write(bytes(8))


def held(path, start, length):
    """Bytes between start and start + length that are no hole of the file, asked one page at a time."""
    total = 0
    with open(path, "rb") as file:
        for place in range(start, start + length, 4096):
            try:
                total += 4096 * (os.lseek(file.fileno(), place, os.SEEK_DATA) == place)
            except OSError:
                pass
    return total


def preallocated_blocks_are_reported_apart_from_written_ones(case):
    site = case.site()
    raw = site.path("falloc.raw")
    must("fallocate", "-l", "1M", raw)
    write(raw, 3, format="raw")
    qcow2 = create(site.path("falloc.qcow2"), MIB, options=["preallocation=falloc"])
    write(qcow2, 3)
    settle(site)
    same_uses(case, site, raw, {"data": (MIB, MIB, MIB - 64 * KIB)}, "raw: all is data, 64 KiB of it were written")
    rows = sparse(site)
    case.same((rows["falloc.raw"]["disk_data"], rows["falloc.raw"]["disk_preallocated"]), (64 * KIB, MIB - 64 * KIB),
              "the report keeps them apart")
    got = uses(site, qcow2)
    case.same(got["data"], (MIB, MIB, MIB - 64 * KIB), "qcow2: the same in its data clusters", [str(got)])


def blocks_written_late_are_found_by_the_next_scan(case):
    """What was written to preallocated blocks and is not yet there is found by the next scan, without a change."""
    site = case.site()
    path = site.path("falloc.raw")
    must("fallocate", "-l", "1M", path)
    with open(path, "r+b") as file:
        file.write(b"x" * 65536)
    site.scan()
    settle(site)
    same_uses(case, site, path, {"data": (MIB, MIB, MIB - 64 * KIB)}, "written late: 64 KiB are no preallocation any more")
    old = 1_000_000_000
    os.utime(path, (old, old))
    case.same([site.scan().stats["unchanged"] for _ in range(2)], [0, 1], "a file that is long written is not read again")


def blocks_behind_the_end_are_the_file_systems(case):
    """The last block belongs to what the last byte is for; blocks behind it are the file system's."""
    site = case.site()
    path = site.path("odd.raw")
    with open(path, "wb") as file:
        file.write(b"x" * 5000)
    must("fallocate", "-n", "-o", "8192", "-l", "65536", path)
    settle(site)
    same_uses(case, site, path, {"data": (5000, 8192, 0), "filesystem": (0, blocks(path) - 8192, None)},
              "a file of 5000 bytes and 64 KiB behind its end")


# -- What is suggested ------------------------------------------------------------------------------------------------

def suggestions_free_space_and_leave_the_content(case):
    site = case.site()
    make_kinds(site)
    base = write(create(site.path("base.qcow2"), 8 * MIB), *range(10))
    over = create(site.path("o'ver.qcow2"), 8 * MIB, backing="base.qcow2")
    write(over, 2, 3)
    qemu_io(over, "write -q -z 0 192k")
    case.check(os.path.exists(base), "a chain is made")
    settle(site)
    rows = sparse(site)
    commands = {name: row["suggestion"] for name, row in rows.items() if row["suggestion"]}
    case.check({"leaks.qcow2", "tail.qcow2", "o'ver.qcow2", "falloc.raw", "falloc.qcow2"} <= set(commands),
               "where something can be given back a command is suggested", [str(commands)])
    case.check(all("rm " not in command for command in commands.values()), "none of them deletes")
    case.check(not any(row["suggestion"] for row in rows.values() if not row["reclaimable_bytes"]),
               "none where nothing can be given back")
    case.check({"snapshots.qcow2", "bitmaps.qcow2", "compressed.qcow2", "outer.qcow2"}.isdisjoint(commands),
               "none that would lose snapshots, bitmaps, compression or a data file", [str(commands)])
    for name, command in sorted(commands.items()):
        run_suggestion(case, site, name, rows[name], command)


def run_suggestion(case, site, name, row, command):
    path = site.path(name)
    before = sites.checksum(path)
    outcome = sites.run(["sh", "-c", command])
    if os.path.exists(path + ".new"):
        os.replace(path + ".new", path)
    case.check(outcome.code == 0 and sites.checksum(path) == before, f"{name}: after `{command.split(' -f')[0]}...` a"
               " guest reads the same", [command, outcome.err])
    settle(site)
    now = sparse(site)[name]
    case.check(now["disk_size"] < row["disk_size"] and now["reclaimable_bytes"] < row["reclaimable_bytes"],
               f"{name}: and it takes less", [command, str(row), str(now)])


def a_tail_that_was_used_is_not_cut_off(case):
    """QEMU takes no lock that stops truncate: the command itself looks whether the image is as it was scanned."""
    site = case.site()
    path = write(create(site.path("tail.qcow2"), 8 * MIB), 0)
    with open(path, "ab") as file:
        file.write(os.urandom(4 * MIB))
    settle(site)
    command = sparse(site)["tail.qcow2"]["suggestion"]
    case.check("truncate -s" in command, "a tail is to be cut off", [command])
    write(path, *range(2, 20))
    before = sites.checksum(path)
    sites.run(["sh", "-c", command])
    case.same(sites.checksum(path), before, "not where a guest has written to it since: it reads the same")


def nothing_is_suggested_while_the_image_is_in_use(case):
    site = case.site()
    path = cut_l2_entry_of_new(site.path("leaks.qcow2"))
    with sites.Holder(path):
        settle(site)
        row = sparse(site)["leaks.qcow2"]
        case.check(row["disk_leaked"] == 64 * KIB and row["suggestion"] is None,
                   "nothing is suggested while the image is in use", [str(row)])
    settle(site)
    case.same(sparse(site)["leaks.qcow2"]["suggestion"], f"qemu-img check -r leaks -f qcow2 '{path}'",
              "and is when it is not")


def cut_l2_entry_of_new(path):
    write(create(path, 8 * MIB), 0, 1, 2)
    cut_l2_entry(path)
    return path


# -- Over time --------------------------------------------------------------------------------------------------------

def accounts_are_kept_and_are_made_anew_when_blocks_change(case):
    site = case.site()
    path = cut_l2_entry_of_new(site.path("a.qcow2"))
    data = site.path("b.data")
    write(create(site.path("b.qcow2"), 8 * MIB, options=[f"data_file={data}"]), 0)
    settle(site)
    first = site.query("SELECT * FROM v_space ORDER BY path, file, use")
    case.same(site.value("SELECT leaked_bytes FROM v_usage WHERE path = ?", path), 64 * KIB, "v_usage has what is leaked")
    stats = site.scan().stats
    case.same((stats["unchanged"], site.query("SELECT * FROM v_space ORDER BY path, file, use")), (2, first),
              "an account is kept while its image is unchanged")
    for file in (path, data):
        with closing(sqlite3.connect(site.db)) as connection, connection:
            connection.execute("UPDATE file SET disk_size = disk_size + 4096 WHERE path = ?", (file,))
            connection.execute("UPDATE file_space SET disk_bytes = 1")
        site.scan()
        image = path if file == path else site.path("b.qcow2")
        case.same(site.query("SELECT * FROM v_space WHERE path = ? ORDER BY file, use", image),
                  [row for row in first if row[1] == image],
                  f"blocks of {os.path.basename(file)} that changed without its content: the image is read again")
    must("qemu-img", "check", "-q", "-r", "leaks", path)
    settle(site)
    case.same(site.value("SELECT leaked_bytes FROM v_usage WHERE path = ?", path), 0, "repaired, nothing is leaked")


def unknown_is_not_zero(case):
    site = case.site()
    path = write(create(site.path("a.qcow2"), 8 * MIB), 0, 1)
    settle(site)
    case.check(site.query("SELECT * FROM v_space"), "a sound image has an account")
    sites.patch(path, 40, struct.pack(">Q", 0x123))  # its L1 table cannot be there
    settle(site)
    case.same(site.query("SELECT * FROM v_space"), [], "a broken one has none")
    case.same(site.value("SELECT leaked_bytes FROM v_usage"), None, "and its leaks are not known")
    row = sparse(site)["a.qcow2"]
    case.same([row[part] for part in (*PARTS, "reclaimable_bytes", "reclaimable_at_most", "suggestion")],
              [None] * (len(PARTS) + 3),
              "nor is any part")


class Loop:
    """A loop device of a file, for as long as this lasts."""

    def __init__(self, path, size):
        with open(path, "wb") as file:
            file.truncate(size)
        self.device = must("losetup", "-f", "--show", path).strip()

    def __enter__(self):
        return self.device

    def __exit__(self, *_):
        sites.run(["losetup", "-d", self.device])


def image_end(path):
    return int(re.search(r"Image end offset: (\d+)", must("qemu-img", "check", "-f", "qcow2", path))[1])


def a_block_device_has_a_length_and_a_tail(case):
    if not sites.is_root():
        case.skip("only root can set up loop devices")
        return
    site = case.site()
    try:
        first, second = Loop(os.path.join(site.directory, "first"), 100 * MIB), Loop(os.path.join(site.directory, "second"), 10 * MIB)
    except sites.ToolError as error:
        case.skip(f"cannot set up loop devices here: {error}")
        return
    with first as qcow2, second as raw:
        must("qemu-img", "create", "-q", "-f", "qcow2", qcow2, str(40 * MIB))
        write(qcow2, 0, 1, 100)
        file = write(create(site.path("a.qcow2"), 40 * MIB), 0, 1, 100)
        roots = [site.root, qcow2, raw]
        site.scan(roots=roots)
        rows = {row["path"]: row for row in site.rows("--sparse")}
        known = {"file_size": 100 * MIB, "disk_tail": 100 * MIB - image_end(qcow2), "virtual_size": 40 * MIB}
        unknown = (*PARTS, "disk_size", "disk_shared", "reclaimable_bytes", "reclaimable_at_most", "suggestion", "disk_to_file")
        case.same({key: rows[qcow2][key] for key in (*unknown, *known)}, {**dict.fromkeys(unknown), **known},
                  "qcow2: its length is the device's, its tail is what lies behind the image's end; all else is unknown, and not 0")
        case.same((rows[raw]["file_size"], rows[raw]["disk_size"]), (10 * MIB, None), "raw: its length is the device's")
        case.same((rows[file]["disk_size"], sum(rows[file][part] for part in PARTS)), (blocks(file), blocks(file)), "a file has blocks")
        sums = dict(site.query("SELECT use, bytes FROM v_space WHERE path = ?", qcow2))
        case.same(sum(sums.values()), 100 * MIB, "the uses of its bytes add up to the device")
        case.same(site.query("SELECT DISTINCT disk_bytes FROM v_space WHERE path = ? AND use <> 'tail'", qcow2), [(None,)], "without blocks")
        case.same(site.query("SELECT disk_size, freed_bytes, shared_bytes FROM v_file_blocks WHERE path IN (?, ?)", qcow2, raw),
                  [(None, None, None)] * 2, "nor is known what deleting it frees")
        case.same(site.scan(roots=roots).stats["parsed"], 0, "and it is not read again while it does not change")


if __name__ == "__main__":
    sys.exit(harness.run_tests(__doc__, [
        parts_add_up,
        parts_add_up_on_other_file_systems,
        an_image_by_hand_has_the_parts_of_the_manual,
        preallocated_blocks_are_reported_apart_from_written_ones,
        blocks_written_late_are_found_by_the_next_scan,
        blocks_behind_the_end_are_the_file_systems,
        suggestions_free_space_and_leave_the_content,
        a_tail_that_was_used_is_not_cut_off,
        nothing_is_suggested_while_the_image_is_in_use,
        accounts_are_kept_and_are_made_anew_when_blocks_change,
        unknown_is_not_zero,
        a_block_device_has_a_length_and_a_tail,
    ]))
