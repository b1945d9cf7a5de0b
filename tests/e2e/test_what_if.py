#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What-if equals what happens: it is asked, then done with rm, qemu-img rebase and qemu-img commit, scanned again and
# compared, on random forests. What is written is never zero and different everywhere, so that bytes can be counted.

import glob
import os
from collections import Counter

import harness
from sites import CLUSTER, KIB, MIB, ToolError, create, must, qemu_io, run

BLOCK = 4096
ROOTS = ["raw", "qcow2", "qcow2", "qcow2", "qed", "vdi"]
OVERLAYS = ["qcow2"] * 8 + ["qed", "qcow"]
CLUSTERS = [512, 2 * KIB, 4 * KIB, 16 * KIB, 64 * KIB, 64 * KIB, 256 * KIB, 2 * MIB]
UNITS = {"raw": 4 * KIB, "vdi": MIB, "qed": 64 * KIB, "qcow": 4 * KIB}
REBASED = ("qcow2", "qed")
USAGE = ("visible_bytes", "visible_present", "masked_bytes", "exclusive_bytes", "shared_bytes")
USAGE_SQL = f"""-- title: The accounts after the action
-- about: For the test.
-- parameter: :action | any
SELECT i.path, {", ".join("w." + column for column in USAGE)}
FROM what_if_usage AS w JOIN image AS i ON i.image_id = w.image_id WHERE :action IS NOT NULL ORDER BY i.path"""


