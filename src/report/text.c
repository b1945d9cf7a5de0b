/* SPDX-License-Identifier: MIT */
/* Sizes and untrusted bytes for people. */
#include "report/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/json_text.h"

void ia_text_size(struct ia_buf *out, int64_t bytes)
{
    static const char units[] = "KMGTPE";
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    if (bytes < 0)
        ia_buf_add_char(out, '-');
    if (size < 1024) {
        ia_buf_add_int(out, (int64_t)size);
        return;
    }
    /* Move to the next unit already at what would round to 1024 of this one. */
    size_t unit = 0;
    uint64_t scale = 1024;
    while (unit + 2 < sizeof(units) && size / scale >= 1023 && size - 1023 * scale >= scale / 2) {
        scale *= 1024;
        unit++;
    }
    uint64_t rest = size % scale;
    uint64_t tenths = size / scale * 10 + (rest / (scale / 1024) * 10 + 512) / 1024;
    if (tenths < 1000)
        ia_buf_addf(out, tenths % 10 == 0 ? "%ju" : "%ju.%ju", (uintmax_t)(tenths / 10), (uintmax_t)(tenths % 10));
    else
        ia_buf_addf(out, "%ju", (uintmax_t)(size / scale + (rest >= scale / 2)));
    ia_buf_add_char(out, units[unit]);
}

/* Marks and overrides of the writing direction: they could make one name look like another. */
static bool is_direction(uint32_t rune)
{
    return rune == 0x61c || rune == 0x200e || rune == 0x200f || (rune >= 0x202a && rune <= 0x202e) ||
           (rune >= 0x2066 && rune <= 0x2069);
}

static bool is_shown(uint32_t rune, bool utf8)
{
    if (rune < 0x80)
        return rune >= 0x20 && rune < 0x7f && rune != '\\';
    return utf8 && iswprint((wint_t)rune) && !is_direction(rune);
}

static void show_byte(struct ia_buf *out, char byte)
{
    static const char named[] = "\n\t\r\\";
    static const char letters[] = "ntr\\";
    const char *at = byte == '\0' ? NULL : strchr(named, byte);
    if (at != NULL)
        ia_buf_addf(out, "\\%c", letters[at - named]);
    else
        ia_buf_addf(out, "\\x%02x", (unsigned)(unsigned char)byte);
}

/* The code point of a well-formed sequence. */
static uint32_t code_point(const char *bytes, size_t len)
{
    if (len == 1)
        return (uint32_t)(unsigned char)bytes[0];
    uint32_t rune = (unsigned char)bytes[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        rune = rune << 6 | ((unsigned char)bytes[i] & 0x3fU);
    return rune;
}

void ia_text_show(struct ia_buf *out, const char *bytes, size_t len, bool utf8)
{
    size_t at = 0;
    while (at < len) {
        size_t width = ia_utf8_sequence(bytes + at, len - at);
        if (width > 0 && is_shown(code_point(bytes + at, width), utf8)) {
            ia_buf_add(out, bytes + at, width);
            at += width;
            continue;
        }
        for (size_t end = at + (width > 0 ? width : 1); at < end; at++)
            show_byte(out, bytes[at]);
    }
}

void ia_text_real(struct ia_buf *out, double value)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    char *comma = strchr(digits, ',');
    if (comma != NULL)
        *comma = '.';
    ia_buf_add_str(out, digits);
}
