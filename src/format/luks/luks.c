/* SPDX-License-Identifier: MIT */
/* The LUKS driver's entry points. */
#include "format/luks/luks.h"

#include <string.h>

static bool luks_probe(const uint8_t *head, size_t len)
{
    return len >= 6 && memcmp(head, "LUKS\xba\xbe", 6) == 0;
}

static enum ia_status luks_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void luks_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status luks_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status luks_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void luks_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_luks = {
    .name = "luks",
    .probe = luks_probe,
    .open = luks_open,
    .close = luks_close,
    .map_begin = luks_map_begin,
    .map_step = luks_map_step,
    .map_end = luks_map_end,
};
