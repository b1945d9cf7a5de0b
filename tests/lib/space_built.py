# SPDX-License-Identifier: MIT
# Images whose every byte the builders place, and what each byte of their files is for. Imported only.
#
# A case is (name, format, files, claims): files are {name: bytes}, the first one the image; claims are, for each file in
# the order of the account, a list of (use, start, length) from which expected() paints its sectors.

import struct
import os

import guest
from builders import bochs, cloop, dmg, luks, parallels, qcow1, qed, vdi, vmdk, vpc

SECTOR = 512
MIB = guest.MIB
USES = ("unused", "leaked", "unallocated", "snapshot", "zero", "data", "bitmap", "metadata")  # the greater one counts


def expected(size, claims):
    """{use: bytes} of a file of `size` bytes, sector by sector."""
    sectors = [0] * -(-size // SECTOR)
    for use, start, length in claims:
        last = min(-(-(start + length) // SECTOR), len(sectors)) if length > 0 else 0
        for sector in range(start // SECTOR, last):
            sectors[sector] = max(sectors[sector], USES.index(use))
    return {use: sectors.count(number) * SECTOR for number, use in enumerate(USES) if number in sectors}


def fill(*numbers, length=SECTOR):
    return {number: bytes([number % 255 + 1]) * length for number in numbers}


# -- Formats of one table ---------------------------------------------------------------------------------------------

def bochs_cases():
    # Header 512, catalog 2048; extents 0, 1 and 5, each 512 of bitmap and 4096 of sectors, of which four were written.
    some = bochs.Image(64 * 1024, fill(3, 4, 9, 40))
    claims = [("metadata", 0, 2560)]
    for place in range(3):
        claims += [("metadata", 2560 + place * 4608, 512), ("zero", 2560 + place * 4608 + 512, 4096)]
    claims += [("data", some.place_of(sector), SECTOR) for sector in (3, 4, 9, 40)]
    yield "sectors that were written and others", "bochs", {"a": some.bytes()}, [claims]
    # A disk of 17 sectors has three extents: of the third one a sector is the guest's, and all of it is kept for that.
    odd = bochs.Image(17 * SECTOR, fill(16), entries=128, allocated=[2, 4])
    yield "an extent past the end of the disk, and a last one cut", "bochs", {"a": odd.bytes()}, [[
        ("metadata", 0, 1024), ("metadata", 1024, 512), ("data", 1536, 4096), ("metadata", 5632, 512), ("unallocated", 6144, 4096)]]
    # What no entry names, a lost extent at the end.
    lost = bochs.Image(64 * 1024, fill(0), entries=128)
    yield "a lost extent", "bochs", {"a": lost.bytes() + bytes(4608)}, [[
        ("metadata", 0, 1024), ("metadata", 1024, 512), ("data", 1536, SECTOR), ("zero", 2048, 4096 - SECTOR)]]


def cloop_cases():
    image = cloop.Image([b"first" * 50, b"", os.urandom(5000)], gap=2000)
    offsets = image.offsets()
    yield "a gap before the blocks", "cloop", {"a": image.bytes()}, [[
        ("metadata", 0, 136 + 4 * 8), ("data", offsets[0], offsets[-1] - offsets[0])]]
    yield "something behind the blocks", "cloop", {"a": image.bytes() + bytes(3000)}, [[
        ("metadata", 0, 136 + 4 * 8), ("data", offsets[0], offsets[-1] - offsets[0])]]


def dmg_cases():
    def accounts_of(disk, data, seen):
        body, tables = len(disk.body), len(disk.plist())
        claims = [("metadata", body, tables), ("metadata", len(data) - 512, 512)]
        for chunk in disk.chunks():
            inside = max(0, min(chunk.sectors, seen - chunk.start))
            if chunk.type == dmg.RAW:
                claims += [("data", chunk.offset, inside * SECTOR), ("unallocated", chunk.offset, chunk.sectors * SECTOR)]
            elif chunk.type in dmg.COMPRESSED:
                claims += [("data" if inside else "unallocated", chunk.offset, len(chunk.stored))]
        return [claims]

    noise = os.urandom(8 * SECTOR)
    make = lambda: dmg.Disk(2048).add(0, [dmg.chunk(dmg.RAW, noise), dmg.nothing(dmg.ZERO, 8), dmg.chunk(dmg.ZLIB, noise),
                                          dmg.chunk(dmg.BZIP2, noise), dmg.chunk(dmg.RAW, noise)])
    disk = make()
    yield "chunks behind a gap", "dmg", {"a.dmg": disk.build()}, accounts_of(disk, disk.build(), 40)
    disk = make()
    cut = disk.build(sectors=18)  # in the middle of the zlib chunk
    yield "chunks past the end of the disk", "dmg", {"a.dmg": cut}, accounts_of(disk, cut, 18)
    disk = make()
    signed = bytearray(disk.build())
    struct.pack_into(">QQ", signed, len(signed) - 512 + 0x128, 512, 700)
    yield "a code signature", "dmg", {"a.dmg": bytes(signed)}, [[*accounts_of(disk, signed, 40)[0], ("metadata", 512, 700)]]


def luks_cases():
    whole = luks.Luks()
    start = whole.payload_sector * SECTOR
    yield "header, key slots, payload", "luks", {"a": whole.build()}, [[("metadata", 0, start), ("data", start, 4096)]]
    odd = luks.Luks(payload=bytes(700))
    yield "a payload that ends inside a sector", "luks", {"a": odd.build()}, [[("metadata", 0, start), ("data", start, 700)]]


def vdi_cases():
    block = b"\x11" * vdi.BLOCK
    # Header, map, a gap up to 1 MiB; blocks 2 and 0 in this order; the second half of block 2 is past the end of the disk.
    image = vdi.Image(2 * vdi.BLOCK + vdi.BLOCK // 2, {0: block, 1: vdi.ZERO, 2: block}, order=[2, 0], data_offset=MIB)
    yield "blocks in another order, behind a gap", "vdi", image, [[
        ("metadata", 0, 512), ("metadata", 512, 12), ("data", MIB, 2 * MIB)]]
    # Block 7 is past the map: counted in the header, named by nothing.
    image = vdi.Image(4 * vdi.BLOCK, {0: block, 3: block, 7: block}, order=[0, 7, 3])
    yield "a block that is counted and lost", "vdi", image, [[
        ("metadata", 0, 1024), ("data", 1024, MIB), ("leaked", 1024 + MIB, MIB), ("data", 1024 + 2 * MIB, MIB)]]
    image = vdi.Image(4 * vdi.BLOCK, {0: block, 1: block}, extra=512)
    stride = MIB + 512
    yield "bytes before each block", "vdi", image, [[("metadata", 0, 1024), *(
        claim for at in (1024, 1024 + stride) for claim in (("metadata", at, 512), ("data", at + 512, MIB)))]]
    image = vdi.Image(2 * vdi.BLOCK, {0: b"x", 1: block}, kind=vdi.STATIC)
    yield "a static image with holes", "vdi", image, [[("metadata", 0, 1024), ("data", 1024, 2 * MIB)]]


# -- Two levels -------------------------------------------------------------------------------------------------------

def qcow1_cases():
    image = qcow1.Image(8 << 20)  # L1 of four entries, clusters and L2 tables of 4096
    plain = [image.plain(number) for number in (0, 1, 513)]
    image.put(qcow1.round_up(len(image.file), 4096), b"lost" * 1024)
    packed = [image.packed(number) for number in (5, 6, 7)]
    after = image.plain(9)
    yield "plain, packed and lost clusters", "qcow", {"a": image.bytes()}, [[
        ("metadata", 0, 4096), *(("metadata", at, 4096) for at in image.tables.values()), *(("data", at, 4096) for at in [*plain, after]),
        *(("data", at, length) for at, length in packed)]]
    small = qcow1.small(size=12345, backing=b"base.img")  # the last of 25 clusters of 512 has 57 bytes, which no guest sees
    at, unseen = small.plain(23), small.plain(24)
    yield "a backing file's name, a disk that ends inside a sector", "qcow", {"a": small.bytes()}, [[
        ("metadata", 0, 512), *(("metadata", at, 512) for at in small.tables.values()), ("data", at, 512), ("unallocated", unseen, 512)]]
    secret = qcow1.small(crypt=1)
    at = secret.plain(5)
    yield "encrypted", "qcow", {"a": secret.bytes()}, [[
        ("metadata", 0, 512), ("metadata", secret.tables[0], 512), ("data", at, 512)]]


def qed_cases():
    image = qed.Image(5 * MIB - 1024, table=4, header_size=3, l1=5 * 4096)  # clusters 3 and 4 belong to nothing
    places = [image.plain(number) for number in (0, 7, 1279)]
    image.zero(8)
    beyond = [image.plain(number) for number in (1281, 9 * 2048)]  # in the disk's last table, and in one of their own
    yield "lost clusters, some past the end, a last one cut", "qed", {"a": image.bytes()}, [[
        ("metadata", 0, 3 * 4096), ("metadata", 5 * 4096, 4 * 4096), *(("metadata", at, 4 * 4096) for at in image.tables.values()),
        *(("data", at, 4096) for at in places), *(("unallocated", at, 4096) for at in beyond)]]


# -- Parallels --------------------------------------------------------------------------------------------------------

def parallels_cases():
    # 128 sectors in 16 clusters of 4096; header and BAT take one, one stays free, entries 16 to 19 are past the end.
    spare = parallels.Expandable(128, 8, parallels.filled([0, 5, 18, 15], 8), gap=1, entries=20)
    yield "a free cluster, one past the end of the disk", "parallels", {"a": spare.to_bytes()}, [[
        ("metadata", 0, 4096), ("data", 2 * 4096, 4096), ("data", 3 * 4096, 4096), ("unallocated", 4 * 4096, 4096), ("data", 5 * 4096, 4096)]]
    # The cluster that the gap leaves free is a part of a bitmap; the extension comes last.
    marked = parallels.Expandable(8 << 15, 8, parallels.filled([1], 8), gap=1,
                                  features=[parallels.bitmap(8 << 15, 1, [33 * 8, 0, 1] + [0] * 5)])
    start = marked.data_start
    assert start == 33 * 4096
    yield "a dirty bitmap", "parallels", {"a": marked.to_bytes()}, [[
        ("metadata", 0, start), ("bitmap", start, 4096), ("data", start + 4096, 4096), ("metadata", start + 8192, 4096)]]
    odd = parallels.Expandable(125, 8, parallels.filled([15], 8), magic=parallels.V1)
    yield "version 1, a last cluster cut", "parallels", {"a": odd.to_bytes()}, [[("metadata", 0, 512), ("data", 512, 4096)]]


def parallels_disk_cases():
    base, top, nobody = parallels.guid(1), parallels.USUAL_TOP, parallels.guid(9)
    images = {"0.hds": parallels.Expandable(128, 8, parallels.filled([0, 1, 2], 8)).to_bytes(),
              "1.hds": parallels.Expandable(128, 8, parallels.filled([1, 3], 8)).to_bytes(),
              "2.hds": parallels.Expandable(128, 8, parallels.filled([4], 8)).to_bytes()}
    storage = parallels.Storage(0, 128, 8, [parallels.Image(g, f"{n}.hds") for n, g in enumerate((base, top, nobody))])
    text = parallels.Descriptor(128, [storage], [parallels.Shot(base), parallels.Shot(top, base)]).to_bytes()
    yield "a snapshot, and an image of none", "parallels", {"disk.xml": text, **images}, [
        [("metadata", 0, len(text))],
        [("metadata", 0, 4096), ("data", 4096, 4096), ("snapshot", 8192, 4096), ("data", 12288, 4096)],
        [("metadata", 0, 4096), ("data", 4096, 8192)], []]
    storage = parallels.Storage(0, 128, 8, [parallels.Image(base, "0.raw", "Plain"), parallels.Image(top, "1.hds")])
    text = parallels.Descriptor(128, [storage], [parallels.Shot(base), parallels.Shot(top, base)]).to_bytes()
    yield "a plain base, longer than the disk", "parallels", {
        "disk.xml": text, "0.raw": bytes(4096) + os.urandom(64 * 1024), "1.hds": images["1.hds"]}, [
        [("metadata", 0, len(text))], [("data", 0, 4096), ("snapshot", 4096, 4096), ("data", 8192, 4096), ("snapshot", 12288, 4096), ("data", 16384, 12 * 4096)],
        [("metadata", 0, 4096), ("data", 4096, 8192)]]


# -- VHD --------------------------------------------------------------------------------------------------------------

def vpc_cases():
    block = 8192  # a bitmap of one sector before it
    small = lambda **more: vpc.Layout(block_size=block, **more)
    whole = lambda *numbers: {number: vpc.Block(vpc.pattern(block, number)) for number in numbers}
    fixed = vpc.fixed(vpc.pattern(9000 // 512 * 512, 1), vpc.Footer(4096))
    yield "fixed, with room before the footer", "vpc", {"a.vhd": fixed}, [[("data", 0, 4096), ("metadata", len(fixed) - 512, 512)]]
    # Copy of the footer, header, BAT; then 1024 bytes before each block; entry 6 is past the end of a disk of 3.5 blocks.
    data = vpc.sparse(whole(0, 3, 6), vpc.Footer(7 * block // 2), small(entries=8, gap=1024))
    stride = 1024 + 512 + block
    places = [2048 + 512 + 1024 + n * stride - 512 for n in range(3)]
    claims = [("metadata", 0, 2048), *(("metadata", at, 512) for at in places), ("data", places[0] + 512, block),
              ("data", places[1] + 512, block), ("unallocated", places[2] + 512, block)]
    yield "dynamic, with gaps and a block past the end", "vpc", {"a.vhd": data}, [[*claims, ("metadata", len(data) - 512, 512)]]
    yield "dynamic, cut at its end", "vpc", {"a.vhd": data[:-512]}, [claims]
    batmap = bytearray(data)
    batmap[2048:2048 + 20] = struct.pack(">8sQI", b"tdbatmap", 2560, 1)
    yield "dynamic, with a batmap", "vpc", {"a.vhd": bytes(batmap)}, [[*claims, ("metadata", len(data) - 512, 512), ("metadata", 2048, 1024)]]
    parent = vpc.Parent(name="base.vhd", locators=[(b"W2ru", ".\\base.vhd"), (b"W2ku", "C:\\vm\\base.vhd")])
    blocks = {0: vpc.Block(vpc.pattern(block, 0), {1, 2, 9}), 2: vpc.Block(vpc.pattern(block, 2), set())}
    data = vpc.sparse(blocks, vpc.Footer(4 * block), small(), parent)
    first = 1536 + 1024 + 512  # two locators of a sector each, the BAT
    yield "differencing", "vpc", {"a.vhd": data}, [[
        ("metadata", 0, first), ("metadata", first, 512), ("unallocated", first + 512, block), ("data", first + 1024, 1024),
        ("data", first + 512 + 9 * 512, 512), ("metadata", first + 512 + block, 512), ("unallocated", first + 1024 + block, block),
        ("metadata", len(data) - 512, 512)]]


# -- VMDK -------------------------------------------------------------------------------------------------------------

def vmdk_cases():
    grain = 8 * SECTOR
    text = vmdk.descriptor("monolithicSparse", [vmdk.extent_line(1024, "SPARSE", "a.vmdk")])
    grains = {**fill(0, 5, 100, length=grain), 7: vmdk.ZEROED}
    image = vmdk.monolithic(grains, 1024, 8, 32, text, flags=vmdk.FLAG_NEWLINES | vmdk.FLAG_REDUNDANT | vmdk.FLAG_ZERO_GRAINS)
    # 1 header, 20 descriptor, a directory and 4 tables twice: 31 sectors, and one up to the first grain.
    yield "monolithicSparse, and a lost grain", "vmdk", {"a.vmdk": image + bytes(grain)}, [[
        ("metadata", 0, 32 * SECTOR), ("data", 32 * SECTOR, 3 * grain)]]
    raw = {number: os.urandom(100) + bytes(8 * SECTOR - 100) for number in (0, 1, 40, 100)}
    yield from vmdk_streams(raw, text)
    yield from vmdk_parts()


def vmdk_streams(grains, text):
    """Markers, tables and directory are metadata, and the rest is grains: all from sector 128 on."""
    for footer in (True, False):
        image = vmdk.stream(grains, 1024, 8, 32, text, footer=footer)
        # Tables 0, 1 and 3, the directory: each a marker and a sector. Then the footer's three, or the end-of-stream marker.
        metadata = 128 + 4 * 2 + (3 if footer else 0)
        total = len(image) // SECTOR
        unused = 0 if footer else 1
        yield f"a stream {'with' if footer else 'without'} a footer", "vmdk", {"a.vmdk": image}, [
            {"metadata": metadata * SECTOR, "data": (total - metadata - unused) * SECTOR, **({} if footer else {"unused": SECTOR})}]




def vmdk_parts():
    flat = vmdk.descriptor("monolithicFlat", [vmdk.extent_line(16, "FLAT", "f.bin", 4), vmdk.extent_line(8, "ZERO")])
    yield "a flat extent inside a file", "vmdk", {"a.vmdk": flat, "f.bin": bytes(30 * SECTOR)}, [
        [("metadata", 0, len(flat))], [("data", 4 * SECTOR, 16 * SECTOR)]]
    # Header 4, directory 1; a table of 32 sectors and the grains behind it.
    cowd = vmdk.cowd(fill(0, 3), 64)
    text = vmdk.descriptor("vmfsSparse", [vmdk.extent_line(64, "VMFSSPARSE", "c.bin")])
    yield "COWD", "vmdk", {"a.vmdk": text, "c.bin": cowd + bytes(SECTOR)}, [
        [("metadata", 0, len(text))], [("metadata", 0, 37 * SECTOR), ("data", 37 * SECTOR, 2 * SECTOR)]]
    # Of the four grains in the file the second was unmapped and keeps its number, and nothing names the fourth.
    image = bytearray(vmdk.se_sparse({**fill(0, 1, 3, length=4096), 5: vmdk.ZEROED}, 64) + bytes(4096))
    table = 17 * SECTOR
    assert struct.unpack_from("<Q", image, table + 8)[0] == vmdk.se_entry(1)
    struct.pack_into("<Q", image, table + 8, 1 << 60 | 1 << 48)
    text = vmdk.descriptor("seSparse", [vmdk.extent_line(64, "SESPARSE", "s.bin")])
    first = 17 * SECTOR + 64 * SECTOR
    yield "seSparse, with an unmapped grain", "vmdk", {"a.vmdk": text, "s.bin": bytes(image)}, [
        [("metadata", 0, len(text))], [("metadata", 0, first), ("data", first, 4096), ("zero", first + 4096, 4096), ("data", first + 8192, 4096)]]
    # An extent of 12 sectors ends inside its second grain, which is kept whole.
    short = vmdk.monolithic(fill(0, 1, length=8 * SECTOR), 12, 8, 32, flags=1)
    text = vmdk.descriptor("twoGbMaxExtentSparse", [vmdk.extent_line(12, "SPARSE", "1"), vmdk.extent_line(12, "SPARSE", "2")])
    yield "extents that end inside a grain", "vmdk", {"a.vmdk": text, "1": short, "2": short}, [
        [("metadata", 0, len(text))],
        [("metadata", 0, 8 * SECTOR), ("data", 8 * SECTOR, 12 * SECTOR), ("unallocated", 20 * SECTOR, 4 * SECTOR)],
        [("metadata", 0, 8 * SECTOR), ("data", 8 * SECTOR, 12 * SECTOR), ("unallocated", 20 * SECTOR, 4 * SECTOR)]]


def cases():
    for of_format in (bochs_cases, cloop_cases, dmg_cases, luks_cases, vdi_cases, qcow1_cases, qed_cases, parallels_cases,
                      parallels_disk_cases, vpc_cases, vmdk_cases):
        yield from of_format()
