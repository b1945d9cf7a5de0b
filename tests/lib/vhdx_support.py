# SPDX-License-Identifier: MIT
# What the tests of VHDX share: maps in short rows, contents by read_guest, qemu-img and libvhdi, and what a scan records.
# Imported only.

import json
import os
import re

import guest
import harness
import qemu

DATA, SPARSE, ZERO, KEPT, ABSENT = "data", "sparse", "zero", "kept", "absent"
OTHER_GUID = "0ddba11e-0000-4000-8000-000000000002"
KINDS = {  # present, zero, data
    (True, False, True): DATA,
    (True, True, True): SPARSE,
    (True, True, False): ZERO,
    (False, True, False): ABSENT,
}
NO_LIBVHDI = "no --vhdi-read was given: libvhdi is not installed"


# -- Maps and contents --------------------------------------------------------------------------------------------------

def rows(text):
    """(start, length, depth, kind, offset) of each entry of a JSON map."""
    result = []
    for entry in json.loads(text):
        kind = KINDS[entry["present"], entry["zero"], entry["data"]]
        offset = entry.get("offset")
        result.append((entry["start"], entry["length"], entry["depth"], KEPT if kind == ZERO and offset is not None else kind, offset))
    return result


def map_of(options, image, *more):
    return qemu.imgaudit_map(options.imgaudit, image, ["--output=json", *more])


def different_map(options, image, expected, *more):
    """Notes: the map against (start, length, kind, offset) or (start, length, depth, kind, offset)."""
    outcome = map_of(options, image, *more)
    if outcome.code != 0:
        return [f"code {outcome.code}", *qemu.tail(outcome.err)]
    wanted = [row if len(row) == 5 else (*row[:2], 0, *row[2:]) for row in expected]
    got = rows(outcome.out)
    if got == wanted:
        return []
    return [*(f"expected {row}" for row in wanted if row not in got), *(f"got {row}" for row in got if row not in wanted)] or ["order"]


def maps_as(name, options, image, expected, *more):
    return harness.result(name, different_map(options, image, expected, *more))


def reads_as(name, options, image, size, content):
    return guest.content_result(options, name, lambda: guest.compare_with_content(options, image, size, content))


def reads_as_qemu(name, options, image, other=None):
    """`other` is what qemu-img is given, where that is another file."""
    args = [other] if other else None
    return guest.content_result(options, name, lambda: guest.compare_with_convert(options, image, image_args=args))


def refused(name, options, image, pattern):
    outcome = map_of(options, image)
    good = outcome.code == 1 and re.search(pattern, outcome.err)
    notes = [f"code {outcome.code}, expected 1 and /{pattern}/", *qemu.tail(outcome.err), *qemu.tail(outcome.out)]
    return harness.result(name, [] if good else notes)


def compare_with_libvhdi(options, images):
    ours, theirs = images[0] + ".ours", images[0] + ".theirs"
    try:
        done = [qemu.execute([options.read_guest, images[0], ours]), qemu.execute([options.vhdi_read, theirs, *images])]
        if any(outcome.code for outcome in done):
            return [line for outcome in done for line in (f"code {outcome.code}", *qemu.tail(outcome.err))]
        return guest.different_files(theirs, ours, "libvhdi", "read_guest")
    finally:
        guest.remove(ours, theirs)


def reads_as_libvhdi(name, options, *images):
    if not options.vhdi_read:
        return harness.Result(name, True, skipped=NO_LIBVHDI)
    return guest.content_result(options, name, lambda: compare_with_libvhdi(options, images))


def facts(options, directory, image):
    """What a scan of the directory records of the image: {column: value}, and the codes of its findings."""
    store = os.path.join(directory, "facts.db")
    guest.remove(store)
    qemu.execute([options.imgaudit, "scan", "--db", store, directory])
    ask = lambda columns, view: json.loads(qemu.must(
        options.imgaudit, "sql", "--db", store, "--format", "json", f"SELECT {columns} FROM {view} WHERE path = '{image}'"))["rows"]
    row = ask("format, variant, virtual_size, cluster_size, backing_path, state", "v_image")[0]
    codes = {finding["code"] for finding in ask("code", "v_finding")}
    row["metadata_bytes"] = ask("metadata_bytes", "v_usage")[0]["metadata_bytes"]
    guest.remove(store)
    return row, codes


def random_bytes(options, name, length):
    return harness.generator(options.seed, name, 0).randbytes(length)
