# SPDX-License-Identifier: MIT
# What is proven masked is overwritten in a copy of all images: each machine's disk, and each newest backup, reads what it read.

import os
import shutil
from collections import defaultdict

from forest import JSON
from qemu import must
from sites import run


def readers(host):
    """Disks and newest restore points."""
    return [disk.current for disk in host.disks()] + [backup.images[-1] for backup in host.backups]


def check(host, site, directory):
    """(bytes overwritten, images that were compared, lines on what differs)."""
    places = masked_places(site)
    before, after = (os.path.join(directory, name) for name in ("before", "after"))
    try:
        copy(host, before)
        must("cp", "-a", "--", before, after)
        total = sum(overwrite(os.path.join(after, path), pieces) for path, pieces in places.items())
        notes, compared = [], 0
        for image in readers(host):
            # What is itself named by others is no disk as far as images show: only an inventory would.
            bases = [link.path for link in image.chain() if link.path in places]
            if image.path not in places and bases:
                compared += 1
                differing = compare(before, after, image)
                differing += [note for name in image.snapshots for note in compare_snapshot(before, after, image, name)]
                notes += [f"{note} Overwritten: {', '.join(bases)}" for note in differing]
        return total, compared, notes
    finally:
        for path in (before, after):
            shutil.rmtree(path, ignore_errors=True)


def masked_places(site):
    """{path below the root: [(offset in the file, length)]}: data of what the report has as proven."""
    proven = {row["path"] for row in site.rows("--unused-backing") if row["verdict"] == "proven" and row["status"] != "unreferenced"}
    result = defaultdict(list)
    for path, file, offset, length, state in site.query("SELECT path, file, offset, length, state FROM v_masked"):
        if path in proven and file == path and offset is not None and state == "data":
            result[site.relative(path)].append((offset, length))
    return result


def copy(host, target):
    """All images, each with a name for its base that leads to it within the copy."""
    forest = host.forest
    must("cp", "-a", "--", forest.root, target)
    for image in forest.images:
        if image.packed:
            program = "tar -xOf" if image.path.endswith(".tar") else "gzip -d -c --"
            must("sh", "-c", f'exec {program} "$1" >"$2"', "-", image.path, unpacked(image), cwd=target)
        if image.base and (image.packed or image.named.startswith(("/", JSON)) or forest.leads_to(image) != image.base.path):
            name = os.path.relpath(image.base.path, os.path.dirname(image.path))
            must("qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", name, "-F", image.base.format, unpacked(image), cwd=target)


def unpacked(image):
    return image.path + ".unpacked" if image.packed else image.path


def overwrite(path, pieces):
    with open(path, "r+b") as file:
        for offset, length in pieces:
            file.seek(offset)
            file.write(b"\xee" * length)
    return sum(length for _, length in pieces)


def compare(before, after, image):
    outcome = run(["qemu-img", "compare", "-f", image.format, "-F", image.format,
                   os.path.join(before, unpacked(image)), os.path.join(after, unpacked(image))])
    return [] if outcome.code == 0 else [f"{image.path}: {outcome.out.strip()} {outcome.err.strip()}".strip()]


def compare_snapshot(before, after, image, name):
    contents = []
    for folder in (before, after):
        path = os.path.join(folder, "snapshot.raw")
        must("qemu-img", "convert", "-q", "-l", f"snapshot.name={name}", "-f", "qcow2", "-O", "raw", os.path.join(folder, image.path), path)
        with open(path, "rb") as file:
            contents.append(file.read())
    return [] if contents[0] == contents[1] else [f"{image.path}: snapshot {name} differs"]
