/* SPDX-License-Identifier: MIT */
/* The VHD driver's entry points. */
#include "format/vpc/vpc.h"

#include <string.h>

static bool vpc_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && memcmp(head, "conectix", 8) == 0;
}

static enum ia_status vpc_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void vpc_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status vpc_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status vpc_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void vpc_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_vpc = {
    .name = "vpc",
    .probe = vpc_probe,
    .open = vpc_open,
    .close = vpc_close,
    .map_begin = vpc_map_begin,
    .map_step = vpc_map_step,
    .map_end = vpc_map_end,
};
