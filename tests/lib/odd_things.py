# SPDX-License-Identifier: MIT
# Odd things that images, names and scans can be, put into a forest of odd_forest.py: one function each. THINGS leave a
# scan able to prove something, HIDING ones keep it from proving anything. For test_what_if_next.py. Imported only.

import json
import os
import re
import struct

from builders import vdi
from odd_forest import FOREIGN_BASES, FOREIGN_OVERLAYS, alone, folder_of, write_alone
from overlap_damages import Tables
from sites import MIB, create, must

INCOMPATIBLE_BITS = 79  # the last byte of them in a qcow2 header
DIRTY, CORRUPT = 1, 2
L1_SIZE, SNAPSHOTS_OFFSET = 36, 64


# -- Data files and extents --------------------------------------------------------------------------------------------

def lost_data_file(forest):
    """A raw image somewhere may be what is missing."""
    folder = forest.new_folder("lost")
    name = os.path.basename(forest.pick("raw").path) if forest.chance(40) else "lost.data"
    data = forest.site.path(folder, name)
    image = forest.image_with_data_file(forest.new_path(folder=folder), data, MIB, forest.pick() if forest.chance(40) else None)
    if forest.chance(40):
        forest.overlay(image)
    os.unlink(data)


def relative_data_file(forest):
    """It depends on the working directory, and is looked for beside the image."""
    folder = forest.new_folder("relative")
    name = os.path.basename(forest.pick().path) if forest.chance(60) else "relative.data"
    path = forest.site.path(folder, "disk-" + name)
    image = forest.image_with_data_file(path, name, MIB, forest.pick() if forest.chance(30) else None)
    if forest.chance(30):
        forest.overlay(image)
    if forest.chance(30):
        os.unlink(forest.site.path(folder, name))


def data_file_is_base(forest):
    """An image's data file is a raw base, too."""
    data = forest.new_path("raw")
    image = forest.image_with_data_file(forest.new_path(), data, MIB)
    forest.write(image)
    for _ in range(2):
        forest.overlay(forest.add(data, "raw", MIB))
    if forest.chance(30):
        forest.overlay(image)


def base_is_data_file(forest):
    """An image of its own has a second name, and by that it is another image's data file."""
    base = forest.pick()
    data = forest.new_path("raw")
    forest.image_with_data_file(forest.new_path(), data, base.size, forest.pick() if forest.chance(40) else None)
    os.unlink(data)
    os.link(base.path, data)


def flat(forest):
    kind, suffix = forest.rng.choice([("twoGbMaxExtentFlat", "-f001"), ("monolithicFlat", "-flat")])
    path = forest.new_path("vmdk", forest.new_folder("flat"))
    create(path, MIB, format="vmdk", options=[f"subformat={kind}"])
    image = forest.add(path, "vmdk", MIB)
    forest.write(image)
    return image, path.replace(".vmdk", suffix + ".vmdk")


def shared_extent(forest):
    """Two descriptors of one flat extent."""
    image, _ = flat(forest)
    twin = os.path.join(folder_of(image.path), "twin.vmdk")
    with open(image.path, encoding="latin1") as file:
        text = re.sub(r"(?m)^CID=.*$", "CID=12345678", file.read())
    with open(twin, "w", encoding="latin1") as file:
        file.write(text)
    for _ in range(forest.rng.randint(1, 2)):
        forest.overlay(image)
    if forest.chance(40):
        forest.overlay(forest.add(twin, "vmdk", MIB))


def extent_is_base(forest):
    """What a descriptor names as its extent is a raw base."""
    image, extent = flat(forest)
    forest.overlay(forest.add(extent, "raw", MIB))
    if forest.chance(50):
        forest.overlay(image)


def lost_extent(forest):
    image, extent = flat(forest)
    forest.overlay(image)
    os.unlink(extent)


# -- Names -------------------------------------------------------------------------------------------------------------

def hard_link(forest):
    target = forest.pick()
    path = forest.new_path(target.form, suffix=os.path.splitext(target.path)[1])
    os.link(target.path, path)
    forest.overlay(forest.add(path, target.form, target.size))


def link_outside(forest, target, link=os.symlink):
    path = forest.new_outside("-" + os.path.basename(target.path))
    link(target.path, path)
    return path


def hard_link_outside(forest):
    """A name that no scan comes across."""
    link_outside(forest, forest.pick(), os.link)


