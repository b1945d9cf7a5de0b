#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# No writable data in the libraries: tables are const, options are passed down. Reads the symbols of the static libraries.

import argparse
import re
import subprocess

import harness

WRITABLE = re.compile(r"\.data(?!\.rel\.ro)\S*|\.bss\S*|\*COM\*|\.t(data|bss)\S*")


def writable_symbols(library):
    table = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True).stdout
    for line in table.splitlines():
        fields = line.split()
        # value, flags, section, size, name; sections themselves have "d" among their flags
        if len(fields) >= 5 and "O" in fields[1:-3] and WRITABLE.fullmatch(fields[-3]):
            yield fields[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("libraries", nargs="+")
    options = parser.parse_args()
    out = harness.Tap()
    for library in options.libraries:
        found = list(writable_symbols(library))
        out.check(not found, f"no writable data in {library.split('/')[-1]}", found)
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
