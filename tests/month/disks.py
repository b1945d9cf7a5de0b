# SPDX-License-Identifier: MIT
# What is done with the disk of a machine. A deed returns False when this disk is not in the state for it, having done nothing.

import os

from host import Point


def usable(host, disk):
    return not disk.meanwhile and host.forest.is_sound(disk.current)


def only_below(host, image):
    """Whether its base has no other image on it and may be written to: it is neither a template's nor a backup's."""
    base = image.base
    if not base or base.packed or base.snapshots or host.forest.dependents(base) != [image]:
        return False
    return not any(base is template.image for template in host.templates) and \
        not any(base in backup.images for backup in host.backups)


def overlay_on(host, disk, base):
    """A new current image on a base; it takes the base's name as Proxmox does, or has a name of its own."""
    forest = host.forest
    if disk.machine.style == "proxmox" and base is disk.current and base.path == disk.stem + ".qcow2":
        forest.move(base, forest.free(os.path.join(os.path.dirname(disk.stem), "snap-{}-" + os.path.basename(disk.stem) + ".qcow2")))
    path = disk.stem + ".qcow2" if forest.is_free(disk.stem + ".qcow2") else forest.free(disk.stem + ".snap{}")
    disk.current = forest.create(path, base)


def settle_name(host, disk):
    """Proxmox: what is left gets the disk's name back."""
    path = f"{disk.stem}.{disk.current.format}"
    if disk.machine.style == "proxmox" and disk.current.path != path and host.forest.is_free(path):
        host.forest.move(disk.current, path)
        host.count("renamed back")


def write(host, disk):
    if not usable(host, disk):
        return False
    host.forest.write(disk.current, host.rng.randint(1, 4))
    return True


def snapshot(host, disk):
    if not usable(host, disk) or len(disk.points) > 3:
        return False
    base = disk.current
    overlay_on(host, disk, base)
    disk.points.append(Point(f"s{host.number('snapshot')}", base))
    if host.chance(80):
        host.forest.write(disk.current, host.rng.randint(1, 4))
    return True


def revert(host, disk):
    """The overlay is thrown away: the base is the machine's disk again, or gets a new overlay when the snapshot is kept."""
    thrown = disk.current
    if not usable(host, disk) or not disk.point_of(thrown.base) or disk.point_of(thrown) or host.forest.dependents(thrown):
        return False
    base = thrown.base
    host.forest.remove(thrown)
    if host.chance(40) or host.forest.dependents(base):
        overlay_on(host, disk, base)
        host.count("reverted, the snapshot kept")
    else:
        disk.current = base
        disk.forget(base)
        settle_name(host, disk)
    return True


def revert_far(host, disk):
    """Back to the first snapshot: what was made since is needed no more, and may be forgotten."""
    if not usable(host, disk) or len(disk.points) < 2:
        return False
    first, *later = disk.points
    between = [disk.current, *[point.image for point in later]]
    above = set(host.forest.dependents(first.image)) - set(between)
    chain = list(disk.current.chain())
    if any(image not in chain for image in [first.image, *between]) or any(
            set(host.forest.dependents(image)) - set(between) for image in between):
        return False
    disk.forget(*between)
    if above or host.chance(50):
        overlay_on(host, disk, first.image)
    else:
        disk.current = first.image
        disk.forget(first.image)
    host.forest.remove(between[0])
    if host.chance(50):
        host.discard(between[1:])
    else:
        host.count("forgotten between snapshots")
    return True


def commit(host, disk):
    """The snapshot is deleted: what was written since goes into the base, which becomes the disk."""
    top = disk.current
    if not usable(host, disk) or not top.base or not disk.point_of(top.base) or not only_below(host, top) or \
            top.snapshots or host.forest.dependents(top):
        return False
    host.forest.commit(top)
    disk.current = top.base
    disk.forget(top.base)
    host.forest.remove(top)
    settle_name(host, disk)
    return True


def commit_middle(host, disk):
    """A snapshot within the chain is deleted: blockcommit of an image that is not the top."""
    top, middle = disk.current, disk.current.base
    if not usable(host, disk) or not middle or not middle.base or not only_below(host, top) or not only_below(host, middle) or \
            not disk.point_of(middle) or not disk.point_of(middle.base) or middle.snapshots:
        return False
    base = middle.base
    host.forest.commit(middle)
    host.forest.rename_base(top, base)
    host.forest.remove(middle)
    # The state of the older snapshot went: the base now has that of the newer one.
    disk.forget(base)
    disk.point_of(middle).image = base
    return True