def symlink(forest):
    target = forest.pick()
    path = forest.new_path(target.form, suffix=forest.rng.choice(["", ".link"]))
    os.symlink(forest.rng.choice([target.path, os.path.relpath(target.path, folder_of(path))]), path)
    forest.overlay(target, name=path if forest.chance(50) else None)
    forest.overlay(forest.add(path, target.form, target.size))


def symlink_outside(forest):
    """The name lies outside the roots, the file inside."""
    target = forest.base() if forest.chance(80) else forest.pick()
    forest.overlay(target, name=link_outside(forest, target))


def twins(forest, word, form="qcow2"):
    """Two bases of one name in two directories."""
    first, second = forest.new_folder(word), forest.new_folder(word)
    return [forest.base(form, path=forest.site.path(folder, "base")) for folder in (first, second)]


def alias(forest):
    """An overlay has a name in either directory, and from there its base is another file."""
    one, two = twins(forest, "alias", forest.rng.choice(["qcow2", "raw"]))
    over = forest.overlay(one, path=forest.site.path(folder_of(one.path), "over"), name="base")
    other = forest.site.path(folder_of(two.path), "over")
    forest.rng.choice([os.link, os.symlink])(over.path, other)
    if forest.chance(40):
        forest.overlay(forest.rng.choice([one, two]))


def alias_in_the_middle(forest):
    """The head names its base by a link in another directory."""
    one, two = twins(forest, "middle")
    middle = forest.overlay(one, path=forest.site.path(folder_of(one.path), "middle"), name="base")
    link = forest.site.path(folder_of(two.path), "middle")
    os.symlink(middle.path, link)
    forest.overlay(middle, name=link)


def json_name(forest):
    base = forest.pick()
    forest.overlay(base, name=forest.describe(base), stated=None)


def file_name(forest):
    base = forest.pick()
    forest.overlay(base, name="file:" + base.path)


def remote(forest):
    """No local file, though it may bear the name of one."""
    name = os.path.basename(forest.pick().path)
    server = forest.rng.choice(["nbd://backup/", "nbd:unix:/run/nbd.sock:exportname="])
    forest.overlay(forest.pick(), name=server + name, stated=forest.rng.choice(["raw", "qcow2", None]))


def remote_over_local(forest):
    """A json: name of a remote image whose base is a local file."""
    base = forest.pick()
    name = {"driver": "qcow2", "file": {"driver": "nbd", "server": {"type": "unix", "path": "/run/nbd.sock"}},
            "backing": json.loads(forest.describe(base)[5:])}
    forest.overlay(base, name="json:" + json.dumps(name), stated=None)


def content_like_an_image(forest):
    """An overlay reads the bytes of a qcow2 image as a disk; another one may read its content."""
    image = forest.overlay() if forest.chance(70) else forest.base("qcow2")
    forest.overlay(image, stated="raw")
    if forest.chance(50):
        forest.overlay(image)


def content_like_a_broken_image(forest):
    """As long as its bytes are read as a disk, nobody asks for the base that it names, or minds its header."""
    if forest.chance(50):
        image = forest.overlay(forest.pick(), name="nowhere.qcow2", stated="qcow2")
    else:
        image = forest.base("qcow2")
        forest.patch(image.path, L1_SIZE, (1 << 30).to_bytes(4, "big"))
    forest.overlay(image, stated="raw")


def unstated_format(forest):
    forest.overlay(forest.pick(), stated=None, name=None)


def unstated_raw(forest):
    forest.overlay(forest.pick("raw"), stated=None)


def raw_without_suffix(forest):
    """Only what names it says what it is."""
    base = forest.base("raw", path=forest.new_path("raw", suffix=""))
    for _ in range(forest.rng.randint(1, 2)):
        forest.overlay(base, stated=forest.rng.choice(["raw", "raw", None]))


def raw_with_another_suffix(forest):
    base = forest.base("raw", path=forest.new_path("raw", suffix=forest.rng.choice([".qcow2", ".vmdk", ".vhd"])))
    for _ in range(forest.rng.randint(1, 2)):
        forest.overlay(base)


def lost_raw_base(forest):
    """A raw file names nothing, so its loss hides nothing, but it may be one that is here."""
    name = os.path.basename(forest.pick("raw").path) if forest.chance(50) else "nowhere.img"
    forest.overlay(forest.pick(), name=os.path.join("nowhere", name), stated="raw")


