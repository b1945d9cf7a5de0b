#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Blocks and links that files share on the host, on loop-mounted XFS and btrfs: what the program says is compared with
# filefrag, xfs_io and btrfs, with sums by hand, and with what deleting really frees.

import os
import time

import harness
from host_places import clone, column, fill, hosts, on, overwrite, place, raw, scan, shared_by_filefrag, shared_by_xfs_io, space
from sites import KIB, MIB, Mounts, ToolError, create, must, qemu_io, why_no_mounts


# -- Tests ------------------------------------------------------------------------------------------------------------

@on("xfs", "btrfs")
def test_copies_share_what_filefrag_reports(case, kind):
    """a, b and c are one; then 2 MiB of b are written anew."""
    with place(case, kind) as here:
        site = here.site
        a = raw(site.path("a.raw"))
        b = clone(a, site.path("b.raw"))
        c = clone(a, site.path("c.raw"))
        overwrite(b, 1 * MIB, 2 * MIB)
        here.settle()
        scan(case, site)
        rows = hosts(site)
        case.same(column(rows, "disk_size"), dict.fromkeys(["a.raw", "b.raw", "c.raw"], 8 * MIB), f"{kind}: each takes 8 MiB")
        case.same(column(rows, "shared_bytes"), {"a.raw": 8 * MIB, "b.raw": 6 * MIB, "c.raw": 8 * MIB},
                  f"{kind}: what three copies share, one of them written to")
        case.same(column(rows, "shared_bytes"),
                  {site.relative(path): shared_by_filefrag(path)[0] for path in (a, b, c)}, f"{kind}: as filefrag prints")
        if kind == "xfs":
            case.same(column(rows, "shared_bytes"), {site.relative(path): shared_by_xfs_io(path) for path in (a, b, c)},
                      f"{kind}: as xfs_io prints")
        case.same(column(rows, "exclusive_bytes"), {"a.raw": 0, "b.raw": 2 * MIB, "c.raw": 0}, f"{kind}: what each has alone")
        case.same(column(rows, "unmatched_bytes"), dict.fromkeys(rows, 0), f"{kind}: all partners are known")
        case.same(column(rows, "saved_bytes"), {"a.raw": 0, "b.raw": 6 * MIB, "c.raw": 8 * MIB},
                  f"{kind}: a block counts with the first of its files")
        case.same({key: space(site)[key] for key in ("disk", "disk, counted per file", "saved by shared blocks")},
                  {"disk": 10 * MIB, "disk, counted per file": 24 * MIB, "saved by shared blocks": 14 * MIB},
                  f"{kind}: 10 MiB on the host where 24 seem to be")
        union = set().union(*(shared_by_filefrag(path)[1] for path in (a, b, c)))
        case.same(space(site)["disk"], len(union) * 4096 + 2 * MIB, f"{kind}: as the blocks that filefrag lists, each once")
        report = {site.relative(row["path"]): row for row in site.rows("--host")}
        case.same({path: row["partners"] for path, row in report.items()}, dict.fromkeys(rows, 2), f"{kind}: --host lists two partners each")
        case.same(report["b.raw"]["partner_paths"], f"{a}, {c}", f"{kind}: and their paths")
        frees_what_it_says(case, here, ["b.raw", "c.raw"], kind)


def frees_what_it_says(case, here, names, kind):
    """Deletes one by one, scanning before each."""
    for name in names:
        scan(case, here.site)
        row = hosts(here.site)[name]
        before = here.used()
        os.unlink(here.site.path(name))
        freed = before - here.used()
        case.check(row["freed_bytes"] <= freed <= row["freed_bytes"] + 64 * KIB,
                   f"{kind}: deleting {name} frees what was foretold, {row['freed_bytes']}", [f"freed {freed}", repr(row)])


@on("xfs", "btrfs")
def test_the_last_copy_frees_the_blocks(case, kind):
    with place(case, kind) as here:
        a = raw(here.site.path("a.raw"))
        clone(a, here.site.path("b.raw"))
        here.settle()
        frees_what_it_says(case, here, ["a.raw", "b.raw"], kind)


