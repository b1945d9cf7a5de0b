# SPDX-License-Identifier: MIT
# Makes images: bases of every kind that qemu-img can make, overlays of every kind on them, named in many ways.

import json
import os
import time

import guest  # of tests/lib, as kinds is
import kinds
from tree import KIB, MIB, SECTOR, Image
from writes import write_some

FOLDERS = ["base", "vm", "vm/deep"]
CLUSTERS = [SECTOR << shift for shift in range(13)]
TICK = 0.02  # seconds; the kernel's is 10 ms at most
SMALL = 2 * MIB  # disks with clusters below 4 KiB are not longer
RAW_LIKE = ("raw", "vmdk flat", "vmdk split flat", "vpc fixed", "vpc fixed exact size", "vhdx fixed")
FOREIGN = [kind for kind in kinds.KINDS if kind.form not in ("raw", "qcow2")]


# -- Sizes -------------------------------------------------------------------------------------------------------------

def choose_scale(rng):
    return rng.choice([1, 1, 2, 2, 4, 4, 8, 16]) * MIB


def choose_size(tree, cluster, base=None):
    """As long as the base, a bit or much longer or shorter, or by itself; odd sizes, too."""
    rng = tree.rng
    scale = min(tree.scale, SMALL) if cluster < 4 * KIB else tree.scale
    relation = rng.choice(["same", "same", "same", "longer", "shorter", "free"]) if base else "free"
    sectors, clusters = rng.randint(1, scale // SECTOR), rng.randint(1, max(1, scale // cluster))
    size = rng.choice([scale, scale, scale // 2, sectors * SECTOR, clusters * cluster])
    if relation == "same":
        size = base.size
    elif relation == "longer":
        size = base.size + rng.choice([SECTOR, cluster, sectors * SECTOR])
    elif relation == "shorter":
        size = base.size - min(base.size // 2, rng.choice([SECTOR, cluster, sectors * SECTOR]))
    tree.features.add(f"size: {relation}")
    return max(SECTOR, min(size, 2 * scale) // SECTOR * SECTOR)


# -- qcow2 -------------------------------------------------------------------------------------------------------------

def choose_qcow2(tree, image, folder):
    """Options of qemu-img create, as words; what they mean for later goes into the image."""
    rng = tree.rng
    image.v3 = tree.chance(75)
    image.cluster = rng.choice(CLUSTERS + [4 * KIB, 16 * KIB, 64 * KIB, 64 * KIB])
    image.compressible = True
    options = [f"compat={'1.1' if image.v3 else '0.10'}", f"cluster_size={image.cluster}"]
    subclusters = image.v3 and image.cluster >= 16 * KIB and tree.chance(35)
    tree.features |= {f"cluster: {image.cluster}", "qcow2 v3" if image.v3 else "qcow2 v2"}
    if subclusters:
        options.append("extended_l2=on")
        tree.features.add("subclusters")
    if image.v3:
        options += rng.choice([[], [], ["compression_type=zstd"], ["lazy_refcounts=on"], [f"refcount_bits={rng.choice([1, 8, 32, 64])}"]])
    if image.v3 and image.cluster >= 4 * KIB and tree.chance(12):
        choose_data_file(tree, image, folder, options)
    if (image.base is None or subclusters) and tree.chance(20):
        options.append(f"preallocation={choose_preallocation(tree)}")
    return options


def choose_data_file(tree, image, folder, options):
    """The name is absolute: QEMU would look for another one in its working directory."""
    image.data_file, image.compressible, image.raw_like = True, False, True
    image.parts.append(tree.new_path(folder, "data"))
    options.append(f"data_file={tree.full(image.parts[0])}")
    tree.features.add("data file")
    if image.base is None and tree.chance(40):
        options.append("data_file_raw=on")
        tree.features.add("raw data file")


def choose_preallocation(tree):
    kind = tree.rng.choice(["metadata", "falloc", "full"])
    tree.features.add(f"preallocation: {kind}")
    return kind


def settle(tree, image):
    """Writes what fallocate left allocated and unwritten: Linux calls it a hole or data, as the page cache has it."""
    for path in [image.path, *image.parts]:
        if os.path.exists(tree.full(path)):
            tree.must("dd", "status=none", "conv=notrunc", "bs=1M", f"if={path}", f"of={path}")


def create_qcow2(tree, image, folder, *backing):
    options = choose_qcow2(tree, image, folder)
    image.size = choose_size(tree, image.cluster, image.base)
    tree.must("qemu-img", "create", "-q", "-f", "qcow2", "-o", ",".join(options), *backing, image.path, image.size)
    if "preallocation=falloc" in options or "preallocation=full" in options:
        settle(tree, image)


# -- Bases -------------------------------------------------------------------------------------------------------------

def make_qcow2(tree, folder):
    image = Image(tree.new_path(folder, "qcow2"), "qcow2", 0)
    create_qcow2(tree, image, folder)
    tree.add(image)
    write_some(tree, image)
    if image.compressible and tree.chance(15):
        compress(tree, image)
    return image


def compress(tree, image):
    """Replaces it by a compressed copy, which has no options of its own."""
    copy, cluster = image.path + ".new", max(image.cluster, 4 * KIB)
    convert = ["qemu-img", "convert", "-q", "-t", "unsafe", "-c", "-f", "qcow2", "-O", "qcow2"]
    if tree.run(*convert, "-o", f"cluster_size={cluster}", image.path, copy):
        image.cluster, image.v3 = cluster, True
        tree.must("mv", copy, image.path)
        tree.features.add("compressed base")


def make_raw(tree, folder):
    """With holes, and often not a whole number of sectors long."""
    rng = tree.rng
    image = Image(tree.new_path(folder, rng.choice(["raw", "img"])), "raw", choose_size(tree, SECTOR), 4 * KIB, raw_like=True)
    kind = rng.choice([None, None, None, "falloc", "full"])
    tree.must("qemu-img", "create", "-q", "-f", "raw", *(["-o", f"preallocation={kind}"] if kind else []), image.path, image.size)
    tree.add(image)
    if kind:
        settle(tree, image)
        tree.features.add(f"preallocation: {kind}")
    write_some(tree, image)
    if tree.chance(50):
        tree.must("truncate", "-s", max(1, image.size - rng.randrange(1, SECTOR)), image.path)
        tree.features.add("raw: odd size")
    tree.features.add("base: raw")
    return image


def make_foreign(tree, folder):
    rng = tree.rng
    kind = rng.choice(FOREIGN)
    image = foreign_image(tree, kind, folder)
    image.size = choose_size(tree, 64 * KIB)
    if kind.form == "vhdx":
        image.size = -(-image.size // MIB) * MIB
    if kind.made_by == "convert":
        source = make_raw(tree, folder)
        convert = ["qemu-img", "convert", "-q", "-t", "unsafe", "-f", "raw", "-O", kind.form]
        tree.must(*convert, *option_words(kind, image), source.path, image.path)
    else:
        tree.must("qemu-img", "create", "-q", "-f", kind.form, *option_words(kind, image), image.path, image.size)
    tree.add(image)
    read_size(tree, image)
    if kind.writable:
        write_some(tree, image)
    tree.features.add(f"base: {kind.label}")
    return image


def foreign_image(tree, kind, folder):
    suffix = {"vpc": "vhd", "parallels": "hds"}.get(kind.form, kind.form)
    return Image(tree.new_path(folder, suffix), kind.form, 0, writable=kind.writable, raw_like=kind.label in RAW_LIKE, v3=False,
                 stated=kind.stated, compressible=kind.made_by == "pack", longest=kind.longest)


def option_words(kind, image):
    block = ["-o", "block_size=1M"] if kind.form == "vhdx" else []
    return kinds.option_words(kind, image.path) + block


def read_size(tree, image):
    """As the format rounded it; other files that the image is made of are found by their names."""
    image.size = guest.disk_size(tree.full(image.path), image.form)
    folder, name = os.path.split(image.path)
    stem = name.rsplit(".", 1)[0]
    others = sorted(other for other in os.listdir(tree.full(folder)) if other.startswith(stem + "-"))
    image.parts += [os.path.join(folder, other) for other in others]


def make_base(tree):
    folder = tree.rng.choice(FOLDERS)
    maker = tree.rng.choices([make_qcow2, make_raw, make_foreign], [50, 20, 30])[0]
    return maker(tree, folder)


# -- Overlays ----------------------------------------------------------------------------------------------------------

def spell(tree, image, target):
    """A name of `target` for an overlay to store. What QEMU finds by it is always the same file."""
    folder = os.path.dirname(image.path)
    relative = os.path.relpath(target.path, folder)
    kinds_of_name = ["relative"] * 5 + ["absolute", "file", "json", "roundabout", "symbolic", "hard", "folder"]
    kind = tree.rng.choice(kinds_of_name)
    if kind == "json" and image.form != "qcow2":
        kind = "absolute"
    if image.form == "qcow2" and image.cluster < 4 * KIB:
        kind = "relative"  # a long name would not fit into the first cluster, and how long it is depends on the directory
    tree.features.add(f"name: {kind}")
    if kind in ("symbolic", "hard"):
        return os.path.relpath(link_of(tree, target, kind), folder)
    if kind == "folder":
        return os.path.relpath(os.path.join(folder_link(tree, os.path.dirname(target.path)), os.path.basename(target.path)), folder)
    full = tree.full(target.path)
    node = {"driver": target.form, "file": {"driver": "file", "filename": full}}
    return {"relative": relative, "absolute": full, "file": "file:" + full, "json": "json:" + json.dumps(node),
            "roundabout": os.path.join("..", os.path.basename(folder), relative)}[kind]


def link_of(tree, target, kind):
    """Another name beside the first, so that relative names in it lead to the same place."""
    for path, other in target.links:
        if other == kind:
            return path
    path = tree.new_path(os.path.dirname(target.path), target.path.rsplit(".", 1)[1])
    if kind == "symbolic":
        make_symlink(tree, os.path.basename(target.path), path)
    else:
        tree.must("ln", target.path, path)
    target.links.append((path, kind))
    return path


def folder_link(tree, folder):
    """A symbolic link to a folder, beside it."""
    link = folder + "-link"
    if not os.path.lexists(tree.full(link)):
        make_symlink(tree, os.path.basename(folder), link)
    return link


def make_symlink(tree, target, path):
    """Of two things in one tick of the clock nobody can see which came first, and a link that was turned is a doubt."""
    tree.must("ln", "-s", target, path)
    time.sleep(TICK)


def choose_overlay_kind(tree, base):
    """The kind of a foreign overlay, or None for qcow2."""
    possible = [kinds.BY_LABEL[label] for label in [*kinds.OVERLAYS, *kinds.VMDK_OVERLAYS]
                if not base.stated and kinds.can_be_base(kinds.BY_LABEL[label], kinds.Kind(base.form, base.form))]
    foreign = [kind for kind in possible if kind.form != "qcow2"]
    return tree.rng.choice(foreign) if foreign and tree.chance(60 if base.form == "vmdk" else 10) else None


def make_overlay(tree, base):
    """An overlay, with something in it. Returns it, or None where QEMU refuses it."""
    folder = tree.rng.choice(FOLDERS)
    kind = choose_overlay_kind(tree, base)
    if kind:
        image = foreign_image(tree, kind, folder)
    else:
        image = Image(tree.new_path(folder, "qcow2"), "qcow2", 0)
    image.base, image.base_name = base, spell(tree, image, base)
    if kind and not make_foreign_overlay(tree, kind, image):
        return None
    if not kind:
        create_qcow2(tree, image, folder, "-F", base.form, "-b", image.base_name)
    tree.add(image)
    tree.features |= {f"overlay: {image.form}", f"depth: {len(list(image.chain())) - 1}"}
    if image.cluster != base.cluster:
        tree.features.add("other clusters than its base")
    write_some(tree, image)
    return image


def make_foreign_overlay(tree, kind, image):
    size = [] if kind.form == "vmdk" else [choose_size(tree, 64 * KIB, image.base)]
    backing = ["-F", image.base.form, "-b", image.base_name]
    done = tree.run("qemu-img", "create", "-q", "-f", kind.form, *option_words(kind, image), *backing, image.path, *size)
    if done:
        read_size(tree, image)
    return done


def choose_parent(tree):
    """Half of the overlays stand on the youngest image: chains come of it."""
    return tree.images[-1] if tree.chance(50) else tree.rng.choice(tree.images)


def make_forest(tree):
    rng = tree.rng
    tree.scale = choose_scale(rng)
    for _ in range(rng.choice([1, 1, 2, 3])):
        make_base(tree)
    for _ in range(rng.randint(2, 8)):
        make_overlay(tree, choose_parent(tree))
