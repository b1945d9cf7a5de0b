#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Options of the commands that look at one image or run a person's own SQL.

import os

import harness
from sites import MIB, create, make_raw, must, write


def test_chain_takes_the_stated_format_for_the_content(case):
    site = case.site()
    write(create(site.path("base.qcow2"), MIB), 0)
    over = write(create(site.path("over.qcow2"), MIB, "base.qcow2"), 1)
    lines = site.run("chain", over).out.splitlines()
    case.same((len(lines), "[qcow2, " in lines[0], "[qcow2, " in lines[1]), (2, True, True), "chain draws what the content shows")
    outcome = site.run("chain", "-f", "raw", over)
    case.check(outcome.code == 0 and len(outcome.out.splitlines()) == 1 and "[raw, " in outcome.out, "with -f it is taken for what is stated",
               [outcome])
    fixed = site.path("fixed.vhd")
    must("qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=fixed", fixed, "1M")
    case.check("[vpc, " in site.run("chain", "--format", "vpc", fixed).out, "a fixed VHD, which its first bytes do not show", [fixed])
    outcome = site.run("chain", "-f", "floppy", over)
    case.check(outcome.code == 1 and "floppy" in outcome.err and not outcome.out, "an unknown format is refused", [outcome])


def test_confine_keeps_a_chain_from_leading_out(case):
    site = case.site()
    base = write(create(site.outside("base.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, base)
    outcome = site.run("chain", "--confine", site.root, over)
    case.check(outcome.code == 1 and base in outcome.err and not outcome.out, "--confine keeps a chain from leading out", [outcome])
    outcome = site.run("chain", "--confine", site.root, "--confine", os.path.dirname(base), over)
    case.same((outcome.code, len(outcome.out.splitlines())), (0, 2), "unless that directory is named too")
    case.same(site.run("chain", "--confine", site.path("nowhere"), over).code, 1, "a directory that is not there is an error")
    for option in (("-f", "raw"), ("--confine", site.root)):
        outcome = site.run("chain", "--db", site.db, *option, over)
        case.check(outcome.code == 2 and not outcome.out, f"--db and {option[0]} do not go together", [outcome])


def test_a_report_of_ones_own_must_declare_its_parameters(case):
    site = case.site()
    make_raw(site.path("x.img"))
    site.scan()

    def report(text, *options):
        with open(site.outside("mine.sql"), "w", encoding="utf-8") as file:
            file.write(text)
        return site.report("--file", site.outside("mine.sql"), *options, format="csv")

    body = "SELECT path FROM image WHERE path = :image ORDER BY path;\n"
    outcome = report(body)
    case.check(outcome.code == 2 and "-- parameter: :image | MEANING" in outcome.err and not outcome.out,
               "the message about an undeclared :image has the line that is missing", [outcome])
    case.same(report(body, "--image", site.path("x.img")).code, 2, "whether or not an image is named")
    outcome = report("-- parameter: :image | which\n" + body, "--image", site.path("x.img"))
    case.same((outcome.code, outcome.out), (0, f"path\n{site.path('x.img')}\n"), "with the line it runs")
    outcome = report("-- parameter: :age | days\nSELECT :age;\n")
    case.check(outcome.code == 2 and ":age" in outcome.err, "a parameter that no option fills is refused", [outcome])
    outcome = site.run("sql", "--db", site.db, "SELECT * FROM v_image WHERE path = :image")
    case.check(outcome.code == 2 and ":image" in outcome.err and not outcome.out, "so is one in a statement of sql", [outcome])


TESTS = [
    test_chain_takes_the_stated_format_for_the_content,
    test_confine_keeps_a_chain_from_leading_out,
    test_a_report_of_ones_own_must_declare_its_parameters,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Options of chain, report --file and sql.", TESTS))
