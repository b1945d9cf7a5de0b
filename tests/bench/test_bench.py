#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The benchmark runs: every row gives a number, with a hundredth of the sizes. No number is ever a pass or a fail.

import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))

import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    parser.add_argument("--tools", required=True, metavar="DIR")
    options = parser.parse_args()
    out = harness.Tap()
    with tempfile.TemporaryDirectory(prefix="imgaudit-bench-") as directory:
        result = os.path.join(directory, "result.json")
        command = [os.path.join(HERE, "run"), "--quick", "--imgaudit", options.imgaudit, "--tools", options.tools,
                   "--json", result]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
        out.check(done.returncode == 0, "the benchmark runs", [] if done.returncode == 0 else done.stderr.splitlines()[-30:])
        if done.returncode == 0:
            with open(result, encoding="utf-8") as file:
                rows = json.load(file)["rows"]
            for row in rows:
                if row["value"] is None and ("is not here" in row["note"] or "too small" in row["note"]):
                    out.skip(f"{row['name']} is measured", row["note"])
                else:
                    measured = row["value"] is not None and "not measured" not in " ".join(row["details"])
                    out.check(measured, f"{row['name']} is measured", [] if measured else [row["note"], *row["details"]])
            out.check(all(row["name"] in done.stdout for row in rows), "every row is in the printed table")
    return out.finish()


if __name__ == "__main__":
    sys.exit(main())
