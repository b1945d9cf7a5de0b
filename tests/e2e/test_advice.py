#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The commands that `report --unused-backing` suggests: what a shell makes of them, that they do what they are meant to
# when they are run for real, and that nothing is suggested that is not safe.

import csv
import io
import json
import os
import shutil

import harness
import sites
from sites import CLUSTER, KIB, MIB, Holder, checksum, create, make_raw, must, qemu_io, write

ODD_NAMES = ("plain", "two words", "it's", "'", "''q''", 'dou"ble', "-rf", "--", "a;b", "$(touch x)", "`id`", "back\\slash", "end\\",
             "star*[a]?", "tab\there", "new\nline", "~", "#x", "$HOME", "a&&b", "ä", b"\xff\xfe".decode("utf-8", "surrogateescape"),
             "colon:name", "json:{}", "comma,driver=nbd", "%s%n")


def suggestions(site):
    """{path below the root: suggestion}, bytes as they are."""
    outcome = site.report("--unused-backing", "--columns", "path,suggestion", format="csv")
    if outcome.code != 0:
        raise sites.ToolError(outcome.err)
    rows = list(csv.reader(io.StringIO(outcome.out, newline="")))[1:]
    return {site.relative(path): text for path, text in rows}


class Shell:
    """A shell in whose path are, instead of the tools, scripts that only print how they were called."""

    def __init__(self, case):
        self.directory = case.fresh()
        self.log = os.path.join(self.directory, "log")
        for tool in ("rm", "qemu-img", "fuser", "imgaudit"):
            path = os.path.join(self.directory, tool)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\nprintf '%s\\0' {tool} \"$@\" '' >> '{self.log}'\n")
            os.chmod(path, 0o755)

    def calls(self, command):
        """The calls of tools that the command makes, each with its arguments."""
        outcome = sites.run(["/bin/sh", "-c", command], cwd=self.directory, env={**sites.ENVIRONMENT, "PATH": self.directory})
        if outcome.code != 0 or outcome.err:
            return [("error", outcome.err)]
        if not os.path.exists(self.log):
            return []
        with open(self.log, "rb") as file:
            parts = sites.decode(file.read()).split("\0")
        os.unlink(self.log)
        calls = [[]]
        for part in parts[:-1]:
            if part:
                calls[-1].append(part)
            else:
                calls.append([])
        return [tuple(call) for call in calls if call]


def environment(site):
    """That of an administrator whose standard store is the site's."""
    path = os.path.dirname(os.path.abspath(site.imgaudit)) + ":" + os.environ["PATH"]
    return {**sites.ENVIRONMENT, "PATH": path, "IMGAUDIT_DB": site.db}


def run_for_real(site, name):
    outcome = sites.run(["/bin/sh", "-c", suggestions(site)[name]], cwd="/", env=environment(site))
    return (outcome.code, outcome.err)


class HolderAlone(Holder):
    """An overlay that is open without its backing file."""

    def __init__(self, path):
        super().__init__(path)
        self.command = ["qemu-io", "json:" + json.dumps({"driver": "qcow2", "backing": None, "file.filename": path})]


def make_orphan(site, path):
    """A base whose overlay was seen by a scan and is gone now."""
    write(create(path, MIB), 0, 1)
    over = create(path + ".over", MIB, path)
    return over


# -- What a shell makes of it -----------------------------------------------------------------------------------------

def test_a_shell_calls_rm_with_exactly_the_odd_name(case):
    site = case.site()
    shell = Shell(case)
    paths = {os.path.join("odd", name, "x" + name): site.path("odd", name, "x" + name) for name in ODD_NAMES}
    overs = [make_orphan(site, path) for path in paths.values() if len(os.fsencode(path)) < 900]
    site.scan()
    for over in overs:
        os.unlink(over)
    site.scan()
    got = {name: shell.calls(text) for name, text in suggestions(site).items()}
    wanted = {name: [("imgaudit", "prove", path), ("rm", "--", path)] for name, path in paths.items()}
    for name, calls in wanted.items():
        case.same(got.get(name), calls, f"a shell proves and removes exactly the path {name!r}")
    case.same(set(got), set(wanted), "nothing else is suggested")
    case.same(sorted(os.listdir(shell.directory)), ["fuser", "imgaudit", "qemu-img", "rm"], "nothing in a name is run")


