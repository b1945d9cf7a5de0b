# SPDX-License-Identifier: MIT
# What happens to a forest from one scan to the next. Each alteration picks an image and says whether it was carried out.

import os

from grow import choose_parent, make_base, make_overlay, settle, spell
from tree import MIB, SECTOR, ToolError
from writes import can_write, everything, qemu_io, write_some

MOST_SNAPSHOTS = 3
REBASABLE = ("qcow2", "qed")
LONGEST = 24 * MIB


def pick(tree, suits):
    found = [image for image in tree.images if suits(image)]
    return tree.rng.choice(found) if found else None


def can_have_snapshots(image):
    return image.form == "qcow2" and not image.data_file


# -- Contents ----------------------------------------------------------------------------------------------------------

def write(tree):
    image = pick(tree, lambda image: can_write(tree, image))
    return image and write_some(tree, image)


def cover(tree):
    """An overlay takes over all of its base."""
    image = pick(tree, lambda image: image.base and can_write(tree, image))
    commands = everything(tree, image) if image else []
    return commands and qemu_io(tree, image, commands)


def amend(tree):
    """To version 2 and back."""
    image = pick(tree, lambda image: image.form == "qcow2")
    if image and tree.run("qemu-img", "amend", "-q", "-f", "qcow2", "-o", "compat=" + tree.rng.choice(["0.10", "1.1"]), image.path):
        with open(tree.full(image.path), "rb") as file:
            image.v3 = file.read(8)[7] == 3
        return True
    return False


def add_bitmap(tree):
    image = pick(tree, lambda image: image.form == "qcow2" and image.v3)
    return image and tree.run("qemu-img", "bitmap", "--add", "-f", "qcow2", image.path, f"bitmap{tree.rng.randrange(3)}")


# -- Internal snapshots ------------------------------------------------------------------------------------------------

def take_snapshot(tree):
    """And lets the image go on; now and then it overwrites all, so that only the snapshot still reads its base."""
    image = pick(tree, lambda image: can_have_snapshots(image) and len(image.snapshots) < MOST_SNAPSHOTS)
    name = f"s{tree.rng.randrange(1000)}"
    if not image or name in image.snapshots or not tree.run("qemu-img", "snapshot", "-c", name, image.path):
        return False
    tree.refresh(image)
    tree.features.add("snapshot of a base" if tree.dependents(image) else "snapshot of a head")
    if image.base and tree.chance(25):
        qemu_io(tree, image, everything(tree, image))
    elif tree.chance(80):
        write_some(tree, image)
    return True


def apply_snapshot(tree):
    image = pick(tree, lambda image: image.snapshots)
    done = image and tree.run("qemu-img", "snapshot", "-a", tree.rng.choice(image.snapshots), image.path)
    if done:
        tree.refresh(image)
    return done


def delete_snapshot(tree):
    image = pick(tree, lambda image: image.snapshots)
    done = image and tree.run("qemu-img", "snapshot", "-d", tree.rng.choice(image.snapshots), image.path)
    if done:
        tree.refresh(image)
    return done


# -- Sizes -------------------------------------------------------------------------------------------------------------

