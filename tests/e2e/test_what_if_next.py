#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What-if never says proven where the next scan would not: whatever --what-if-delete, --what-if-flatten and
# --what-if-commit prove of `unreferenced` and `masked-more`, --unused-backing proves once it is done and scanned. On random
# forests full of odd things (odd_forest.py, odd_things.py), and on situations in which it was once otherwise.
#
# That what-if is the more careful of the two is counted and printed.
#
#     tests/e2e/test_what_if_next.py --imgaudit build/imgaudit --seed 1 --count 300
#     tests/e2e/test_what_if_next.py --imgaudit build/imgaudit --seed 77 --count 1 --only forests --keep /tmp/kept   # one again
#
# Forest i has the seed S + i.

import contextlib
import os
import random
from collections import Counter

import harness
import odd_things
from next_cases import SITUATIONS
from odd_forest import Forest, folder_of, names_of
from sites import Holder, Site, ToolError, run

JOBS = 2
MANY = 40
DECK = 20  # so many forests, counted from a multiple of it, have all odd things among them
DEEDS = 6
MASKED = ("fully-masked", "partly-masked")
ACTIONS = ["delete"] * 5 + ["flatten"] * 3 + ["commit"] * 2
REBASED = ("qcow2", "qed")
COMMITTED = ("qcow2", "qcow", "qed", "vmdk")
# What MANY forests must come to, or they were too easy.
LEAST = {"delete": 60, "flatten": 25, "commit": 15, "unreferenced proven, step 1": 25, "unreferenced proven, step 2": 2,
         "masked-more proven": 3}


def is_proven(row):
    return row is not None and row["verdict"] == "proven"


def shown(row):
    return "not listed" if row is None else f"{row['status']}, {row['verdict']}, {row['why']}"


class Place:
    """A site that is scanned with the same options again and again."""

    def __init__(self, site, options=(), roots=None):
        self.site = site
        self.options = list(options)
        self.roots = roots or [site.root]
        self.rows = []  # of --unused-backing, after the latest scan

    def scan(self):
        scan = self.site.scan(*self.options, roots=[root for root in self.roots if os.path.exists(root)])
        if scan.code not in (0, 3):
            raise ToolError(f"scan: {scan.notes()}")
        self.rows = self.site.rows("--unused-backing")

    def unused(self, *statuses):
        """{path: row} of --unused-backing."""
        return {row["path"]: row for row in self.rows if row["status"] in statuses}

    def files(self):
        """(path of the image, path of the file, number of the file) for all images and all their files."""
        return self.site.query("SELECT i.path, f.path, f.file_id FROM v_image AS i JOIN v_file AS f"
                               " ON f.image_id = i.image_id WHERE f.file_id IS NOT NULL ORDER BY i.path, f.path")

    def names(self, images):
        return sorted({name for image in images for name in names_of(self.site.root, image)})


# -- The deeds ---------------------------------------------------------------------------------------------------------

def remove(place, images, names):
    """Unlinks the names. An image that has none left takes the files along that no other image uses."""
    files = place.files()
    gone = {image for image in images if set(names_of(place.site.root, image)) <= set(names)}
    kept = {number for image, _, number in files if image not in gone}
    for path in {*names, *(path for image, path, number in files if image in gone and number not in kept)}:
        if os.path.lexists(path):
            os.unlink(path)


def flatten(image, form):
    return run(["qemu-img", "rebase", "-f", form, "-t", "unsafe", "-b", "", image], cwd=folder_of(image)).code == 0


def commit(image, form):
    return run(["qemu-img", "commit", "-q", "-t", "unsafe", "-f", form, image], cwd=folder_of(image)).code == 0


class Deed:
    """An action on images of a place; `names` are those to be asked about and, for a deletion, to be unlinked."""

    def __init__(self, place, action, images, names=None):
        self.place, self.action, self.images = place, action, images
        self.names = names or images
        self.rows = place.site.rows(f"--what-if-{action}", *self.names)
        self.before = place.unused("unreferenced")

    def foretold(self, effect, step=None):
        return {row["path"]: row for row in self.rows if row["effect"] == effect and row["step"] == step}

    def do(self):
        """False: QEMU refuses."""
        if self.action == "delete":
            remove(self.place, self.images, self.names)
            return True
        forms = dict(self.place.site.query("SELECT path, format FROM v_image"))
        act = flatten if self.action == "flatten" else commit
        return all(act(image, forms[image]) for image in self.images)

    def describe(self):
        return f"{self.action} {' '.join(self.place.site.relative(name) for name in self.names)}"


