# SPDX-License-Identifier: MIT
# Compressed disks of the cloop driver, format V2.0: a script, two numbers, the offsets of the blocks, the blocks.

import struct
import zlib
from dataclasses import dataclass

SCRIPT = b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\nexit $?\n"
TABLE = 136


@dataclass
class Image:
    """blocks: what each expands to."""

    blocks: list
    block_size: int = 65536
    level: int = 9
    script: bytes = SCRIPT
    count: int = None  # of the blocks, as the header has it
    gap: int = 0  # bytes between the table and the blocks
    shift: dict = None  # {entry of the table: what to add to it}

    def packed(self):
        return [zlib.compress(block.ljust(self.block_size, b"\0"), self.level) for block in self.blocks]

    def offsets(self):
        offsets = [TABLE + 8 * (len(self.blocks) + 1) + self.gap]
        for data in self.packed():
            offsets.append(offsets[-1] + len(data))
        for index, more in (self.shift or {}).items():
            offsets[index] += more
        return offsets

    def bytes(self):
        count = self.count if self.count is not None else len(self.blocks)
        offsets = self.offsets()
        table = struct.pack(f">{len(offsets)}Q", *(offset % (1 << 64) for offset in offsets))
        return (self.script.ljust(128, b"\0") + struct.pack(">II", self.block_size, count) + table + b"\xee" * self.gap
                + b"".join(self.packed()))

    def content(self):
        return {index * self.block_size: block for index, block in enumerate(self.blocks) if block}


def seeds():
    some = [b"first" * 50, b"", b"third" * 99]
    yield "three-blocks", Image(some).bytes()
    yield "no-blocks", Image([]).bytes()
    yield "small-blocks", Image(some, block_size=512).bytes()
    yield "gap", Image(some, gap=777).bytes()
    yield "stored", Image(some, level=0, block_size=4096).bytes()
    yield "shortest-script", Image(some, script=SCRIPT[:23]).bytes()
    yield "cut", Image(some).bytes()[:-30]
    yield "cut-table", Image(some).bytes()[:150]
    yield "descending", Image(some, shift={1: 1 << 20}).bytes()
    yield "huge-offset", Image(some, shift={3: 1 << 63}).bytes()
    yield "more-blocks-than-table", Image(some, count=100000).bytes()
    yield "most-blocks", Image([], count=0xffffffff).bytes()
    yield "all-past-the-end", (SCRIPT.ljust(128, b"\0") + struct.pack(">II", 64 << 20, 120000))
    yield "odd-block-size", Image(some, block_size=1000).bytes()
    yield "no-block-size", Image([b""], block_size=0, count=1).bytes()
