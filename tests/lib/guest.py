# SPDX-License-Identifier: MIT
# What the tests of the formats share: the contents of an image, as read_guest reads it through our map, against what the
# test knows or qemu-img reads; maps against qemu-img's. Imported only.

import json
import os

import harness
import qemu
from sparse import data_ranges

KIB = 1024
MIB = 1024 * KIB
PIECE = 4 * MIB
ENCRYPTED = 4  # the exit code of read_guest where a key would be needed
NO_READ_GUEST = "no --read-guest was given"


# -- Command line and tools -------------------------------------------------------------------------------------------

def parser(description, count=1):
    result = harness.parser(description, count)
    result.add_argument("--read-guest", metavar="PATH", help="the test program that reads what a guest would read")
    return result


def parse(arguments):
    options = harness.parse(arguments)
    if options.read_guest:
        options.read_guest = os.path.realpath(options.read_guest)
    return options


def run_jobs(options, subject, jobs):
    """Runs what `jobs` (function of options and a directory) yields, and reports it. The program's exit status."""
    out = harness.Tap()
    missing = harness.missing_tools("qemu-img", "qemu-io")
    if missing:
        out.skip(subject, missing)
        return out.finish()
    with harness.work_directory(options.keep) as directory:
        for batch in harness.run_jobs(jobs(options, directory), options.jobs):
            for result in batch.results:
                out.report(result)
    return out.finish()


def disk_size(path, form=None, cwd=None):
    """Guest bytes, as qemu-img says."""
    text = qemu.must("qemu-img", "info", "-U", "--output=json", *(["-f", form] if form else []), path, cwd=cwd)
    return json.loads(text)["virtual-size"]


def qemu_io(path, *commands, form=None, cwd=None):
    """One qemu-io with all the commands; any of them failing is an error."""
    arguments = [part for command in commands for part in ("-c", command)]
    text = qemu.must("qemu-io", *(["-f", form] if form else []), *arguments, path, cwd=cwd)
    if "failed" in text:
        raise qemu.ToolError(f"qemu-io {path}: {text.strip().splitlines()[-1]}")


# -- Contents ---------------------------------------------------------------------------------------------------------

def read_guest(program, image, target, form=None, cwd=None):
    """Writes the guest's bytes into target by our map. An Outcome; code ENCRYPTED where that needs a key."""
    return qemu.execute([program, *(["-f", form] if form else []), image, target], cwd)


def convert(image_args, target, cwd=None):
    """The same by qemu-img. image_args: [IMAGE], or with -f FMT or --image-opts before it."""
    return qemu.execute(["qemu-img", "convert", "-U", "-O", "raw", *image_args, target], cwd)


