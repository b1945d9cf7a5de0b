/* SPDX-License-Identifier: MIT */
/* The VHDX driver's entry points. */
#include "format/vhdx/vhdx.h"

#include <string.h>

static bool vhdx_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && memcmp(head, "vhdxfile", 8) == 0;
}

static enum ia_status vhdx_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void vhdx_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status vhdx_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status vhdx_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void vhdx_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_vhdx = {
    .name = "vhdx",
    .probe = vhdx_probe,
    .open = vhdx_open,
    .close = vhdx_close,
    .map_begin = vhdx_map_begin,
    .map_step = vhdx_map_step,
    .map_end = vhdx_map_end,
};
