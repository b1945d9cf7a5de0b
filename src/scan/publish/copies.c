/* SPDX-License-Identifier: MIT */
/* New images that are copies of known ones, with their time stamps: names that packed images have of the original may
 * mean them. */
#include <stdlib.h>

#include "scan/publish/publish.h"

/* Rows of images of the scan before, by size and time of the last write. */
struct originals {
    IA_VEC(const struct ia_previous *) all;
};

enum { MOST_ORIGINALS = 256 }; /* a stamp that more have identifies nothing */

static int compare(const struct ia_file_key *a, const struct ia_file_key *b)
{
    int order = (a->size > b->size) - (a->size < b->size);
    return order != 0 ? order : (a->mtime_ns > b->mtime_ns) - (a->mtime_ns < b->mtime_ns);
}

static int by_stamps(const void *left, const void *right)
{
    return compare(&(*(const struct ia_previous *const *)left)->key, &(*(const struct ia_previous *const *)right)->key);
}

static bool list(const struct ia_catalog *catalog, struct originals *originals)
{
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (catalog->previous.items[i].image_id != 0 && !ia_vec_push(&originals->all, &catalog->previous.items[i]))
            return false;
    if (originals->all.len > 0)
        qsort(originals->all.items, originals->all.len, sizeof(originals->all.items[0]), by_stamps);
    return true;
}

static enum ia_status inherit(struct ia_publish *publish, const struct originals *originals, const struct ia_file *copy,
                              struct ia_error *err)
{
    size_t low = 0;
    for (size_t high = originals->all.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (compare(&originals->all.items[middle]->key, &copy->key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < originals->all.len && compare(&originals->all.items[end]->key, &copy->key) == 0)
        end++;
    for (size_t i = low; i < end && end - low <= MOST_ORIGINALS; i++) {
        const struct ia_previous *original = originals->all.items[i];
        IA_TRY(ia_writer_inherit_names(publish->writer, copy->image_id, original->image_id, original->file_id, err));
    }
    return IA_OK;
}

static bool is_new(const struct ia_file *file)
{
    return file->previous == IA_NO_FILE && file->image_id != 0 && !file->gone;
}

enum ia_status ia_publish_names_of_copies(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_catalog *catalog = publish->catalog;
    struct originals originals = {0};
    enum ia_status status = IA_OK;
    bool any = false;
    for (size_t i = 0; i < catalog->files.len && !any; i++)
        any = is_new(catalog->files.items[i]);
    if (!any || catalog->previous.len == 0)
        return IA_OK;
    if (!list(catalog, &originals))
        status = ia_no_memory(err);
    for (size_t i = 0; i < catalog->files.len && status == IA_OK; i++)
        if (is_new(catalog->files.items[i]))
            status = inherit(publish, &originals, catalog->files.items[i], err);
    ia_vec_release(&originals.all);
    return status;
}
