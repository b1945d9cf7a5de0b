/* SPDX-License-Identifier: MIT */
/* The VDI driver's entry points. */
#include "format/vdi/vdi.h"

#include <string.h>

static bool vdi_probe(const uint8_t *head, size_t len)
{
    return len >= 68 && memcmp(head + 64, "\x7f\x10\xda\xbe", 4) == 0;
}

static enum ia_status vdi_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void vdi_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status vdi_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status vdi_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void vdi_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_vdi = {
    .name = "vdi",
    .probe = vdi_probe,
    .open = vdi_open,
    .close = vdi_close,
    .map_begin = vdi_map_begin,
    .map_step = vdi_map_step,
    .map_end = vdi_map_end,
};
