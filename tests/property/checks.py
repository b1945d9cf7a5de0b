# SPDX-License-Identifier: MIT
# What must hold for every forest. A check is a function of the trial that yields lines on what is wrong; CHECKS is the list
# of all, in their order: those that only look come first, those that destroy follow and get a forest that is whole.

import json
import os
import subprocess
from collections import Counter

from accounts import WITHOUT_MAP, joined
from noise import Noise
from store import part
from tree import SECTOR, output

SHOWN = 5
BY_CHANCE = 8  # fewer bytes than these may be like noise by chance


# -- Sums --------------------------------------------------------------------------------------------------------------

def sums(trial):
    """data = visible + masked; visible = exclusive + shared = the sum of the histogram; the pieces add up to masked."""
    sharing, masked, data = trial.store.sharing(), trial.store.masked(), trial.store.data()
    for image, (whole, visible, hidden, exclusive, shared) in trial.store.usage().items():
        seen = sharing[image]
        facts = {"data": (whole, visible + hidden), "visible": (visible, exclusive + shared), "histogram": (sum(seen.values()), visible),
                 "exclusive": (seen.get(1, 0), exclusive), "masked": (sum(piece.length for piece in masked[image]), hidden),
                 "extents": (sum(piece.length for piece in data[image]), whole)}
        for word, (left, right) in facts.items():
            if left != right:
                yield f"{image.path}: {word}: {left} is not {right}"


def chains(trial):
    """Of every head, what comes from each depth is what its map says."""
    chain = trial.store.chain()
    for head in trial.tree.heads():
        rows = json.loads(output(["qemu-img", "map", "-U", "--output=json", "-f", head.form, trial.tree.full(head.path)]))
        present, data = Counter(), Counter()
        for row in rows:
            present[row["depth"]] += row["length"] * row["present"]
            data[row["depth"]] += row["length"] * row["data"]
        if [layer for _, layer, *_ in chain[head]] != list(head.chain()):
            yield f"{head.path}: the chain is {[layer.path for _, layer, *_ in chain[head]]}"
        for depth, layer, seen, seen_data in chain[head]:
            if seen != present[depth] or (seen_data != data[depth] and layer.form not in WITHOUT_MAP):
                yield f"{head.path}: from depth {depth} come {seen} bytes, {seen_data} data; qemu-img: {present[depth]}, {data[depth]}"


# -- The reference -----------------------------------------------------------------------------------------------------

def accounts(trial):
    """visible, masked, exclusive, shared, the histogram and every masked range are what brute force says."""
    usage, sharing, masked = trial.store.usage(), trial.store.sharing(), trial.store.masked()
    words = ("data", "visible", "masked", "exclusive", "shared")
    for image, account in trial.accounts.by_image.items():
        trial.count("bytes held by snapshots of a base", account.held())
        trial.count("bytes read by snapshots alone", account.read_by_snapshots())
        trial.count("bytes masked in a base with snapshots", account.masked() if image.snapshots else 0)
        if usage[image] != account.row():
            yield f"{image.path}: {dict(zip(words, usage[image]))}, and not {dict(zip(words, account.row()))}"
        if sharing[image] != {readers: length for readers, length in account.seen.items() if length}:
            yield f"{image.path}: readers {sharing[image]}, and not {dict(account.seen)}"
        ours = joined((piece.start, piece.end(), piece.offset) for piece in masked[image])
        theirs = joined((piece.start, piece.end, piece.offset) for piece in account.masked_parts())
        if ours != theirs:
            yield f"{image.path}: masked {ours[:SHOWN]}, and not {theirs[:SHOWN]}"


def relatives(trial):
    """Who stands on whom, in numbers."""
    heads = set(trial.tree.heads())
    for image, got in trial.store.relatives().items():
        above = [other for other in trial.tree.images if other is not image and other.stands_on(image)]
        expected = len(trial.tree.dependents(image)), len(above), sum(other in heads for other in above)
        if got != expected:
            yield f"{image.path}: dependents, descendants and heads are {got}, and not {expected}"


