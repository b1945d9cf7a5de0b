/* SPDX-License-Identifier: MIT */
/* The VMDK driver's entry points. */
#include "format/vmdk/vmdk.h"

#include <string.h>

static bool vmdk_probe(const uint8_t *head, size_t len)
{
    return len >= 21 && (memcmp(head, "KDMV", 4) == 0 || memcmp(head, "COWD", 4) == 0 ||
                         memcmp(head, "# Disk DescriptorFile", 21) == 0);
}

static enum ia_status vmdk_open(struct ia_image *image, struct ia_error *err)
{
    return ia_fail(err, IA_UNSUPPORTED, "format %s is not read by this version", image->format->name);
}

static void vmdk_close(struct ia_image *image)
{
    (void)image;
}

static enum ia_status vmdk_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    return IA_OK;
}

static enum ia_status vmdk_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    (void)cursor;
    (void)err;
    *done = true;
    return IA_OK;
}

static void vmdk_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

const struct ia_format ia_format_vmdk = {
    .name = "vmdk",
    .probe = vmdk_probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .map_begin = vmdk_map_begin,
    .map_step = vmdk_map_step,
    .map_end = vmdk_map_end,
};
