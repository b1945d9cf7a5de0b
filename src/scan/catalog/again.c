/* SPDX-License-Identifier: MIT */
/* The second look at what was walked. A file that is renamed under the walk, out of a directory that is not listed yet
 * into one that was, is seen in neither; one that is renamed over another is not the file that was seen there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"

/* The name leads to the file still. Otherwise what it leads to is added, if it is one: as another file, or where that
 * has the inode now, in the place of this one. */
static enum ia_status check_name(struct ia_catalog *catalog, const struct ia_file *file, const struct ia_name *name,
                                 bool *holds, struct ia_error *err)
{
    struct stat own;
    struct stat st;
    *holds = false;
    if (lstat(name->path, &own) != 0 || S_ISLNK(own.st_mode) != name->symlink || stat(name->path, &st) != 0)
        return IA_OK;
    *holds = ia_file_is_of(file, &st) && !ia_file_is_reused(file, name->path);
    return *holds || name->symlink || !S_ISREG(st.st_mode) ? IA_OK
                                                           : ia_catalog_add_late(catalog, name->path, &st, false, err);
}

enum ia_status ia_catalog_check_names(struct ia_catalog *catalog, size_t number, struct ia_error *err)
{
    struct ia_file *file = catalog->files.items[number];
    for (size_t i = 0; i < file->names.len && !file->gone && !file->not_seen;) {
        bool holds;
        int64_t birth_ns = file->birth_ns;
        IA_TRY(check_name(catalog, file, &file->names.items[i], &holds, err));
        if (file->look_again && file->birth_ns != birth_ns) /* it is another file now, by this name */
            return IA_OK;
        if (holds) {
            i++;
            continue;
        }
        catalog->moved = true;
        if (file->names.len == 1) {
            ia_catalog_lose(catalog, file);
            break;
        }
        free(file->names.items[i].path);
        file->names.len--;
        memmove(&file->names.items[i], &file->names.items[i + 1], (file->names.len - i) * sizeof(file->names.items[0]));
    }
    return IA_OK;
}

/* Directories that are not as they were, by path. */
struct changed {
    IA_VEC(size_t) all;
};

static int by_path(const void *left, const void *right, void *ctx)
{
    const struct ia_catalog *catalog = ctx;
    return strcmp(catalog->directories.items[*(const size_t *)left].path,
                  catalog->directories.items[*(const size_t *)right].path);
}

static bool is_as_listed(struct ia_directory *directory)
{
    struct stat st;
    struct ia_file_key now;
    if (lstat(directory->path, &st) != 0) {
        directory->is_gone = errno == ENOENT || errno == ENOTDIR;
        return false;
    }
    ia_file_key_from_stat(&now, &st);
    return S_ISDIR(st.st_mode) && memcmp(&now, &directory->key, sizeof(now)) == 0;
}

static enum ia_status find_changed(struct ia_catalog *catalog, struct changed *changed, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->directories.len; i++) {
        struct ia_directory *directory = &catalog->directories.items[i];
        if (!directory->is_gone && (!is_as_listed(directory) || directory->is_fresh) && !ia_vec_push(&changed->all, i))
            return ia_no_memory(err);
    }
    if (changed->all.len > 0)
        qsort_r(changed->all.items, changed->all.len, sizeof(changed->all.items[0]), by_path, catalog);
    return IA_OK;
}

/* The path is that of an entry of one of these directories. */
static bool is_in_changed(const struct ia_catalog *catalog, const struct changed *changed, const char *path)
{
    size_t len = ia_path_directory_length(path);
    len -= len > 1; /* without the slash, but for / itself */
    size_t low = 0;
    for (size_t high = changed->all.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        const char *directory = catalog->directories.items[changed->all.items[middle]].path;
        int order = strncmp(directory, path, len);
        if (order == 0 && directory[len] == '\0')
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static enum ia_status check_all_names(struct ia_catalog *catalog, const struct changed *changed, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        bool concerned = false;
        for (size_t n = 0; n < file->names.len && !file->gone && !concerned; n++)
            concerned = is_in_changed(catalog, changed, file->names.items[n].path);
        if (concerned)
            IA_TRY(ia_catalog_check_names(catalog, i, err));
    }
    return IA_OK;
}

static enum ia_status list_again(struct ia_catalog *catalog, const struct changed *changed, struct ia_error *err)
{
    IA_TRY(check_all_names(catalog, changed, err));
    for (size_t i = 0; i < changed->all.len; i++) {
        const struct ia_directory *directory = &catalog->directories.items[changed->all.items[i]];
        if (directory->is_gone)
            continue;
        IA_AUTO_FREE char *path = strdup(directory->path); /* directories may be added */
        IA_TRY(path == NULL ? ia_no_memory(err) : ia_catalog_list_again(catalog, path, err));
    }
    return IA_OK;
}

enum ia_status ia_catalog_look_again(struct ia_catalog *catalog, bool *any, struct ia_error *err)
{
    struct changed changed = {0};
    enum ia_status status = find_changed(catalog, &changed, err);
    if (status == IA_OK && changed.all.len > 0)
        status = list_again(catalog, &changed, err);
    *any = catalog->moved;
    catalog->moved = false;
    ia_vec_release(&changed.all);
    return status;
}

void ia_catalog_report_changing(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->directories.len; i++) {
        struct ia_directory *directory = &catalog->directories.items[i];
        if (!directory->is_gone && !is_as_listed(directory))
            ia_findings_add(&catalog->findings, IA_FINDING_DIRECTORY_CHANGING, directory->path,
                            "changed each time that it was listed: what came to it is not known");
    }
}
