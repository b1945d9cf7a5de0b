# SPDX-License-Identifier: MIT
# LUKS version 1 containers from the specification ("LUKS On-Disk Format Specification Version 1.2.3", section 2):
# headers only, with key slots that no password opens.

import struct
from dataclasses import dataclass, field

SECTOR = 512
MAGIC = b"LUKS\xba\xbe"
ENABLED, DISABLED = 0x00AC71F3, 0x0000DEAD
STRIPES = 4000
ALIGNED = 8  # sectors: cryptsetup keeps key material and payload at multiples of 4096 bytes
SLOTS = 8


@dataclass
class Slot:
    state: int = DISABLED
    iterations: int = 0
    sector: int = 0
    stripes: int = STRIPES


@dataclass
class Luks:
    """One container. Key material of one-byte keys is small: no cipher has such, and nobody asks."""

    cipher: bytes = b"aes"
    mode: bytes = b"xts-plain64"
    hash: bytes = b"sha256"
    version: int = 1
    key_bytes: int = 1
    iterations: int = 1000
    payload_sector: int = None
    payload: bytes = bytes(4096)
    slots: list = field(default_factory=list)

    def __post_init__(self):
        sectors = -(-self.key_bytes * STRIPES // SECTOR)
        sectors = -(-sectors // ALIGNED) * ALIGNED
        self.slots = self.slots or [Slot(sector=ALIGNED + n * sectors) for n in range(SLOTS)]
        self.slots[0].state, self.slots[0].iterations = ENABLED, 1000
        self.behind_slots = ALIGNED + SLOTS * sectors
        if self.payload_sector is None:
            self.payload_sector = self.behind_slots

    def header(self):
        """Figure 1: the partition header, figure 2: its key slots."""
        out = struct.pack(">6sH32s32s32sII20s32sI40s", MAGIC, self.version, self.cipher, self.mode, self.hash, self.payload_sector,
                          self.key_bytes, b"d" * 20, b"s" * 32, self.iterations, b"00112233-4455-6677-8899-aabbccddeeff")
        for slot in self.slots:
            out += struct.pack(">II32sII", slot.state, slot.iterations, b"t" * 32, slot.sector, slot.stripes)
        assert len(out) == 592
        return out

    def build(self):
        head = self.header().ljust(self.payload_sector * SECTOR, b"\0")
        return head + self.payload


def slot(number, **changes):
    """A container with one key slot changed."""
    image = Luks()
    for name, value in changes.items():
        setattr(image.slots[number], name, value)
    return image


def seeds():
    yield "plain", Luks().build()
    yield "no-payload", Luks(payload=b"").build()
    yield "odd-size", Luks(payload=bytes(700)).build()
    yield "long-names", Luks(cipher=b"c" * 31, mode=b"m" * 31, hash=b"h" * 31).build()
    yield "name-without-end", Luks(cipher=b"c" * 32).build()
    yield "version-2", Luks(version=2).build()
    yield "detached", Luks(payload_sector=0).build()
    yield "payload-past-end", Luks(payload=b"").build()[:8192]
    yield "slot-in-payload", slot(7, sector=1000).build()
    yield "slots-overlap", slot(3, sector=8).build()
    yield "huge-key", Luks(key_bytes=0xFFFFFFFF, payload_sector=72, slots=[Slot(sector=8) for _ in range(SLOTS)]).build()
