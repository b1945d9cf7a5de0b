# SPDX-License-Identifier: MIT
# What every row of the benchmark works with: the program, the tools, a directory to work in, sizes, and measuring in
# alternation. Imported only.

import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass

TIMEOUT = 1800
QUICK_SCALE = 100
MOST_RUNS_OF_LONG_PEERS = 3


class BenchError(Exception):
    """A row cannot be measured; says why."""


class Missing(BenchError):
    """A peer is not installed."""


@dataclass
class Run:
    """What one process cost, from start to end, with what it waited for."""

    seconds: float
    user: float = 0.0
    system: float = 0.0
    peak_kib: int = 0
    status: int = 0

    @property
    def processor(self):
        return self.user + self.system


class Bench:
    def __init__(self, imgaudit, tools, directory, runs, quick):
        self.imgaudit = imgaudit
        self.tools = tools
        self.directory = directory
        self.runs = 1 if quick else runs
        self.long_runs = min(self.runs, MOST_RUNS_OF_LONG_PEERS)
        self.quick = quick
        self.made = {}
        self.count = 0

    def size(self, full, least=1):
        """A number of clusters, images or files: a hundredth of it when the run is quick."""
        return max(full // QUICK_SCALE, least) if self.quick else full

    def tool(self, name):
        path = os.path.join(self.tools, name)
        if not os.path.exists(path):
            raise BenchError(f"no {path}: build it first, with -Dtests=true")
        return path

    def fresh(self, name):
        """The path of a new directory."""
        self.count += 1
        path = os.path.join(self.directory, f"{self.count:02}-{name}")
        os.makedirs(path)
        return path

    @contextlib.contextmanager
    def room(self, name):
        """A directory that is removed at the end of the block: some rows take hundreds of megabytes."""
        path = self.fresh(name)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def once(self, key, make):
        """What several rows share is made when the first of them asks for it."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def run(self, command, output=None, env=None, codes=(0,)):
        """Runs a command and says what it cost. Its output goes to the file `output`, or nowhere."""
        result = os.path.join(self.directory, "cost.json")
        messages = os.path.join(self.directory, "messages.txt")
        with open(output or os.devnull, "wb") as out, open(messages, "wb") as err:
            settings = [f"{name}={value}" for name, value in (env or {}).items()]
            process = subprocess.Popen([self.tool("measure"), result, *settings, *command], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, env={**os.environ, "LC_ALL": "C.UTF-8"},
                                       start_new_session=True)
            wait_or_kill(process, command)
        cost = read_json(result) if process.returncode == 0 else {"status": process.returncode, "seconds": 0.0}
        if cost["status"] not in codes:
            with open(messages, encoding="utf-8", errors="replace") as file:
                raise BenchError(f"{' '.join(command)[:200]}: exit status {cost['status']}: {file.read(400).strip()}")
        return Run(**cost)

    def alternate(self, ours, theirs, runs=None):
        """[(our Run, their Run)]: one after the other, so that what else the machine does hits both."""
        return [(ours(), theirs()) for _ in range(runs or self.runs)]

    def scan(self, db, *arguments, **how):
        return self.run([self.imgaudit, "scan", "--db", db, "--min-age", "0", *(() if "--inventory" in arguments else ("--inventory", "none")), *arguments], **how)

    def scan_anew(self, db, *arguments, **how):
        """A scan into a new store."""
        remove_store(db)
        return self.scan(db, *arguments, **how)

    def map(self, path, **how):
        return self.run([self.imgaudit, "map", "--output=json", path], **how)


def wait_or_kill(process, command):
    try:
        process.wait(TIMEOUT)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)  # the session that was started for it
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise BenchError(f"{' '.join(command)[:200]}: no end after {TIMEOUT} s") from error
        raise


def remove_store(db):
    for path in (db, db + "-wal", db + "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def need(program):
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{program} is not here")
    return path
