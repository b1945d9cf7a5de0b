# SPDX-License-Identifier: MIT
# File systems whose files can share blocks, loop-mounted, and files on them that share. For test_host.py and
# test_host_gains.py. Imported only.

import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager

from sites import MIB, Mounts, Site, ToolError, must, why_no_mounts

DISK_SIZE = 400 * MIB
MAKERS = {"xfs": ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
TOOLS = {"xfs": ["mkfs.xfs", "xfs_io", "filefrag"], "btrfs": ["mkfs.btrfs", "btrfs", "filefrag"]}


# -- File systems -----------------------------------------------------------------------------------------------------

class Place:
    """A file system of one kind, mounted; the store lies elsewhere, so that it takes nothing of it."""

    def __init__(self, case, mounts, kind, options="defaults"):
        self.mounts, self.kind, self.options = mounts, kind, options
        directory = case.fresh()
        self.image = os.path.join(directory, "disk.img")
        self.point = os.path.join(directory, "mnt")
        with open(self.image, "wb") as file:
            file.truncate(DISK_SIZE)
        must(*MAKERS[kind], self.image)
        mounts.volume(self.image, self.point, options)
        self.site = Site(case.imgaudit, self.point)
        self.site.db = os.path.join(directory, "store.db")

    def settle(self):
        """Everything written, and nothing held back for a file that may grow."""
        must("sync", "-f", self.point)
        self.mounts.undo(self.point)
        self.mounts.volume(self.image, self.point, self.options)

    def used(self):
        """Bytes of data in use once what was deleted is gone, which file systems do in their own time."""
        last, quiet = None, 0
        for _ in range(100):
            must("sync", "-f", self.point)
            now = self._used()
            quiet = quiet + 1 if now == last else 0
            if quiet == 3:
                break
            last = now
            time.sleep(0.1)
        return now

    def _used(self):
        if self.kind == "btrfs":
            text = must("btrfs", "filesystem", "df", "-b", self.point)
            return int(re.search(r"^Data, .*used=(\d+)", text, re.MULTILINE).group(1))
        st = os.statvfs(self.point)
        return (st.f_blocks - st.f_bfree) * st.f_frsize


@contextmanager
def place(case, kind, options="defaults"):
    with Mounts() as mounts:
        yield Place(case, mounts, kind, options)


def why_not(kind):
    missing = [tool for tool in TOOLS[kind] if not shutil.which(tool)]
    if missing:
        return f"without {', '.join(missing)}"
    reason = why_no_mounts()
    if reason:
        return reason
    with tempfile.TemporaryDirectory(prefix="imgaudit-host-") as directory, Mounts() as mounts:
        image = os.path.join(directory, "disk.img")
        with open(image, "wb") as file:
            file.truncate(DISK_SIZE)
        try:
            must(*MAKERS[kind], image)
            mounts.volume(image, os.path.join(directory, "mnt"))
        except ToolError as error:
            return f"cannot mount {kind} here: {error}"
    return None


def on(*kinds):
    """Runs the test on each file system, or skips it with a reason."""
    def decorate(test):
        def each(case):
            for kind in kinds:
                reason = why_not(kind)
                if reason:
                    case.skip(f"{test.__name__} on {kind}", reason)
                else:
                    test(case, kind)
        each.__name__ = test.__name__
        return each
    return decorate


# -- Files ------------------------------------------------------------------------------------------------------------

def noise(size, seed=1):
    return bytes((seed * 131 + i * 7 + (i >> 8) * 13) & 0xFF for i in range(4096)) * (size // 4096)


def fill(path, start, size, data=None):
    """Written through, inside of a file that has its size already: nothing is preallocated for growth."""
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, data if data is not None else noise(size), start)
    os.fsync(descriptor)
    os.close(descriptor)


def raw(path, size=8 * MIB):
    with open(path, "wb") as file:
        file.truncate(size)
    fill(path, 0, size, os.urandom(size))
    return path


def clone(source, target):
    must("cp", "--reflink=always", source, target)
    return target


def overwrite(path, start, size):
    fill(path, start, size, os.urandom(size))


EXTENT = re.compile(r"^\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\.\s*(\d+):\s*(\d+):(?:\s*\d+:)?\s*(.*)$")


def shared_by_filefrag(path):
    """(bytes in shared extents, set of their blocks on the volume) as filefrag prints."""
    size, blocks = 0, set()
    for line in must("filefrag", "-v", "-b4096", path).splitlines():
        match = EXTENT.match(line)
        if match and "shared" in match.group(6):
            first, length = int(match.group(3)), int(match.group(5))
            size += length * 4096
            blocks.update(range(first, first + length))
    return size, blocks


def shared_by_xfs_io(path):
    """Bytes in extents with flag 0x2000, as xfs_io prints in units of 512 bytes."""
    size = 0
    for line in must("xfs_io", "-r", "-c", "fiemap -v", path).splitlines():
        match = re.match(r"\s*\d+: \[\d+\.\.\d+\]:\s+\d+\.\.\d+\s+(\d+)\s+(0x[0-9a-f]+)", line)
        if match and int(match.group(2), 16) & 0x2000:
            size += int(match.group(1)) * 512
    return size


# -- What the program says --------------------------------------------------------------------------------------------

def hosts(site):
    """{path below the root: row of v_file_blocks}."""
    columns = ("path names links disk_size shared_bytes exclusive_bytes encoded_bytes unmatched_bytes saved_bytes"
               " freed_bytes").split()
    return {site.relative(row[0]): dict(zip(columns, row)) for row in site.query(f"SELECT {', '.join(columns)} FROM v_file_blocks")}


def column(rows, name):
    return {path: row[name] for path, row in rows.items()}


def space(site):
    return {row["item"]: row["value"] for row in site.rows("--summary") if row["section"] == "space"}


def scan(case, site, *options, roots=None):
    outcome = site.scan(*options, roots=roots)
    if outcome.code not in (0, 3):
        raise ToolError(f"scan: {outcome.notes()}")
    return outcome
