#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What-if where names, users and doubts matter: hard links, symbolic links, templates, images in use, scans that could
# not see everything, and wrong questions.

import hashlib
import os

import harness
import sites
from sites import CLUSTER, MIB, Holder, create, must, patch, write


def rows(site, action, *names, columns=("effect", "path")):
    answer = site.rows(f"--what-if-{action}", *[site.path(name) for name in names])
    return [tuple(site.relative(row[column]) if column == "path" and row[column] else row[column]
                  for column in columns) for row in answer]


def row(site, action, names, effect, path=None):
    for one in site.rows(f"--what-if-{action}", *[site.path(name) for name in names]):
        if one["effect"] == effect and (path is None or one["path"] == site.path(path)):
            return one
    return None


def blocks(*paths):
    return sum(os.stat(path).st_blocks * 512 for path in paths)


def family(site):
    """A base, and two heads that see other parts of it."""
    write(create(site.path("base"), 8 * CLUSTER), *range(8), pattern=1)
    write(create(site.path("one"), 8 * CLUSTER, "base"), 0, 1, 2, 3, pattern=2)
    write(create(site.path("two"), 8 * CLUSTER, "base"), 4, 5, pattern=3)
    must("sync", site.path("base"), site.path("one"), site.path("two"))


def next_scan(site, *deleted):
    """What --unused-backing says of the base once these were deleted and the images scanned again: status, verdict."""
    for name in deleted:
        os.unlink(site.path(name))
    site.scan()
    got = site.unused(partly=True).get("base")
    return got and (got["status"], got["verdict"])


def test_what_if_proves_no_more_than_the_next_scan(case):
    """An image that stays and reads the base is not understood, or reads it in another way."""
    CORRUPT = 79  # the header's incompatible feature bits, the last byte of them; bit 1: marked as corrupt

    def mark(site):
        patch(site.path("two"), CORRUPT, bytes([2]))

    def read_aside(site):
        os.link(site.path("base"), site.path("data"))
        must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('made')}", site.path("third"), str(MIB))
        os.unlink(site.path("made"))
        os.rename(site.path("data"), site.path("made"))
    for what, change, then in (("healthy", None, ("partly-masked", "proven")),
                               ("one that stays is marked as corrupt", mark, ("partly-masked", "unproven")),
                               ("the base is another image's data file", read_aside, None)):
        site = case.site()
        family(site)
        if change:
            change(site)
        site.scan()
        masked = row(site, "delete", ["one"], "masked-more")
        case.same(masked["verdict"], "proven" if change is None else "unproven", f"{what}: what-if", [str(masked)])
        case.same(next_scan(site, "one"), then, f"{what}: and the scan after it")


def test_what_is_deleted_is_doubted_as_a_candidate(case):
    def prepare():
        site = case.site()
        base = write(create(site.path("base"), MIB), 0)
        over = create(site.path("one"), MIB, "base")
        site.scan()
        return site, base, over

    def renamed(site, base, over):
        os.rename(base, site.path("moved"))
        return "moved"

    def exchanged(site, base, over):
        os.rename(base, site.path("moved"))
        create(base, MIB)
        return "moved"

    for change, codes in ((renamed, {"broken-reference", "renamed"}), (exchanged, {"exchanged", "renamed"})):
        site, base, over = prepare()
        name = change(site, base, over)
        site.scan()
        got = {one["effect"]: (one["verdict"], set((one["why_codes"] or "").split(","))) for one in site.rows("--what-if-delete", site.path(name))}
        case.same(got, {"deleted": ("unproven", codes), "total": ("unproven", {"other-rows"})}, f"{change.__name__} under its overlay")

    site, base, over = prepare()
    for roots, arguments in (((over,), ("--allow", site.root)), ((base, over), ())):
        site.run("scan", "--db", site.db, "--inventory", "none", "--min-age", "0", "--trust-locks", *arguments, *roots)
        case.same(rows(site, "delete", "base", columns=("effect", "verdict", "why_codes")),
                  [("deleted", "unproven", "not-walked"), ("breaks", "proven", None), ("total", "unproven", "other-rows")], f"no directory was walked: {roots}, {arguments}")
    site.scan()
    case.same(rows(site, "delete", "base", columns=("effect", "verdict")), [("deleted", "proven"), ("breaks", "proven"), ("total", "proven")], "all was walked")


