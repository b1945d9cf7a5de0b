# SPDX-License-Identifier: MIT
# Holds the rows of a report against what the host needs. Right and wrong come from the host's own records alone.

from dataclasses import dataclass, field

from astray import Astray, misleads
from weather import is_hidden

SOON = 3  # nights from the first scan after which garbage should be listed: it is proven on the second at the latest
ENOUGH = {False: 95, True: 98}  # percent of the garbage, without an inventory of machines and with one
# Doubts that some name raises: --min-age counts from when the last of them went, too.
UNUSED = ("unreferenced", "unclaimed")
NAMED = {"broken-reference", "exchanged", "packed-reference", "remote-name"}


@dataclass
class Night:
    number: int
    word: str
    seconds: float = 0
    files: int = 0
    rows: int = 0
    proven: int = 0    # unreferenced, as the report has it
    counted: int = 0   # and unreferenced the night before, too
    garbage: int = 0   # that nobody needs, and that was named
    held: int = 0      # of that, what a name that misleads may mean
    wrong: int = 0
    reverted: int = 0  # a machine's disk that no image names: only an inventory has it
    kept: int = 0      # the same of a snapshot, a template or a backup
    early: int = 0     # needed, and proven on one night alone
    masked: int = 0    # rows of what is named and proven masked
    doubts: list = ()  # about every candidate: (code, a subject, how many)
    codes: dict = field(default_factory=dict)  # of doubts about rows: how many


@dataclass
class Garbage:
    """A file that nobody needs and that was named when a scan ran."""

    image: object
    path: str
    since: int
    nights: int = 0      # scans of it that could see everything, since a misleading name held it up last
    listed: int = 0      # the night on which it was proven, and had been unreferenced on the night before
    whys: list = field(default_factory=list)  # of each night: why it was not proven, in words of the report

    def lines(self):
        return [f"    night {night}: {why}" for (night, why), before in zip(self.whys, [(0, ""), *self.whys]) if why != before[1]]


@dataclass
class Wrong:
    night: int
    path: str
    reason: str
    row: dict

    def lines(self):
        return [f"night {self.night}: {self.path} is proven {self.row['status']}, and is needed: {self.reason}",
                *(f"    {key}: {value}" for key, value in self.row.items() if value not in (None, ""))]


