/* SPDX-License-Identifier: MIT */
/* The drivers, and the magics of formats that have none here: to take those for raw would be a guess. */
#include <string.h>

#include "format/format.h"
#include "format/qcow2/qcow2.h"
#include "format/raw/raw.h"

const struct ia_format *const ia_formats[] = {&ia_format_qcow2, &ia_format_raw, NULL};

static const struct {
    const char *name;
    size_t at;
    const char *magic;
    size_t len;
} known_magics[] = {
#define MAGIC(bytes) bytes, sizeof(bytes) - 1
    {"qcow", 0, MAGIC("QFI\xfb\0\0\0\x01")},
    {"qed", 0, MAGIC("QED\0")},
    {"vmdk", 0, MAGIC("KDMV")},
    {"vmdk", 0, MAGIC("COWD")},
    {"vmdk", 0, MAGIC("# Disk DescriptorFile")},
    {"vdi", 64, MAGIC("\x7f\x10\xda\xbe")},
    {"vpc", 0, MAGIC("conectix")},
    {"vhdx", 0, MAGIC("vhdxfile")},
    {"parallels", 0, MAGIC("WithoutFreeSpace")},
    {"parallels", 0, MAGIC("WithouFreSpacExt")},
    {"luks", 0, MAGIC("LUKS\xba\xbe")},
    {"bochs", 0, MAGIC("Bochs Virtual HD Image")},
    {"cloop", 0, MAGIC("#!/bin/sh\n#V2.0 Format\n")},
#undef MAGIC
};

const struct ia_format *ia_format_by_name(const char *name)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (strcmp(ia_formats[i]->name, name) == 0)
            return ia_formats[i];
    return NULL;
}

const struct ia_format *ia_format_probe(const uint8_t *head, size_t len, const char **known)
{
    *known = NULL;
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (ia_formats[i]->probe(head, len))
            return ia_formats[i];
    for (size_t i = 0; i < sizeof(known_magics) / sizeof(known_magics[0]); i++) {
        size_t end = known_magics[i].at + known_magics[i].len;
        if (end <= len && memcmp(head + known_magics[i].at, known_magics[i].magic, known_magics[i].len) == 0) {
            *known = known_magics[i].name;
            return NULL;
        }
    }
    return NULL;
}

const char *ia_format_probe_footer(const uint8_t *footer)
{
    if (memcmp(footer, "conectix", 8) == 0)
        return "vpc"; /* a fixed VHD has no header */
    if (memcmp(footer, "koly", 4) == 0)
        return "dmg";
    return NULL;
}