def make_hole(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


class Image:
    def __init__(self, name, form, size, unit, parent):
        self.name, self.format, self.size, self.unit, self.parent = name, form, size, unit, parent
        self.snapshots = []
        self.old = False  # version 2, in which zeroes over a backing file are written as data
        self.odd = False  # it has what makes the host's bytes hard to foretell


class Forest:
    """Images by qemu-img and qemu-io. Writes fill whole clusters, each with a pattern of its own."""

    def __init__(self, directory, rng):
        self.directory, self.rng = directory, rng
        self.pattern = 0
        self.images = []
        for _ in range(rng.randrange(3, 8)):
            self.add()
        for _ in range(rng.randrange(6)):
            self.change(rng.choice(self.images))

    def path(self, image):
        return os.path.join(self.directory, image.name)

    def add(self):
        rng = self.rng
        parent = rng.choice(self.images + [None]) if self.images else None
        form = rng.choice(OVERLAYS if parent else ROOTS)
        options, unit = (), UNITS.get(form)
        if form == "qcow2":
            unit = rng.choice(CLUSTERS)
            options = [f"cluster_size={unit}"]
            if unit >= 16 * KIB and rng.random() < 0.15:
                options.append("extended_l2=on")
            elif rng.random() < 0.15:
                options.append("compat=0.10")
        size = parent.size if parent and rng.random() < 0.5 else rng.randrange(1, 49) * CLUSTER
        image = Image(f"{len(self.images)}.{form}", form, size, unit, parent)
        image.old = "compat=0.10" in options
        if form == "raw":  # qemu-img would allocate the first block, of zeroes, which no byte compared shows
            make_hole(self.path(image), size)
        else:
            create(self.path(image), size, parent and parent.name, parent and parent.format, form, options)
        self.images.append(image)
        for _ in range(rng.randrange(4)):
            self.write(image)
        if form == "qcow2" and rng.random() < 0.3:
            self.change(image)

    def run_of(self, image):
        clusters = -(-image.size // image.unit)
        start = self.rng.randrange(clusters)
        end = min(clusters, start + self.rng.choice([1, 1, 2, 5, 20, 40]))
        return start * image.unit, min(end * image.unit, image.size) - start * image.unit

    def write(self, image):
        if self.pattern < 255:
            self.pattern += 1
            start, length = self.run_of(image)
            qemu_io(self.path(image), f"write -q -P {self.pattern} {start} {length}", format=image.format)

    def change(self, image):
        rng = self.rng
        start, length = self.run_of(image)
        kind = rng.choice(["zero", "zero", "unmap", "compress", "discard", "snapshot", "snapshot"])
        if image.format != "qcow2":
            self.write(image)
        elif kind == "snapshot":
            name = f"s{len(image.snapshots)}"
            must("qemu-img", "snapshot", "-c", name, self.path(image))
            image.snapshots.append(name)
            self.write(image)
        elif kind == "compress" and self.pattern < 255:
            self.pattern += 1
            image.odd = True
            length = min(image.unit, image.size - start)
            try:
                qemu_io(self.path(image), f"write -q -c -P {self.pattern} {start} {length}")
            except ToolError:
                pass  # what is allocated is never compressed
        elif kind == "discard":
            qemu_io(self.path(image), f"discard -q {start} {length}")
        elif not image.old:
            qemu_io(self.path(image), f"write -q -z {'-u ' if kind == 'unmap' else ''}{start} {length}")


class Place:
    """A copy of a forest with a store of its own, before and after."""

    def __init__(self, case, forest):
        self.site = case.site()
        self.forest = forest
        must("cp", "-a", "--sparse=auto", forest.directory + "/.", self.site.root)
        must("sync", *[self.path(image) for image in forest.images])  # blocks are counted when they are written
        self.must_scan()
        self.names = {self.path(image): image for image in forest.images}
        self.before = self.contents()
        self.blocks_before = self.blocks()

    def path(self, image):
        return os.path.join(self.site.root, image.name)

    def must_scan(self):
        scan = self.site.scan()
        if scan.code not in (0, 3):
            raise ToolError(f"scan: {scan.notes()}")

    def blocks(self):
        return {path: os.stat(path).st_blocks * 512 for path in glob.glob(self.site.root + "/*")}

    def read(self, image, snapshot=None):
        """What is read, or None."""
        target = os.path.join(self.site.directory, "content")
        named = ["-l", f"snapshot.name={snapshot}"] if snapshot else []
        outcome = run(["qemu-img", "convert", "-f", image.format, *named, "-O", "raw", self.path(image), target])
        if outcome.code != 0:
            return None
        with open(target, "rb") as file:
            data = file.read()
        os.unlink(target)
        return data

    def contents(self):
        return {(self.path(image), snapshot): self.read(image, snapshot)
                for image in self.forest.images for snapshot in [None, *image.snapshots]
                if os.path.exists(self.path(image))}

    def ask(self, action, images):
        paths = [self.path(image) for image in images]
        self.rows = self.site.rows(f"--what-if-{action}", *paths)
        query = os.path.join(self.site.directory, "usage.sql")
        with open(query, "w", encoding="utf-8") as file:
            file.write(USAGE_SQL)
        self.usage = {row["path"]: {column: row[column] for column in USAGE}
                      for row in self.site.rows("--file", query, f"--what-if-{action}", *paths)}

    def by(self, effect, **values):
        return [row for row in self.rows if row["effect"] == effect
                and all(row[column] == value for column, value in values.items())]

    def one(self, effect):
        rows = self.by(effect)
        return rows[0] if len(rows) == 1 else None

    def usage_now(self):
        sql = f"SELECT i.path, {', '.join(USAGE)} FROM usage AS u JOIN image AS i ON i.image_id = u.image_id"
        return {row[0]: dict(zip(USAGE, row[1:])) for row in self.site.query(sql)}


def differences(before, after):
    """Bytes that differ; what lies past an end is zero."""
    length = max(len(before), len(after))
    before, after = before.ljust(length, b"\0"), after.ljust(length, b"\0")
    total = 0
    for start in range(0, length, BLOCK):
        left, right = before[start:start + BLOCK], after[start:start + BLOCK]
        if left != right:
            total += sum(a != b for a, b in zip(left, right))
    return total


def metadata(image, file_size):
    """At most so many host bytes of tables: L2 tables of 8-byte entries (16 with subclusters), twice where snapshots
    share them, refcount blocks of 2-byte entries, L1 and refcount tables, and the ends of runs of blocks."""
    unit = image.unit if image.format in ("qcow2", "qed") else 64 * KIB
    tables = 2 * (image.size * 16 // (unit * unit) + 2) * unit
    refcounts = (file_size * 2 // (unit * unit) + 2) * unit
    return tables + refcounts + 4 * unit + 8 * BLOCK


def wrong_usage(place, without=()):
    now = place.usage_now()
    return [f"{path}: accounts {place.usage.get(path)} were foretold, and are {now[path]}"
            for path in sorted(now) if path in place.usage and path not in without and place.usage[path] != now[path]]


def wrong_steps(place, step):
    """Compares what is unreferenced now with the step; returns it besides."""
    foretold = {row["path"]: row["verdict"] for row in place.by("unreferenced", step=step)}
    now = {row["path"]: row["verdict"] for row in place.site.rows("--unused-backing")
           if row["status"] == "unreferenced"}
    return now, [] if foretold == now else [f"step {step}: unreferenced {foretold} was foretold, and is {now}"]


def follow_steps(place, counts):
    """Deletes what is unreferenced, as long as there is something."""
    notes = []
    for step in range(1, 10):  # ends: a forest has fewer images
        now, wrong = wrong_steps(place, step)
        notes += wrong
        if not now or notes:
            break
        counts["step %d" % step] += 1
        for path in now:
            os.unlink(path)
        place.must_scan()
    return notes


def check_delete(place, counts):
    rng, forest = place.forest.rng, place.forest
    chosen = rng.sample(forest.images, min(len(forest.images), rng.choice([1, 1, 2, 3])))
    place.ask("delete", chosen)
    for image in chosen:
        os.unlink(place.path(image))
    place.must_scan()
    after = place.contents()
    foretold = {row["path"] for row in place.by("breaks")}
    is_broken = {path for (path, snapshot), data in after.items() if data is None}
    notes = [] if foretold == is_broken else [f"breaks {sorted(foretold)} was foretold, and are {sorted(is_broken)}"]
    notes += [f"{key} reads otherwise" for key, data in after.items() if data is not None and data != place.before[key]]
    notes += wrong_usage(place, is_broken)
    freed = sum(place.blocks_before.values()) - sum(place.blocks().values())
    if place.one("total")["freed_bytes"] != freed:
        notes.append(f"{freed} bytes were freed, foretold: {place.one('total')}")
    counts["broken"] += len(is_broken)
    counts["masked-more"] += len(place.by("masked-more"))
    notes += follow_steps(place, counts)
    freed = sum(place.blocks_before.values()) - sum(place.blocks().values())
    last = place.one("total-with-next")
    if last and not notes and last["freed_bytes"] != freed:
        notes.append(f"{freed} bytes were freed with all steps, foretold: {last}")
    return chosen, notes


def unlike(place, key, data):
    """Bytes that are not as before. Of a snapshot qemu-img reads as much as its image has by now, not what it had itself."""
    before = place.before[key]
    return differences(before, data if key[1] is None else data[:len(before)])


def check_snapshots(place, after, foretold, counts):
    """Every content that is not as before is foretold, with the number of its bytes."""
    found = {key: unlike(place, key, data) for key, data in after.items() if data is not None and unlike(place, key, data) > 0}
    counts["changed"] += len(found)
    return [] if foretold == found else [f"changes {foretold} were foretold, and are {found}"]


def check_flatten(place, counts):
    rng, forest = place.forest.rng, place.forest
    able = [image for image in forest.images if image.parent and image.format in REBASED]
    if not able:
        return [], []
    chosen = rng.sample(able, min(len(able), rng.choice([1, 1, 2, 3])))
    place.ask("flatten", chosen)
    for image in chosen:
        must("qemu-img", "rebase", "-f", image.format, "-b", "", place.path(image))
    place.must_scan()
    foretold = {(row["path"], row["snapshot"]): row["guest_bytes"] for row in place.by("breaks")}
    notes = check_snapshots(place, place.contents(), foretold, counts)
    notes += wrong_usage(place)
    blocks = place.blocks()
    for image in chosen:
        path = place.path(image)
        needed = place.by("flattened", path=path)[0]["needed_bytes"]
        counts["copied"] += needed > 0
        grown = blocks[path] - place.blocks_before[path]
        bound = metadata(image, os.path.getsize(path))
        least = needed - 2 * BLOCK - image.unit if image.unit >= BLOCK else 0  # clusters may lie in blocks that were there
        if not least <= grown <= needed + bound:
            notes.append(f"{path}: {needed} bytes were foretold, it grew by {grown}, tables take at most {bound}")
    notes += follow_steps(place, counts)
    return chosen, notes


def check_commit(place, counts):
    rng, forest = place.forest.rng, place.forest
    able = [image for image in forest.images if image.parent]
    if not able:
        return [], []
    chosen = rng.choice(able)
    base = chosen.parent
    place.ask("commit", [chosen])
    path, base_path = place.path(chosen), place.path(base)
    receives = place.one("receives")
    outcome = run(["qemu-img", "commit", "-q", "-f", chosen.format, path])
    if outcome.code != 0:
        counts["refused"] += 1
        return [chosen], [] if "does not let" in (receives["why"] or "") else [f"qemu-img refuses: {outcome.err}"]
    place.must_scan()
    after = place.contents()
    del after[(base_path, None)]  # that it changes is the purpose
    foretold = {(row["path"], row["snapshot"]): row["guest_bytes"] for row in place.by("changes")}
    notes = check_snapshots(place, after, foretold, counts)
    notes += wrong_usage(place, {base_path} if base.format == "qed" else ())  # of its zeroes the row says that it guesses
    notes += ["done, although it was foretold that QEMU refuses"] if "does not let" in (receives["why"] or "") else []
    blocks = place.blocks()
    odd = place.site.query("SELECT coalesce(max(compressed_host), 0) FROM image_account")[0][0] + 2 * MIB if base.odd else 0
    if base.format == "qed" or base.unit < BLOCK:
        odd += receives["needed_bytes"]
    spare = receives["freed_bytes"] if base.unit < BLOCK else 0  # parts of blocks are given back to nobody
    grown = blocks[base_path] - place.blocks_before[base_path]
    foretold = receives["needed_bytes"] - receives["freed_bytes"]
    bound = metadata(base, os.path.getsize(base_path))
    if not foretold - bound - odd <= grown <= foretold + spare + bound:
        notes.append(f"{base_path}: {foretold} bytes were foretold, it grew by {grown}, tables take at most {bound}")
    freed = place.blocks_before[path] - blocks[path]
    foretold = place.one("committed")["freed_bytes"]
    bound = metadata(chosen, place.blocks_before[path])
    emptied = 4 * max(chosen.unit, BLOCK)  # what is left of a qcow2 image: header, refcount table and block, L1 table
    if chosen.snapshots:  # whose tables it shares until they are written to
        emptied += bound
    if not foretold - max(emptied + 2 * BLOCK, bound) <= freed <= foretold + bound:
        notes.append(f"{path}: {foretold} bytes were to be freed, it gave {freed}, tables take at most {bound}")
    counts["grown"] += chosen.size > base.size
    counts["committed"] += 1
    return [chosen], notes


def reproduce(case, index):
    return f"tests/e2e/test_what_if.py --imgaudit PATH --seed {case.options.seed} --only test_forests --count {index + 1}"


def describe(forest):
    return [f"{image.name} {image.size} unit {image.unit} on {image.parent and image.parent.name}"
            f" snapshots {image.snapshots}" for image in forest.images]


def test_deeds_in_random_forests_do_what_was_foretold(case):
    counts = Counter()
    case.out.note(f"seed {case.options.seed}")
    for index in range(case.options.count):
        rng = harness.generator(case.options.seed, "what_if", index)
        forest = Forest(case.fresh(), rng)
        for check in (check_delete, check_flatten, check_commit):
            place = Place(case, forest)
            chosen, notes = check(place, counts)
            what = check.__name__.removeprefix("check_")
            if notes:
                notes = [*notes, f"{what} {[image.name for image in chosen]} in {place.site.directory}",
                         reproduce(case, index), *describe(forest), *[str(row) for row in place.rows]]
            case.check(not notes, f"forest {index}: {what} does what was foretold", notes)
            if not notes and not case.options.keep:
                must("rm", "-r", place.site.directory)
    case.out.note(", ".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    if case.options.count >= 20:
        for what in ("broken", "masked-more", "changed", "copied", "grown", "step 1", "step 2"):
            case.check(counts[what] > 0, f"the forests were not too easy: {what}", [str(counts)])


TESTS = [test_deeds_in_random_forests_do_what_was_foretold]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("--what-if against rm, qemu-img rebase and qemu-img commit.", TESTS,
                                               count=25))