def newest_change(tree, image):
    """Of what there is of its files: parts are listed by what may be there."""
    paths = [tree.full(path) for path in (image.path, *image.parts)]
    return max(os.stat(path).st_mtime_ns for path in paths if os.path.exists(path))


def is_newer_than_overlays(tree, image):
    """A base that was written to last, as by a rebase."""
    overlays = tree.dependents(image)
    return bool(overlays) and newest_change(tree, image) > max(newest_change(tree, overlay) for overlay in overlays)


def is_led_by_a_newer_link(tree, image):
    """Its backing name goes by a symbolic link that was made after it: of which base it was made on the link is no witness."""
    made = birth_of(tree.full(image.path))
    path = tree.full(os.path.dirname(image.path))
    for part in image.base_name.split("/") if image.base and made else []:
        path = os.path.join(path, part)
        if os.path.islink(path) and os.lstat(path).st_ctime_ns > made:
            return True
    return False


def birth_of(path):
    """Nanoseconds; None where the file system does not keep that."""
    text = subprocess.run(["stat", "-c", "%.9W", path], capture_output=True, check=True, text=True).stdout.strip()
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction or "0") or None


def unused(trial):
    """The report lists what it has to, under the right status, and nothing else."""
    rows = trial.store.unused()
    got = {image.path: row["status"] for image, row in rows if image}
    expected = {image.path: status for image, status in trial.expected_unused().items()}
    for path in sorted(set(got) | set(expected)):
        if got.get(path) != expected.get(path):
            yield f"{path} is listed as {got.get(path)}, and not as {expected.get(path)}"
    is_led = any(is_led_by_a_newer_link(trial.tree, image) for image in trial.tree.images)
    for image, row in rows:
        trial.count(f"{row['status']} {row['verdict']}")
        doubt = "written-since" if image and is_newer_than_overlays(trial.tree, image) else None
        codes = [code for code in (row["why_codes"] or "").split(",") if code and not (is_led and code == "broken-reference")]
        if codes != ([doubt] if doubt else []) and row["status"] != "unreferenced":
            yield f"{row['path']} is {row['status']}, with the doubts {row['why_codes']}, and not {doubt}"


# -- What a reader reads -----------------------------------------------------------------------------------------------

def snapshots_are_read(trial):
    """Of the test itself: the copies that show a snapshot show what qemu-img convert -l reads, which goes by the size that
    the disk has by now. Looked at now and then."""
    views = [view for view in trial.views if view.snapshot is not None]
    if not views or not trial.looks_closely:
        return
    view = trial.tree.rng.choice(views)
    target = os.path.join(trial.tree.directory, "snapshot.raw")
    chosen = ["-l", f"snapshot.name={view.image.snapshots[view.snapshot]}"]
    output(["qemu-img", "convert", "-U", *chosen, "-f", "qcow2", "-O", "raw", trial.tree.full(view.image.path), target])
    with open(target, "rb") as file:
        content = file.read()
        common = min(len(content), len(trial.before[view]))
        if content[:common] != trial.before[view][:common]:
            yield f"{view.name()} is not read as qemu-img convert -l reads it"
    os.unlink(target)


def masked_is_not_read(trial):
    """Everything masked becomes noise, and everybody reads what they read before."""
    noise = Noise(trial.tree, f"{trial.seed} masked")
    done = noise.overwrite(trial.store.masked())
    trial.count("masked bytes", sum(piece.length for pieces in done.values() for piece in pieces))
    trial.count("masked compressed", sum(piece.offset is None for pieces in done.values() for piece in pieces))
    yield from changes(trial, trial.read())


def changes(trial, after):
    for view, content in after.items():
        if content != trial.before[view]:
            at = next(at for at in range(0, len(content), SECTOR) if content[at:at + SECTOR] != trial.before[view][at:at + SECTOR])
            yield f"{view.name()} reads something else at {at}"


