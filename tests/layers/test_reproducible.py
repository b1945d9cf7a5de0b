#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Some sources compiled as the build does, in two directories, at two times, also with debug information: the same bytes. Of the
# whole program tools/reproducible finds out.

import argparse
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness

# One with an assertion, one with embedded SQL, one with words of the build; assertions have the names of their files.
SOURCES = ["src/chain/resolve.c", "src/store/schema.c", "src/cli/main.c"]
TAKES_A_WORD = {"-o", "-MF", "-MQ"}


def commands(build):
    """{source, from the tree on: words of its compiler}, of the program's own objects."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        found.setdefault(source, shlex.split(entry["command"]))
    return found


def copy(options, root):
    """The sources and what the build has generated, below another directory, with another date."""
    way = os.path.relpath(options.build, options.source)
    build = os.path.normpath(os.path.join(root, way))
    shutil.copytree(os.path.join(options.source, "src"), os.path.join(root, "src"), copy_function=shutil.copyfile)
    for header in Path(options.build).glob("**/*.h"):
        there = os.path.join(build, header.relative_to(options.build))
        os.makedirs(os.path.dirname(there), exist_ok=True)
        shutil.copyfile(header, there)
    os.makedirs(build, exist_ok=True)
    return build


def compile_in(options, command, root, build, more):
    """The object's bytes, of `command` as if the tree were `root`."""
    words = iter(command)
    made = os.path.join(build, "made.o")
    line = []
    for word in words:
        if word in TAKES_A_WORD:
            next(words)
        elif word != "-MD" and not word.endswith("ccache"):
            line.append(word.replace(options.build, build).replace(options.source, root))
    subprocess.run([*line, *more, "-o", made], cwd=build, check=True, capture_output=True, text=True)
    return Path(made).read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, metavar="DIR", help="the tree")
    parser.add_argument("--build", required=True, metavar="DIR", help="a build of it")
    options = parser.parse_args()
    options.source, options.build = os.path.realpath(options.source), os.path.realpath(options.build)
    known = commands(options.build)
    out = harness.Tap()
    with tempfile.TemporaryDirectory(prefix="imgaudit-bytes-") as directory:
        roots = [os.path.join(directory, "one"), os.path.join(directory, "somewhere", "else", "two")]
        builds = [copy(options, root) for root in roots]
        for source in SOURCES:
            command = known[os.path.join(options.source, source)]
            for more in ([], ["-g"]):
                made = [compile_in(options, command, *pair, more) for pair in zip(roots, builds)]
                name = f"{source} {' '.join(more)}".strip()
                out.check(made[0] == made[1] and directory.encode() not in made[0], f"{name} is the same in two directories")
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
