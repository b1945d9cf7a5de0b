/* SPDX-License-Identifier: MIT */
#include "scan/graph/bases.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"

void ia_bases_release(struct ia_bases *bases)
{
    ia_vec_release(&bases->known);
    ia_vec_release(&bases->by_content);
    ia_vec_release(&bases->origins);
}

const struct ia_previous *ia_bases_row_of(const struct ia_catalog *catalog, const struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(catalog, file);
    return previous != NULL && ia_catalog_is_same_file(catalog, previous, file) ? previous : NULL;
}

static int by_id(const void *left, const void *right)
{
    const struct ia_known_file *a = left;
    const struct ia_known_file *b = right;
    return (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

bool ia_bases_list(struct ia_bases *bases, const struct ia_catalog *catalog)
{
    bases->catalog = catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_previous *row = ia_bases_row_of(catalog, catalog->files.items[i]);
        if (row != NULL && !ia_vec_push(&bases->known, ((struct ia_known_file){row->file_id, i})))
            return false;
    }
    if (bases->known.len > 0)
        qsort(bases->known.items, bases->known.len, sizeof(bases->known.items[0]), by_id);
    return true;
}

size_t ia_bases_find_itself(const struct ia_bases *bases, int64_t file_id)
{
    const struct ia_known_file wanted = {.file_id = file_id};
    const struct ia_known_file *found = bases->known.len == 0 ? NULL
                                                              : bsearch(&wanted, bases->known.items, bases->known.len,
                                                                        sizeof(bases->known.items[0]), by_id);
    return found == NULL ? IA_NO_FILE : found->number;
}

bool ia_bases_is_known(const struct ia_catalog *catalog, int64_t file_id)
{
    return ia_catalog_key_of(catalog, file_id) != NULL;
}

bool ia_bases_is_copy(const struct ia_catalog *catalog, const struct ia_file *file, int64_t file_id)
{
    const struct ia_file_key *key = ia_catalog_key_of(catalog, file_id);
    return key != NULL && ia_file_has_content(file, key);
}

static int compare_content(int64_t a_size, int64_t a_mtime, int64_t b_size, int64_t b_mtime)
{
    return a_mtime != b_mtime ? (a_mtime > b_mtime) - (a_mtime < b_mtime) : (a_size > b_size) - (a_size < b_size);
}

static int by_content(const void *left, const void *right, void *ctx)
{
    const struct ia_catalog *catalog = ctx;
    const struct ia_file_key *a = &catalog->files.items[*(const size_t *)left]->key;
    const struct ia_file_key *b = &catalog->files.items[*(const size_t *)right]->key;
    return compare_content(a->size, a->mtime_ns, b->size, b->mtime_ns);
}

static bool list_content(struct ia_bases *bases)
{
    if (bases->has_content)
        return true;
    bases->has_content = true;
    for (size_t i = 0; i < bases->catalog->files.len; i++)
        if (!bases->catalog->files.items[i]->gone && !ia_vec_push(&bases->by_content, i))
            return false;
    if (bases->by_content.len > 0)
        qsort_r(bases->by_content.items, bases->by_content.len, sizeof(bases->by_content.items[0]), by_content,
                (void *)bases->catalog);
    return true;
}

bool ia_bases_find(struct ia_bases *bases, int64_t file_id, size_t *number)
{
    *number = ia_bases_find_itself(bases, file_id);
    const struct ia_file_key *key = *number == IA_NO_FILE ? ia_catalog_key_of(bases->catalog, file_id) : NULL;
    if (key == NULL)
        return true;
    if (!list_content(bases))
        return false;
    size_t low = 0;
    for (size_t high = bases->by_content.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct ia_file_key *at = &bases->catalog->files.items[bases->by_content.items[middle]]->key;
        if (compare_content(at->size, at->mtime_ns, key->size, key->mtime_ns) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < bases->by_content.len &&
        ia_file_has_content(bases->catalog->files.items[bases->by_content.items[low]], key))
        *number = bases->by_content.items[low];
    return true;
}

static bool add_origin(struct ia_bases *bases, const struct ia_file_key *key, const char *name, const char *path,
                       int64_t file_id, int64_t base_id)
{
    const struct ia_origin origin = {key->size, key->mtime_ns, name, path, file_id, base_id};
    return name == NULL || base_id == 0 || ia_vec_push(&bases->origins, origin);
}

static int by_origins_content(const void *left, const void *right)
{
    const struct ia_origin *a = left;
    const struct ia_origin *b = right;
    return compare_content(a->size, a->mtime_ns, b->size, b->mtime_ns);
}

static int by_origin(const void *left, const void *right)
{
    const struct ia_origin *a = left;
    const struct ia_origin *b = right;
    int order = by_origins_content(left, right);
    return order != 0 ? order : (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

/* What was taken over is the file's. */
static bool list_origins(struct ia_bases *bases)
{
    const struct ia_catalog *catalog = bases->catalog;
    if (bases->has_origins)
        return true;
    bases->has_origins = true;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *row = ia_catalog_previous(catalog, file);
        if (row != NULL && file->from_store &&
            !add_origin(bases, &row->key, file->parsed->facts.backing_name, row->path, row->file_id, row->base_id))
            return false;
    }
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *row = &catalog->previous.items[i];
        if (!add_origin(bases, &row->key, row->parsed->facts.backing_name, row->path, row->file_id, row->base_id))
            return false;
    }
    for (size_t i = 0; i < catalog->vanished.len; i++) {
        const struct ia_vanished *row = &catalog->vanished.items[i];
        if (!row->is_back && !add_origin(bases, &row->key, row->backing_name, row->path, row->file_id, row->base_id))
            return false;
    }
    if (bases->origins.len > 0)
        qsort(bases->origins.items, bases->origins.len, sizeof(bases->origins.items[0]), by_origin);
    return true;
}

/* Archives have whole seconds at times, and two overlays the same one: the more of its path is the same, the better. */
static int likeness(const struct ia_origin *origin, const struct ia_file *file)
{
    if (ia_file_has_path(file, origin->path))
        return 3;
    return strcmp(ia_path_name(origin->path), ia_path_name(ia_file_path(file))) == 0 ? 2 : 1;
}

bool ia_bases_find_origin(struct ia_bases *bases, const struct ia_file *file, const struct ia_origin **origin)
{
    *origin = NULL;
    if (bases->catalog->previous.len + bases->catalog->vanished.len == 0)
        return true;
    if (!list_origins(bases))
        return false;
    const struct ia_origin wanted = {.size = file->key.size, .mtime_ns = file->key.mtime_ns};
    size_t first;
    size_t count =
        ia_equal_range(&wanted, bases->origins.items, bases->origins.len, sizeof(wanted), by_origins_content, &first);
    for (size_t i = first; i < first + count; i++) {
        const struct ia_origin *at = &bases->origins.items[i];
        if (strcmp(at->backing_name, file->parsed->facts.backing_name) == 0 &&
            (*origin == NULL || likeness(at, file) > likeness(*origin, file)))
            *origin = at;
    }
    return true;
}
