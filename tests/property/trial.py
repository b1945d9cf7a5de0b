# SPDX-License-Identifier: MIT
# One forest: made, scanned, altered, scanned again, then looked at by all checks. Its seed is all that it depends on.

import os
import random
import shutil
import subprocess
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

import alter
import grow
from accounts import Accounts
from checks import CHECKS
from readers import all_views, read_all
from store import Store
from tree import Tree

CLOSELY = 12  # percent of forests in which the test checks its own means, too


@dataclass
class Verdict:
    """What came of a forest. `failures`: {name of a check: lines}."""

    seed: int
    failures: dict = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    features: set = field(default_factory=set)
    seconds: float = 0


class Trial:
    def __init__(self, imgaudit, seed, directory):
        self.seed = seed
        self.directory = directory
        rng = random.Random(f"forest/{seed}")
        self.tree = Tree(directory, rng)
        self.store = Store(imgaudit, self.tree)
        self.counts = Counter()
        self.named = set()  # images that a scan saw as a base
        self.met = {}       # image: (path, state of its file) in the latest scan
        self.templates = set()
        self.globs = rng.choice([[], [], ["*/base/*"]])
        self.looks_closely = rng.randrange(100) < CLOSELY
        self.accounts = None
        self.views = self.before = self.sizes = None

    def count(self, what, number=1):
        self.counts[what] += number

    # -- Making --------------------------------------------------------------------------------------------------------

    def make(self):
        """Returns what the scans had to complain about."""
        tree = self.tree
        grow.make_forest(tree)
        alter.alter(tree, tree.rng.randint(1, 8))
        self.choose_templates()
        notes = self.scan()
        for _ in range(tree.rng.choice([0, 1, 1, 2])):
            alter.alter(tree, tree.rng.randint(1, 6))
            notes += self.scan()
        return notes

    def choose_templates(self):
        if self.tree.chance(25):
            self.templates = set(self.tree.rng.sample(self.tree.images, min(2, len(self.tree.images))))
            self.tree.features.add("template")

    def scan(self):
        self.templates &= set(self.tree.images)
        options = [part for glob in self.globs for part in ("--backing-glob", glob)]
        for image in sorted(self.templates, key=lambda image: image.path):
            for path in [image.path, *(link for link, _ in image.links)]:
                options += ["--template", "*/" + path]
        self.forget()
        notes = self.store.scan(*options)
        self.named |= {image.base for image in self.tree.images if image.base}
        self.met = {image: (path, file_state(path), file_birth(path)) for path, image in self.store.images.items()}
        self.count("scans")
        return notes

    def forget(self):
        """A file that has both another name and another content is another file, as an inode number may be used again, unless
        the file system keeps when a file was made."""
        for image in self.named & set(self.tree.images):
            path, state, birth = self.met[image]
            names = [self.tree.full(name) for name in [image.path, *(link for link, kind in image.links if kind == "hard")]]
            if birth is not None and birth == file_birth(names[0]):
                continue
            if path not in names and file_state(names[0]) != state:
                self.named.remove(image)

    # -- Looking -------------------------------------------------------------------------------------------------------

    def look(self):
        """What is so before anything is destroyed. Maps come first: what was read once may count as data, not as a hole."""
        self.accounts = Accounts(self.tree, self.store, self.templates)
        self.views = all_views(self.tree, self.templates)
        self.sizes = {view: self.accounts.mappings[view].size for view in self.views}
        self.before = self.read()
        shutil.rmtree(self.kept(), ignore_errors=True)
        shutil.copytree(self.tree.root, self.kept(), symlinks=True)

    def read(self, views=None):
        return read_all(self.tree, self.views if views is None else views, self.sizes, os.path.join(self.directory, "content"))

    def kept(self):
        return os.path.join(self.directory, "images.whole")

    def restore(self):
        """The bytes of all files, as they were, and when they were written."""
        for folder, _, files in os.walk(self.kept()):
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    shutil.copy2(path, os.path.join(self.tree.root, os.path.relpath(path, self.kept())))

    def expected_unused(self):
        """{image: status} by the words of the report."""
        result = {}
        for image, account in self.accounts.by_image.items():
            if image in self.templates:
                continue
            if not self.tree.dependents(image):
                if image in self.named or (self.globs and "/base/" in "/" + image.path):
                    result[image] = "unreferenced"
            elif account.present_read == 0 and not image.snapshots:
                result[image] = "fully-masked"
            elif account.masked() > 0:
                result[image] = "partly-masked"
        return result


def file_state(path):
    st = os.stat(path)
    return st.st_size, st.st_mtime_ns


def file_birth(path):
    """When the file was made, as stat(1) has it; None where the file system does not keep that."""
    text = subprocess.run(["stat", "-c", "%.W", path], capture_output=True, check=True, text=True).stdout.strip()
    return None if float(text) == 0 else text


def run(imgaudit, seed, directory, chosen=None):
    """A verdict. The directory is removed when all is well."""
    started = time.monotonic()
    shutil.rmtree(directory, ignore_errors=True)  # of an earlier run
    os.makedirs(directory)
    trial = Trial(imgaudit, seed, directory)
    verdict = Verdict(seed, counts=trial.counts, features=trial.tree.features)
    try:
        notes = trial.make()
        if notes:
            verdict.failures["scan"] = notes
        else:
            trial.look()
            check_all(trial, verdict, chosen)
    except Exception:  # the report must name the forest whatever broke
        verdict.failures["the test itself"] = traceback.format_exc().splitlines()
    if verdict.failures:
        restore_quietly(trial)
    else:
        shutil.rmtree(directory)
    verdict.seconds = time.monotonic() - started
    return verdict


def check_all(trial, verdict, chosen):
    for check in CHECKS:
        if chosen and check.__name__ not in chosen:
            continue
        try:
            notes = list(check(trial))
        except Exception:
            notes = traceback.format_exc().splitlines()
        if notes:
            verdict.failures[check.__name__] = notes


def restore_quietly(trial):
    """Who looks at a forest that failed wants it as it was scanned."""
    if os.path.isdir(trial.kept()):
        trial.restore()
