#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a scan must not open: files outside the roots, devices, FIFOs, whatever an image says. Each test
# watches the system calls with strace, or the file itself with inotify.

import os
import re
import shutil
import threading
import time

import harness
import sites
from qemu import as_qemu_prints
from sites import MIB, create, make_raw, must, qemu_map, write
from witness import Watch, scan_traced, traced, why_no_strace

PROCESS = re.compile(r"/proc/(self|\d+)/(mem|root|cwd|fd)(/|$)")
# What is asked of processes to find who has images open: lists and texts of the kernel, and nothing that is open itself.
HOLDERS = re.compile(r"/proc/\d+/((task/\d+/)?fd(info/\d+)?|maps|comm|task|mountinfo)$")
RACES = 15
EXCHANGED = 100


def chain_depth(site, name):
    return site.value("SELECT chain_depth FROM v_image WHERE path = ?", site.path(name))


# -- References that lead out -----------------------------------------------------------------------------------------

SPELLINGS = {
    "an absolute name": lambda path: path,
    "a relative name": lambda path: "../outside/" + os.path.basename(path),
    "a file: name": lambda path: "file:" + path,
    "a json: name": lambda path: 'json:{"driver":"qcow2","file":{"driver":"file","filename":"%s"}}' % path,
}


def test_a_backing_file_outside_is_opened_with_allow_only(case):
    reason = why_no_strace()
    for what, spell in SPELLINGS.items():
        name = f"a backing file outside the roots, by {what},"
        if reason:
            case.skip(name, reason)
            continue
        site = case.site()
        outside = write(create(site.outside("base.qcow2"), MIB), 0)
        over = create(site.path("over.qcow2"), MIB, spell(outside), None if "json" in what else "qcow2")
        outcome, trace = scan_traced(site)
        case.same((outcome.code, site.findings(), trace.below(os.path.dirname(outside))),
                  (3, {("backing-outside", "over.qcow2")}, []), f"{name} is a finding and is not opened", [outcome.err])
        case.check(trace.below(over), "while the overlay was opened, as strace shows")
        case.same(site.value("SELECT count(*) FROM v_image"), 1, "and nothing of it is in the store")
        outcome, trace = scan_traced(site, "--allow", os.path.dirname(outside))
        case.same((outcome.code, site.findings(), bool(trace.below(outside)), chain_depth(site, "over.qcow2")),
                  (0, set(), True, 1), f"{name} is followed with --allow", [outcome.err])
        outcome, trace = scan_traced(site)
        case.same((outcome.code, site.findings(), trace.below(os.path.dirname(outside))),
                  (3, {("backing-outside", "over.qcow2"), ("no-longer-scanned", "../outside")}, []),
                  f"{name} is a finding again without it", [outcome.err])


def test_allow_covers_one_file_or_directory_and_no_look_alike(case):
    """/srv/a does not allow /srv/ab, and one file can be allowed alone."""
    site = case.site()
    for name in ("outside", "outside-too"):
        os.mkdir(os.path.join(site.directory, name))
    near = write(create(os.path.join(site.directory, "outside-too", "base.qcow2"), MIB), 0)
    create(site.path("over.qcow2"), MIB, near)
    scan = site.scan("--allow", os.path.join(site.directory, "outside"))
    case.same((scan.code, site.findings()), (3, {("backing-outside", "over.qcow2")}),
              "--allow DIR does not allow a directory whose name only begins so", scan.notes())
    scan = site.scan("--allow", near)
    case.same((scan.code, chain_depth(site, "over.qcow2")), (0, 1), "--allow takes a single file, too", scan.notes())
    scan = site.scan("--allow", os.path.join(site.directory, "nowhere"))
    case.check(scan.code == 1 and scan.outcome.err, "--allow of what does not exist is refused", scan.notes())


def test_a_data_file_outside_is_opened_with_allow_only(case):
    if reason := why_no_strace():
        return case.skip("a data file outside the roots", reason)
    site = case.site()
    data = site.outside("data.raw")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", site.path("image.qcow2"), "1M")
    outcome, trace = scan_traced(site)
    case.same((outcome.code, site.findings(), trace.below(data)), (3, {("data-file-outside", "image.qcow2")}, []),
              "a data file outside the roots is a finding and is not opened", [outcome.err])
    outcome, trace = scan_traced(site, "--allow", os.path.dirname(data))
    return case.same((outcome.code, site.findings(), bool(trace.below(data))), (0, set(), True), "and is read with --allow",
                     [outcome.err])


