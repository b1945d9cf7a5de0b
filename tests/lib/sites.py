# SPDX-License-Identifier: MIT
# What the end-to-end tests share: a site (a tree of images with its store), the tools that make images, mounts, and rights.
# Imported only.

import difflib
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
from contextlib import closing
from dataclasses import dataclass, field

import sparse
from qemu import ENVIRONMENT, TRUST_LOCKS, Outcome, ToolError, decode, must
from qemu import execute as run

KIB = 1024
MIB = 1024 * KIB
CLUSTER = 64 * KIB
BACKING_FORMAT_EXTENSION = 0xE2792ACA
UNKNOWN_EXTENSION = 0x6F726163
SCAN_TIMEOUT = 300  # against a scan that never ends: sanitizers and busy machines take their time
TOOL_TIMEOUT = 60
STATS = re.compile(r"([a-z][a-z ]*[a-z]): (\d+|yes|no)")


# -- Making images ----------------------------------------------------------------------------------------------------

def create(path, size=MIB, backing=None, backing_format="qcow2", format="qcow2", options=()):
    """qemu-img create; the backing name is stored as given, and neither it nor its size is looked at."""
    named = ["-u", "-b", backing, "-F", backing_format or "raw"] if backing else []
    extra = [part for option in options for part in ("-o", option)]
    command = ("qemu-img", "create", "-q", "-f", format, *extra, *named)
    if is_the_same_anywhere(format, options) and not os.path.lexists(path):
        created(command, str(size)).write(path)
    else:
        must(*command, path, str(size))
    if backing and not backing_format:
        hide_backing_format(path)  # as older versions of qemu-img made them
    return path


def is_the_same_anywhere(format, options):
    """Whether nothing in a new image depends on its path, on chance or the time, and it has all its blocks."""
    return format in ("raw", "qcow2") and not any(word in option for option in options for word in ("data_file", "encrypt", "preallocation"))


@functools.cache
def created(command, size):
    """What qemu-img creates, once for each command: the tests want thousands of empty images, most of them the same."""
    with tempfile.TemporaryDirectory(prefix="imgaudit-create-") as directory:
        path = os.path.join(directory, "image")
        must(*command, path, size)
        return sparse.contents(path)


def hide_backing_format(path):
    """Turns the extension of the header (version 3) that states the format into one that nobody knows."""
    with open(path, "r+b") as file:
        file.seek(100)
        place = struct.unpack(">I", file.read(4))[0]
        while True:  # ends: extensions lie one behind the other, and type 0 is the last
            file.seek(place)
            kind, length = struct.unpack(">II", file.read(8))
            if kind == BACKING_FORMAT_EXTENSION:
                file.seek(place)
                file.write(struct.pack(">I", UNKNOWN_EXTENSION))
                return
            if kind == 0:
                raise ToolError(f"{path} states no format of its backing file")
            place += 8 + (length + 7) // 8 * 8


def qemu_io(path, *commands, format="qcow2"):
    must("qemu-io", "-f", format, *[part for command in commands for part in ("-c", command)], path)


def write(path, *places, pattern=0x5A, format="qcow2"):
    """Writes clusters of 64 KiB by their numbers."""
    qemu_io(path, *[f"write -q -P {pattern} {place * CLUSTER} {CLUSTER}" for place in places], format=format)
    return path


def write_alone(path, *places, pattern=0x5A):
    """The same for a qcow2 image whose chain may be broken, or a ring: the chain is not opened."""
    node = {"driver": "qcow2", "backing": None, "file": {"driver": "file", "filename": path}}
    commands = [f"write -q -P {pattern} {place * CLUSTER} {CLUSTER}" for place in places]
    must("qemu-io", *[part for command in commands for part in ("-c", command)], "json:" + json.dumps(node))
    return path


def make_raw(path, size=MIB, pattern=0xA5):
    with open(path, "wb") as file:
        file.write(bytes([pattern]) * size)
    return path


def patch(path, place, data):
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(data)


def qemu_map(path, form=None):
    return json.loads(must("qemu-img", "map", "-U", "--output=json", *(["-f", form] if form else []), path))


