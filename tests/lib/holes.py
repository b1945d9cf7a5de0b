# SPDX-License-Identifier: MIT
# Copies of images with other holes: what a map says depends on them.

import os
import subprocess

from wishes import MIB

LARGEST_COPY = 64 * MIB


def copy_dense(source, target):
    return copy_with(source, target, "--sparse=never")


def copy_sparse(source, target):
    return copy_with(source, target, "--sparse=always")


def copy_dug(source, target):
    """Dense, then holes dug where whole blocks are zero. Not every file system can."""
    if not copy_with(source, target, "--sparse=never"):
        return False
    return subprocess.run(["fallocate", "-d", target], capture_output=True, check=False).returncode == 0


COPIES = {"dense": copy_dense, "sparse": copy_sparse, "dug": copy_dug}


def copy_with(source, target, option):
    if os.path.getsize(source) > LARGEST_COPY:
        return False
    subprocess.run(["cp", "--reflink=never", option, "--", source, target], check=True, capture_output=True)
    with open(target, "rb") as file:
        os.fsync(file.fileno())
    return True


def change_holes(shop, path):
    """Sometimes makes a base or a data file dense or sparse, in place."""
    kind = shop.rng.choice(["same", "same", "dense", "sparse"])
    if kind != "same" and os.path.getsize(path) <= LARGEST_COPY:
        copy_with(path, path + ".copy", "--sparse=never" if kind == "dense" else "--sparse=always")
        os.replace(path + ".copy", path)


def drop_unwritten(directory):
    """Makes holes of what fallocate allocated but nobody wrote. Linux calls such a block data while the page cache
    has it, because of read-ahead, say; so qemu-img map does not print the same for it at all times."""
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                subprocess.run(["cp", "--reflink=never", "--sparse=auto", "--", path, path + ".copy"], check=True)
                os.replace(path + ".copy", path)
    settle(directory)


def settle(directory):
    """Writes all files back, so that block counts and holes are final before two programs look at them."""
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
