# SPDX-License-Identifier: MIT
# A random forest of images in several directories, for test_what_if_next.py: images of many formats that name each other in
# many ways. What is odd about them is in odd_things.py. Imported only.

import json
import os
from dataclasses import dataclass

from sites import CLUSTER, MIB, create, make_raw, must, patch

FOLDERS = ["", "one", "one/deep", "two"]
WORDS = ["ash", "oak", "fir", "elm", "yew"]  # few, so that a name is found again in another directory
SUFFIXES = {"raw": [".img", ".raw"], "vpc": [".vhd"], "parallels": [".hdd"]}
BASES = ["qcow2"] * 6 + ["raw"] * 3 + ["vdi", "vmdk", "qed", "vpc", "vhdx", "qcow"]
FOREIGN_BASES = ["vdi", "vmdk", "qed", "vpc", "vhdx", "qcow", "parallels"]
FOREIGN_OVERLAYS = ["qed", "qcow", "vmdk"]
BY_MEGABYTES = ("vdi", "vhdx", "vpc", "parallels")
MAY_STAND = ("qcow2", "qed", "qcow", "vmdk")  # formats of overlays
SECOND = 10**9  # nanoseconds


@dataclass(eq=False)
class Image:
    """`path` is one name of the image, and `form` what is stated of it by overlays that state the true one."""

    path: str
    form: str
    size: int


def folder_of(path):
    return os.path.dirname(path)


def identity(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino


class Forest:
    """Every choice is made by `rng`. `images` are what overlays are put on; one image may be in it by several names."""

    def __init__(self, site, rng):
        self.site = site
        self.rng = rng
        self.images = []
        self.options = []  # of every scan
        self.roots = [site.root]
        self.held = []     # (path, format, options of qemu-io): open as long as the forest is asked about
        self.made = 0

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    # -- Names ---------------------------------------------------------------------------------------------------------

    def new_path(self, form="qcow2", folder=None, suffix=None):
        """A path that is not taken, mostly with a last component that other directories have too."""
        if folder is None:
            folder = self.rng.choice(FOLDERS)
        if suffix is None:
            suffix = self.rng.choice(SUFFIXES.get(form, ["." + form]))
        path = self.site.path(folder, self.rng.choice(WORDS) + suffix)
        while os.path.lexists(path):  # ends: the number grows
            self.made += 1
            path = self.site.path(folder, f"{self.rng.choice(WORDS)}{self.made}{suffix}")
        return path

    def new_folder(self, word):
        self.made += 1
        return os.path.join(self.rng.choice(FOLDERS), f"{word}{self.made}")

    def new_outside(self, *parts):
        """A path outside the roots; its last part gets a number."""
        self.made += 1
        return self.site.outside(*parts[:-1], f"{self.made}{parts[-1]}")

    def spell(self, path, target):
        """A name of `target` to be stored in the image `path`."""
        relative = os.path.relpath(target.path, folder_of(path))
        return self.rng.choice([relative] * 6 + [target.path, "file:" + target.path, self.describe(target)])

    def describe(self, target):
        """A json: name."""
        return "json:" + json.dumps({"driver": target.form, "file": {"driver": "file", "filename": target.path}})

    def pick(self, *forms):
        """Any image, or one of these formats, which is made if there is none."""
        able = [image for image in self.images if not forms or image.form in forms]
        return self.rng.choice(able) if able else self.base(self.rng.choice(forms or BASES))

    # -- Images --------------------------------------------------------------------------------------------------------

    def add(self, path, form, size):
        image = Image(path, form, size)
        self.images.append(image)
        return image

    def size(self, form="qcow2"):
        return self.rng.choice([1, 2, 4]) * MIB if form in BY_MEGABYTES else self.rng.choice([8, 16, 16, 16, 24]) * CLUSTER

    def base(self, form=None, folder=None, path=None, fill=True):
        form = form or self.rng.choice(BASES)
        path = path or self.new_path(form, folder)
        size = self.size(form)
        if form == "raw":
            self.write_raw(path, size)
            return self.add(path, form, size)
        create(path, size, format=form)
        image = self.add(path, form, size)
        if fill:
            self.write(image)
        return image

    def write_raw(self, path, size):
        make_raw(path, self.rng.choice([CLUSTER, size // 2, size]), self.rng.randrange(1, 256))
        os.truncate(path, size)

    def overlay(self, base=None, form="qcow2", folder=None, path=None, name=None, stated="", fill=True):
        """`name` and `stated`: what it says of its base; without them the truth."""
        base = base or self.rng.choice(self.images)
        path = path or self.new_path(form, folder)
        name = name or (self.spell(path, base) if form == "qcow2" else os.path.relpath(base.path, folder_of(path)))
        size = self.rng.choice([base.size] * 4 + [base.size // 2, base.size + 2 * CLUSTER])
        create(path, size, name, base.form if stated == "" else stated, format=form)
        image = self.add(path, form, size)
        if fill:
            self.write(image)
        return image

    def write(self, image):
        """Often all of it, so that it covers its base."""
        pattern, clusters = self.rng.randrange(1, 256), image.size // CLUSTER
        count = self.rng.choice([0, 1, clusters // 2, clusters, clusters])
        start = self.rng.choice([0, clusters - count])
        if count == 0:
            return
        write_alone(image.path, f"write -q -P {pattern} {start * CLUSTER} {count * CLUSTER}", image.form)

    def image_with_data_file(self, path, data, size, base=None):
        """A qcow2 image that names `data` as its external data file, which is made."""
        named = ["-u", "-b", self.spell(path, base), "-F", base.form] if base else []
        must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", *named, path, str(size), cwd=folder_of(path))
        return self.add(path, "qcow2", size)

    def patch(self, path, place, data):
        """Writes without leaving a trace in the file's time."""
        status = os.stat(path)
        patch(path, place, data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def date_after(self, path, other):
        """As if `path` had been written to after `other`."""
        status = os.stat(other)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + SECOND))

    # -- Growing -------------------------------------------------------------------------------------------------------

    def plant(self):
        """A tree with nothing odd in it: a base, what stands on it, and what stands on that."""
        base = self.base()
        for _ in range(self.rng.randint(1, 3)):
            over = self.overlay(base, self.rng.choice(["qcow2"] * 7 + ["qed"]))
            if self.chance(50):
                self.overlay(over)

    def grow(self, things):
        """Odd things among trees, with more overlays on all of it."""
        self.plant()
        self.plant()
        for thing in things:
            thing(self)
        for _ in range(self.rng.randint(1, 3)):
            self.overlay()


def alone(path, form="qcow2"):
    """A name for qemu-img and qemu-io of an image whose chain may be broken, or a ring, or lead to another host: it is not
    opened."""
    node = {"driver": form, "file": {"driver": "file", "filename": path}}
    return "json:" + json.dumps({**node, "backing": None} if form in MAY_STAND else node)


def write_alone(path, command, form="qcow2"):
    must("qemu-io", "-t", "unsafe", "-c", command, alone(path, form))


def names_of(root, path):
    """All names of a file below the root, symbolic links aside, and `path` itself."""
    wanted, found = identity(path), {path}
    for folder, _, names in os.walk(root):
        for name in (os.path.join(folder, name) for name in names):
            if not os.path.islink(name) and identity(name) == wanted:
                found.add(name)
    return sorted(found)
