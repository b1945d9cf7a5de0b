# SPDX-License-Identifier: MIT
# The rows as text and as JSON. Imported only.

import json
from dataclasses import asdict

HEADINGS = ("row", "peer", "imgaudit", "peer's", "ratio", "min .. max", "processor", "target", "met", "peak")


def number(value, unit):
    if value is None:
        return ""
    return f"{value:.3f} {unit}" if value < 1 else f"{value:.2f} {unit}" if value < 100 else f"{value:.0f} {unit}"


def plain(value):
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def cells(row, quick):
    met = "" if row.met is None or quick else "yes" if row.met else "NO"
    span = "" if row.low is None else f"{plain(row.low)} .. {plain(row.high)}"
    return (row.name, row.peer, number(row.value, row.unit), number(row.peer_value, row.unit), plain(row.ratio),
            span, plain(row.processor), row.aim(), met, number(row.peak_mib, "MiB"))


def lines_of(rows, quick):
    table = [HEADINGS, *(cells(row, quick) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    for line in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def print_machine(machine):
    print(f"imgaudit {machine['imgaudit']} ({machine['commit']}), {machine['cores']} x {machine['processor']},"
          f" {machine['memory_gib']} GiB, Linux {machine['kernel']}, {machine['file_system']},"
          f" qemu-img {machine['qemu_img'] or 'missing'}, sqlite3 {machine['sqlite3'] or 'missing'},"
          f" load {machine['load_at_start']}")


def print_text(machine, rows, quick):
    print_machine(machine)
    if quick:
        print("A quick run, of a hundredth of the sizes: that it runs is all it shows.")
    print()
    print("\n".join(lines_of(rows, quick)))
    print("\nTimes are medians. The ratio says how many times faster imgaudit is, or within how many times of its peer: the"
          "\ntarget shows which. Its span is that of single pairs of runs; \"processor\" is the ratio of processor seconds.\n")
    width = max(len(row.name) for row in rows)
    for row in rows:
        print(f"{row.name:<{width}}  {row.what}" + (f" ({row.note})" if row.note else ""))
    for row in rows:
        if row.details:
            print(f"\n{row.name}: {row.what}")
            print("\n".join("    " + line for line in row.details))


def write_json(path, machine, rows, quick):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "quick": quick, "rows": [asdict(row) for row in rows]}, file, indent=1)
        file.write("\n")
