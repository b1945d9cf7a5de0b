/* SPDX-License-Identifier: MIT */
/* The cloop driver's entry points. */
#include "format/cloop/cloop.h"

#include <string.h>

static bool cloop_probe(const uint8_t *head, size_t len)
{
    return len >= 24 && memcmp(head, "#!/bin/sh\n#V2.0 Format\n", 24) == 0;
}

static enum ia_status cloop_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void cloop_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status cloop_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status cloop_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void cloop_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_cloop = {
    .name = "cloop",
    .probe = cloop_probe,
    .open = cloop_open,
    .close = cloop_close,
    .map_begin = cloop_map_begin,
    .map_step = cloop_map_step,
    .map_end = cloop_map_end,
};
