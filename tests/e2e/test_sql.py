#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SQL of users and stores of others: what a query may do, what ends it, and what a store may hold. Oracles: SQLite's own lists of
# functions, a plain connection to the same store, and what the manual promises.

import csv
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import harness
from sites import MIB, create

FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
MANUAL = os.path.join(harness.PROJECT, "doc", "imgaudit.1.scd")


def scanned(case):
    site = case.site()
    base = create(site.path("base.qcow2"), MIB)
    create(site.path("over.qcow2"), MIB, base)
    scan = site.scan()
    case.check(scan.code == 0, "a scan makes the store", scan.notes())
    return site


def ask(site, sql, *options):
    return site.run("sql", "--db", site.db, *options, sql)


def promised():
    """The words of the manual's lists, by what stands before each."""
    with open(MANUAL, encoding="utf-8") as file:
        section = file.read().split("## What SQL may use", 1)[1].split("\n# ", 1)[0]
    lists = re.findall(r"^_([a-zA-Z ]+)_\n((?:\t.*\n)+)", section, re.MULTILINE)
    return {name: words.replace("\\_", "_").split() for name, words in lists}


def refused(case, site, sql, words, name):
    outcome = ask(site, sql)
    case.check(outcome.code == 2 and words in outcome.err and not outcome.out, name, [sql, outcome])


# -- Functions --------------------------------------------------------------------------------------------------------

def test_the_functions_of_the_manual_and_no_others_can_be_used(case):
    site = scanned(case)
    known = {word for name, words in promised().items() if name.startswith("of ") for word in words}
    with closing(sqlite3.connect(":memory:")) as stock:
        functions = {(name, kind, count) for name, kind, count in stock.execute("SELECT name, type, narg FROM pragma_function_list WHERE builtin")}
    wrong, used, left = [], set(), set()
    for name, kind, count in sorted(functions):
        if not name.isidentifier() or name.startswith("current_"):
            continue
        over = " OVER ()" if kind == "w" and name not in known_aggregates() else ""
        places = ", ".join(["1"] * (count if count >= 0 else 2))
        if name in ("likelihood",):
            places = "1, 0.5"
        outcome = ask(site, f"EXPLAIN SELECT {name}({places}){over}")
        (used if outcome.code == 0 else left).add(name)
        if (outcome.code == 0) != (name in known) or (outcome.code != 0 and f"the function '{name}'" not in outcome.err):
            wrong.append(f"{name}: {outcome.code} {outcome.err.strip()}")
    case.check(not wrong, "what SQLite has is usable if the manual lists it, and refused by name if not", wrong)
    case.check({"substr", "strftime", "json_extract", "row_number", "sqrt", "sum"} <= used, "functions of every sort are among them", [used])
    case.check({"load_extension", "fts3_tokenizer", "randomblob", "sqlite_log", "match"} & {name for name, _, _ in functions} <= left,
               "and those that reach out of SQLite are not", [left])


def known_aggregates():
    return {"avg", "count", "group_concat", "json_group_array", "json_group_object", "max", "min", "string_agg", "sum", "total"}