def test_symlinks_out_are_findings_and_are_not_followed(case):
    if reason := why_no_strace():
        return case.skip("symlinks that lead out", reason)
    site = case.site()
    outside = write(create(site.outside("image.qcow2"), MIB), 0)
    os.symlink(outside, site.path("link.qcow2"))
    outcome, trace = scan_traced(site)
    case.same((outcome.code, site.findings(), trace.below(os.path.dirname(outside))),
              (3, {("symlink-outside", "link.qcow2")}, []), "a symlink out is a finding; its target is not opened",
              [outcome.err])
    create(site.path("over.qcow2"), MIB, "link.qcow2")
    outcome, trace = scan_traced(site)
    case.same((outcome.code, site.findings(), trace.below(os.path.dirname(outside))),
              (3, {("symlink-outside", "link.qcow2"), ("backing-outside", "over.qcow2")}, []),
              "a base by way of a symlink out is not opened", [outcome.err])
    os.unlink(site.path("over.qcow2"))
    os.unlink(site.path("link.qcow2"))
    os.symlink(os.path.dirname(outside), site.path("dir"))
    outcome, trace = scan_traced(site)
    case.same(trace.below(os.path.dirname(outside)), [], "a symlinked directory out is not walked")
    case.same((outcome.code, site.findings()), (3, {("symlink-outside", "dir")}),
              "and is a finding, as images that look as if they were below the root were not read", [outcome.err])
    create(site.path("over.qcow2"), MIB, "dir/image.qcow2")
    outcome, trace = scan_traced(site)
    case.check(("backing-outside", "over.qcow2") in site.findings() and not trace.below(os.path.dirname(outside)),
               "a base by way of a symlinked directory out is not opened", [outcome.err, str(site.findings())])
    os.unlink(site.path("over.qcow2"))
    os.unlink(site.path("dir"))
    os.symlink(site.root, site.path("circle"))
    create(site.path("sub", "over.qcow2"), MIB)
    scan = site.scan()
    return case.same((scan.code, scan.stats.get("images")), (0, 1), "a symlink to the root itself makes no circle", scan.notes())


def exchange_file(site, stop):
    """One image turns into a symlink out and back, all the time."""
    victim = site.path("sub", "10.qcow2")
    file, link = victim + ".file", victim + ".link"
    while not stop.is_set():
        os.symlink(site.outside("sub", "10.qcow2"), link)
        os.link(victim, file)
        os.rename(link, victim)
        os.rename(file, victim)


def exchange_directory(site, stop):
    """The directory turns into a symlink to one outside that has files of the same names."""
    victim, away = os.path.join(site.root, "sub"), os.path.join(site.directory, "away")
    while not stop.is_set():
        os.rename(victim, away)
        os.symlink(os.path.join(site.directory, "outside", "sub"), victim)
        time.sleep(0.001)
        os.unlink(victim)
        os.rename(away, victim)
        time.sleep(0.001)


def test_an_exchange_for_a_symlink_leads_no_scan_out(case):
    """A tenant who replaces what is inside by a symlink out, back and forth."""
    for what, exchange in (("an image", exchange_file), ("a directory", exchange_directory)):
        site = case.site()
        first = create(site.path("sub", "00.qcow2"), MIB)
        for number in range(EXCHANGED):
            for path in (site.path, site.outside):
                if path("sub", f"{number:02}.qcow2") != first:
                    shutil.copy(first, path("sub", f"{number:02}.qcow2"))
        try:
            watches = [Watch(site.outside("sub", f"{number:02}.qcow2")) for number in range(EXCHANGED)]
        except OSError as error:
            case.skip(f"{what} that turns into a symlink out", f"no inotify: {error}")
            continue
        stop = threading.Event()
        thread = threading.Thread(target=exchange, args=(site, stop))
        thread.start()
        scans = []
        for _ in range(RACES):
            site.db = os.path.join(site.directory, f"store{len(scans)}.db")
            scans.append(site.scan())
        stop.set()
        thread.join()
        case.same(sum(watch.count() for watch in watches), 0, f"{what} that turns into a symlink out, back and forth, leads no scan out")
        case.check(all(scan.code in (0, 3) for scan in scans), "and every scan ends as it should",
                   [note for scan in scans if scan.code not in (0, 3) for note in scan.notes()])
        with open(site.outside("sub", "10.qcow2"), "rb"):
            pass
        case.same(watches[10].count(), 1, "the witness works: it sees the test itself open the file")
        for watch in watches:
            watch.close()


# -- Names that are no files ------------------------------------------------------------------------------------------

