/* SPDX-License-Identifier: MIT */
#include "scan/graph/former_bases.h"

struct finding {
    struct ia_links *links;
    struct ia_bases *bases;
};

static bool has_pair(const struct ia_links *links, size_t image, size_t base)
{
    for (size_t i = 0; i < links->former_bases.len; i++)
        if (links->former_bases.items[i].image == image && links->former_bases.items[i].base == base)
            return true;
    return false;
}

/* The name leads to the first one again, or the image has another name. */
static bool is_settled(const struct ia_file *file)
{
    const struct ia_node *node = file->node;
    bool is_mended = node->backing_target != IA_NO_FILE && !node->is_exchanged;
    return node->base_id == 0 || is_mended;
}

static enum ia_status keep(struct finding *finding, size_t image, int64_t file_id, int64_t base_id,
                           struct ia_error *err)
{
    struct ia_links *links = finding->links;
    struct ia_former_base pair = {.image = image, .base = IA_NO_FILE, .file_id = file_id, .base_id = base_id};
    if (!ia_bases_is_known(links->catalog, base_id) ||
        (image != IA_NO_FILE && is_settled(links->catalog->files.items[image])))
        return IA_OK;
    if (!ia_bases_find(finding->bases, base_id, &pair.base))
        return ia_no_memory(err);
    if (image != IA_NO_FILE && pair.base != IA_NO_FILE && has_pair(links, image, pair.base))
        return IA_OK;
    return ia_vec_push(&links->former_bases, pair) ? IA_OK : ia_no_memory(err);
}

/* A copy has what its original has. */
static enum ia_status keep_for_copies(struct finding *finding, int64_t file_id, int64_t base_id, struct ia_error *err)
{
    const struct ia_catalog *catalog = finding->links->catalog;
    for (size_t i = 0; i < catalog->files.len; i++)
        if (catalog->files.items[i]->node->origin_id == file_id)
            IA_TRY(keep(finding, i, 0, base_id, err));
    return IA_OK;
}

static enum ia_status load(void *ctx, int64_t file_id, int64_t base_id, struct ia_error *err)
{
    struct finding *finding = ctx;
    const struct ia_catalog *catalog = finding->links->catalog;
    size_t image = ia_bases_find_itself(finding->bases, file_id);
    finding->links->had_former_bases = true;
    if (image != IA_NO_FILE && !ia_file_is_image(catalog->files.items[image]))
        image = IA_NO_FILE; /* for the day when it is one again */
    if (ia_bases_is_known(catalog, file_id))
        IA_TRY(keep(finding, image, file_id, base_id, err));
    return keep_for_copies(finding, file_id, base_id, err);
}

enum ia_status ia_former_bases_find(struct ia_links *links, struct ia_bases *bases, struct ia_error *err)
{
    struct finding finding = {links, bases};
    IA_TRY(ia_writer_load_former_bases(links->catalog->writer, load, &finding, err));
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        const struct ia_node *node = links->catalog->files.items[i]->node;
        const struct ia_former_base pair = {.image = i, .base = node->backing_target};
        if (node->is_exchanged && !has_pair(links, i, pair.base) && !ia_vec_push(&links->former_bases, pair))
            return ia_no_memory(err);
    }
    return IA_OK;
}
