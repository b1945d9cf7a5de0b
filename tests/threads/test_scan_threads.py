#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The worker pool with more workers than processors, on many images, while another process reads the store. tools/check runs
# it once more in a build with ThreadSanitizer, which ends the program with 99 when it sees a race.

import argparse
import os
import shutil
import subprocess
import tempfile

import harness

DEMO = os.path.join(harness.PROJECT, "tools", "demo-forest")
COPIES = 12
WORKERS = ["1", "2", "16"]
QUERY = "SELECT path, format, virtual_size, disk_size, data_bytes, masked_bytes FROM v_image JOIN v_usage USING (path) ORDER BY path"


def run(*command, ok=(0,)):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    problem = None if done.returncode in ok else f"exit {done.returncode}: {done.stderr[-6000:]}"
    return done.stdout, problem


def scan_while_reading(program, store, images, workers):
    """Scans, with a reader at work all the time; the first problem of either."""
    scanning = subprocess.Popen([program, "scan", "-j", workers, "--db", store, images], stderr=subprocess.PIPE, text=True)
    problem = None
    while problem is None and scanning.poll() is None:
        if os.path.exists(store):
            _, problem = run(program, "report", "--db", store, "--format", "csv", "--summary", ok=(0, 1))  # 1: no scan yet
    errors = scanning.communicate(timeout=300)[1]
    if scanning.returncode not in (0, 3):
        return f"exit {scanning.returncode}: {errors[-6000:]}"
    return problem


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    program = os.path.abspath(parser.parse_args().imgaudit)
    results = []
    with tempfile.TemporaryDirectory(prefix="imgaudit-threads-") as directory:
        images = os.path.join(directory, "images")
        subprocess.run(["sh", DEMO, os.path.join(images, "0")], check=True)
        for copy in range(1, COPIES):
            shutil.copytree(os.path.join(images, "0"), os.path.join(images, str(copy)))
        answers = []
        for workers in WORKERS:
            store = os.path.join(directory, f"store-{workers}.db")
            results.append((f"{workers} workers, and a reader", scan_while_reading(program, store, images, workers)))
            results.append((f"{workers} workers, nothing changed", scan_while_reading(program, store, images, workers)))
            answer, problem = run(program, "sql", "--db", store, "--format", "csv", QUERY)
            answers.append(answer)
            results.append((f"{workers} workers: the store can be read", problem))
        rows = len(answers[0].splitlines())
        same = all(answer == answers[0] for answer in answers) and rows > COPIES * 10
        results.append(("the store is the same however many workers there were", None if same else f"{rows} rows: {answers}"))
    out = harness.Tap()
    for name, problem in results:
        out.check(problem is None, name, (problem or "").splitlines())
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
