# SPDX-License-Identifier: MIT
# The rules of CONTRIBUTING that a machine can check by reading the sources: layers, who may include which library, who may
# print, sizes, licence lines, tests that nobody runs.

import argparse
import re
import sys
from pathlib import Path

# A layer may include itself and the layers of smaller rank.
RANKS = {"base": 0, "model": 1, "io": 2, "format": 3, "chain": 4, "analysis": 4, "judge": 5, "store": 6, "scan": 7, "report": 7, "cli": 8}

# Which files may include a header of a library.
LIBRARIES = {
    r"sqlite3\.h": r"src/store/.*",
    r"json-c/.*|json\.h": r"src/chain/reference\.c|src/report/render_json\.c",
    r"libsmartcols.*": r"src/report/render_table\.c",
    r"zlib\.h|zstd.*\.h|bzlib\.h|lzma\.h": r"src/io/inflate\.c",
    r"expat\.h": r"src/io/xml\.c",
    r"md5\.h": r"src/io/digest\.c",
    r"pthread\.h|threads\.h": r"src/scan/.*",
}
PRINTERS = r"src/cli/.*|src/report/render\w*\.c"
PRINTING = re.compile(r"\b(?:printf|puts|putchar|perror|vprintf|exit|_exit|abort|err|errx|warn|warnx)\s*\(|\b(?:stdout|stderr)\b")
UNSAFE = re.compile(r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol)\s*\(")
MAX_LINES = 600
LICENSE = "SPDX-License-Identifier: MIT"
GENERATED = re.compile(r"\w+_embedded\.h")


class Source:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.layer = self.path.split("/")[1] if self.path.startswith("src/") else None

    def includes(self):
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if match:
                yield number, match.group(1) == '"', match.group(2)

    def code(self):
        """The lines without comments and texts, as good as a few patterns can tell."""
        text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', self.text)
        text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.DOTALL)
        return list(enumerate(text.split("\n"), 1))


def read(root, patterns):
    return [Source(root, path) for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file()]


def check_layer(sources, layer):
    """Complaints about the includes of one layer."""
    for source in sources:
        if source.layer != layer:
            continue
        for number, is_own, name in source.includes():
            if not is_own or GENERATED.fullmatch(name):
                continue
            other = name.split("/")[0]
            if other not in RANKS:
                yield f"{source.path}:{number}: \"{name}\" is not written from src/ on"
            elif other != layer and RANKS[other] >= RANKS[layer]:
                yield f"{source.path}:{number}: {layer} must not include {other}"
    if layer not in RANKS:
        yield f"src/{layer}: a layer without a rank"


def check_libraries(sources):
    for source in sources:
        for number, is_own, name in source.includes():
            for header, allowed in LIBRARIES.items():
                if not is_own and re.fullmatch(header, name) and not re.fullmatch(allowed, source.path):
                    yield f"{source.path}:{number}: includes <{name}>, which only {allowed} may"


def check_words(sources, words, allowed):
    for source in sources:
        if re.fullmatch(allowed, source.path):
            continue
        for number, line in source.code():
            match = words.search(line)
            if match:
                yield f"{source.path}:{number}: {match.group().strip('( ')}"


def check_lengths(sources):
    for source in sources:
        if len(source.lines) > MAX_LINES:
            yield f"{source.path}: {len(source.lines)} lines, above {MAX_LINES}"


def check_guards(sources):
    for source in sources:
        if source.layer and source.path.endswith(".h"):
            guard = "IA_" + re.sub(r"\W", "_", source.path[len("src/"):]).upper()
            if f"#ifndef {guard}\n#define {guard}\n" not in source.text:
                yield f"{source.path}: no include guard {guard}"


def check_licenses(files):
    for source in files:
        if not any(LICENSE in line for line in source.lines[:2]):
            yield f"{source.path}: no '{LICENSE}' in its first two lines"


def check_tests_run(root, registered):
    for path in sorted((root / "tests/unit").glob("test_*.c")):
        if path.stem[len("test_"):] not in registered:
            yield f"{path.name}: not in tests/unit/meson.build"
    for suite in ("oracle", "e2e", "fuzz", "threads", "valgrind"):
        for path in sorted((root / "tests" / suite).glob("*.py")):
            is_test = "__main__" in path.read_text(encoding="utf-8")
            if is_test and path.stem not in registered:
                yield f"tests/{suite}/{path.name}: not in tests/meson.build"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("registered", nargs="*", help="names of the tests that meson runs")
    options = parser.parse_args()
    root = options.root.resolve()
    sources = read(root, ["src/**/*.c", "src/**/*.h"])
    files = sources + read(root, ["tests/**/*.[ch]", "tests/**/*.py", "tests/**/meson.build", "tools/*", "reports/*", "schema/*.sql",
                                  "meson.build", "src/meson.build", ".ci/*"])
    layers = sorted({source.layer for source in sources})
    checks = [(f"includes of src/{layer} point downwards", check_layer(sources, layer)) for layer in layers]
    checks += [
        ("libraries are included where they may be", check_libraries(sources)),
        ("only the command line and the renderers print or exit", check_words(sources, PRINTING, PRINTERS)),
        ("no function that writes without a bound", check_words(sources, UNSAFE, "")),
        (f"no source above {MAX_LINES} lines", check_lengths(sources)),
        ("include guards are named after their files", check_guards(sources)),
        ("every file says its licence", check_licenses(files)),
        ("every test is run", check_tests_run(root, options.registered)),
    ]
    failed = 0
    for number, (name, complaints) in enumerate(checks, 1):
        found = list(complaints)
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
        for complaint in found:
            print(f"# {complaint}")
    print(f"1..{len(checks)}")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