def test_a_set_frees_more_than_its_members(case):
    site = case.site()
    family(site)
    site.scan()
    files = [site.path(name) for name in ("base", "one", "two")]
    case.same(rows(site, "delete", "one"), [("deleted", "one"), ("masked-more", "base"), ("total", None)],
              "one head alone frees itself, and masks what only it read")
    masked = row(site, "delete", ["one"], "masked-more")
    case.same((masked["masked_before"], masked["masked_after"]), (0, 2 * CLUSTER),
              "that is what the other one has written over")
    case.same(rows(site, "delete", "one", "two", columns=("effect", "step", "path")),
              [("deleted", None, "one"), ("deleted", None, "two"), ("unreferenced", 1, "base"), ("total", None, None),
               ("total-with-next", 1, None)], "both together leave the base to nobody")
    alone = [row(site, "delete", [name], "total")["freed_bytes"] for name in ("one", "two")]
    both = row(site, "delete", ["one", "two"], "total-with-next")["freed_bytes"]
    case.same(both, blocks(*files), "and free all three files")
    case.check(both > sum(alone), "which is more than the sum of each", [f"{both}, {alone}"])
    case.same(rows(site, "delete", "one", "one", "./two", "two"), rows(site, "delete", "two", "one"),
              "neither order nor repetition matters")


def test_what_if_takes_images_anywhere_and_leaves_the_store_alone(case):
    site = case.site()
    family(site)
    site.scan()
    one, two = site.path("one"), site.path("two")
    before = hashlib.sha256(open(site.db, "rb").read()).hexdigest()
    together = site.rows("--what-if-delete", one, two)
    case.same(site.rows("--what-if-delete", one, "--what-if-delete", two), together, "the option may be given again")
    outcome = site.run("report", "--what-if-delete", one, "--db", site.db, two, "--format", "json")
    case.check(outcome.code == 0 and '"report": "what-if"' in outcome.out, "images may lie anywhere", [outcome.err])
    outcome = site.report("--what-if-delete", one, "--columns", "effect,freed_bytes", format="csv")
    case.same(outcome.out.splitlines(), ["effect,freed_bytes", f"deleted,{blocks(one)}", "masked-more,",
                                         f"total,{blocks(one)}"], "columns are chosen as in any report")
    for form in ("table", "ndjson"):
        outcome = site.report("--what-if-flatten", one, two, format=form)
        case.check(outcome.code == 0 and "flattened" in outcome.out, f"as {form}", [outcome.err])
    case.same(hashlib.sha256(open(site.db, "rb").read()).hexdigest(), before, "the store is as it was")


def test_wrong_questions_are_refused(case):
    site = case.site()
    family(site)
    site.scan()
    one, two, base = site.path("one"), site.path("two"), site.path("base")
    for code, words, arguments in (
            (1, "has no image", ["--what-if-delete", site.path("none")]),
            (1, "has no image", ["--what-if-delete", one, site.path("none")]),
            (2, "one image at a time", ["--what-if-commit", one, two]),
            (2, "nothing to commit into", ["--what-if-commit", base]),
            (2, "one what-if at a time", ["--what-if-delete", one, "--what-if-flatten", two]),
            (2, "takes no --what-if", ["--summary", "--what-if-delete", one]),
            (2, "needs --what-if-delete", ["--name", "what-if"]),
            (2, "bad option or missing", ["--what-if-delete"]),
            (2, "not an option", ["--summary", one])):
        outcome = site.report(*arguments)
        case.check(outcome.code == code and words in outcome.err and not outcome.out,
                   f"{' '.join(map(os.path.basename, arguments))}: {words}", [f"code {outcome.code}", outcome.err])


def test_a_file_is_freed_with_its_last_hard_link(case):
    site = case.site()
    family(site)
    os.link(site.path("base"), site.path("other"))
    write(create(site.path("three"), 8 * CLUSTER, "other"), 0, pattern=4)
    site.scan()
    deleted = row(site, "delete", ["base"], "deleted")
    case.same((deleted["freed_bytes"], deleted["detail"]), (0, "its file keeps other names, and stays"),
              "one name of two frees nothing")
    case.same([name for effect, name in rows(site, "delete", "base") if effect == "breaks"], ["one", "two"],
              "and breaks only those that go by that name")
    os.unlink(site.path("base"))
    case.same([sites.checksum(site.path(name)) is None for name in ("one", "two", "three")], [True, True, False],
              "as qemu-img does")
    os.link(site.path("other"), site.path("base"))
    both = row(site, "delete", ["base", "other"], "deleted")
    case.same(both["freed_bytes"], blocks(site.path("base")), "both names free the file, once")
    case.same(sorted(name for effect, name in rows(site, "delete", "base", "other") if effect == "breaks"),
              ["one", "three", "two"], "and break all that lie on it")
    unreferenced = row(site, "delete", ["one", "two", "three"], "unreferenced")
    case.same(unreferenced["freed_bytes"], 0, "deleting one name of an unreferenced base frees nothing either")


