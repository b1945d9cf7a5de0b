# SPDX-License-Identifier: MIT
# Disks of a DiskDescriptor.xml and several files, for test_parallels.py: random ones, whose maps and contents are those of
# their pieces as qemu-img sees them, put together; and descriptors that say strange things. Imported only.

import json
import os
import sqlite3
import subprocess

import guest
import harness
import qemu
from builders import parallels as build

SECTOR = build.SECTOR
CLUSTER_SECTORS = (1, 8, 63, 128)
KINDS = ("chain", "plain-root", "split", "split-plain", "tree", "grown", "long-pieces", "absolute")


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def refusal(options, directory, name, words):
    """Notes unless our map of the image is refused with these words."""
    ours = qemu.imgaudit_map(options.imgaudit, name, ["--output=json", "-f", "parallels"], directory)
    if ours.code == 1 and words in ours.err:
        return []
    return [f"exit code {ours.code}, and not '{words}'", *qemu.tail(ours.err), *ours.out.splitlines()[:3]]


def random_shots(rng, kind):
    """A tree; the first shot is the root, and the usual top is among them."""
    count = rng.randint(2, 5)
    guids = [build.guid(number + 1) for number in range(count - 1)]
    guids.insert(count - 1 if kind != "tree" else rng.randrange(count), build.USUAL_TOP)
    shots = []
    for number, guid in enumerate(guids):
        parent = build.NO_GUID if number == 0 else guids[rng.randrange(number) if kind == "tree" else number - 1]
        shots.append(build.Shot(guid, parent, rng.choice([None, f"shot {number}"])))
    return shots