def checksum(path):
    """Of what a guest reads, as qemu-img says; None when it cannot be read."""
    target = path + ".checksum-raw"
    try:
        must("qemu-img", "convert", "-U", "-O", "raw", path, target)
        with open(target, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except ToolError:
        return None
    finally:
        if os.path.exists(target):
            os.unlink(target)


# -- A tree of images and its store -----------------------------------------------------------------------------------

@dataclass
class Scan:
    outcome: Outcome
    stats: dict = field(default_factory=dict)

    @property
    def code(self):
        return self.outcome.code

    def notes(self):
        return [f"exit code {self.code}", *self.outcome.err.splitlines()[:5], *self.outcome.out.splitlines()[:5]]


def parse_stats(text):
    """What --stats prints, as numbers by their words."""
    return {word: int(value) if value.isdigit() else value == "yes" for word, value in STATS.findall(text)}


class Site:
    """One directory `images` and one store; `prefix` is put before every call of the program."""

    def __init__(self, imgaudit, directory, prefix=()):
        self.imgaudit = imgaudit
        self.directory = directory
        self.root = os.path.join(directory, "images")
        self.db = os.path.join(directory, "store.db")
        self.prefix = list(prefix)
        os.makedirs(self.root, exist_ok=True)

    def path(self, *parts):
        """A path below the root, its directory made."""
        path = os.path.join(self.root, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def outside(self, *parts):
        path = os.path.join(self.directory, "outside", *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def command(self, *arguments):
        return [*self.prefix, self.imgaudit, *arguments]

    def run(self, *arguments, timeout=SCAN_TIMEOUT, **options):
        return run(self.command(*arguments), timeout=timeout, **options)

    def scan(self, *options, roots=None, trust=TRUST_LOCKS, min_age="0", inventory="none", **how):
        """By default what is new counts as well as what is old, and no machine uses anything; None for trust, min_age or
        inventory: as the program has it by default."""
        given = [*filter(None, [trust]), *(["--min-age", min_age] if min_age else []), *(["--inventory", inventory] if inventory else [])]
        outcome = self.run("scan", "--db", self.db, "--stats", *given, *options, *(roots or [self.root]), **how)
        if outcome.code is None:
            raise ToolError(f"the scan ran out of time: {outcome.err}")
        return Scan(outcome, parse_stats(outcome.out))

    def report(self, *options, format="json"):
        return self.run("report", "--db", self.db, "--format", format, *options)

    def rows(self, *options):
        outcome = self.report(*options)
        if outcome.code != 0:
            raise ToolError(f"report {options}: code {outcome.code}: {outcome.err.strip()}")
        return json.loads(outcome.out)["rows"]

    def query(self, sql, *values):
        """Rows straight from the database, texts as surrogateescaped strings."""
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10)) as connection:
            connection.text_factory = decode
            return connection.execute(sql, values).fetchall()

    def value(self, sql, *values):
        rows = self.query(sql, *values)
        return rows[0][0] if rows else None

    def relative(self, path):
        return os.path.relpath(path, self.root)

    def findings(self):
        """{(code, path below the root)} of the latest scan."""
        return {(code, self.relative(path)) for code, path in self.query("SELECT code, path FROM v_finding WHERE NOT cleared")}

    def unused(self, partly=False):
        """{path below the root: row} of --unused-backing; what is partly masked only when asked for."""
        return {self.relative(row["path"]): row for row in self.rows("--unused-backing")
                if partly or row["status"] != "partly-masked"}


# What the public views say, whatever numbers images have got: to compare one store with another.
WITHOUT_IDS = (
    "SELECT path, format, variant, format_basis, virtual_size, file_size, disk_size, cluster_size, backing_name,"
    " backing_path, backing_format, backing_image, chain_depth, is_head, dependents, state, snapshots"
    " FROM v_image ORDER BY path",
    "SELECT path, start, length, state, file, offset FROM v_extent ORDER BY path, start",
    "SELECT path, depth, layer_path, visible_bytes, data_bytes FROM v_chain ORDER BY path, depth",
    "SELECT path, data_bytes, zero_bytes, visible_bytes, masked_bytes, exclusive_bytes, shared_bytes, dependents,"
    " descendants, heads FROM v_usage ORDER BY path",
    "SELECT min(path, other_path) AS one, max(path, other_path) AS two, shared_bytes, others_at_most FROM v_pair ORDER BY one, two",
    "SELECT path, start, length, file, offset, state FROM v_masked ORDER BY path, start",
    "SELECT path, file, use, bytes, disk_bytes, unwritten_bytes FROM v_space ORDER BY path, file, use",
    "SELECT code, severity, path, detail, hides FROM v_finding WHERE NOT cleared"
    " AND code NOT IN ('backing-exchanged', 'backing-written') ORDER BY code, path, detail",  # against the scan before
)


def without_ids(site):
    return [site.query(query) for query in WITHOUT_IDS]


def printed(db, queries):
    """All that a stock sqlite3 shell prints for the queries; an error is a ToolError."""
    outcome = run(["sqlite3", "-readonly", "-bail", "-cmd", ".timeout 10000", db, "; ".join(queries)])
    if outcome.code != 0 or outcome.err:
        raise ToolError(f"sqlite3 {db}: code {outcome.code}: {outcome.err.strip()}")
    return outcome.out


def digest(db, queries):
    """The same as one number."""
    return hashlib.sha256(printed(db, queries).encode("utf-8", "surrogateescape")).hexdigest()


def differences(db, other, queries):
    """Lines of what is printed that only one of two stores has; none when they agree."""
    notes = []
    for query in queries:
        one, two = printed(db, [query]).splitlines(), printed(other, [query]).splitlines()
        changes = [line for line in difflib.unified_diff(one, two, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
        if changes:
            notes += [query, *changes[:20], f"({len(changes)} lines)"]
    return notes


# -- Running as somebody without rights -------------------------------------------------------------------------------

def is_root():
    return os.geteuid() == 0


def powerless_site(imgaudit, directory):
    """A site whose program runs without root's rights, or a reason why that cannot be had."""
    if not is_root():
        return Site(imgaudit, directory), None
    if not shutil.which("setpriv"):
        return None, "runs as root, and setpriv is missing"
    os.chmod(directory, 0o755)
    for part in parents(directory):
        if not os.stat(part).st_mode & 0o001:
            return None, f"nobody cannot enter {part}"
    home = os.path.join(directory, "nobody")
    os.mkdir(home)
    os.chmod(home, 0o777)
    copy = shutil.copy(imgaudit, os.path.join(directory, "imgaudit"))
    os.chmod(copy, 0o755)
    site = Site(copy, directory, ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    site.db = os.path.join(home, "store.db")
    outcome = site.run("--version")
    if outcome.code != 0:
        return None, f"nobody cannot run a copy of the program: {outcome.err.strip()}"
    return site, None


def parents(path):
    while path != "/":
        yield path
        path = os.path.dirname(path)


# -- Mounts -----------------------------------------------------------------------------------------------------------

class Mounts:
    """Mounts that are undone at the end, the last first."""

    def __init__(self):
        self.points = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for point in reversed(self.points):
            run(["umount", "-l", point])

    def _mount(self, point, *arguments):
        if not os.path.exists(point):
            os.makedirs(point)
        must("mount", *arguments, point)
        self.points.append(point)

    def tmpfs(self, point, options="size=64m"):
        self._mount(point, "-t", "tmpfs", "-o", options, "tmpfs")

    def volume(self, path, point, options=""):
        """A file that holds a file system; the loop device goes with the mount."""
        self._mount(point, "-o", ",".join(filter(None, ["loop", options])), path)

    def bind(self, source, point):
        self._mount(point, "--bind", source)

    def fuse(self, source, point):
        """A FUSE file system that shows another directory."""
        os.makedirs(point, exist_ok=True)
        must("bindfs", source, point)
        self.points.append(point)

    def overlay(self, point, base):
        """An overlay file system whose layers lie on a tmpfs, which is mounted at `base`."""
        self.tmpfs(base)
        layers = [os.path.join(base, name) for name in ("lower", "upper", "work")]
        for layer in layers:
            os.mkdir(layer)
        self._mount(point, "-t", "overlay", "-o", "lowerdir={},upperdir={},workdir={}".format(*layers), "overlay")

    def undo(self, point):
        must("umount", point)
        self.points.remove(point)


def why_no_mounts():
    """A reason to skip a test that mounts, or None."""
    if not is_root():
        return "only root can mount"
    probe = tempfile.mkdtemp(prefix="imgaudit-mount-")
    try:
        with Mounts() as mounts:
            mounts.tmpfs(probe)
    except ToolError as error:
        return f"cannot mount here: {error}"
    finally:
        os.rmdir(probe)
    return None


def why_no_mount_namespace():
    """A reason why `unshare --mount` cannot be had, as in a chroot; None: it can."""
    if reason := why_no_mounts():
        return reason
    outcome = run(["unshare", "--mount", "true"])
    return None if outcome.code == 0 else f"no mount namespace here: {outcome.err.strip()}"


# -- Holding a file open as QEMU does ---------------------------------------------------------------------------------

class Holder:
    """qemu-io with an image open, which takes QEMU's locks, until the end of the block."""

    def __init__(self, path, *options, format="qcow2"):
        self.command = ["qemu-io", "-f", format, *options, path]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=ENVIRONMENT)
        self.process.stdin.write(b"length\n")
        self.process.stdin.flush()
        answer = os.read(self.process.stdout.fileno(), 4096)  # it answers only once the image is open
        if self.process.poll() is not None:
            raise ToolError(f"{self.command}: {decode(answer)}")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(TOOL_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()
