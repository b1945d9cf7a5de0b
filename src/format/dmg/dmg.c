/* SPDX-License-Identifier: MIT */
/* The DMG driver's entry points. */
#include "format/dmg/dmg.h"

#include <string.h>

static bool dmg_probe(const uint8_t *head, size_t len)
{
    (void)head;
    (void)len;
    return false;
}

static enum ia_status dmg_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void dmg_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status dmg_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status dmg_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void dmg_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_dmg = {
    .name = "dmg",
    .probe = dmg_probe,
    .open = dmg_open,
    .close = dmg_close,
    .map_begin = dmg_map_begin,
    .map_step = dmg_map_step,
    .map_end = dmg_map_end,
};