def grow(tree):
    image = pick(tree, lambda image: image.form in ("qcow2", "raw") and image.size < LONGEST)
    if not image:
        return False
    size = image.size + tree.rng.choice([SECTOR, image.cluster, tree.rng.randint(1, max(1, tree.scale // SECTOR)) * SECTOR])
    kind = tree.rng.choice(["off", "off", "metadata", "full"]) if image.form == "qcow2" else "off"
    done = tree.run("qemu-img", "resize", "-q", "-f", image.form, f"--preallocation={kind}", image.path, size)
    if done and kind == "full":
        settle(tree, image)
    tree.refresh(image)
    return done


def shrink(tree):
    image = pick(tree, lambda image: image.form in ("qcow2", "raw") and image.size > SECTOR)
    if not image:
        return False
    size = tree.rng.choice([image.size - SECTOR, tree.rng.randint(1, image.size // SECTOR) * SECTOR, image.size // 2 // SECTOR * SECTOR])
    done = tree.run("qemu-img", "resize", "-q", "-f", image.form, "--shrink", image.path, max(SECTOR, size))
    tree.refresh(image)
    return done


# -- Links -------------------------------------------------------------------------------------------------------------

def commit(tree):
    """Into its base, or through it into one further down."""
    image = pick(tree, lambda image: image.base and image.form != "vmdk" and image.base.writable and image.base.size <= LONGEST)
    if not image or not all(can_write(tree, layer) for layer in image.chain()):
        return False
    target = image.base
    options = tree.rng.choice([[], [], ["-d"]])
    if target.base and tree.chance(20):
        target, options = target.base, ["-b", combined(tree, image)]
    done = tree.run("qemu-img", "commit", "-q", "-t", "unsafe", "-f", image.form, *options, image.path)
    for layer in image.chain():
        tree.refresh(layer)
    if target.raw_like:
        settle(tree, target)
    return done


def combined(tree, image):
    """The name of the base of its base, as QEMU puts it together."""
    upper, lower = image.base_name, image.base.base_name
    if lower.startswith(("/", "file:")):
        return lower
    if upper.startswith("file:"):
        return lower
    return os.path.join(os.path.dirname(os.path.join(os.path.dirname(image.path), upper)), lower)


def rebase(tree):
    """Safely, or as if the new base read the same, or to no base at all."""
    image = pick(tree, lambda image: image.base and image.form in REBASABLE)
    target = image and pick(tree, lambda other: not other.stands_on(image) and (image.form == "qcow2" or not other.stated))
    if not target:
        return False
    options = ["-u"] if tree.chance(50) else []
    if tree.chance(15):
        return attach(tree, image, None, "", options)
    return attach(tree, image, target, spell(tree, image, target), options)


def attach(tree, image, target, name, options=("-u",)):
    stated = ["-F", target.form] if target else []
    done = tree.run("qemu-img", "rebase", "-q", "-t", "unsafe", "-f", image.form, *options, *stated, "-b", name, image.path)
    if done:
        image.base, image.base_name = target, name
        tree.features.add("rebase" + ("" if target else " to nothing") + (" -u" if "-u" in options else ""))
    return done


def rename(tree):
    """And rebases those who lie on it."""
    image = pick(tree, lambda image: len(image.parts) == 0 and all(other.form in REBASABLE for other in tree.dependents(image)))
    if not image:
        return False
    drop_links(tree, image)
    path = tree.new_path(os.path.dirname(image.path), image.path.rsplit(".", 1)[1])
    tree.must("mv", image.path, path)
    image.path = path
    for other in tree.dependents(image):
        if not attach(tree, other, image, spell(tree, other, image)):
            raise ToolError(f"{other.path} cannot be rebased to {path}, its base's name now")
    return True


def drop_links(tree, image):
    for path, _ in image.links:
        tree.must("rm", path)
    image.links = []


# -- Images ------------------------------------------------------------------------------------------------------------

def remove(tree):
    """A head is forgotten: its base stays behind."""
    heads = [image for image in tree.heads() if image.base or tree.chance(20)]
    if not heads or len(tree.images) < 3:
        return False
    image = tree.rng.choice(heads)
    drop_links(tree, image)
    tree.must("rm", image.path, *image.parts)
    tree.images.remove(image)
    return True


def add_overlay(tree):
    return bool(tree.images) and make_overlay(tree, choose_parent(tree)) is not None


def add_base(tree):
    return make_base(tree) is not None


ALTERATIONS = {
    write: 8, cover: 2, amend: 1, add_bitmap: 1, take_snapshot: 8, apply_snapshot: 2, delete_snapshot: 2, grow: 3, shrink: 2, commit: 4,
    rebase: 5, rename: 2, remove: 5, add_overlay: 3, add_base: 1,
}


def alter(tree, count):
    for choice in tree.rng.choices(list(ALTERATIONS), list(ALTERATIONS.values()), k=count):
        if choice(tree):
            tree.features.add(choice.__name__.replace("_", " "))
