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
        return ia_no_memory(err);
    image->state = vdi;
    return vdi_read_header(image, vdi, err);
}

static void vdi_close(struct ia_image *image)
{
    free(image->state);
}

/* A block that the header counts and the block map does not name is leaked, as in QEMU's check. */
static enum ia_status vdi_account(struct ia_image *image, struct ia_error *err)
{
    const struct vdi *vdi = image->state;
    (void)err;
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, 0, VDI_HEADER_BYTES, IA_SPACE_STORED);
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, vdi->map_offset, vdi->entries * VDI_ENTRY_BYTES,
                           IA_SPACE_STORED);
    ia_image_use(image, 0, IA_SPACE_LEAKED, vdi->data_offset, vdi->allocated * (vdi->block_size + vdi->block_extra));
    return IA_OK;
}

static void vdi_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->can_be_written = true;
    out->can_receive = true;
}

static const char *const suffixes[] = {".vdi", NULL};

const struct ia_format ia_format_vdi = {
    .name = "vdi",
    .suffixes = suffixes,
    .describe = vdi_describe,
    .probe = vdi_probe,
    .open = vdi_open,
    .close = vdi_close,
    .map_begin = vdi_map_begin,
    .map_step = vdi_map_step,
    .map_end = vdi_map_end,
    .account = vdi_account,
};
