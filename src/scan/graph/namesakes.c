/* SPDX-License-Identifier: MIT */
#include "scan/graph/namesakes.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"

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
    const struct ia_namesake wanted = {.name = component};
    size_t at;
    if (!list_once(namesakes, catalog))
        return ia_no_memory(err);
    size_t count = ia_equal_range(&wanted, namesakes->all.items, namesakes->all.len, sizeof(wanted), by_component, &at);
    for (size_t i = 0; i < count; i++)
        if (!ia_file_numbers_add(out, namesakes->all.items[at + i].number))
            return ia_no_memory(err);
    return ia_writer_find_namesakes(catalog->writer, component, add_row, &search, err);
}

void ia_namesakes_release(struct ia_namesakes *namesakes)
{
    ia_vec_release(&namesakes->all);
}
