/* SPDX-License-Identifier: MIT */
/* The parent locator (section 2.6.2.6): pairs of UTF-16 strings with the identity of the parent, and its paths. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/names.h"
#include "format/vhdx/internal.h"
#include "io/window.h"

enum { HEADER_LENGTH = 20, ENTRY_LENGTH = 12, GUID_TEXT = 36 };

static const uint8_t vhdx_locator[VHDX_GUID_BYTES] = {0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1, 0x81, 0x4a,
                                                      0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13};

/* Paths are tried in this order. */
enum key { RELATIVE_PATH, VOLUME_PATH, ABSOLUTE_PATH, LINKAGE, LINKAGE_2, KEYS };

static const char *const key_names[KEYS] = {"relative_path", "volume_path", "absolute_win32_path", "parent_linkage",
                                            "parent_linkage2"};

struct pairs {
    char *values[KEYS]; /* owned; NULL: not stated, or empty */
};

static void release_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < KEYS; i++)
        free(pairs->values[i]);
}

#define AUTO_PAIRS __attribute__((cleanup(release_pairs)))

/* A key is ASCII or none that is known. */
static bool is_key(const uint8_t *bytes, size_t len, const char *name)
{
    if (len != 2 * strlen(name))
        return false;
    for (size_t i = 0; i < len; i += 2)
        if (bytes[i] != (uint8_t)name[i / 2] || bytes[i + 1] != 0)
            return false;
    return true;
}

static enum ia_status take_pair(struct ia_window *w, size_t at, struct pairs *pairs, struct ia_error *err)
{
    size_t key_length = ia_window_le16(w, at + 8);
    size_t value_length = ia_window_le16(w, at + 10);
    const uint8_t *key = ia_window_bytes(w, ia_window_le32(w, at), key_length);
    const uint8_t *value = ia_window_bytes(w, ia_window_le32(w, at + 4), value_length);
    if (w->failed || key == NULL || value == NULL)
        return ia_fail(err, IA_CORRUPT, "entry %zu of the parent locator lies outside of it",
                       (at - HEADER_LENGTH) / ENTRY_LENGTH);
    for (size_t i = 0; i < KEYS; i++) {
        if (!is_key(key, key_length, key_names[i]))
            continue;
        if (pairs->values[i] != NULL)
            return ia_fail(err, IA_CORRUPT, "key '%s' twice in the parent locator", key_names[i]);
        IA_AUTO_BUF struct ia_buf text = {0};
        ia_names_add_utf16(&text, value, value_length, false);
        bool empty = text.len == 0;
        if (text.failed || (!empty && (pairs->values[i] = ia_buf_steal(&text)) == NULL))
            return ia_no_memory(err);
    }
    return IA_OK;
}

static enum ia_status take_pairs(struct ia_window *w, struct pairs *pairs, struct ia_error *err)
{
    const uint8_t *type = ia_window_bytes(w, 0, VHDX_GUID_BYTES);
    uint16_t count = ia_window_le16(w, 18);
    if (type == NULL || memcmp(type, vhdx_locator, VHDX_GUID_BYTES) != 0)
        return ia_fail(err, IA_UNSUPPORTED, "parent locator of an unknown type");
    for (size_t i = 0; i < count; i++)
        IA_TRY(take_pair(w, HEADER_LENGTH + i * ENTRY_LENGTH, pairs, err));
    return IA_OK;
}

/* "{83ED0EC3-24C8-49A6-A959-5E4BF1288BFB}" in either case becomes the text that the parent's own GUID has. */
static bool spell_guid(const char *value, char *out, size_t size)
{
    char text[GUID_TEXT + 1] = {0};
    if (strlen(value) != GUID_TEXT + 2 || value[0] != '{' || value[GUID_TEXT + 1] != '}')
        return false;
    for (size_t i = 0; i < GUID_TEXT; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        unsigned char c = (unsigned char)value[i + 1];
        if (dash ? c != '-' : !isxdigit(c))
            return false;
        text[i] = (char)tolower(c);
    }
    snprintf(out, size, "guid %s", text);
    return true;
}

static enum ia_status use_pairs(struct ia_image *image, struct pairs *pairs, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    const char *linkage = pairs->values[LINKAGE] != NULL ? pairs->values[LINKAGE] : pairs->values[LINKAGE_2];
    if (linkage == NULL || !spell_guid(linkage, image->identity.parent, sizeof(image->identity.parent)))
        return ia_fail(err, IA_CORRUPT, "the parent locator lacks the parent's GUID");
    for (size_t i = RELATIVE_PATH; i <= ABSOLUTE_PATH; i++)
        if (pairs->values[i] != NULL && !ia_names_add_backing_path(facts, pairs->values[i]))
            return ia_no_memory(err);
    if (facts->backing_paths.len == 0)
        return ia_fail(err, IA_CORRUPT, "the parent locator names no file");
    size_t shown = pairs->values[ABSOLUTE_PATH] != NULL   ? ABSOLUTE_PATH
                   : pairs->values[RELATIVE_PATH] != NULL ? RELATIVE_PATH
                                                          : VOLUME_PATH;
    facts->backing_name = ia_steal_ptr(pairs->values[shown]);
    facts->backing_format = strdup("vhdx");
    return facts->backing_format != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status vhdx_read_locator(struct ia_image *image, int64_t offset, int64_t length, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *bytes = malloc((size_t)length); /* an item has up to 1 MiB, which metadata.c checks */
    if (bytes == NULL)
        return ia_no_memory(err);
    AUTO_PAIRS struct pairs pairs = {0};
    struct ia_window w = {.bytes = bytes, .len = (size_t)length};
    IA_TRY(vhdx_read(image, offset, bytes, (size_t)length, "parent locator", err));
    IA_TRY(take_pairs(&w, &pairs, err));
    return use_pairs(image, &pairs, err);
}
