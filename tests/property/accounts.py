# SPDX-License-Identifier: MIT
# The reference: who reads which byte of whom, by brute force. Knows what qemu-img map says of each image and snapshot
# alone, and the words at the top of src/analysis/forest.h; asks for every piece of every disk of every reader, one at a time.

import bisect
import json
from collections import Counter
from dataclasses import dataclass, field

from readers import Exposed, View
from tree import output

WITHOUT_BACKING = ("raw", "vdi", "vpc", "vhdx", "parallels")
WITHOUT_MAP = ("vhdx",)  # qemu-img maps it as one piece of data


@dataclass
class Entry:
    """Guest bytes [start, end) of one image."""

    start: int
    end: int
    present: bool
    data: bool
    offset: int = None


def alone_map(path, form):
    """What qemu-img map says of an image without what it stands on."""
    if form in WITHOUT_BACKING:
        words = ["-f", form, path]
    else:
        words = ["json:" + json.dumps({"driver": form, "backing": None, "file": {"driver": "file", "filename": path}})]
    rows = json.loads(output(["qemu-img", "map", "-U", "--output=json", *words]))
    return [Entry(row["start"], row["start"] + row["length"], row["present"], row["data"], row.get("offset")) for row in rows]


class Mapping:
    """One disk of one image, alone."""

    def __init__(self, entries):
        self.entries = entries
        self.starts = [entry.start for entry in entries]
        self.size = entries[-1].end if entries else 0

    def at(self, byte):
        """The entry there, or None past the end."""
        return self.entries[bisect.bisect_right(self.starts, byte) - 1] if byte < self.size else None

    def has(self, byte):
        entry = self.at(byte)
        return entry is not None and entry.present


def read_mappings(tree, store):
    """{view: mapping} of every image and every snapshot."""
    views = [View(image) for image in tree.images]
    views += [View(image, number) for image in tree.images for number in range(len(image.snapshots))]
    with Exposed(tree, views) as paths:
        result = {view: Mapping(alone_map(path, view.image.form)) for view, path in paths.items() if view.image.form not in WITHOUT_MAP}
    for view in views:
        if view.image.form in WITHOUT_MAP:
            result[view] = Mapping(stored_map(store, view.image))
    return result


def stored_map(store, image):
    """For want of a better one the program's own; tests/formats looks after that."""
    path = next(path for path, other in store.images.items() if other is image)
    size, = store.query("SELECT virtual_size FROM v_image WHERE path = ?", path)[0]
    entries, at = [], 0
    rows = store.query("SELECT e.start, e.length, e.offset, s.data, s.present FROM image AS i JOIN extent AS e ON e.map_id = i.map_id"
                       " JOIN extent_state AS s ON s.state = e.state WHERE i.path = ? ORDER BY e.start", path)
    for start, length, offset, data, present in rows:
        if start > at:
            entries.append(Entry(at, start, False, False))
        entries.append(Entry(start, start + length, bool(present), bool(data), offset))
        at = start + length
    return entries + ([Entry(at, size, False, False)] if at < size else [])


# -- Who reads ---------------------------------------------------------------------------------------------------------

@dataclass
class Part:
    """A piece of an image's data that the same readers read. A reader is the image and "now" or "snapshots"."""

    start: int
    end: int
    offset: int
    readers: frozenset
    held: bool = False  # nobody reads it, but a snapshot of the image stands on its host bytes, or may

    def count(self):
        return 1 if self.held else len(self.readers)


@dataclass
class Account:
    data: int = 0
    present_read: int = 0  # bytes, zeroes included, that somebody reads
    seen: Counter = field(default_factory=Counter)
    parts: list = field(default_factory=list)

    def masked_parts(self):
        return [part for part in self.parts if part.count() == 0]

    def masked(self):
        return sum(part.end - part.start for part in self.masked_parts())

    def held(self):
        return sum(part.end - part.start for part in self.parts if part.held)

    def read_by_snapshots(self):
        """What nobody but internal snapshots reads."""
        return sum(part.end - part.start for part in self.parts
                   if part.readers and all(word == "snapshots" for _, word in part.readers))

    def row(self):
        """As Store.usage() has it."""
        shared = sum(length for readers, length in self.seen.items() if readers > 1)
        return self.data, self.data - self.masked(), self.masked(), self.seen[1], shared