@on("xfs", "btrfs")
def test_qcow2_copies_share_what_was_not_written_since(case, kind):
    with place(case, kind) as here:
        site = here.site
        a = create(site.path("a.qcow2"), 64 * MIB)
        qemu_io(a, "write -q -P 1 0 4M", "write -q -P 2 8M 1M")
        must("sync", "-f", here.point)
        paths = [a] + [clone(a, site.path(f"{name}.qcow2")) for name in "bcd"]
        qemu_io(paths[1], "write -q -P 3 1M 512k")
        qemu_io(paths[2], "write -q -P 4 32M 3M")
        here.settle()
        scan(case, site)
        rows = hosts(site)
        printed = {site.relative(path): shared_by_filefrag(path) for path in paths}
        case.same(column(rows, "shared_bytes"), {name: size for name, (size, _) in printed.items()},
                  f"{kind}: qcow2 copies that were written to share what filefrag prints")
        blocks = set().union(*(places for _, places in printed.values()))
        case.same(space(site)["saved by shared blocks"], sum(size for size, _ in printed.values()) - len(blocks) * 4096,
                  f"{kind}: each of their blocks counts once")
        case.check(rows["b.qcow2"]["exclusive_bytes"] >= 512 * KIB and rows["c.qcow2"]["exclusive_bytes"] >= 3 * MIB,
                   f"{kind}: what was written is theirs", [repr(rows)])
        frees_what_it_says(case, here, ["b.qcow2", "c.qcow2", "d.qcow2"], kind)


@on("xfs", "btrfs")
def test_a_reflink_made_between_scans_is_noticed(case, kind):
    """A reflink leaves the time stamps of its source as they are, and so does its end."""
    with place(case, kind) as here:
        site = here.site
        a = raw(site.path("a.raw"))
        here.settle()
        time.sleep(0.05)
        scan(case, site)
        case.same(hosts(site)["a.raw"]["freed_bytes"], 8 * MIB, f"{kind}: alone it frees all")
        copy = clone(a, site.outside("copy.raw"))
        must("sync", "-f", here.point)
        outcome = scan(case, site)
        case.same(outcome.stats.get("unchanged"), 1, f"{kind}: its file is unchanged", outcome.notes())
        case.same({name: hosts(site)["a.raw"][name] for name in ("shared_bytes", "unmatched_bytes", "freed_bytes", "saved_bytes")},
                  {"shared_bytes": 8 * MIB, "unmatched_bytes": 8 * MIB, "freed_bytes": 0, "saved_bytes": 0},
                  f"{kind}: once a file outside of the roots shares it, nothing of it is promised")
        os.unlink(copy)
        here.used()
        scan(case, site)
        case.same(hosts(site)["a.raw"]["freed_bytes"], 8 * MIB, f"{kind}: and all is again when that one is gone")


@on("xfs", "btrfs")
def test_a_partner_outside_the_roots_holds_its_blocks(case, kind):
    with place(case, kind) as here:
        raw_file = raw(here.site.path("a.raw"))
        kept = clone(raw_file, here.site.outside("kept.raw"))
        overwrite(raw_file, 0, 1 * MIB)
        here.settle()
        scan(case, here.site)
        row = hosts(here.site)["a.raw"]
        case.same((row["shared_bytes"], row["unmatched_bytes"], row["freed_bytes"]), (7 * MIB, 7 * MIB, 1 * MIB),
                  f"{kind}: a partner outside of the roots is not known, and holds its blocks")
        frees_what_it_says(case, here, ["a.raw"], kind)
        case.check(os.path.exists(kept), f"{kind}: the partner is there")