def hostile_names(site):
    """{name of the overlay: (backing name, its stated format, codes of the findings)}"""
    outside_pipe = site.outside("pipe")
    os.mkfifo(outside_pipe)
    os.mkfifo(site.path("pipe"))
    os.makedirs(site.path("dir"))
    return {
        "zero": ("/dev/zero", "raw", "backing-outside"),
        "zero-probed": ("/dev/zero", None, "backing-outside"),
        "mem": ("/proc/self/mem", "raw", "backing-outside"),
        "root": ("/proc/self/root/etc/shadow", "raw", "backing-outside"),
        "tty": ("/dev/tty", "raw", "backing-outside"),
        "fifo": ("pipe", "raw", "backing-unreadable"),
        "fifo-outside": (outside_pipe, "raw", "backing-outside"),
        "directory": ("dir", "raw", "backing-unreadable"),
        "escape": ("../" * 40 + "etc/passwd", "raw", "backing-outside"),
        "file": ("file:/etc/passwd", "raw", "backing-outside"),
        "nbd": ("nbd:localhost:1", "raw", "served-locally"),
        "nbd-unix": ("nbd+unix:///?socket=/run/x", "raw", "served-locally"),
        "http": ("http://localhost:1/x", "raw", "served-locally"),
        "ssh": ("ssh://localhost/etc/passwd", "raw", "served-locally"),
        "fat": ("fat:rw:/etc", "raw", "backing-unsupported"),
        "debug": ("blkdebug::/etc/passwd", "raw", "backing-outside backing-unsupported"),
        "json-nbd": ('json:{"driver":"raw","file":{"driver":"nbd","host":"localhost","port":"1"}}', None, "served-locally"),
        "other-host": ("ssh://192.0.2.1/etc/passwd", "raw", "backing-remote"),
        "json-device": ('json:{"driver":"raw","file":{"driver":"host_device","filename":"/dev/zero"}}', None,
                        "backing-outside"),
        "json-broken": ("json:{", None, "backing-unsupported"),
    }


def test_hostile_backing_names_are_findings_and_open_nothing(case):
    if reason := why_no_strace():
        return case.skip("hostile backing names", reason)
    site = case.site()
    names = hostile_names(site)
    for name, (backing, format, _) in names.items():
        create(site.path(name + ".qcow2"), MIB, backing, format)
    outcome, trace = scan_traced(site)
    found = {}
    for code, path in sorted(site.findings()):
        if code != "backing-format-guessed":
            found.setdefault(os.path.splitext(path)[0], []).append(code)
    case.same({name: " ".join(codes) for name, codes in found.items()}, {name: code for name, (_, _, code) in names.items()}, "hostile backing names: a finding with its code for each",
              [outcome.err])
    case.same(outcome.code, 3, "and exit status 3")
    forbidden = ["/dev/zero", "/dev/tty", "/etc/shadow", "/etc/passwd", site.outside("pipe"), site.path("pipe")]
    case.same([name for path in forbidden for name in trace.below(path)], [], "none of them is opened")
    case.same([name for name in trace.opened if PROCESS.match(name) and not HOLDERS.match(name)], [],
              "nor anything that a process has open")
    case.check(not trace.connected, "nothing is connected to")
    case.check(len(trace.below(site.root)) >= len(names), "while all overlays were opened, as strace shows")
    outcome, trace = scan_traced(site, "--allow", "/dev")
    case.check(("backing-unreadable", "zero.qcow2") in site.findings() and not trace.below("/dev/zero"),
               "a character device is not opened even where --allow leads to it", [outcome.err, str(site.findings())])
    for name in ("fifo", "zero", "directory", "nbd", "json-nbd"):
        outcome, trace = traced(site, "map", site.path(name + ".qcow2"))
        opened = [path for place in forbidden for path in trace.below(place)]
        case.check(outcome.code == 1 and outcome.err and not opened and not trace.connected,
                   f"map of {name}.qcow2 is refused with a message, without opening that", [str(outcome), str(opened)])
    return None


# -- A raw base with another image's header ---------------------------------------------------------------------------

def plant_header(site, backing):
    """A raw disk in which a guest has written a qcow2 header that names a file of the host."""
    planted = create(os.path.join(site.directory, "planted"), MIB, backing)
    base = site.path("base.raw")
    shutil.copy(planted, base)
    return base


def test_a_header_that_a_guest_wrote_into_a_raw_base_opens_nothing(case):
    if reason := why_no_strace():
        return case.skip("a raw base that holds a qcow2 header", reason)
    site = case.site()
    secret = make_raw(site.outside("secret"), MIB)
    plant_header(site, secret)
    over = create(site.path("over.qcow2"), MIB, "base.raw", "raw")
    outcome, trace = scan_traced(site)
    case.same(site.query("SELECT format, format_basis, backing_name FROM v_image WHERE path = ?", site.path("base.raw")),
              [("raw", "stated", None)], "a base that its overlay calls raw is raw, whatever a guest wrote into it", [outcome.err])
    case.same(trace.below(os.path.dirname(secret)), [], "the file that it names is not opened")
    case.same((outcome.code, {code for code, _ in site.findings()}), (0, {"format-conflict"}),
              "the header is worth a warning, and nothing is unreadable", [outcome.err])
    outcome, trace = traced(site, "map", "--output=json", over)
    theirs = sites.run(["qemu-img", "map", "-U", "--output=json", over])
    case.same(as_qemu_prints(outcome.out), theirs.out, "map takes it for raw as qemu-img does", [outcome.err])
    case.same(trace.below(os.path.dirname(secret)), [], "and does not open the file either")
    outcome, trace = scan_traced(site, "--allow", os.path.dirname(secret))
    case.same(trace.below(secret), [], "not even in a directory to which references may lead")
    return case.same(site.value("SELECT count(*) FROM v_image"), 2, "nor is it recorded as an image", [outcome.err])


