/* SPDX-License-Identifier: MIT */
/* Turning names of Windows software into ours. */
#include "format/names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

static void add_utf8(struct ia_buf *out, uint32_t code)
{
    if (code < 0x80) {
        ia_buf_add_char(out, (char)code);
    } else if (code < 0x800) {
        ia_buf_add_char(out, (char)(0xc0 | code >> 6));
        ia_buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        ia_buf_add_char(out, (char)(0xe0 | code >> 12));
        ia_buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        ia_buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    } else {
        ia_buf_add_char(out, (char)(0xf0 | code >> 18));
        ia_buf_add_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        ia_buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        ia_buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    }
}

static uint32_t unit_at(const uint8_t *bytes, size_t at, bool big_endian)
{
    return big_endian ? (uint32_t)bytes[at] << 8 | bytes[at + 1] : (uint32_t)bytes[at + 1] << 8 | bytes[at];
}

void ia_names_add_utf16(struct ia_buf *out, const uint8_t *bytes, size_t len, bool big_endian)
{
    for (size_t at = 0; at + 2 <= len; at += 2) {
        uint32_t code = unit_at(bytes, at, big_endian);
        uint32_t low = at + 4 <= len ? unit_at(bytes, at + 2, big_endian) : 0;
        if (code == 0)
            return;
        if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        } else if (code >= 0xd800 && code < 0xe000) {
            code = 0xfffd;
        }
        add_utf8(out, code);
    }
}

void ia_names_uuid(const uint8_t bytes[16], bool mixed, char out[37])
{
    static const uint8_t straight[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t swapped[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint8_t *order = mixed ? swapped : straight;
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        snprintf(out + at, 3, "%02x", bytes[order[i]]);
        at += 2;
    }
}

static bool add_once(struct ia_image_facts *facts, const char *path)
{
    for (size_t i = 0; i < facts->backing_paths.len; i++)
        if (strcmp(facts->backing_paths.items[i], path) == 0)
            return true;
    return path[0] == '\0' || ia_image_facts_add_backing_path(facts, path);
}

bool ia_names_add_backing_path(struct ia_image_facts *facts, const char *path)
{
    IA_AUTO_FREE char *turned = strdup(path);
    if (turned == NULL)
        return false;
    if (path[0] != '/') {
        for (char *c = turned; *c != '\0'; c++)
            if (*c == '\\')
                *c = '/';
    }
    bool drive = isalpha((unsigned char)turned[0]) && turned[1] == ':';
    bool foreign = drive || path[0] == '\\'; /* a drive's root or a share: no place here */
    const char *last = ia_path_name(drive ? turned + 2 : turned);
    if (!foreign && !add_once(facts, turned))
        return false;
    return turned[0] == '/' || foreign ? add_once(facts, last) : true;
}
