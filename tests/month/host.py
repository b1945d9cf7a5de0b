# SPDX-License-Identifier: MIT
# A virtualisation host as its administrator knows it: machines with their disks and snapshots, templates, backups, uploads; and
# from these alone, what each file is needed for.

from dataclasses import dataclass, field

from forest import Image

POOLS = ("pool-a", "pool-b", "pool-c")


@dataclass(eq=False)
class Machine:
    name: str
    pool: str
    style: str  # "libvirt": an overlay gets a new name; "proxmox": the overlay takes the disk's name, the base gets a new one
    disks: list = field(default_factory=list)


@dataclass
class Point:
    """An external snapshot: the image that has the state."""

    name: str
    image: Image


@dataclass(eq=False)
class Disk:
    machine: Machine
    stem: str  # path without suffix
    current: Image
    points: list = field(default_factory=list)
    meanwhile: Image = None  # the overlay of a backup that is being made

    def point_of(self, image):
        return next((point for point in self.points if point.image is image), None)

    def forget(self, *images):
        self.points = [point for point in self.points if point.image not in images]


@dataclass(eq=False)
class Template:
    name: str
    image: Image
    link: str = ""


@dataclass(eq=False)
class Backup:
    """Restore points of one disk, the oldest first: a full copy and what is based on it, or one packed file."""

    name: str
    images: list
    kind: str  # "packed" or "chain"


@dataclass(eq=False)
class Upload:
    source: Image
    image: Image
    done: int = 0


class Host:
    def __init__(self, forest, rng, odd_names=True):
        self.odd_names = odd_names  # packed files whose names show no image
        self.forest = forest
        self.rng = rng
        self.machines = []
        self.templates = []
        self.backups = []
        self.uploads = []
        self.kept = []  # files that others put here: [(image, what it is)]
        self.numbers = {}
        self.features = {}  # what was done, how often

    def number(self, word):
        self.numbers[word] = self.numbers.get(word, 0) + 1
        return self.numbers[word]

    def count(self, feature):
        self.features[feature] = self.features.get(feature, 0) + 1

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def disks(self):
        return [disk for machine in self.machines for disk in machine.disks]

    # -- What is needed ------------------------------------------------------------------------------------------------

    def owners(self):
        """Pairs of an image that is needed as it is, and what for."""
        for disk in self.disks():
            yield disk.current, f"the disk {disk.stem} of machine {disk.machine.name}"
            for point in disk.points:
                yield point.image, f"snapshot {point.name} of machine {disk.machine.name}"
        for template in self.templates:
            yield template.image, f"template {template.name}"
        for backup in self.backups:
            for image in backup.images:
                yield image, f"backup {backup.name}"
        for upload in self.uploads:
            yield upload.image, "an upload that goes on"
        yield from self.kept

    def needs(self):
        """{image: what for}, with the images that these stand on."""
        result = {}
        for image, reason in self.owners():
            for link in image.chain():
                result.setdefault(link, reason if link is image else f"{reason}, by way of {image.path}")
        return result

    def states(self):
        """{image: what for}, without those that are needed for what is above them alone."""
        return dict(reversed(list(self.owners())))

    def idle(self):
        """Images that nobody needs."""
        needs = self.needs()
        return [image for image in self.forest.images if image not in needs]

    def discard(self, images):
        """Deletes those of the images that nobody needs, from the top of each chain on."""
        needs = self.needs()
        left = [image for image in images if image in self.forest.images and image not in needs]
        while left:  # ends: each round removes at least one, or is the last
            tops = [image for image in left if not self.forest.dependents(image)]
            for image in tops:
                self.forest.remove(image)
            left = [image for image in left if image not in tops] if tops else []
