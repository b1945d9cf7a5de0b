/* SPDX-License-Identifier: MIT */
/* Files that were away for some nights: a directory was moved aside, a disk was copied out and back, a header was
 * broken and repaired. One that comes back is what it was, with the number that others have for it. What is away names
 * nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "scan/catalog/catalog.h"

const struct ia_vanished *ia_catalog_find_vanished(const struct ia_catalog *catalog, int64_t file_id)
{
    size_t low = 0;
    for (size_t high = catalog->vanished.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (catalog->vanished.items[middle].file_id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < catalog->vanished.len && catalog->vanished.items[low].file_id == file_id;
    return found ? &catalog->vanished.items[low] : NULL;
}

size_t ia_catalog_find_stored(const struct ia_catalog *catalog, int64_t file_id)
{
    size_t low = 0;
    for (size_t high = catalog->previous_stored; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (catalog->previous.items[middle].file_id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < catalog->previous_stored && catalog->previous.items[low].file_id == file_id;
    return found ? low : IA_NO_FILE;
}

static const struct ia_previous *find_previous(const struct ia_catalog *catalog, int64_t file_id)
{
    size_t number = ia_catalog_find_stored(catalog, file_id);
    return number == IA_NO_FILE ? NULL : &catalog->previous.items[number];
}

const struct ia_file_key *ia_catalog_key_of(const struct ia_catalog *catalog, int64_t file_id)
{
    const struct ia_previous *previous = find_previous(catalog, file_id);
    const struct ia_vanished *vanished = previous == NULL ? ia_catalog_find_vanished(catalog, file_id) : NULL;
    return previous != NULL ? &previous->key : vanished == NULL ? NULL : &vanished->key;
}

int64_t ia_catalog_base_of(const struct ia_catalog *catalog, int64_t file_id)
{
    const struct ia_previous *previous = find_previous(catalog, file_id);
    const struct ia_vanished *vanished = previous == NULL ? ia_catalog_find_vanished(catalog, file_id) : NULL;
    int64_t base_id = previous != NULL ? previous->base_id : vanished == NULL ? 0 : vanished->base_id;
    return ia_max(base_id, 0);
}

bool ia_catalog_remind(struct ia_previous *previous, struct ia_vanished *vanished)
{
    struct ia_parsed *parsed = ia_parsed_own(&previous->parsed);
    if (parsed == NULL)
        return false;
    vanished->is_back = true;
    previous->image_id = vanished->image_id;
    previous->gone_scan = vanished->gone_scan;
    previous->first_scan = vanished->first_scan;
    previous->referenced_scan = vanished->referenced_scan;
    previous->referenced_by = ia_steal_ptr(vanished->referenced_by);
    previous->referenced_path = ia_steal_ptr(vanished->referenced_path);
    previous->referenced_mtime_ns = vanished->referenced_mtime_ns;
    previous->referenced_uncertain = vanished->referenced_uncertain;
    previous->base_id = vanished->base_id;
    previous->past_base_id = vanished->past_base_id;
    previous->link_is_newer = vanished->link_is_newer;
    parsed->facts.backing_name = ia_steal_ptr(vanished->backing_name);
    return true;
}

/* A row as if the scan before had left it. */
static enum ia_status add_previous(struct ia_catalog *catalog, struct ia_file *file, struct ia_vanished *vanished,
                                   struct ia_error *err)
{
    struct ia_previous previous = {
        .file_id = vanished->file_id,
        .parsed = &ia_parsed_nothing,
        .path = strdup(vanished->path), /* an index goes by the other one */
        .volume_id = catalog->volumes.items[file->volume].previous_id,
        .key = vanished->key,
        .birth_ns = vanished->birth_ns,
        .links = -1,
        .links_found = -1,
        .was_image = vanished->was_image,
        .was_packed = vanished->was_packed,
        .taken = true,
        .is_back = true,
    };
    bool ok = ia_catalog_remind(&previous, vanished) && previous.path != NULL;
    enum ia_status status = ok ? ia_catalog_add_previous(catalog, &previous, err) : ia_no_memory(err);
    ia_previous_release(&previous); /* empty, if it was taken over */
    file->previous = status == IA_OK ? catalog->previous.len - 1 : IA_NO_FILE;
    return status;
}

