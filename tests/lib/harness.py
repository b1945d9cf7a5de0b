# SPDX-License-Identifier: MIT
# What every test in Python runs on: TAP output, command lines with seeds, a pool of processes, a work directory that is
# removed or kept, and running a list of test functions. Imported only.
#
# Each folder of tests has a link to this file, and each test imports it first: that makes the rest of tests/lib importable.

import argparse
import contextlib
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field

LIB = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.dirname(os.path.dirname(LIB))
OPEN_FILES = 1024

sys.path.insert(1, LIB)  # behind the folder of the test

import sites  # noqa: E402


@dataclass
class Result:
    """One test: a name, a verdict, and lines that explain a failure."""

    name: str
    passed: bool
    notes: list = field(default_factory=list)
    skipped: str = ""


@dataclass
class Batch:
    """What one job reports. `made` is for the caller of run_jobs alone."""

    results: list = field(default_factory=list)
    features: set = field(default_factory=set)
    made: object = None


@dataclass
class Job:
    """function(directory, *arguments) returns a Batch. The directory is made for it, and removed or kept afterwards."""

    function: object
    arguments: tuple
    directory: str
    keep: str = "never"  # or "failed" or "always"


def keep_failed(options):
    return "failed" if options.keep else "never"


class Tap:
    """Writes TAP and counts; the plan line comes last."""

    def __init__(self):
        self.count = 0
        self.failed = 0
        self.skipped = 0

    def report(self, result):
        self.count += 1
        verdict = "ok" if result.passed else "not ok"
        reason = f" # SKIP {result.skipped}" if result.skipped else ""
        self.failed += not result.passed
        self.skipped += bool(result.skipped)
        name = result.name.replace("#", "\\#")
        print(f"{verdict} {self.count} - {name}{reason}", flush=True)
        for note in result.notes:
            self.note(note)

    def check(self, passed, name, notes=()):
        self.report(Result(name, bool(passed), list(notes)))

    def skip(self, name, reason):
        self.report(Result(name, True, skipped=reason))

    def note(self, text):
        for line in str(text).splitlines() or [""]:
            print(f"# {line}", flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def parser(description, count):
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--imgaudit", required=True, metavar="PATH", help="the program to test")
    result.add_argument("--count", type=int, default=count, metavar="N", help="how many images (default %(default)s)")
    result.add_argument("--seed", default="1", metavar="S", help="the same seed makes the same images (default %(default)s)")
    result.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at once (default %(default)s)")
    result.add_argument("--only", type=int, metavar="I", help="make and test image I alone")
    result.add_argument("--keep", metavar="DIR", help="work in DIR and leave the files of failed tests there")
    return result


def parse(arguments):
    """The options, with the program's path made absolute; ends the run when there is no program."""
    options = arguments.parse_args()
    options.imgaudit = os.path.realpath(options.imgaudit)
    if not os.access(options.imgaudit, os.X_OK):
        print(f"Bail out! {options.imgaudit} is not a program")
        sys.exit(1)
    return options


def generator(seed, group, index):
    """The random numbers of one image, the same whatever else is run."""
    return random.Random(f"{seed}/{group}/{index}")


@contextlib.contextmanager
def work_directory(keep):
    """A fresh directory under $TMPDIR, or the one that the user keeps. Sets limits for the tools, too."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # An image that is its own base is opened until the descriptors run out: let that be soon.
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if keep:
        os.makedirs(keep, exist_ok=True)
        yield os.path.realpath(keep)
        return
    path = os.path.realpath(tempfile.mkdtemp(prefix="imgaudit-oracle-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def guarded(job):
    """Runs one job; an exception becomes a failed test, not the end of the run."""
    os.makedirs(job.directory, exist_ok=True)
    try:
        batch = job.function(job.directory, *job.arguments)
    except Exception as error:  # the report must name the image whatever broke
        name = f"{job.function.__name__} {job.arguments} stopped: {type(error).__name__}"
        batch = Batch([Result(name, False, traceback.format_exc().splitlines())])
    passed = all(result.passed for result in batch.results)
    if job.keep == "never" or (job.keep == "failed" and passed):
        shutil.rmtree(job.directory, ignore_errors=True)
    return batch


def run_jobs(jobs, processes):
    """Yields the Batch of each Job, in order."""
    if processes <= 1:
        yield from map(guarded, jobs)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap(guarded, jobs)


def print_histogram(tap, histogram):
    tap.note("features seen (in how many images):")
    for feature, count in sorted(histogram.items()):
        tap.note(f"  {count:5d} {feature}")


def check_coverage(tap, histogram, required, name):
    """Fails for a feature that no image had: a test must not pass because nothing was tested."""
    missing = [feature for feature in required if not histogram[feature]]
    tap.check(not missing, name, [f"never seen: {feature}" for feature in missing])


def result(name, notes, again=()):
    """A Result that fails where there are notes."""
    return Result(name, not notes, [*notes, *again] if notes else [])


def missing_tools(*names):
    """A reason to skip, or None."""
    missing = [name for name in names if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else None


# -- A list of test functions -----------------------------------------------------------------------------------------

class Case:
    """What a test function gets: where to report, the program, the seed, and fresh directories."""

    def __init__(self, out, options, directory):
        self.out = out
        self.options = options
        self.imgaudit = options.imgaudit
        self.directory = directory
        self.made = 0

    def fresh(self):
        self.made += 1
        directory = os.path.join(self.directory, str(self.made))
        os.makedirs(directory)
        return directory

    def site(self):
        return sites.Site(self.imgaudit, self.fresh())

    def random(self, label):
        return generator(self.options.seed, label, 0)

    def check(self, passed, name, notes=()):
        self.out.check(passed, name, () if passed else notes)
        return bool(passed)

    def same(self, got, expected, name, notes=()):
        """One test; a failure shows both."""
        passed = got == expected
        return self.check(passed, name, [] if passed else [f"expected {expected!r}", f"got {got!r}", *notes])

    def skip(self, name, reason):
        self.out.skip(name, reason)


def run_tests(description, tests, count=None, tools=()):
    """`tools`: what a test needs besides the program, each an option that has to be given."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--imgaudit", required=True, metavar="PATH", help="the program to test")
    arguments.add_argument("--seed", default="1", metavar="N", help="for what is random (default %(default)s)")
    arguments.add_argument("--only", metavar="TEST", help="run the test functions whose name contains TEST")
    arguments.add_argument("--keep", metavar="DIR", help="work in DIR and leave the files there")
    if count is not None:
        arguments.add_argument("--count", type=int, default=count, metavar="N", help="how many (default %(default)s)")
    for tool in tools:
        arguments.add_argument("--" + tool, required=True, metavar="PATH", help="tests/" + tool + ", built")
    options = parse(arguments)
    out = Tap()
    with work_directory(options.keep) as directory:
        os.chmod(directory, 0o755)
        for number, test in enumerate(tests, 1):  # globs meet whole paths: no name of a test may be in one
            if not options.only or options.only in test.__name__:
                run_test(out, options, os.path.join(directory, str(number)), test)
    return out.finish()


def run_test(out, options, directory, test):
    start = time.monotonic()
    try:
        test(Case(out, options, directory))
    except Exception as error:  # one broken test must not hide the others
        out.check(False, f"{test.__name__} stopped: {type(error).__name__}", traceback.format_exc().splitlines())
    out.note(f"{test.__name__}, in {os.path.basename(directory)}: {time.monotonic() - start:.1f} s")


def main(function):
    sys.exit(function())
