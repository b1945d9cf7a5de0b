/* SPDX-License-Identifier: MIT */
/* JSON strings from arbitrary bytes. */
#include "base/json_text.h"

#include <stdint.h>

size_t ia_utf8_sequence(const char *bytes, size_t len)
{
    const unsigned char *p = (const unsigned char *)bytes;
    if (len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len < need)
        return 0;
    uint32_t value = p[0] & (0x7fU >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3fU);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    return need;
}

static void add_escaped(struct ia_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        ia_buf_add_str(out, "\\\"");
        break;
    case '\\':
        ia_buf_add_str(out, "\\\\");
        break;
    case '\n':
        ia_buf_add_str(out, "\\n");
        break;
    case '\t':
        ia_buf_add_str(out, "\\t");
        break;
    default:
        if (c < 0x20 || c == 0x7f)
            ia_buf_addf(out, "\\u%04x", c);
        else
            ia_buf_add_char(out, (char)c);
    }
}

bool ia_json_add_string(struct ia_buf *out, const char *bytes, size_t len)
{
    bool exact = true;
    ia_buf_add_char(out, '"');
    for (size_t i = 0; i < len;) {
        size_t sequence = ia_utf8_sequence(bytes + i, len - i);
        if (sequence == 1) {
            add_escaped(out, (unsigned char)bytes[i]);
        } else if (sequence > 1) {
            ia_buf_add(out, bytes + i, sequence);
        } else {
            ia_buf_add_str(out, "\xef\xbf\xbd");
            exact = false;
            sequence = 1;
        }
        i += sequence;
    }
    ia_buf_add_char(out, '"');
    return exact;
}

void ia_json_add_hex(struct ia_buf *out, const char *bytes, size_t len)
{
    ia_buf_add_char(out, '"');
    for (size_t i = 0; i < len; i++)
        ia_buf_addf(out, "%02x", (unsigned char)bytes[i]);
    ia_buf_add_char(out, '"');
}