def test_each_overlay_of_an_odd_name_is_rebased_onto_what_lies_below(case):
    site = case.site()
    shell = Shell(case)
    wanted = {}
    for number, name in enumerate(ODD_NAMES):
        root = write(create(site.path(str(number), "root-" + name), MIB), 2)
        base = write(create(site.path(str(number), "base"), MIB, root), 0)
        overs = [write(create(site.path(str(number), f"{place}-{name}"), MIB, base), 0) for place in (1, 2)]
        wanted[site.relative(base)] = [("qemu-img", "rebase", "-f", "qcow2", "-b", root, "-F", "qcow2", over) for over in overs]
    site.scan()
    got = {name: shell.calls(text) for name, text in suggestions(site).items() if name in wanted}
    for name, calls in wanted.items():
        case.same(got.get(name), calls, f"each overlay of {name} ({ODD_NAMES[int(name.split('/')[0])]!r}) is given what lies below it")


# -- What it does -----------------------------------------------------------------------------------------------------

def heads(site):
    return {path: checksum(path) for path, in site.query("SELECT path FROM v_image WHERE is_head ORDER BY path")}


def try_out(case, site, name, what):
    """Runs what is suggested for the image and scans again: the row is gone, and every head reads the same."""
    before = {path: sum for path, sum in heads(site).items() if path != site.path(name)}
    text = suggestions(site).get(name)
    outcome = run_for_real(site, name)
    scan = site.scan()
    after = heads(site)
    rows = site.unused(partly=True)
    ok = (outcome[0] == 0 and scan.code == 0 and None not in before.values()
          and all(after.get(path) == sum for path, sum in before.items()))
    case.check(ok, f"{what}: every head reads the same", [text, outcome, scan.notes(), before, after])
    return rows.get(name)


def test_rm_removes_an_orphan_by_all_its_names(case):
    site = case.site()
    base = site.path("base 1.qcow2")
    over = make_orphan(site, base)
    os.link(base, site.path("other", "it's.qcow2"))
    write(create(site.path("alone.qcow2"), MIB), 0)
    site.scan()
    os.unlink(over)
    site.scan()
    inode = os.stat(base).st_ino
    case.same(try_out(case, site, "base 1.qcow2", "rm"), None, "and the orphan is gone")
    left = [entry.path for entry in os.scandir(site.path("other")) if entry.inode() == inode]
    case.same((os.path.exists(base), left), (False, []), "all its names were removed: the host has its blocks back")


def test_rm_removes_the_data_file_too(case):
    site = case.site()
    base = create(site.path("base.qcow2"), MIB, options=[f"data_file={site.path('base.data')}"])
    write(base, 0, 1)
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    site.scan()
    os.unlink(over)
    site.scan()
    shell = Shell(case)
    case.same(shell.calls(suggestions(site)["base.qcow2"]), [("imgaudit", "prove", site.path("base.data"), base),
                                                                 ("rm", "--", site.path("base.data"), base)], "an image goes with its data file")
    case.same(try_out(case, site, "base.qcow2", "rm of two files"), None, "and is gone")
    case.same(os.listdir(site.root), [], "with all its files")


def test_overlays_are_rebased_onto_what_lies_below(case):
    site = case.site()
    write(create(site.path("root.qcow2"), MIB), 1, 2, 3)
    write(create(site.path("nothing.qcow2"), MIB, "root.qcow2"), 0, pattern=1)
    write(create(site.path("a.qcow2"), MIB, "nothing.qcow2"), 0, 1)
    write(create(site.path("b.qcow2"), 2 * MIB, "nothing.qcow2"), 0, 2, 20)
    site.scan()
    row = try_out(case, site, "nothing.qcow2", "rebase onto what lies below")
    case.same(row and row["status"], "unreferenced", "and nothing names what contributed nothing")
    case.same(must("qemu-img", "info", "-U", site.path("a.qcow2")).count(site.path("root.qcow2")), 1, "the overlays lie on the root")
    case.same(try_out(case, site, "nothing.qcow2", "rm after that"), None, "and it is gone")