class Disk:
    """A random disk with all its files. contents: GUID of a shot -> the bytes of the disk then."""

    def __init__(self, rng, directory, kind):
        self.directory, self.kind = directory, kind
        self.tracks = rng.choice(CLUSTER_SECTORS)
        self.shots = random_shots(rng, kind)
        self.files = {}  # name of a piece -> "raw" or "parallels"
        bounds = [0]
        for _ in range(rng.randint(2, 4) if kind.startswith("split") else 1):
            bounds.append(bounds[-1] + rng.randint(1, 60 * self.tracks))
        self.size = bounds[-1] * SECTOR
        pieces = [self.make_storage(rng, *ends) for ends in zip(bounds, bounds[1:])]
        self.storages = [storage for storage, _ in pieces]
        self.contents = {shot.guid: b"".join(contents[shot.guid] for _, contents in pieces) for shot in self.shots}
        listed = rng.sample(self.storages, len(self.storages))
        self.descriptor = build.Descriptor(bounds[-1], listed, rng.sample(self.shots, len(self.shots)))
        self.path = os.path.join(directory, "DiskDescriptor.xml")
        self.set_top(None)

    def set_top(self, guid):
        self.descriptor.top = guid
        write(self.path, self.descriptor.to_bytes())

    def make_storage(self, rng, start, end):
        sectors, images, contents = end - start, [], {build.NO_GUID: bytes((end - start) * SECTOR)}
        plain_root = self.kind in ("plain-root", "split-plain") or (self.kind == "tree" and rng.randrange(2))
        length = rng.randint(1, sectors) if self.kind == "grown" else sectors
        for number, shot in enumerate(self.shots):
            name = f"disk.{start}.{number}.hds"
            below = contents[shot.parent]
            if plain_root and number == 0:
                contents[shot.guid] = self.write_plain(rng, name, sectors)
                images.append(build.Image(shot.guid, name, "Plain"))
                continue
            contents[shot.guid] = self.write_expandable(rng, name, length, below)
            length = rng.randint(length, sectors) if self.kind == "grown" else sectors
            listed = os.path.join(self.directory, name) if self.kind == "absolute" else name
            images.append(build.Image(shot.guid.upper(), listed))
        return build.Storage(start, end, self.tracks, rng.sample(images, len(images))), contents

    def write_plain(self, rng, name, sectors):
        self.files[name] = "raw"
        content = bytearray(sectors * SECTOR)
        with open(os.path.join(self.directory, name), "wb") as file:
            for _ in range(rng.randint(0, 4)):
                at = rng.randrange(sectors) * SECTOR
                data = rng.randbytes(min(len(content) - at, rng.randint(1, 20) * 4096))
                content[at:at + len(data)] = data
                file.seek(at)
                file.write(data)
            file.truncate(len(content))
        return bytes(content)

    def write_expandable(self, rng, name, sectors, below):
        """Returns the contents of the storage, from what the shot below has."""
        self.files[name] = "parallels"
        stated = sectors + (rng.randint(0, 3 * self.tracks) if self.kind == "long-pieces" else 0)
        count = -(-stated // self.tracks)
        chosen = rng.sample(range(count), rng.randint(0, min(count, 30)))
        clusters = {cluster: rng.randbytes(self.tracks * SECTOR) for cluster in sorted(chosen)}
        image = build.Expandable(stated, self.tracks, clusters, magic=rng.choice([build.V1, build.V2]), gap=rng.randrange(3))
        write(os.path.join(self.directory, name), image.to_bytes())
        content = bytearray(below)
        for cluster, data in clusters.items():
            at = cluster * len(data)
            end = max(at, min(at + len(data), sectors * SECTOR))  # a piece may reach past its storage
            content[at:end] = data[:end - at]
        return bytes(content)

    def image_of(self, storage, guid):
        return next(image for image in storage.images if image.guid.lower() == guid)

    def chain(self, guid):
        while guid != build.NO_GUID:
            yield guid
            guid = next(shot.parent for shot in self.shots if shot.guid == guid)


def piece_map(disk, name):
    """qemu-img's map of one piece alone: sector -> (zero, data, offset), where it has something."""
    form = disk.files[name]
    theirs = qemu.qemu_map([name], ["--output=json", "-f", form], disk.directory)
    assert theirs.code == 0, theirs.err
    sectors = {}
    for entry in qemu.entries(theirs):
        for sector in range(entry["start"] // SECTOR, (entry["start"] + entry["length"]) // SECTOR) if entry["present"] else ():
            sectors[sector] = (entry["zero"], entry["data"], entry["offset"] + sector * SECTOR - entry["start"])
    return sectors


def expected_map(disk, guid):
    """What map must say of a shot, put together from the maps of its pieces."""
    sectors = []
    for storage in disk.storages:
        names = [os.path.basename(disk.image_of(storage, shot).file) for shot in disk.chain(guid)]
        maps = [(name, piece_map(disk, name)) for name in names]
        for sector in range(storage.end - storage.start):
            sectors.append(next(((name, *found[sector]) for name, found in maps if sector in found), None))
    entries = []
    for number, state in enumerate(sectors):
        if entries and goes_on(entries[-1], state):
            entries[-1]["length"] += SECTOR
            continue
        entries.append({"start": number * SECTOR, "length": SECTOR, "depth": 0, "present": state is not None,
                        "zero": state is None or state[1], "data": state is not None and state[2], "compressed": False})
        if state is not None:
            entries[-1].update(offset=state[3], filename=state[0])
    return entries


def goes_on(entry, state):
    if state is None or not entry["present"]:
        return state is None and not entry["present"]
    return (entry["filename"], entry["zero"], entry["data"], entry["offset"] + entry["length"]) == state


def map_disk(options, disk, window=()):
    ours = qemu.imgaudit_map(options.imgaudit, "DiskDescriptor.xml", ["--output=json", "--filenames", *window], disk.directory)
    if ours.code != 0:
        return None, [f"imgaudit map ended with {ours.code}", *qemu.tail(ours.err)]
    entries = qemu.entries(ours)
    for entry in entries:
        if "filename" in entry:
            entry["filename"] = os.path.basename(entry["filename"])
    return entries, []


def compare_disk(options, disk, guid):
    """Notes on the map of a shot."""
    got, notes = map_disk(options, disk)
    show = lambda entries: "".join(json.dumps(entry) + "\n" for entry in entries)
    if notes or got == (expected := expected_map(disk, guid)):
        return notes
    return ["the maps differ", *qemu.differences(show(expected), show(got))]


def converted(disk, guid):
    """The bytes of a shot, put together from what qemu-img reads and says of each piece."""
    content = bytearray()
    for storage in disk.storages:
        part = bytearray((storage.end - storage.start) * SECTOR)
        for shot in reversed(list(disk.chain(guid))):
            name = os.path.basename(disk.image_of(storage, shot).file)
            target = os.path.join(disk.directory, "piece")
            qemu.must("qemu-img", "convert", "-f", disk.files[name], "-O", "raw", name, target, cwd=disk.directory)
            with open(target, "rb") as file:
                data = file.read()
            for sector in piece_map(disk, name):
                at = sector * SECTOR
                if at < len(part):
                    part[at:at + SECTOR] = data[at:at + SECTOR]
        content += part
    return bytes(content)


def test_a_disk_of_several_files_maps_as_its_pieces(directory, options, index):
    rng = harness.generator(options.seed, "disk", index)
    disk = Disk(rng, directory, KINDS[index % len(KINDS)])
    label = f"{disk.kind}, {len(disk.shots)} shots, {len(disk.storages)} storages"
    results = []
    notes = []
    for shot in disk.shots:
        if converted(disk, shot.guid) != disk.contents[shot.guid]:
            notes.append(f"shot {shot.guid} is not what qemu-img reads from its pieces")
    results.append(harness.result(f"the disk was built well: {label}", notes))
    for shot in disk.shots:
        top = shot.guid == build.USUAL_TOP
        disk.set_top(None if top else shot.guid)
        what = f"{'top' if top else 'shot'} of {label}"
        results.append(harness.result(f"map equals the pieces' maps: {what}", compare_disk(options, disk, shot.guid)))
        content = {0: disk.contents[shot.guid]}
        results.append(guest.content_result(
            options, f"content is what was built: {what}",
            lambda content=content: guest.compare_with_content(options, disk.path, disk.size, content, cwd=directory)))
    disk.set_top(None)
    results.append(harness.result(f"maps of parts of the disk are parts of its map: {label}", compare_windows(options, rng, disk)))
    return harness.Batch(results + test_a_scan_finds_one_image_of_several_files(options, disk, label))


def compare_windows(options, rng, disk):
    whole, notes = map_disk(options, disk)
    for _ in range(3 if whole else 0):
        start = rng.randrange(disk.size // SECTOR) * SECTOR
        length = rng.randint(1, (disk.size - start) // SECTOR) * SECTOR
        part, more = map_disk(options, disk, ["-s", str(start), "-l", str(length)])
        if more or part != clipped(whole, start, start + length):
            notes += [f"-s {start} -l {length}: {part}", *more]
    return notes


def clipped(entries, start, end):
    result = []
    for entry in entries:
        first, last = max(entry["start"], start), min(entry["start"] + entry["length"], end)
        if first < last:
            result.append({**entry, "start": first, "length": last - first})
            if "offset" in entry:
                result[-1]["offset"] += first - entry["start"]
    return result


# -- What a scan stores -----------------------------------------------------------------------------------------------

def scan(options, directory):
    store = os.path.join(directory, "store.db")
    for suffix in ("", "-wal", "-shm"):
        guest.remove(store + suffix)
    done = subprocess.run([options.imgaudit, "scan", "--db", store, "--exclude", "*.db*", directory], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode in (0, 3), done.stderr
    return sqlite3.connect(store)


def test_a_scan_finds_one_image_of_several_files(options, disk, label):
    """One image with all its files; each snapshot has the extents that its shot's map has."""
    db = scan(options, disk.directory)
    images = db.execute("SELECT path, format, state, files, snapshots FROM v_image").fetchall()
    expected = [(disk.path, "parallels", "ok", 1 + len(disk.files), len(disk.shots) - 1)]
    results = [harness.result(f"a scan finds one image of several files: {label}",
                              [] if images == expected else [f"expected {expected}", f"got {images}"])]
    notes = []
    named = dict(db.execute("SELECT id, name FROM v_snapshot"))
    if named != {shot.guid: shot.name or "" for shot in disk.shots if shot.guid != build.USUAL_TOP}:
        notes.append(f"snapshots {named}")
    for guid in [None, *named]:
        got = stored_extents(db, guid)
        expected = expected_extents(disk, guid or build.USUAL_TOP)
        if got != expected:
            notes += [f"{guid}: extents differ", *qemu.differences("\n".join(map(str, expected)), "\n".join(map(str, got)))]
    results.append(harness.result(f"a scan stores each shot as a mapping: {label}", notes))
    db.close()
    return results


def stored_extents(db, guid):
    rows = db.execute("SELECT e.start, e.length, e.state, x.path, e.offset FROM mapping AS m JOIN extent AS e USING (map_id)"
                      " JOIN image_file AS x ON x.image_id = m.image_id AND x.number = e.file WHERE m.id IS ? ORDER BY 1", (guid,))
    return [(start, length, state, os.path.basename(path), offset) for start, length, state, path, offset in rows]


def expected_extents(disk, guid):
    return [(entry["start"], entry["length"], 3 if entry["zero"] else 0, entry["filename"], entry["offset"])
            for entry in expected_map(disk, guid) if entry["present"]]


# -- Descriptors that say strange things ------------------------------------------------------------------------------

def small_disk(directory):
    """A descriptor of two shots over expandable pieces, and its parts to change."""
    write(os.path.join(directory, "a.hds"), build.Expandable(64, 8, build.filled([0, 2], 8)).to_bytes())
    write(os.path.join(directory, "b.hds"), build.Expandable(64, 8, build.filled([1, 2], 8), in_use=build.IN_USE).to_bytes())
    write(os.path.join(directory, "short.hds"), build.Expandable(32, 8, {}).to_bytes())
    write(os.path.join(directory, "wide.hds"), build.Expandable(64, 16, {}).to_bytes())
    write(os.path.join(directory, "version.hds"), build.Expandable(64, 8, version=3).to_bytes())
    write(os.path.join(directory, "raw.hds"), bytes(64 * SECTOR))
    images = [build.Image(build.guid(1), "a.hds"), build.Image(build.USUAL_TOP, "b.hds")]
    shots = [build.Shot(build.guid(1)), build.Shot(build.USUAL_TOP, build.guid(1))]
    return build.Descriptor(64, [build.Storage(0, 64, 8, images)], shots)


def edit(change):
    return lambda disk: (change(disk), disk.to_bytes())[1]


def text(old, new):
    def change(disk):
        data = disk.to_bytes()
        assert old.encode() in data, old
        return data.replace(old.encode(), new.encode())
    return change


def use(file, number=0, kind="Compressed"):
    def change(disk):
        disk.storages[0].images[number].file = file
        disk.storages[0].images[number].kind = kind
        return disk.to_bytes()
    return change


def bad_descriptors():
    """(label, what makes the document, words of the message)"""
    shot, image, storage = build.Shot, build.Image, build.Storage
    yield "another version", edit(lambda d: setattr(d, "version", "2.0")), "disk descriptor of version '2.0'"
    yield "no version", text(' Version="1.0"', ""), "disk descriptor of version ''"
    yield "no XML", lambda d: d.to_bytes()[:400], "of the XML"
    yield "an entity", text("<Parallels_disk_image", "<!DOCTYPE x [<!ENTITY e 'x'>]><Parallels_disk_image"), "declares entities"
    yield "another element", lambda d: b"<?xml version='1.0'?><other/>", "no disk descriptor"
    yield "more than 1 MiB", edit(lambda d: setattr(d, "extra", " " * (1 << 20))), "disk descriptor of more than 1048576 bytes"
    yield "padding", edit(lambda d: setattr(d, "padding", 1)), "padding 1"
    yield "sectors of 4096 bytes", edit(lambda d: setattr(d, "sector_size", 4096)), "sectors of 4096 bytes"
    yield "no size", text("<Disk_size>64</Disk_size>", ""), "without Disk_size"
    yield "two sizes", edit(lambda d: setattr(d, "extra", "<Disk_size>64</Disk_size>")), "more than one Disk_size"
    yield "a size in words", text("<Disk_size>64<", "<Disk_size>64k<"), "'64k' is no number"
    yield "a negative size", text("<Disk_size>64<", "<Disk_size>-64<"), "'-64' is no number"
    yield "a size above 2^63 bytes", text("<Disk_size>64<", "<Disk_size>18014398509481985<"), "is no number"
    yield "a size above 2^64", text("<Disk_size>64<", "<Disk_size>18446744073709551680<"), "is no number"
    yield "a disk longer than its storages", edit(lambda d: setattr(d, "size", 65)), "up to sector 64 of a disk of 65"
    yield "no storage", edit(lambda d: d.storages.clear()), "up to sector 0 of a disk of 64"
    yield "storages with a gap", edit(lambda d: d.storages.append(storage(65, 70, 8, d.storages[0].images))), "sectors 65 to 70 behind sector 64"
    yield "storages that overlap", edit(lambda d: d.storages.append(storage(60, 70, 8, d.storages[0].images))), "sectors 60 to 70 behind sector 64"
    yield "a storage that ends before it starts", edit(lambda d: d.storages.append(storage(64, 60, 8, []))), "sectors 64 to 60"
    yield "a storage without end", text("<End>64</End>", ""), "Storage without End"
    yield "a storage without block size", text("<Blocksize>8</Blocksize>", ""), "Storage without Blocksize"
    yield "a block size of 0", text("<Blocksize>8<", "<Blocksize>0<"), "Blocksize of 0"
    yield "an image without file", text("<File>a.hds</File>", ""), "Image without File"
    yield "an image with an empty file name", text("<File>a.hds</File>", "<File/>"), "has no file"
    yield "an image with two files", text("<File>a.hds</File>", "<File>a.hds</File><File>b.hds</File>"), "more than one File"
    yield "an image without GUID", text(f"<Image><GUID>{build.guid(1)}</GUID>", "<Image>"), "Image without GUID"
    yield "an image of another type", use("a.hds", kind="Sparse"), "image of type 'Sparse'"
    yield "a crooked GUID", text(f"<Shot><GUID>{build.guid(1)}", f"<Shot><GUID>{build.guid(1)[1:]}"), "is no GUID"
    yield "a shot without parent", text(f"<ParentGUID>{build.guid(1)}</ParentGUID>", ""), "Shot without ParentGUID"
    yield "no shots", edit(lambda d: d.shots.clear()), "no shot has the top's GUID {5fbaabe3-6958-40ff-92a7-860e329aab41}"
    yield "an unknown top", edit(lambda d: setattr(d, "top", build.guid(7))), "no shot has the top's GUID {00000007-"
    yield "an unknown parent", edit(lambda d: d.shots.append(shot(build.guid(3), build.guid(8)))), "its parent's GUID {00000008-"
    yield "two shots of one GUID", edit(lambda d: d.shots.append(d.shots[0])), "two shots with the GUID"
    yield "a shot that is its own parent", edit(lambda d: setattr(d.shots[0], "parent", build.guid(1))), "come back to it"
    yield "shots in a ring", edit(lambda d: setattr(d.shots[0], "parent", build.USUAL_TOP)), "come back to it"
    yield "a shot without image", edit(lambda d: d.shots.append(shot(build.guid(3)))), "2 images for 3 shots"
    yield "an image of no shot instead of one", edit(lambda d: setattr(d.storages[0].images[0], "guid", build.guid(3))), "without an image of shot"
    yield "two images of one shot", edit(lambda d: d.storages[0].images.append(image(build.guid(1), "a.hds"))), "two images of shot"
    yield "a plain image that has a parent", use("raw.hds", 1, "Plain"), "has a parent and a plain image"
    yield "a piece that is missing", use("none.hds"), "none.hds"
    yield "a piece that is not expandable", use("raw.hds"), "'raw.hds': no parallels magic"
    yield "a piece of another version", use("version.hds"), "'version.hds': parallels version 3"
    yield "a piece of other clusters", use("wide.hds"), "clusters of 8192 bytes in a storage with 4096"
    yield "a piece that is shorter than its parent", use("short.hds", 1), "has 16384 bytes, that of its parent 32768"
    yield "a chain of 1001 shots", edit(long_chain), "a chain of more than 1000 shots"


def long_chain(disk, count=1001):
    disk.shots = [build.Shot(build.guid(n + 1), build.guid(n) if n else build.NO_GUID) for n in range(count)]
    disk.top = build.guid(count)
    disk.storages[0].images = [build.Image(build.guid(n + 1), "a.hds") for n in range(count)]


def test_bad_descriptors_are_refused_and_good_ones_mapped(directory, options):
    results = []
    path = os.path.join(directory, "DiskDescriptor.xml")
    for label, make, words in bad_descriptors():
        write(path, make(small_disk(directory)))
        results.append(harness.result(f"refused: {label}", refusal(options, directory, path, words)))
    return harness.Batch(results + [good_descriptor(options, directory, *case) for case in good_descriptors()]
                         + test_a_scan_finds_the_facts_of_a_descriptor(directory, options))


# The clusters of small_disk: a.hds holds 0 and 2 at 4096 and 8192, b.hds 1 and 2 at the same places.
MERGED = [(0, 4096, "a.hds", 4096), (4096, 8192, "b.hds", 4096)]


def good_descriptors():
    """(label, what makes the document, what map must say: start, length, file, offset)"""
    yield "white space around values", text("<Disk_size>64<", "<Disk_size>\n 64\t<"), MERGED
    yield "numbers that name no geometry", text("<Heads>16<", "<Heads>17<"), MERGED
    yield "unknown elements", edit(lambda d: setattr(d, "extra", "<a><Disk_size>5</Disk_size><File>x</File></a>")), MERGED
    yield "an image that belongs to no shot", edit(lambda d: d.storages[0].images.append(build.Image(build.guid(5), "raw.hds"))), MERGED
    yield "the root as its top", edit(lambda d: setattr(d, "top", build.guid(1))), [(0, 4096, "a.hds", 4096), (8192, 4096, "a.hds", 8192)]
    yield "a plain root shorter than the disk", use("short.hds", 0, "Plain"), [(0, 4096, "short.hds", 0), (4096, 8192, "b.hds", 4096)]
    yield "a piece twice", use("b.hds"), [(4096, 8192, "b.hds", 4096)]
    yield "a name with a character reference", text("a.hds", "&#97;.hds"), MERGED
    yield "a chain of 300 shots", edit(lambda d: long_chain(d, 300)), [
        (0, 4096, "a.hds", 4096), (8192, 4096, "a.hds", 8192)]


def good_descriptor(options, directory, label, make, expected):
    path = os.path.join(directory, "DiskDescriptor.xml")
    write(path, make(small_disk(directory)))
    ours = qemu.imgaudit_map(options.imgaudit, path, ["--output=json", "--filenames"], directory)
    got = []
    if ours.code == 0:
        got = [(entry["start"], entry["length"], os.path.basename(entry["filename"]), entry["offset"])
               for entry in qemu.entries(ours) if entry["data"]]
    return harness.result(f"mapped: {label}", [] if got == expected else [f"expected {expected}", f"got {got}", *qemu.tail(ours.err)])


def test_a_scan_finds_the_facts_of_a_descriptor(directory, options):
    """Dirty, encrypted, truncated; an encrypted disk has no offsets."""
    path = os.path.join(directory, "DiskDescriptor.xml")
    results = []
    columns = "encrypted, dirty, truncated, variant, cluster_size, virtual_size"
    cases = [("a piece in use", build.Descriptor.to_bytes, (0, 1, 0, "hdd", 4096, 32768)),
             ("a closed disk", edit(lambda d: setattr(d, "top", build.guid(1))), (0, 1, 0, "hdd", 4096, 32768)),
             ("an engine", edit(lambda d: setattr(d, "engine", build.guid(5))), (1, 1, 0, "hdd", 4096, 32768)),
             ("a key", edit(lambda d: setattr(d, "key_data", "Zm9v")), (1, 1, 0, "hdd", 4096, 32768)),
             ("a short plain root", use("short.hds", 0, "Plain"), (0, 1, 1, "hdd", 4096, 32768))]
    for label, make, expected in cases:
        write(path, make(small_disk(directory)))
        db = scan(options, directory)
        row = db.execute(f"SELECT {columns} FROM v_image WHERE path = ?", (path,)).fetchone()
        states = {state for state, in db.execute("SELECT state FROM v_extent WHERE path = ?", (path,))}
        db.close()
        notes = [] if row == expected and ("encrypted" in states) == bool(expected[0]) else [f"expected {expected}", f"got {row}, {states}"]
        results.append(harness.result(f"a scan finds of {label}", notes))
    write(path, edit(lambda d: setattr(d, "engine", build.guid(5)))(small_disk(directory)))
    ours = qemu.imgaudit_map(options.imgaudit, path, ["--output=json"], directory)
    notes = [] if ours.code == 0 and "offset" not in ours.out and '"data": true' in ours.out else [ours.out, ours.err]
    return results + [harness.result("the map of an encrypted disk has no offsets", notes)]