# -- Kinds of images ---------------------------------------------------------------------------------------------------

def foreign_base(forest):
    base = forest.base(forest.rng.choice(FOREIGN_BASES))
    for _ in range(forest.rng.randint(1, 2)):
        forest.overlay(base)


def foreign_overlay(forest):
    form = forest.rng.choice(FOREIGN_OVERLAYS)
    base = forest.pick("vmdk") if form == "vmdk" else forest.pick("raw", "qcow2")
    over = forest.overlay(base, form)
    forest.overlay(base, form)
    for _ in range(forest.rng.randint(0, 2)):
        forest.overlay(over, form)


def known_by_identity(forest):
    """A differencing VDI image names its parent by a number."""
    folder = forest.new_folder("identity")
    number = 100 * forest.made
    block = bytes([forest.rng.randrange(1, 256)]) * vdi.BLOCK
    parent = vdi.Image(2 * vdi.BLOCK, {0: block, 1: block}, own=vdi.name(number), modification=vdi.name(number + 50))
    images = [parent] + [vdi.child(parent, number + i, {0: block}) for i in range(1, forest.rng.randint(2, 3))]
    for place, image in enumerate(images):
        path = forest.site.path(folder, f"disk{place}.vdi")
        image.write(path)
        forest.add(path, "vdi", image.size)


def deep_chain(forest):
    image = forest.base("qcow2")
    for _ in range(4):
        image = forest.overlay(image)


def snapshot(forest):
    """In a base or a head, which is written to afterwards."""
    image = forest.overlay(fill=forest.chance(50)) if forest.chance(60) else forest.base("qcow2")
    must("qemu-img", "snapshot", "-q", "-c", "kept", alone(image.path))
    forest.write(image)
    if forest.chance(50):
        forest.overlay(image)
    return image


def read_number(path, place, form):
    with open(path, "rb") as file:
        file.seek(place)
        return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def unreadable_snapshot(forest):
    image = snapshot(forest)
    forest.patch(image.path, read_number(image.path, SNAPSHOTS_OFFSET, ">Q"), (1).to_bytes(8, "big"))


def new_qcow2(forest):
    """A base or an overlay, and often something on it."""
    image = forest.overlay() if forest.chance(60) else forest.base("qcow2")
    if forest.chance(50):
        forest.overlay(image)
    return image


def marked_corrupt(forest):
    forest.patch(new_qcow2(forest).path, INCOMPATIBLE_BITS, bytes([CORRUPT]))


def dirty(forest):
    forest.patch(new_qcow2(forest).path, INCOMPATIBLE_BITS, bytes([DIRTY]))


def overlapping_clusters(forest):
    """Two guest addresses are stored in the same bytes."""
    image = new_qcow2(forest)
    write_alone(image.path, "write -q -P 99 0 128k")
    tables = Tables(image.path)
    forest.patch(image.path, tables.l2 + 8, struct.pack(">Q", tables.entry(0)))


def encrypted(forest):
    base, path = forest.pick(), forest.new_path()
    must("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=x", "-o",
         "encrypt.format=aes,encrypt.key-secret=s", "-u", "-b", base.path, "-F", base.form, path, str(base.size))
    forest.add(path, "qcow2", base.size)


def ring(forest):
    """Images that stand on each other, with one on top."""
    low = forest.base("qcow2")
    high = forest.overlay(low)
    must("qemu-img", "rebase", "-t", "unsafe", "-u", "-b", high.path, "-F", "qcow2", low.path)
    if forest.chance(50):
        forest.overlay(forest.rng.choice([low, high]))


# -- Use and time ------------------------------------------------------------------------------------------------------

def held(forest):
    """A process has it open, for writing or for reading."""
    base = forest.base(forest.rng.choice(["qcow2", "raw"]))
    image = forest.rng.choice([base, forest.overlay(base), forest.overlay(base)])
    forest.held.append((image.path, image.form, ["-r"] if forest.chance(40) else []))


def written_after_overlay(forest):
    base = forest.base(forest.rng.choice(["qcow2", "raw"]))
    over = forest.overlay(base)
    if forest.chance(50):
        forest.overlay(base)
    forest.date_after(base.path, over.path)


def template(forest):
    forest.options += ["--template", os.path.basename(forest.pick().path)]


def backing_glob(forest):
    forest.options += ["--backing-glob", forest.rng.choice(["*.qcow2", "*/one/*", os.path.basename(forest.pick().path)])]


