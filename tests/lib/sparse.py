# SPDX-License-Identifier: MIT
# What is in a file but its holes, to make the same file again. Imported only.

import os
from dataclasses import dataclass


def data_ranges(fd, size):
    """The [start, end) of a file that are not holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # ENXIO: holes up to the end
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, min(at, size)


@dataclass
class Contents:
    length: int
    pieces: list  # of (start, bytes)

    def write(self, path):
        """A new file, on the disk when this returns, so that neither its blocks nor its holes change later."""
        with open(path, "wb") as file:
            file.truncate(self.length)
            for start, data in self.pieces:
                os.pwrite(file.fileno(), data, start)
            os.fdatasync(file.fileno())


def contents(path):
    with open(path, "rb") as file:
        fd, length = file.fileno(), os.fstat(file.fileno()).st_size
        return Contents(length, [(start, os.pread(fd, end - start, start)) for start, end in data_ranges(fd, length)])