def test_the_tokenizer_of_fts3_calls_nothing(case):
    site = scanned(case)
    call = ("WITH a AS MATERIALIZED (SELECT fts3_tokenizer('simple', x'4141414141414141') AS p) SELECT hex(p),"
            " (SELECT count(*) FROM pragma_table_info('fts3tokenize') WHERE p IS NOT NULL) FROM a")
    refused(case, site, call, "'fts3_tokenizer'", "sql refuses a pointer as a tokenizer")
    refused(case, site, "SELECT hex(fts3_tokenizer('simple'))", "'fts3_tokenizer'", "and does not give one away")
    path = site.outside("mine.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write("-- title: x\n" + call)
    outcome = site.report("--file", path)
    case.check(outcome.code == 2 and "fts3_tokenizer" in outcome.err, "report --file does the same", [outcome])


# -- What else a statement may not do ---------------------------------------------------------------------------------

def test_a_statement_that_does_more_than_read_is_refused(case):
    site = scanned(case)
    with open(site.db, "rb") as file:
        before = file.read()
    target = site.outside("target.db")
    for sql in (f"ATTACH '{target}' AS t", f"VACUUM INTO '{target}'", "VACUUM", "DELETE FROM image", "DELETE FROM image RETURNING path",
                "CREATE TEMP TABLE t (x)", "CREATE TEMP TRIGGER t AFTER INSERT ON image BEGIN SELECT 1; END",
                "CREATE VIRTUAL TABLE temp.t USING fts5(x)", "CREATE TEMP VIEW w AS SELECT 1", "UPDATE sqlite_schema SET sql = ''", "BEGIN",
                "PRAGMA writable_schema = 1", "PRAGMA trusted_schema = 1", "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 1",
                "PRAGMA temp_store_directory = '/'", "PRAGMA hard_heap_limit = 0", "SELECT * FROM pragma_journal_mode('delete')",
                "SELECT * FROM pragma_wal_checkpoint", "REINDEX", "ANALYZE", "DROP VIEW v_image"):
        outcome = ask(site, sql)
        case.check(outcome.code == 2 and outcome.err and not outcome.out, f"refused: {sql.replace(target, 'FILE')}", [outcome])
    for table in ("sqlite_dbpage", "dbstat", "sqlite_stmt", "bytecode('SELECT 1')", "fts3tokenize", "generate_series(1, 2)", "pragma_module_list"):
        outcome = ask(site, f"SELECT * FROM {table}")
        case.check(outcome.code == 2 and not outcome.out, f"no table: {table}", [outcome])
    refused(case, site, 'SELECT path FROM v_image WHERE format = "qcow2"', "qcow2", "a text in double quotes is no text")
    with open(site.db, "rb") as file:
        case.check(file.read() == before and not os.path.exists(target), "the store is as it was, and no file was made")


def test_sql_of_administrators_gives_what_sqlite_gives(case):
    site = scanned(case)
    for sql in ("SELECT format, count(*), sum(virtual_size), max(path) FROM v_image GROUP BY format HAVING count(*) > 1",
                "SELECT path, row_number() OVER (ORDER BY path DESC), sum(virtual_size) OVER (ORDER BY path) FROM v_image ORDER BY path",
                "WITH RECURSIVE up (id, n) AS (SELECT image_id, 0 FROM v_image UNION ALL SELECT id, n + 1 FROM up WHERE n < 3)"
                " SELECT id, max(n) FROM up GROUP BY id ORDER BY id",
                "SELECT upper(substr(path, -5)), printf('%05d', image_id), path LIKE '%over%', path GLOB '*/base*' FROM v_image ORDER BY path",
                "SELECT date(0, 'unixepoch'), strftime('%Y', '2025-01-31'), unixepoch('2025-01-31') - julianday('2025-01-31') * 0",
                "SELECT json_object('a', 1) ->> '$.a', json_group_array(image_id) FROM v_image",
                "SELECT value, key FROM json_each('[1, 2, 3]') ORDER BY key", "SELECT name FROM pragma_table_info('scan')",
                "SELECT type, name, sql FROM sqlite_schema ORDER BY name", "EXPLAIN QUERY PLAN SELECT 1", "PRAGMA integrity_check",
                "VALUES (1, 'a'), (2, NULL)", "SELECT 1 UNION SELECT 2 EXCEPT SELECT 1",
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM v_usage) THEN 'yes' END, coalesce(NULL, 2), iif(1, 2, 3), round(2.5), x'41' || 'b'",
                "SELECT i.path, u.visible_bytes FROM v_image AS i LEFT JOIN v_usage AS u USING (image_id) ORDER BY 1 LIMIT 5 OFFSET 1"):
        outcome = ask(site, sql, "--format", "json")
        got = [list(row.values()) for row in json.loads(outcome.out)["rows"]] if outcome.code == 0 else outcome.err
        expected = [[cell.decode() if isinstance(cell, bytes) else cell for cell in row] for row in site.query(sql)]
        case.same(got, expected, f"as SQLite: {sql[:70]}")
    views = [name for name, in site.query("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    codes = {name: ask(site, f"SELECT count(*) FROM {name}").code for name in views}
    case.same(codes, dict.fromkeys(views, 0), "every view can be read")
    pragmas = promised()
    codes = {name: ask(site, f"PRAGMA {name}{argument}").code for key, argument in (("with an argument", "(image)"), ("without", ""))
             for name in pragmas[key] if not (key == "with an argument" and name.startswith("index_"))}
    case.same(codes, dict.fromkeys(codes, 0), "so can the pragmas of the manual")


def test_a_query_takes_no_more_than_its_share(case):
    site = scanned(case)
    for sql, words in (("SELECT zeroblob(1000000000)", "too big"), ("SELECT hex(zeroblob(60000000))", "too big"),
                       (f"{FOREVER}SELECT group_concat(printf('%.1000000c', 'x'), '') FROM (SELECT x FROM c LIMIT 100)", "too big"),
                       ("SELECT " + "1 + " * 600 + "1", "depth"), (" UNION ALL ".join(["SELECT 1"] * 300), "too many terms"),
                       ("SELECT '" + "a" * 10 + "' LIKE '" + "%" * 5000 + "'", "complex")):
        outcome = ask(site, sql)
        case.check(outcome.code in (1, 2) and words in outcome.err, f"refused: {sql[:60]}", [outcome])
    values = ", ".join(f"hex(zeroblob({30000000 + number})) AS v{number}" for number in range(20))
    outcome = ask(site, f"SELECT count(*) FROM (SELECT {values} LIMIT 1) WHERE {' AND '.join(f'v{number} > 1' for number in range(20))}")
    case.check(outcome.code == 1 and outcome.err == "imgaudit: out of memory\n", "what needs more than a GiB of memory ends with a message", [outcome])
    case.same(ask(site, "SELECT length(hex(zeroblob(30000000)))", "--format", "csv").out.split()[-1], "60000000", "what is large but not too large is there")


# -- ^C ---------------------------------------------------------------------------------------------------------------

def interrupt(site, *arguments):
    """Exit code, what it wrote, and how long it took from the signal on."""
    with subprocess.Popen(site.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(0.5)
        running = process.poll() is None
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        err = process.communicate(timeout=60)[1]
        return running, process.returncode, err, time.monotonic() - start


def test_an_interrupt_ends_a_query_within_a_second(case):
    site = scanned(case)
    output = site.outside("out.csv")
    with open(output, "w", encoding="utf-8") as file:
        file.write("as it was\n")
    report = site.outside("forever.sql")
    with open(report, "w", encoding="utf-8") as file:
        file.write(FOREVER + "SELECT count(*) FROM c")
    for what, arguments in (
            ("a query that gives nothing", ("sql", "--db", site.db, FOREVER + "SELECT count(*) FROM c")),
            ("one that gives rows without end", ("sql", "--db", site.db, "--format", "csv", "-o", output, FOREVER + "SELECT x FROM c")),
            ("one within a single function", ("sql", "--db", site.db, "SELECT instr(printf('%.60000000c', 'a'), printf('%.30000000c', 'a') || 'b')")),
            ("a report of one's own", ("report", "--db", site.db, "--file", report))):
        running, code, err, seconds = interrupt(site, *arguments)
        case.same((running, code, err), (True, 128 + signal.SIGINT, "imgaudit: interrupted\n"), f"^C ends {what} with a line and 130")
        case.check(seconds < 3, "at once (within a second, were the machine idle)", [seconds])
    with open(output, encoding="utf-8") as file:
        case.same(file.read(), "as it was\n", "an output file is as it was")
    case.same(sorted(os.listdir(os.path.dirname(output))), ["forever.sql", "out.csv"], "and nothing lies beside it")
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *site.command("sql", "--db", site.db, "SELECT 1 FROM (" + FOREVER
                + "SELECT x FROM c LIMIT 10000000) WHERE x < 0")]
    with subprocess.Popen(ignoring, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        case.same(process.wait(timeout=120), 0, "where SIGINT is ignored, as by nohup, it goes on")


# -- Stores that hold more than a scan makes --------------------------------------------------------------------------

def execute(db, script):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.executescript(script)


def rewrite(db, old, new, where):
    """Changes the text of a table without SQLite's checking what it means."""
    execute(db, f"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE {where};"
                "PRAGMA writable_schema = RESET")


def test_a_store_with_what_is_not_ours_is_refused_by_every_command(case):
    site = scanned(case)
    good = site.outside("good.db")
    must_copy(site.db, good)
    changes = {
        "a trigger": lambda db: execute(db, "CREATE TRIGGER t AFTER INSERT ON scan BEGIN DELETE FROM finding; END"),
        "a trigger on a view": lambda db: execute(db, "CREATE TRIGGER t INSTEAD OF INSERT ON v_image BEGIN DELETE FROM finding; END"),
        "a trigger that says it is a view": lambda db: execute(db, "CREATE TRIGGER t AFTER INSERT ON scan BEGIN SELECT 1; END;"
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET type = 'view' WHERE name = 't'"),
        "a table": lambda db: execute(db, "CREATE TABLE mine (x)"),
        "a virtual table": lambda db: execute(db, "CREATE VIRTUAL TABLE mine USING fts5(x)"),
        "an index": lambda db: execute(db, "CREATE UNIQUE INDEX mine ON finding (code)"),
        "a table's text": lambda db: rewrite(db, "errors      INTEGER NOT NULL,", "errors INTEGER NOT NULL CHECK (errors < 1),", "name = 'scan'"),
        "a conflict clause": lambda db: rewrite(db, "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY ON CONFLICT IGNORE", "name = 'scan'"),
        "a missing index": lambda db: execute(db, "DROP INDEX image_path"),
        "a view by the name of a pragma": lambda db: execute(db, "CREATE VIEW pragma_integrity_check AS SELECT 'ok' AS integrity_check"),
    }
    for what, change in changes.items():
        must_copy(good, site.db)
        change(site.db)
        with open(site.db, "rb") as file:
            before = file.read()
        outcomes = {command: site.run(*command.split(), "--db", site.db, *more) for command, more in (
            ("scan", [site.root]), ("report", []), ("sql", ["SELECT 1"]), ("db check", []), ("db prune", []), ("db migrate", []), ("prove", [site.path("base.qcow2")]))}
        wrong = [f"{command}: {outcome}" for command, outcome in outcomes.items()
                 if outcome.code != 1 or "imgaudit" not in outcome.err.split(":", 1)[1] or len(outcome.err.splitlines()) != 1]
        case.check(not wrong, f"{what}: refused by every command, in one line", wrong)
        with open(site.db, "rb") as file:
            case.check(file.read() == before, "and left as it was")
    must_copy(good, site.db)
    case.same((site.scan().code, site.report().code), (0, 0), "the store without them is scanned into")


def put(db, table, column, value):
    """A value that the table's own text forbids; the text is as it was afterwards."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        text, = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        version, = connection.execute("PRAGMA schema_version").fetchone()
        lax = re.sub(r"--[^\n]*|NOT NULL", "", text).replace(") STRICT, WITHOUT", ") WITHOUT").replace(") STRICT", ")")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (lax, table))
        connection.execute(f"PRAGMA schema_version = {version + 1}")
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {value}")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (text, table))
        connection.execute(f"PRAGMA schema_version = {version + 2}")


def test_values_that_no_scan_writes_crash_no_command(case):
    site = scanned(case)
    with open(site.outside("list"), "w", encoding="utf-8") as file:
        file.write(site.path("base.qcow2") + "\n")
    for _ in range(2):
        site.scan("--inventory", f"list:{site.outside('list')}", inventory=None)
    good = site.outside("good.db")
    must_copy(site.db, good)
    tables = [(table, column) for table, in site.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
              if site.value(f"SELECT count(*) FROM {table}") > 0
              for column, kind, needed in site.query(f"SELECT name, type, \"notnull\" FROM pragma_table_info('{table}')") if needed and kind == "TEXT"]
    tries = [(table, column, "NULL") for table, column in tables]
    tries += [("image", "file_id", value) for value in ("NULL", "-1", "'x'", "9223372036854775807")]
    tries += [("file", "file_id", "-1"), ("image_ability", "unit", "0"), ("image_ability", "unit", "NULL"), ("image_ability", "cluster", "0")]
    wrong = []
    for table, column, value in tries:
        must_copy(good, site.db)
        put(site.db, table, column, value)
        outcomes = [site.run("report", "--db", site.db), site.run("report", "--db", site.db, "--what-if-commit", site.path("over.qcow2")),
                    site.run("report", "--db", site.db, "--what-if-delete", site.path("base.qcow2")), site.scan().outcome, site.scan().outcome]
        wrong += [f"{table}.{column} = {value}: {outcome}" for outcome in outcomes if outcome.crashed() or outcome.code == 99]
    case.check(not wrong, f"what is in a store against its schema ends no command by a signal ({len(tries)} ways)", wrong)
    case.check(len(tables) > 20, "of many tables and columns", [len(tables)])


def must_copy(source, target):
    for suffix in ("-wal", "-shm"):
        if os.path.exists(target + suffix):
            os.unlink(target + suffix)
    shutil.copyfile(source, target)


def test_views_of_ones_own_and_analyze_are_no_harm(case):
    site = scanned(case)
    execute(site.db, 'CREATE VIEW large AS SELECT path FROM v_image; CREATE VIEW "my ""own""" AS SELECT 1 AS one; ANALYZE')
    case.same([site.scan().code, ask(site, "SELECT count(*) FROM large", "--format", "csv").out, ask(site, 'SELECT one FROM "my ""own"""').code],
              [0, "count(*)\n2\n", 0], "views of one's own and what ANALYZE leaves are kept and can be read")
    execute(site.db, "CREATE VIEW evil AS SELECT load_extension('/nowhere') AS x")
    case.same(site.scan().code, 0, "one that calls what it must not is no harm to a scan")
    refused(case, site, "SELECT x FROM evil", "load_extension", "and is refused when it is read")
    execute(site.db, "DROP VIEW v_image; CREATE VIEW v_image AS SELECT 'lie' AS path")
    outcome = site.report()
    case.check(outcome.code == 1 and "db migrate" in outcome.err, "a view of ours with another text is refused, with what helps", [outcome])
    case.same((site.run("db", "migrate", "--db", site.db).code, site.report().code), (0, 0), "which makes it anew")
    execute(site.db, "CREATE VIEW v_more AS SELECT 1")
    case.same((site.report().code, site.scan().code, site.report().code), (1, 0, 0), "a view that is named as ours are goes with the next scan")


# -- CSV for spreadsheets ---------------------------------------------------------------------------------------------

def test_csv_safe_keeps_a_spreadsheet_from_running_names(case):
    site = scanned(case)
    cells = ["=1+1", "+1", "-1", "@a", "\tb", "\rc", "'d", "e=1", "", '=1,"x"']
    values = ", ".join(f"({quoted(cell)})" for cell in cells)
    query = f'SELECT column1, -5 AS "=five" FROM (VALUES {values})'
    plain = rows_of(ask(site, query, "--format", "csv"))
    safe = rows_of(ask(site, query, "--format", "csv", "--csv-safe"))
    case.same([row[0] for row in plain[1:]], cells, "without it the cells are as they are")
    case.same([row[0] for row in safe[1:]], ["'=1+1", "'+1", "'-1", "'@a", "'\tb", "'\rc", "'d", "e=1", "", "'=1,\"x\""],
              "with it, those that begin with = + - @, tab or CR get an apostrophe")
    case.same((safe[0][1], safe[1][1]), ("'=five", "-5"), "names of columns too, and numbers do not")
    create(site.path("=cmd.qcow2"), MIB)
    site.scan()
    name = site.outside("mine.sql")
    with open(name, "w", encoding="utf-8") as file:
        file.write("SELECT substr(path, -10) AS name FROM v_image WHERE path LIKE '%=%'")
    case.same(site.run("report", "--db", site.db, "--format", "csv", "--csv-safe", "--file", name).out, "name\n'=cmd.qcow2\n", "report has it too")
    for command in (("sql", "--db", site.db, "--csv-safe", "SELECT 1"), ("report", "--db", site.db, "--csv-safe", "--format", "json")):
        outcome = site.run(*command)
        case.check(outcome.code == 2 and "--csv-safe" in outcome.err and not outcome.out, f"{command[0]}: it goes with CSV alone", [outcome])


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def rows_of(outcome):
    return list(csv.reader(io.StringIO(outcome.out, newline="")))


TESTS = [
    test_the_functions_of_the_manual_and_no_others_can_be_used,
    test_the_tokenizer_of_fts3_calls_nothing,
    test_a_statement_that_does_more_than_read_is_refused,
    test_sql_of_administrators_gives_what_sqlite_gives,
    test_a_query_takes_no_more_than_its_share,
    test_an_interrupt_ends_a_query_within_a_second,
    test_a_store_with_what_is_not_ours_is_refused_by_every_command,
    test_values_that_no_scan_writes_crash_no_command,
    test_views_of_ones_own_and_analyze_are_no_harm,
    test_csv_safe_keeps_a_spreadsheet_from_running_names,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("SQL of users, and stores of others.", TESTS))