# -- The comparison ----------------------------------------------------------------------------------------------------

def compare(effect, when, foretold, now, counts):
    """Notes on what is proven by what-if and not by the scan."""
    wrong = [path for path, row in foretold.items() if is_proven(row) and not is_proven(now.get(path))]
    careful = [path for path, row in foretold.items() if is_proven(now.get(path)) and not is_proven(row)]
    counts[f"{effect} proven"] += sum(map(is_proven, foretold.values()))
    counts[f"{effect} proven, {when}"] += sum(map(is_proven, foretold.values()))
    counts[f"what-if is more careful: {effect}"] += len(careful)
    return [f"{effect}, {when}: {path} is proven by what-if; by the scan: {shown(now.get(path))}" for path in wrong]


def compare_step(deed, step, counts):
    """The same for one step; what comes to be unreferenced without having been foretold is counted as well."""
    foretold, now = deed.foretold("unreferenced", step), deed.place.unused("unreferenced")
    new = [row for path, row in now.items() if path not in foretold and path not in deed.before]
    counts["unreferenced and not foretold by what-if"] += sum(map(is_proven, new))
    return compare("unreferenced", f"step {step}", foretold, now, counts)


def compare_masked(deed, counts):
    return compare("masked-more", deed.action, deed.foretold("masked-more"), deed.place.unused(*MASKED), counts)


def follow(deed, counts):
    """Does it, and deletes what each step lists as long as there is something. None: it could not be done."""
    done = deed.do()
    deed.place.scan()
    if not done:
        return None
    notes = compare_masked(deed, counts)
    for step in range(1, 20):  # ends: a forest has fewer images, and none is in two steps
        notes += compare_step(deed, step, counts)
        images = [path for path in deed.foretold("unreferenced", step) if os.path.exists(path)]
        if notes or not images:
            break
        remove(deed.place, images, deed.place.names(images))
        deed.before.update(deed.place.unused("unreferenced"))
        deed.place.scan()
    return [f"{deed.describe()}: {note}" for note in notes]


# -- Situations --------------------------------------------------------------------------------------------------------

def verdict(row):
    return row and row["verdict"]


def say(place, situation):
    """Does it. What was foretold of the image, and what the scan finds; None: it is not listed."""
    about = place.site.path(situation.about)
    deed = Deed(place, situation.action, [place.site.path(name) for name in situation.images])
    if not deed.do():
        raise ToolError(f"QEMU refuses: {deed.describe()}")
    place.scan()
    for step in range(1, situation.step or 1):
        images = list(deed.foretold("unreferenced", step))
        remove(place, images, place.names(images))
        place.scan()
    statuses = ["unreferenced"] if situation.effect == "unreferenced" else MASKED
    return deed.foretold(situation.effect, situation.step).get(about), place.unused(*statuses).get(about)


def test_each_situation_is_proven_as_by_the_next_scan(case):
    for situation in SITUATIONS:
        site = case.site()
        situation.make(site)
        place = Place(site)
        place.scan()
        foretold, now = say(place, situation)
        if situation.proven:
            passed = is_proven(foretold) and is_proven(now)
        else:
            passed = not is_proven(foretold) and (now is None or verdict(foretold) == verdict(now))
        what = "proven by what-if and by" if situation.proven else "proven neither by what-if nor by"
        case.check(passed, f"{situation.effect}: {situation.what} is {what} the next scan",
                   [f"what-if: {verdict(foretold)}, {foretold and foretold['why']}", f"scan: {shown(now)}"])


# -- Random forests ----------------------------------------------------------------------------------------------------

