# SPDX-License-Identifier: MIT
# What the program finds of a forest: its store's views, and its report. Files are matched by identity, not by name.

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from tree import execute

# Overlays of some formats cannot state a format; and bases are altered under their overlays, which read the same after it.
EXPECTED_FINDINGS = ("backing-format-guessed", "backing-written", "empty-l2-table")


@dataclass
class Piece:
    """A range of an image's data. `path`: the host file in which it is, or None."""

    start: int
    length: int
    state: str
    path: str
    offset: int

    def end(self):
        return self.start + self.length


def identity(path):
    st = os.stat(path)
    return st.st_dev, st.st_ino


class Store:
    def __init__(self, imgaudit, tree):
        self.imgaudit = imgaudit
        self.tree = tree
        self.db = os.path.join(tree.directory, "store.db")
        self.images = {}

    # -- The program ---------------------------------------------------------------------------------------------------

    def scan(self, *options):
        """Lines on what went wrong; nothing may be hidden from a scan of these forests, and the tests need not run as root."""
        words = [self.imgaudit, "scan", "--db", self.db, "--trust-locks", "--min-age", "0", "--inventory", "none", *options, self.tree.root]
        self.tree.log("\"${IMGAUDIT:-imgaudit}\" " + " ".join(map(self.tree.quote, words[1:])).replace(self.tree.directory, '"$ROOT/.."'))
        done = execute(words)
        if done.returncode != 0:
            return [f"scan ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}",
                    *(str(row) for row in (self.query("SELECT code, path, detail FROM v_finding WHERE NOT cleared") if done.returncode == 3 else []))]
        paths = {identity(self.tree.full(image.path)): image for image in self.tree.images}
        known = [(paths.get(identity(path)), path) for path, in self.query("SELECT path FROM v_image")]
        self.images = {path: image for image, path in known if image}
        lost = [f"not in the store: {image.path}" for image in self.tree.images if image not in self.images.values()]
        extra = [f"an image that nobody made: {path}" for image, path in known if not image]
        complete = self.query("SELECT complete FROM v_scan ORDER BY scan_id DESC LIMIT 1")[0][0]
        odd = [f"a finding: {row}" for row in self.query("SELECT code, path, detail FROM v_finding WHERE NOT cleared") if row[0] not in EXPECTED_FINDINGS]
        return lost + extra + odd + ([] if complete else ["the scan is not complete"])

    def unused(self):
        """Rows of the report, with their image."""
        done = execute([self.imgaudit, "report", "--db", self.db, "--format", "json", "--unused-backing"])
        rows = json.loads(done.stdout)["rows"]
        return [(self.images.get(row["path"]), row) for row in rows]

    def prove(self, paths):
        """Exit status and words of prove for paths of the tree."""
        done = execute([self.imgaudit, "prove", "--db", self.db, *map(self.tree.full, paths)])
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace").splitlines()

    # -- The views -----------------------------------------------------------------------------------------------------

    def query(self, sql, *values):
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

    def by_image(self, sql):
        """{image: rows without their first column, which is the path}."""
        result = {image: [] for image in self.images.values()}
        for path, *row in self.query(sql):
            result[self.images[path]].append(tuple(row))
        return result

    def usage(self):
        """{image: (data, visible, masked, exclusive, shared)}."""
        rows = self.by_image("SELECT path, data_bytes, visible_bytes, masked_bytes, exclusive_bytes, shared_bytes FROM v_usage")
        return {image: found[0] for image, found in rows.items()}

    def relatives(self):
        """{image: (dependents, descendants, heads)}."""
        return {image: found[0] for image, found in self.by_image("SELECT path, dependents, descendants, heads FROM v_usage").items()}

    def sharing(self):
        return {image: dict(rows) for image, rows in self.by_image("SELECT path, readers, bytes FROM v_sharing").items()}

    def masked(self):
        return self.pieces("SELECT path, start, length, state, file, offset FROM v_masked ORDER BY path, start")

    def data(self):
        return self.pieces("SELECT path, start, length, state, file, offset FROM v_extent"
                           " WHERE state IN ('data', 'compressed', 'encrypted', 'sparse') ORDER BY path, start")

    def pieces(self, sql):
        return {image: [Piece(*row) for row in rows] for image, rows in self.by_image(sql).items()}

    def visible(self):
        """What is data and not masked."""
        masked = self.masked()
        return {image: list(subtract(pieces, masked[image])) for image, pieces in self.data().items()}

    def chain(self):
        """{image: [(depth, the layer, visible bytes, data bytes)]}"""
        rows = self.by_image("SELECT path, depth, layer_path, visible_bytes, data_bytes FROM v_chain ORDER BY path, depth")
        return {image: [(depth, self.images[layer], *counts) for depth, layer, *counts in found] for image, found in rows.items()}


def part(piece, start, end):
    """The part of a piece that lies in [start, end)."""
    offset = None if piece.offset is None else piece.offset + start - piece.start
    return Piece(start, end - start, piece.state, piece.path, offset)


def subtract(pieces, others):
    """Both ascend."""
    for piece in pieces:
        at = piece.start
        for other in others:
            if other.start < piece.end() and other.end() > at:
                if other.start > at:
                    yield part(piece, at, other.start)
                at = max(at, other.end())
        if at < piece.end():
            yield part(piece, at, piece.end())
