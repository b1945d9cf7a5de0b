# SPDX-License-Identifier: MIT
# What is said of raw images: their kinds, by a scan and by blkid, and that their maps are qemu-img's. Imported only.

import os
import shutil
from dataclasses import dataclass

import qemu
import scanned

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


@dataclass
class Case:
    """A raw image, its kind, and what `blkid -p` calls it: (PTTYPE, TYPE). None: blkid is not asked."""

    name: str
    data: bytes
    kind: str
    blkid: tuple = None
    size: int = 0  # the file is longer than its data by a hole


def blkid(path):
    done = qemu.execute([shutil.which("blkid", path=PATH), "-p", "-o", "export", path])
    words = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    return words.get("PTTYPE"), words.get("TYPE")


def check(tap_out, passed, name, notes=()):
    tap_out.check(passed, name, [] if passed else notes)


def judge(tap_out, options, where, case, found):
    name = case.name + ".img"
    image = found[name].image if name in found else {}
    if os.path.getsize(os.path.join(where, name)) > 0:
        got = (image.get("format"), image.get("variant"), image.get("truncated"))
        check(tap_out, got == ("raw", case.kind, 0), f"{case.name}: {case.kind or 'no kind'}", [got])
    for output, compare in (("json", qemu.compare_json), ("human", qemu.compare_human)):
        _, _, notes = qemu.compare_runs(compare, output, lambda: qemu.qemu_map([name], [f"--output={output}"], where),
                                        lambda: qemu.imgaudit_map(options.imgaudit, name, [f"--output={output}"], where))
        check(tap_out, not notes, f"{case.name}: the {output} map is qemu-img's", notes)
    if case.blkid is None:
        return
    if not shutil.which("blkid", path=PATH):
        tap_out.skip(f"{case.name}: blkid agrees", "blkid is not installed")
        return
    got = blkid(os.path.join(where, name))
    check(tap_out, got == case.blkid, f"{case.name}: blkid agrees", [got, case.blkid])


def judge_all(tap_out, options, directory, cases):
    where = os.path.join(directory, "images")
    os.makedirs(where, exist_ok=True)
    for case in cases:
        with open(os.path.join(where, case.name + ".img"), "wb") as file:
            file.write(case.data)
            file.truncate(max(case.size, len(case.data)))
    found = scanned.scan(options.imgaudit, where, os.path.join(directory, "store.db"))
    for case in cases:
        judge(tap_out, options, where, case, found)
