/* SPDX-License-Identifier: MIT */
/* The VHDX driver's entry points. */
#include "format/vhdx/vhdx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/names.h"
#include "format/vhdx/internal.h"

static bool vhdx_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && memcmp(head, "vhdxfile", 8) == 0;
}

static enum ia_status check_signature(struct ia_image *image, struct ia_error *err)
{
    uint8_t bytes[8];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "VHDX signature", err));
    if (!vhdx_probe(bytes, sizeof(bytes)))
        IA_TRY(ia_fail(err, IA_NOT_MINE, "not a VHDX image"));
    return IA_OK;
}

static void describe(struct ia_image *image, const struct vhdx *v)
{
    struct ia_image_facts *facts = &image->facts;
    char guid[37];
    ia_names_uuid(v->header.data_write_guid, true, guid);
    snprintf(image->identity.own, sizeof(image->identity.own), "guid %s", guid);
    facts->version = 1; /* QEMU has no other, and header.c takes no other */
    snprintf(facts->variant, sizeof(facts->variant), "%s%s%s",
             v->has_parent     ? "differencing"
             : v->keeps_blocks ? "fixed"
                               : "dynamic",
             v->sector_size == 4096 ? " 4k-sectors" : "", facts->dirty ? " log" : "");
}

/* The log comes before all that it may change. */
static enum ia_status vhdx_open(struct ia_image *image, struct ia_error *err)
{
    struct vhdx *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return ia_no_memory(err);
    image->state = v;
    IA_TRY(check_signature(image, err));
    IA_TRY(vhdx_read_header(image, &v->header, err));
    IA_TRY(vhdx_read_log(image, v, err));
    IA_TRY(vhdx_read_regions(image, v, err));
    IA_TRY(vhdx_read_metadata(image, v, err));
    describe(image, v);
    return IA_OK;
}

static void vhdx_close(struct ia_image *image)
{
    struct vhdx *v = image->state;
    if (v == NULL)
        return;
    ia_vec_release(&v->replay.patches);
    ia_vec_release(&v->taken);
    free(v);
}

static void vhdx_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->can_be_written = true;
    out->can_receive = true;
}

static const char *const suffixes[] = {".vhdx", NULL};

const struct ia_format ia_format_vhdx = {
    .name = "vhdx",
    .suffixes = suffixes,
    .describe = vhdx_describe,
    .probe = vhdx_probe,
    .open = vhdx_open,
    .close = vhdx_close,
    .account = vhdx_account,
    .map_begin = vhdx_map_begin,
    .map_step = vhdx_map_step,
    .map_end = vhdx_map_end,
};
