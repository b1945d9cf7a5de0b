#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Odd file names, from disk through the store to every output format: as base, as overlay, as a name
# that leads nowhere, as an orphan, as a directory. Names are bytes; what comes out must be the same bytes.

import csv
import io
import json
import os

import harness
import sites
from qemu import compare_human, compare_json
from sites import MIB, Site, create, run

NAMES = {
    "a newline": b"new\nline",
    "a newline at the end": b"end\n",
    "a tab": b"tab\there",
    "a carriage return": b"return\rhere",
    "a single quote": b"it's",
    "a double quote": b'say "so"',
    "a backslash": b"back\\slash\\n",
    "a comma": b"one,two,,three",
    "a leading dash": b"-rf",
    "two leading dashes": b"--db",
    "255 bytes": b"x" * 255,
    "255 bytes of UTF-8": "ü".encode() * 127 + b"x",
    "invalid UTF-8": b"bad\xff\xfebytes",
    "half a UTF-8 sequence at the end": b"half\xe2\x82",
    "an overlong slash": b"over\xc0\xaflong",
    "a surrogate": b"sur\xed\xa0\x80rogate",
    "a:b": b"a:b",
    "json:x": b"json:x",
    "json: with an object": b'json:{"driver":"null-co"}',
    "nbd:x": b"nbd:localhost:10809",
    "file:x": b"file:x",
    "%s": b"%s%n%d%%",
    "a trailing space": b"trailing ",
    "a leading space": b" leading",
    "an escape sequence": b"\x1b[31mred\x1b]0;title\x07",
    "a delete": b"de\x7flete",
    "other controls": b"\x01\x02\x1f",
    "C1 controls": b"c1\xc2\x85\xc2\x9b",
    "a change of direction": "gnp\u202e.exe".encode(),
    "a line separator": "line\u2028separator".encode(),
    "four-byte UTF-8": "\U0001f4be".encode(),
    "glob characters": b"*?[a-z]",
    "SQL": b"'); DROP TABLE image; --",
    "shell": b"$(touch x);`id`|&",
    "an equals sign": b"=1+1",
    "a hash": b"# not a comment",
    "dots": b"...",
}
PATH_COLUMNS = {
    "--backing": ["path"],
    "--sharing": ["base_path", "head_path"],
    "--sparse": ["path"],
    "--findings": ["path"],
    "--unused-backing": ["path"],
}


def text(name):
    return name.decode("utf-8", "surrogateescape")


def raw(name):
    return name.encode("utf-8", "surrogateescape")


def is_utf8(name):
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def make_site(case):
    """bases/N, overlays/N on it, missing/N whose base does not exist, orphans/N, and N/image."""
    site = case.site()
    for folder in ("bases", "overlays", "missing", "orphans"):
        site.path(folder, "x")
    for name in map(text, NAMES.values()):
        base = create(site.path("bases", name), MIB)
        sites.qemu_io(base, "write -q -P 1 0 128k")
        over = create(site.path("overlays", name), MIB, "../bases/" + name)
        sites.qemu_io(over, "write -q -P 2 64k 64k")
        create(site.path("missing", name), MIB, "../gone/" + name)
        create(site.path("orphans", name), MIB)
        create(site.path(name, "image"), MIB)
    return site


def paths(site, *folders):
    """The absolute paths that a scan must have met, as bytes."""
    return {raw(site.path(folder, text(name))) for folder in folders for name in NAMES.values()}


def all_paths(site):
    inside = {raw(site.path(text(name), "image")) for name in NAMES.values()}
    return paths(site, "bases", "overlays", "missing", "orphans") | inside


def expected_rows(site, report):
    """For each path column of a report, the multiset of its values."""
    if report in ("--backing", "--sharing"):
        return {column: sorted(paths(site, "overlays" if column == "head_path" else "bases"))
                for column in PATH_COLUMNS[report]}
    if report == "--unused-backing":
        return {"path": sorted(paths(site, "orphans", "bases"))}  # the latter are partly masked
    if report == "--findings":
        return {"path": sorted(paths(site, "missing"))}
    return {"path": sorted(all_paths(site))}


