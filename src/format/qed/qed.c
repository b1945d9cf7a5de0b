/* SPDX-License-Identifier: MIT */
/* The QED driver's entry points. */
#include "format/qed/qed.h"

#include <string.h>

static bool qed_probe(const uint8_t *head, size_t len)
{
    return len >= 4 && memcmp(head, "QED\0", 4) == 0;
}

static enum ia_status qed_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void qed_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status qed_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status qed_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void qed_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_qed = {
    .name = "qed",
    .probe = qed_probe,
    .open = qed_open,
    .close = qed_close,
    .map_begin = qed_map_begin,
    .map_step = qed_map_step,
    .map_end = qed_map_end,
};
