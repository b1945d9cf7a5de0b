# SPDX-License-Identifier: MIT
# Overwrites ranges of images with noise: in the host file where there is an offset; else, for compressed data, as a guest
# that sees the image alone would.

import json
import os
import random

from tree import MIB, execute

GUEST_NOISE = MIB  # bytes of the file from which qemu-io writes
CAN_OVERWRITE = ("qcow2",)  # what is compressed


class Noise:
    """The noise of one pass: every byte of every file has its own, whether it is used or not."""

    def __init__(self, tree, label):
        self.tree = tree
        self.label = label
        self.files = {}
        self.guest_path = os.path.join(tree.directory, "guest.noise")

    def of_file(self, path, offset, length):
        if path not in self.files:
            with open(path, "rb") as file:
                size = file.seek(0, 2)
            self.files[path] = random.Random(f"{self.label}/{path.removeprefix(self.tree.root)}").randbytes(size)
        return self.files[path][offset:offset + length]

    def of_guest(self, image):
        """What qemu-io writes from its beginning, over and over, wherever it writes into this image."""
        return random.Random(f"{self.label}/guest/{image.path}").randbytes(GUEST_NOISE)

    def of_piece(self, image, piece):
        """What a piece reads once it has been overwritten."""
        if piece.offset is not None:
            return self.of_file(piece.path, piece.offset, piece.length)
        return (self.of_guest(image) * (piece.length // GUEST_NOISE + 1))[:piece.length]

    def overwrite(self, pieces):
        """{image: pieces}. Returns those that were overwritten, {image: pieces}; the others have no place of their own."""
        done = {image: [piece for piece in found if can_overwrite(image, piece)] for image, found in pieces.items()}
        for piece in (piece for found in done.values() for piece in found if piece.offset is not None):
            with open(piece.path, "r+b") as file:
                file.seek(piece.offset)
                file.write(self.of_file(piece.path, piece.offset, piece.length))
        self.write_as_guest({image: [piece for piece in found if piece.offset is None] for image, found in done.items()})
        return done

    def write_as_guest(self, pieces):
        for image, found in pieces.items():
            if not found:
                continue
            with open(self.guest_path, "wb") as file:
                file.write(self.of_guest(image))
            node = {"driver": image.form, "backing": None, "file": {"driver": "file", "filename": self.tree.full(image.path)}}
            commands = [part for piece in found for part in ("-c", f"write -q -s {self.guest_path} {piece.start} {piece.length}")]
            done = execute(["qemu-io", "-t", "unsafe", *commands, "json:" + json.dumps(node)])
            if done.returncode != 0 or b"failed" in done.stdout + done.stderr:
                raise OSError(f"{image.path}: {(done.stdout + done.stderr).decode(errors='replace')}")


def can_overwrite(image, piece):
    """Bytes without an offset can be written only through the format; in an image with snapshots they would move away."""
    return piece.offset is not None or (image.form in CAN_OVERWRITE and not image.snapshots)