def test_an_overlay_with_all_data_is_rebased_onto_nothing(case):
    """The base is shorter than its overlay, which has all of it and a hole behind."""
    site = case.site()
    write(create(site.path("nothing.qcow2"), 4 * CLUSTER), 0, 1, pattern=1)
    write(create(site.path("over.qcow2"), MIB, "nothing.qcow2"), 0, 1, 2, 3)
    site.scan()
    row = try_out(case, site, "nothing.qcow2", "rebase onto nothing")
    case.same(row and row["status"], "unreferenced", "and nothing names the base")


def test_a_commit_of_the_only_overlay_is_asked_about_and_not_done(case):
    site = case.site()
    for name, form in (("raw.img", "raw"), ("base.qcow2", "qcow2")):
        base = site.path(name)
        create(base, MIB, format=form)
        write(base, *range(8), pattern=1, format=form)
        over = write(create(site.path("on-" + name), MIB, name, form), 0, 1, 9, pattern=2)
        qemu_io(over, f"write -q -z {2 * CLUSTER} {CLUSTER}")
    site.scan()
    shell = Shell(case)
    for name in ("raw.img", "base.qcow2"):
        case.same(shell.calls(suggestions(site)[name]), [("imgaudit", "report", "--what-if-commit", site.path("on-" + name))],
                  f"what putting the only overlay of {name} into it would do can be asked for; nothing is written")
        row = try_out(case, site, name, f"asking about a commit into {name}")
        case.same(row and row["status"], "partly-masked", "it is as it was")
        must("qemu-img", "commit", "-q", "-f", "qcow2", site.path("on-" + name))
        site.scan()
        case.same(site.unused(partly=True).get(name), None, f"after a commit by hand nothing of {name} is masked any more")


def test_rm_is_not_done_once_it_is_not_proven_any_more(case):
    """Between the report and the command somebody uses the file."""
    site = case.site()
    base = site.path("base.qcow2")
    over = make_orphan(site, base)
    site.scan()
    os.unlink(over)
    site.scan()
    text = suggestions(site)["base.qcow2"]
    obey = lambda: sites.run(["/bin/sh", "-c", text], cwd="/", env=environment(site)).code
    over = create(site.path("new.qcow2"), MIB, base)
    case.same((obey(), os.path.exists(base)), (5, True), "an overlay was made: the file stays")
    os.unlink(over)
    with Holder(base):
        case.same((obey(), os.path.exists(base)), (5, True), "a machine was started: the file stays")
    os.rename(site.db, site.db + ".away")
    case.same((obey(), os.path.exists(base)), (1, True), "the store is gone: the file stays")
    os.rename(site.db + ".away", site.db)
    case.same((obey(), os.path.exists(base)), (0, False), "and else it goes")


def test_no_commit_is_suggested_where_one_condition_is_missing(case):
    """Of all that has to hold for a commit, one thing does not."""
    site = case.site()
    wanted = {}

    def lay(name, base_size=MIB, over_size=MIB, form="qcow2", over_form="qcow2", overs=1):
        base = site.path(name)
        create(base, base_size, format=form)
        write(base, 0, 1, 2, format=form)
        paths = []
        for number in range(overs):
            over = site.path(f"{name}.{number}")
            create(over, over_size, base, form, format=over_form)
            paths.append(write(over, 0, format=over_form))
        wanted[name] = [("imgaudit", "report", "--what-if-flatten", *paths)]
        return base, paths

    lay("longer overlay", over_size=2 * MIB)
    lay("shorter overlay", base_size=2 * MIB)
    lay("two overlays", overs=2)
    lay("eight overlays", overs=8)
    many, _ = lay("nine overlays", overs=9)
    wanted["nine overlays"] = [("imgaudit", "report", "--dependents", many)]
    lay("vmdk base", form="vmdk")
    lay("qcow overlay", over_form="qcow")
    lay("_base/cloud")
    lay("base-100-disk-0")
    lay("named by glob")
    _, (over,) = lay("snapshot in the overlay")
    must("qemu-img", "snapshot", "-c", "s", over)
    base, (over,) = lay("snapshot in the base")
    must("qemu-img", "snapshot", "-c", "s", base)
    write(base, 0, 1, 2, pattern=9)
    os.utime(over)
    data = site.path("data file")
    create(data, MIB, options=[f"data_file={data}.data"])
    write(data, 0, 1)
    wanted["data file"] = [("imgaudit", "report", "--what-if-flatten", write(create(data + ".0", MIB, data), 0))]
    _, (over,) = lay("overlay of an overlay")
    write(create(site.path("top"), MIB, over), 0, 2)
    scan = site.scan("--backing-glob", "*by glob")
    shell = Shell(case)
    got = suggestions(site)
    for name, calls in wanted.items():
        case.same(shell.calls(got.get(name, "")), calls, f"{name}: no commit", scan.notes())


