/* SPDX-License-Identifier: MIT */
/* Which files are those of the scan before: unchanged ones are taken over without a read. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/catalog/catalog.h"

static int by_path(const void *a, const void *b)
{
    const struct ia_previous *x = *(struct ia_previous *const *)a;
    const struct ia_previous *y = *(struct ia_previous *const *)b;
    return strcmp(x->path, y->path);
}

/* An image at the same path whose file was replaced goes on under its number, with what is known of its past. */
static enum ia_status match_paths(struct ia_catalog *catalog, struct ia_error *err)
{
    struct ia_previous **sorted = calloc(catalog->previous.len + 1, sizeof(*sorted));
    if (sorted == NULL)
        return ia_no_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (!catalog->previous.items[i].taken)
            sorted[count++] = &catalog->previous.items[i];
    qsort(sorted, count, sizeof(*sorted), by_path);
    for (size_t i = 0; i < catalog->files.len && count > 0; i++) {
        struct ia_file *item = catalog->files.items[i];
        if (item->previous != IA_NO_FILE)
            continue;
        struct ia_previous wanted = {.path = item->names.items[0].path};
        const struct ia_previous *key = &wanted;
        struct ia_previous **found = bsearch(&key, sorted, count, sizeof(*sorted), by_path);
        if (found != NULL && !(*found)->taken) {
            item->previous = (size_t)(*found - catalog->previous.items);
            (*found)->taken = true;
        }
    }
    free(sorted);
    return IA_OK;
}

static void take_over(struct ia_file *item, struct ia_previous *previous)
{
    item->from_store = true;
    item->checked_ns = previous->checked_ns;
    item->class = previous->class;
    item->reason = previous->reason;
    item->packed = ia_steal_ptr(previous->packed);
    if (item->class == IA_CLASS_IMAGE) {
        item->parsed = previous->parsed;
        previous->parsed = (struct ia_parsed){0};
        item->has_parsed = true;
    }
}

/* An inode number is used again after its file is gone. The same file keeps its path; renamed, it keeps its content. */
static bool is_same_file(const struct ia_previous *previous, const struct ia_file *item)
{
    if (previous->key.size == item->key.size && previous->key.mtime_ns == item->key.mtime_ns)
        return true;
    for (size_t i = 0; i < item->names.len; i++)
        if (strcmp(previous->path, item->names.items[i].path) == 0)
            return true;
    return false;
}

/* By identity: takes over what is unchanged. False when no earlier row is of this file. */
static bool match_identity(struct ia_catalog *catalog, struct ia_file *item)
{
    size_t found = ia_catalog_find_previous(catalog, item->key.dev, item->key.inode);
    if (found == IA_NO_FILE || !is_same_file(&catalog->previous.items[found], item))
        return false;
    struct ia_previous *previous = &catalog->previous.items[found];
    item->previous = found;
    previous->taken = true;
    /* The host may allot or release blocks without a change of the content: the account of them is no longer true. */
    bool unchanged = memcmp(&previous->key, &item->key, sizeof(item->key)) == 0 &&
                     previous->disk_size == item->disk_size && previous->checked_ns != 0 && previous->reason != NULL &&
                     (previous->class != IA_CLASS_PACKED || previous->packed != NULL) &&
                     (previous->class == IA_CLASS_IMAGE || !ia_catalog_is_raw_by_name(catalog, item));
    if (unchanged)
        take_over(item, previous);
    return true;
}

enum ia_status ia_catalog_match(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++)
        match_identity(catalog, catalog->files.items[i]);
    return match_paths(catalog, err);
}

void ia_catalog_match_late(struct ia_catalog *catalog, size_t number)
{
    struct ia_file *item = catalog->files.items[number];
    if (match_identity(catalog, item))
        return;
    for (size_t i = 0; i < catalog->previous.len; i++) {
        struct ia_previous *previous = &catalog->previous.items[i];
        if (!previous->taken && strcmp(previous->path, ia_file_path(item)) == 0) {
            item->previous = i;
            previous->taken = true;
            return;
        }
    }
}

enum ia_status ia_catalog_add_allowed(struct ia_catalog *catalog, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < catalog->previous.len && status == IA_OK && catalog->options->allow_count > 0; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        struct ia_error cause;
        struct stat st;
        size_t number;
        IA_AUTO_FREE char *canonical = NULL;
        if (previous->image_id == 0 || ia_catalog_is_below_a_root(catalog, previous->path))
            continue;
        if (ia_confine_resolve(&catalog->confine, previous->path, &canonical, &cause) == IA_OK &&
            strcmp(canonical, previous->path) == 0 && lstat(canonical, &st) == 0 && S_ISREG(st.st_mode))
            status = ia_catalog_add(catalog, canonical, &st, false, &number, err);
    }
    return status;
}