def test_a_hard_link_that_nothing_names_afterwards_is_unreferenced(case):
    site = case.site()
    family(site)
    os.link(site.path("base"), site.path("other"))
    site.scan()
    found = {effect: row(site, "delete", ["base"], effect) for effect in ("deleted", "total")}
    case.same((found["deleted"]["freed_bytes"], found["deleted"]["detail"]), (0, "its file keeps other names, and stays"),
              "one name of two frees nothing, though nothing names the other afterwards")
    case.same(found["total"]["freed_bytes"], 0, "nor does the set")
    size = blocks(site.path("base"))
    other, total = (row(site, "delete", ["base"], effect) for effect in ("unreferenced", "total-with-next"))
    case.same((site.relative(other["path"]), other["freed_bytes"], other["freed_at_most"], total["freed_bytes"]),
              ("other", size, size, size), "deleting the other name too frees the file")
    case.check("several names" not in other["detail"], "whose only name that is", [str(other)])
    case.same([name for effect, name in rows(site, "delete", "base") if effect == "breaks"], ["one", "two"],
              "and the overlays that go by that name break")
    os.unlink(site.path("base"))
    case.same([sites.checksum(site.path(name)) is None for name in ("one", "two")], [True, True], "as qemu-img does")
    case.same(os.stat(site.path("other")).st_nlink, 1, "and that name is the file's last")
    for more in ("base", "third"):
        os.link(site.path("other"), site.path(more))
    site.scan()
    other = row(site, "delete", ["base"], "unreferenced")
    case.same((other["freed_bytes"], "several names" in other["detail"]), (0, True),
              "of three names, deleting one and then another frees nothing")
    case.same(row(site, "delete", ["base", "third"], "unreferenced")["freed_bytes"], size, "deleting two and then the last does")
    os.rename(site.path("third"), site.outside("aside"))
    site.scan()
    other = row(site, "delete", ["base"], "unreferenced")
    case.same((other["freed_bytes"], "did not" in other["detail"]), (0, True), "nor with a name that the scan did not find")


def test_a_symbolic_link_means_its_image(case):
    site = case.site()
    family(site)
    os.symlink("one", site.path("link"))
    site.scan()
    case.same(rows(site, "delete", "link"), rows(site, "delete", "one"), "a symbolic link stands for its image")


def test_a_template_is_never_unreferenced(case):
    site = case.site()
    family(site)
    site.scan("--template", "base")
    case.same(rows(site, "delete", "one", "two"), [("deleted", "one"), ("deleted", "two"), ("total", None)],
              "a template is never unreferenced, and nothing of it is masked")


