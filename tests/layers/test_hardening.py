#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Reads how the program was built from its ELF file: what would stop somebody who has found a hole in a parser.

import argparse
from pathlib import Path

import harness

import elf


def has_control_flow_notes(path):
    wanted = elf.IBT | elf.SHSTK
    return elf.Elf(path).x86_features() & wanted == wanted


def check_x86(out, program, options):
    """The linker marks a program when each object is marked, the C library's start file among them. Debian 12's is not."""
    objects = sorted(Path(options.objects).glob("*.o"))
    unmarked = [path.name for path in objects if not has_control_flow_notes(path)]
    out.check(objects and not unmarked, "each object can have its jumps and returns checked (IBT, SHSTK)", unmarked)
    name = "so can the program"
    if has_control_flow_notes(options.start):
        out.check(has_control_flow_notes(options.imgaudit), name)
    else:
        out.skip(name, f"{options.start} is not marked")
    out.check(program.data.count(b"\xf3\x0f\x1e\xfa" if program.machine == elf.EM_X86_64 else b"\xf3\x0f\x1e\xfb") > 100,
              "functions begin with a mark that they may be jumped to")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgaudit", required=True, metavar="PATH")
    parser.add_argument("--objects", required=True, metavar="DIR", help="of the program's objects")
    parser.add_argument("--start", required=True, metavar="PATH", help="the C library's Scrt1.o")
    parser.add_argument("--source", required=True, metavar="DIR", help="the tree")
    parser.add_argument("--fortified", action="store_true", help="it was built with _FORTIFY_SOURCE")
    options = parser.parse_args()
    program = elf.Elf(options.imgaudit)
    dynamic = program.dynamic()
    imports = program.imports()
    out = harness.Tap()
    out.check(program.type == elf.ET_DYN and dynamic.get(elf.DT_FLAGS_1, 0) & elf.DF_1_PIE, "the program runs at any address")
    out.check(program.flags_of(elf.PT_GNU_RELRO) is not None, "what the loader has filled in becomes read-only")
    out.check(dynamic.get(elf.DT_FLAGS, 0) & elf.DF_BIND_NOW or dynamic.get(elf.DT_FLAGS_1, 0) & elf.DF_1_NOW or
              elf.DT_BIND_NOW in dynamic, "all of that is filled in before main()")
    stack = program.flags_of(elf.PT_GNU_STACK)
    out.check(stack is not None and not stack & elf.PF_X, "the stack cannot be executed")
    out.check("__stack_chk_fail" in imports, "an overwritten stack is noticed")
    if options.fortified:
        out.check({"__snprintf_chk", "__vsnprintf_chk", "__memcpy_chk"} & imports, "the C library checks sizes of buffers",
                  sorted(imports))
    if program.machine in (elf.EM_386, elf.EM_X86_64):
        check_x86(out, program, options)
    out.check(str(Path(options.source).resolve()).encode() not in program.data, "the program does not know where it was built")
    return out.finish()


if __name__ == "__main__":
    harness.main(main)