@on("xfs")
def test_a_file_is_freed_only_with_all_its_hard_links(case, kind):
    with place(case, kind) as here, Mounts() as mounts:
        site = here.site
        inside = raw(site.path("inside.raw"))
        os.link(inside, site.path("again.raw"))
        outside = raw(site.path("outside.raw"))
        os.link(outside, site.outside("elsewhere.raw"))
        twice = raw(site.path("sub", "twice.raw"))
        single = raw(site.path("sub", "single.raw"))
        os.link(twice, site.outside("twice.raw"))
        must("sync", "-f", here.point)
        mounts.bind(site.path("sub"), site.path("mounted"))
        file_mount = site.path("by-itself.raw")
        open(file_mount, "w").close()
        mounts.bind(twice, file_mount)
        scan(case, site)
        rows = {os.path.basename(path): row for path, row in hosts(site).items()}
        case.same(len(rows), 4, "one row for each file, whatever its names", [repr(rows)])
        row = rows.get("again.raw")
        case.same((row["names"], row["links"], row["freed_bytes"]), (2, 2, 8 * MIB), "both links inside: deleting both frees it")
        row = rows.get("outside.raw")
        case.same((row["names"], row["links"], row["freed_bytes"]), (1, 2, 0), "a link outside: nothing is promised")
        row = next(row for name, row in rows.items() if row["links"] == 2 and name not in ("again.raw", "outside.raw"))
        case.same((row["names"], row["links"], row["freed_bytes"]), (1, 2, 0),
                  "a link that three mounts show is one link: the other one is outside")
        row = rows.get("single.raw")
        case.same((row["names"], row["links"], row["freed_bytes"]), (1, 1, 8 * MIB), "two mounts of the only link: deleting it frees it")
        case.same(space(site)["disk"], 32 * MIB, "each file counts once")
        case.check(os.path.exists(single), "all is still there")


@on("xfs")
def test_a_link_outside_of_later_roots_holds_the_file(case, kind):
    """The second link is outside of the roots of the second scan: no time stamp shows it."""
    with place(case, kind) as here:
        site = here.site
        a = raw(site.path("one", "a.raw"))
        os.link(a, site.path("two", "b.raw"))
        must("sync", "-f", here.point)
        scan(case, site)
        case.same(hosts(site)["one/a.raw"]["freed_bytes"], 8 * MIB, "both links are met")
        scan(case, site, roots=[site.path("one")])
        case.same(hosts(site)["one/a.raw"]["freed_bytes"], 0, "one link is met, by other roots")


@on("btrfs")
def test_subvolumes_share_blocks_as_one_volume(case, kind):
    with place(case, kind) as here:
        site = here.site
        for name in ("one", "two"):
            must("btrfs", "-q", "subvolume", "create", os.path.join(site.root, name))
        a = raw(site.path("one", "a.raw"))
        b = clone(a, site.path("two", "b.raw"))
        overwrite(b, 0, 1 * MIB)
        must("sync", "-f", here.point)
        must("btrfs", "-q", "subvolume", "snapshot", os.path.join(site.root, "two"), os.path.join(site.root, "three"))
        here.settle()
        scan(case, site)
        rows = hosts(site)
        devices = {os.stat(path).st_dev for path in (a, b)}
        case.same(len(devices), 2, "two subvolumes have two device numbers")
        case.same(column(rows, "shared_bytes"), {"one/a.raw": 8 * MIB, "two/b.raw": 8 * MIB, "three/b.raw": 8 * MIB},
                  "files of subvolumes and snapshots share blocks")
        case.same(space(site)["disk"], 9 * MIB, "which count once, as on one volume")
        text = must("btrfs", "filesystem", "du", "--raw", "-s", site.root)
        total, exclusive, shared = map(int, text.splitlines()[1].split()[:3])
        case.same((sum(column(rows, "disk_size").values()), sum(column(rows, "exclusive_bytes").values()), space(site)["disk"]),
                  (total, exclusive, exclusive + shared), "as btrfs filesystem du prints", text.splitlines())
        case.same(space(site)["disk"], here.used(), "as the file system counts as used")


