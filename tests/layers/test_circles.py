#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# No circles of files: a source that calls functions of another one is not called by it, by however many others between.
# Reads the symbols of the static libraries.

import argparse
import subprocess

import harness


def symbols(libraries):
    """({function: source that has it}, {source: functions that it asks for})."""
    home, wanted = {}, {}
    for library in libraries:
        table = subprocess.run(["nm", "-A", library], capture_output=True, text=True, check=True).stdout
        for line in table.splitlines():
            place, *fields = line.rsplit(":", 1)[0], *line.rsplit(":", 1)[1].split()
            kind, name = fields[-2], fields[-1]
            if kind == "T":
                home[name] = place
            elif kind == "U":
                wanted.setdefault(place, set()).add(name)
    return home, wanted


def circles(calls):
    """Strongly connected components of two sources and more (Tarjan)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []

    def visit(source):
        index[source] = low[source] = len(index)
        stack.append(source)
        on_stack.add(source)
        for other in calls.get(source, ()):
            if other not in index:
                visit(other)
                low[source] = min(low[source], low[other])
            elif other in on_stack:
                low[source] = min(low[source], index[other])
        if low[source] == index[source]:
            members = []
            while not members or members[-1] != source:
                members.append(stack.pop())
                on_stack.discard(members[-1])
            if len(members) > 1:
                found.append(sorted(members))

    for source in sorted(calls):
        if source not in index:
            visit(source)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("libraries", nargs="+")
    options = parser.parse_args()
    out = harness.Tap()
    home, wanted = symbols(options.libraries)
    calls = {source: {home[name] for name in names if name in home} - {source} for source, names in wanted.items()}
    out.check(len(calls) > 100, "the sources were found", [f"{len(calls)} sources"])
    found = circles(calls)
    out.check(not found, "no circle of sources that call each other", [" ".join(members) for members in found])
    made_up = circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}})
    out.check(made_up == [["b", "c"]], "a circle would be found", [str(made_up)])
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
