# SPDX-License-Identifier: MIT
# Names in headers that lead nowhere, or to what is newer than the image, may mean files that nobody needs: the program cannot
# know, and says so (imgaudit(1), DOUBTS, broken-reference). What that holds up is no garbage that a report could list. Told here
# by the manual's words and from the host's records, not from a report: a doubt about more than this shows as a file missed.

import os

from weather import is_hidden


def stem(path):
    return os.path.basename(path).split(".")[0]


def is_alike(path, name):
    return stem(path) in os.path.basename(name) or stem(name) in os.path.basename(path)


def misleads(forest, image, target):
    """The name leads nowhere, to what is newer, or by a symbolic link that was turned since."""
    return target is None or target.made > image.written or forest.turned.get(image.link, 0) > image.made


class Astray:
    """The images whose names mislead, on one night."""

    def __init__(self, forest, hidden):
        self.forest = forest
        paths = forest.by_path()
        self.images = []
        # What is packed means what has the name, whatever that leads to where it lies.
        self.packed = {os.path.basename(forest.leads_to(image)) for image in forest.images if image.packed and image.named}
        for image in forest.images:
            if image.packed and image.named and not image.is_seen and not is_hidden(image.path, hidden):
                self.look(image, hidden)
        for image in forest.images:
            target = paths.get(forest.leads_to(image)) if image.named and not image.packed else image
            # Where a scan saw it led, is known: that file alone is meant.
            if image.known != image.named and (misleads(forest, image, target) or image.misled == image.named):
                self.images.append((image, target))

    def holds_up(self, file):
        return os.path.basename(file.path) in self.packed or any(self.may_mean(image, target, file) for image, target in self.images) \
            or any(self.may_have_lost(image, file) for image in self.forest.images if image.packed and image.cleared is not None) \
            or any(self.may_have_led_to(image, file) for image in self.forest.images if image.packed and image.is_turned)

    def look(self, image, hidden):
        """At a packed image that is seen first. Where nothing that is older is called as its base, it may have been what has no
        path that scans saw before and after that."""
        name = self.forest.leads_to(image)
        older = [file for file in self.forest.images if not file.packed and file.made <= image.made]
        names = {file.seen_path if is_hidden(file.path, hidden) else file.path for file in older}
        image.is_seen = True
        image.is_turned = self.forest.turned.get(image.link, 0) > image.made
        if os.path.basename(name) not in map(os.path.basename, names):
            image.cleared = {file for file in older if file.seen_path == file.path and file.seen < image.made}

    def may_have_lost(self, image, file):
        return file.format == image.base.format and file.made <= image.made < file.touched and file not in image.cleared

    def may_have_led_to(self, image, file):
        return file.format == image.base.format and file.made <= image.made \
            and os.path.dirname(file.path) == os.path.dirname(self.forest.leads_to(image))

    def may_mean(self, image, target, file):
        name = self.forest.leads_to(image)
        if os.path.basename(name) == os.path.basename(file.path):
            return True
        if file.made > max(image.made, image.written) or image.base and image.base.format != file.format:
            return False
        if self.forest.turned.get(image.link, 0) > image.made and (
                target is None or os.path.dirname(target.path) == os.path.dirname(file.path)):
            return True
        has_kept_its_path = file.seen_path == file.path and file.seen < image.made
        return file.touched > image.made and (not has_kept_its_path or is_alike(file.path, name))
