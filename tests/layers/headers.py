# SPDX-License-Identifier: MIT
# Every header under src compiles alone, and twice in a row. The compiler command comes from meson.

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


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
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda header: compile_alone(options.command, header), headers)
        for number, (header, (passed, messages)) in enumerate(zip(headers, results), 1):
            print(f"{'ok' if passed else 'not ok'} {number} - {header}")
            for line in messages.splitlines():
                print(f"# {line}")
            failed += not passed
    print(f"1..{len(headers)}")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