class Life:
    """A forest that is scanned, asked about and acted on, several times over."""

    def __init__(self, site, seed):
        self.rng = random.Random(f"what_if_next/{seed}")
        self.counts, self.things = Counter(), set()
        self.forest = Forest(site, self.rng)
        self.forest.grow([self.noted(thing) for thing in choose_things(self.rng, seed)])
        self.place = Place(site, self.forest.options, self.forest.roots)

    def noted(self, thing):
        """Odd things that get in each other's way, or that qemu-img cannot make, are left out."""
        def make(forest):
            try:
                thing(forest)
                self.things.add(thing.__name__)
            except ToolError:
                self.counts["not made"] += 1
        return make

    def families(self):
        """{base: images that stand on it}"""
        result = {}
        for path, base in self.place.site.query("SELECT path, backing_image FROM v_image ORDER BY path"):
            if base is not None:
                result.setdefault(base, []).append(path)
        return result

    def able(self, action, families):
        """What QEMU could do it to, as far as formats go. It is not sent to other hosts."""
        images = self.place.site.query("SELECT path, format, backing_name FROM v_image ORDER BY path")
        if action == "delete":
            return [path for path, _, _ in images]
        forms = REBASED if action == "flatten" else COMMITTED
        remote = {path for path, _, name in images if "nbd" in (name or "")}
        standing = {path for above in families.values() for path in above}
        return [path for path, form, _ in images
                if form in forms and path in standing and not remote & {path, *self.below(path, families)}]

    def choose(self, action):
        """All that stands on one base, so that this is left to nobody; or one of several, which leaves less to be read."""
        rng, families = self.rng, self.families()
        able = self.able(action, families)
        groups = [[path for path in images if path in able] for images in families.values()]
        whole, several = [group for group in groups if group], [group for group in groups if len(group) > 1]
        kind = rng.choices(["whole", "one", "any"], [45, 40, 15])[0]
        if not able:
            return []
        if action == "commit":
            return [rng.choice([path for path in able if self.stands_deep(path, families)] or able)]
        if kind == "whole" and whole:
            images = list(rng.choice(whole))
        elif kind == "one" and several:
            images = [rng.choice(rng.choice(several))]
        else:
            images = rng.sample(able, min(len(able), rng.choice([1, 1, 2])))
        if action == "delete" and rng.random() < 0.85:
            return self.with_dependents(images, families)
        if action == "flatten" and rng.random() < 0.3:
            images += [path for path in self.below(images[0], families) if path in able and rng.random() < 0.5]
        return sorted(set(images))

    def below(self, image, families):
        """Its base, that one's base and so on."""
        found = []
        while image is not None and image not in found:  # ends: each image is found once
            found.append(image)
            image = next((base for base, images in families.items() if image in images), None)
        return found[1:]

    def stands_deep(self, path, families):
        """Its base has a base."""
        standing = {image for images in families.values() for image in images}
        return any(path in images and base in standing for base, images in families.items())

    def with_dependents(self, images, families):
        found = set()
        left = list(images)
        while left:  # ends: each image is found once
            image = left.pop()
            if image not in found:
                found.add(image)
                left += families.get(image, [])
        return sorted(found)

    def deed(self):
        action = self.rng.choice(ACTIONS)
        images = self.choose(action)
        if not images:
            return None
        names = self.place.names(images) if action == "delete" and self.rng.random() < 0.85 else images
        return Deed(self.place, action, images, names)

    def meanwhile(self):
        """Something else happens, before a scan: a base is written to, overlays come, go and lose their base."""
        families = self.families()
        if not families:
            return
        base = self.rng.choice(sorted(families))
        over = self.rng.choice(families[base])
        kind = self.rng.choice(["write", "write", "lose raw", "lose raw", "add", "add", "remove", "lose", "move"])
        self.counts[f"meanwhile: {kind}"] += 1
        if not os.path.exists(base) or not os.path.exists(over):
            return
        if kind == "write":
            self.forest.date_after(base, over)
        elif kind in ("lose", "lose raw"):
            form = "raw" if kind == "lose raw" else "qcow2"
            run(["qemu-img", "rebase", "-t", "unsafe", "-u", "-b", "nowhere/at-all", "-F", form, over])
        elif kind == "add":
            known = [image for image in self.forest.images if os.path.exists(image.path)]
            with contextlib.suppress(ToolError):
                self.forest.overlay(self.rng.choice(known))
        elif kind == "remove":
            os.unlink(over)
        else:
            os.rename(base, base + ".moved")

    def live(self):
        """Notes on the first deed after which what-if was wrong."""
        self.place.scan()
        for turn in range(DEEDS):
            if turn > 0 and self.rng.random() < 0.3:
                self.meanwhile()
                self.place.scan()
            deed = self.deed()
            if deed is None:
                continue
            known = describe(self.place.site)
            notes = follow(deed, self.counts)
            self.counts[deed.action if notes is not None else "refused"] += 1
            if notes:
                return [f"deed {turn + 1}: {note}" for note in notes] + [f"before: {line}" for line in known]
        return []


