# SPDX-License-Identifier: MIT
# Parallels images from their specifications (parallels.rst and prl-xml.rst of QEMU's docs/interop): expandable images in
# both versions, format extensions, and disks of a DiskDescriptor.xml with storages, shots and pieces.

import hashlib
import struct
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

SECTOR = 512
V1, V2 = b"WithoutFreeSpace", b"WithouFreSpacExt"
IN_USE, CLOSED = 0x746F6E59, 0x312E3276
EMPTY_IMAGE = 1
HEADER = struct.Struct("<16sIIIIIQIIIQ")
EXTENSION_MAGIC = 0xAB234CEF23DCEA87
DIRTY_BITMAP = 0x20385FAE252CB34A
NECESSARY, TRANSIT = 1, 2
NO_GUID = "{00000000-0000-0000-0000-000000000000}"
USUAL_TOP = "{5fbaabe3-6958-40ff-92a7-860e329aab41}"


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


# -- Expandable images ------------------------------------------------------------------------------------------------

@dataclass
class Expandable:
    """An expandable image of `sectors`. clusters: guest cluster -> its bytes, in the order in which they lie in the file.

    What is None is as the specification wants it."""

    sectors: int
    tracks: int = 8
    clusters: dict = field(default_factory=dict)
    magic: bytes = V2
    version: int = 2
    in_use: int = CLOSED
    flags: int = 0
    data_off: int = None     # sectors, as the header has it
    gap: int = 0             # clusters that stay free at the start of the data area
    entries: int = None      # of the BAT
    features: list = None    # of a format extension: from feature() or bitmap()
    extension: bytes = None  # or its cluster itself
    patch: dict = field(default_factory=dict)  # guest cluster -> BAT entry, whatever is right

    def __post_init__(self):
        self.cluster_size = self.tracks * SECTOR
        if self.entries is None:
            self.entries = -(-self.sectors // self.tracks)
        unit = self.cluster_size if self.magic == V2 else SECTOR
        self.data_start = round_up(HEADER.size + 4 * self.entries, unit)
        if self.data_off:
            self.data_start = max(self.data_start, self.data_off * SECTOR)

    def host_offset(self, cluster):
        """Where the bytes of a guest cluster lie in the file, or None."""
        if cluster not in self.clusters:
            return None
        return self.data_start + (self.gap + list(self.clusters).index(cluster)) * self.cluster_size

    def to_bytes(self):
        bat = [0] * self.entries
        unit = self.cluster_size if self.magic == V2 else SECTOR
        places = [(cluster, self.data_start + (self.gap + i) * self.cluster_size) for i, cluster in enumerate(self.clusters)]
        for cluster, place in places:
            bat[cluster] = place // unit
        for cluster, entry in self.patch.items():
            bat[cluster] = entry
        extension = self.extension if self.features is None else extension_cluster(self.features, self.cluster_size)
        end = self.data_start + (self.gap + len(places)) * self.cluster_size
        data_off = self.data_start // SECTOR if self.data_off is None else self.data_off
        header = HEADER.pack(self.magic, self.version, 16, self.sectors // 512, self.tracks, self.entries, self.sectors,
                             self.in_use, data_off, self.flags, end // SECTOR if extension is not None else 0)
        image = bytearray(end)
        image[:HEADER.size + 4 * self.entries] = header + struct.pack(f"<{self.entries}I", *bat)
        for cluster, place in places:
            data = self.clusters[cluster]
            image[place:place + len(data)] = data
        return bytes(image) + (extension or b"")


def feature(magic, data=b"", flags=0):
    return struct.pack("<QQII", magic, flags, len(data), 0) + data + bytes(-len(data) % 8)


def bitmap(sectors, granularity, table, size=None, number=0):
    """A dirty bitmap with its L1 table: 0 and 1 for bits all alike, else the sector of a cluster."""
    data = struct.pack("<Q16sII", sectors if size is None else size, bytes([number]) * 16, granularity, len(table))
    return feature(DIRTY_BITMAP, data + struct.pack(f"<{len(table)}Q", *table))


def extension_cluster(features, cluster_size, end=True, magic=EXTENSION_MAGIC, checksum=None):
    body = b"".join(features) + (feature(0) if end else b"")
    body += bytes(cluster_size - 24 - len(body))
    return struct.pack("<Q", magic) + (checksum or hashlib.md5(body).digest()) + body


# -- Disk descriptors -------------------------------------------------------------------------------------------------

@dataclass
class Image:
    guid: str
    file: str
    kind: str = "Compressed"


@dataclass
class Storage:
    start: int  # sectors
    end: int
    blocksize: int
    images: list


@dataclass
class Shot:
    guid: str
    parent: str = NO_GUID
    name: str = None


def element(name, value):
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"


@dataclass
class Descriptor:
    size: int  # sectors
    storages: list
    shots: list
    top: str = None
    version: str = "1.0"
    padding: int = 0
    sector_size: int = 512
    engine: str = NO_GUID
    key_data: str = ""
    extra: str = ""  # XML inside Disk_Parameters

    def to_bytes(self):
        storages = "\n".join(map(storage_element, self.storages))
        shots = "\n".join(f"<Shot>{element('GUID', shot.guid)}{element('ParentGUID', shot.parent)}{element('Name', shot.name)}</Shot>"
                          for shot in self.shots)
        return f"""<?xml version='1.0' encoding='UTF-8'?>
<Parallels_disk_image Version="{self.version}">
    <Disk_Parameters>
        {element("Disk_size", self.size)}
        <Cylinders>{self.size // 512}</Cylinders>
        <PhysicalSectorSize>4096</PhysicalSectorSize>
        {element("LogicSectorSize", self.sector_size)}
        <Heads>16</Heads>
        <Sectors>32</Sectors>
        {element("Padding", self.padding)}
        <Encryption>
            {element("Engine", self.engine)}
            {element("Data", self.key_data)}
        </Encryption>
        <Name>disk</Name>
        <Miscellaneous><CompatLevel>level2</CompatLevel><Disk_size>1</Disk_size></Miscellaneous>
        {self.extra}
    </Disk_Parameters>
    <StorageData>
{storages}
    </StorageData>
    <Snapshots>
{element("TopGUID", self.top)}
{shots}
    </Snapshots>
</Parallels_disk_image>
""".encode()


def storage_element(storage):
    images = "".join(f"<Image>{element('GUID', image.guid)}{element('Type', image.kind)}{element('File', image.file)}</Image>"
                     for image in storage.images)
    return (f"<Storage>{element('Start', storage.start)}{element('End', storage.end)}{element('Blocksize', storage.blocksize)}"
            f"{images}</Storage>")


def guid(number):
    return f"{{{number:08x}-6958-40ff-92a7-{number:012x}}}"


# -- Seeds ------------------------------------------------------------------------------------------------------------

def pattern(number, size):
    return bytes([number % 255 + 1]) * size


def filled(clusters, tracks):
    return {cluster: pattern(cluster, tracks * SECTOR) for cluster in clusters}


def expandable_seeds():
    sixteen = {"sectors": 128, "clusters": filled([0, 1, 5, 3, 15], 8)}
    yield "v2", Expandable(**sixteen).to_bytes()
    yield "v1", Expandable(**sixteen, magic=V1).to_bytes()
    yield "v1-63-sectors", Expandable(300, 63, filled([2, 0], 63), magic=V1, data_off=0).to_bytes()
    yield "in-use", Expandable(**sixteen, in_use=IN_USE).to_bytes()
    yield "empty", Expandable(64, flags=EMPTY_IMAGE).to_bytes()
    yield "last-cluster-cut", Expandable(125, 8, filled([15], 8)).to_bytes()
    yield "short-bat", Expandable(128, 8, filled([1], 8), entries=4).to_bytes()
    yield "past-the-end", Expandable(128, 8, filled([1], 8), patch={3: 0xFFFFFFFF, 4: 1}).to_bytes()
    yield "bitmap", Expandable(128, 8, filled([1], 8), features=[bitmap(128, 1, [1])]).to_bytes()
    yield "bitmaps", Expandable(1024, 1, {}, features=[bitmap(1024, 2, [8]), bitmap(1024, 1024, [0], number=1)]).to_bytes()
    yield "unknown-feature", Expandable(128, 8, {}, features=[feature(77, b"odd", TRANSIT)]).to_bytes()
    yield "necessary-feature", Expandable(128, 8, {}, features=[feature(77, b"", NECESSARY)]).to_bytes()


def descriptor_seeds():
    """A descriptor, a zero byte, and the bytes that the fuzz target takes for each of its pieces."""
    piece = Expandable(64, 8, filled([0, 1, 5], 8)).to_bytes()
    images = lambda *guids, plain=False: [Image(g, f"{n}.hds", "Plain" if plain and n == 0 else "Compressed") for n, g in enumerate(guids)]
    chain = [Shot(guid(1)), Shot(guid(2), guid(1), "second"), Shot(USUAL_TOP, guid(2))]
    guids = [shot.guid for shot in chain]
    disks = {
        "hdd": Descriptor(64, [Storage(0, 64, 8, images(USUAL_TOP))], [Shot(USUAL_TOP)]),
        "hdd-plain": Descriptor(64, [Storage(0, 64, 8, images(USUAL_TOP, plain=True))], [Shot(USUAL_TOP)]),
        "hdd-chain": Descriptor(64, [Storage(0, 64, 8, images(*guids))], chain),
        "hdd-chain-plain": Descriptor(64, [Storage(0, 64, 8, images(*guids, plain=True))], chain),
        "hdd-split": Descriptor(100, [Storage(60, 100, 8, images(*guids, plain=True)), Storage(0, 60, 8, images(*guids))], chain,
                                top=guid(2)),
        "hdd-encrypted": Descriptor(64, [Storage(0, 64, 8, images(*guids, plain=True))], chain, engine=guid(9)),
        "hdd-loop": Descriptor(64, [Storage(0, 64, 8, images(USUAL_TOP, guid(1)))], [Shot(USUAL_TOP, guid(1)), Shot(guid(1), USUAL_TOP)]),
    }
    for name, disk in disks.items():
        yield name, disk.to_bytes() + b"\0" + piece


def seeds():
    yield from expandable_seeds()
    yield from descriptor_seeds()
