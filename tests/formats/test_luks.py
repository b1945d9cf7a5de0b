#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# LUKS containers: maps against qemu-img with the key, headers against what qemu-img refuses without one.

import os
import re
import sys
from pathlib import Path

import harness
import qemu
import scanned
from builders import luks as build

SECRET = ["--object", "secret,id=key,data=open"]
MIB = 1 << 20
PLAIN = build.Luks(key_bytes=64)  # a size that QEMU's ciphers have

# name, size in bytes, options of qemu-img create, variant
CREATED = [
    ("default", MIB, "", "v1 aes xts-plain64 sha256"),
    ("cbc", 3 * MIB, "cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha512", "v1 aes cbc-essiv:sha256 sha512"),
]
# Copies of the first one, by how many bytes their files are longer.
RESIZED = {"empty": -MIB, "one sector": 512 - MIB, "grown": 4 * MIB, "of an odd size": 100, "cut to an odd size": -100}
CREATE_TRIES = 20

# name, container, status word's message, and whether qemu-img info refuses it too
BROKEN = [
    ("version 2", build.Luks(key_bytes=64, version=2), "LUKS version 2", True),
    ("detached header", build.Luks(key_bytes=64, payload_sector=0), "detached LUKS header", True),
    ("payload in the header", build.Luks(key_bytes=64, payload_sector=7), "payload at sector 7, inside the header", True),
    ("no master key iterations", build.Luks(key_bytes=64, iterations=0), "64 bytes with 0 iterations", True),
    ("no master key", build.Luks(key_bytes=0, payload_sector=72, slots=[build.Slot(sector=8 + 8 * n) for n in range(8)]), "key of 0 bytes", True),
    ("cipher's name without an end", build.Luks(key_bytes=64, cipher=b"a" * 32), "name of the cipher does not end", True),
    ("mode without an end", build.Luks(key_bytes=64, mode=b"x" * 32), "mode of the cipher does not end", True),
    ("hash without an end", build.Luks(key_bytes=64, hash=b"x" * 32), "name of the hash does not end", True),
]


def slot_changed(number, **changes):
    image = build.Luks(key_bytes=64)
    for name, value in changes.items():
        setattr(image.slots[number], name, value)
    return image


BROKEN += [
    ("slot with other stripes", slot_changed(5, stripes=3999), "key slot 5 has 3999 stripes", True),
    ("slot neither enabled nor disabled", slot_changed(2, state=0xAC71F2), "key slot 2 is neither", True),
    ("slot without iterations", slot_changed(0, iterations=0), "key slot 0 has no iterations", True),
    ("slot in the header", slot_changed(1, sector=7), "key slot 1 at sector 7, inside the header", True),
    ("slot in the payload", slot_changed(7, sector=PLAIN.payload_sector - 496), r"key slot 7 reaches to sector \d+, the payload begins at", True),
    ("slots that overlap", slot_changed(4, sector=PLAIN.slots[6].sector + 503), "key slots 4 and 6 overlap", True),
]


def with_key(name):
    return ["--image-opts", f"driver=luks,key-secret=key,file.filename={name}"]


def keyed_map(name, output, cwd):
    return qemu.execute(["qemu-img", "map", "-U", f"--output={output}", *SECRET, *with_key(name)], cwd)


def compare_maps(options, name, cwd):
    notes = []
    for compare, output in ((qemu.compare_json, "json"), (qemu.compare_human, "human")):
        ours = qemu.imgaudit_map(options.imgaudit, name, [f"--output={output}"], cwd)
        theirs = keyed_map(name, output, cwd)
        notes += compare(output, theirs, ours)
        if output == "json" and theirs.code != 0:
            notes.append(f"qemu-img has no map: {theirs.err}")
    return notes


def check(tap_out, passed, name, notes):
    tap_out.check(passed, name, [] if passed else notes)


def create(cwd, name, size, extra):
    """qemu-img measures how fast it is, and on a busy machine sometimes cannot."""
    words = ",".join(["key-secret=key", "iter-time=10", *([extra] if extra else [])])
    command = ["qemu-img", "create", "-q", "-f", "luks", *SECRET, "-o", words, name, str(size)]
    for _ in range(CREATE_TRIES):
        done = qemu.execute(command, cwd)
        if "accurate CPU usage" not in done.err:
            break
    if done.code != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.err}")


def copy(cwd, name, longer=0):
    data = Path(cwd, "default").read_bytes()
    data = data[:longer] if longer < 0 else data + bytes(longer)
    Path(cwd, name).write_bytes(data)


def test_maps_equal_qemu_imgs_with_the_key(tap_out, options, cwd):
    for name, size, extra, _ in CREATED:
        create(cwd, name, size, extra)
    copy(cwd, "dense")
    for name, longer in RESIZED.items():
        copy(cwd, name, longer)
    for name in (*(created[0] for created in CREATED), "dense", *RESIZED):
        notes = compare_maps(options, name, cwd)
        check(tap_out, not notes, f"{name}: the map equals qemu-img's with the key", notes)


def test_maps_of_ranges_equal_qemu_imgs(tap_out, options, cwd):
    for words in (["-s", "512", "-l", "1000"], ["-s", "1M"], ["-s", "700", "-l", "5"]):
        theirs = qemu.execute(["qemu-img", "map", "-U", "--output=json", *words, *SECRET, *with_key("default")], cwd)
        notes = [theirs.err] if theirs.code != 0 else qemu.compare_json(" ".join(words), theirs, qemu.imgaudit_map(options.imgaudit, "default", ["--output=json", *words], cwd))
        check(tap_out, not notes, f"the map with {' '.join(words)} equals qemu-img's", notes)


