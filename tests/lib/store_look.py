# SPDX-License-Identifier: MIT
# Looking at a store without touching it: all that its views say, as one number; integrity; numbers of scans.
# For test_crash.py. Imported only.

import contextlib
import sqlite3
from urllib.parse import quote

import sites

VIEWS = ("v_scan", "v_image", "v_file", "v_snapshot", "v_chain", "v_usage", "v_finding", "v_growth")


def look(db):
    """A connection that writes nothing, not even what a log holds into the database."""
    return sqlite3.connect(f"file:{quote(db)}?mode=ro", uri=True, timeout=10)


def dump(db):
    """Everything that the public views say; the map of the first image stands for all."""
    with contextlib.closing(look(db)) as connection:
        first = connection.execute("SELECT min(image_id) FROM v_image").fetchone()[0]
    return sites.digest(db, [
        *[f"SELECT * FROM {view} ORDER BY 1, 2, 3" for view in VIEWS],
        "SELECT * FROM v_extent ORDER BY image_id, start",
        "SELECT * FROM v_masked ORDER BY image_id, start",
        f"SELECT * FROM v_map WHERE image_id = {first} ORDER BY start"])


def short_dump(db):
    """The same with the long views counted and added up."""
    with contextlib.closing(look(db)) as connection:
        connection.text_factory = bytes
        result = {view: connection.execute(f"SELECT * FROM {view} ORDER BY 1, 2, 3").fetchall() for view in VIEWS}
        result["extents"] = connection.execute(
            "SELECT map_id, count(*), sum(start), sum(length), sum(offset) FROM extent GROUP BY map_id").fetchall()
    return result


def integrity(db):
    with contextlib.closing(look(db)) as connection:
        return [row[0] for row in connection.execute("PRAGMA integrity_check")]


def scans(db):
    with contextlib.closing(look(db)) as connection:
        return connection.execute("SELECT max(scan_id) FROM scan").fetchone()[0]
