# SPDX-License-Identifier: MIT
# Nights on which a scan cannot see everything: a pool that is not mounted, a directory that was moved away, permissions that
# were lost. What is hidden is there again the next morning.

import contextlib
import os
import shutil

from sites import is_root, run, why_no_mounts

POWERS = "-dac_override,-dac_read_search"  # root without these obeys the permissions of files, as on an NFS mount with root_squash
VOLUME = "../pool-c.ext4"
POWERLESS = ["setpriv", f"--bounding-set={POWERS}", f"--inh-caps={POWERS}"]


def calendar(nights, mounts, long):
    """{night: what happens}: three times in thirty nights, twice in a short run, each for so many nights."""
    what = {max(2, nights * 3 // 10): moved_away, nights * 8 // 10: no_permission}
    if mounts and nights >= 10:
        what[nights * 5 // 10] = not_mounted
    return {night + more: happens for night, happens in what.items() if night > 1 for more in range(long)}


@contextlib.contextmanager
def clear(_host, _mounts):
    yield "", (), []


@contextlib.contextmanager
def moved_away(host, _mounts):
    """Yields a word, the folders that cannot be seen, and what is put before the program."""
    forest, folder = host.forest, "pool-b"
    aside = os.path.join(os.path.dirname(forest.root), "aside")
    forest.run("mv", "--", folder, aside)
    for image in forest.images:
        if is_hidden(image.path, (folder,)):
            image.seen_path = ""  # it might have been deleted, for all that shows
    yield "moved away", (folder,), []
    forest.run("mv", "--", aside, folder)


@contextlib.contextmanager
def not_mounted(host, mounts):
    point = host.forest.full("pool-c")
    host.forest.log(f"umount {point}")
    mounts.undo(point)
    yield "not mounted", ("pool-c",), []
    mount_pool(host.forest, mounts)


@contextlib.contextmanager
def no_permission(host, _mounts):
    """A third of the machines' directories, and some files besides."""
    forest = host.forest
    folders = sorted({os.path.dirname(image.path) for image in forest.images if image.path.startswith("pool-a/")})
    files = sorted(image.path for image in forest.images if image.path.startswith("pool-b/"))
    hidden = folders[::3] + files[::5]
    modes = {path: os.stat(forest.full(path)).st_mode & 0o7777 for path in hidden}
    for path in hidden:
        forest.run("chmod", "000", path)
    yield "no permission", tuple(hidden), POWERLESS if is_root() else []
    for path, mode in modes.items():
        forest.run("chmod", f"{mode:o}", path)
    for path in files[::5]:
        forest.touch(forest.by_path()[path])


def why_no_powerless():
    """A reason why nights without permission cannot be had; None: they can."""
    if not is_root():
        return None
    if not shutil.which("setpriv"):
        return "runs as root, and setpriv is missing"
    outcome = run([*POWERLESS, "true"])
    return None if outcome.code == 0 else f"root's powers cannot be dropped: {outcome.err.strip()}"


def why_no_pool():
    """A reason why no pool can be on a mount of its own; None: one can."""
    return why_no_mounts() or (None if shutil.which("mkfs.ext4") else "mkfs.ext4 is not installed")


def make_pool(forest, mounts):
    """One pool is a file system of its own."""
    forest.run("truncate", "-s", "4G", VOLUME)
    forest.run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", VOLUME)
    mount_pool(forest, mounts)
    forest.run("chmod", "755", "pool-c")


def mount_pool(forest, mounts):
    volume, point = forest.full(VOLUME), forest.full("pool-c")
    mounts.volume(volume, point)
    forest.log(f"mount -o loop {volume} {point}")


def is_hidden(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)