def test_an_overlay_shows_the_container_behind_it(tap_out, options, cwd):
    made = qemu.execute(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", "default", "-F", "luks", "overlay", str(2 * MIB)], cwd)
    chain = "driver=qcow2,file.filename=overlay,backing.driver=luks,backing.key-secret=key,backing.file.filename=default"
    theirs = qemu.execute(["qemu-img", "map", "-U", "--output=json", *SECRET, "--image-opts", chain], cwd)
    notes = qemu.compare_json("json", theirs, qemu.imgaudit_map(options.imgaudit, "overlay", ["--output=json"], cwd))
    check(tap_out, made.code == 0 and theirs.code == 0 and not notes, "an overlay's map shows the container behind it as qemu-img's does", notes)


def test_a_scan_finds_one_encrypted_extent(tap_out, options, cwd):
    found = scanned.scan(options.imgaudit, cwd, cwd + ".db")
    sizes = {name: (size, variant) for name, size, _, variant in CREATED}
    sizes |= {name: (-(-(MIB + longer) // 512) * 512, CREATED[0][3]) for name, longer in RESIZED.items()}
    # Eight slots of 4000 stripes, each a multiple of 4096 bytes, behind 4096 bytes: keys of 64 bytes, and of 16.
    payloads = {name: 4096 + 8 * -(-4000 * (16 if name == "cbc" else 64) // 4096) * 4096 for name in sizes}
    for name, (size, variant) in sizes.items():
        payload = payloads[name]
        image, extents = found[name].image, found[name].extents
        got = (image["format"], image["variant"], image["virtual_size"], image["encrypted"], image["metadata_bytes"], image["truncated"])
        check(tap_out, got == ("luks", variant, size, 1, payload, 0), f"{name}: the facts are {variant}, {size} bytes, encrypted", [got])
        expected = [(0, size, "encrypted", payload)] if size else []
        check(tap_out, extents == expected, f"{name}: one encrypted extent over the payload, or none", [extents, expected])
    built = build.Luks(cipher=b"a\x07b" + b"c" * 28, mode=b"m" * 31, hash=b"h" * 31).build()
    Path(cwd, "named").write_bytes(built)
    variant = scanned.scan(options.imgaudit, cwd, cwd + ".db")["named"].image["variant"]
    expected = "v1 a?b" + "c" * 26 + " " + "m" * 29 + " " + "h" * 29
    check(tap_out, variant == expected, "long names that are not printable fit into the variant", [variant])


def test_an_unknown_cipher_is_mapped(tap_out, options, cwd):
    """A deliberate difference: the map does not depend on the cipher."""
    Path(cwd, "cipher").write_bytes(build.Luks(key_bytes=64, cipher=b"camellia").build())
    info = qemu.execute(["qemu-img", "info", "cipher"], cwd)
    ours = qemu.imgaudit_map(options.imgaudit, "cipher", ["--output=json"], cwd)
    entry = qemu.entries(ours)[0] if ours.code == 0 else {}
    check(tap_out, info.code == 1 and entry.get("length") == 4096, "a cipher that QEMU does not have is mapped", [info.err, ours.err])


def test_broken_containers_are_refused(tap_out, options, cwd):
    Path(cwd, "whole").write_bytes(PLAIN.build())
    whole = qemu.execute(["qemu-img", "info", "whole"], cwd), qemu.imgaudit_map(options.imgaudit, "whole", ["--output=json"], cwd)
    check(tap_out, whole[0].code == 0 and whole[1].code == 0, "the builder's container is one for qemu-img too", [whole[0].err, whole[1].err])
    for name, image, message, refused in BROKEN:
        Path(cwd, "broken").write_bytes(image.build())
        judge(tap_out, options, cwd, name, message, refused)
    whole = PLAIN.build()
    for name, size, message in (("cut in its slots", 8192, "past the end of the file of 8192 bytes"),
                                ("cut in its header", 500, "header cut at 500"), ("cut behind its magic", 8, "header cut at 8")):
        Path(cwd, "broken").write_bytes(whole[:size])
        judge(tap_out, options, cwd, name, message, True)
    Path(cwd, "broken").write_bytes(b"nothing here".ljust(4096, b"\0"))
    judge(tap_out, options, cwd, "no magic, with -f luks", "no LUKS magic", True)


def judge(tap_out, options, cwd, name, message, refused):
    theirs = qemu.execute(["qemu-img", "info", "-f", "luks", "broken"], cwd)
    ours = qemu.imgaudit_map(options.imgaudit, "broken", ["-f", "luks"], cwd)
    passed = ours.code == 1 and re.search(message, ours.err) and (theirs.code == 1) == refused
    check(tap_out, passed, f"refused: {name}", [ours.code, ours.err, theirs.err])


def main():
    parser = harness.parser(__doc__ or "LUKS containers", 1)
    parser.add_argument("--read-guest", metavar="PATH", help="accepted: nobody reads what is encrypted")
    options = harness.parse(parser)
    out = harness.Tap()
    with harness.work_directory(options.keep) as directory:
        cwd = os.path.join(directory, "images")
        os.makedirs(cwd, exist_ok=True)
        for test in (
            test_maps_equal_qemu_imgs_with_the_key,
            test_maps_of_ranges_equal_qemu_imgs,
            test_an_overlay_shows_the_container_behind_it,
            test_a_scan_finds_one_encrypted_extent,
            test_an_unknown_cipher_is_mapped,
            test_broken_containers_are_refused,
        ):
            test(out, options, cwd)
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
