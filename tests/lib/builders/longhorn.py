# SPDX-License-Identifier: MIT
# Replicas of Longhorn as its engine writes them: longhorn-engine, pkg/replica/replica.go. A disk is made by createNewHead
# (truncated to the volume's size, so all of it is a hole) and becomes a snapshot by linkDisk; NAME.img.meta is `type disk
# struct`, volume.meta `type Info struct`, both by encodeToFile: Go's encoder writes every exported member, in their order,
# without blanks, < > & as \u003c \u003e \u0026, and ends with a newline. Names are those of pkg/util/disk/constant.go, and
# BackingFilePath is GetBackingImagePathForReplicaManagerContainer of longhorn-manager's types/types.go.

import json
import os

SECTOR = 4096
LONG_AGO = 1_600_000_000
HOST_PATH = "/host/var/lib/longhorn/backing-images/{}/backing"


def encode(members):
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "surrogateescape") + b"\n"


# A snapshot keeps the Name of the head that it was, for createDisk writes what it had; readDiskData goes by the file's name.
def disk_meta(name, parent="", removed=False, user_created=False, labels=None):
    return encode({"Name": name, "Parent": parent, "Removed": removed, "UserCreated": user_created, "Created": "2026-03-01T10:00:00Z", "Labels": labels})


def volume_meta(size, head, parent="", backing="", dirty=True, rebuilding=False):
    return encode({"Size": size, "Head": head, "Dirty": dirty, "Rebuilding": rebuilding, "Error": "", "Parent": parent, "SectorSize": 512,
                   "BackingFilePath": backing, "Encrypted": False})


def snapshot(name):
    return f"volume-snap-{name}.img"


def head(number):
    return f"volume-head-{number:03}.img"


class Replica:
    """A directory; disks are made from the oldest on."""

    def __init__(self, directory, size, backing=""):
        self.directory, self.size, self.backing = directory, size, backing
        self.disks = []
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def put(self, name, data):
        """Replaces a file as encodeToFile does."""
        with open(self.path(name + ".tmp"), "wb") as file:
            file.write(data)
        os.rename(self.path(name + ".tmp"), self.path(name))

    def add(self, name, sectors=(), size=None, **meta):
        """A disk on the last one, unless `parent` is another; sectors: number -> byte that fills it."""
        parent = meta.pop("parent", self.disks[-1] if self.disks else "")
        with open(self.path(name), "wb") as file:
            file.truncate(self.size if size is None else size)
            for sector, byte in dict(sectors).items():
                file.seek(sector * SECTOR)
                file.write(bytes([byte]) * SECTOR)
        os.utime(self.path(name), (LONG_AGO + len(self.disks),) * 2)  # nobody wrote to it since something was made on it
        self.put(name + ".meta", disk_meta(name, parent, **meta))
        self.disks.append(name)
        return self.path(name)

    def describe(self, **members):
        """volume.meta of the head, which is the last disk."""
        self.put("volume.meta", volume_meta(self.size, self.disks[-1], self.disks[-2] if len(self.disks) > 1 else "", self.backing, **members))
        return self


def three_disks(directory, backing="", names=("a", "b")):
    """A head on two snapshots, 16 sectors: the head has the third, the snapshots the first two and the second to fifth."""
    replica = Replica(directory, 16 * SECTOR, backing)
    replica.add(snapshot(names[0]), {0: 0xA1, 1: 0xA1, 2: 0xA1})
    replica.add(snapshot(names[1]), {1: 0xB1, 2: 0xB1, 3: 0xB1, 4: 0xB1})
    replica.add(head(2), {2: 0xC1})
    return replica.describe()


def seeds():
    """Both descriptions in one, as the fuzz target takes them for each."""
    both = {"Name": head(0), "Parent": "", "Removed": True, "UserCreated": True, "Created": "", "Labels": {"k": "v"}, "Size": 4096, "Head": head(0), "Dirty": True,
            "Rebuilding": True, "Error": "", "SectorSize": 512, "BackingFilePath": HOST_PATH.format("x-1"), "Encrypted": False}
    yield "root", encode(both)
    yield "relative-backing", encode({**both, "BackingFilePath": "backing-images/x/y"})
    yield "short-backing", encode({**both, "BackingFilePath": "/"})
    yield "child", disk_meta(head(1), snapshot("a"))
    yield "slash", disk_meta(head(1), "../" + snapshot("a"))
    yield "case", b'{"Parent":"a","parent":"b"}'
    yield "nul", b'{"Parent":"a\\u0000b"}'
    yield "deep", b'{"Parent":' + b"[" * 100 + b"]" * 100 + b"}"
    yield "truncated", encode(both)[:30]
    yield "empty", b"\n"
