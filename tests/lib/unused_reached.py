# SPDX-License-Identifier: MIT
# Ways in which an image can reach base.qcow2 in the root: one function each, and the list of them.
# For test_unused.py. Imported only.

import os

from sites import MIB, create, must, patch, write


def direct(site):
    create(site.path("vms", "deep", "over.qcow2"), MIB, "../../base.qcow2")


def absolute(site):
    create(site.path("vms", "over.qcow2"), MIB, site.path("base.qcow2"))


def file_name(site):
    create(site.path("vms", "over.qcow2"), MIB, "file:" + site.path("base.qcow2"))


def json_name(site):
    create(site.path("vms", "over.qcow2"), MIB,
           'json:{"driver":"qcow2","file":{"driver":"file","filename":"%s"}}' % site.path("base.qcow2"), None)


def through_others(site):
    create(site.path("mid.qcow2"), MIB, "base.qcow2")
    create(site.path("vms", "top.qcow2"), MIB, "../mid.qcow2")
    create(site.path("vms", "head.qcow2"), MIB, "top.qcow2")


def hard_link(site):
    os.link(site.path("base.qcow2"), site.path("links", "other-name.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, "../links/other-name.qcow2")


def symlink(site):
    os.symlink("../base.qcow2", site.path("links", "current.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, "../links/current.qcow2")


def symlink_chain(site):
    os.symlink("two", site.path("links", "one"))
    os.symlink("../base.qcow2", site.path("links", "two"))
    create(site.path("links", "over.qcow2"), MIB, "one")


def symlinked_directory(site):
    os.symlink("..", site.path("vms", "up"))
    create(site.path("vms", "over.qcow2"), MIB, "up/base.qcow2")


def dots(site):
    site.path("vms", "x")
    create(site.path("over.qcow2"), MIB, "./vms/..//vms/../base.qcow2")


def alias_symlink(site):
    """over.qcow2 is on vms/base.qcow2; by its name in the root it is on the base in the root."""
    write(create(site.path("vms", "base.qcow2"), MIB), 9)
    create(site.path("vms", "over.qcow2"), MIB, "base.qcow2")
    os.symlink("vms/over.qcow2", site.path("over.qcow2"))


def alias_hard_link(site):
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "over.qcow2"), MIB, "base.qcow2")
    os.link(site.path("a-first", "over.qcow2"), site.path("over.qcow2"))


def alias_of_a_middle(site):
    """The head names mid by a symlink; from there mid's own relative name leads to the base."""
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    os.symlink("a-first/mid.qcow2", site.path("mid.qcow2"))
    create(site.path("vms", "head.qcow2"), MIB, "../mid.qcow2")


def link_outside_in(site):
    """The name lies outside the roots, the file inside."""
    os.symlink(site.path("base.qcow2"), site.outside("template.qcow2"))
    create(site.path("vms", "over.qcow2"), MIB, site.outside("template.qcow2"))


def middle_outside_in(site):
    """The head names mid by a symlink outside the roots; beside that, mid's own relative name leads to the base."""
    write(create(site.path("a-first", "base.qcow2"), MIB), 9)
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    os.symlink(site.path("a-first", "mid.qcow2"), site.outside("mid.qcow2"))
    os.symlink(site.path("base.qcow2"), site.outside("base.qcow2"))
    create(site.path("vms", "head.qcow2"), MIB, site.outside("mid.qcow2"))


def stated_raw(site):
    """Said to be raw: then a guest sees the qcow2 file itself, and needs it all the more."""
    create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2", "raw")


def no_format(site):
    create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2", None)


def part_of_a_disk(site):
    create(site.path("vms", "over.qcow2"), MIB,
           'json:{"driver":"raw","offset":65536,"size":65536,"file":{"driver":"file","filename":"%s"}}' % site.path("base.qcow2"),
           None)


def backing_in_json(site):
    """The base of the middle is stated in the head's own name for the middle, and differs from what the middle says."""
    create(site.path("mid.qcow2"), MIB)
    node = '{"driver":"qcow2","file":{"driver":"file","filename":"%s"}%s}'
    inner = ',"backing":' + node % (site.path("base.qcow2"), "")
    create(site.path("vms", "head.qcow2"), MIB, "json:" + node % (site.path("mid.qcow2"), inner), None)


def working_directory(site):
    create(site.path("vms", "over.qcow2"), MIB, "file:base.qcow2", "raw")


def below_a_conflict(site):
    """One overlay takes mid for raw, another for qcow2; only the second needs the base."""
    create(site.path("mid.qcow2"), MIB, "base.qcow2")
    create(site.path("a.qcow2"), MIB, "mid.qcow2", "raw")
    create(site.path("b.qcow2"), MIB, "mid.qcow2", "qcow2")


def below_a_conflict_by_hard_link(site):
    """The same; the second takes mid by a hard link, from which its relative name leads to another base."""
    create(site.path("a-first", "mid.qcow2"), MIB, "base.qcow2")
    create(site.path("a-first", "base.qcow2"), MIB)
    os.link(site.path("a-first", "mid.qcow2"), site.path("mid.qcow2"))
    create(site.path("a-first", "a.qcow2"), MIB, "mid.qcow2", "raw")
    create(site.path("b.qcow2"), MIB, "mid.qcow2", "qcow2")


def corrupt_overlay(site):
    """Its tables cannot be read, its header names the base all the same."""
    over = create(site.path("vms", "over.qcow2"), MIB, "../base.qcow2")
    patch(over, 40, (1 << 40).to_bytes(8, "big"))


def overlay_without_data_file(site):
    over = site.path("vms", "over.qcow2")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={over}.data", over, "1M")
    must("qemu-img", "rebase", "-u", "-b", site.path("base.qcow2"), "-F", "qcow2", over)
    os.unlink(over + ".data")


def ring(site):
    """Images in a ring have no bottom, and still name each other."""
    must("qemu-img", "rebase", "-u", "-b", "mid.qcow2", "-F", "qcow2", site.path("base.qcow2"))
    create(site.path("mid.qcow2"), MIB, "base.qcow2")


def name_with_a_nul(site):
    """QEMU takes a name up to its first zero byte."""
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    with open(over, "rb") as file:
        place = file.read().index(b"base.qcow2")
    patch(over, place, b"base.qcow2\0junk")
    patch(over, 16, len(b"base.qcow2\0junk").to_bytes(4, "big"))


def encrypted(site):
    must("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=x", "-o",
         "encrypt.format=aes,encrypt.key-secret=s", "-u", "-b", site.path("base.qcow2"), "-F", "qcow2",
         site.path("over.qcow2"), "1M")


def odd_suffix(site):
    create(site.path("vms", "backup.2024-01-01.old"), MIB, "../base.qcow2")


REACHED = [
    ("an overlay elsewhere by a relative name", direct),
    ("by an absolute name", absolute),
    ("by a file: name", file_name),
    ("by a json: name", json_name),
    ("through others", through_others),
    ("by a hard link in another directory", hard_link),
    ("by a symlink", symlink),
    ("by a chain of symlinks", symlink_chain),
    ("through a symlinked directory", symlinked_directory),
    ("by a name with dots and slashes", dots),
    ("by an overlay that is seen through a symlink elsewhere", alias_symlink),
    ("by an overlay that has a hard link elsewhere", alias_hard_link),
    ("by an image in the middle that is named through a symlink", alias_of_a_middle),
    ("by a symlink outside the roots that leads back in", link_outside_in),
    ("by an image in the middle that is named through a symlink outside the roots", middle_outside_in),
    ("by an overlay that takes it for raw", stated_raw),
    ("by an overlay that states no format", no_format),
    ("as a part of a disk", part_of_a_disk),
    ("by a backing file inside a json: name", backing_in_json),
    ("by a name relative to a working directory", working_directory),
    ("below an image that is taken for two formats", below_a_conflict),
    ("below an image of two names that is taken for two formats", below_a_conflict_by_hard_link),
    ("by an overlay with broken tables", corrupt_overlay),
    ("by an overlay whose data file is gone", overlay_without_data_file),
    ("by a ring that it is part of", ring),
    ("by a name with a zero byte in it", name_with_a_nul),
    ("by an encrypted overlay", encrypted),
    ("by an image without a suffix of images", odd_suffix),
]
