# SPDX-License-Identifier: MIT
# What the tests of inventories beside images share. Imported only.

import os

from sites import MIB, create, write


def orphan(site, *parts, format="qcow2", scan=True):
    """A disk whose overlay was thrown away after a scan saw it: to images it is a base that nothing uses any more."""
    disk = write(create(site.path(*parts), MIB, format=format), 0, format=format)
    over = create(disk + ".over", MIB, disk, format)
    if scan:
        site.scan()
        os.unlink(over)
    return disk


def forget(*disks):
    """Throws the overlays away of disks that were made without a scan."""
    for disk in disks:
        os.unlink(disk + ".over")


def verdict(site, name):
    row = site.unused(partly=True).get(name)
    return row and (row["status"], row["verdict"], row["why_codes"])


def claims(site):
    """[(machine, path below the root, role, state)] of the latest scan, in order."""
    return [(machine, os.path.relpath(path, site.root), role, state)
            for machine, path, role, state in site.query("SELECT machine, path, role, state FROM v_claim ORDER BY machine, path, role")]


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def processor_time(do):
    """Seconds that the programs took which it started, whatever else the machine does."""
    before = os.times()
    do()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


PROVEN = ("unreferenced", "proven", None)
UNCOVERED = ("unreferenced", "unproven", "no-inventory")
