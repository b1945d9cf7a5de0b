# SPDX-License-Identifier: MIT
# Instructions for each extent, counted by callgrind: they do not depend on what else the machine does. Compared with those
# of an earlier run, kept in instructions.json. Imported only.

import json
import os
import re
import subprocess

import images
from bench import BenchError, need, read_json
from row import Row

EXTENTS = 100_000
KEPT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "instructions.json")
LINE = re.compile(r"\s*([\d,]+)\s*\([^)]*\)\s+[^:]*:([A-Za-z_]\w*)")

# `map` is of one image; `scan` of a base and its overlay, with half as many extents each.
# Each stage: its program, and the functions whose cost, callees included, is added (+) and taken away (-).
STAGES = {
    "parse": ("map", "+ia_cursor_open +ia_cursor_next"),
    "merge": ("map", "+ia_map_open +ia_map_next -ia_cursor_open -ia_cursor_next"),
    "print": ("map", "+ia_cmd_map -ia_chain_open -ia_map_open -ia_map_next"),
    "store": ("scan", "+ia_writer_put_extents"),
    "analyse": ("scan", "+ia_forest_analyse"),
    "scan, all": ("scan", "+ia_scan_run +ia_parse_file -ia_writer_begin"),
    "bare insert": ("insert", "+insert_all"),
}


def count(bench, directory, name, command):
    """{function: instructions, callees included}"""
    out = os.path.join(directory, f"callgrind.{name}")
    bench.run([need("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}", *command])
    done = subprocess.run([need("callgrind_annotate"), "--inclusive=yes", "--threshold=100", out], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"callgrind_annotate: {done.stderr.strip()[:200]}")
    costs = {}
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match:
            costs.setdefault(match.group(2), int(match.group(1).replace(",", "")))
    return costs


UNBOUND = "--sandbox=off"  # callgrind writes what it counted at the end, and counts one process


def count_all(bench, extents):
    """{stage: instructions for each extent, or None when one of its functions is not there any more}"""
    with bench.room("instructions") as directory:
        root = os.path.join(directory, "images")
        os.mkdir(root)
        path = images.make(bench, os.path.join(directory, "disk.qcow2"), extents, "--order", "shuffled")
        base = images.make(bench, os.path.join(root, "base.qcow2"), extents // 2, "--order", "shuffled")
        images.overlay(bench, os.path.join(root, "overlay.qcow2"), base, extents, "--every", 2, "--order", "shuffled")
        db, bare = (os.path.join(directory, name) for name in ("store.db", "bare.db"))
        programs = {
            "map": count(bench, directory, "map", [bench.imgaudit, "map", UNBOUND, "--output=json", path]),
            "scan": count(bench, directory, "scan", [bench.imgaudit, "scan", UNBOUND, "-j", "1", "--db", db, root]),
            "insert": count(bench, directory, "insert", [bench.tool("insert_rows"), db, bare, os.devnull]),
        }
    return {stage: total(programs[program], terms) / extents if total(programs[program], terms) is not None else None
            for stage, (program, terms) in STAGES.items()}


def total(costs, terms):
    signed = [(-1 if term[0] == "-" else 1, costs.get(term[1:])) for term in terms.split()]
    return None if any(cost is None for _, cost in signed) else sum(sign * cost for sign, cost in signed)


def kept(bench):
    if bench.quick or not os.path.exists(KEPT):
        return {}
    return read_json(KEPT)["per_extent"]


def keep(machine, row):
    """Later runs are compared with this one."""
    with open(KEPT, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "extents": EXTENTS, "per_extent": row.runs[0]}, file, indent=1)
        file.write("\n")


def line(stage, now, before):
    if now is None:
        return f"{stage:<12} one of its functions has another name now: see STAGES in instruction_rows.py"
    change = f"{100 * (now / before - 1):+8.1f} %" if before else ""
    return f"{stage:<12} {now:10.1f} {before:10.1f} {change}" if before else f"{stage:<12} {now:10.1f}"


def instructions(bench):
    extents = bench.size(EXTENTS)
    per_extent = count_all(bench, extents)
    before = kept(bench)
    row = Row("instructions", f"instructions for each extent, {extents:,} extents: parse, merge, print",
              value=sum(per_extent[stage] or 0 for stage in ("parse", "merge", "print")), unit="instr")
    row.runs = [per_extent]
    row.details = [f"{'stage':<12} {'now':>10} {'kept':>10} {'change':>10}"]
    row.details += [line(stage, now, before.get(stage)) for stage, now in per_extent.items()]
    yield row
