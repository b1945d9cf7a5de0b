#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Turns text files into a C header with one const array of {name, text}.
# Usage: embed.py ARRAY OUTPUT FILE...
import os
import sys


def c_string(text):
    lines = text.split("\n")
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") for line in lines)
    return "\n".join('        "%s\\n"' % line for line in escaped)


def main(array, output, files):
    guard = array.upper() + "_EMBEDDED_H"
    with open(output, "w", encoding="utf-8") as out:
        out.write("/* Made by tools/embed.py. */\n#ifndef %s\n#define %s\n" % (guard, guard))
        out.write("static const struct {\n    const char *name;\n    const char *text;\n} %s[] = {\n" % array)
        for path in files:
            with open(path, encoding="utf-8") as source:
                name = os.path.splitext(os.path.basename(path))[0]
                out.write('    {\n        "%s",\n%s,\n    },\n' % (name, c_string(source.read().rstrip("\n"))))
        out.write("};\n#endif\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
