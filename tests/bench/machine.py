# SPDX-License-Identifier: MIT
# What the numbers were measured on. Imported only.

import os
import platform
import re
import shutil
import subprocess


def first_line(*command):
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else ""


def field(path, name):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(rf"^{name}\s*:\s*(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return ""
    return match.group(1) if match else ""


def memory_gib():
    kib = field("/proc/meminfo", "MemTotal").split()
    return round(int(kib[0]) / 1024 / 1024, 1) if kib else None


def file_system(directory):
    return first_line("stat", "-f", "-c", "%T", directory)


def describe(imgaudit, directory):
    here = os.path.dirname(os.path.realpath(__file__))
    return {
        "imgaudit": first_line(imgaudit, "--version").removeprefix("imgaudit "),
        "commit": first_line("git", "-C", here, "describe", "--always", "--dirty"),
        "processor": field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory_gib(),
        "kernel": platform.release(),
        "file_system": file_system(directory),
        "qemu_img": first_line("qemu-img", "--version").removeprefix("qemu-img version ").split(" ")[0],
        "sqlite3": first_line("sqlite3", "--version").split(" ")[0],
        "load_at_start": round(os.getloadavg()[0], 2),
    }
