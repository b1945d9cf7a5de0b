/* SPDX-License-Identifier: MIT */
/* Names that images or their overlays had in earlier scans, as the store has them. */
#include <stdlib.h>
#include <string.h>

#include "scan/graph/links.h"

static enum ia_status add(void *ctx, const struct ia_former_name_row *row, struct ia_error *err)
{
    struct ia_links *links = ctx;
    struct ia_former_name former = {row->image_id, strdup(row->path), row->since_ns, row->until_ns};
    if (former.path != NULL && ia_vec_push(&links->former, former))
        return IA_OK;
    free(former.path);
    return ia_no_memory(err);
}

static enum ia_status add_overlay_name(void *ctx, const char *path, int64_t image_id, struct ia_error *err)
{
    struct ia_links *links = ctx;
    struct ia_former_name name = {.image_id = image_id, .path = strdup(path)};
    if (name.path != NULL && ia_vec_push(&links->overlay_names, name))
        return IA_OK;
    free(name.path);
    return ia_no_memory(err);
}

enum ia_status ia_links_load_former(struct ia_links *links, struct ia_error *err)
{
    IA_TRY(ia_writer_load_overlay_names(links->catalog->writer, add_overlay_name, links, err));
    for (size_t i = 0; i < links->catalog->files.len; i++)
        if (links->catalog->files.items[i]->node->packed.len > 0)
            return ia_writer_load_former_names(links->catalog->writer, add, links, err);
    return IA_OK;
}
