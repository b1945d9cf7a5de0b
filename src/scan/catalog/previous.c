/* SPDX-License-Identifier: MIT */
/* Which files are those of the scan before: unchanged ones are taken over without a read. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/format.h"
#include "scan/catalog/catalog.h"
#include "scan/catalog/volumes.h"

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
        struct ia_file *file = catalog->files.items[i];
        if (file->previous != IA_NO_FILE)
            continue;
        struct ia_previous wanted = {.path = file->names.items[0].path};
        const struct ia_previous *key = &wanted;
        struct ia_previous **found = bsearch(&key, sorted, count, sizeof(*sorted), by_path);
        if (found != NULL && !(*found)->taken) {
            file->previous = (size_t)(*found - catalog->previous.items);
            (*found)->taken = true;
        }
    }
    free(sorted);
    return IA_OK;
}

bool ia_catalog_is_row_of(const struct ia_catalog *catalog, const struct ia_previous *previous,
                          const struct ia_file *file)
{
    int64_t volume_id = catalog->volumes.items[file->volume].previous_id;
    return !previous->is_back && volume_id != 0 && previous->volume_id == volume_id &&
           previous->key.inode == file->key.inode && !ia_file_is_born_apart(file, previous->birth_ns);
}

bool ia_catalog_is_same_file(const struct ia_catalog *catalog, const struct ia_previous *previous,
                             const struct ia_file *file)
{
    return previous->is_back || ia_catalog_is_row_of(catalog, previous, file) ||
           ia_file_is_faithful_copy(file, previous->path, &previous->key);
}

/* Time stamps that did not change are those of the same file: a new one has a new ctime, unless it was made at a time
 * at which the stamps are the same. */
static bool is_untouched(const struct ia_previous *previous, const struct ia_file *file)
{
    return previous->checked_ns != 0 && ia_file_key_same_stamps(&previous->key, &file->key);
}

/* Asks the kernel only where that is not known already. */
static void find_birth(struct ia_file *file, const struct ia_previous *previous)
{
    if (is_untouched(previous, file))
        file->birth_ns = previous->birth_ns;
    else
        ia_file_find_birth(file);
}

static bool has_its_path(const struct ia_previous *previous, const struct ia_file *file)
{
    return ia_file_has_path(file, previous->path);
}

/* An inode number is used again after its file is gone. Where the file system does not keep when a file was made, the
 * same file is one that keeps its path, or, renamed, its content. */
static bool is_same_file(const struct ia_previous *previous, const struct ia_file *file)
{
    if (ia_file_is_born_with(file, previous->birth_ns))
        return true;
    if (ia_file_is_born_apart(file, previous->birth_ns))
        return false;
    return ia_file_has_content(file, &previous->key) || has_its_path(previous, file);
}

/* Only content and path together leave no room for a file that was made since; or stamps that include the ctime. */
static bool may_be_another(const struct ia_previous *previous, const struct ia_file *file)
{
    return !ia_file_is_born_with(file, previous->birth_ns) && !is_untouched(previous, file) &&
           !(ia_file_has_content(file, &previous->key) && has_its_path(previous, file));
}

/* What describes the file now was not there when it was read. */
static bool is_newly_described(const struct ia_previous *previous, const struct ia_file *file)
{
    const struct ia_format *format;
    return ia_file_described_name(file, &format) != NULL && previous->parsed->basis != IA_BASIS_STATED &&
           (previous->parsed->format == NULL || strcmp(previous->parsed->format, format->name) != 0);
}

/* While the scan ran, another file took the path of the row's, and with it the row; here is the file itself, which was
 * renamed. False: the row is another file's by identity. */
static bool take_back(struct ia_catalog *catalog, size_t number)
{
    const struct ia_previous *previous = &catalog->previous.items[number];
    for (size_t i = 0; i < catalog->files.len && previous->taken; i++) {
        struct ia_file *file = catalog->files.items[i];
        if (file->previous != number)
            continue;
        if (file->from_store || ia_catalog_is_row_of(catalog, previous, file))
            return false;
        file->previous = IA_NO_FILE;
        file->may_be_another = false;
    }
    return true;
}