@on("btrfs")
def test_nothing_is_promised_of_what_the_host_compresses(case, kind):
    """Compressed by the host, 8 MiB of a file take much less, and st_blocks does not show it."""
    with place(case, kind, "compress-force=zstd") as here:
        site = here.site
        a = site.path("a.raw")
        with open(a, "wb") as file:
            file.truncate(8 * MIB)
        fill(a, 0, 8 * MIB)
        here.settle()
        scan(case, site)
        row = hosts(site)["a.raw"]
        case.same((row["disk_size"], row["encoded_bytes"], row["freed_bytes"]), (8 * MIB, 8 * MIB, 0),
                  "of what the host compresses nothing is promised")
        case.check(here.used() < 2 * MIB, "and it takes less than a quarter", [str(here.used())])
        b = clone(a, site.path("b.raw"))
        must("sync", "-f", here.point)
        overwrite(b, 0, 1 * MIB)
        here.settle()
        scan(case, site)
        rows = hosts(site)
        case.same(column(rows, "shared_bytes"), {"a.raw": 7 * MIB, "b.raw": 7 * MIB}, "compressed copies share")
        case.same((column(rows, "saved_bytes"), column(rows, "unmatched_bytes")),
                  ({"a.raw": 0, "b.raw": 7 * MIB}, {"a.raw": 0, "b.raw": 0}),
                  "and each block counts once, whatever its length", [repr(rows)])
        case.same(column(rows, "encoded_bytes"), {"a.raw": 1 * MIB, "b.raw": 0}, "what was written anew cannot be compressed")
        case.same(column(rows, "shared_bytes"), {name: shared_by_filefrag(site.path(name))[0] for name in rows}, "as filefrag prints")


