# SPDX-License-Identifier: MIT
# Things in a tree that keep a scan from proving anything, and things that do not: one function each, and the
# list of them. For test_unused.py. Imported only.

import os

from sites import CLUSTER, MIB, create, make_raw, must, patch, write


def spoil_unreadable_directory(site):
    os.makedirs(site.path("closed", "sub"))
    os.chmod(site.path("closed"), 0)
    return "closed"


def spoil_unreadable_file(site):
    create(site.path("closed.qcow2"), MIB)
    os.chmod(site.path("closed.qcow2"), 0)
    return "closed.qcow2"


def spoil_unsupported(site):
    with open(site.path("disk.vmdk"), "wb") as file:
        file.write(b"KDMV".ljust(4096, b"\0"))
    return "disk.vmdk"


def spoil_new_version(site):
    create(site.path("new.qcow2"), MIB)
    patch(site.path("new.qcow2"), 4, (4).to_bytes(4, "big"))
    return "new.qcow2"


def spoil_corrupt(site):
    create(site.path("corrupt.qcow2"), MIB)
    patch(site.path("corrupt.qcow2"), 8, (8).to_bytes(8, "big") + (100000).to_bytes(4, "big"))
    return "corrupt.qcow2"


def spoil_empty(site):
    open(site.path("empty.qcow2"), "wb").close()
    return "empty.qcow2"


def spoil_unrecognised(site):
    make_raw(site.path("what.vdi"), 4096)
    return "what.vdi"


def spoil_outside(site):
    create(site.outside("foreign.qcow2"), MIB, site.path("base.qcow2"))
    create(site.path("leads-out.qcow2"), MIB, site.outside("foreign.qcow2"))
    return "leads-out.qcow2"


def spoil_symlink_outside(site):
    create(site.outside("foreign.qcow2"), MIB, site.path("base.qcow2"))
    os.symlink(site.outside("foreign.qcow2"), site.path("link.qcow2"))
    return "link.qcow2"


def spoil_directory_outside(site):
    create(site.outside("dir", "foreign.qcow2"), MIB, site.path("base.qcow2"))
    os.symlink(site.outside("dir"), site.path("linked-dir"))
    return "linked-dir"


def spoil_quorum(site):
    create(site.path("quorum.qcow2"), MIB, 'json:{"driver":"quorum","children":["a","b"],"vote-threshold":1}', None)
    return "quorum.qcow2"


def spoil_nothing(site):
    """A FIFO, a text file, missing bases of images that are younger than all others, a data file that is gone: nothing of
    that can name what is there."""
    os.mkfifo(site.path("pipe.qcow2"))
    with open(site.path("notes.txt"), "w", encoding="utf-8") as file:
        file.write("base.qcow2 is the template\n")
    create(site.path("raw-lost.qcow2"), MIB, "nowhere.img", "raw")
    write(create(site.path("upload.qcow2"), MIB), 0)
    os.truncate(site.path("upload.qcow2"), 2 * CLUSTER)  # its header has all that it may name
    create(site.path("lost.qcow2"), MIB, "nowhere.qcow2")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('d')}", site.path("no-data.qcow2"), "1M")
    os.unlink(site.path("d"))


# What the scan cannot look into, and who makes it; each returns the name that the reason must have.
SPOILED = [
    ("a file of a format that is not read", spoil_unsupported),
    ("a qcow2 image of a newer version", spoil_new_version),
    ("a corrupt image", spoil_corrupt),
    ("an empty x.qcow2", spoil_empty),
    ("an x.vdi that is none", spoil_unrecognised),
    ("a reference out of the roots", spoil_outside),
    ("a symlink out of the roots", spoil_symlink_outside),
    ("a symlinked directory out of the roots", spoil_directory_outside),
    ("a reference that is not followed", spoil_quorum),
]
SPOILED_WITHOUT_RIGHTS = [
    ("a directory that cannot be listed", spoil_unreadable_directory),
    ("a file that cannot be read", spoil_unreadable_file),
]
