#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a guest reads from random qcow2 chains, put together from the map, is what qemu-img reads from them: compressed
# clusters of both kinds, zero clusters, discards, subclusters, data files, snapshots, bases of other sizes.

import collections
import os

import harness
import forge
import guest
import layers
import qemu
from wishes import IO_KINDS, KIB

MOST_BYTES = 2 << 40  # larger disks cannot be written as raw files on every file system
COMPRESSED = ("compressed", "compressed-noise")

WISHES = (
    [{"compression": kind, "io": io, "depth": depth} for kind in ("zlib", "zstd") for io in COMPRESSED for depth in (0, 1)]
    + [{"compression": "zstd", "io": "compressed-noise", "cluster": size} for size in (512, 4 * KIB, 2048 * KIB)]
    + [{"compat": "0.10", "io": io} for io in COMPRESSED]
    + [{"extended_l2": True, "io": io} for io in IO_KINDS]
    + [{"data_file": "relative", "data_file_raw": raw} for raw in (True, False)] + [{"data_file": "absolute", "extended_l2": True}]
    + [{"against_base": kind, "io": "compressed"} for kind in ("longer", "shorter")]
    + [{"size": kind, "depth": 0} for kind in ("odd", "1T")] + [{"base": "raw-odd", "io": "compressed"}]
    + [{"ops": [op]} for op in ("snapshot", "snapshot-apply", "convert-compressed", "rebase", "commit", "shrink", "grow")]
    + [{"prealloc": "metadata"}, {"depth": 3}, {"depth": 3, "compression": "zstd", "io": "compressed"}, {"encryption": "luks"}]
)

REQUIRED_FEATURES = [
    "v2", "v3", "zstd", "extended_l2", "data_file", "data_file_raw", "snapshots", "longer", "shorter", "raw", "luks",
    "cluster=512", "cluster=4096", "cluster=2097152", "size=odd", "size=1T", "depth=0", "depth=1", "depth=3",
    "op=convert-compressed", "op=rebase", "op=commit", "op=snapshot-apply", "read: compressed", "read: compressed in a base",
    "read: deflate", "read: zero", "read: data", "refused: encrypted",
] + [f"io={kind}" for kind in IO_KINDS]


def read_features(chain, ours):
    """What the content came from."""
    found = set()
    for entry in qemu.entries(ours):
        if entry["compressed"]:
            zstd = "zstd" in layers.header_features(list(chain.top.chain())[entry["depth"]])
            found |= {"read: compressed", "read: zstd" if zstd else "read: deflate"}
            found |= {"read: compressed in a base"} if entry["depth"] else set()
        found.add("read: zero" if entry["zero"] else "read: data")
    return found


def compare_content(options, chain):
    """Notes, and features of what was compared."""
    ours = qemu.imgaudit_map(options.imgaudit, chain.name, ["--output=json"], chain.cwd)
    if ours.code != 0:
        return [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)], set()
    encrypted = [entry for entry in qemu.entries(ours) if entry["data"] and not entry["compressed"] and "offset" not in entry]
    if not encrypted:
        args = layers.image_args(chain.top, chain.name, probe=True)
        return guest.compare_with_convert(options, chain.name, cwd=chain.cwd, image_args=args), read_features(chain, ours)
    target = os.path.join(chain.cwd, "encrypted.guest")
    done = guest.read_guest(options.read_guest, chain.name, target, cwd=chain.cwd)
    notes = [] if done.code == guest.ENCRYPTED else [f"encrypted, but read_guest ended with {done.code}", *qemu.tail(done.err)]
    return notes, {"refused: encrypted"}


def test_contents_of_random_chains_equal_qemu_imgs(directory, options, index):
    chain = forge.forge(harness.generator(options.seed, "content", index), directory, WISHES[index % len(WISHES)])
    name = f"content equals qemu-img's: {chain.label}"
    if chain.top.size > MOST_BYTES:
        return harness.Batch([harness.Result(name, True, skipped=f"a disk of {chain.top.size} bytes")])
    if not options.read_guest:
        return harness.Batch([harness.Result(name, True, skipped=guest.NO_READ_GUEST)])
    notes, features = compare_content(options, chain)
    again = guest.again(__file__, options, "--only", index, "--keep DIR")
    return harness.Batch([harness.result(name, notes, again)], chain.features | features)


def test_parts_of_compressed_clusters_read_as_for_qemu_img(directory, options, kind):
    """An overlay with small clusters lets only parts of compressed clusters through: beginnings, middles, ends."""
    name = f"content equals qemu-img's: parts of compressed clusters, {kind}"
    qemu.must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"compression_type={kind}", "base", "512k", cwd=directory)
    with open(os.path.join(directory, "noise"), "wb") as file:
        for _ in range(64):
            file.write(harness.generator(options.seed, "parts", kind).randbytes(5 * KIB) + bytes(3 * KIB))
    guest.qemu_io("base", "write -c -s noise 0 512k", form="qcow2", cwd=directory)
    qemu.must("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "-b", "base", "-F", "qcow2", "top", cwd=directory)
    commands = [f"write -P {place % 255 + 1} {place}k 4k" for place in (0, 124, 136, 160, 192, 252, 256, 260)]
    guest.qemu_io("top", *commands, "write -z 324k 20k", form="qcow2", cwd=directory)
    return harness.Batch([guest.content_result(options, name, lambda: guest.compare_with_convert(options, "top", cwd=directory))])


def run(out, options, directory):
    chosen = range(options.count) if options.only is None else [options.only]
    jobs = [harness.Job(test_contents_of_random_chains_equal_qemu_imgs, (options, index), os.path.join(directory, str(index)),
                        harness.keep_failed(options)) for index in chosen]
    jobs += [harness.Job(test_parts_of_compressed_clusters_read_as_for_qemu_img, (options, kind), os.path.join(directory, kind),
                         harness.keep_failed(options))
             for kind in ("zlib", "zstd") if options.only is None]
    histogram = collections.Counter()
    for batch in harness.run_jobs(jobs, options.jobs):
        for result in batch.results:
            out.report(result)
        histogram.update(batch.features)
    harness.print_histogram(out, histogram)
    name = "every feature was seen"
    if options.only is not None or options.count < len(WISHES) or not options.read_guest:
        out.skip(name, f"needs --read-guest and --count {len(WISHES)}")
    else:
        harness.check_coverage(out, histogram, REQUIRED_FEATURES, name)


def main():
    options = guest.parse(guest.parser("Compares what a guest reads from random qcow2 chains with qemu-img convert.",
                                           count=len(WISHES)))
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        run(out, options, directory)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
