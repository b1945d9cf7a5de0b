# SPDX-License-Identifier: MIT
# Situations in which what-if and the next scan once disagreed, and some like them in which nothing is wrong: who makes
# it, what is done to which images, and of which image what is said then. For test_what_if_next.py. Imported only.

import os
import re
from dataclasses import dataclass

from sites import CLUSTER, MIB, create, make_raw, must, patch, write


@dataclass
class Situation:
    what: str
    make: object  # function of a site
    action: str
    images: list
    effect: str
    about: str    # the image that is proven to be something by both, or by neither
    step: int = None
    proven: bool = False


def fill(site, name, pattern=7, form="qcow2", clusters=16):
    must("qemu-io", "-f", form, "-c", f"write -q -P {pattern} 0 {clusters * CLUSTER}", site.path(name))


def on_raw(site):
    make_raw(site.path("base.img"), MIB)
    create(site.path("over"), MIB, "base.img", "raw")


def named_anew(site, name):
    """The file has had its name for less long than all others: it may be one that an image lost, renamed."""
    os.rename(site.path(name), site.path("for a moment"))
    os.rename(site.path("for a moment"), site.path(name))


def lost_data_file(site):
    """An image lost its data file, which may be any raw file."""
    on_raw(site)
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('lost.raw')}", site.path("other"), "1M")
    os.unlink(site.path("lost.raw"))
    named_anew(site, "base.img")


def lost_raw_base(site):
    """An image lost its raw base, which hides nothing, but may be any raw file."""
    on_raw(site)
    create(site.path("other"), MIB, "nowhere.img", "raw")
    named_anew(site, "base.img")


def ambiguous_data_file(site):
    """Another image's data file has the base's name, relative to a working directory."""
    on_raw(site)
    folder = os.path.dirname(site.path("folder", "other"))
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=base.img", "other", "1M", cwd=folder)


def flat_base(site, with_twin=True):
    """A flat extent, which a second descriptor uses as well."""
    create(site.path("base.vmdk"), MIB, format="vmdk", options=["subformat=twoGbMaxExtentFlat"])
    fill(site, "base.vmdk", form="vmdk")
    with open(site.path("base.vmdk"), encoding="latin1") as file:
        text = re.sub(r"(?m)^CID=.*$", "CID=12345678", file.read())
    if with_twin:
        with open(site.path("twin.vmdk"), "w", encoding="latin1") as file:
            file.write(text)


def shared_extent(site):
    flat_base(site)
    create(site.path("over"), MIB, "base.vmdk", "vmdk")


def shared_extent_masked(site, with_twin=True):
    flat_base(site, with_twin)
    create(site.path("over"), MIB, "base.vmdk", "vmdk")
    create(site.path("cover"), MIB, "base.vmdk", "vmdk")
    fill(site, "cover", 1)


def family(site):
    """A base that one overlay covers and another one reads."""
    create(site.path("base"), MIB)
    fill(site, "base")
    for name in ("cover", "over"):
        create(site.path(name), MIB, "base")
    fill(site, "cover", 1)


def family_with_top(site):
    """Deleting `over` leaves `top` without its base: what that may have named is unknown."""
    family(site)
    create(site.path("top"), MIB, "over")
    named_anew(site, "base")


def family_with_data_file(site):
    """`over` is also the data file of an image on the base, which cannot be read without it."""
    family_with_top(site)
    made = site.path("made")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={made}", "-u", "-b", "base", "-F", "qcow2",
         site.path("other"), "1M")
    fill(site, "other", 2)
    os.unlink(made)
    os.link(site.path("over"), made)


def two_names(site):
    """By its name in the other directory the overlay has another base, which no scan follows as its backing file."""
    for folder in ("one", "two"):
        create(site.path(folder, "base"), MIB)
    create(site.path("one", "over"), MIB, "base")
    os.link(site.path("one", "over"), site.path("two", "over"))