def test_no_rebase_is_suggested_where_more_would_be_seen_or_it_cannot_be(case):
    """What contributes nothing but cannot be replaced by what lies below it."""
    site = case.site()
    shell = Shell(case)
    root = write(create(site.path("root.qcow2"), MIB), *range(16))
    base = write(create(site.path("short.qcow2"), 4 * CLUSTER, "root.qcow2"), 0)
    over = write(create(site.path("over.qcow2"), MIB, "short.qcow2"), 0)
    must("qemu-img", "snapshot", "-c", "s", over)
    write(create(site.path("nothing.qcow2"), MIB), 0)
    write(create(site.path("on-nothing.qcow"), MIB, "nothing.qcow2", format="qcow"), 0, format="qcow")
    site.scan()
    got = suggestions(site)
    case.same((got.get("short.qcow2"), got.get("nothing.qcow2")), ("", ""),
              "nothing is suggested where a snapshot would see more than before, nor where a format cannot be rebased")
    must("qemu-img", "snapshot", "-d", "s", over)
    site.scan()
    case.same(shell.calls(suggestions(site)["short.qcow2"]), [("qemu-img", "rebase", "-f", "qcow2", "-b", root, "-F", "qcow2", over)],
              "without the snapshot it is")
    row = try_out(case, site, "short.qcow2", "rebase from a short base onto a long one")
    case.same(row and (row["status"], row["path"]), ("unreferenced", base), "and the short one is free")


def test_of_a_chain_in_use_only_who_has_it_open_is_asked(case):
    site = case.site()
    shell = Shell(case)
    base = write(create(site.path("base.qcow2"), MIB), 0, 1)
    over = write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 0)
    nothing = write(create(site.path("nothing.qcow2"), MIB), 0)
    last = write(create(site.path("last.qcow2"), MIB, "nothing.qcow2"), 0)
    with Holder(over), Holder(last):
        site.scan()
        got = {name: shell.calls(text) for name, text in suggestions(site).items()}
    case.same(got, {"base.qcow2": [("fuser", "-v", base)], "nothing.qcow2": [("fuser", "-v", nothing)]},
              "while QEMU has a chain open, the suggestion is to see who it is")
    with HolderAlone(over), HolderAlone(last):
        site.scan()
        rows = suggestions(site)
    case.same(rows, {"base.qcow2": "", "nothing.qcow2": ""}, "nothing is suggested while only the overlay is open")


def test_of_the_unproven_only_a_look_is_suggested(case):
    site = case.site()
    shell = Shell(case)
    path = site.path("base.qcow2")
    over = make_orphan(site, path)
    site.scan()
    os.unlink(over)
    with Holder(path):
        site.scan()
        case.same(shell.calls(suggestions(site)["base.qcow2"]), [("fuser", "-v", path)], "an orphan that somebody has open: who")
    write(path, 5)
    site.scan()
    case.same(site.unused()["base.qcow2"]["verdict"], "unproven", "an orphan that was written to")
    case.same(shell.calls(suggestions(site)["base.qcow2"]), [("fuser", "-v", path)], "is perhaps in use now: by whom")
    with open(site.path("broken.qcow2"), "wb") as file:
        file.write(b"QFI\xfb\0\0\0\3" + bytes(4 * KIB))
    site.scan()
    case.same(shell.calls(suggestions(site)["base.qcow2"]), [("imgaudit", "report", "--findings")], "what hides references is among the findings")


