/* SPDX-License-Identifier: MIT */
#include "scan/graph/namesakes.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

static int by_component(const void *left, const void *right)
{
    const struct ia_namesake *a = left;
    const struct ia_namesake *b = right;
    return strcmp(ia_path_name(a->name), ia_path_name(b->name));
}

static bool list_once(struct ia_namesakes *namesakes, const struct ia_catalog *catalog)
{
    if (namesakes->is_listed)
        return true;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        for (size_t n = 0; ia_file_is_image(file) && n < file->names.len; n++)
            if (!ia_vec_push(&namesakes->all, ((struct ia_namesake){file->names.items[n].path, i})))
                return false;
    }
    if (namesakes->all.len > 0)
        qsort(namesakes->all.items, namesakes->all.len, sizeof(namesakes->all.items[0]), by_component);
    namesakes->is_listed = true;
    return true;
}

/* What the rows of the store lead to. */
struct search {
    const struct ia_successors *successors;
    struct ia_file_numbers *out;
};

static enum ia_status add_row(void *ctx, int64_t file_id, struct ia_error *err)
{
    const struct search *search = ctx;
    return ia_successors_add(search->successors, file_id, search->out) ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_namesakes_find(struct ia_namesakes *namesakes, const struct ia_catalog *catalog,
                                 const struct ia_successors *successors, const char *component,
                                 struct ia_file_numbers *out, struct ia_error *err)
{
    struct search search = {successors, out};
    size_t low = 0;
    if (!list_once(namesakes, catalog))
        return ia_no_memory(err);
    for (size_t high = namesakes->all.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (strcmp(ia_path_name(namesakes->all.items[middle].name), component) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < namesakes->all.len && strcmp(ia_path_name(namesakes->all.items[low].name), component) == 0; low++)
        if (!ia_file_numbers_add(out, namesakes->all.items[low].number))
            return ia_no_memory(err);
    return ia_writer_find_namesakes(catalog->writer, component, add_row, &search, err);
}

void ia_namesakes_release(struct ia_namesakes *namesakes)
{
    ia_vec_release(&namesakes->all);
}
