# SPDX-License-Identifier: MIT
# Rows of the view v_map beside the entries that imgaudit map and qemu-img map print. Imported only.

import os

ROW_COLUMNS = ("start", "length", "depth", "present", "zero", "data", "compressed", "offset", "filename")


def view_rows(rows):
    return [tuple(row[column] for column in ROW_COLUMNS[:-1]) for row in rows]


def json_rows(entries):
    """Entries of a JSON map. An empty disk has one entry of no length there, and no row in the view."""
    rows = []
    for entry in entries:
        if entry["length"]:
            flags = [int(entry[key]) for key in ("present", "zero", "data")]
            compressed = int(entry["compressed"]) if "compressed" in entry else None
            rows.append((entry["start"], entry["length"], entry["depth"], *flags, compressed, entry.get("offset")))
    return rows


def row_differences(expected, got, left, right):
    """The first rows that are not equal."""
    if expected == got:
        return []
    notes = [f"{left} has {len(expected)} rows, {right} has {len(got)}"]
    for place in range(max(len(expected), len(got))):
        a = expected[place] if place < len(expected) else None
        b = got[place] if place < len(got) else None
        if a != b:
            return [*notes, f"row {place}: {left} {a}", f"row {place}: {right} {b}"]
    return notes


def same_file(a, b, cwd="/"):
    """Relative names are relative to cwd."""
    a, b = os.path.join(cwd, a), os.path.join(cwd, b)
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def filename_differences(rows, entries, cwd):
    """The view has the stored path, map has qemu's spelling of it; neither without an offset."""
    names = {entry["start"]: entry.get("filename") for entry in entries}
    for row in rows:
        name = names.get(row["start"])
        if (row["filename"] is None) != (row["offset"] is None) or (name is None) != (row["offset"] is None):
            return [f"at {row['start']}: offset {row['offset']}, filename {row['filename']}, in map {name}"]
        if name is not None and not same_file(name, row["filename"], cwd):
            return [f"at {row['start']}: filename {row['filename']}, in map {name}"]
    return []
