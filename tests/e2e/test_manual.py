#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The manual's page of reports: its commands are run as they stand there, and what it prints below them has to come
# out, so that the page cannot go stale. The numbers on the page are worked out by hand, on the page.

import os
import re

import harness
import sites

PAGE = os.path.join(harness.PROJECT, "doc", "imgaudit-reports.7.scd")
PLACE = "/tmp/example"  # as the page has it; the store is beside it
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CAPTION = re.compile(r"^scan \d+ of TIME: ")
MARK = "--- end of a command, status "
# Reports without an example of their own.
WITHOUT_EXAMPLE = {"sparse", "host"}  # of host: files that share blocks, which most file systems refuse; test_host.py tests it


def read_page():
    """[(section, command, the lines below it)] of all blocks that have commands."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    commands = []
    section = None
    inside = False
    for line in text.splitlines():
        if line == "```":
            inside = not inside
            continue_block = False
        elif not inside and line.startswith("# "):
            section = line[2:]
        elif inside and line.startswith("$ "):
            commands.append((section, line[2:], []))
            continue_block = True
        elif inside and continue_block:
            commands[-1][2].append(line)
    return commands


def sections():
    with open(PAGE, encoding="utf-8") as file:
        return re.findall(r"^# (.+)$", file.read(), re.MULTILINE)


def normal(lines, place):
    """Lines as they can be compared: place and times are the page's, columns stand beside each other, no caption."""
    kept = []
    for line in lines:
        line = re.sub(" +", " ", TIME.sub("TIME", line.replace(place, PLACE))).rstrip()
        if line and not CAPTION.match(line):
            kept.append(line)
    return kept


def agrees(got, wanted):
    """`...` stands for any lines."""
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(agrees(got[skip:], wanted[1:]) for skip in range(len(got) + 1))
    return bool(got) and got[0] == wanted[0] and agrees(got[1:], wanted[1:])


def run_commands(case, commands):
    """What each command printed, with its status at the end, one shell for all of them."""
    place = os.path.join(case.fresh(), "example")
    # Wherever the tests run, as scans of root on a host of its own.
    commands = [(section, command.replace("imgaudit scan ", f"imgaudit scan {sites.TRUST_LOCKS} "), lines) for section, command, lines in commands]
    script = "".join(f"{command}\nprintf '\\n{MARK}%d\\n' $?\n" for _, command, _ in commands)
    path = os.path.dirname(os.path.abspath(case.imgaudit)) + ":" + os.environ["PATH"]
    outcome = sites.run(["/bin/sh", "-c", script.replace(PLACE, place)], env={**sites.ENVIRONMENT, "PATH": path})
    parts = re.split(f"{MARK}(\\d+)\n", outcome.out)
    return place, list(zip(parts[0::2], map(int, parts[1::2]))), outcome


def test_the_commands_of_the_manual_print_what_it_shows(case):
    commands = read_page()
    place, results, outcome = run_commands(case, commands)
    case.check(len(results) == len(commands) > 30 and not outcome.err, "the commands of the manual's page of reports run",
               [outcome.err, len(results), len(commands)])
    for (section, command, lines), (out, code) in zip(commands, results):
        got, wanted = normal(out.splitlines(), place), normal(lines, place)
        status = 2 if "--since 3" in command else 0
        if section == "THE EXAMPLE" and not got and code == 0:
            continue
        case.check(code == status and agrees(got, wanted), f"{section}: {command}", [f"status {code}", "the page has", *wanted, "it printed", *got])


def test_every_report_has_a_section(case):
    names = [line.split()[0] for line in case.site().run("report", "--list").out.splitlines()]
    missing = set(names) - {section.lower() for section in sections()}
    case.same(missing, set(), "every report has a section in the manual")
    shown = {section.lower() for section, command, lines in read_page() if lines}
    case.same(set(names) - shown - WITHOUT_EXAMPLE, set(), "with an example")


def test_every_column_is_in_the_manual(case):
    site = case.site()
    sites.make_raw(site.path("x.img"))
    site.scan()
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^# (.+)$", file.read(), flags=re.MULTILINE)
    texts = dict(zip((name.lower() for name in parts[1::2]), parts[2::2]))
    not_shown = []
    for name in (line.split()[0] for line in site.run("report", "--list").out.splitlines()):
        image = ["--image", site.path("x.img")] if name in ("dependents", "tree") else []
        image += ["--machine", "nobody"] if name == "machine" else []
        asked = ["--what-if-delete", site.path("x.img")] if name == "what-if" else image if name == "machine" else ["--name", name, *image]
        header = site.report(*asked, format="csv").out.splitlines()[0]
        not_shown += [f"{name}: {column}" for column in header.split(",") if f"*{column}*" not in texts.get(name, "")]
    case.same(not_shown, [], "and names each column")


TESTS = [test_the_commands_of_the_manual_print_what_it_shows, test_every_report_has_a_section, test_every_column_is_in_the_manual]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("The manual's examples.", TESTS))