def test_a_base_of_no_stated_format_is_probed_with_a_finding(case):
    """Without a stated format it is what qemu-img takes it for, and that is worth a warning."""
    site = case.site()
    secret = make_raw(site.outside("secret"), MIB)
    plant_header(site, secret)
    create(site.path("over.qcow2"), MIB, "base.raw", None)
    scan = site.scan()
    case.same((scan.code, site.findings()),
              (3, {("backing-format-guessed", "over.qcow2"), ("backing-outside", "base.raw")}),
              "a base of no stated format is probed: two findings", scan.notes())


def test_a_json_name_can_state_raw(case):
    """The format that a json: name states counts like one in the overlay."""
    site = case.site()
    secret = make_raw(site.outside("secret"), MIB)
    base = plant_header(site, secret)
    create(site.path("over.qcow2"), MIB, 'json:{"driver":"raw","file":{"driver":"file","filename":"%s"}}' % base, None)
    scan = site.scan()
    case.same(site.value("SELECT format FROM v_image WHERE path = ?", base), "raw", "a json: name can state raw", scan.notes())


# -- map --confine ----------------------------------------------------------------------------------------------------

def test_map_with_confine_opens_nothing_outside(case):
    if reason := why_no_strace():
        return case.skip("map --confine", reason)
    site = case.site()
    outside = write(create(site.outside("base.qcow2"), MIB), 0, 3)
    over = write(create(site.path("over.qcow2"), MIB, outside), 1)
    outcome, trace = traced(site, "map", "--output=json", over)
    theirs = sites.run(["qemu-img", "map", "-U", "--output=json", over])
    case.same((outcome.code, as_qemu_prints(outcome.out)), (0, theirs.out), "map follows local files as qemu-img does",
              [outcome.err])
    case.check(trace.below(outside), "and opens the base")
    outcome, trace = traced(site, "map", "--output=json", "--confine", site.root, over)
    case.check(outcome.code == 1 and outcome.err and not outcome.out, "with --confine it is refused with a message", [str(outcome)])
    case.same(trace.below(os.path.dirname(outside)), [], "and the base is not opened")
    outcome, _ = traced(site, "map", "--output=json", "--confine", site.root, "--confine", os.path.dirname(outside), over)
    case.same((outcome.code, as_qemu_prints(outcome.out)), (0, theirs.out), "a second --confine lets it in", [outcome.err])
    os.symlink(outside, site.path("link.qcow2"))
    inside = create(site.path("inside.qcow2"), MIB, "link.qcow2")
    for image in (inside, site.path("link.qcow2"), outside):
        outcome, trace = traced(site, "map", "--confine", site.root, image)
        case.check(outcome.code == 1 and outcome.err and not trace.below(os.path.dirname(outside)),
                   f"--confine holds for {os.path.relpath(image, site.directory)}", [str(outcome)])
    return None


def test_map_with_confine_opens_no_data_file_outside(case):
    site = case.site()
    data = site.outside("data.raw")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", site.path("image.qcow2"), "1M")
    outcome = site.run("map", "--output=json", "--confine", site.root, site.path("image.qcow2"))
    case.check(outcome.code == 1 and outcome.err, "--confine holds for a data file", [str(outcome)])
    outcome = site.run("map", "--output=json", site.path("image.qcow2"))
    case.same(len(qemu_map(site.path("image.qcow2"))), as_qemu_prints(outcome.out).count("start"), "and without it is read")


TESTS = [
    test_a_backing_file_outside_is_opened_with_allow_only,
    test_allow_covers_one_file_or_directory_and_no_look_alike,
    test_a_data_file_outside_is_opened_with_allow_only,
    test_symlinks_out_are_findings_and_are_not_followed,
    test_an_exchange_for_a_symlink_leads_no_scan_out,
    test_hostile_backing_names_are_findings_and_open_nothing,
    test_a_header_that_a_guest_wrote_into_a_raw_base_opens_nothing,
    test_a_base_of_no_stated_format_is_probed_with_a_finding,
    test_a_json_name_can_state_raw,
    test_map_with_confine_opens_nothing_outside,
    test_map_with_confine_opens_no_data_file_outside,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What a scan must not open.", TESTS))
