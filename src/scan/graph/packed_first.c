/* SPDX-License-Identifier: MIT */
/* A name in a packed image that is seen for the first time. The image may have been packed after its base got another
 * name, or lost its own to another file. */
#include "scan/graph/packed_first.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "chain/reference.h"
#include "scan/graph/link_age.h"

static enum ia_status checked(bool ok, struct ia_error *err)
{
    return ok ? IA_OK : ia_no_memory(err);
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct ia_packed_meant *)left)->path, ((const struct ia_packed_meant *)right)->path);
}

static enum ia_status add_meant(struct ia_packed_first *first, const struct ia_previous *row, const char *name,
                                struct ia_error *err)
{
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    if (name == NULL || row->base_id <= 0)
        return IA_OK;
    IA_TRY(ia_reference_parse(name, &reference, err));
    if (reference.path == NULL)
        return IA_OK;
    struct ia_packed_meant meant = {ia_reference_combine(row->path, reference.path), row->base_id};
    if (meant.path == NULL || !ia_vec_push(&first->meant, meant)) {
        free(meant.path);
        return ia_no_memory(err);
    }
    ia_path_simplify(meant.path);
    return IA_OK;
}

/* What was taken over of a row is with the file. */
static enum ia_status list_meant(struct ia_packed_first *first, struct ia_error *err)
{
    const struct ia_catalog *catalog = first->links->catalog;
    for (size_t i = 0; i < catalog->previous.len; i++)
        IA_TRY(
            add_meant(first, &catalog->previous.items[i], catalog->previous.items[i].parsed->facts.backing_name, err));
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->from_store)
            IA_TRY(add_meant(first, ia_catalog_previous(catalog, file), file->parsed->facts.backing_name, err));
    }
    if (first->meant.len > 0)
        qsort(first->meant.items, first->meant.len, sizeof(first->meant.items[0]), by_path);
    first->knows_meant = true;
    return IA_OK;
}

static enum ia_status add_row(void *ctx, int64_t file_id, struct ia_error *err)
{
    struct ia_packed_first *first = ctx;
    return checked(ia_successors_add(first->successors, file_id, first->found), err);
}

static enum ia_status add_meant_by(struct ia_packed_first *first, const char *path, struct ia_error *err)
{
    const struct ia_packed_meant wanted = {.path = (char *)path};
    size_t at;
    if (!first->knows_meant)
        IA_TRY(list_meant(first, err));
    size_t count = ia_equal_range(&wanted, first->meant.items, first->meant.len, sizeof(wanted), by_path, &at);
    for (size_t i = 0; i < count; i++)
        IA_TRY(add_row(first, first->meant.items[at + i].file_id, err));
    return IA_OK;
}

static bool is_place_of(const struct ia_packed_place *place, size_t number, size_t name)
{
    return place->file == number && place->name == name;
}

