/* SPDX-License-Identifier: MIT */
/* The Parallels driver's entry points. */
#include "format/parallels/parallels.h"

#include <string.h>

static bool parallels_probe(const uint8_t *head, size_t len)
{
    return len >= 16 && (memcmp(head, "WithoutFreeSpace", 16) == 0 || memcmp(head, "WithouFreSpacExt", 16) == 0);
}

static enum ia_status parallels_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void parallels_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status parallels_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status parallels_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void parallels_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_parallels = {
    .name = "parallels",
    .probe = parallels_probe,
    .open = parallels_open,
    .close = parallels_close,
    .map_begin = parallels_map_begin,
    .map_step = parallels_map_step,
    .map_end = parallels_map_end,
};