@dataclass
class Ledger:
    host: object
    has_machines: bool = False  # scans read an inventory of all that the host needs for itself
    nights: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    garbage: dict = field(default_factory=dict)
    hidden: tuple = ()  # folders that the latest scan did not see
    before: set = field(default_factory=set)  # images that were unreferenced on the night before

    # -- Before a scan -------------------------------------------------------------------------------------------------

    def observe(self, hidden):
        """What this scan will see named."""
        forest = self.host.forest
        paths = forest.by_path()
        seen = {}
        for image in forest.images:
            target = paths.get(forest.leads_to(image)) if image.named and not image.packed else None
            if target and not is_hidden(image.path, hidden) and not is_hidden(target.path, hidden):
                seen.setdefault(target, []).append(image)
        for target, namers in seen.items():
            if any(image.base is not target for image in namers):
                target.altered = "named by what was made on another"
                continue
            target.was_named, target.altered = True, ""
            if any(image.written < target.written for image in namers):
                target.altered = "written to under what stands on it"
        for image in forest.images:
            self.remember(image, paths, hidden)

    def remember(self, image, paths, hidden):
        """What scans know of its path, and of where its name led. What is hidden is as it was seen last."""
        if is_hidden(image.path, hidden):
            return
        if image.seen_path != image.path:
            image.seen_path, image.seen = image.path, self.host.forest.deeds
        if image.base and not image.packed and self.host.forest.leads_to(image) == image.base.path and not is_hidden(image.base.path, hidden) \
                and image.base.made <= image.written:
            image.known = image.named
        target = paths.get(self.host.forest.leads_to(image)) if image.named else None
        if target and not image.packed and image.known != image.named and misleads(self.host.forest, image, target):
            image.misled = image.named

    def may_be_listed(self, image):
        """What was named, and nothing was done to it since; with an inventory, also what never was."""
        known = not image.altered if image.was_named else self.has_machines and not image.packed
        return known and not self.host.forest.namers(image)

    def find_garbage(self, night, hidden):
        """Files that a report should come to list. What was written to or renamed since is a thing that cannot be proven."""
        forest = self.host.forest
        now = [image for image in self.host.idle() if self.may_be_listed(image)]
        astray = Astray(forest, hidden)
        for image in set(self.garbage) - set(now):
            if not self.garbage[image].listed and image in forest.images:
                del self.garbage[image]  # it came to be needed, named or altered
        for image in now:
            entry = self.garbage.setdefault(image, Garbage(image, image.path, night.number))
            is_held = astray.holds_up(image)
            night.held += is_held
            entry.nights = 0 if is_held else entry.nights + (not hidden)
            entry.whys.append((night.number, "no row"))
        return now

    # -- After it ------------------------------------------------------------------------------------------------------

    def enter(self, night, rows, now, hidden):
        """Rows of --unused-backing, whose paths are below the root."""
        self.hidden = hidden
        forest = self.host.forest
        paths, needs, states = forest.by_path(), self.host.needs(), self.host.states()
        links = forest.links
        unreferenced = set()
        night.rows, night.files, night.garbage = len(rows), len(forest.images), len(now)
        for row in rows:
            image = paths.get(links.get(row["path"], row["path"]))
            if image in self.garbage:
                self.garbage[image].whys[-1] = (night.number, row["why"] or "proven")
            if row["status"] in UNUSED and not NAMED.intersection((row["why_codes"] or "").split(",")):
                unreferenced.add(image)
            if row["verdict"] != "proven":
                continue
            if row["status"] not in UNUSED:
                night.masked += 1
                continue
            night.proven += 1
            self.judge(night, row, image, needs, states)
        self.before = unreferenced
        self.nights.append(night)

    def judge(self, night, row, image, needs, states):
        is_second = image in self.before
        night.counted += is_second
        if image is None:
            self.fail(night, row, "this host has no such file")
        elif image not in needs:
            if is_second and image in self.garbage and not self.garbage[image].listed:
                self.garbage[image].listed = night.number
        elif not is_second:
            night.early += 1
        elif not self.has_machines and (image in states or self.has_unseen_namers(image)) and not self.seen_namers(image) and "saw it named" in row["evidence"]:
            is_disk = any(image in (disk.current, disk.current.base) for disk in self.host.disks())
            night.reverted += is_disk
            night.kept += not is_disk
        else:
            self.fail(night, row, needs[image])

    def seen_namers(self, image):
        return [namer for namer in self.host.forest.namers(image) if not is_hidden(namer.path, self.hidden)]

    def has_unseen_namers(self, image):
        """It was a disk or a state of one when a scan ran last; what was made on it since is hidden, and no scan saw it."""
        namers = self.host.forest.namers(image)
        return namers != [] and all(namer.known != namer.named for namer in namers)

    def fail(self, night, row, reason):
        night.wrong += 1
        self.wrong.append(Wrong(night.number, row["path"], reason, row))

    # -- At the end ----------------------------------------------------------------------------------------------------

    def due(self):
        """Garbage that was there for long enough."""
        return [entry for entry in self.garbage.values() if entry.nights >= SOON or entry.listed]

    def recall(self):
        """(listed by the end, listed soon, all) of what was due."""
        due = self.due()
        return (sum(entry.listed > 0 for entry in due), sum(0 < entry.listed < entry.since + SOON for entry in due), len(due))

    def missed(self):
        return [entry for entry in self.due() if not entry.listed]

    def bare_nights(self):
        """Nights with garbage that was there the night before, and nothing proven."""
        return [night for night, earlier in zip(self.nights[1:], self.nights) if earlier.garbage > earlier.held and night.garbage > night.held and not night.proven]