# -- Reading what was printed -----------------------------------------------------------------------------------------

def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key twice: {keys}")
    return dict(pairs)


def no_constant(word):
    raise ValueError(f"not JSON: {word}")


def strict_json(data):
    """Python's strict parser, which refuses control characters, on bytes that must be UTF-8."""
    return json.loads(data.decode("utf-8", "strict"), object_pairs_hook=no_duplicates, parse_constant=no_constant)


def json_value(row, column):
    """The bytes of a value: *_hex stands beside a value exactly where it could not be written."""
    shown, digits = row[column], row.get(column + "_hex")
    if digits is None:
        return shown.encode("utf-8")
    value = bytes.fromhex(digits)
    if is_utf8(value):
        raise ValueError(f"{column}_hex beside a value that is UTF-8: {value!r}")
    if "\ufffd" not in shown:
        raise ValueError(f"{column}: nothing shows that bytes are missing from {shown!r}")
    return value


def json_rows(data):
    return strict_json(data)["rows"]


def ndjson_rows(data):
    if not data.endswith(b"\n"):
        raise ValueError("the last line does not end")
    return [strict_json(line) for line in data[:-1].split(b"\n")]


def csv_rows(data):
    """The csv module on one character for each byte."""
    table = list(csv.reader(io.StringIO(data.decode("latin-1"), newline=""), strict=True))
    if any(len(row) != len(table[0]) for row in table):
        raise ValueError("rows of different length")
    return [{column: value.encode("latin-1") for column, value in zip(table[0], row)} for row in table[1:]]


def values(format, data, column):
    if format == "csv":
        return sorted(row[column] for row in csv_rows(data))
    rows = json_rows(data) if format == "json" else ndjson_rows(data)
    return sorted(json_value(row, column) for row in rows)


def output(site, *arguments, locale="C.UTF-8"):
    """stdout as bytes."""
    outcome = site.run(*arguments, env={**os.environ, "LC_ALL": locale, "COLUMNS": "120"})
    if outcome.code != 0:
        raise sites.ToolError(f"{arguments}: code {outcome.code}: {outcome.err}")
    return raw(outcome.out)


# -- The tests --------------------------------------------------------------------------------------------------------

def differences(got, expected):
    return [f"missing: {value!r}" for value in expected if value not in got][:5] + \
           [f"too much: {value!r}" for value in got if value not in expected][:5] + \
           ([] if len(got) == len(expected) else [f"{len(got)} rows for {len(expected)}"])


def check_values(case, name, format, data, expected):
    notes = []
    for column, wanted in expected.items():
        notes += [f"{column}: {note}" for note in differences(values(format, data, column), wanted)]
    case.check(not notes, name, notes)


def test_every_format_gives_odd_names_back(case):
    site = make_site(case)
    scan = site.scan("--backing-glob", "*/orphans/*", env={**os.environ, "LC_ALL": "C.UTF-8"})
    case.same((scan.code, scan.stats.get("images")), (3, 5 * len(NAMES)), "the scan finds every image", scan.notes())
    digits = run(["sqlite3", site.db, "SELECT hex(path) FROM v_image"]).out.split()
    case.check(not differences([bytes.fromhex(line) for line in digits], sorted(all_paths(site))),
               "the sqlite3 shell finds every path in v_image, byte for byte",
               differences([bytes.fromhex(line) for line in digits], sorted(all_paths(site))))
    chains = {(raw(path), raw(layer)) for path, layer in site.query("SELECT path, layer_path FROM v_chain WHERE depth = 1")}
    wanted = {(raw(site.path("overlays", text(name))), raw(site.path("bases", text(name)))) for name in NAMES.values()}
    case.check(chains == wanted, "every overlay is on its base", [repr(pair) for pair in chains ^ wanted][:8])
    for report in PATH_COLUMNS:
        expected = expected_rows(site, report)
        for format in ("json", "ndjson", "csv"):
            data = output(site, "report", "--db", site.db, report, "--format", format)
            check_values(case, f"report {report} --format {format} gives every name back", format, data, expected)
    for format in ("json", "ndjson", "csv"):
        data = output(site, "sql", "--db", site.db, "--format", format, "SELECT path FROM v_image")
        check_values(case, f"sql --format {format} gives every name back", format, data, {"path": sorted(all_paths(site))})
    check_details(case, site)
    check_tables(case, site)
    check_single_images(case, site)


