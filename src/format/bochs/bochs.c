/* SPDX-License-Identifier: MIT */
/* The Bochs driver's entry points. */
#include "format/bochs/bochs.h"

#include <string.h>

static bool bochs_probe(const uint8_t *head, size_t len)
{
    return len >= 23 && memcmp(head, "Bochs Virtual HD Image", 22) == 0;
}

static enum ia_status bochs_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void bochs_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status bochs_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status bochs_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void bochs_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_bochs = {
    .name = "bochs",
    .probe = bochs_probe,
    .open = bochs_open,
    .close = bochs_close,
    .map_begin = bochs_map_begin,
    .map_step = bochs_map_step,
    .map_end = bochs_map_end,
};
