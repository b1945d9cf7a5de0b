#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The rules of CONTRIBUTING that a machine can check by reading the sources: layers, who may include which library, who may
# print, sizes, licence lines, tests that nobody runs, and that verdicts are src/judge's.

import argparse
import re
from pathlib import Path

import harness

# The rooms of src/scan, in the order in which they are entered.
ROOMS = ["catalog", "reading", "holders", "graph", "publish"]
# A layer may include itself and the layers of smaller rank.
RANKS = {"base": 0, "model": 1, "io": 2, "content": 2, "sandbox": 2, "format": 3, "chain": 4, "analysis": 4, "inventory": 5, "judge": 5, "store": 6, "scan": 7, "what_if": 7, "report": 7, "cli": 8}

# Which files may include a header of a library.
LIBRARIES = {
    r"sqlite3\.h": r"src/store/.*",
    r"json-c/.*|json\.h": r"src/chain/json_options\.c|src/io/json\.c",
    r"libsmartcols.*": r"src/report/render_table\.c",
    r"zlib\.h|zstd.*\.h|bzlib\.h|lzma\.h": r"src/content/inflate\.c",
    r"expat\.h": r"src/io/xml\.c",
    r"md5\.h": r"src/io/digest\.c",
    r"archive.*\.h": r"src/io/archive_library\.h",
    r"seccomp\.h": r"src/sandbox/seccomp\.c",
    r"pthread\.h|threads\.h": r"src/scan/.*",
}
PRINTERS = r"src/cli/.*|src/report/render\w*\.c|src/scan/reading/process\.c"  # the latter for a process of its own
PRINTING = re.compile(r"\b(?:printf|puts|putchar|perror|vprintf|exit|_exit|abort|err|errx|warn|warnx)\s*\(|\b(?:stdout|stderr)\b")
UNSAFE = re.compile(r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol)\s*\(")
MAX_LINES = 600
LICENSE = "SPDX-License-Identifier: MIT"
# What SQL would parse: words for people, which image_header and image_ability have columns for.
VARIANT = re.compile(r"\bvariant\s*(?:\|\||=|<>|\b(?:NOT|LIKE|GLOB|IN|REGEXP|COLLATE)\b)|(?:\|\||=|<>|\(|\bLIKE\b)\s*(?:\w+\.)?variant\b", re.IGNORECASE)
# A command, not a sentence that begins with the name of one; and what quotes.
COMMAND = re.compile(r"\bqemu-img \w+ -|\brm -|\bcp -|\bfuser -|\btruncate -|\bimgaudit report\b|\breplace\s*\(|'{4}", re.IGNORECASE)
# Of tests. What the others have beside tests are parts of one program, called run.
WITHOUT_HELPERS = ("e2e", "formats", "fuzz", "layers", "oracle", "threads", "unit", "valgrind")
# A function of cmocka, and one of Python that is called a test. What is not alive neither tells nor says, knows or stands.
TEST = re.compile(r"^(?:static )?void (\w+)\(void \*\*\w+\)|^def test_(\w+)\(", re.MULTILINE)
LONGEST_NAME = 70
OF_PEOPLE = set("tell tells told say says said know knows knew stand stands stood".split())
GENERATED = re.compile(r"\w+_embedded\.h")

# Outside of the judge no doubt is named; that there is none may be said where findings are made and graphs are filled.
DOUBTS = re.compile(r"\bIA_DOUBT_(?!NONE\b)\w+")
NO_DOUBT = re.compile(r"\bIA_DOUBT_NONE\b")
JUDGE = r"src/judge/.*"
GRAPHS = JUDGE + (r"|src/scan/catalog/findings\.[ch]|src/scan/graph/judge_graph\.c|src/scan/publish/(?:record|verdicts)\.c"
                  r"|src/store/graph_rows\.c")
# Where a text is a verdict or the code of a doubt, and how often at most.
SPELLED = {
    ("schema/views.sql", "proven"): 1,  # v_unused: no row of doubt
    ("schema/views.sql", "unproven"): 1,
    ("reports/summary.sql", "proven"): 3,  # lines, by v_unused.verdict
    ("reports/summary.sql", "unproven"): 3,
    ("reports/unused-backing.sql", "unproven"): 1,  # what is suggested
    ("src/report/proof.c", "proven"): 1,  # by v_unused.verdict
    ("reports/what-if.sql", "proven"): 1,  # no row of doubts
    ("reports/what-if.sql", "unproven"): 1,
    ("schema/tables.sql", "loop"): 4,  # a state of images, references, packed ones and spans of history, too
    ("src/base/status.c", "loop"): 1,
    ("src/report/facts.c", "renamed"): 1,  # v_scan.renamed
    ("src/model/resolve_state.c", "loop"): 1,
    ("reports/tree.sql", "loop"): 1,
    ("src/inventory/proxmox_guest.c", "loop"): 1,  # an option of mount(8)
}

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
        """The lines without comments and texts, as good as a few patterns can."""
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


def check_rooms(sources):
    """A room of src/scan uses those before it alone; what lies beside the rooms is what a scan is asked, and the scan."""
    for source in sources:
        place = source.path.split("/")
        room = ROOMS.index(place[2]) if place[:2] == ["src", "scan"] and place[2] in ROOMS else None
        for number, is_own, name in source.includes() if room is not None else ():
            other = name.split("/")
            allowed = other[0] != "scan" or name == "scan/options.h" or other[1] in ROOMS[:room + 1]
            if is_own and not allowed:
                yield f"{source.path}:{number}: {ROOMS[room]} must not include \"{name}\""


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


def sql_lines(source):
    """The lines of a file of SQL without their comments, as good as a few patterns can."""
    return [(number, re.sub(r"('[^']*')|--.*", lambda match: match.group(1) or "", line)) for number, line in enumerate(source.lines, 1)]


def check_formats_in_sql(files, sources):
    """SQL asks for facts and abilities. The names are those of the drivers, but where an inventory is called so."""
    driver = re.compile(r"^const struct ia_format ia_format_\w+ = \{\s*\.name = \"(\w+)\"", re.MULTILINE)
    names = [name for source in sources for name in driver.findall(source.text)]
    kinds = {kind for source in sources for kind in re.findall(r'(?:\.kind = |IA_PLACES\()"(\w+)"', source.text)}
    if len(names) < 2:
        yield "no driver's name was found"
    named = re.compile(r"'[^']*(?<![\w-])(" + "|".join(names) + r")(?![\w-])[^']*'")
    for source in files:
        for number, line in sql_lines(source):
            match = named.search(line)
            if match and not kinds >= set(re.findall(r"'([^']*)'", line)):
                yield f"{source.path}:{number}: names the format {match.group(1)}"
            if VARIANT.search(line):
                yield f"{source.path}:{number}: parses variant"


def check_commands_in_sql(files):
    """SQL says what should be done to which files: src/report/advice.c makes the command."""
    for source in files:
        for number, line in sql_lines(source):
            if match := COMMAND.search(line):
                yield f"{source.path}:{number}: {match.group()}: see src/report/advice.c"


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


def check_programs(root):
    for directory in ("tests", "tools", ".ci"):
        for path in sorted((root / directory).rglob("*")):
            if path.is_file():
                with open(path, "rb") as file:
                    if file.read(2) == b"#!" and not path.stat().st_mode & 0o100:
                        yield f"{path.relative_to(root)} begins with #! and cannot be run"


def texts(source):
    """(line number, text) of the literals, without comments; of a C file also the SQL literals in them."""
    is_sql = source.path.endswith(".sql")
    pattern = r"--[^\n]*|'((?:[^']|'')*)'" if is_sql else r"/\*.*?\*/|'(?:\\.|[^'\\])+'|\"((?:\\.|[^\"\\])*)\""
    for match in re.finditer(pattern, source.text, re.DOTALL):
        if match.group(1) is not None:
            number = source.text.count("\n", 0, match.start()) + 1
            for text in [match.group(1)] + ([] if is_sql else re.findall(r"'([^']*)'", match.group(1))):
                yield number, text


def doubt_codes(root, concerns=r"[^,]+"):
    """Of the doubts about candidates that are such a set: "0" for those about deeds."""
    table = (root / "src/judge/doubt.c").read_text(encoding="utf-8")
    return set(re.findall(r'\[IA_DOUBT_\w+\]\s*=\s*\{"([^"]+)",\s*\w+,\s*' + concerns + ",", table))


def check_verdicts(root, sources):
    """Verdicts and codes of doubts, but where the judge's rows are shown."""
    codes = doubt_codes(root)
    words = codes | {"proven", "unproven"}
    for source in sources + read(root, ["reports/*.sql", "schema/**/*.sql", "src/**/*.sql"]):
        found = {}
        for number, text in [] if source.layer == "judge" else texts(source):
            if text in words:
                found.setdefault(text, []).append(number)
        for text, numbers in found.items():
            in_checks = 2 if source.path == "schema/tables.sql" and text in codes else 0  # of doubt.code and finding.doubt
            if len(numbers) > SPELLED.get((source.path, text), 0) + in_checks:
                yield f"{source.path}:{numbers[-1]}: '{text}' is for the judge alone"


def check_reasons(root):
    """Reports with a verdict that have reasons of their own."""
    for source in read(root, ["reports/*.sql"]):
        for number, text in texts(source) if "-- column: verdict " in source.text else []:
            if text.startswith("; "):
                yield f"{source.path}:{number}: a reason of its own: '{text}'"


def checked(schema, table, column):
    """The words that the CHECK of a column has."""
    rows = re.sub(r"--[^\n]*", "", re.search(rf"CREATE TABLE {table} \((.*?)\n\)", schema, re.DOTALL).group(1))
    words = re.search(rf"CHECK \(\s*{column} IN \(([^()]*)\)\)|CHECK \(\s*({column} = '[^()]*)\)", rows)
    return set(re.findall(r"'([^']*)'", words.group(1) or words.group(2)))


def check_inventories(root):
    """Each reader's kind is in the schema."""
    kinds = set()
    for source in read(root, ["src/inventory/*.c"]):
        kinds |= set(re.findall(r'(?:\.kind = |IA_PLACES\()"([a-z]+)"', source.text))
    for kind in sorted(kinds ^ checked((root / "schema/tables.sql").read_text(encoding="utf-8"), "inventory", "source")):
        yield f"'{kind}' is {'not in' if kind in kinds else 'only in'} the CHECK of inventory.source"


def check_codes(root):
    """Each code is in the table of doubts, in the schema and in the manual."""
    of_deeds = doubt_codes(root, "0")
    of_candidates = doubt_codes(root) - of_deeds
    schema = (root / "schema/tables.sql").read_text(encoding="utf-8")
    manual = (root / "doc/imgaudit.1.scd").read_text(encoding="utf-8")
    section = re.search(r"^# DOUBTS$(.*?)^## Of a what-if$(.*?)^# ", manual, re.DOTALL | re.MULTILINE)
    listed = r"^\*([a-z-]+)\*$"
    places = {"the CHECK of doubt.code in schema/tables.sql": (of_candidates, checked(schema, "doubt", "code")),
              "the CHECK of finding.doubt there": (of_candidates, checked(schema, "finding", "doubt")),
              "DOUBTS in doc/imgaudit.1.scd": (of_candidates, set(re.findall(listed, section.group(1), re.MULTILINE))),
              "DOUBTS, Of a what-if, there": (of_deeds, set(re.findall(listed, section.group(2), re.MULTILINE)))}
    for place, (codes, there) in places.items():
        for code in sorted(codes ^ there):
            yield f"'{code}' is {'not in' if code in codes else 'only in'} {place}"


def check_finding_codes(root):
    """Each code is in the table of findings, in the schema and in the manual."""
    codes = set(re.findall(r'\[IA_FINDING_\w+\]\s*=\s*\{"([^"]+)"', (root / "src/judge/finding_kind.c").read_text(encoding="utf-8")))
    schema = (root / "schema/tables.sql").read_text(encoding="utf-8")
    manual = (root / "doc/imgaudit.1.scd").read_text(encoding="utf-8")
    section = re.search(r"^# FINDINGS$(.*?)^# ", manual, re.DOTALL | re.MULTILINE).group(1)
    places = {"the CHECK of finding.code in schema/tables.sql": checked(schema, "finding", "code"),
              "the CHECK of acceptance.code there": checked(schema, "acceptance", "code"),
              "FINDINGS in doc/imgaudit.1.scd": set(re.findall(r"^\*([a-z0-9-]+)\* \(", section, re.MULTILINE))}
    for place, there in places.items():
        for code in sorted(codes ^ there):
            yield f"'{code}' is {'not in' if code in codes else 'only in'} {place}"


def check_effects(root):
    """Each effect of a deed is in the table that what-if makes of them."""
    tables = (root / "src/store/what_if_tables.sql").read_text(encoding="utf-8").replace("CREATE TEMP TABLE", "CREATE TABLE")
    effects = set(re.findall(r'\[IA_EFFECT_\w+\] = "([^"]+)"', (root / "src/judge/deed.c").read_text(encoding="utf-8")))
    for effect in sorted(effects ^ checked(tables, "what_if_row", "effect")):
        yield f"'{effect}' is {'not in' if effect in effects else 'only in'} the CHECK of what_if_row.effect"


def check_scan_options(root):
    """What a scan records of its options, prove scans again with: each kind but what is no option is in the table of both."""
    schema = (root / "schema/tables.sql").read_text(encoding="utf-8")
    lists = set(re.findall(r'\[IA_SCAN_\w+\] = \{"([^"]+)"', (root / "src/scan/options.c").read_text(encoding="utf-8")))
    for kind in sorted(lists ^ checked(schema, "scan_option", "kind") - {"walked"}):
        yield f"'{kind}' is {'not in' if kind in lists else 'only in'} the CHECK of scan_option.kind: see src/scan/options.c"


def check_tests_run(root, registered):
    """Tests are named test_*, and meson.build names each; what is imported only lies in tests/lib."""
    tests = root / "tests"
    found = {path.relative_to(tests).as_posix() for path in [*tests.glob("*/test_*.py"), *tests.glob("unit/test_*.c")]}
    for path in sorted(found - registered):
        yield f"tests/{path}: in no meson.build"
    for path in sorted(registered - found):
        yield f"tests/{path}: in a meson.build, and not there"
    for path in sorted(tests.glob("*/*.py")):
        folder = path.parent.name
        if folder in WITHOUT_HELPERS and not path.name.startswith("test_") and not path.is_symlink():
            yield f"tests/{folder}/{path.name}: neither called test_*.py nor in tests/lib"


def check_test_names(tests):
    """A verdict takes three words. Whether it is one, and true, is for who reads it."""
    for source in tests:
        for match in TEST.finditer(source.text):
            name = match.group(1) or "test_" + match.group(2)
            words = name.removeprefix("test_").split("_")
            if len(name) > LONGEST_NAME:
                yield f"{source.path}: {name}: {len(name)} characters"
            if len(words) < 3:
                yield f"{source.path}: {name}: states no verdict"
            if OF_PEOPLE.intersection(words):
                yield f"{source.path}: {name}: {', '.join(OF_PEOPLE.intersection(words))}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("registered", nargs="*", help="the tests that meson runs, from tests/ on")
    options = parser.parse_args()
    root = options.root.resolve()
    sources = read(root, ["src/**/*.c", "src/**/*.h"])
    files = sources + read(root, ["tests/**/*.[ch]", "tests/**/*.py", "tests/**/meson.build", "tools/*", "reports/*", "schema/*.sql",
                                  "meson.build", "src/meson.build", ".ci/*"])
    sql = read(root, ["reports/*.sql", "schema/**/*.sql", "src/store/*.sql"])
    layers = sorted({source.layer for source in sources})
    checks = [(f"includes of src/{layer} point downwards", check_layer(sources, layer)) for layer in layers]
    checks += [
        ("the rooms of src/scan use those before them", check_rooms(sources)),
        ("libraries are included where they may be", check_libraries(sources)),
        ("only the command line and the renderers print or exit", check_words(sources, PRINTING, PRINTERS)),
        ("no function that writes without a bound", check_words(sources, UNSAFE, "")),
        ("no SQL names a format or parses a variant", check_formats_in_sql(sql, sources)),
        ("no SQL makes commands or quotes for a shell", check_commands_in_sql(sql)),
        (f"no source above {MAX_LINES} lines", check_lengths(sources)),
        ("include guards are named after their files", check_guards(sources)),
        ("every file names its licence", check_licenses(files)),
        ("what begins with #! can be run", check_programs(root)),
        ("every test is run", check_tests_run(root, set(options.registered))),
        ("tests have names that can be verdicts", check_test_names(read(root, ["tests/unit/*.c", "tests/*/test_*.py"]))),
        ("doubts are raised by src/judge alone", check_words(sources, DOUBTS, JUDGE)),
        ("that there is none is for findings and graphs", check_words(sources, NO_DOUBT, GRAPHS)),
        ("verdicts and doubts are spelled where the judge's rows are shown", check_verdicts(root, sources)),
        ("reports give no reasons of their own", check_reasons(root)),
        ("the codes of doubts are in the schema and in the manual", check_codes(root)),
        ("the codes of findings are in the schema and in the manual", check_finding_codes(root)),
        ("the kinds of inventories are in the schema", check_inventories(root)),
        ("every effect of a deed is in the tables of what-if", check_effects(root)),
        ("the options of a scan are in the schema and in the table that prove reads", check_scan_options(root)),
    ]
    out = harness.Tap()
    for name, complaints in checks:
        found = list(complaints)
        out.check(not found, name, found)
    return out.finish() or not sources


if __name__ == "__main__":
    harness.main(main)