def check_details(case, site):
    """A finding names the file that is missing; its text holds the name's own bytes."""
    rows = json_rows(output(site, "report", "--db", site.db, "--findings", "--format", "json"))
    lacking = [name for name in NAMES.values()
               if not any(b"/gone/" + name + b"'" in json_value(row, "detail") for row in rows)]
    case.same(lacking, [], "the details of findings hold the names that lead nowhere")
    rows = json_rows(output(site, "report", "--db", site.db, "--unused-backing", "--format", "json"))
    case.same({(row["status"], row["evidence"]) for row in rows if row["status"] != "partly-masked"},
              {("unreferenced", "matches --backing-glob '*/orphans/*'")}, "a --backing-glob matches every odd name")


def check_tables(case, site):
    for locale in ("C.UTF-8", "C"):
        data = output(site, "sql", "--db", site.db, "SELECT path FROM v_image ORDER BY path", locale=locale)
        lines = data.split(b"\n")
        case.same(len(lines), 5 * len(NAMES) + 2, f"a table in {locale} has one line for each image, and a header")
        controls = sorted({byte for byte in data if (byte < 0x20 or byte == 0x7F) and byte != 0x0A})
        case.same(controls, [], f"a table in {locale} has no control characters")
        if locale == "C":
            case.check(all(byte < 0x80 for byte in data), "a table in C is ASCII")
        else:
            shown = data.decode("utf-8", "replace")
            case.check(not {"\ufffd", "\u202e", "\u2028", "\x85", "\x9b"} & set(shown),
                       "a table in C.UTF-8 is UTF-8 without characters that are not seen")
        case.check(rb"/bases/new\nline" in data and rb"/bases/bad\xff\xfebytes" in data
                   and rb"/bases/back\\slash\\n" in data, f"bytes that cannot be shown are escaped in {locale}")
    case.check("/bases/".encode() + NAMES["four-byte UTF-8"] in
               output(site, "sql", "--db", site.db, "SELECT path FROM v_image"), "what can be shown is shown")


def check_single_images(case, site):
    """map, chain and --dependents of ./NAME, given from its own directory."""
    wrong = {"map": [], "human": [], "filenames": [], "chain": [], "store": [], "dependents": []}
    for label, name in NAMES.items():
        argument = "./" + text(name)
        where = site.path("overlays", "x")[:-2]
        theirs = run(["qemu-img", "map", "-U", "--output=json", argument], where)
        ours = site.run("map", "--output=json", argument, cwd=where)
        wrong["map"] += compare_json(label, theirs, ours)
        if theirs.code != 0:
            wrong["map"].append(f"{label}: qemu-img: {theirs.err}")
        wrong["human"] += compare_human(label, run(["qemu-img", "map", "-U", argument], where), site.run("map", argument, cwd=where))
        named = strict_json(raw(site.run("map", "--output=json", "--filenames", argument, cwd=where).out))
        got = {entry["depth"]: json_value(entry, "filename") for entry in named if "filename" in entry}
        if got != {0: raw(argument), 1: b"./../bases/" + name}:
            wrong["filenames"].append(f"{label}: {got}")
        wrong["chain"] += chain_faults(label, site.run("chain", argument, cwd=where))
        wrong["store"] += chain_faults(label, site.run("chain", "--db", site.db, argument, cwd=where))
        base = "../bases/" + text(name)
        arguments = ("report", "--db", site.db, "--format", "json", "--dependents", base)
        rows = json_rows(raw(site.run(*arguments, cwd=where).out))
        if [json_value(row, "path") for row in rows] != [raw(site.path("overlays", text(name)))]:
            wrong["dependents"].append(f"{label}: {rows}")
    for what, name in (("map", "map ./NAME equals qemu-img's"), ("human", "so does the table for people"),
                       ("filenames", "map --filenames names both files"), ("chain", "chain ./NAME draws two lines"),
                       ("store", "chain --db draws two lines"), ("dependents", "--dependents finds the overlay by ../bases/NAME")):
        case.check(not wrong[what], f"{name}, for all {len(NAMES)} names", wrong[what][:10])