def flatten(host, disk):
    """blockpull: the disk needs no base any more. The bases are deleted, or forgotten."""
    top = disk.current
    if not usable(host, disk) or not top.base or top.snapshots:
        return False
    below = list(top.base.chain())
    host.forest.rebase(top, None)
    disk.points = []
    if host.chance(50):
        host.discard(below)
    else:
        host.count("forgotten below a flattened disk")
    return True


def pull_one(host, disk):
    """The image right below is pulled into the disk, whose base is the one below that."""
    top = disk.current
    if not usable(host, disk) or not top.base or not top.base.base or top.snapshots:
        return False
    middle = top.base
    host.forest.rebase(top, middle.base)
    disk.forget(middle)
    if host.chance(50):
        host.discard([middle])
    else:
        host.count("forgotten between")
    return True


def move(host, disk):
    """One image of the disk goes to another directory or gets another name; overlays are rebased."""
    forest = host.forest
    if not usable(host, disk):
        return False
    movable = [image for image in disk.current.chain()
               if image is disk.current or disk.point_of(image)]
    image = host.rng.choice(movable)
    folder = host.rng.choice(["pool-a/moved", "pool-b/moved", "pool-c/moved", os.path.dirname(image.path)])
    path = forest.free(os.path.join(folder, os.path.basename(disk.stem) + "-m{}." + image.format))
    forest.move(image, path)
    return True


def move_by_copy(host, disk):
    """To another storage: a copy with another inode, and the source is deleted."""
    forest, old = host.forest, disk.current
    if not usable(host, disk) or forest.dependents(old) or old.snapshots:
        return False
    stem = f"{host.rng.choice(['pool-a', 'pool-b', 'pool-c'])}/moved/{os.path.basename(disk.stem)}"
    path = forest.free(stem + "-c{}.qcow2")
    if host.chance(50) and old.format == "qcow2":
        disk.current = forest.copy(old, path)
    else:
        disk.current = forest.convert(old, path)
        disk.points = []
    below = list(old.base.chain()) if old.base else []
    forest.remove(old)
    if host.chance(60):
        host.discard(below)
    return True


def internal(host, disk):
    """Internal snapshots: made, gone back to, deleted."""
    image = disk.current
    if not usable(host, disk) or image.format != "qcow2":
        return False
    if not image.snapshots or host.chance(50) and len(image.snapshots) < 3:
        name = f"i{host.number('internal')}"
        host.forest.snapshot(image, "-c", name)
        image.snapshots.append(name)
        host.forest.write(image, 2)
    elif host.chance(50):
        host.forest.snapshot(image, "-a", host.rng.choice(image.snapshots))
    else:
        name = host.rng.choice(image.snapshots)
        host.forest.snapshot(image, "-d", name)
        image.snapshots.remove(name)
    return True


def repair(host, disk):
    """The base was replaced under the disk's name for it: the administrator writes the right name into the header."""
    wrong = [image for image in disk.current.chain() if image.base and host.forest.leads_to(image) != image.base.path]
    if disk.meanwhile or not wrong or host.chance(50):
        return False
    for image in wrong:
        host.forest.rename_base(image, image.base)
    return True


def begin_backup(host, disk):
    """A backup tool makes a snapshot, reads the base for a while, and merges what was written meanwhile."""
    if not usable(host, disk) or disk.current.snapshots or host.forest.dependents(disk.current):
        return False
    disk.current = disk.meanwhile = host.forest.create(host.forest.free(disk.stem + ".backup-{}.tmp"), disk.current)
    if host.chance(60):
        host.forest.write(disk.meanwhile, 2)
    return True


def end_backup(host, disk):
    top = disk.meanwhile
    host.forest.commit(top)
    disk.current, disk.meanwhile = top.base, None
    host.forest.remove(top)


DEEDS = {
    write: 12, snapshot: 14, revert: 9, revert_far: 4, commit: 5, commit_middle: 3, flatten: 4, pull_one: 3, move: 4,
    move_by_copy: 2, internal: 4, repair: 6,
}
