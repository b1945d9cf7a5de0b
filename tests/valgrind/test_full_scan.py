#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A full scan, a second one, and the reports, each under valgrind: no invalid access, nothing uninitialised, no leak.

import argparse
import os
import shutil
import subprocess
import tempfile

import harness

DEMO = os.path.join(harness.PROJECT, "tools", "demo-forest")
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible",
            "--track-fds=no"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    program = os.path.abspath(parser.parse_args().imgaudit)
    if shutil.which("valgrind") is None:
        print("1..0 # SKIP valgrind is not installed")
        return 0
    out = harness.Tap()
    with tempfile.TemporaryDirectory(prefix="imgaudit-valgrind-") as directory:
        images = os.path.join(directory, "images")
        subprocess.run(["sh", DEMO, images], check=True)
        store = ["--db", os.path.join(directory, "store.db")]
        commands = [
            ["scan", "-j", "3", *store, images],
            ["scan", *store, images],
            ["report", *store, "--summary"],
            ["report", *store, "--unused-backing", "--format", "json"],
            ["report", *store, "--sharing", "--format", "csv"],
            ["sql", *store, "SELECT count(*) FROM v_map"],
            ["map", "--output=json", os.path.join(images, "vms/web-3.qcow2")],
            ["map", os.path.join(images, "vms/nothing.qcow2")],
            ["chain", os.path.join(images, "vms/web-3.qcow2")],
        ]
        for command in commands:
            done = subprocess.run([*VALGRIND, program, *command], capture_output=True, text=True, timeout=300, check=False)
            bad = done.returncode not in (0, 1, 3)
            name = f"{command[0]} {command[-1] if command[0] != 'scan' else ''}".rstrip()
            out.check(not bad, name, done.stderr.splitlines()[-80:] if bad else [])
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