def convention(forest):
    """Where OpenStack keeps bases, or a name that Proxmox gives them."""
    form = forest.rng.choice(["qcow2", "raw"])
    name = forest.rng.choice(["_base/4d2a", "base-100-disk-0"])
    forest.overlay(forest.base(form, path=forest.site.path(forest.new_folder("cloud"), name)))


# -- Places ------------------------------------------------------------------------------------------------------------

def allowed_directory(forest):
    """References may lead there, but nobody walks it."""
    forest.options += ["--allow", folder_of(forest.site.outside("allowed", "any"))]
    base = forest.base(forest.rng.choice(["qcow2", "raw"]), path=forest.new_outside("allowed", "base"))
    if forest.chance(40):
        base = forest.overlay(base, path=forest.new_outside("allowed", "over"))
    if forest.chance(40):
        forest.overlay(path=forest.new_outside("allowed", "unseen"))
    forest.overlay(base)


def file_as_root(forest):
    """A base outside of the directory, named as a root of its own."""
    path = forest.new_outside(forest.rng.choice(["root", "root.img"]))
    base = forest.base(forest.rng.choice(["qcow2", "raw"]), path=path)
    forest.roots.append(path)
    forest.overlay(base)


# -- What keeps a scan from proving anything ---------------------------------------------------------------------------

def lost_base(forest):
    name = os.path.basename(forest.pick().path) if forest.chance(50) else "nowhere.qcow2"
    forest.overlay(forest.pick(), name=os.path.join("nowhere", name), stated=forest.rng.choice(["qcow2", None]))


def damaged_header(forest):
    forest.patch(new_qcow2(forest).path, L1_SIZE, (1 << 30).to_bytes(4, "big"))


def cut_off(forest):
    image = new_qcow2(forest)
    write_alone(image.path, f"write -q -P 98 0 {image.size}")
    os.truncate(image.path, os.path.getsize(image.path) // 2)


def working_directory(forest):
    base = forest.pick()
    path = forest.new_path(folder=os.path.relpath(folder_of(base.path), forest.site.root))
    forest.overlay(base, path=path, name="file:" + os.path.basename(base.path))


def slice_of_base(forest):
    base = forest.pick("raw")
    name = {"driver": "raw", "offset": 65536, "size": 65536, "file": {"driver": "file", "filename": base.path}}
    forest.overlay(base, name="json:" + json.dumps(name), stated=None)


def excluded(forest):
    forest.options += ["--exclude", os.path.basename(forest.pick().path)]


def unrecognised(forest):
    with open(forest.new_path("vdi"), "wb") as file:
        file.write(b"nothing" * 100)


def empty_image(forest):
    with open(forest.new_path("qcow2"), "wb"):
        pass


def base_outside(forest):
    path = forest.new_outside("foreign.qcow2")
    create(path, MIB)
    forest.overlay(forest.pick(), name=path)


def leads_outside(forest):
    path = forest.new_outside("led.qcow2")
    create(path, MIB)
    os.symlink(path, forest.new_path())


def backing_in_json(forest):
    """A name that describes the base's base, too, and differently than the base does."""
    middle, base = forest.overlay(forest.pick(), form="qcow2"), forest.pick()
    name = json.loads(forest.describe(middle)[5:])
    name["backing"] = json.loads(forest.describe(base)[5:])
    forest.overlay(middle, name="json:" + json.dumps(name), stated=None)


THINGS = [
    lost_data_file, relative_data_file, data_file_is_base, base_is_data_file, shared_extent, extent_is_base,
    lost_extent, hard_link, hard_link_outside, symlink, symlink_outside, alias, alias_in_the_middle, json_name,
    file_name, remote, remote_over_local, content_like_an_image, content_like_a_broken_image, unstated_format,
    unstated_raw, raw_without_suffix, raw_with_another_suffix, lost_raw_base, foreign_base, foreign_overlay,
    known_by_identity, deep_chain, snapshot, unreadable_snapshot, marked_corrupt, dirty, overlapping_clusters,
    encrypted, ring, held, written_after_overlay, template, backing_glob, convention, allowed_directory,
    file_as_root,
]
HIDING = [
    lost_base, damaged_header, cut_off, working_directory, slice_of_base, excluded, unrecognised, empty_image, base_outside,
    leads_outside, backing_in_json,
]
