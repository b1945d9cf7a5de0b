# SPDX-License-Identifier: MIT
# Makes random chains of raw and qcow2 images with qemu-img and qemu-io.
# One generator of random numbers decides everything, so a seed gives the same images again.

import os
import shlex
import shutil
import subprocess

import changes
import create
import holes
from layers import Chain, ForgeError, describe, header_features
from wishes import KIB, WORKING_DIRECTORY_KINDS

TOOL_TIMEOUT = 120


class Workshop:
    """Runs the tools in one directory, and writes down what it ran."""

    def __init__(self, rng, directory, wish):
        self.rng = rng
        self.directory = directory
        self.wish = wish
        self.features = set()
        self.layers = []
        self.made = 0
        self.one_folder = self.must_be_one_folder() or (not self.needs_two_folders() and self.chance(30))

    def must_be_one_folder(self):
        """Then that folder is also the working directory, and names relative to it work."""
        wish = self.wish
        return wish.get("backing") in WORKING_DIRECTORY_KINDS or wish.get("data_file") == "relative" or wish.get("name") == "symlink"

    def needs_two_folders(self):
        return self.wish.get("backing") in ("subdir", "dotted-path")

    def run(self, command, cwd=None):
        cwd = cwd or self.directory
        try:
            done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=TOOL_TIMEOUT, check=False)
            code, message = done.returncode, done.stderr.decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            code, message = None, "timeout"
        with open(os.path.join(self.directory, "recipe.sh"), "a", encoding="utf-8", errors="surrogateescape") as recipe:
            recipe.write(f"(cd {shlex.quote(cwd)} && {shlex.join(command)})  # {code} {message.splitlines()[-1:]}\n")
        self.message = message
        return code == 0

    def must(self, command, cwd=None):
        if not self.run(command, cwd):
            raise ForgeError(f"{shlex.join(command)}: {self.message}")

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    def next_path(self, folder, suffix):
        self.made += 1
        os.makedirs(os.path.join(self.directory, folder), exist_ok=True)
        odd = "odd%20nämé, 'q\" " if self.wish.get("name") == "odd" else "image"
        return os.path.join(self.directory, folder, f"{odd}{self.made}.{suffix}")


def choose_depth(shop):
    """How many layers lie under the top one."""
    wish = shop.wish
    if "depth" in wish:
        return wish["depth"]
    wants_base = {"backing", "base", "base_encryption", "against_base"} & wish.keys()
    overlay_ops = {"rebase", "rebase-unsafe", "rebase-none", "commit"} & set(wish.get("ops", []))
    if wish.get("name") == "symlink":
        return 1
    if wants_base or overlay_ops or wish.get("name"):
        return shop.rng.choice([1, 1, 2])
    alone = {"grow-preallocated", "convert", "convert-compressed"} & set(wish.get("ops", []))
    if wish.get("data_file_raw") or wish.get("prealloc") or alone:
        return 0
    return shop.rng.choice([0, 0, 0, 1, 1, 2, 3])


def base_wish(wish):
    """What the layer under the top one must be for the wish to come true."""
    if "base_encryption" in wish:
        return {"encryption": wish["base_encryption"], "cluster": 64 * KIB}
    if wish.get("backing") in ("json-nested", "raw-over-qcow2", "json-other-driver"):
        return {"base": "qcow2", "size": "clusters"}
    if wish.get("against_base") == "shorter" or wish.get("ops") or wish.get("name"):
        return {"size": "clusters"}
    return {}


def make_bottom(shop, depth):
    wish = wish_at(shop, 0, depth)
    usual = "qcow2" if wish else shop.rng.choice(["raw", "raw-odd", "qcow2", "qcow2", "qcow2"])
    kind = shop.wish.get("base") or wish.get("base") or usual
    folder = choose_folder(shop, 0)
    if kind != "qcow2":
        return create.make_raw(shop, folder, kind)
    shop.features.add("base=qcow2")
    layer = create.make_qcow2(shop, wish, folder, None)
    changes.work_on(shop, layer, wish)
    return layer


def wish_at(shop, level, depth):
    """The wish is for the top layer; the one below may have to help."""
    if level == depth:
        return shop.wish
    return base_wish(shop.wish) if level == depth - 1 else {}


def choose_folder(shop, level):
    if shop.one_folder:
        return "top"
    if shop.needs_two_folders():
        return ["base", "top"][level % 2]
    return shop.rng.choice(["top", "top", "base"])


def make_layers(shop):
    depth = choose_depth(shop)
    shop.features.add(f"depth={depth}")
    layer = make_bottom(shop, depth)
    for level in range(1, depth + 1):
        wish = wish_at(shop, level, depth)
        layer = create.make_qcow2(shop, wish, choose_folder(shop, level), layer)
        changes.work_on(shop, layer, wish)
        shop.features |= length_features(layer)
    return layer


def length_features(layer):
    if not layer.backing or layer.size == layer.backing.size:
        return set()
    return {"longer" if layer.size > layer.backing.size else "shorter"}


def forge(rng, directory, wish):
    """Makes one chain below directory and returns it. Its files are on disk when this returns."""
    shop = Workshop(rng, os.path.realpath(directory), wish)
    top = make_layers(shop)
    for layer in top.chain():
        if layer is not top:
            holes.change_holes(shop, layer.path)
        if layer.data_file:
            holes.change_holes(shop, layer.data_file)
        if layer.without_format:
            create.hide_backing_format(layer.path)
    cwd, name = choose_name(shop, top)
    holes.settle(shop.directory)
    for layer in top.chain():
        shop.features |= header_features(layer)
    if any(layer.spec.encryption for layer in top.chain() if layer is not top):
        shop.features.add("encrypted base")
    chain = Chain(top, name, cwd, shop.features, shop.layers)
    chain.label = describe(chain)
    return chain


def choose_name(shop, top):
    """The working directory and the name in it by which the image is mapped."""
    kind = shop.wish.get("name") or shop.rng.choice(["plain", "plain", "dot", "absolute"])
    shop.features.add(f"name={kind}")
    cwd = os.path.dirname(top.path) if shop.one_folder else shop.directory
    path = make_symlink(shop, top) if kind == "symlink" else top.path
    relative = os.path.relpath(path, cwd)
    names = {"dot": os.path.join(".", relative), "absolute": path}
    return cwd, names.get(kind, relative)


def make_symlink(shop, top):
    """A link in another folder, and there another base of the same name: that is the one qemu reads."""
    folder = os.path.join(shop.directory, "links")
    os.makedirs(folder)
    link = os.path.join(folder, "link.qcow2")
    os.symlink(os.path.relpath(top.path, folder), link)
    shop.features.add("symlink")
    if top.backing:
        base = top.backing
        other = os.path.join(folder, os.path.basename(base.path))
        shutil.copyfile(base.path, other)
        shop.run(["qemu-io", "-f", base.format, "-c", "write -P 9 0 64k", other])
    return link
