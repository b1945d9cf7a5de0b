# SPDX-License-Identifier: MIT
# A forest of images in one directory, with all commands that made it, so that it can be made again.

import os
import shlex
import struct
import subprocess
from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB
SECTOR = 512
TIMEOUT = 120
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}


class ToolError(Exception):
    """A tool refused what must work."""


@dataclass(eq=False)
class Image:
    """What the generator knows of an image. Sizes are guest bytes."""

    path: str  # below the root
    form: str
    size: int
    cluster: int = 64 * KIB
    base: "Image" = None
    base_name: str = ""     # as it stands in the image
    writable: bool = True
    raw_like: bool = False  # the guest's zeroes are the holes of a host file
    compressible: bool = False
    data_file: bool = False
    v3: bool = True
    stated: bool = False    # its content does not show its format
    longest: int = 0        # bytes of one write, where it matters
    parts: list = field(default_factory=list)  # other files that it is made of
    links: list = field(default_factory=list)  # other names: (path, "hard" or "symbolic")
    snapshots: list = field(default_factory=list)

    def chain(self):
        image = self
        while image is not None:  # ends: no image is made to stand on what stands on it
            yield image
            image = image.base

    def stands_on(self, other):
        return other in self.chain()


class Tree:
    """The directory `images`, what is in it, and the script that makes it again. Every choice comes from `rng`."""

    def __init__(self, directory, rng):
        self.directory = directory
        self.root = os.path.join(directory, "images")
        self.script = os.path.join(directory, "commands.sh")
        self.rng = rng
        self.images = []
        self.made = 0
        self.scale = MIB
        self.features = set()
        os.makedirs(self.root)
        self.log("#!/bin/sh", "# Makes the forest again, in the directory $1/images: sh commands.sh DIR",
                 "mkdir -p \"$1/images\" && cd \"$1/images\" && ROOT=$PWD || exit 1")

    # -- Commands ------------------------------------------------------------------------------------------------------

    def log(self, *lines):
        with open(self.script, "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def quote(self, word):
        quoted = shlex.quote(word)
        return quoted.replace(self.root, "'\"$ROOT\"'" if quoted.startswith("'") else '"$ROOT"')

    def run(self, *command):
        """Whether a command that may be refused was carried out."""
        words = [str(word) for word in command]
        done = execute(words, self.root)
        note = f"  # refused: {done.returncode}" if done.returncode != 0 else ""
        self.log(" ".join(map(self.quote, words)) + note)
        return done.returncode == 0

    def must(self, *command):
        if not self.run(*command):
            raise ToolError(f"refused: {' '.join(map(str, command))}")

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    # -- Images --------------------------------------------------------------------------------------------------------

    def full(self, path):
        return os.path.join(self.root, path)

    def add(self, image):
        self.images.append(image)
        return image

    def new_path(self, folder, suffix):
        self.made += 1
        os.makedirs(self.full(folder), exist_ok=True)
        path = os.path.join(folder, f"{self.made}.{suffix}")
        self.log(f"mkdir -p {folder}")
        return path

    def dependents(self, image):
        return [other for other in self.images if other.base is image]

    def heads(self):
        return [image for image in self.images if not self.dependents(image)]

    def refresh(self, image):
        """Size and snapshots, as they are by now."""
        if image.form == "raw":
            image.size = -(-os.path.getsize(self.full(image.path)) // SECTOR) * SECTOR
        elif image.form == "qcow2":
            with open(self.full(image.path), "rb") as file:
                header = file.read(32)
            image.size = struct.unpack_from(">Q", header, 24)[0]
            image.snapshots = [snapshot.name for snapshot in qcow2_snapshots(self.full(image.path))]


def execute(words, cwd=None):
    try:
        return subprocess.run(words, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as expired:
        raise ToolError(f"no answer in {TIMEOUT} s: {' '.join(words)}") from expired


def output(words, cwd=None):
    done = execute(words, cwd)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(words)}: code {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


# -- Internal snapshots ------------------------------------------------------------------------------------------------

@dataclass
class Snapshot:
    """An entry of a qcow2 image's table of snapshots."""

    number: int
    name: str
    table: int    # host offset of its L1 table
    entries: int  # of that table
    size: int     # guest bytes


def qcow2_snapshots(path):
    """docs/interop/qcow2.txt, "Snapshots"."""
    with open(path, "rb") as file:
        header = file.read(72)
        size, count, place = struct.unpack_from(">Q", header, 24)[0], *struct.unpack_from(">IQ", header, 60)
        file.seek(place)
        table = file.read() if count else b""
    result, at = [], 0
    for number in range(count):
        l1, entries, id_size, name_size = struct.unpack_from(">QIHH", table, at)
        extra = struct.unpack_from(">I", table, at + 36)[0]
        own = struct.unpack_from(">Q", table, at + 48)[0] if extra >= 16 else size
        name = at + 40 + extra + id_size
        result.append(Snapshot(number, table[name:name + name_size].decode(), l1, entries, own))
        at = -(-(name + name_size) // 8) * 8
    return result


def expose_snapshot(path, snapshot, target):
    """A copy of an image that shows one of its snapshots. Good for reading only."""
    output(["cp", "--sparse=auto", "--", path, target])
    with open(target, "r+b") as file:
        file.seek(24)
        file.write(struct.pack(">Q", snapshot.size))
        file.seek(36)
        file.write(struct.pack(">IQ", snapshot.entries, snapshot.table))
