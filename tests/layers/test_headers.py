#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Every header under src compiles alone, and twice in a row. The compiler command comes from meson.

import argparse
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness


def compile_alone(command, header):
    text = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run([*command, "-fsyntax-only", "-x", "c", "-"], input=text, text=True, capture_output=True, check=False)
    return done.returncode == 0, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("src", type=Path)
    parser.add_argument("command", nargs="+", help="compiler and its options, after --")
    options = parser.parse_args()
    headers = sorted(path.relative_to(options.src).as_posix() for path in options.src.glob("**/*.h"))
    out = harness.Tap()
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda header: compile_alone(options.command, header), headers)
        for header, (passed, messages) in zip(headers, results):
            out.check(passed, header, messages.splitlines())
    return out.finish() or not headers


if __name__ == "__main__":
    harness.main(main)
