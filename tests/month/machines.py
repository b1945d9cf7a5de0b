# SPDX-License-Identifier: MIT
# The machines of the host, as an inventory has them: what the administrator's own lists, or a platform's files, would have.

import os


def uses(host):
    """(path below the root, machine, role) of all that the host needs for itself, each once."""
    seen = set()
    for disk in host.disks():
        for image, role in [(disk.current, "disk"), (disk.meanwhile, "disk"), *((point.image, "restore-point") for point in disk.points)]:
            if image and (image.path, disk.machine.name) not in seen:
                seen.add((image.path, disk.machine.name))
                yield image.path, disk.machine.name, role
    for template in host.templates:
        yield template.image.path, template.name, "template"
    yield from others(host)


def others(host):
    """What no platform has: backups, uploads, files that others put here."""
    for backup in host.backups:
        for image in backup.images:
            yield image.path, f"backup {backup.name}", "restore-point"
    for upload in host.uploads:
        yield upload.image.path, "uploads", "other"
    for image, what in host.kept:
        yield image.path, what, "other"


def write_list(host, directory):
    """list:FILE, for scan --inventory."""
    path = os.path.join(directory, "machines.list")
    with open(path, "w", encoding="utf-8") as file:
        for image, machine, role in uses(host):
            file.write(f"{host.forest.full(image)}\t{machine}\t{role}\n")
    return [f"list:{path}"]


WRITERS = {"none": lambda host, directory: ["none"], "list": write_list}