def chain(site):
    for below, name in ((None, "base"), ("base", "middle"), ("middle", "over"), ("over", "top")):
        write(create(site.path(name), MIB, below), 1)


def written_between(site):
    """The base was written to after `old`, and before `new`: it takes `new` to say that it was a base since."""
    write(create(site.path("base"), MIB), 1)
    for below, name in (("base", "old"), ("base", "new"), ("old", "top")):
        create(site.path(name), MIB, below)
    for second, name in enumerate(("old", "base", "new", "top")):
        os.utime(site.path(name), (10**9 + second, 10**9 + second))


def vmdk_family(site, overlays="vmdk"):
    """A write to `middle` gives it another content number, and `second` misses the one that it knew."""
    create(site.path("base.vmdk"), MIB, format="vmdk")
    fill(site, "base.vmdk", form="vmdk")
    create(site.path("middle"), MIB, "base.vmdk", "vmdk", format="vmdk")
    for place, name in enumerate(("first", "second")):
        create(site.path(name), MIB, "middle", "vmdk", format=overlays)
        write(site.path(name), place, format=overlays)


def data_file_of_two_names(site, names=2):
    """With its image gone the data file is what it looks like: an image without its base."""
    on_raw(site)
    made = site.path("made")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={made}", site.path("other"), "1M")
    os.unlink(made)
    create(made, MIB, "nowhere", None)
    named_anew(site, "base.img")
    if names == 2:
        os.link(made, site.path("made too"))


def data_file_like_an_overlay(site):
    """Another image keeps its data in a file that looks like an overlay of the base."""
    create(site.path("base"), MIB)
    made = site.path("made.img")
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={made}", site.path("other"), "1M")
    os.unlink(made)
    create(made, MIB, "base")
    create(site.path("over"), MIB, "base")


def data_file_is_an_image(site, linked=True):
    """An image that is written to keeps its data in a file that is another image by another name."""
    family(site)
    create(site.path("lower"), MIB)
    fill(site, "lower", 3)
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={site.path('made.raw')}", site.path("writer"), "1M")
    must("qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", site.path("lower"), site.path("writer"))
    create(site.path("victim"), MIB)
    create(site.path("top"), MIB, "victim")
    if linked:
        os.unlink(site.path("made.raw"))
        os.link(site.path("victim"), site.path("made.raw"))


def two_formats(site, second="qcow2"):
    """Two overlays take the base for different formats, and the first one decides. Taken for raw it ends before what it
    has as qcow2."""
    create(site.path("base"), MIB)
    must("qemu-io", "-f", "qcow2", "-c", f"write -q -P 7 {12 * CLUSTER} {CLUSTER}", site.path("base"))
    for name, form in (("a", "raw"), ("b", second)):
        create(site.path(name), MIB, "base", form)
    fill(site, "b", 1, clusters=8)


def one_name_of_two(site):
    """From the name that stays the overlay does not find its base."""
    make_raw(site.path("one", "base"), MIB)
    for name in ("cover", "reader"):
        create(site.path("one", name), MIB, "base", "raw")
    fill(site, "one/cover")
    os.makedirs(site.path("two"))
    os.link(site.path("one", "cover"), site.path("two", "cover"))


def one_name_with_top(site):
    """The same, of a base that is left to nobody."""
    create(site.path("one", "base"), MIB)
    create(site.path("one", "middle"), MIB, "base")
    create(site.path("one", "top"), MIB, "middle")
    os.makedirs(site.path("two"))
    os.link(site.path("one", "middle"), site.path("two", "middle"))


