# SPDX-License-Identifier: MIT
# What happens to an image after it was made: writes of all kinds with qemu-io, and the commands of qemu-img.

import os

import create
from layers import Layer, header_features, image_args, is_encrypted, refresh_size
from wishes import IO_KINDS, KIB, LAYER_OPS, MIB, PREALLOCATIONS, SECTOR


def io_command(shop, layer, kind):
    """One qemu-io command of a kind, somewhere in the image."""
    rng = shop.rng
    cluster = layer.spec.cluster
    if kind.startswith("compressed"):
        return compressed_command(shop, layer, kind)
    start, length = choose_range(shop, layer, kind)
    options = {
        "write": f"write -P {rng.randint(1, 255)}",
        "noise": f"write -s {noise_file(shop)}",
        "zeroes": "write -P 0",
        "zero": "write -z",
        "unmap": "write -z -u",
        "discard": "discard",
    }
    if kind in ("write", "noise", "zeroes"):
        length = min(length, max(512 * KIB, cluster // 4))
    return f"{options[kind]} {start} {length}"


def compressed_command(shop, layer, kind):
    """Compressed writes want whole clusters; the last one may be cut by the end of the disk."""
    cluster = layer.spec.cluster
    clusters = -(-layer.size // cluster)
    first = choose_cluster_index(shop, clusters)
    start = first * cluster
    length = min(cluster * shop.rng.randint(1, max(1, min(8, 256 * KIB // cluster))), layer.size - start)
    pattern = f"-s {noise_file(shop)}" if kind == "compressed-noise" else f"-P {shop.rng.randint(1, 255)}"
    return f"write -c {pattern} {start} {length}"


def choose_cluster_index(shop, clusters):
    """Near the beginning, near the end, or anywhere: so that neighbours happen in sparse images too."""
    rng = shop.rng
    place = rng.randrange(10)
    if place < 6:
        return rng.randrange(min(clusters, 40))
    if place < 8:
        return clusters - 1 - rng.randrange(min(clusters, 6))
    return rng.randrange(clusters)


def choose_range(shop, layer, kind):
    rng = shop.rng
    cluster = layer.spec.cluster
    unit = rng.choice([cluster, cluster, cluster, max(SECTOR, cluster // 32), SECTOR])
    start = choose_cluster_index(shop, -(-layer.size // cluster)) * cluster
    if unit < cluster:
        start += rng.randrange(cluster // unit) * unit
    start = min(start, (layer.size - 1) // SECTOR * SECTOR)
    length = unit * rng.choice([1, 1, 1, 2, 3, 5, 16, 33])
    if kind in ("zero", "unmap", "discard") and layer.spec.compat == "1.1" and shop.chance(10):
        length = cluster * rng.randint(1, 256)
    return start, min(length, layer.size - start, 512 * MIB)


def noise_file(shop):
    """Half of it does not compress, so compressed clusters get all sorts of lengths."""
    path = os.path.join(shop.directory, "noise")
    if not os.path.exists(path):
        with open(path, "wb") as file:
            for _ in range(64):
                file.write(shop.rng.randbytes(3 * KIB) + bytes(KIB) + b"imgaudit" * 256)
    return path


def possible_io(layer):
    return [kind for kind in IO_KINDS if not (layer.spec.data_file and kind.startswith("compressed"))]


def do_io(shop, layer, wanted=None, most=12, ending=()):
    """A batch of random commands in one qemu-io. Single commands may fail; the image stays valid."""
    if not layer.size or layer.format != "qcow2":
        return True
    rng = shop.rng
    kinds = possible_io(layer)
    count = rng.randint(0, most if layer.spec.cluster < 512 * KIB else min(most, 6))
    chosen = [wanted] * 3 if wanted else []
    chosen += rng.choices(kinds, k=count)
    commands = [io_command(shop, layer, kind) for kind in rng.sample(chosen, len(chosen))]
    shop.features |= {f"io={kind}" for kind in chosen}
    arguments = [part for command in [*commands, *ending] for part in ("-c", command)]
    if not arguments:
        return True
    name = os.path.basename(layer.path)
    return shop.run(["qemu-io", *arguments, *image_args(layer, name)], os.path.dirname(layer.path))


# -- Commands of qemu-img. Each op says whether it was carried out. ------------------------------------------------------

def image_tool(shop, layer, *command, after=()):
    """qemu-img COMMAND on a layer, with the key if it needs one."""
    name = os.path.basename(layer.path)
    return shop.run(["qemu-img", *command, *image_args(layer, name), *after], os.path.dirname(layer.path))


def snapshot(shop, layer, *command):
    """qemu-img snapshot takes no -f."""
    folder, name = os.path.split(layer.path)
    return shop.run(["qemu-img", "snapshot", *command, *image_args(layer, name, probe=True)], folder)


def plain_tool(shop, layer, *command, after=()):
    """As image_tool, for commands that take no keys."""
    name = os.path.basename(layer.path)
    return not is_encrypted(layer) and shop.run(["qemu-img", *command, name, *after], os.path.dirname(layer.path))


def op_snapshot(shop, layer):
    done = snapshot(shop, layer, "-c", f"snap{shop.rng.randrange(1000)}")
    do_io(shop, layer)
    return done


def op_snapshot_apply(shop, layer):
    snapshot(shop, layer, "-c", "back")
    do_io(shop, layer)
    done = snapshot(shop, layer, "-a", "back")
    refresh_size(layer)
    return done


def op_snapshot_delete(shop, layer):
    for name in ("one", "two"):
        snapshot(shop, layer, "-c", name)
        do_io(shop, layer, most=5)
    return snapshot(shop, layer, "-d", "one")


def resize(shop, layer, size, *options):
    done = image_tool(shop, layer, "resize", "-q", *options, after=[str(size)])
    refresh_size(layer)
    return done


def op_grow(shop, layer):
    return resize(shop, layer, layer.size + shop.rng.randint(1, 2000) * SECTOR)


def op_grow_preallocated(shop, layer):
    kind = shop.rng.choice(PREALLOCATIONS)
    size = -(-layer.size // layer.spec.cluster) * layer.spec.cluster + shop.rng.randint(1, 6) * layer.spec.cluster
    return layer.size <= 8 * MIB and resize(shop, layer, size, f"--preallocation={kind}")


def op_shrink(shop, layer):
    if layer.size > 8 * MIB:
        return resize(shop, layer, layer.size // 2, "--shrink")
    return layer.size > SECTOR and resize(shop, layer, shop.rng.randrange(1, layer.size // SECTOR) * SECTOR, "--shrink")


def op_bitmap(shop, layer):
    return plain_tool(shop, layer, "bitmap", "--add", "-f", "qcow2", after=["changes"])


def op_amend(shop, layer):
    change = shop.rng.choice(["compat=0.10", "compat=1.1", "lazy_refcounts=on", "lazy_refcounts=off", "refcount_bits=32"])
    amend = ["amend", "-q", "-f", "qcow2", "-o"]
    done = plain_tool(shop, layer, *amend, change) or plain_tool(shop, layer, *amend, "compat=1.1")
    layer.spec.compat = "1.1" if "v3" in header_features(layer) else "0.10"
    return done


def op_killed(shop, layer):
    """qemu-io dies without closing: with lazy refcounts the image stays dirty, else clusters leak."""
    do_io(shop, layer, wanted="write", ending=["flush", "sigraise 9"])
    return True


def op_check_repair(shop, layer):
    image_tool(shop, layer, "check", "-q", "-r", "all")
    return True


def op_convert(shop, layer, *options):
    """Replaces a layer without a base by its own copy. A data file would be given up with it."""
    if layer.backing or is_encrypted(layer) or layer.spec.data_file or layer.size > 8 * MIB:
        return False
    copy = layer.path + ".new"
    command = ["qemu-img", "convert", "-q", "-f", "qcow2", "-O", "qcow2", *options, "-o", create.create_options(shop, layer)]
    if not shop.run([*command, layer.path, copy]):
        return False
    os.replace(copy, layer.path)
    return True


def op_convert_compressed(shop, layer):
    layer.spec.prealloc = "off"
    return op_convert(shop, layer, "-c")


def rebase(shop, layer, base, *options):
    """Gives an overlay another base. Names with odd characters work here as in create."""
    name = os.path.basename(layer.path)
    target = ["-F", base.format, "-b", os.path.relpath(base.path, os.path.dirname(layer.path))] if base else ["-b", ""]
    folder = os.path.dirname(layer.path)
    if not shop.run(["qemu-img", "rebase", "-q", "-f", "qcow2", *options, *target, name], folder):
        return False
    layer.backing = base
    layer.without_format = False
    return True


def other_base(shop, layer):
    """A new base beside the old one, as a target for rebase."""
    base = create.make_raw(shop, "rebased", "raw") if shop.chance(50) else make_plain_base(shop, layer.size)
    return base


def make_plain_base(shop, size):
    base = Layer(shop.next_path("rebased", "qcow2"), "qcow2", max(SECTOR, size // SECTOR * SECTOR))
    shop.must(["qemu-img", "create", "-q", "-f", "qcow2", base.path, str(base.size)])
    shop.layers.append(base)
    do_io(shop, base)
    return base


def can_rebase(layer):
    return layer.backing and not is_encrypted(layer) and layer.format == "qcow2"


def op_rebase(shop, layer):
    return can_rebase(layer) and layer.size <= 16 * MIB and rebase(shop, layer, other_base(shop, layer))


def op_rebase_unsafe(shop, layer):
    return can_rebase(layer) and rebase(shop, layer, other_base(shop, layer), "-u")


def op_rebase_none(shop, layer):
    return can_rebase(layer) and rebase(shop, layer, None, "-u")


def op_commit(shop, layer):
    if not can_rebase(layer) or layer.size > 16 * MIB or layer.backing.spec.data_file_raw:
        return False
    done = shop.run(["qemu-img", "commit", "-q", "-f", "qcow2", *shop.rng.choice([[], ["-d"]]), layer.path], os.path.dirname(layer.path))
    refresh_size(layer.backing)
    return done


OPERATIONS = {
    "snapshot": op_snapshot, "snapshot-apply": op_snapshot_apply, "snapshot-delete": op_snapshot_delete, "grow": op_grow,
    "grow-preallocated": op_grow_preallocated, "shrink": op_shrink, "bitmap": op_bitmap, "amend": op_amend, "killed": op_killed,
    "convert": op_convert, "convert-compressed": op_convert_compressed, "rebase": op_rebase, "rebase-unsafe": op_rebase_unsafe,
    "rebase-none": op_rebase_none, "commit": op_commit, "check-repair": op_check_repair,
}


def work_on(shop, layer, wish):
    """Fills a layer, then lets a few things happen to it, with more writes between them."""
    do_io(shop, layer, wish.get("io"))
    wanted = wish.get("ops", [])
    extra = shop.rng.choices(LAYER_OPS, k=shop.rng.choice([0, 0, 1, 1, 2])) if not wanted else []
    for name in [*wanted, *extra]:
        if OPERATIONS[name](shop, layer):
            shop.features.add(f"op={name}")
        if name != "killed":  # opening it for writing would clean it up
            do_io(shop, layer, most=4)
