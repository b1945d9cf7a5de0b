# SPDX-License-Identifier: MIT
# An image of a chain, how it is named to the qemu tools, and what its header says.

import os
import struct
from dataclasses import dataclass, field

from wishes import KIB

SECRET = "secret,id=s,data=imgaudit"


class ForgeError(Exception):
    """A tool refused what the forge believed to be possible."""


@dataclass
class Spec:
    """The options of one qcow2 layer, before it is made."""

    compat: str = "1.1"
    cluster: int = 64 * KIB
    compression: str = "zlib"
    extended_l2: bool = False
    refcount_bits: int = 16
    lazy: bool = False
    data_file: str = ""
    data_file_raw: bool = False
    encryption: str = ""
    prealloc: str = "off"


@dataclass
class Layer:
    """One image of a chain."""

    path: str
    format: str
    size: int
    spec: Spec = field(default_factory=Spec)
    backing: "Layer" = None
    data_file: str = ""
    without_format: bool = False

    def chain(self):
        layer = self
        while layer:
            yield layer
            layer = layer.backing


@dataclass
class Chain:
    """The layer to map, the directory and the name to map it by, what is special about it, and all layers ever made."""

    top: Layer
    name: str
    cwd: str
    features: set
    layers: list
    label: str = ""


def is_encrypted(layer):
    return any(one.spec.encryption for one in layer.chain())


def image_options(layer, name):
    """The --image-opts of a chain in which some layers need the key."""
    parts = [f"driver={layer.format}", "file.filename=" + name.replace(",", ",,")]
    prefix = ""
    for one in layer.chain():
        if one.spec.encryption:
            parts.append(f"{prefix}encrypt.key-secret=s")
        prefix += "backing."
    return ",".join(parts)


def image_args(layer, name, probe=False):
    if is_encrypted(layer):
        return ["--object", SECRET, "--image-opts", image_options(layer, name)]
    return [name] if probe else ["-f", layer.format, name]


def refresh_size(layer):
    """Reads the virtual size back from the file."""
    if layer.format == "raw":
        layer.size = os.path.getsize(layer.path)
        return
    with open(layer.path, "rb") as file:
        layer.size = struct.unpack_from(">Q", file.read(32), 24)[0]


def header_features(layer):
    """Read from the file, not from the wishes."""
    if layer.format == "raw":
        return {"raw"}
    with open(layer.path, "rb") as file:
        header = file.read(112).ljust(112, b"\0")
    version, cluster_bits, crypt, snapshots = (struct.unpack_from(">I", header, place)[0] for place in (4, 20, 32, 60))
    found = {f"v{version}", f"cluster={1 << cluster_bits}"}
    found |= {name for name, present in (("aes", crypt == 1), ("luks", crypt == 2), ("snapshots", snapshots > 0)) if present}
    if version >= 3:
        found |= v3_features(header)
    return found


def v3_features(header):
    incompatible, compatible, autoclear = struct.unpack_from(">QQQ", header, 72)
    order, length = struct.unpack_from(">II", header, 96)
    bits = [("dirty", incompatible & 1), ("data_file", incompatible & 4), ("extended_l2", incompatible & 16),
            ("lazy", compatible & 1), ("bitmaps", autoclear & 1), ("data_file_raw", autoclear & 2),
            ("zstd", length >= 105 and header[104] == 1)]
    return {name for name, present in bits if present} | {f"refcount_bits={1 << order}"}


def describe(chain):
    """The features of the top image, and those of the whole chain that a reader needs to know."""
    own = header_features(chain.top)
    backing = {one for one in chain.features if one.startswith(("backing=", "op=", "prealloc=", "depth=", "size=", "name="))}
    quiet = {"refcount_bits=16", "prealloc=off", "name=plain", "size=clusters", "depth=0"}
    return " ".join(sorted(own - quiet, key=label_order) + sorted(backing - quiet))


def label_order(feature):
    return (not feature.startswith("v"), not feature.startswith("cluster"), feature)
