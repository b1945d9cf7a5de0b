/* SPDX-License-Identifier: MIT */
/* The version 1 of qcow driver's entry points. */
#include "format/qcow1/qcow1.h"

#include <string.h>

static bool qcow1_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && memcmp(head, "QFI\xfb\0\0\0\x01", 8) == 0;
}

static enum ia_status qcow1_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void qcow1_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status qcow1_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status qcow1_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void qcow1_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_qcow1 = {
    .name = "qcow",
    .probe = qcow1_probe,
    .open = qcow1_open,
    .close = qcow1_close,
    .map_begin = qcow1_map_begin,
    .map_step = qcow1_map_step,
    .map_end = qcow1_map_end,
};
