# SPDX-License-Identifier: MIT
# What an ELF file says of how it is loaded, from the System V ABI and its supplements. Imported only.

import struct

ET_REL, ET_DYN = 1, 3
EM_386, EM_X86_64 = 3, 62
PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 2, 0x6474e551, 0x6474e552
PF_X = 1
SHT_NOTE, SHT_DYNSYM = 7, 11
DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1 = 24, 30, 0x6ffffffb
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000
NT_GNU_PROPERTY_TYPE_0 = 5
GNU_PROPERTY_X86_FEATURE_1_AND = 0xc0000002
IBT, SHSTK = 1, 2


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        self.wide = self.data[4] == 2
        self.order = "<" if self.data[5] == 1 else ">"
        self.word = 8 if self.wide else 4
        fields = self.unpack("HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH", 16)
        self.type, self.machine = fields[:2]
        self.segments = [self.segment(fields[4] + i * fields[8]) for i in range(fields[9])]
        self.sections = [self.section(fields[5] + i * fields[10]) for i in range(fields[11])]

    def unpack(self, form, offset):
        return struct.unpack_from(self.order + form, self.data, offset)

    def segment(self, at):
        """(type, flags, offset, size in the file)"""
        if self.wide:
            kind, flags, offset, _, _, size, _, _ = self.unpack("IIQQQQQQ", at)
        else:
            kind, offset, _, _, size, _, flags, _ = self.unpack("IIIIIIII", at)
        return kind, flags, offset, size

    def section(self, at):
        """(type, offset, size, the section that it is linked to)"""
        fields = self.unpack("IIQQQQIIQQ" if self.wide else "IIIIIIIIII", at)
        return fields[1], fields[4], fields[5], fields[6]

    def flags_of(self, kind):
        """Of the first segment of the kind; None: there is none."""
        return next((flags for found, flags, _, _ in self.segments if found == kind), None)

    def dynamic(self):
        """{tag: value}"""
        entries = {}
        for kind, _, offset, size in self.segments:
            for at in range(offset, offset + size, 2 * self.word) if kind == PT_DYNAMIC else []:
                tag, value = self.unpack("QQ" if self.wide else "II", at)
                entries[tag] = value
        return entries

    def imports(self):
        """Names of dynamic symbols, without versions."""
        names = set()
        for kind, offset, size, link in self.sections:
            step = 24 if self.wide else 16
            for at in range(offset, offset + size, step) if kind == SHT_DYNSYM else []:
                start = self.sections[link][1] + self.unpack("I", at)[0]
                names.add(self.data[start:self.data.index(b"\0", start)].decode())
        return names

    def x86_features(self):
        """GNU_PROPERTY_X86_FEATURE_1_AND; 0: it is not there."""
        for kind, offset, size, _ in self.sections:
            at, end = offset, offset + size
            while kind == SHT_NOTE and at + 16 <= end:
                name_size, length, note = self.unpack("III", at)
                body = at + 12 + -(-name_size // 4) * 4
                if note == NT_GNU_PROPERTY_TYPE_0 and self.data[at + 12:at + 16] == b"GNU\0":
                    found = self.property(body, body + length)
                    if found is not None:
                        return found
                at = body + -(-length // self.word) * self.word
        return 0

    def property(self, at, end):
        while at + 8 <= end:
            kind, size = self.unpack("II", at)
            if kind == GNU_PROPERTY_X86_FEATURE_1_AND:
                return self.unpack("I", at + 8)[0]
            at += 8 + -(-size // self.word) * self.word
        return None
