# SPDX-License-Identifier: MIT
# The fuzz seeds of a format's builder: written to a directory, and replayed by its fuzz target.

import argparse
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))


def write_seeds(name, directory):
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for seed, data in importlib.import_module(f"builders.{name}").seeds():
        (directory / seed).write_bytes(data)
        count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="a module of tests/lib/builders")
    parser.add_argument("--write", metavar="DIR", type=Path, help="only write the seeds there")
    parser.add_argument("--target", metavar="PATH", help="the replaying program")
    parser.add_argument("corpus", nargs="*", help="directories of more inputs")
    options = parser.parse_intermixed_args()
    if options.write:
        return 0 if write_seeds(options.name, options.write) else 1
    with tempfile.TemporaryDirectory(prefix="imgaudit-seeds-") as directory:
        if not write_seeds(options.name, Path(directory)):
            print("Bail out! no seeds")
            return 1
        return subprocess.run([options.target, "--seeds", directory, *options.corpus], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
