/* SPDX-License-Identifier: MIT */
/* What images name that cannot be seen now: their backing files and parts as they were followed when they could. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/graph/links.h"

/* Files by what the scan before called them: images by number, files that are not seen by path. */
struct known {
    const struct ia_catalog *catalog;
    IA_VEC(size_t) images, unseen;
};

static int64_t image_of(const struct ia_catalog *catalog, size_t number)
{
    return ia_catalog_previous(catalog, catalog->files.items[number])->image_id;
}

static int by_image(const void *left, const void *right, void *ctx)
{
    int64_t a = image_of(ctx, *(const size_t *)left);
    int64_t b = image_of(ctx, *(const size_t *)right);
    return (a > b) - (a < b);
}

static int by_path(const void *left, const void *right, void *ctx)
{
    const struct ia_catalog *catalog = ctx;
    return strcmp(ia_file_path(catalog->files.items[*(const size_t *)left]),
                  ia_file_path(catalog->files.items[*(const size_t *)right]));
}

static bool gather(struct known *known)
{
    const struct ia_catalog *catalog = known->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(catalog, file);
        if (file->not_seen && !ia_vec_push(&known->unseen, i))
            return false;
        if (previous != NULL && previous->image_id != 0 && ia_file_is_image(file) && !ia_vec_push(&known->images, i))
            return false;
    }
    if (known->unseen.len == 0)
        return true;
    qsort_r(known->unseen.items, known->unseen.len, sizeof(known->unseen.items[0]), by_path, (void *)catalog);
    if (known->images.len > 0)
        qsort_r(known->images.items, known->images.len, sizeof(known->images.items[0]), by_image, (void *)catalog);
    return true;
}

static size_t find_image(const struct known *known, int64_t image_id)
{
    size_t low = 0;
    for (size_t high = known->images.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (image_of(known->catalog, known->images.items[middle]) < image_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < known->images.len && image_of(known->catalog, known->images.items[low]) == image_id;
    return found ? known->images.items[low] : IA_NO_FILE;
}

static size_t find_unseen(const struct known *known, const char *path)
{
    size_t low = 0;
    for (size_t high = known->unseen.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(ia_file_path(known->catalog->files.items[known->unseen.items[middle]]), path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < known->unseen.len &&
                 strcmp(ia_file_path(known->catalog->files.items[known->unseen.items[low]]), path) == 0;
    return found ? known->unseen.items[low] : IA_NO_FILE;
}

static enum ia_status restore_backing(struct ia_links *links, const struct known *known, size_t number,
                                      struct ia_error *err)
{
    struct ia_file *const *items = links->catalog->files.items;
    struct ia_node *node = items[number]->node;
    size_t target = find_image(known, ia_catalog_previous(links->catalog, items[number])->backing_id);
    if (node->backing != IA_NO_FILE || target == IA_NO_FILE || target == number)
        return IA_OK;
    free(node->backing_path);
    node->backing_path = strdup(ia_file_path(items[target]));
    node->backing = node->backing_target = target;
    node->backing_state = IA_RESOLVE_FOLLOWED;
    return node->backing_path == NULL
               ? ia_no_memory(err)
               : ia_links_state_format(links, number, items[number]->parsed->facts.backing_format, err);
}

static void restore_parts(const struct known *known, struct ia_file *file)
{
    for (size_t i = 0; i < file->read->parts.len; i++) {
        struct ia_file_part *part = &file->read->parts.items[i];
        if (part->file != IA_NO_FILE || part->path == NULL)
            continue;
        part->file = find_unseen(known, part->path);
        if (part->file != IA_NO_FILE)
            part->state = part->found = IA_RESOLVE_FOLLOWED;
    }
}

static enum ia_status restore(struct ia_links *links, struct known *known, struct ia_error *err)
{
    if (!gather(known))
        return ia_no_memory(err);
    for (size_t i = 0; i < known->unseen.len; i++) {
        struct ia_file *file = links->catalog->files.items[known->unseen.items[i]];
        if (!ia_file_is_image(file))
            continue;
        IA_TRY(restore_backing(links, known, known->unseen.items[i], err));
        restore_parts(known, file);
    }
    return IA_OK;
}

enum ia_status ia_links_restore_unseen(struct ia_links *links, struct ia_error *err)
{
    struct known known = {.catalog = links->catalog};
    enum ia_status status = restore(links, &known, err);
    ia_vec_release(&known.images);
    ia_vec_release(&known.unseen);
    return status;
}