/* By identity: takes over what is unchanged. False when no earlier row is of this file. */
static bool match_identity(struct ia_catalog *catalog, struct ia_file *file)
{
    int64_t volume_id = catalog->volumes.items[file->volume].previous_id;
    size_t found = volume_id == 0 ? IA_NO_FILE : ia_catalog_find_previous(catalog, volume_id, file->key.inode);
    if (found == IA_NO_FILE)
        return false;
    struct ia_previous *previous = &catalog->previous.items[found];
    find_birth(file, previous);
    if (!is_same_file(previous, file) || !take_back(catalog, found))
        return false;
    file->previous = found;
    file->may_be_another = may_be_another(previous, file);
    previous->taken = true;
    /* The host may allot or release blocks without a change of the content: the account of them is no longer true. */
    bool unchanged = is_untouched(previous, file) && previous->disk_size == file->disk_size &&
                     previous->reason != IA_REASON_UNREADABLE &&
                     (previous->class != IA_CLASS_PACKED || previous->packed != NULL) &&
                     (previous->class == IA_CLASS_IMAGE || !ia_catalog_is_raw_by_name(catalog, file)) &&
                     !is_newly_described(previous, file);
    if (unchanged)
        ia_file_take_over(file, previous);
    return true;
}

enum ia_status ia_catalog_match(struct ia_catalog *catalog, struct ia_error *err)
{
    IA_TRY(ia_catalog_match_volumes(catalog, err));
    for (size_t i = 0; i < catalog->files.len; i++) {
        bool found;
        if (!match_identity(catalog, catalog->files.items[i]) && catalog->vanished.len > 0)
            IA_TRY(ia_catalog_recall(catalog, catalog->files.items[i], &found, err));
    }
    IA_TRY(match_paths(catalog, err));
    for (size_t i = 0; i < catalog->files.len && catalog->vanished.len > 0; i++) {
        bool found;
        if (catalog->files.items[i]->previous == IA_NO_FILE)
            IA_TRY(ia_catalog_recall_copy(catalog, catalog->files.items[i], &found, err));
    }
    return IA_OK;
}

enum ia_status ia_catalog_match_late(struct ia_catalog *catalog, size_t number, struct ia_error *err)
{
    struct ia_file *file = catalog->files.items[number];
    bool found = false;
    IA_TRY(ia_catalog_match_volumes(catalog, err));
    if (match_identity(catalog, file))
        return IA_OK;
    IA_TRY(ia_catalog_recall(catalog, file, &found, err));
    for (size_t i = 0; i < catalog->previous.len && !found; i++) {
        struct ia_previous *previous = &catalog->previous.items[i];
        if (!previous->taken && strcmp(previous->path, ia_file_path(file)) == 0) {
            file->previous = i;
            previous->taken = found = true;
        }
    }
    return found ? IA_OK : ia_catalog_recall_copy(catalog, file, &found, err);
}

static enum ia_status add_allowed(struct ia_catalog *catalog, const char *path, struct ia_error *err)
{
    struct ia_error cause;
    struct stat st;
    size_t number;
    IA_AUTO_FREE char *canonical = NULL;
    if (ia_catalog_is_below_a_root(catalog, path) ||
        ia_confine_resolve(&catalog->confine, path, &canonical, &cause) != IA_OK || strcmp(canonical, path) != 0 ||
        lstat(canonical, &st) != 0 || !S_ISREG(st.st_mode))
        return IA_OK;
    return ia_catalog_add(catalog, canonical, &st, false, &number, err);
}

enum ia_status ia_catalog_add_allowed(struct ia_catalog *catalog, struct ia_error *err)
{
    if (catalog->options->allow_count == 0)
        return IA_OK;
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (catalog->previous.items[i].image_id != 0)
            IA_TRY(add_allowed(catalog, catalog->previous.items[i].path, err));
    for (size_t i = 0; i < catalog->vanished.len; i++)
        if (catalog->vanished.items[i].image_id != 0)
            IA_TRY(add_allowed(catalog, catalog->vanished.items[i].path, err));
    return IA_OK;
}
