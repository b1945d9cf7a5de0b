# SPDX-License-Identifier: MIT
# Makes new images: raw files with holes, qcow2 images with any options, overlays with any reference.

import os
import struct

import choices
from layers import SECRET, ForgeError, Layer
from wishes import BACKING_KINDS, KIB, MIB, SECTOR, WORKING_DIRECTORY_KINDS

FORMAT_EXTENSION = 0xE2792ACA
UNKNOWN_EXTENSION = 0x6F726163


def raw_size(shop, kind):
    if kind == "raw-empty":
        return 0
    if kind == "raw-odd":
        return shop.rng.randrange(1, 2 * MIB) | 1
    return shop.rng.randint(1, 4096) * SECTOR


def make_raw(shop, folder, kind):
    """A raw file with holes: some pieces are written, some of them with zeroes."""
    rng = shop.rng
    path = shop.next_path(folder, "raw")
    size = raw_size(shop, kind)
    with open(path, "wb") as file:
        file.truncate(size)
        for _ in range(rng.randint(0, 8) if size else 0):
            start = rng.randrange(size) // SECTOR * SECTOR
            length = min(rng.choice([SECTOR, 4 * KIB, 64 * KIB, rng.randint(1, 200 * KIB)]), size - start)
            file.seek(start)
            file.write(rng.choice([b"\0", b"\x5a", b"\xc3"]) * length)
    shop.features.add(f"base={kind}")
    layer = Layer(path, "raw", size)
    shop.layers.append(layer)
    return layer


def create_options(shop, layer):
    spec = layer.spec
    options = [f"compat={spec.compat}", f"cluster_size={spec.cluster}", f"preallocation={spec.prealloc}"]
    if spec.compat == "1.1":
        options += [f"compression_type={spec.compression}", f"extended_l2={onoff(spec.extended_l2)}"]
        options += [f"refcount_bits={spec.refcount_bits}", f"lazy_refcounts={onoff(spec.lazy)}"]
    if spec.data_file:
        name = os.path.basename(layer.data_file) if spec.data_file == "relative" else layer.data_file
        options += ["data_file=" + name.replace(",", ",,"), f"data_file_raw={onoff(spec.data_file_raw)}"]
        shop.features.add(f"data_file={spec.data_file}")
    if spec.encryption:
        options += [f"encrypt.format={spec.encryption}", "encrypt.key-secret=s"]
    if spec.encryption == "luks":
        options += ["encrypt.iter-time=10", "encrypt.hash-alg=sha512"]
    return ",".join(options)


def onoff(value):
    return "on" if value else "off"


def make_qcow2(shop, wish, folder, base):
    spec = choices.choose_spec(shop, wish)
    if base:
        restrict_to_overlay(spec)
    size = choices.choose_overlay_size(shop, wish, spec, base) if base else choices.choose_size(shop, wish, spec)
    if size > 32 * MIB:
        spec.prealloc, spec.data_file = "off", ""
    layer = Layer(shop.next_path(folder, "qcow2"), "qcow2", size, spec, base)
    if spec.data_file:
        layer.data_file = layer.path.replace(".qcow2", ".data")
    create(shop, wish, layer)
    shop.layers.append(layer)
    shop.features.add(f"prealloc={spec.prealloc}")
    return layer


def restrict_to_overlay(spec):
    """qemu-img allows neither a raw data file nor, without subclusters, preallocation over a base."""
    if spec.data_file_raw:
        spec.data_file, spec.data_file_raw = "", False
    if not spec.extended_l2:
        spec.prealloc = "off"


def create(shop, wish, layer):
    if not layer.backing:
        create_file(shop, layer)
        return
    kind = wish.get("backing") or choose_backing_kind(shop, layer)
    try:
        create_overlay(shop, layer, kind)
    except ForgeError:
        if "backing" in wish:
            raise
        # The name was too long for the cluster.
        kind = "relative"
        create_overlay(shop, layer, kind)
    if kind == "relative" and differ_in_folder(layer):
        kind = "subdir"
    note_backing(shop, layer, kind)


def create_overlay(shop, layer, kind):
    format_name = "raw" if kind == "raw-over-qcow2" else layer.backing.format
    create_file(shop, layer, "-F", format_name, "-b", backing_name(kind, layer))


def create_file(shop, layer, *backing):
    """Creating LUKS fails by chance: qemu measures its own CPU time and finds none."""
    folder, name = os.path.split(layer.path)
    command = ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "--object", SECRET, "-o", create_options(shop, layer)]
    command += [*backing, name, str(layer.size)]
    for _ in range(30 if layer.spec.encryption == "luks" else 0):
        if shop.run(command, folder):
            return
    shop.must(command, folder)


def note_backing(shop, layer, kind):
    shop.features.add(f"backing={kind}")
    if kind == "raw-over-qcow2":
        layer.backing = Layer(layer.backing.path, "raw", os.path.getsize(layer.backing.path))
    layer.without_format = kind.startswith("no-format")


def choose_backing_kind(shop, layer):
    if shop.wish.get("name") == "symlink":
        return "relative"
    kinds = [kind for kind in BACKING_KINDS if kind != "raw-over-qcow2" and (shop.one_folder or kind not in WORKING_DIRECTORY_KINDS)]
    if layer.backing.spec.encryption:
        kinds = ["relative", "absolute", "subdir", "no-format"]
    return shop.rng.choice(kinds + ["relative", "subdir"])


def differ_in_folder(layer):
    return os.path.dirname(layer.path) != os.path.dirname(layer.backing.path)


def json_quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def backing_name(kind, layer):
    """The spelling of the reference, as it is stored in the overlay."""
    path, base_format = layer.backing.path, layer.backing.format
    relative = os.path.relpath(path, os.path.dirname(layer.path))
    quoted = json_quoted(path)
    names = {
        "absolute": path,
        "no-format-absolute": path,
        "file-absolute": "file:" + path,
        "file-relative": "file:" + relative,
        "dotted-path": os.path.join(".", "..", os.path.basename(os.path.dirname(layer.path)), relative),
        "json-nested": f'json:{{"driver":"{base_format}","file":{{"driver":"file","filename":{quoted}}}}}',
        "json-dotted": f'json:{{"driver":"{base_format}","file.filename":{quoted}}}',
        "json-relative": f'json:{{"driver":"{base_format}","file":{{"driver":"file","filename":{json_quoted(relative)}}}}}',
        "json-no-driver": f'json:{{"file":{{"driver":"file","filename":{quoted}}}}}',
        "json-other-driver": f'json:{{"driver":"vmdk","file":{{"driver":"file","filename":{quoted}}}}}',
    }
    return names.get(kind, relative)


def hide_backing_format(path):
    """Gives the header extension with the backing format a type that nobody knows."""
    with open(path, "r+b") as file:
        header = bytearray(file.read(64 * KIB))
        version = struct.unpack_from(">I", header, 4)[0]
        place = 72 if version == 2 else struct.unpack_from(">I", header, 100)[0]
        while place + 8 <= len(header):
            kind, length = struct.unpack_from(">II", header, place)
            if kind == FORMAT_EXTENSION:
                file.seek(place)
                file.write(struct.pack(">I", UNKNOWN_EXTENSION))
                return
            if kind == 0:
                break
            place += 8 + (length + 7) // 8 * 8
    raise ForgeError(f"{path} states no backing format")