def test_a_template_that_is_committed_into_changes(case):
    site = case.site()
    write(create(site.path("tpl"), MIB), 0, 1)
    write(create(site.path("clone"), MIB, "tpl"), 1, 2, 3)
    create(site.path("other"), MIB, "tpl")
    write(create(site.path("safe"), MIB, "tpl"), 1, 2, 3)
    site.scan()
    changed = lambda: [(row["path"] and site.relative(row["path"]), row["guest_bytes"]) for row in
                       site.rows("--what-if-commit", site.path("clone")) if row["effect"] == "changes"]
    case.same(changed(), [("other", 3 * CLUSTER)], "into a base that nobody reads as a disk: the overlay that reads it there changes")
    site.scan("--template", "tpl")
    case.same(changed(), [("other", 3 * CLUSTER), ("tpl", 3 * CLUSTER)], "a template reads all of itself, and changes too")
    detail = [row["detail"] for row in site.rows("--what-if-commit", site.path("clone")) if row["effect"] == "changes"][1]
    case.check("template" in detail, "the row shows what it is", [detail])
    must("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "other", site.path("clone"))
    site.scan("--template", "tpl")
    case.same(changed(), [], "committed into another image, the template stays as it is")


def test_nothing_is_proven_of_an_image_in_use(case):
    site = case.site()
    family(site)
    with Holder(site.path("one")):
        site.scan()
    deleted = row(site, "delete", ["one"], "deleted")
    case.same(deleted["verdict"], "unproven", "nothing is proven of an image in use")
    case.check("in use" in deleted["why"], "and the row shows it", [str(deleted)])
    case.same(row(site, "delete", ["one"], "total")["verdict"], "unproven", "nor of the sum")


def test_an_incomplete_scan_proves_nothing(case):
    site = case.site()
    family(site)
    site.scan("--exclude", "two")
    answer = site.rows("--what-if-delete", site.path("one"))
    case.same({one["verdict"] for one in answer}, {"unproven"}, "a scan with a hole proves nothing")
    case.check(all("was not read" in one["why"] for one in answer), "and every row has the reason", [str(answer)])


def test_an_image_is_deleted_with_its_data_file(case):
    site = case.site()
    data, image = site.path("disk.data"), site.path("disk.qcow2")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", image, str(MIB))
    write(image, 0, 1, 2)
    must("sync", data, image)
    site.scan()
    case.same(row(site, "delete", ["disk.qcow2"], "deleted")["freed_bytes"], blocks(data, image),
              "an image takes its data file along")
    outcome = site.report("--what-if-delete", data)
    case.check(outcome.code == 1 and "part of another" in outcome.err, "which is no image of its own", [outcome.err])


def test_what_a_broken_chain_needs_is_unknown(case):
    site = case.site()
    family(site)
    os.unlink(site.path("base"))
    site.scan()
    flattened = row(site, "flatten", ["one"], "flattened")
    case.same((flattened["needed_bytes"], flattened["verdict"]), (None, "unproven"),
              "what a broken chain needs is unknown")
    case.same(row(site, "flatten", ["one"], "total")["needed_bytes"], None, "nor what the set does")


def test_a_flattened_image_breaks_its_snapshots(case):
    """`qemu-img rebase` takes from a snapshot what it read from the backing file, and says nothing."""
    site = case.site()
    family(site)
    must("qemu-img", "snapshot", "-c", "kept", site.path("one"))
    site.scan()
    foretold = row(site, "flatten", ["one"], "breaks")
    case.same((site.relative(foretold["path"]), foretold["snapshot"], foretold["guest_bytes"]), ("one", "kept", 4 * CLUSTER),
              "the snapshot of a flattened image loses what it read below")
    must("qemu-img", "rebase", "-b", "", site.path("one"))
    must("qemu-img", "convert", "-l", "snapshot.name=kept", "-O", "raw", site.path("one"), site.outside("kept"))
    with open(site.outside("kept"), "rb") as file:
        case.same(file.read(), b"\2" * (4 * CLUSTER) + bytes(4 * CLUSTER), "and qemu-img reads zeroes there")


def test_commit_and_flatten_give_the_figures_of_the_manual(case):
    """The worked example of the manual."""
    site = case.site()
    family(site)
    site.scan()
    case.same(rows(site, "commit", "one", columns=("effect", "path", "freed_bytes", "needed_bytes", "guest_bytes")),
              [("committed", "one", 4 * CLUSTER, 0, 4 * CLUSTER), ("receives", "base", 0, 0, 0),
               ("changes", "two", None, None, 4 * CLUSTER), ("total", None, 4 * CLUSTER, 0, None)],
              "a commit writes over what another image reads")
    case.same(rows(site, "flatten", "two", columns=("effect", "path", "needed_bytes", "masked_before", "masked_after")),
              [("flattened", "two", 6 * CLUSTER, None, None), ("masked-more", "base", None, 0, 4 * CLUSTER),
               ("total", None, 6 * CLUSTER, None, None)],
              "flattening takes what it read, and leaves to the base what the other one reads")


TESTS = [
    test_what_if_proves_no_more_than_the_next_scan,
    test_what_is_deleted_is_doubted_as_a_candidate,
    test_a_set_frees_more_than_its_members,
    test_what_if_takes_images_anywhere_and_leaves_the_store_alone,
    test_wrong_questions_are_refused,
    test_a_file_is_freed_with_its_last_hard_link,
    test_a_hard_link_that_nothing_names_afterwards_is_unreferenced,
    test_a_symbolic_link_means_its_image,
    test_a_template_is_never_unreferenced,
    test_a_template_that_is_committed_into_changes,
    test_nothing_is_proven_of_an_image_in_use,
    test_an_incomplete_scan_proves_nothing,
    test_an_image_is_deleted_with_its_data_file,
    test_what_a_broken_chain_needs_is_unknown,
    test_a_flattened_image_breaks_its_snapshots,
    test_commit_and_flatten_give_the_figures_of_the_manual,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("--what-if: names, users, doubts.", TESTS))
