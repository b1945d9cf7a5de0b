/* SPDX-License-Identifier: MIT */
/* Entries are put together in the buffer itself, from pieces that are fixed beforehand. */
#include "cli/map_json.h"

#include <string.h>

#include "base/decimal.h"
#include "base/json_text.h"

/* More than the keys, the flags and four numbers can take. */
enum { ENTRY_BYTES = 256 };

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static inline char *put(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

static char *put_flags(char *out, const struct ia_map_entry *entry)
{
    out = entry->present ? PUT(out, ", \"present\": true") : PUT(out, ", \"present\": false");
    out = entry->zero ? PUT(out, ", \"zero\": true") : PUT(out, ", \"zero\": false");
    out = entry->data ? PUT(out, ", \"data\": true") : PUT(out, ", \"data\": false");
    return entry->compressed ? PUT(out, ", \"compressed\": true") : PUT(out, ", \"compressed\": false");
}

static void add_filename(struct ia_buf *out, const char *filename)
{
    size_t len = strlen(filename);
    ia_buf_add_str(out, ", \"filename\": ");
    if (!ia_json_add_string(out, filename, len)) {
        ia_buf_add_str(out, ", \"filename_hex\": ");
        ia_json_add_hex(out, filename, len);
    }
}

void ia_map_json_add(struct ia_buf *out, const struct ia_map_entry *entry, bool filenames)
{
    char *begin = ia_buf_room(out, ENTRY_BYTES);
    if (begin == NULL)
        return;
    char *at = PUT(begin, "{ \"start\": ");
    at = ia_decimal(at, (uint64_t)entry->start);
    at = PUT(at, ", \"length\": ");
    at = ia_decimal(at, (uint64_t)entry->length);
    at = PUT(at, ", \"depth\": ");
    at = ia_decimal(at, entry->depth);
    at = put_flags(at, entry);
    bool located = entry->offset != IA_NO_OFFSET;
    if (located) {
        at = PUT(at, ", \"offset\": ");
        at = ia_decimal(at, (uint64_t)entry->offset);
    }
    ia_buf_advance(out, (size_t)(at - begin));
    if (located && filenames)
        add_filename(out, entry->filename);
    ia_buf_add_char(out, '}');
}