def pieces(ranges):
    """Cut so that no piece goes past a multiple of PIECE, each once and in order."""
    done = 0
    for start, end in sorted(ranges):
        at = max(start, done)
        while at < end:
            stop = min(end, (at // PIECE + 1) * PIECE)
            yield at, stop
            at = stop
        done = max(done, end)


def first_difference(a, b):
    """The index of the first byte that differs in two strings of one length."""
    low, high = 0, len(a)
    while high - low > 1:  # invariant: equal before low, different somewhere in [low, high)
        middle = (low + high) // 2
        low, high = (low, middle) if a[low:middle] != b[low:middle] else (middle, high)
    return low


def byte_notes(at, expected, got, expected_name, got_name):
    index = first_difference(expected, got)
    show = lambda data: data[index:index + 16].hex(" ")
    return [f"first difference at {at + index:#x}: {expected_name} {show(expected)}, {got_name} {show(got)}"]


def different_files(expected, got, expected_name="expected", got_name="got"):
    """Notes on the first difference of two files; none when they are equal. Holes are not read."""
    with open(expected, "rb") as a, open(got, "rb") as b:
        sizes = [os.fstat(file.fileno()).st_size for file in (a, b)]
        if sizes[0] != sizes[1]:
            return [f"{expected_name} has {sizes[0]} bytes, {got_name} has {sizes[1]}"]
        ranges = [*data_ranges(a.fileno(), sizes[0]), *data_ranges(b.fileno(), sizes[0])]
        for start, end in pieces(ranges):
            left, right = (os.pread(file.fileno(), end - start, start) for file in (a, b))
            if left != right:
                return byte_notes(start, left, right, expected_name, got_name)
    return []


def different_content(path, size, content):
    """Notes on where a file is not `size` bytes of zeroes with content = {offset: bytes} laid over them."""
    places = sorted(content.items())
    with open(path, "rb") as file:
        fd = file.fileno()
        if os.fstat(fd).st_size != size:
            return [f"{os.fstat(fd).st_size} bytes, not {size}"]
        for at, data in places:
            if os.pread(fd, len(data), at) != data:
                return byte_notes(at, data, os.pread(fd, len(data), at), "expected", "got")
        for start, end in pieces(outside(places, data_ranges(fd, size))):
            got = os.pread(fd, end - start, start)
            if got.count(0) != len(got):
                return byte_notes(start, bytes(len(got)), got, "expected", "got")
    return []


def outside(places, ranges):
    """The parts of the ranges that no place covers. Places are sorted and do not overlap."""
    for start, end in ranges:
        for at, data in places:
            if at >= end:
                break
            if at + len(data) > start:
                if start < at:
                    yield start, at
                start = at + len(data)
        if start < end:
            yield start, end


def compare_with_content(options, image, size, content, form=None, cwd=None):
    """Notes: what read_guest reads against what the test knows."""
    target = scratch_name(image, cwd, "guest")
    try:
        done = read_guest(options.read_guest, image, target, form, cwd)
        if done.code != 0:
            return [f"read_guest ended with {done.code}", *qemu.tail(done.err)]
        return different_content(target, size, content)
    finally:
        remove(target)


def compare_with_convert(options, image, form=None, cwd=None, image_args=None):
    """Notes: what read_guest reads against what qemu-img reads; both must be able to, or both refuse."""
    ours, theirs = scratch_name(image, cwd, "guest"), scratch_name(image, cwd, "convert")
    try:
        expected = convert(image_args or [*(["-f", form] if form else []), image], theirs, cwd)
        got = read_guest(options.read_guest, image, ours, form, cwd)
        if (expected.code == 0) != (got.code == 0):
            return [f"qemu-img convert ended with {expected.code}, read_guest with {got.code}",
                    *qemu.tail(expected.err), *qemu.tail(got.err)]
        if expected.code != 0:
            return [] if got.code in (1, ENCRYPTED) else [f"read_guest ended with {got.code}", *qemu.tail(got.err)]
        return different_files(theirs, ours, "qemu-img", "read_guest")
    finally:
        remove(ours, theirs)


def scratch_name(image, cwd, suffix):
    return os.path.join(os.path.realpath(cwd or "."), f"{os.path.basename(image)}.{os.getpid()}.{suffix}")


def remove(*paths):
    for path in paths:
        if os.path.lexists(path):
            os.unlink(path)


# -- Maps -------------------------------------------------------------------------------------------------------------

def compare_maps(options, image, form=None, cwd=None, compare_json=qemu.compare_json):
    """qemu-img's JSON outcome, and notes: the JSON and the human map must be equal byte for byte, or both refused."""
    chosen = ["-f", form] if form else []
    both = lambda compare, what, output: qemu.compare_runs(
        compare, what, lambda: qemu.qemu_map([image], [*chosen, *output], cwd),
        lambda: qemu.imgaudit_map(options.imgaudit, image, [*chosen, *output], cwd))
    theirs, ours, notes = both(compare_json, "json", ["--output=json"])
    if theirs.crashed() or ours.crashed():
        return theirs, notes or [f"qemu-img ended with {theirs.code}, imgaudit with {ours.code}"]
    return theirs, notes + both(qemu.compare_human, "human", [])[2]


# -- Reporting --------------------------------------------------------------------------------------------------------

def content_result(options, name, compare):
    """A harness.Result of compare(), which returns notes; skipped where there is no program to read with."""
    if not options.read_guest:
        return harness.Result(name, True, skipped=NO_READ_GUEST)
    return harness.result(name, compare())


def again(script, options, *more):
    """How to repeat a failure."""
    words = [os.path.relpath(script), "--imgaudit", options.imgaudit, "--seed", options.seed]
    words += ["--read-guest", options.read_guest] if options.read_guest else []
    return [" ".join(["again:", *words, *map(str, more)])]
