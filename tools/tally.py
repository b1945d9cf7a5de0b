# SPDX-License-Identifier: MIT
# Counts the test cases of a directory of results: meson's *.json logs (one test program a line, its TAP in "stdout") and
# *.tap files. Shows what failed with its output and what was skipped with its reason, the parts of the run by the file
# "times" (seconds, tab, name) and the slowest test programs; the last line has the sums.

import json
import re
import sys
from pathlib import Path

LINE = re.compile(r"(?P<verdict>ok|not ok)\b\s*(?P<number>\d+)?\s*-?\s*(?P<name>.*?)(?:(?<!\\)#\s*(?P<directive>SKIP|TODO)\S*\s*(?P<reason>.*))?$",
                  re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*SKIP\S*\s*(.*))?$", re.IGNORECASE)
SHOWN_LINES = 60
SHOWN_PROGRAMS = 12


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.seconds = {}  # of test programs

    def fail(self, program, case, output):
        self.failed += 1
        print(f"\nFAILED {program}: {case}")
        for line in output[-SHOWN_LINES:]:
            print(f"    {line}")

    def skip(self, program, case, reason):
        self.skipped += 1
        print(f"skipped {program}: {case}: {reason or 'no reason given'}")

    def add_tap(self, program, text, stderr="", verdict="OK"):
        """One program's output. A program that ends badly or short of its plan is one more failed test."""
        planned = None
        seen = 0
        comments = []
        failed_before = self.failed
        lines = text.splitlines()
        for index, line in enumerate(lines):
            plan = PLAN.match(line)
            case = LINE.match(line)
            if plan:
                planned = int(plan.group(1))
                if planned == 0 and plan.group(2) is not None:
                    self.skip(program, "all of it", plan.group(2))
                    return
            elif line.startswith("#"):
                comments.append(line.lstrip("# "))
            elif line.startswith("Bail out!"):
                self.fail(program, line, stderr.splitlines())
            elif case:
                seen += 1
                self.add_case(program, case, comments, lines[index + 1:])
                comments = []
        if self.failed > failed_before:
            return
        if verdict not in ("OK", "SKIP", "EXPECTEDFAIL"):
            self.fail(program, f"ended with {verdict}", lines[-5:] + stderr.splitlines())
        elif planned is None or planned != seen:
            self.fail(program, f"ran {seen} of {'an unknown number of' if planned is None else planned} tests", stderr.splitlines())
        elif seen == 0:
            self.fail(program, "has no tests", stderr.splitlines())

    def add_case(self, program, case, comments, rest):
        name = case.group("name").strip().replace("\\#", "#") or f"test {case.group('number')}"
        if (case.group("directive") or "").upper() == "SKIP":
            self.skip(program, name, case.group("reason") or " ".join(comments[-1:]))
        elif case.group("verdict") == "ok":
            self.passed += 1
        else:
            self.fail(program, name, comments + explanation(rest))

    def add_meson_log(self, part, path):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            test = json.loads(line)
            name = test["name"].split(" / ")[-1]
            self.seconds[f"{part}/{name}"] = test["duration"]
            self.add_tap(f"{part}/{name}", test.get("stdout") or "", test.get("stderr") or "", test["result"])


def explanation(lines):
    """The comments that follow a failed case, up to the next case."""
    found = []
    for line in lines:
        if LINE.match(line):
            break
        found.append(line.removeprefix("# "))
    return found


def print_times(path, seconds):
    """The parts in order, then the slowest test programs; programs run beside each other."""
    if path.exists():
        print("\nparts, seconds:")
        for line in path.read_text(encoding="utf-8").splitlines():
            time, name = line.split("\t")
            print(f"{time:>6}  {name}")
    if seconds:
        print("\nslowest tests, seconds:")
    for name, time in sorted(seconds.items(), key=lambda item: -item[1])[:SHOWN_PROGRAMS]:
        print(f"{time:6.0f}  {name}")


def main():
    tally = Tally()
    results = Path(sys.argv[1])
    for path in sorted(results.glob("*.tap")):
        tally.add_tap(path.stem, path.read_text(encoding="utf-8", errors="replace"))
    for path in sorted(results.glob("*.json")):
        tally.add_meson_log(path.stem, path)
    print_times(results / "times", tally.seconds)
    print(f"\n{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
