# SPDX-License-Identifier: MIT
# What builders of images with an L1 table and L2 tables of 64-bit entries share: qcow version 1 and QED.

import struct


def round_up(value, unit):
    return -(-value // unit) * unit


class TwoLevel:
    """A file that grows, and its tables. A subclass sets `file`, `cluster`, `l1` (its offset) and `tables`."""

    ORDER = ">"  # of bytes, as in struct

    def __init__(self, table_bytes):
        self.table_bytes = table_bytes  # of an L2 table
        self.tables = {}  # L2 tables by index: their offsets

    def grow(self, size):
        self.file.extend(bytes(max(0, size - len(self.file))))

    def put(self, at, data):
        self.grow(at + len(data))
        self.file[at:at + len(data)] = data

    def table(self, index, at=None):
        """The offset of L2 table `index`, which is made where it is not there yet, at `at` or at the end."""
        if index not in self.tables:
            self.tables[index] = round_up(len(self.file), self.cluster) if at is None else at
            self.grow(self.tables[index] + self.table_bytes)
            self.point(index, self.tables[index])
        return self.tables[index]

    def point(self, index, value):
        """Sets an L1 entry."""
        self.put(self.l1 + index * 8, struct.pack(self.ORDER + "Q", value))

    def entry(self, number, value):
        """Sets the L2 entry of a guest cluster."""
        per_table = self.table_bytes // 8
        self.put(self.table(number // per_table) + number % per_table * 8, struct.pack(self.ORDER + "Q", value))
