# SPDX-License-Identifier: MIT
# What is said of images that are laid out byte by byte, broken ones among them. Imported only.

import json
import os
import struct

import guest
import harness
import qemu

TIMEOUT = 60


def save(directory, name, data):
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)
    return name


def patched(image, at, form, value):
    """A builder's image, or bytes, with one field changed."""
    data = bytearray(image.bytes() if hasattr(image, "bytes") else image)
    struct.pack_into(form, data, at, value)
    return bytes(data)


def qemu_map(name, form, directory):
    return qemu.execute(["qemu-img", "map", "-U", "--output=json", "-f", form, name], directory, TIMEOUT)


def imgaudit_map(options, name, form, directory):
    return qemu.execute([options.imgaudit, "map", "--output=json", "-f", form, name], directory, TIMEOUT)


def refused(options, directory, form, cases, by_qemu):
    """cases: (name, bytes, part of our message). by_qemu: qemu-img has to refuse it, too."""
    for what, data, message in cases:
        name = save(directory, f"broken.{form}", data)
        ours = imgaudit_map(options, name, form, directory)
        notes = [] if ours.code == 1 and message in ours.err else [f"code {ours.code}, without {message!r}", *qemu.tail(ours.err)]
        theirs = qemu_map(name, form, directory) if by_qemu else None
        if by_qemu and theirs.code != 1:
            notes.append(f"qemu-img ended with {theirs.code}")
        yield harness.result(f"refused{', as by qemu-img' if by_qemu else ''}: {what}", notes)


def mapped(options, directory, form, cases):
    """cases: (name, bytes) of images that are odd, but mapped as qemu-img maps them."""
    for what, data in cases:
        name = save(directory, f"odd.{form}", data)
        theirs, notes = guest.compare_maps(options, name, form, directory)
        notes += [] if theirs.code == 0 else [f"qemu-img ended with {theirs.code}"]
        yield harness.result(f"mapped as qemu-img does: {what}", notes)


def equal(name, got, expected):
    return harness.result(name, [] if got == expected else [f"{got}, not {expected}"])


def scan(options, directory):
    """Scans a directory: facts and finding codes by file name."""
    store = os.path.join(directory, os.pardir, "scan.db")
    qemu.execute([options.imgaudit, "scan", "--db", store, directory])
    ask = lambda query: json.loads(qemu.must(options.imgaudit, "sql", "--db", store, "--format", "json", query))["rows"]
    facts = {os.path.basename(row["path"]): row for row in ask("SELECT * FROM v_image JOIN v_usage USING (image_id)")}
    findings = {name: set() for name in facts}
    for row in ask("SELECT path, code FROM v_finding WHERE NOT cleared"):
        findings.setdefault(os.path.basename(row["path"]), set()).add(row["code"])
    return facts, findings
