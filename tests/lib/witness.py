# SPDX-License-Identifier: MIT
# Witnesses of what a run opens: strace sees the system calls, inotify the file. Imported only.

import ctypes
import os
import re
import shutil
import struct

import sites

CALL = re.compile(r'\b(open|openat|openat2|connect)\((?:(AT_FDCWD|\d+)(?:<(.*?)>)?, )?"(.*?)"')
CONNECT = re.compile(r"\bconnect\(")
IN_OPEN = 0x20
IN_NONBLOCK = 0o4000


class Trace:
    """The names that a run of the program tried to open, absolute, and whether it connected to anything."""

    def __init__(self, text, cwd):
        self.opened = set()
        self.connected = bool(CONNECT.search(text))
        for line in text.splitlines():
            found = CALL.search(line)
            if found:
                self.opened.add(os.path.normpath(os.path.join(cwd, found.group(3) or "", found.group(4))))

    def below(self, path):
        """In a chroot strace gives names in another mount namespace from the root of the host on."""
        names = {name[name.index(path):] for name in self.opened if path in name}
        return sorted(name for name in names if name == path or name.startswith(path + "/"))


def traced(site, *arguments, cwd=None):
    """The outcome of a run, and its trace."""
    log = os.path.join(site.directory, "trace")
    command = ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", "trace=open,openat,openat2,connect", "-o", log]
    # The leak checker of a sanitized build does not work under strace.
    env = {**sites.ENVIRONMENT, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    outcome = sites.run([*command, *site.command(*arguments)], cwd=cwd, timeout=60, env=env)
    with open(log, encoding="utf-8", errors="surrogateescape") as file:
        return outcome, Trace(file.read(), cwd or os.getcwd())


def why_no_strace():
    if not shutil.which("strace"):
        return "strace is missing"
    outcome = sites.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"])
    return None if outcome.code == 0 else f"strace does not work here: {outcome.err.strip()[:100]}"


def scan_traced(site, *options):
    return traced(site, "scan", "--db", site.db, "--min-age", "0", "--inventory", "none", *options, site.root)


class Watch:
    """Counts how often a file is opened, by whatever name."""

    def __init__(self, path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.handle = self.libc.inotify_init1(IN_NONBLOCK)
        if self.handle < 0 or self.libc.inotify_add_watch(self.handle, os.fsencode(path), IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def count(self):
        try:
            data = os.read(self.handle, 65536)
        except BlockingIOError:
            return 0
        events = 0
        while data:
            events += 1
            data = data[16 + struct.unpack("iIII", data[:16])[3]:]
        return events

    def close(self):
        os.close(self.handle)