def visible_is_read(trial):
    """Everything visible becomes noise, and somebody reads each sector of it: as many as the histogram says."""
    trial.restore()
    noise = Noise(trial.tree, f"{trial.seed} visible")
    done = noise.overwrite(trial.store.visible())
    trial.count("visible bytes", sum(piece.length for pieces in done.values() for piece in pieces))
    after = trial.read()
    for image, pieces in done.items():
        views = [view for view in after if view.image.stands_on(image)]
        unread = [place for piece in pieces for place in find_unread(piece, noise.of_piece(image, piece), [after[view] for view in views])]
        if unread:
            yield f"{image.path}: is called visible, and nobody reads it: {unread[:SHOWN]}"
        yield from count_readers(trial, image, noise, pieces, after)


def find_unread(piece, noise, contents):
    """Sectors that no content shows. Ends: parts become shorter."""
    if any(content[piece.start:piece.end()] == noise for content in contents):
        return
    if piece.length <= SECTOR:
        yield piece.start, piece.length
        return
    half = max(SECTOR, piece.length // 2 // SECTOR * SECTOR)
    yield from find_unread(part(piece, piece.start, piece.start + half), noise[:half], contents)
    yield from find_unread(part(piece, piece.start + half, piece.end()), noise[half:], contents)


def count_readers(trial, image, noise, pieces, after):
    """Readers whose bytes became noise, part by part, against the reference. An image's own snapshots may share its bytes
    on the host without reading its disk: they count only where nobody else reads them."""
    for piece in pieces:
        expected = noise.of_piece(image, piece)
        for known in trial.accounts.by_image[image].parts:
            start, end = max(piece.start, known.start), min(piece.end(), known.end)
            if end - start < BY_CHANCE:
                continue
            own = expected[start - piece.start:end - piece.start]
            found = {reader_of(trial, view) for view, content in after.items() if content[start:end] == own}
            others = {reader for reader in found if reader != (image, "snapshots")}
            if others != known.readers or (known.held and not found):
                yield (f"{image.path}: {start} to {end} is read by {names(others)}, the reference has {names(known.readers)}"
                       f"{' and its own snapshots' if known.held else ''}")
                return


def reader_of(trial, view):
    return view.image, "snapshots" if view.snapshot is not None and view.image not in trial.accounts.heads else "now"


def names(readers):
    return sorted(f"{image.path} ({word})" for image, word in readers)


def unreferenced_is_not_missed(trial):
    """What is proven unreferenced is deleted through prove, by all its names and with all its files; the others read what
    they read. Of the others none is proven."""
    gone = {image: row for image, row in trial.store.unused() if (row["status"], row["verdict"]) == ("unreferenced", "proven")}
    if not gone:
        return
    trial.restore()
    paths = [path for image in gone for path in [image.path, *image.parts, *(link for link, _ in image.links)]]
    others = [image.path for image in trial.tree.images if image not in gone]
    code, words = trial.store.prove(paths)
    if code != 0:
        yield from [f"prove ends with {code}", *words[:SHOWN]]
    code, words = trial.store.prove(others) if others else (5, [])
    if code != 5 or any(not line.startswith("unproven: ") for line in words):
        yield from [f"prove of the others ends with {code}", *words[:SHOWN]]
    for path in paths:
        os.unlink(trial.tree.full(path))
    trial.count("deleted files", len(paths))
    yield from changes(trial, trial.read([view for view in trial.views if view.image not in gone]))


# -- All of them -------------------------------------------------------------------------------------------------------
# A check of what-if belongs before masked_is_not_read: it needs the forest whole, and trial.restore() makes it so again.

CHECKS = [sums, chains, relatives, accounts, unused, snapshots_are_read, masked_is_not_read, visible_is_read, unreferenced_is_not_missed]
