# SPDX-License-Identifier: MIT
# What everybody reads: heads, internal snapshots and templates, by qemu-img convert. All that has one format is read by one
# process, which puts the disks one behind the other.

import mmap
import os
from dataclasses import dataclass

from tree import SECTOR, Image, expose_snapshot, output, qcow2_snapshots


@dataclass(frozen=True)
class View:
    """One disk that somebody sees. `snapshot`: its number in the image's table, or None for the disk as it is now."""

    image: Image
    snapshot: int = None

    def name(self):
        return self.image.path + (f", snapshot {self.snapshot}" if self.snapshot is not None else "")


def all_views(tree, templates):
    """Heads, templates, and the snapshots of every image."""
    now = [View(image) for image in tree.images if image in templates or not tree.dependents(image)]
    return now + [View(image, number) for image in tree.images for number in range(len(image.snapshots))]


class Exposed:
    """Copies that show the snapshots, beside their images so that names of backing files lead to the same place."""

    def __init__(self, tree, views):
        self.paths = {}
        snapshots = {image: qcow2_snapshots(tree.full(image.path)) for image in {view.image for view in views if view.snapshot is not None}}
        for view in views:
            path = tree.full(view.image.path)
            if view.snapshot is not None:
                snapshot = snapshots[view.image][view.snapshot]
                path = f"{path}.snapshot{view.snapshot}"
                expose_snapshot(tree.full(view.image.path), snapshot, path)
            self.paths[view] = path

    def __enter__(self):
        return self.paths

    def __exit__(self, *_):
        for view, path in self.paths.items():
            if view.snapshot is not None:
                os.unlink(path)


def read_all(tree, views, sizes, target):
    """{view: its bytes}. The sizes are rounded up to whole sectors, as QEMU does."""
    result = {}
    with Exposed(tree, views) as paths:
        for form in sorted({view.image.form for view in views}):
            group = [view for view in views if view.image.form == form]
            place = f"{target}.{form}"
            output(["qemu-img", "convert", "-U", "-t", "unsafe", "-f", form, "-O", "raw", *(paths[view] for view in group), place])
            result.update(split(place, group, sizes))
            os.unlink(place)
    return result


def split(path, views, sizes):
    total = sum(-(-sizes[view] // SECTOR) * SECTOR for view in views)
    if os.path.getsize(path) != total:
        raise ValueError(f"{path} is {os.path.getsize(path)} bytes long, and not {total}")
    if total == 0:
        return {view: b"" for view in views}
    result, at = {}, 0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for view in views:
            result[view] = content[at:at + sizes[view]]
            at += -(-sizes[view] // SECTOR) * SECTOR
    return result
