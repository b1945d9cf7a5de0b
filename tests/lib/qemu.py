# SPDX-License-Identifier: MIT
# Runs qemu-img and imgaudit on the same image and compares what they print.
# qemu-img is always the one that is right.

import difflib
import functools
import json
import os
import re
import subprocess
from dataclasses import dataclass

TIMEOUT = 120
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
COMPRESSED_KEY = re.compile(r', "compressed": (?:true|false)')
SHOWN_LINES = 24
# For scans that are to prove something wherever the tests run: as somebody who is not root, or in a container, what others
# have open cannot be seen. What is seen counts all the same. Without it: test_in_use.py.
TRUST_LOCKS = "--trust-locks"
SECOND_LOOKS = 3


class ToolError(Exception):
    """A tool that only prepares a test refused."""


@dataclass
class Outcome:
    """What a command left behind. A signal gives a negative code, a timeout gives None."""

    code: int
    out: str
    err: str

    def crashed(self):
        return self.code is None or self.code < 0


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def execute(command, cwd=None, timeout=TIMEOUT, env=None, stdin=subprocess.DEVNULL, **popen):
    """An Outcome; its code is None when the command did not end in time."""
    try:
        done = subprocess.run(command, cwd=cwd, timeout=timeout, env=env or ENVIRONMENT, stdin=stdin,
                              capture_output=True, check=False, **popen)
    except subprocess.TimeoutExpired:
        return Outcome(None, "", f"no answer in {timeout} s")
    return Outcome(done.returncode, decode(done.stdout), decode(done.stderr))


def must(*command, cwd=None):
    outcome = execute([str(word) for word in command], cwd)
    if outcome.code != 0:
        raise ToolError(f"{' '.join(map(str, command))}: code {outcome.code}: {outcome.err.strip()}")
    return outcome.out


def refuses_more():
    """Later versions refuse some damaged images that 7.2 takes."""
    return version() >= (8, 0)


@functools.cache
def version():
    text = subprocess.run(["qemu-img", "--version"], capture_output=True, check=True, text=True).stdout
    return tuple(int(part) for part in re.search(r"version (\d+)\.(\d+)", text).groups())


def prints_compressed():
    return version() >= (8, 2)


def qemu_map(image_args, options=(), cwd=None):
    return execute(["qemu-img", "map", "-U", *options, *image_args], cwd)


def imgaudit_map(imgaudit, image, options=(), cwd=None):
    return execute([imgaudit, "map", *options, image], cwd)


def entries(outcome):
    return json.loads(outcome.out)


def without_compressed(text):
    """Takes the key away that qemu-img 7.2 does not print, and joins what then has no difference left."""
    lines = [(COMPRESSED_KEY.sub("", line), '"compressed": true' in line) for line in text.splitlines()]
    joined = []
    for line, compressed in lines:
        if joined and joined[-1][1] != compressed and joins(joined[-1][0], line):
            line = join(joined.pop()[0], line)
        joined.append((line, compressed))
    return "".join(line + "\n" for line, _ in joined)


def as_qemu_prints(text):
    """Our JSON as this version of qemu-img would print it."""
    return text if prints_compressed() else without_compressed(text)


def parse_line(line):
    return json.loads(line.strip("[],"))


def joins(left, right):
    """Only an encrypted cluster beside a compressed one: data both, and no offset in either."""
    try:
        a, b = parse_line(left), parse_line(right)
    except ValueError:
        return False
    if "offset" in a or "offset" in b or a["start"] + a["length"] != b["start"]:
        return False
    return all(a[key] == b[key] for key in ("depth", "present", "zero", "data"))


def join(left, right):
    total = parse_line(left)["length"] + parse_line(right)["length"]
    opening = re.sub(r'"length": \d+', f'"length": {total}', left)
    return opening.rstrip("],") + ("]" if right.endswith("]") else ",")


def differences(expected, got):
    """Up to SHOWN_LINES lines of a diff, qemu-img's lines first."""
    lines = difflib.unified_diff(expected.splitlines(), got.splitlines(), "qemu-img", "imgaudit", lineterm="", n=1)
    shown = [line for _, line in zip(range(SHOWN_LINES), lines)]
    return shown or ["the texts differ in line ends only"]


def tail(text):
    return text.strip().splitlines()[-3:]


def code_notes(what, theirs, ours):
    return [f"{what}: exit code {ours.code}, qemu-img's is {theirs.code}",
            *(f"imgaudit: {line}" for line in tail(ours.err)), *(f"qemu-img: {line}" for line in tail(theirs.err))]


def compare_json(what, theirs, ours):
    """Notes on what is different in two JSON maps; none when they are equal."""
    if theirs.code != ours.code:
        return code_notes(what, theirs, ours)
    if theirs.code != 0:
        return []
    text = as_qemu_prints(ours.out)
    if text != theirs.out:
        return [f"{what}: the maps differ", *differences(theirs.out, text)]
    return []


def compare_but_compressed(what, theirs, ours):
    """As compare_json, of formats whose compressed blocks qemu-img shows as plain data."""
    strip = lambda outcome: Outcome(outcome.code, COMPRESSED_KEY.sub("", outcome.out), outcome.err)
    return compare_json(what, strip(theirs), strip(ours))


def compare_human(what, theirs, ours):
    """As compare_json; what was printed before a refusal counts too."""
    if theirs.code != ours.code:
        return code_notes(what, theirs, ours)
    if theirs.out != ours.out:
        return [f"{what}: the tables differ", *differences(theirs.out, ours.out)]
    return []


def compare_runs(compare, what, run_qemu, run_imgaudit):
    """Runs both and compares. A difference stands unless qemu-img, asked again, no longer says what it said.

    Linux calls a preallocated, never written block a hole only until read-ahead puts it into the page cache, so the
    map of such a file can change between two runs of anything. Returns both outcomes and the notes."""
    theirs, ours = run_qemu(), run_imgaudit()
    notes = compare(what, theirs, ours)
    for _ in range(SECOND_LOOKS):
        if not notes:
            break
        again = run_qemu()
        if (again.code, again.out) == (theirs.code, theirs.out):
            break
        theirs, ours = again, run_imgaudit()
        notes = compare(what, theirs, ours)
    return theirs, ours, notes


def check_compressed(ours, encrypted):
    """The key must be in each entry; unencrypted data has no offset exactly where it is compressed."""
    for entry in entries(ours):
        if "compressed" not in entry:
            return [f"no compressed key at {entry['start']}"]
        hidden = entry["data"] and "offset" not in entry
        if entry["compressed"] != hidden and not (encrypted and hidden):
            return [f"compressed is {entry['compressed']} at {entry['start']}, offset: {'offset' in entry}"]
    return []


def map_features(outcome):
    """What a map of qemu-img's shows, as names for the histogram."""
    found = set()
    for entry in entries(outcome):
        found |= entry_features(entry)
    return found


def entry_features(entry):
    found = {f"map:depth={min(entry['depth'], 3)}"}
    offset = "offset" in entry
    if entry["data"] and entry["zero"]:
        found.add("map:hole in a data cluster" if offset else "map:hole without offset")
    elif entry["data"]:
        found.add("map:data" if offset else "map:data without offset")
    elif entry["present"]:
        found.add("map:zero with offset" if offset else "map:zero")
    else:
        found.add("map:absent")
    return found
