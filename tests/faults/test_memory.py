#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Memory that is not given: an allocation of each command fails, alone or with all after it. The command does what it does
# with memory, or ends with a message; it is never killed, and a scan stores all or nothing.

import os

import harness
from faulty import BARE, SCAN, Faulty, ended_badly, forest, is_sound, spread
from sites import ENVIRONMENT, without_ids
from store_look import scans

ENDS = {0, 1, 3, 5}
PLAIN = {"LC_ALL": "C"}  # without memory for a locale, a tree is drawn in ASCII


def answers(site, base):
    """{name: arguments} of commands that only read."""
    return {"report --unused-backing": ("report", "--db", site.db, "--unused-backing"),
            "report --machines, as JSON": ("report", "--db", site.db, "--machines", "--format", "json"),
            "what-if": ("report", "--db", site.db, "--what-if-delete", site.path("a.qcow2")),
            "sql": ("sql", "--db", site.db, "SELECT path FROM v_image ORDER BY path"),
            "map": ("map", BARE, "--output", "json", site.path("a.qcow2")),
            "map of a VMDK": ("map", BARE, site.path("vmdk.vmdk")),
            "chain": ("chain", BARE, site.path("a.qcow2")),
            "prove": ("prove", BARE, "--db", site.db, base)}


def test_commands_that_read_answer_right_or_not_at_all(case):
    site = case.site()
    base = forest(site)
    site.scan()
    faulty = Faulty(case, site, "memory", "")
    for name, command in answers(site, base).items():
        right = site.run(*command, env={**ENVIRONMENT, **PLAIN})
        count = faulty.calls(*command)
        numbers = spread(count, case.options.count)
        wrong, codes = [], {}
        for number in numbers:
            for lasts in (False, True):
                outcome = faulty.run(*command, at=number, lasts=lasts, **PLAIN)
                codes[outcome.code] = codes.get(outcome.code, 0) + 1
                notes = f"allocation {number} of {count}{' and all after it' if lasts else ''}"
                why = ended_badly(outcome)
                if not why and outcome.code not in ENDS:
                    why = f"code {outcome.code}"
                if not why and outcome.code == right.code and name != "prove" and outcome.out != right.out:
                    why = "another answer"
                wrong += [f"{notes}: {why}"] if why else []
        case.check(not wrong, f"{name}, at {len(numbers)} of {count} allocations: the answer, or a message", wrong[:5])
        case.out.note(f"{name}: exit codes {codes}")


def test_a_scan_stores_all_or_nothing(case):
    site = case.site()
    forest(site)
    site.scan()
    os.unlink(site.path("gone.qcow2"))
    with open(site.db, "rb") as file:
        kept = file.read()
    before = without_ids(site)
    site.scan()
    after = without_ids(site)
    faulty = Faulty(case, site, "memory", "")
    command = ("scan", "--db", site.db, *SCAN, site.root)

    def reset():
        for suffix in ("-wal", "-shm"):
            if os.path.exists(site.db + suffix):
                os.unlink(site.db + suffix)
        with open(site.db, "wb") as file:
            file.write(kept)

    reset()
    count = faulty.calls(*command)
    numbers = spread(count, 2 * case.options.count)
    wrong, codes = [], {}
    for number in numbers:
        for lasts in (False, True):
            reset()
            outcome = faulty.run(*command, at=number, lasts=lasts)
            codes[outcome.code] = codes.get(outcome.code, 0) + 1
            notes = f"allocation {number} of {count}{' and all after it' if lasts else ''}"
            why = ended_badly(outcome) or is_sound(site.db)
            state = (scans(site.db), without_ids(site))
            if not why and outcome.code == 0 and state != (2, after):
                why = "exit code 0, and another store"
            if not why and outcome.code == 1 and state != (1, before):
                why = "exit code 1, and another store"
            wrong += [f"{notes}: {why}"] if why else []
    case.check(not wrong, f"a scan, at {len(numbers)} of {count} allocations: recorded whole, or not at all", wrong[:5])
    case.out.note(f"scan: exit codes {codes}")


TESTS = [test_commands_that_read_answer_right_or_not_at_all, test_a_scan_stores_all_or_nothing]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS, count=25, tools=("faults",)))