/* Where its places begin in links->places. */
static size_t first_place(const struct ia_links *links, size_t number, size_t name)
{
    size_t low = 0;
    for (size_t high = links->places.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct ia_packed_place *place = &links->places.items[middle];
        if (place->file < number || (place->file == number && place->name < name))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A symbolic link on the way was made or turned after the packed file was written, or at the same tick of the clock. */
static bool has_newer_link(const struct ia_links *links, size_t number, size_t name)
{
    int64_t written = links->catalog->files.items[number]->key.mtime_ns;
    for (size_t i = first_place(links, number, name);
         i < links->places.len && is_place_of(&links->places.items[i], number, name); i++)
        if (ia_youngest_link(links->places.items[i].path) >= written)
            return true;
    return false;
}

/* What the name leads to. */
static enum ia_status add_targets(struct ia_packed_first *first, size_t number, size_t name, struct ia_error *err)
{
    const struct ia_node *node = first->links->catalog->files.items[number]->node;
    for (size_t i = 0; i < node->packed.len; i++)
        if (node->packed.items[i].name == name && node->packed.items[i].file != IA_NO_FILE)
            IA_TRY(checked(ia_file_numbers_add(first->found, node->packed.items[i].file), err));
    return IA_OK;
}

/* What had the name in an earlier scan, and what images that looked in the same place were made on. Of a link that was
 * turned the place is the link itself. */
static enum ia_status add_former(struct ia_packed_first *first, size_t number, size_t name, bool is_turned,
                                 struct ia_error *err)
{
    const struct ia_links *links = first->links;
    for (size_t i = first_place(links, number, name);
         i < links->places.len && is_place_of(&links->places.items[i], number, name); i++) {
        const struct ia_packed_place *place = &links->places.items[i];
        if (is_turned && place->is_end)
            continue;
        IA_TRY(ia_writer_find_named(links->catalog->writer, place->path, add_row, first, err));
        IA_TRY(add_meant_by(first, place->path, err));
    }
    return IA_OK;
}

/* What was made after the packed file had been written is not what that was made on. True: there is such a one. */
static bool drop_newer(const struct ia_packed_first *first, size_t number)
{
    struct ia_file *const *items = first->links->catalog->files.items;
    size_t kept = 0;
    size_t count = first->found->all.len;
    for (size_t i = 0; i < count; i++)
        if (!ia_links_is_newer(first->links, items[first->found->all.items[i]], items[number]))
            first->found->all.items[kept++] = first->found->all.items[i];
    first->found->all.len = kept;
    return kept < count;
}

static bool leads_somewhere(const struct ia_packed_first *first, size_t number, size_t name)
{
    const struct ia_node *node = first->links->catalog->files.items[number]->node;
    for (size_t i = 0; i < node->packed.len; i++)
        if (node->packed.items[i].name == name && node->packed.items[i].file != IA_NO_FILE)
            return true;
    return false;
}

/* Nothing is there. A path that leads outside what is scanned, or to another host, is not lost; an identity stays with
 * its file whatever that is called, and the paths that come with it are only tried. */
static bool is_lost(const struct ia_packed_first *first, size_t number, size_t name)
{
    const struct ia_file *file = first->links->catalog->files.items[number];
    enum ia_packed_kind kind = file->packed->names.items[name].kind;
    if (kind != IA_PACKED_BACKING && kind != IA_PACKED_DATA_FILE)
        return false;
    for (size_t i = 0; i < file->node->packed.len; i++)
        if (file->node->packed.items[i].name == name && file->node->packed.items[i].state == IA_RESOLVE_MISSING)
            return true;
    return false;
}

/* An older image is called so in some directory, or was. */
static enum ia_status has_namesake(struct ia_packed_first *first, const struct ia_file *file, const char *component,
                                   bool *has, struct ia_error *err)
{
    const struct ia_links *links = first->links;
    struct ia_file_numbers *found = &first->namesakes.found;
    found->all.len = 0;
    IA_TRY(ia_namesakes_find(&first->namesakes.all, links->catalog, first->successors, component, found, err));
    for (size_t i = 0; i < found->all.len; i++)
        *has = *has || !ia_links_is_newer(links, links->catalog->files.items[found->all.items[i]], file);
    return IA_OK;
}

/* By what is written, and by where that leads. Such an image may be what is meant, and is doubted for its name. */
static enum ia_status has_any_namesake(struct ia_packed_first *first, size_t number, size_t name, bool *has,
                                       struct ia_error *err)
{
    const struct ia_file *file = first->links->catalog->files.items[number];
    *has = false;
    IA_TRY(has_namesake(first, file, ia_path_name(file->packed->names.items[name].name), has, err));
    for (size_t i = 0; i < file->node->packed.len; i++) {
        const struct ia_packed_target *target = &file->node->packed.items[i];
        if (target->name == name && target->path != NULL)
            IA_TRY(has_namesake(first, file, ia_path_name(target->path), has, err));
    }
    return IA_OK;
}

static enum ia_status look_for_lost(struct ia_packed_first *first, size_t number, size_t name, int64_t *unknown,
                                    struct ia_error *err)
{
    bool has = false;
    if (leads_somewhere(first, number, name) || !is_lost(first, number, name))
        return IA_OK;
    IA_TRY(has_any_namesake(first, number, name, &has, err));
    if (!has)
        *unknown = IA_BASE_LOST;
    return IA_OK;
}

/* What the name may mean from where the packed file is. */
static enum ia_status find_from_here(struct ia_packed_first *first, size_t number, size_t name, int64_t *unknown,
                                     struct ia_error *err)
{
    const struct ia_file_numbers *found = first->found;
    bool is_turned = has_newer_link(first->links, number, name);
    if (!is_turned)
        IA_TRY(add_targets(first, number, name, err));
    IA_TRY(add_former(first, number, name, is_turned, err));
    bool has_newer = drop_newer(first, number);
    *unknown = 0;
    if (found->all.len > 0)
        return IA_OK;
    if (has_newer || (is_turned && leads_somewhere(first, number, name)))
        *unknown = is_turned ? IA_BASE_LINKED : IA_BASE_UNKNOWN;
    else
        IA_TRY(look_for_lost(first, number, name, unknown, err));
    return IA_OK;
}

/* The packed file may have been made elsewhere: what an image of its name was made on counts besides. */
enum ia_status ia_packed_first_find(struct ia_packed_first *first, size_t number, size_t name,
                                    struct ia_file_numbers *found, int64_t *unknown, struct ia_error *err)
{
    const struct ia_catalog *catalog = first->links->catalog;
    const struct ia_file *file = catalog->files.items[number];
    first->found = found;
    IA_TRY(find_from_here(first, number, name, unknown, err));
    return ia_packed_originals_each(&first->originals, catalog, ia_file_path(file), &file->packed->names.items[name],
                                    add_row, first, err);
}

void ia_packed_first_release(struct ia_packed_first *first)
{
    for (size_t i = 0; i < first->meant.len; i++)
        free(first->meant.items[i].path);
    ia_vec_release(&first->meant);
    ia_packed_originals_release(&first->originals);
    ia_namesakes_release(&first->namesakes.all);
    ia_vec_release(&first->namesakes.found.all);
}
