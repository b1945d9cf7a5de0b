#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Random forests over several directories, in which the same names come again and files have several names.
# No file that is proven unreferenced may be reached by any image by any of its names: a walk in Python over
# what qemu-img info says decides, and so does deleting all such files.

import hashlib
import json
import os
import stat
from collections import Counter

import harness
from sites import CLUSTER, MIB, create, make_raw, must, patch, qemu_map, run, write_alone

FOLDERS = ["one", "two", "two/deep", "three"]
NAMES = ["base0", "base1", "base2", "vm0", "vm1", "vm2"]
SCANS = 3


def is_qcow2(path):
    with open(path, "rb") as file:
        return file.read(4) == b"QFI\xfb"


class Forest:
    """Images made by chance; every choice comes from one generator."""

    def __init__(self, site, rng):
        self.site = site
        self.rng = rng
        for folder in FOLDERS:
            os.makedirs(site.path(folder), exist_ok=True)

    def files(self, links=False):
        result = []
        for folder, _, names in os.walk(self.site.root):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path) or (links and os.path.isfile(path)):
                    result.append(path)
        return sorted(result)

    def free_name(self):
        for _ in range(50):
            path = self.site.path(self.rng.choice(FOLDERS), self.rng.choice(NAMES))
            if not os.path.lexists(path):
                return path
        return None

    def size(self):
        return self.rng.choice([MIB // 2, MIB])

    def spelling(self, image, target):
        """A backing name for `target` as seen from the directory of `image`."""
        folder = os.path.dirname(image)
        relative = os.path.relpath(target, folder)
        kinds = [relative] * 5 + [os.path.join("..", os.path.basename(folder), relative), target, "file:" + target]
        return self.rng.choice(kinds)

    def stated(self, target):
        true = "qcow2" if is_qcow2(target) else "raw"
        return self.rng.choices([true, "raw", None], [88, 8, 4])[0]

    def add_base(self):
        path = self.free_name()
        if path and self.rng.random() < 0.3:
            make_raw(path, self.size(), self.rng.randrange(1, 256))
        elif path:
            write_alone(create(path, self.size()), self.rng.randrange(8), pattern=self.rng.randrange(1, 256))

    def add_overlay(self):
        path, names = self.free_name(), self.named()
        if path and names:
            target = self.rng.choice(names)
            create(path, self.size(), self.spelling(path, target), self.stated(target))
            places = range(MIB // CLUSTER // 2) if self.rng.random() < 0.3 else [self.rng.randrange(8)]
            write_alone(path, *places, pattern=self.rng.randrange(1, 256))

    def rebase(self):
        """Any image onto any other: rings come of it."""
        names = self.files(links=True)
        image = self.rng.choice(names)
        target = self.rng.choice(names)
        if is_qcow2(image):
            must("qemu-img", "rebase", "-u", "-b", self.spelling(image, target), "-F", self.stated(target) or "raw", image)

    def other_name(self, target):
        """Mostly the same name in another directory: there its relative names mean other files, if there are any."""
        path = self.site.path(self.rng.choice(FOLDERS), os.path.basename(target))
        return self.free_name() if os.path.lexists(path) or self.rng.random() < 0.3 else path

    def add_hard_link(self):
        target = self.rng.choice(self.files())
        path = self.other_name(target)
        if path:
            os.link(target, path)

    def add_symlink(self):
        target = self.rng.choice(self.files(links=True))
        path = self.other_name(target)
        if path:
            os.symlink(self.rng.choice([target, os.path.relpath(target, os.path.dirname(path))]), path)

    def add_symlink_outside(self):
        """No image is looked for there; a name may lead through it all the same."""
        path = self.site.outside(self.rng.choice(NAMES))
        if not os.path.lexists(path):
            os.symlink(self.rng.choice(self.files(links=True)), path)

    def named(self):
        """Whatever an overlay may name."""
        return self.files(links=True) + [path for path in map(self.site.outside, NAMES) if os.path.isfile(path)]

    def remove(self):
        names = self.files(links=True)
        if len(names) > 4:
            os.unlink(self.rng.choice(names))

    def remove_overlay(self):
        """A head that is forgotten leaves its base behind."""
        names = [name for name in self.files() if os.path.basename(name).startswith("vm")]
        if names:
            os.unlink(self.rng.choice(names))

    def move(self):
        path, names = self.free_name(), self.files(links=True)
        if path and names:
            os.rename(self.rng.choice(names), path)

    def grow(self):
        for kind, least, most in ((self.add_base, 3, 6), (self.add_overlay, 3, 6), (self.add_hard_link, 0, 3),
                                  (self.add_symlink, 1, 4), (self.add_symlink_outside, 0, 2), (self.add_overlay, 0, 3)):
            for _ in range(self.rng.randint(least, most)):
                kind()

    def change(self):
        for _ in range(self.rng.randint(1, 4)):
            self.rng.choices([self.remove_overlay, self.remove, self.move, self.add_overlay, self.add_base, self.add_symlink,
                              self.add_hard_link, self.rebase], [8, 1, 1, 2, 1, 1, 1, 1])[0]()


# -- The walk ---------------------------------------------------------------------------------------------------------

def identity(path):
    st = os.stat(path)
    return st.st_dev, st.st_ino


def combine(image, backing):
    """The name by which QEMU opens a backing file: beside the image's name as it was given."""
    if backing.startswith("file:"):
        backing = backing[5:]
    return backing if backing.startswith("/") else os.path.join(os.path.dirname(image), backing)


class Walk:
    """Follows every image by every name. `reached` has the identity of each file that some other name led to."""

    def __init__(self, names):
        self.known = {}
        self.seen = {}
        self.reached = set()
        self.rings = set()
        for name in names:
            self.follow(name)

    def info(self, name, form):
        """The backing name and its format, as qemu-img reads them from the file itself."""
        key = (identity(name), form)
        if key not in self.known:
            outcome = run(["qemu-img", "info", "-U", "--output=json", *(["-f", form] if form else []), name])
            facts = json.loads(outcome.out) if outcome.code == 0 else {}
            self.known[key] = facts.get("backing-filename"), facts.get("backing-filename-format")
        return self.known[key]

    def follow(self, start):
        """Ends: there are finitely many directories, names and formats, and each of their triples is met once."""
        name, form, path = start, None, set()
        while os.path.isfile(name):
            place = (os.path.realpath(os.path.dirname(name)), os.path.basename(name), form)
            if place in path:
                self.rings.add(start)
                return
            path.add(place)
            if name is not start:
                self.reached.add(identity(name))
            backing, form = self.info(name, form)
            if backing is None:
                return
            name = combine(name, backing)


def check_combine(case, walk, names):
    """The walk's idea of a full name is qemu-img's."""
    wrong = []
    for name in names:
        backing, _ = walk.info(name, None)
        if backing is None:
            continue
        facts = json.loads(must("qemu-img", "info", "-U", "--output=json", name))
        full = facts["full-backing-filename"].removeprefix("file:")
        if os.path.normpath(full) != os.path.normpath(combine(name, backing)):
            wrong.append(f"{name}: {full}, not {combine(name, backing)}")
    return wrong


# -- The test ---------------------------------------------------------------------------------------------------------

def contents(site, names):
    """What every name reads, by qemu-img convert; None where that fails."""
    result = {}
    target = os.path.join(site.directory, "contents.raw")
    for name in names:
        outcome = run(["qemu-img", "convert", "-U", "-O", "raw", name, target], timeout=20)
        result[name] = None
        if outcome.code == 0:
            with open(target, "rb") as file:
                result[name] = hashlib.sha256(file.read()).hexdigest()
            os.unlink(target)
    return result


def proven(site, status="unreferenced"):
    """Identities of the files that are listed as proven to be unused, with a name of each."""
    return {identity(row["path"]): row["path"] for row in site.rows("--unused-backing")
            if (row["status"], row["verdict"]) == (status, "proven")}


def noise(path):
    """Overwrites the data of an image, and none of its tables."""
    if not is_qcow2(path):
        patch(path, 0, os.urandom(os.path.getsize(path)))
        return
    node = {"driver": "qcow2", "backing": None, "file": {"driver": "file", "filename": path}}
    for entry in qemu_map("json:" + json.dumps(node)):
        if entry["data"] and "offset" in entry:
            patch(path, entry["offset"], os.urandom(entry["length"]))


def delete(files, names):
    """By all names, symlinks included."""
    gone = [name for name in names if os.path.isfile(name) and identity(name) in files]
    for name in gone:
        os.unlink(name)
    return gone


def reproduce(case, index):
    return f"again: --seed {case.options.seed} --count {case.options.count}, forest {index}"


def check_scan(case, site, forest, options, counts):
    """One scan of a forest: notes on what is wrong."""
    scan = site.scan(*options)
    if scan.code not in (0, 3):
        return scan.notes()
    names = forest.files(links=True)
    walk = Walk(names)
    listed = proven(site)
    counts["proven"] += len(listed)
    counts["reached"] += len(walk.reached)
    counts["rings"] += bool(walk.rings)
    counts["doubted"] += site.value("SELECT count(*) FROM v_unused WHERE verdict = 'unproven'")
    counts["aliases"] += site.value("SELECT count(*) FROM reference WHERE kind = 'alias'")
    counts["scans"] += 1
    return [f"proven unreferenced, and reached: {listed[key]}" for key in walk.reached & set(listed)]


def check_noise(site, names, walk, counts):
    """Overwrites what is proven to contribute nothing: no head reads anything else then."""
    covered = proven(site, "fully-masked")
    heads = [name for name in names if identity(name) not in walk.reached and name not in walk.rings]
    before = contents(site, heads)
    for name in covered.values():
        noise(name)
        counts["noise"] += 1
    after = contents(site, heads)
    return [f"after the noise the head {name} reads something else" for name in heads if before[name] != after[name]]


def check_deletion(site, names, walk, counts):
    """Deletes what is proven unreferenced: no other image reads anything else then."""
    listed = proven(site)
    kept = [name for name in names if identity(name) not in listed and name not in walk.rings]
    before = contents(site, kept)
    counts["read"] += sum(value is not None for value in before.values())
    counts["deleted"] += len(delete(listed, names))
    after = contents(site, kept)
    return [f"after the deletion {name} reads something else" for name in kept if before[name] != after[name]]


def check_forest(case, index, counts):
    rng = harness.generator(case.options.seed, "random_unused", index)
    site = case.site()
    forest = Forest(site, rng)
    forest.grow()
    options = rng.choice([["--backing-glob", "base*"], ["--backing-glob", "*base*", "-j", "1"], []])
    notes = []
    for turn in range(SCANS):
        notes += [f"scan {turn + 1}: {note}" for note in check_scan(case, site, forest, options, counts)]
        if turn + 1 < SCANS:
            forest.change()
    notes += check_combine(case, Walk([]), forest.files(links=True)) if index < 3 else []
    if not notes:
        names = forest.files(links=True)
        walk = Walk(names)
        notes = check_noise(site, names, walk, counts) + check_deletion(site, names, walk, counts)
    case.check(not notes, f"forest {index}: nothing that is proven unreferenced is reached, or missed once it is deleted",
               [*notes, reproduce(case, index), *describe(site)])


def describe(site):
    lines = []
    for folder, _, names in os.walk(site.root):
        for name in names:
            path = os.path.join(folder, name)
            link = f" -> {os.readlink(path)}" if os.path.islink(path) else f" inode {os.lstat(path)[stat.ST_INO]}"
            lines.append(site.relative(path) + link)
    return sorted(lines) + [str(row) for row in site.query(
        "SELECT i.path, r.kind, r.name, r.path, r.state FROM reference AS r JOIN image AS i ON i.image_id = r.image_id")]


def test_what_is_proven_unused_in_random_forests_is_not_read(case):
    counts = Counter()
    for index in range(case.options.count):
        check_forest(case, index, counts)
    case.out.note(", ".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    if case.options.count >= 10:  # fewer need not have met everything
        for what in ("proven", "doubted", "reached", "aliases", "deleted", "read", "noise"):
            case.check(counts[what] >= case.options.count / 10, f"the forests were not too easy: {what}", [str(counts)])


def test_the_walk_follows_every_name_of_an_image(case):
    """The walk sees what there is to see: the names that a hard link or a symlink gives to a relative name."""
    site = case.site()
    create(site.path("a", "base"), MIB)
    create(site.path("b", "base"), MIB)
    create(site.path("c", "base"), MIB)
    over = create(site.path("a", "vm"), MIB, "base")
    os.link(over, site.path("b", "vm"))
    os.symlink("../a/vm", site.path("c", "vm"))
    forest = Forest(site, case.random("oracle"))
    walk = Walk(forest.files(links=True))
    case.same(walk.reached, {identity(site.path(folder, "base")) for folder in "abc"}, "the walk goes by every name of an image")
    site.scan("--backing-glob", "base")
    case.same(proven(site), {}, "and the scan finds none of the three proven unreferenced")
    os.unlink(site.path("c", "vm"))
    site.scan("--backing-glob", "base")
    case.same(set(proven(site).values()), {site.path("c", "base")}, "until one of the names is gone")


TESTS = [test_the_walk_follows_every_name_of_an_image, test_what_is_proven_unused_in_random_forests_is_not_read]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("--unused-backing on random forests.", TESTS, count=25))
