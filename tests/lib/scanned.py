# SPDX-License-Identifier: MIT
# What a scan records of the images of a directory: facts, extents and findings by file name. Imported only.

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import qemu


@dataclass
class Scanned:
    """One file of the directory."""

    image: dict = field(default_factory=dict)   # columns of v_image and v_usage; empty: no image
    extents: list = field(default_factory=list)  # (start, length, state, offset)
    findings: dict = field(default_factory=dict)  # code: detail


def scan(imgaudit, directory, store):
    """{name: Scanned}. The store must lie outside of the directory."""
    done = qemu.execute([imgaudit, "scan", "--db", store, directory])
    if done.code not in (0, 3):
        raise RuntimeError(f"scan ended with {done.code}: {done.err}")
    files = {}
    of = lambda path: files.setdefault(os.path.basename(path), Scanned())
    with closing(sqlite3.connect(store)) as db:
        db.row_factory = sqlite3.Row
        for row in db.execute("SELECT * FROM v_image JOIN v_usage USING (image_id, path)"):
            of(row["path"]).image = dict(row)
        for row in db.execute("SELECT * FROM v_extent ORDER BY path, start"):
            of(row["path"]).extents.append((row["start"], row["length"], row["state"], row["offset"]))
        for row in db.execute("SELECT * FROM v_finding WHERE NOT cleared"):
            of(row["path"]).findings[row["code"]] = row["detail"]
    return files
