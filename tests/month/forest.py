# SPDX-License-Identifier: MIT
# The files of the host: real images by qemu-img and qemu-io, and beside each what the test knows of it. What an image needs is
# known from how it was made, never from a program that reads it.

import json
import os
import shlex
from dataclasses import dataclass, field

from qemu import must

CLUSTER = 64 * 1024
SIZE = 4 * 1024 * 1024
JSON = "json:"


@dataclass(eq=False)
class Image:
    """`base` is the image whose bytes it needs, `named` is the name in its header: that may lead elsewhere by now."""

    path: str  # below the root, as all paths here
    format: str = "qcow2"
    base: "Image" = None
    named: str = ""
    packed: bool = False   # its header stays as it is
    snapshots: list = field(default_factory=list)  # internal ones, by name
    was_named: bool = False  # when a scan ran
    altered: str = ""      # what was done to it since it was last named: it may well be another thing now
    # Numbers of deeds; a scan comes between two.
    made: int = 0
    written: int = 0       # the latest one that wrote to it
    touched: int = 0       # the same, or gave it another name: its ctime
    link: str = ""         # the symbolic link to a file that its name in the header goes by
    known: str = ""        # the name in its header with which a scan saw it lead to what it needs
    misled: str = ""       # the name in its header with which a scan saw that it was made on another image than is there
    seen_path: str = ""    # the path by which scans saw it without a break
    seen: int = 0          # since this deed
    is_seen: bool = False  # of a packed one: by a scan
    is_turned: bool = False  # of a packed one: the symbolic link, when a scan saw it first
    cleared: set = None    # of a packed one whose name was lost by then: images that cannot have had it

    def chain(self):
        image = self
        while image:  # ends: a base is older than what is made on it, or takes the place of one that is
            yield image
            image = image.base