def test_what_only_time_settles_has_no_suggestion(case):
    site = case.site()
    shell = Shell(case)
    over = make_orphan(site, site.path("base.qcow2"))
    site.scan()
    os.unlink(over)
    site.scan("--min-age", "1h")
    row = site.unused()["base.qcow2"]
    case.same((row["why_codes"], row["suggestion"]), ("recent", None), "of what is only recent nobody needs to be asked")
    site.scan()
    case.same([call[0] for call in shell.calls(suggestions(site)["base.qcow2"])][-1:], ["rm"], "once it is old enough, its removal is suggested")


def test_of_an_exchanged_base_the_findings_are_suggested(case):
    site = case.site()
    shell = Shell(case)
    old = write(create(site.path("v1.qcow2"), MIB), 0, 1)
    new = write(create(site.path("v2.qcow2"), MIB), 0, 2)
    os.symlink("v1.qcow2", site.path("current.qcow2"))
    create(site.path("vm.qcow2"), MIB, "current.qcow2")
    site.scan()
    os.unlink(site.path("current.qcow2"))
    os.symlink("v2.qcow2", site.path("current.qcow2"))
    site.scan()
    row = site.unused()["v1.qcow2"]
    case.check("exchanged" in row["why_codes"] and os.path.exists(old) and os.path.exists(new), "the name of the base leads to another file now", [row])
    case.same(shell.calls(row["suggestion"]), [("imgaudit", "report", "--findings")], "which the findings have")


def test_no_rm_is_suggested_where_it_frees_nothing_or_too_much(case):
    """Files of which rm would free nothing, or too much."""
    site = case.site()
    with open(site.path("hole.img"), "wb") as file:
        file.truncate(MIB)
    over = create(site.path("over.qcow2"), MIB, "hole.img", "raw")
    allowed = site.outside("base.img")
    make_raw(allowed)
    os.symlink(allowed, site.path("link.img"))
    other = create(site.path("other.qcow2"), MIB, "link.img", "raw")
    options = ("--allow", os.path.dirname(allowed))
    template = write(create(site.path("base-100-disk-0.qcow2"), MIB), 0)
    site.scan(*options)
    os.unlink(over)
    os.unlink(other)
    scan = site.scan(*options)
    got = suggestions(site)
    case.same(got.get("hole.img"), "", "a file without a block, such as a device, gives nothing back", scan.notes())
    case.same((site.unused()[os.path.basename(template)]["status"], got[os.path.basename(template)]), ("unreferenced", ""),
              "the disk of a Proxmox template is what full clones are made of: nothing names it while it is needed")
    linked = {text for name, text in got.items() if "hole" not in name}
    case.same(any("link.img" in text for text in linked), False, "a file is never named by a symbolic link alone", [got])
    case.same(any(text.endswith(f"rm -- '{allowed}'") for text in linked), False, "nor deleted in a directory that is not walked", [got])


# -- Backing files that were moved ------------------------------------------------------------------------------------

def mending(site):
    """{path below the root: suggestion} of the findings backing-missing."""
    outcome = site.report("--findings", "--columns", "code,path,suggestion", format="csv")
    rows = list(csv.reader(io.StringIO(outcome.out, newline="")))[1:]
    return {site.relative(path): text for code, path, text in rows if code == "backing-missing"}


def test_a_moved_backing_file_is_found_by_inode_or_name(case):
    site = case.site()
    shell = Shell(case)
    base = write(create(site.path("base.qcow2"), MIB), 0, 1)
    overs = [write(create(site.path(name), MIB, "base.qcow2"), 0) for name in ("over 1", "it's")]
    create(site.path("elsewhere.qcow2"), MIB)
    before = [checksum(path) for path in overs]
    site.scan()
    moved = site.path("other", "called otherwise now")
    os.rename(base, moved)
    wanted = {os.path.basename(path): [("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", moved, "-F", "qcow2", path)] for path in overs}
    for turn in ("the next scan", "the one after it"):
        site.scan()
        case.same({name: shell.calls(text) for name, text in mending(site).items()}, wanted, f"{turn}: the file that was named, by its new name")
    create(site.path("deep", "base.qcow2"), MIB)
    site.scan()
    case.same({name: shell.calls(text) for name, text in mending(site).items()}, wanted, "rather than another with the old name")
    for text in mending(site).values():
        case.same(sites.run(["/bin/sh", "-c", text], cwd="/").code, 0, "the command runs")
    case.same((site.scan().code, [checksum(path) for path in overs]), (0, before), "all is found again, and reads the same")