def chain_faults(label, outcome):
    """Two lines, the given image marked, nothing in them that a terminal obeys."""
    lines = outcome.out.split("\n")
    if outcome.code != 0:
        return [f"{label}: exit code {outcome.code}: {outcome.err}"]
    if len(lines) != 3 or lines[2] or any(ord(char) < 0x20 or ord(char) == 0x7F for line in lines for char in line):
        return [f"{label}: {lines}"]
    return []


def test_a_name_that_begins_with_a_dash_is_an_image(case):
    """A name that begins with a dash is an image after `--`."""
    site = case.site()
    create(site.path("-image"), MIB)
    ours = site.run("map", "--output=json", "--", "-image", cwd=site.root)
    case.check(not compare_json("-image", run(["qemu-img", "map", "-U", "--output=json", "--", "-image"], site.root), ours),
               "map -- -NAME", [ours.err])
    outcome = site.run("scan", "--db", site.db, "--", "-image", cwd=site.root)
    case.same(outcome.code, 0, "scan -- -NAME", [outcome.err])
    case.same(site.query("SELECT path FROM v_image"), [(site.path("-image"),)], "stores the absolute path")


def test_roots_and_stores_with_odd_names_work(case):
    """The root's and the store's own names."""
    failures = []
    for label, name in NAMES.items():
        site = Site(case.imgaudit, case.fresh())
        site.root = os.path.join(site.directory, text(name))
        os.mkdir(site.root)
        create(os.path.join(site.root, "x.qcow2"), MIB)
        scan = site.run("scan", "--db", "./" + text(name) + "/../" + text(name[:100]) + ".db", "./" + text(name), cwd=site.directory)
        data = raw(site.run("report", "--db", "./" + text(name[:100]) + ".db", "--format", "json", cwd=site.directory).out)
        if scan.code != 0:
            failures.append(f"{label}: exit code {scan.code}: {scan.err}")
            continue
        object = strict_json(data)
        roots = [row for row in object["rows"] if row["item"] == "root"]
        if [json_value(row, "value") for row in roots] != [raw(site.root)]:
            failures.append(f"{label}: {roots}")
        if json_value(object["scan"], "roots") != raw(site.root):
            failures.append(f"{label}: {object['scan']}")
    case.check(not failures, "roots and stores with odd names work, and --summary shows the root", failures[:12])


def test_a_message_about_an_odd_name_is_one_line(case):
    """A message about an odd name is one line without controls; what it names cannot draw on the terminal."""
    site = case.site()
    failures = []
    for label, name in NAMES.items():
        outcome = site.run("map", "./" + text(name), cwd=site.root)
        line = raw(outcome.err)
        if outcome.code != 1 or line.count(b"\n") != 1 or any(byte < 0x20 or byte == 0x7F for byte in line[:-1]):
            failures.append(f"{label}: code {outcome.code}: {line!r}")
    case.check(not failures, "an image that does not exist gives one line on stderr", failures[:8])


def test_exclude_finds_odd_names(case):
    """--exclude finds odd names too."""
    site = case.site()
    for name in map(text, NAMES.values()):
        create(site.path("left-out", name), MIB)
    create(site.path("kept"), MIB)
    for locale in ("C.UTF-8", "C"):
        scan = site.scan("--exclude", "*/left-out/*", env={**os.environ, "LC_ALL": locale})
        case.same([site.relative(path) for (path,) in site.query("SELECT path FROM v_image")], ["kept"],
                  f"--exclude with a star leaves every odd name out in {locale}", scan.notes())


TESTS = [
    test_every_format_gives_odd_names_back,
    test_a_name_that_begins_with_a_dash_is_an_image,
    test_roots_and_stores_with_odd_names_work,
    test_a_message_about_an_odd_name_is_one_line,
    test_exclude_finds_odd_names,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Odd names.", TESTS))
