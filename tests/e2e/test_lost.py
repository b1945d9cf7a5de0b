#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# image-lost: an image of an earlier scan that is none now may name what looks unused, for as long as it is there.

import os
import shutil

import harness
from sites import MIB, create, make_raw, patch, powerless_site, write

PROVEN = ("unreferenced", "proven", None)
LOST = ("unreferenced", "unproven", "unread")
TEXT = b"Nothing but words, and many of them. " * 100


def overlay_and_base(case, name="vm"):
    """An overlay whose name claims nothing, and its base, both scanned."""
    site = case.site()
    base = write(create(site.path("1111-base"), MIB), 0)
    over = write(create(site.path(name), MIB, "1111-base"), 1)
    site.scan()
    return site, base, over


def verdict(site, name="1111-base"):
    row = site.unused().get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def lost(site):
    return {path for code, path in site.findings() if code == "image-lost"}


def zero_header(path):
    patch(path, 0, bytes(512))


def overwrite_by_text(path):
    patch(path, 0, TEXT)


def empty(path):
    os.truncate(path, 0)


def replace_by_text(path):
    with open(path + ".new", "wb") as file:
        file.write(TEXT)
    os.rename(path + ".new", path)


def make_anew(path):
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(TEXT)


def begin_as_another_format(path):
    patch(path, 0, b"KDMX" + bytes(508))


def cut_within_magic(path):
    os.truncate(path, 3)


DAMAGES = [zero_header, overwrite_by_text, empty, replace_by_text, make_anew, begin_as_another_format, cut_within_magic]


def test_what_is_no_image_any_more_blocks_until_it_is_repaired_or_deleted(case):
    for damage in DAMAGES:
        site, base, over = overlay_and_base(case)
        saved = shutil.copy(over, site.outside("saved"))
        damage(over)
        what = damage.__name__
        scan = site.scan()
        case.same((verdict(site), lost(site), scan.code), (LOST, {"vm"}, 3), f"{what}: its base is unproven", scan.notes())
        for _ in range(2):
            site.scan()
        first, last = site.query("SELECT first_scan, last_scan FROM v_finding WHERE code = 'image-lost'")[0]
        case.same((verdict(site), lost(site), first, last), (LOST, {"vm"}, 2, 4), f"{what}: on following nights, too")
        if damage is zero_header:
            os.rename(over, site.path("broken"))
            site.scan()
            case.same((verdict(site), lost(site)), (LOST, {"broken"}), f"{what}: by another name, too")
            os.rename(site.path("broken"), over)
        shutil.copy(saved, over)
        site.scan()
        case.same((verdict(site), lost(site)), (None, set()), f"{what}: repaired, its base is used")
        damage(over)
        site.scan()
        os.unlink(over)
        site.scan()
        case.same((verdict(site), lost(site)), (PROVEN, set()), f"{what}: deleted, its base is unused")
        case.check(os.path.exists(base), f"{what}: nothing was deleted here", [])


def test_an_image_that_falls_back_to_raw_is_lost(case):
    site, _, over = overlay_and_base(case, "vm.img")
    zero_header(over)
    for night in ("the first", "the next"):
        site.scan()
        case.same((verdict(site), lost(site)), (LOST, {"vm.img"}), f"raw by its suffix alone, {night} night")
    site, _, over = overlay_and_base(case, "vm.qcow2")
    os.rename(over, site.path("vm.img"))
    site.scan()
    case.same((verdict(site), lost(site)), (None, set()), "renamed to that suffix, with its header: no loss")


def test_a_file_that_was_another_is_put_in_its_place(case):
    site, _, over = overlay_and_base(case)
    with open(site.path("notes.txt"), "wb") as file:
        file.write(TEXT)
    site.scan()
    os.rename(site.path("notes.txt"), over)
    for _ in range(2):
        site.scan()
        case.same((verdict(site), lost(site)), (LOST, {"vm"}), "a file that was known, moved over the image")
    site, _, over = overlay_and_base(case)
    other = write(create(site.path("other"), MIB), 0)
    site.scan()
    os.rename(other, over)
    site.scan()
    case.same((verdict(site), lost(site)), (PROVEN, set()), "another image, moved over the image: it is deleted")
    site, _, over = overlay_and_base(case)
    os.rename(over, site.path("kept"))
    with open(over, "wb") as file:
        file.write(TEXT)
    site.scan()
    case.same((verdict(site), lost(site)), (None, set()), "the image is there by another name")
    site, _, over = overlay_and_base(case)
    os.unlink(over)
    os.mkdir(over)
    site.scan()
    case.same((verdict(site), lost(site)), (PROVEN, set()), "a directory in its place: it is deleted")