@on("xfs", "btrfs")
def test_blocks_used_twice_in_one_file_count_once(case, kind):
    """A file that has the same blocks at two places of itself."""
    with place(case, kind) as here:
        site = here.site
        a = raw(site.path("a.raw"), 4 * MIB)
        with open(a, "r+b") as file:
            file.truncate(8 * MIB)
        must("xfs_io", "-c", f"reflink {a} 0 {4 * MIB} {4 * MIB}", a)
        here.settle()
        scan(case, site)
        row = hosts(site)["a.raw"]
        printed = shared_by_filefrag(a)[0]
        case.same((row["disk_size"], row["shared_bytes"]), (8 * MIB, printed), f"{kind}: as filefrag prints")
        case.same((row["saved_bytes"], row["unmatched_bytes"]), (printed // 2, printed), f"{kind}: each of its blocks counts once")
        before = here.used()
        os.unlink(a)
        freed = before - here.used()
        case.check(row["freed_bytes"] <= freed, f"{kind}: deleting it frees no less than was foretold", [f"{freed} of {row}"])


@on("xfs", "btrfs")
def test_unused_backing_promises_what_deleting_frees(case, kind):
    """A base that nobody names any more, of which a copy is kept elsewhere."""
    with place(case, kind) as here:
        site = here.site
        base = create(site.path("base.qcow2"), 64 * MIB)
        qemu_io(base, "write -q -P 1 0 8M")
        overlay = create(site.path("top.qcow2"), backing=base, backing_format="qcow2")
        must("sync", "-f", here.point)
        clone(base, site.outside("kept.qcow2"))
        qemu_io(base, "write -q -P 2 0 2M")
        here.settle()
        scan(case, site)
        os.unlink(overlay)
        scan(case, site)
        row = site.unused()["base.qcow2"]
        before = here.used()
        os.unlink(base)
        freed = before - here.used()
        case.check(2 * MIB <= row["reclaimable_bytes"] <= freed <= row["reclaimable_bytes"] + 64 * KIB,
                   f"{kind}: --unused-backing promises what deleting frees",
                   [f"freed {freed}", repr(row)])
        case.check(row["disk_size"] >= 8 * MIB, f"{kind}: which is less than its blocks")


@on("xfs")
def test_blocks_of_a_part_outside_the_roots_are_looked_at(case, kind):
    """A data file that lies in an --allow directory is never walked; what it shares is known all the same."""
    with place(case, kind) as here:
        site = here.site
        data = site.outside("data.raw")
        image = site.path("image.qcow2")
        must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", image, str(8 * MIB))
        qemu_io(image, "write -q -P 1 0 8M")
        must("sync", "-f", here.point)
        clone(data, os.path.join(here.point, "copy.raw"))
        here.settle()
        printed = shared_by_filefrag(data)[0]
        for number in (1, 2):
            scan(case, site, "--allow", os.path.dirname(data))
            case.same(site.value("SELECT shared_bytes FROM v_file_blocks WHERE path = ?", data), printed,
                      f"a part's blocks are looked at in scan {number}")
        case.same(printed, 8 * MIB, "which are 8 MiB")


def test_nothing_is_promised_where_the_host_does_not_report_sharing(case):
    """A file system without FIEMAP that may share, here an overlay on tmpfs: nothing is promised, and nothing is claimed."""
    reason = why_no_mounts()
    if reason:
        return case.skip("a host that does not show blocks", reason)
    with Mounts() as mounts:
        site = case.site()
        try:
            mounts.overlay(site.root, case.fresh())
        except ToolError as error:
            return case.skip("a host that does not show blocks", str(error))
        raw(site.path("a.raw"))
        scan(case, site)
        row = hosts(site)["a.raw"]
        case.same((row["disk_size"], row["shared_bytes"], row["freed_bytes"], row["saved_bytes"]), (8 * MIB, None, None, 0),
                  "where the host does not show blocks, they are reported as unknown")
        case.same([row["why"] for row in site.rows("--host")], ["the host does not report what it shares"], "and --host has the reason")
    return None


def test_all_is_freed_where_nothing_can_be_shared(case):
    """tmpfs cannot share blocks."""
    reason = why_no_mounts()
    if reason:
        return case.skip("a host that never shares", reason)
    with Mounts() as mounts:
        site = case.site()
        mounts.tmpfs(site.root)
        raw(site.path("a.raw"))
        scan(case, site)
        row = hosts(site)["a.raw"]
        case.same((row["shared_bytes"], row["freed_bytes"]), (0, 8 * MIB), "where nothing can be shared, all is freed")
        case.same(site.rows("--host"), [], "and --host has no rows")
    return None


def test_an_older_store_is_completed_without_reading_images(case):
    """Rows that were written before links were kept are completed by a scan that reads no image."""
    site = case.site()
    raw(site.path("a.raw"))
    time.sleep(0.05)
    scan(case, site)
    must("sqlite3", site.db, "UPDATE file SET links = NULL, links_found = NULL; DELETE FROM file_sharing")
    case.same(hosts(site)["a.raw"]["freed_bytes"], None, "until then nothing is promised")
    outcome = scan(case, site)
    case.same(outcome.stats.get("unchanged"), 1, "the image is not read", outcome.notes())
    row = hosts(site)["a.raw"]
    case.same((row["links"], row["names"]), (1, 1), "its links are known")


TESTS = [
    test_copies_share_what_filefrag_reports,
    test_the_last_copy_frees_the_blocks,
    test_qcow2_copies_share_what_was_not_written_since,
    test_a_reflink_made_between_scans_is_noticed,
    test_a_partner_outside_the_roots_holds_its_blocks,
    test_a_file_is_freed_only_with_all_its_hard_links,
    test_a_link_outside_of_later_roots_holds_the_file,
    test_subvolumes_share_blocks_as_one_volume,
    test_nothing_is_promised_of_what_the_host_compresses,
    test_blocks_used_twice_in_one_file_count_once,
    test_unused_backing_promises_what_deleting_frees,
    test_blocks_of_a_part_outside_the_roots_are_looked_at,
    test_nothing_is_promised_where_the_host_does_not_report_sharing,
    test_all_is_freed_where_nothing_can_be_shared,
    test_an_older_store_is_completed_without_reading_images,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Blocks and links that files share on the host.", TESTS))