class Accounts:
    def __init__(self, tree, store, templates):
        self.tree = tree
        self.mappings = read_mappings(tree, store)
        self.templates = templates
        self.heads = set(tree.heads())
        self.snapshots = {image: [self.mappings[View(image, number)] for number in range(len(image.snapshots))] for image in tree.images}
        self.now = {image: self.mappings[View(image)] for image in tree.images}
        self.held = {image: self.held_ranges(image) for image in tree.images if image not in self.heads}
        self.by_image = {image: Account() for image in tree.images}
        for root in (image for image in tree.images if image.base is None):
            family = [image for image in tree.images if image.stands_on(root)]
            self.account(family)

    def held_ranges(self, image):
        """Host bytes that own snapshots use."""
        return [(entry.offset, entry.offset + entry.end - entry.start)
                for mapping in self.snapshots[image] for entry in mapping.entries if entry.offset is not None]

    def cuts(self, family):
        """Where anything may change."""
        found = set()
        for image in family:
            for mapping in [self.now[image], *self.snapshots[image]]:
                found |= {0, mapping.size, *mapping.starts}
            for start, end in self.held.get(image, ()):
                for entry in self.now[image].entries:
                    if entry.offset is not None and entry.offset < end and start < entry.offset + entry.end - entry.start:
                        found |= {entry.start + min(max(place - entry.offset, 0), entry.end - entry.start) for place in (start, end)}
        return sorted(found)

    def account(self, family):
        cuts = self.cuts(family)
        for start, end in zip(cuts, cuts[1:]):
            readers = {image: set() for image in family}
            for image in family:
                self.read_by(image, start, readers)
            for image in family:
                self.put(image, start, end, frozenset(readers[image]))

    def read_by(self, image, byte, readers):
        """What the readers that belong to an image ask for."""
        head = image in self.heads
        if head or image in self.templates:
            self.ask(image, byte, (image, "now"), readers)
        for mapping in self.snapshots[image]:
            if byte < mapping.size and not mapping.has(byte):
                self.ask(image.base, byte, (image, "now" if head else "snapshots"), readers)

    def ask(self, image, byte, reader, readers):
        """Goes down the chain to the image that has the byte."""
        while image is not None and byte < self.now[image].size:
            readers[image].add(reader)
            if self.now[image].has(byte):
                return
            image = image.base

    def put(self, image, start, end, readers):
        entry = self.now[image].at(start)
        if entry is None or not entry.present:
            return
        account = self.by_image[image]
        offset = None if entry.offset is None else entry.offset + start - entry.start
        held = not readers and entry.data and self.is_held(image, offset)
        account.present_read += end - start if readers or held else 0
        if not entry.data:
            return
        part = Part(start, end, offset, readers, held)
        account.data += end - start
        account.parts.append(part)
        if part.count():
            account.seen[part.count()] += end - start

    def is_held(self, image, offset):
        """Without an offset it is unknown."""
        if not self.snapshots[image] or image in self.heads:
            return False
        return offset is None or any(start <= offset < end for start, end in self.held[image])


def joined(ranges):
    """(start, end, offset) ascending; what goes on as one is one."""
    result = []
    for start, end, offset in ranges:
        if result and result[-1][1] == start and (offset is None) == (result[-1][2] is None) \
                and (offset is None or result[-1][2] + start - result[-1][0] == offset):
            result[-1] = (result[-1][0], end, result[-1][2])
        else:
            result.append((start, end, offset))
    return result