def test_what_was_seen_beside_a_backing_file_is_not_taken_for_it(case):
    site = case.site()
    shell = Shell(case)
    base = create(site.path("a", "base.qcow2"), MIB)
    create(site.path("b", "base.qcow2"), MIB)
    over = create(site.path("over.qcow2"), MIB, base)
    site.scan()
    os.unlink(base)
    site.scan()
    case.same(mending(site), {"over.qcow2": ""}, "another file of that name was there when its base was")
    shutil.copy2(site.path("b", "base.qcow2"), site.path("c", "x")[:-1] + "base.qcow2")
    os.unlink(site.path("b", "base.qcow2"))
    site.scan()
    case.same(mending(site), {"over.qcow2": ""}, "nor is a copy of it")

    site = case.site()
    base = create(site.path("a", "base.qcow2"), MIB)
    create(site.path("b", "base.qcow2"), MIB)
    over = create(site.path("over.qcow2"), MIB, base)
    site.scan()
    os.rename(base, site.path("moved.qcow2"))
    site.scan()
    case.same({name: shell.calls(text) for name, text in mending(site).items()},
              {"over.qcow2": [("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", site.path("moved.qcow2"), "-F", "qcow2", over)]}, "the base itself, which was moved")


def test_no_backing_file_is_guessed_where_there_is_a_choice(case):
    site = case.site()
    shell = Shell(case)
    lone = create(site.path("lone"), MIB, "gone.qcow2")
    site.scan()
    case.same(mending(site), {"lone": ""}, "nothing has the name")
    only = create(site.path("a", "gone.qcow2"), MIB)
    create(site.path("a", "not-gone.qcow2"), MIB)
    site.scan()
    case.same(mending(site), {"lone": ""}, "one that was made after the image was last written to cannot be it")
    os.utime(lone)
    site.scan()
    case.same({name: shell.calls(text) for name, text in mending(site).items()},
              {"lone": [("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", only, "-F", "qcow2", lone)]}, "a single file has it")
    with HolderAlone(lone):
        site.scan()
        case.same(mending(site), {"lone": ""}, "nothing is suggested while the image is open")
    create(site.path("b", "gone.qcow2"), MIB)
    os.utime(lone)
    site.scan()
    case.same(mending(site), {"lone": ""}, "two have it")
    os.unlink(site.path("b", "gone.qcow2"))
    os.unlink(only)
    create(site.path("c", "gone.qcow2"), MIB, format="qed")
    os.utime(lone)
    site.scan()
    case.same(mending(site), {"lone": ""}, "one of another format than the stated one")
    os.unlink(site.path("c", "gone.qcow2"))
    create(site.path("d", "gone.qcow2"), MIB, lone)
    os.utime(lone)
    site.scan()
    case.same(mending(site).get("lone"), "", "one that is based on the image itself")


TESTS = [
    test_a_shell_calls_rm_with_exactly_the_odd_name,
    test_each_overlay_of_an_odd_name_is_rebased_onto_what_lies_below,
    test_rm_removes_an_orphan_by_all_its_names,
    test_rm_removes_the_data_file_too,
    test_overlays_are_rebased_onto_what_lies_below,
    test_an_overlay_with_all_data_is_rebased_onto_nothing,
    test_a_commit_of_the_only_overlay_is_asked_about_and_not_done,
    test_rm_is_not_done_once_it_is_not_proven_any_more,
    test_no_commit_is_suggested_where_one_condition_is_missing,
    test_no_rebase_is_suggested_where_more_would_be_seen_or_it_cannot_be,
    test_of_a_chain_in_use_only_who_has_it_open_is_asked,
    test_of_the_unproven_only_a_look_is_suggested,
    test_what_only_time_settles_has_no_suggestion,
    test_of_an_exchanged_base_the_findings_are_suggested,
    test_no_rm_is_suggested_where_it_frees_nothing_or_too_much,
    test_a_moved_backing_file_is_found_by_inode_or_name,
    test_what_was_seen_beside_a_backing_file_is_not_taken_for_it,
    test_no_backing_file_is_guessed_where_there_is_a_choice,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Commands that --unused-backing suggests.", TESTS))
