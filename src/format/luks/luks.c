/* SPDX-License-Identifier: MIT */
/* The LUKS driver's entry points: all of the guest is one encrypted run behind the header. A hole of the host file in
 * it is no hole of the guest: its zeroes decrypt to something else. */
#include "format/luks/luks.h"

#include <stdlib.h>
#include <string.h>

#include "format/luks/internal.h"

static bool luks_probe(const uint8_t *head, size_t len)
{
    return len >= LUKS_MAGIC_BYTES && memcmp(head, LUKS_MAGIC, LUKS_MAGIC_BYTES) == 0;
}

static enum ia_status luks_open(struct ia_image *image, struct ia_error *err)
{
    struct luks *luks = calloc(1, sizeof(*luks));
    if (luks == NULL)
        return ia_no_memory(err);
    image->state = luks;
    return luks_read_header(image, luks, err);
}

static void luks_close(struct ia_image *image)
{
    free(image->state);
}

static enum ia_status luks_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status luks_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    const struct luks *luks = cursor->image->state;
    struct ia_extent extent = {
        .start = 0,
        .length = cursor->sink.size,
        .offset = luks->payload_offset,
        .state = IA_EXTENT_ENCRYPTED,
    };
    *done = true;
    return cursor->from >= cursor->sink.size ? IA_OK : ia_extent_sink_push(&cursor->sink, &extent, err);
}

static void luks_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

/* Header and key material; what lies between is kept for key slots. */
static enum ia_status luks_account(struct ia_image *image, struct ia_error *err)
{
    const struct luks *luks = image->state;
    (void)err;
    ia_image_use(image, 0, IA_SPACE_METADATA, 0, luks->payload_offset);
    return IA_OK;
}

/* The payload is written in place, zeroes encrypted like data. */
static void luks_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->can_be_written = true;
    out->can_receive = true;
    out->can_grow = true;
    out->can_grow_with_snapshots = true; /* it has none */
}

static const char *const suffixes[] = {".luks", NULL};

const struct ia_format ia_format_luks = {
    .name = "luks",
    .suffixes = suffixes,
    .describe = luks_describe,
    .probe = luks_probe,
    .open = luks_open,
    .close = luks_close,
    .map_begin = luks_map_begin,
    .map_step = luks_map_step,
    .map_end = luks_map_end,
    .account = luks_account,
};
