# SPDX-License-Identifier: MIT
# A tree that takes a while to scan and changes in a moment: images of thousands of extents each.
# For test_crash.py. Imported only.

import contextlib
import os
import shutil
import struct

import sites
from sites import KIB, MIB, create, patch

IMAGES = 8
IMAGE_SIZE = 16 * MIB
CLUSTER = 4 * KIB
ENTRIES = 512  # of an L2 table
TABLES = IMAGE_SIZE // CLUSTER // ENTRIES


def scatter(path):
    """Takes every second cluster away from an image all of whose clusters are allocated in order."""
    with open(path, "r+b") as file:
        file.seek(40)
        l1 = struct.unpack(">Q", file.read(8))[0]
        file.seek(l1)
        tables = [entry & 0x00FFFFFFFFFFFE00 for entry in struct.unpack(f">{TABLES}Q", file.read(8 * TABLES))]
        for table in tables:
            file.seek(table)
            entries = list(struct.unpack(f">{ENTRIES}Q", file.read(8 * ENTRIES)))
            entries[1::2] = [0] * (ENTRIES // 2)
            file.seek(table)
            file.write(struct.pack(f">{ENTRIES}Q", *entries))
    return tables


def settle(path):
    """Has the host write a file's blocks: until then they count as never written, which ends without a change in stat."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


class SlowTree:
    """Images of thousands of extents each, half of them overlays, that change in a moment."""

    def __init__(self, site, rng):
        self.site = site
        self.rng = rng
        self.serial = 0
        first = create(site.path("image0.qcow2"), IMAGE_SIZE, options=["cluster_size=4k", "preallocation=metadata"])
        self.tables = scatter(first)
        for number in range(1, IMAGES):
            path = site.path(f"image{number}.qcow2")
            sites.must("cp", "--sparse=always", first, path)
            if number % 2:
                sites.must("qemu-img", "rebase", "-u", "-b", f"image{number - 1}.qcow2", "-F", "qcow2", path)
        os.sync()  # how many blocks a file takes is settled when they are written

    def change(self):
        """Every image loses or gets a cluster; small ones come, go and move."""
        self.serial += 1
        for number in range(IMAGES):
            table = self.rng.choice(self.tables)
            entry = bytes(8) if self.serial % 2 else struct.pack(">Q", 1 << 63 | self.rng.randrange(1, 1000) * CLUSTER)
            patch(self.site.path(f"image{number}.qcow2"), table + 16 * self.rng.randrange(ENTRIES // 2), entry)
        create(self.site.path(f"small{self.serial}.qcow2"), MIB, f"image{self.serial % IMAGES}.qcow2")
        if self.serial > 3:
            os.unlink(self.site.path(f"small{self.serial - 3}.qcow2"))
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.site.path("moving"), self.site.path("moved.qcow2"))
        shutil.copy(self.site.path("small1.qcow2" if self.serial < 4 else f"small{self.serial - 1}.qcow2"),
                    self.site.path("moving"))
        settle(self.site.path("moving"))
        os.sync()
