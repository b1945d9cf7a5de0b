# SPDX-License-Identifier: MIT
# What guests do to their disks: writes, zeroes, discards and compressed writes, by qemu-io.

from tree import KIB, SECTOR

LONGEST = 512  # KiB of one write of data, unless it is to cover all
NOT_WRITTEN = ("vmdk",)  # a parent that was written to is another one for its overlays


def can_write(tree, image):
    return image.writable and not (image.form in NOT_WRITTEN and tree.dependents(image))


def choose_unit(tree, image):
    """A cluster of the image or of its base, or less: what covers a cluster wholly, in part or not at all."""
    units = [image.cluster, image.cluster, SECTOR, 4 * KIB, max(SECTOR, image.cluster // 32)]
    return tree.rng.choice(units + ([image.base.cluster] * 2 if image.base else []))


def choose_range(tree, image):
    """Half of all ranges lie in the first quarter of the disk, so that things meet."""
    rng = tree.rng
    unit = choose_unit(tree, image)
    space = image.size // 4 if tree.chance(50) else image.size
    start = rng.randrange(max(1, space // unit)) * unit
    if tree.chance(8):
        start = max(0, image.size - unit) // SECTOR * SECTOR
    length = unit * rng.choice([1, 1, 1, 2, 3, 5, 16, 33])
    return start, min(length, image.size - start)


def pattern(tree):
    return f"-P {tree.rng.randint(1, 255)}"


def write_command(tree, image):
    start, length = choose_range(tree, image)
    length = min(length, image.longest or LONGEST * KIB)
    return f"write {pattern(tree)} {start} {length}"


def zero_command(tree, image):
    """Files of raw data get holes and no blocks that are allocated and unwritten: Linux is not sure what these are."""
    start, length = choose_range(tree, image)
    return f"write -z {'-u ' if image.raw_like or tree.chance(40) else ''}{start} {length}"


def discard_command(tree, image):
    start, length = choose_range(tree, image)
    return f"discard {start} {length}"


def compressed_command(tree, image):
    """Whole clusters; the last one may be cut by the end of the disk."""
    if not image.compressible:
        return write_command(tree, image)
    cluster = 4 * KIB if image.form == "qcow" else image.cluster
    start = tree.rng.randrange(-(-image.size // cluster)) * cluster
    count = 1 if image.form == "qcow" else tree.rng.choice([1, 1, 2, 4])
    return f"write -c {pattern(tree)} {start} {min(count * cluster, image.size - start)}"


COMMANDS = [(write_command, 55), (zero_command, 15), (discard_command, 15), (compressed_command, 15)]


def everything(tree, image):
    """All of the disk at once: nothing below it is read any more."""
    tree.features.add("covered wholly")
    if image.longest:
        return [f"write {pattern(tree)} {start} {min(image.longest, image.size - start)}"
                for start in range(0, image.size, image.longest)] if image.size <= 40 * image.longest else []
    return [tree.rng.choice([f"write {pattern(tree)} 0 {image.size}", f"write -z {'-u ' if image.raw_like else ''}0 {image.size}"])]


def batches(tree, commands):
    """Plain commands, compressed writes, plain ones again. QEMU 7.2 breaks an image in which one process mixes them: it
    packs compressed data into a cluster that was freed and given to other data meanwhile."""
    packed = [command for command in commands if command.startswith("write -c")]
    plain = [command for command in commands if command not in packed]
    cut = tree.rng.randrange(len(plain) + 1)
    return [batch for batch in (plain[:cut], packed, plain[cut:]) if batch]


def write_some(tree, image, most=14):
    """Single commands may fail where a format has no such thing; the image stays valid."""
    if not can_write(tree, image) or image.size == 0:
        return False
    count = tree.rng.choice([0, 1, tree.rng.randint(2, most), tree.rng.randint(2, most)])
    makers = tree.rng.choices([maker for maker, _ in COMMANDS], [weight for _, weight in COMMANDS], k=count)
    commands = [maker(tree, image) for maker in makers]
    if image.base and tree.chance(8):
        commands += everything(tree, image)
    for batch in batches(tree, commands):
        qemu_io(tree, image, batch)
    return bool(commands)


def qemu_io(tree, image, commands):
    options = ["-t", "unsafe", "-d", "unmap"]  # nothing has to reach the disk of this host
    return tree.run("qemu-io", "-f", image.form, *options, *[part for command in commands for part in ("-c", command)], image.path)