static int by_inode(const void *left, const void *right, void *ctx)
{
    const struct ia_vanished *all = ctx;
    const struct ia_vanished *a = &all[*(const size_t *)left];
    const struct ia_vanished *b = &all[*(const size_t *)right];
    if (a->key.inode != b->key.inode)
        return (a->key.inode > b->key.inode) - (a->key.inode < b->key.inode);
    return (a->gone_scan < b->gone_scan) - (a->gone_scan > b->gone_scan); /* the latest first */
}

static int by_path(const void *left, const void *right, void *ctx)
{
    const struct ia_vanished *all = ctx;
    const struct ia_vanished *a = &all[*(const size_t *)left];
    const struct ia_vanished *b = &all[*(const size_t *)right];
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : (a->gone_scan < b->gone_scan) - (a->gone_scan > b->gone_scan);
}

bool ia_catalog_index_vanished(struct ia_catalog *catalog)
{
    size_t count = catalog->vanished.len;
    for (size_t i = 0; i < count; i++)
        if (!ia_vec_push(&catalog->vanished_by_inode, i) || !ia_vec_push(&catalog->vanished_by_path, i))
            return false;
    if (count > 0) {
        qsort_r(catalog->vanished_by_inode.items, count, sizeof(size_t), by_inode, catalog->vanished.items);
        qsort_r(catalog->vanished_by_path.items, count, sizeof(size_t), by_path, catalog->vanished.items);
    }
    return true;
}

static bool has_its_path(const struct ia_vanished *vanished, const struct ia_file *file)
{
    return ia_file_has_path(file, vanished->path);
}

/* As of the scan before: see previous.c. */
static bool is_same_file(const struct ia_vanished *vanished, const struct ia_file *file)
{
    if (ia_file_is_born_with(file, vanished->birth_ns))
        return true;
    return !ia_file_is_born_apart(file, vanished->birth_ns) &&
           (ia_file_has_content(file, &vanished->key) || has_its_path(vanished, file));
}

static bool may_be_another(const struct ia_vanished *vanished, const struct ia_file *file)
{
    return !ia_file_is_born_with(file, vanished->birth_ns) && !ia_file_key_same_stamps(&vanished->key, &file->key) &&
           !(ia_file_has_content(file, &vanished->key) && has_its_path(vanished, file));
}

/* The place in an index of the first that is no earlier than `file` by its inode, or by one path. */
static size_t first_by_inode(const struct ia_catalog *catalog, int64_t inode)
{
    size_t low = 0;
    for (size_t high = catalog->vanished.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (catalog->vanished.items[catalog->vanished_by_inode.items[middle]].key.inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum ia_status ia_catalog_recall(struct ia_catalog *catalog, struct ia_file *file, bool *found, struct ia_error *err)
{
    const char *volume = catalog->volumes.items[file->volume].about.identity;
    *found = false;
    for (size_t i = first_by_inode(catalog, file->key.inode); i < catalog->vanished.len; i++) {
        struct ia_vanished *vanished = &catalog->vanished.items[catalog->vanished_by_inode.items[i]];
        if (vanished->key.inode != file->key.inode)
            return IA_OK;
        if (vanished->is_back || strcmp(vanished->volume, volume) != 0)
            continue;
        if (file->birth_ns < 0)
            ia_file_find_birth(file);
        if (!is_same_file(vanished, file))
            continue;
        *found = true;
        file->may_be_another = may_be_another(vanished, file);
        return add_previous(catalog, file, vanished, err);
    }
    return IA_OK;
}

static size_t first_by_path(const struct ia_catalog *catalog, const char *path)
{
    size_t low = 0;
    for (size_t high = catalog->vanished.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct ia_vanished *at = &catalog->vanished.items[catalog->vanished_by_path.items[middle]];
        if (strcmp(at->path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum ia_status ia_catalog_recall_copy(struct ia_catalog *catalog, struct ia_file *file, bool *found,
                                      struct ia_error *err)
{
    *found = false;
    for (size_t n = 0; n < file->names.len; n++) {
        const char *path = file->names.items[n].path;
        for (size_t i = first_by_path(catalog, path); i < catalog->vanished.len; i++) {
            struct ia_vanished *vanished = &catalog->vanished.items[catalog->vanished_by_path.items[i]];
            if (strcmp(vanished->path, path) != 0)
                break;
            if (vanished->is_back || !ia_file_is_faithful_copy(file, vanished->path, &vanished->key))
                continue;
            *found = true;
            return add_previous(catalog, file, vanished, err);
        }
    }
    return IA_OK;
}
