/* SPDX-License-Identifier: MIT */
/* Directories as they were walked, and files that come after the walk. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scan/catalog/catalog.h"

/* One tick of the clock of time stamps, and more than that; where they are whole seconds, two of these. */
static bool is_fresh(const struct ia_file_key *key)
{
    bool whole_seconds = key->mtime_ns % 1000000000 == 0 && key->ctime_ns % 1000000000 == 0;
    int64_t changed = ia_max(key->mtime_ns, key->ctime_ns);
    return ia_clock_ns(CLOCK_REALTIME) - changed < (whole_seconds ? INT64_C(2000000000) : INT64_C(20000000));
}

enum ia_status ia_catalog_add_directory(struct ia_catalog *catalog, const char *path, const struct stat *st,
                                        struct ia_error *err)
{
    size_t known = ia_catalog_find_directory(catalog, (int64_t)st->st_dev, (int64_t)st->st_ino);
    if (known != IA_NO_FILE && strcmp(catalog->directories.items[known].path, path) == 0) {
        ia_file_key_from_stat(&catalog->directories.items[known].key, st);
        catalog->directories.items[known].is_fresh = is_fresh(&catalog->directories.items[known].key);
        return IA_OK;
    }
    struct ia_directory directory = {.path = strdup(path)};
    ia_file_key_from_stat(&directory.key, st);
    directory.is_fresh = is_fresh(&directory.key);
    if (directory.path == NULL || !ia_vec_push(&catalog->directories, directory)) {
        free(directory.path);
        return ia_no_memory(err);
    }
    /* One that is mounted a second time is looked at by each of its paths, and found by the first. */
    bool found = known != IA_NO_FILE || ia_catalog_index_directory(catalog, catalog->directories.len - 1);
    return found ? IA_OK : ia_no_memory(err);
}

bool ia_catalog_was_walked(const struct ia_catalog *catalog, const char *path, const struct stat *st)
{
    size_t known = ia_catalog_find_directory(catalog, (int64_t)st->st_dev, (int64_t)st->st_ino);
    return known != IA_NO_FILE && strcmp(catalog->directories.items[known].path, path) == 0;
}

void ia_catalog_lose(struct ia_catalog *catalog, struct ia_file *file)
{
    file->gone = true;
    if (file->previous != IA_NO_FILE) {
        catalog->previous.items[file->previous].taken = false;
        if (file->from_store && ia_file_is_image(file))
            ia_file_give_back(file, &catalog->previous.items[file->previous]);
    }
    file->class = IA_CLASS_SKIPPED;
    file->reason = IA_REASON_NONE;
    file->from_store = false;
    ia_packed_content_free(file->packed);
    file->packed = NULL;
    file->previous = IA_NO_FILE;
}

/* An inode is one file: this one is no more, and another has its number and this name. */
static enum ia_status renew(struct ia_catalog *catalog, struct ia_file *file, const char *path, const struct stat *st,
                            bool symlink, struct ia_error *err)
{
    struct ia_name name = {.path = strdup(path), .symlink = symlink};
    if (name.path == NULL)
        return ia_no_memory(err);
    if (!file->gone)
        ia_catalog_lose(catalog, file);
    for (size_t i = 0; i < file->names.len; i++)
        free(file->names.items[i].path);
    file->names.len = 0;
    if (!ia_vec_push(&file->names, name)) {
        free(name.path);
        return ia_no_memory(err);
    }
    ia_file_key_from_stat(&file->key, st);
    file->disk_size = (int64_t)st->st_blocks * 512;
    file->links = (int64_t)st->st_nlink;
    file->birth_ns = -1;
    file->checked_ns = 0;
    file->class = IA_CLASS_NONE;
    file->gone = file->may_be_another = file->was_image = file->unreadable = false;
    file->look_again = catalog->moved = true;
    return IA_OK;
}

enum ia_status ia_catalog_add_late(struct ia_catalog *catalog, const char *path, const struct stat *st, bool symlink,
                                   struct ia_error *err)
{
    size_t number = ia_catalog_find(catalog, (int64_t)st->st_dev, (int64_t)st->st_ino);
    if (number != IA_NO_FILE &&
        (catalog->files.items[number]->gone || ia_file_is_reused(catalog->files.items[number], path)))
        return renew(catalog, catalog->files.items[number], path, st, symlink, err);
    size_t names = number == IA_NO_FILE ? 0 : catalog->files.items[number]->names.len;
    IA_TRY(ia_catalog_add(catalog, path, st, symlink, &number, err));
    struct ia_file *file = catalog->files.items[number];
    bool is_new = file->class == IA_CLASS_NONE;
    struct ia_file_key now;
    ia_file_key_from_stat(&now, st);
    /* What this scan read has been read after the walk. A rename changes the ctime. */
    bool changed = file->from_store && (file->key.size != now.size || file->key.mtime_ns != now.mtime_ns);
    file->look_again = file->look_again || is_new || changed;
    catalog->moved = catalog->moved || file->look_again || file->names.len != names;
    return IA_OK;
}
