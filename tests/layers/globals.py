# SPDX-License-Identifier: MIT
# No writable data in the libraries: tables are const, options are passed down. Reads the symbols of the static libraries.

import argparse
import re
import subprocess
import sys

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
    failed = 0
    for number, library in enumerate(options.libraries, 1):
        found = list(writable_symbols(library))
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - no writable data in {library.split('/')[-1]}")
        for name in found:
            print(f"# {name}")
    print(f"1..{len(options.libraries)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
