# SPDX-License-Identifier: MIT
# Images made by qemu-img and written by qemu-io, with a model of what their guests read. For formats that qemu-img can
# create; imported only.

import os
from dataclasses import dataclass, field

import guest
import harness
import holes
import qemu

RANGE_TRIES = 3
SECTOR = 512


@dataclass
class Disk:
    """An image, and what its guest reads."""

    name: str
    form: str
    content: bytearray
    directory: str
    cluster: int = 64 << 10
    packed: set = field(default_factory=set)  # clusters that were written at all
    label: str = ""

    @property
    def size(self):
        return len(self.content)

    def path(self):
        return os.path.join(self.directory, self.name)


def create(directory, name, form, size, options=(), backing=None, cluster=64 << 10):
    """An empty image, or an overlay of `backing`, a Disk."""
    words = [*(["-o", ",".join(options)] if options else []), *(["-b", backing.name, "-F", backing.form] if backing else [])]
    qemu.must("qemu-img", "create", "-q", "-f", form, *words, name, size, cwd=directory)
    size = -(-size // SECTOR) * SECTOR
    below = bytes(backing.content[:size]) if backing else b""
    return Disk(name, form, bytearray(below + bytes(size - len(below))), directory, cluster)


def piece(rng, disk):
    """A range: some sectors, or whole clusters, sometimes up to the end."""
    unit = rng.choice([SECTOR, SECTOR, disk.cluster])
    start = rng.randrange(-(-disk.size // unit)) * unit
    length = rng.choice([1, 1, 2, 3, rng.randint(1, 40)]) * unit
    return start, min(length, disk.size - start)


def fill(disk, start, length, value):
    disk.content[start:start + length] = bytes([value]) * length
    first, last = start // disk.cluster, (start + length - 1) // disk.cluster
    disk.packed.update(range(first, last + 1))


def write_packed(rng, disk, commands):
    """One whole cluster compressed. QEMU's qcow takes it only where nothing was written before."""
    number = rng.randrange(-(-disk.size // disk.cluster))
    start = number * disk.cluster
    if number in disk.packed or start + disk.cluster > disk.size:
        return
    value = rng.randint(1, 255)
    commands.append(f"write -c -P {value} {start} {disk.cluster}")
    fill(disk, start, disk.cluster, value)


def zero_clusters(rng, disk, commands):
    whole = disk.size // disk.cluster
    first = rng.randrange(whole)
    length = rng.randint(1, min(5, whole - first)) * disk.cluster
    commands.append(f"write -z {first * disk.cluster} {length}")
    fill(disk, first * disk.cluster, length, 0)


SPECIAL = {"packed": write_packed, "zero clusters": zero_clusters}


def write(rng, disk, kinds, count):
    """kinds: "data", "zero" (write -z), "zero clusters" (write -z of whole ones) and "packed" (write -c)."""
    commands = []
    for _ in range(count):
        kind = rng.choice(kinds)
        if kind in SPECIAL:
            SPECIAL[kind](rng, disk, commands)
            continue
        start, length = piece(rng, disk)
        value = 0 if kind == "zero" else rng.randint(1, 255)
        commands.append(f"write {'-z' if kind == 'zero' else f'-P {value}'} {start} {length}")
        fill(disk, start, length, value)
    if commands:
        guest.qemu_io(disk.name, *commands, form=disk.form, cwd=disk.directory)


def convert_packed(disk, name, form, backing=None, cluster=64 << 10):
    """The same content in another image, compressed. qemu-img 7.2 writes a qcow image whole, then fails without a word
    when it tries to end the stream: that the image is whole is for the test to find out."""
    words = ["-B", backing.name, "-F", backing.form] if backing else []
    done = qemu.execute(["qemu-img", "convert", "-c", "-O", form, *words, disk.name, name], disk.directory)
    if done.code != 0 and done.err:
        raise qemu.ToolError(f"qemu-img convert -c: {done.err.strip()}")
    return Disk(name, form, bytearray(disk.content), disk.directory, cluster, set(range(disk.size // cluster + 1)))


def range_notes(options, rng, disk):
    """Windows of the map are cut as qemu-img cuts them."""
    notes = []
    for _ in range(RANGE_TRIES):
        words = ["--output=json", "-s", str(rng.randrange(disk.size)), "-l", str(rng.randrange(1, disk.size + 1))]
        notes += qemu.compare_runs(qemu.compare_json, " ".join(words), lambda: qemu.qemu_map([disk.name], words, disk.directory),
                                   lambda: qemu.imgaudit_map(options.imgaudit, disk.name, words, disk.directory))[2]
    return notes


def model_notes(disk):
    """Whether qemu-img reads what the model says: a test of the test."""
    target = guest.scratch_name(disk.name, disk.directory, "model")
    try:
        done = guest.convert([disk.name], target, disk.directory)
        if done.code != 0:
            return [f"qemu-img convert ended with {done.code}", *qemu.tail(done.err)]
        return guest.different_content(target, disk.size, {0: bytes(disk.content)})
    finally:
        guest.remove(target)


def results(options, rng, disk, what, again):
    """A Batch: the map and windows of it, copies of the file with other holes, what qemu-img reads, and what the map leads to."""
    cwd = disk.directory
    theirs, notes = guest.compare_maps(options, disk.name, cwd=cwd)
    found = [harness.result(f"the map equals qemu-img's: {what}", notes, again),
             harness.result(f"windows of the map equal qemu-img's: {what}", range_notes(options, rng, disk), again)]
    for kind, copy in holes.COPIES.items():
        name = f"{kind}-{disk.name}"
        if copy(disk.path(), os.path.join(cwd, name)):
            notes = guest.compare_maps(options, name, cwd=cwd)[1]
            found.append(harness.result(f"holes of the file change nothing: {what}, {kind}", notes, again))
    found.append(harness.result(f"qemu-img reads what was written: {what}", model_notes(disk), again))
    compare = lambda: guest.compare_with_content(options, disk.name, disk.size, {0: bytes(disk.content)}, cwd=cwd)
    found.append(guest.content_result(options, f"the map leads to what was written: {what}", compare))
    return harness.Batch(found, qemu.map_features(theirs) if theirs.code == 0 else set())


def job_maker(options, directory):
    """make(function, *more) is the Job of function(its own directory, options, *more)."""
    def make(function, *more):
        name = "-".join([function.__name__, *map(str, more)])
        return harness.Job(function, (options, *more), os.path.join(directory, name), harness.keep_failed(options))
    return make


def run(options, jobs):
    """Reports all jobs; jobs(directory) yields them."""
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}")
    with harness.work_directory(options.keep) as directory:
        for batch in harness.run_jobs(jobs(directory), options.jobs):
            for result in batch.results:
                out.report(result)
    return out.finish()


def over(form, overlay):
    """A shape: what overlay(rng, directory, base) makes of a base of this format."""
    def shape(rng, directory):
        base = create(directory, f"base.{form}", form, 2 * guest.MIB)
        write(rng, base, ["data", "zero"], 8)
        return overlay(rng, directory, base)
    shape.__name__ = f"over_{form}"
    return shape