def test_what_is_no_loss(case):
    site = case.site()
    make_raw(site.path("disk.img"))
    plain = make_raw(site.path("plain"), pattern=0)
    over = create(site.path("over.qcow2"), MIB, plain, "raw")
    inner = write(create(site.path("inner"), MIB), 0)
    site.scan()
    case.same(site.value("SELECT count(*) FROM v_image"), 4, "four images")
    empty(site.path("disk.img"))
    os.unlink(over)
    os.truncate(plain, 7)
    outer = create(site.path("outer"), MIB, options=[f"data_file={site.path('new')}", "data_file_raw=on"])
    os.rename(inner, site.path("new"))
    site.scan()
    case.same(lost(site), set(), "raw images, which name nothing, and an image that is the data file of another now")
    case.same(site.value("SELECT count(*) FROM file WHERE path = ? AND class = 'part'", site.path("new")), 1, "which is a part", [outer])


def test_a_loss_is_accepted(case):
    site, _, over = overlay_and_base(case)
    zero_header(over)
    site.scan()
    outcome = site.run("accept", "--db", site.db, "image-lost", "*/vm", "--reason", "beyond repair")
    case.same((outcome.code, verdict(site)), (0, PROVEN), "a loss that was accepted blocks nothing", [outcome])
    scan = site.scan()
    case.same((scan.code, verdict(site), lost(site)), (0, PROVEN, {"vm"}), "nor in later scans, which report it")


def test_a_loss_goes_with_its_file(case):
    site, _, over = overlay_and_base(case)
    zero_header(over)
    site.scan()
    os.rename(site.root, site.root + ".away")
    os.mkdir(site.root)
    os.rename(site.root + ".away", os.path.join(site.root, "moved"))
    site.scan()
    case.same((verdict(site, "moved/1111-base")[1], lost(site)), ("unproven", {"moved/vm"}), "a tree that was moved has it still")
    case.check(os.path.exists(site.path("moved", "vm")) and not os.path.exists(over), "it is the same file", [])


def test_a_loss_outlives_a_night_in_which_it_is_not_seen(case):
    site, reason = powerless_site(case.imgaudit, case.fresh())
    if reason:
        return case.skip("a loss outlives a night in which it is not seen", reason)
    os.chmod(site.root, 0o777)
    write(create(site.path("1111-base"), MIB), 0)
    over = write(create(site.path("locked", "vm"), MIB, "../1111-base"), 1)
    for path in (site.path("1111-base"), over):
        os.chmod(path, 0o644)
    site.scan()
    zero_header(over)
    site.scan()
    case.same((verdict(site), lost(site)), (LOST, {"locked/vm"}), "lost before")
    for hidden in (site.path("locked"), over):
        before = os.stat(hidden).st_mode
        os.chmod(hidden, 0)
        site.scan()
        case.same(verdict(site)[1], "unproven", f"{os.path.basename(hidden)} cannot be read: unproven")
        os.chmod(hidden, before)
        site.scan()
        case.same((verdict(site), lost(site)), (LOST, {"locked/vm"}), "lost after it")


def overwrite(path, kind, backing=None):
    """In place: the file keeps its inode."""
    new = create(path + ".new", MIB, backing, format=kind)
    with open(new, "rb") as source, open(path, "r+b") as target:
        target.write(source.read())
        target.truncate()
    os.unlink(new)


def test_an_image_of_another_format_written_over_it_is_no_repair(case):
    site, base, over = overlay_and_base(case)
    overwrite(over, "vdi")
    for number in (1, 2, 3):
        scan = site.scan()
        case.same((scan.code, lost(site), verdict(site)), (3, {"vm"}, LOST), f"night {number}: a VDI image is written over the overlay", scan.notes())
    write(over, 0, format="vdi")
    site.scan()
    case.same((lost(site), verdict(site)), ({"vm"}, LOST), "and it is written to")
    overwrite(over, "qcow2", base)
    site.scan()
    case.same((lost(site), verdict(site)), (set(), None), "put back, it names its base")
    overwrite(over, "qcow2")
    site.scan()
    case.same((lost(site), verdict(site)), (set(), PROVEN), "an image of its own format was rebased, as far as anybody knows")
    overwrite(over, "vdi")
    site.scan()
    case.same((lost(site), verdict(site)), (set(), PROVEN), "one without a backing file named nothing")

    site, base, over = overlay_and_base(case)
    new = create(over + ".new", MIB, format="vdi")
    os.rename(new, over)
    site.scan()
    case.same((lost(site), verdict(site)), (set(), PROVEN), "another file in its place is another image")

    site, base, over = overlay_and_base(case)
    overwrite(over, "vdi")
    site.scan()
    os.unlink(over)
    site.scan()
    case.same((lost(site), verdict(site)), (set(), PROVEN), "deleted, it is no loss")


TESTS = [
    test_a_loss_outlives_a_night_in_which_it_is_not_seen,
    test_what_is_no_image_any_more_blocks_until_it_is_repaired_or_deleted,
    test_an_image_that_falls_back_to_raw_is_lost,
    test_a_file_that_was_another_is_put_in_its_place,
    test_what_is_no_loss,
    test_a_loss_is_accepted,
    test_a_loss_goes_with_its_file,
    test_an_image_of_another_format_written_over_it_is_no_repair,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Images that are none any more.", TESTS))