class Forest:
    def __init__(self, root, rng, log):
        self.root = root
        self.rng = rng
        self.log = log
        self.images = []
        self.deeds = 0
        self.links = {}  # symbolic links: {path: path}
        self.turned = {}  # those that there were, too: {path: number of the deed that turned or removed it last}
        os.makedirs(root, exist_ok=True)

    # -- Names ---------------------------------------------------------------------------------------------------------

    def full(self, path):
        return os.path.join(self.root, path)

    def by_path(self):
        return {image.path: image for image in self.images}

    def dependents(self, image):
        return [other for other in self.images if other.base is image]

    def leads_to(self, image):
        """The path that the name in the header leads to now."""
        words = image.named
        if words.startswith(JSON):
            words = json.loads(words.removeprefix(JSON))["file"]["filename"]
        name = os.path.normpath(os.path.join(os.path.dirname(self.full(image.path)), words))
        path = os.path.relpath(name, self.root)
        folder, _, rest = path.partition("/")
        if rest and folder in self.links:
            path = os.path.join(self.links[folder], rest)
        return self.links.get(path, path)

    def is_sound(self, image):
        """Whether each name of the chain leads to what is needed."""
        return all(not link.base or self.leads_to(link) == link.base.path for link in image.chain())

    def namers(self, image):
        """Those that need it, and those whose name leads to it."""
        return [other for other in self.images if other.base and (other.base is image or self.leads_to(other) == image.path)]

    def is_free(self, path):
        return not os.path.lexists(self.full(path))

    def free(self, pattern):
        """The first free path of a pattern with a number in it."""
        return next(path for path in (pattern.format(number) for number in range(1, 10000)) if self.is_free(path))

    def name(self, image, base):
        """Chooses a name for the header: relative, absolute, by a symbolic link to the file or to its folder, or a description of it."""
        image.base = base
        target, how = base.path, self.rng.random()
        links = [link for link, end in self.links.items() if end == target]
        image.link = links[0] if links and self.rng.random() < 0.5 else ""
        image.named = self.words_for(image.path, image.link or target, base.format, how)

    def words_for(self, path, target, form, how):
        folder, _, rest = target.partition("/")
        if how < 0.05:
            return JSON + json.dumps({"driver": form, "file": {"driver": "file", "filename": self.full(target)}})
        if how < 0.15 and folder in self.links.values():
            return self.full(os.path.join(next(link for link, end in self.links.items() if end == folder), rest))
        if how < 0.45:
            return self.full(target)
        return os.path.relpath(target, os.path.dirname(path) or ".")

    def mark(self, image):
        self.touch(image)
        image.written, image.altered = self.deeds, "written to"

    def touch(self, image):
        self.deeds += 1
        image.touched = self.deeds

    # -- Deeds. Each is logged as a line of shell, to be run in the root. ----------------------------------------------

    def run(self, *words):
        self.log(shlex.join(words))
        return must(*words, cwd=self.root)

    def folder(self, path):
        os.makedirs(os.path.dirname(self.full(path)), exist_ok=True)

    def add(self, image):
        self.touch(image)
        image.made = image.written = self.deeds
        self.images.append(image)
        return image

    def create(self, path, base=None, format="qcow2"):
        self.folder(path)
        image = Image(path, format, base)
        words = ["qemu-img", "create", "-q", "-f", format]
        if base:
            self.name(image, base)
            words += ["-u", "-b", image.named, "-F", base.format]
        self.run(*words, path, str(SIZE))
        return self.add(image)

    def write(self, image, clusters=3):
        places = self.rng.sample(range(SIZE // CLUSTER), clusters)
        words = [word for place in places
                 for word in ("-c", f"write -q -P {self.rng.randrange(1, 256)} {place * CLUSTER} {CLUSTER}")]
        self.run("qemu-io", "-f", image.format, *words, image.path)
        self.mark(image)

    def convert(self, source, path):
        """A full copy of what is read through it."""
        self.folder(path)
        self.run("qemu-img", "convert", "-q", "-f", source.format, "-O", "qcow2", source.path, path)
        return self.add(Image(path))

    def copy(self, source, path, mend=True):
        """A copy of the file; the name in its header is mended, or has the same words whatever they lead to from there."""
        self.folder(path)
        self.run("cp", "--", source.path, path)
        image = self.add(Image(path, source.format, source.base, source.named, snapshots=list(source.snapshots), link=source.link))
        if mend and image.base and self.leads_to(image) != image.base.path:
            self.rename_base(image, image.base)
        return image

    def commit(self, image):
        self.run("qemu-img", "commit", "-q", "-d", "-f", "qcow2", image.path)
        self.mark(image.base)

    def rebase(self, image, base):
        """Copies what it needs of all above the new base, or of all for None."""
        image.base, image.named, image.link = None, "", ""
        if base:
            self.name(image, base)
        self.run("qemu-img", "rebase", "-q", "-f", "qcow2", "-b", image.named, *(["-F", base.format] if base else []), image.path)
        self.mark(image)

    def rename_base(self, image, base):
        """Another name in the header, without a look at what is there."""
        self.name(image, base)
        self.run("qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", image.named, "-F", base.format, image.path)
        self.mark(image)

    def snapshot(self, image, option, name):
        self.run("qemu-img", "snapshot", "-q", option, name, image.path)
        self.mark(image)

    def pack(self, image, path):
        """A copy of the file, packed: by gzip, or in an archive as the name says."""
        self.folder(path)
        if path.endswith(".tar"):
            self.run("tar", "-cf", path, "-C", os.path.dirname(image.path), os.path.basename(image.path))
        else:
            self.run("sh", "-c", 'exec gzip -1 -c -- "$1" >"$2"', "-", image.path, path)
        # It has the same words, whatever they lead to from there.
        return self.add(Image(path, image.format, image.base, image.named, packed=True))

    def rename(self, image, path):
        """The names in headers stay as they are, its own included."""
        self.folder(path)
        self.run("mv", "--", image.path, path)
        self.touch(image)
        image.path, image.altered = path, "renamed"

    def move(self, image, path):
        """The same, and then names that led to what they should do so again; packed ones stay as they are."""
        near = [other for other in [image, *self.dependents(image)]
                if other.base and not other.packed and self.leads_to(other) == other.base.path]
        self.rename(image, path)
        for other in near:
            if self.leads_to(other) != other.base.path:
                self.rename_base(other, other.base)

    def symlink(self, path, target):
        self.folder(path)
        self.run("ln", "-sfn", os.path.relpath(target, os.path.dirname(path)), path)
        self.links[path] = target
        self.deeds += 1
        self.turned[path] = self.deeds

    def unlink(self, link):
        self.run("rm", "--", link)
        del self.links[link]
        self.deeds += 1
        self.turned[link] = self.deeds

    def remove(self, image):
        self.run("rm", "--", image.path)
        self.images.remove(image)
