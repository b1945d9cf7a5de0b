/* SPDX-License-Identifier: MIT */
/* What an earlier scan found out about files that cannot be seen now is kept: they may be there still, and so may what
 * they name. They lie below a directory that cannot be listed, on a file system that is not mounted, or cannot be read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"
#include "scan/catalog/volumes.h"

/* The walk could not look at the path, or at a directory that it lies in. */
static bool is_hidden(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->findings.all.len; i++) {
        const struct ia_finding *finding = &catalog->findings.all.items[i];
        bool hides = finding->code == IA_FINDING_UNREADABLE_DIRECTORY || finding->code == IA_FINDING_UNREADABLE;
        if (hides && ia_path_below(path, finding->path) != NULL)
            return true;
    }
    return false;
}

static bool is_unmounted(const struct ia_catalog *catalog, const struct ia_previous *previous)
{
    size_t len = ia_path_directory_length(previous->path);
    len -= len > 1; /* without the slash, but for / itself */
    for (size_t i = 0; i < catalog->absent.len; i++) {
        const struct ia_absent *absent = &catalog->absent.items[i];
        bool lay_there = strcmp(absent->path, previous->path) == 0 ||
                         (strlen(absent->path) == len && memcmp(absent->path, previous->path, len) == 0);
        if (absent->unmounted && lay_there &&
            strcmp(absent->identity, ia_catalog_previous_identity(catalog, previous->volume_id)) == 0)
            return true;
    }
    return false;
}

/* Another file of this scan has the path: a mount covers it. A name leads to one file, so that the other one cannot be
 * kept. */
static bool is_covered(const struct ia_catalog *catalog, const struct ia_previous *previous)
{
    struct stat st;
    if (lstat(previous->path, &st) != 0)
        return false;
    size_t number = ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino);
    return number != IA_NO_FILE && ia_file_has_path(catalog->files.items[number], previous->path);
}

/* A directory that cannot be listed may be entered: what was known to be in it is seen by its name. */
static enum ia_status keep_hidden(struct ia_catalog *catalog, size_t number, struct ia_error *err)
{
    const struct ia_previous *previous = &catalog->previous.items[number];
    struct stat st;
    size_t file;
    if (lstat(previous->path, &st) != 0 || !S_ISREG(st.st_mode))
        return ia_catalog_add_unseen(catalog, number, NULL, err);
    IA_TRY(ia_catalog_add(catalog, previous->path, &st, false, &file, err));
    return catalog->files.items[file]->previous == IA_NO_FILE ? ia_catalog_match_late(catalog, file, err) : IA_OK;
}

/* An inode is one file: where another file of this scan has that of an earlier one, that is gone, wherever it lay. */
static bool is_replaced(const struct ia_catalog *catalog, const struct ia_previous *previous)
{
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        const struct ia_catalog_volume *volume = &catalog->volumes.items[i];
        if (volume->previous_id == previous->volume_id && !volume->is_absent &&
            ia_catalog_find(catalog, volume->about.dev, previous->key.inode) != IA_NO_FILE)
            return true;
    }
    return false;
}

/* Nothing of this scan is it, and it is of an image, of a part of one, was an image, or has images packed in it. */
static bool is_worth_keeping(const struct ia_catalog *catalog, const struct ia_previous *previous)
{
    bool holds =
        previous->image_id != 0 || previous->class == IA_CLASS_PART || previous->packed != NULL || previous->was_lost;
    return holds && !previous->taken && !previous->is_forgotten && !is_replaced(catalog, previous);
}

enum ia_status ia_catalog_keep_hidden(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (is_worth_keeping(catalog, &catalog->previous.items[i]) &&
            is_hidden(catalog, catalog->previous.items[i].path))
            IA_TRY(keep_hidden(catalog, i, err));
    return IA_OK;
}

enum ia_status ia_catalog_keep_unmounted(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (is_worth_keeping(catalog, &catalog->previous.items[i]) &&
            is_unmounted(catalog, &catalog->previous.items[i]) && !is_covered(catalog, &catalog->previous.items[i]))
            IA_TRY(ia_catalog_add_unseen(catalog, i, NULL, err));
    return IA_OK;
}

/* It had the link's place, or lay elsewhere than where the walk goes: below a root it would have been found. */
static bool was_behind(const struct ia_catalog *catalog, const struct ia_previous *previous, const char *link)
{
    return strcmp(previous->path, link) == 0 || !ia_catalog_is_below_a_root(catalog, previous->path);
}

enum ia_status ia_catalog_keep_behind(struct ia_catalog *catalog, const char *link, bool *kept, struct ia_error *err)
{
    struct ia_past_name name;
    IA_TRY(ia_writer_get_name(catalog->writer, link, &name, err));
    size_t number = name.file_id == 0 ? IA_NO_FILE : ia_catalog_find_stored(catalog, name.file_id);
    *kept = number != IA_NO_FILE && is_worth_keeping(catalog, &catalog->previous.items[number]) &&
            was_behind(catalog, &catalog->previous.items[number], link);
    return *kept ? ia_catalog_add_unseen(catalog, number, link, err) : IA_OK;
}

enum ia_status ia_catalog_keep_unreadable(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        if (file->class != IA_CLASS_UNKNOWN || file->reason != IA_REASON_UNREADABLE || file->previous == IA_NO_FILE)
            continue;
        struct ia_previous *previous = &catalog->previous.items[file->previous];
        if (previous->class != IA_CLASS_IMAGE || !ia_catalog_is_row_of(catalog, previous, file))
            continue;
        struct ia_parsed *now = ia_parsed_own(&file->parsed);
        struct ia_parsed *before = ia_parsed_own(&previous->parsed);
        if (now == NULL || before == NULL)
            return ia_no_memory(err);
        free(before->message);
        before->message = ia_steal_ptr(now->message); /* why it cannot be read */
        ia_file_take_over(file, previous);
        file->not_seen = file->unreadable = true;
    }
    return IA_OK;
}

void ia_catalog_keep_packed(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        bool is_unreadable = file->class == IA_CLASS_UNKNOWN && file->reason == IA_REASON_UNREADABLE;
        struct ia_previous *previous = file->previous == IA_NO_FILE ? NULL : &catalog->previous.items[file->previous];
        if (is_unreadable && previous != NULL && file->packed == NULL && ia_catalog_is_row_of(catalog, previous, file))
            file->packed = ia_steal_ptr(previous->packed);
    }
}
