/* SPDX-License-Identifier: MIT */
/* The VDI driver's entry points. */
#include "format/vdi/vdi.h"

#include <stdlib.h>
#include <string.h>

#include "format/vdi/internal.h"

static bool vdi_probe(const uint8_t *head, size_t len)
{
    return len >= 68 && memcmp(head + 64, "\x7f\x10\xda\xbe", 4) == 0;
}

static enum ia_status vdi_open(struct ia_image *image, struct ia_error *err)
{
    struct vdi *vdi = calloc(1, sizeof(*vdi));
    if (vdi == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    image->state = vdi;
    return vdi_read_header(image, vdi, err);
}

static void vdi_close(struct ia_image *image)
{
    free(image->state);
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