def covered_middle(site):
    """Of what `middle` gets from its base, the first half is covered, and not copied where it is zero."""
    make_raw(site.path("base.img"), MIB)
    patch(site.path("base.img"), 0, bytes(MIB // 2))
    create(site.path("middle"), MIB, "base.img", "raw")
    create(site.path("top"), MIB, "middle")
    fill(site, "top", clusters=8)


SITUATIONS = [
    Situation("a raw base", on_raw, "delete", ["over"], "unreferenced", "base.img", 1, proven=True),
    Situation("a raw base, while an image misses its data file", lost_data_file,
              "delete", ["over"], "unreferenced", "base.img", 1),
    Situation("a raw base, while an image misses its raw base", lost_raw_base,
              "delete", ["over"], "unreferenced", "base.img", 1),
    Situation("a base with the name of a data file in some working directory", ambiguous_data_file,
              "delete", ["over"], "unreferenced", "base.img", 1),
    Situation("a base with an extent that another image uses", shared_extent,
              "delete", ["over"], "unreferenced", "base.vmdk", 1),
    Situation("a base with an extent that another image uses", shared_extent_masked,
              "flatten", ["over"], "masked-more", "base.vmdk"),
    Situation("a base with an extent of its own", lambda site: shared_extent_masked(site, with_twin=False),
              "flatten", ["over"], "masked-more", "base.vmdk", proven=True),
    Situation("a base", family, "delete", ["over"], "masked-more", "base", proven=True),
    Situation("a base, when another image loses its own", family_with_top,
              "delete", ["over"], "masked-more", "base"),
    Situation("a base, when one that reads it loses its data file", family_with_data_file,
              "delete", ["made", "over", "top"], "masked-more", "base"),
    Situation("a base by the other name of its overlay", two_names,
              "delete", ["one/over", "two/over"], "unreferenced", "two/base", 1),
    Situation("a base that its overlay, by the name that stays, does not find", one_name_of_two,
              "delete", ["one/cover", "one/reader"], "masked-more", "one/base"),
    Situation("an image that keeps the name from which its base is not found", one_name_with_top,
              "delete", ["one/middle", "one/top"], "unreferenced", "two/middle", 1),
    Situation("a raw base, when an image goes with its data file", lambda site: data_file_of_two_names(site, 1),
              "delete", ["over", "other"], "unreferenced", "base.img", 1, proven=True),
    Situation("a raw base, when an image goes and its data file stays by another name", data_file_of_two_names,
              "delete", ["over", "other"], "unreferenced", "base.img", 1),
    Situation("a base that another image's data file names, too", data_file_like_an_overlay,
              "delete", ["over"], "unreferenced", "base", 1),
    Situation("a base that another image's data file named, which goes with it", data_file_like_an_overlay,
              "delete", ["over", "other"], "unreferenced", "base", 1, proven=True),
    Situation("a base, while an image is written to through another's data file", data_file_is_an_image,
              "flatten", ["writer", "over"], "masked-more", "base"),
    Situation("a base, while an image with a data file is flattened", lambda site: data_file_is_an_image(site, False),
              "flatten", ["writer", "over"], "masked-more", "base", proven=True),
    Situation("a base that the overlay which is left takes for another format", two_formats,
              "delete", ["a"], "masked-more", "base"),
    Situation("a base that the overlay which is left takes for the same format", lambda site: two_formats(site, "raw"),
              "delete", ["a"], "masked-more", "base", proven=True),
    Situation("the image between", chain, "flatten", ["top"], "unreferenced", "middle", 2, proven=True),
    Situation("the image between, when it is flattened, too", chain,
              "flatten", ["top", "middle"], "unreferenced", "middle", 2),
    Situation("a base written to between two overlays, the younger of which goes first", written_between,
              "flatten", ["new", "top"], "unreferenced", "base", 2),
    Situation("a base below one that is committed into", lambda site: vmdk_family(site, "qcow2"),
              "commit", ["first"], "masked-more", "base.vmdk", proven=True),
    Situation("a base below one that is committed into and known by its number", vmdk_family,
              "commit", ["first"], "masked-more", "base.vmdk"),
    Situation("an image that gets zeroes that are covered", covered_middle,
              "flatten", ["middle"], "masked-more", "middle"),
]