def choose_things(rng, seed):
    """A few of a deck that is dealt to DECK forests, and some more."""
    deck = random.Random(seed // DECK).sample(odd_things.THINGS, len(odd_things.THINGS))
    things = deck[seed % DECK::DECK] + rng.sample(odd_things.THINGS, rng.choice([0, 0, 1, 2]))
    if seed % 5 == 4:
        things += [odd_things.HIDING[(seed // 5 * 2 + i) % len(odd_things.HIDING)] for i in range(2)]
    rng.shuffle(things)
    return things


def describe(site):
    """What is in the store: links, files and findings."""
    images = site.query("SELECT path, format, state, lock_state, backing_name, backing_format, backing_image FROM v_image"
                        " ORDER BY path")
    lines = [f"{site.relative(path)} {form} {state} {lock} on {named} ({stated}): {base and site.relative(base)}"
             for path, form, state, lock, named, stated, base in images]
    parts = site.query("SELECT role, path FROM v_file WHERE role <> 'main' ORDER BY path")
    findings = site.query("SELECT code, path, detail FROM v_finding WHERE NOT cleared ORDER BY path, code, detail")
    lines += [f"{role} {site.relative(path)}" for role, path in parts]
    return lines + [f"{code} {site.relative(path)}: {detail}" for code, path, detail in findings]


def one_forest(directory, imgaudit, seed):
    life = Life(Site(imgaudit, directory), seed)
    with contextlib.ExitStack() as held:
        for path, form, options in life.forest.held:
            with contextlib.suppress(ToolError):  # what does not open cannot be held
                held.enter_context(Holder(path, *options, format=form))
                life.things.add("held by a process")
        notes = life.live()
    if notes:
        again = f"again: tests/e2e/test_what_if_next.py --imgaudit {imgaudit} --seed {seed} --count 1 --only forests --keep DIR"
        notes = [*notes, f"odd: {', '.join(sorted(life.things))}; options {life.forest.options}", again]
    name = f"forest {seed}: what is proven by what-if is proven by the next scan"
    return harness.Batch([harness.Result(name, not notes, notes)], life.things, life.counts)


def test_random_forests_are_proven_as_by_the_next_scan(case):
    first, count = int(case.options.seed), case.options.count
    case.out.note(f"seed {first}, count {count}")
    jobs = [harness.Job(one_forest, (case.imgaudit, seed), os.path.join(case.directory, str(seed)), harness.keep_failed(case.options))
            for seed in range(first, first + count)]
    counts, things = Counter(), Counter()
    for batch in harness.run_jobs(jobs, JOBS):
        for result in batch.results:
            case.out.report(result)
        counts.update(batch.made or {})
        things.update(batch.features)
    case.out.note(", ".join(f"{what}: {number}" for what, number in sorted(counts.items())))
    made = ", ".join(f"{thing} ({number})" for thing, number in sorted(things.items()))
    case.out.note(f"odd things, in how many forests: {made}")
    if count >= MANY:
        few = {what: counts[what] for what, least in LEAST.items() if counts[what] < least}
        case.check(not few, "the forests were not too easy", [f"too few: {few}"])
        known = [thing.__name__ for thing in odd_things.THINGS + odd_things.HIDING] + ["held by a process"]
        missing = [thing for thing in known if not things[thing]]
        case.check(not missing, "they had everything odd in them", [f"never made: {', '.join(missing)}"])


TESTS = [test_each_situation_is_proven_as_by_the_next_scan, test_random_forests_are_proven_as_by_the_next_scan]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What what-if proves, the next scan proves.", TESTS, count=MANY))
