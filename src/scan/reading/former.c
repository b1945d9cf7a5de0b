/* SPDX-License-Identifier: MIT */
/* A packed image need not have an image's ending: what is called as an image is or was, with something behind it, may
 * be that image (vm becomes vm.gz), even if a short look found none in it. Which files are images is known once the
 * others were read. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/reading/reading.h"

/* Paths of images, sorted. */
struct paths {
    IA_VEC(const char *) all;
};

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* It is no image and was not looked into. One that was read by an earlier scan is asked for by its name. */
static bool is_open_question(const struct ia_file *file)
{
    if (file->class != IA_CLASS_SKIPPED || file->packed != NULL || file->gone)
        return false;
    if (!file->from_store)
        return file->read->looks_packed;
    for (size_t i = 0; i < file->names.len; i++)
        if (ia_name_has_packer_suffix(file->names.items[i].path))
            return true;
    return false;
}

/* The images of this scan, of the one before, and those that vanished. */
static bool gather(const struct ia_catalog *catalog, struct paths *paths)
{
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (catalog->previous.items[i].image_id != 0 && !ia_vec_push(&paths->all, catalog->previous.items[i].path))
            return false;
    for (size_t i = 0; i < catalog->vanished.len; i++)
        if (catalog->vanished.items[i].first_scan != 0 && !ia_vec_push(&paths->all, catalog->vanished.items[i].path))
            return false;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        for (size_t n = 0; n < file->names.len && ia_file_is_image(file); n++)
            if (!ia_vec_push(&paths->all, file->names.items[n].path))
                return false;
    }
    if (paths->all.len > 0)
        qsort(paths->all.items, paths->all.len, sizeof(paths->all.items[0]), compare);
    return true;
}

static bool has(const struct paths *paths, const char *path, size_t len)
{
    size_t low = 0;
    for (size_t high = paths->all.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(paths->all.items[middle], path, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < paths->all.len && strncmp(paths->all.items[low], path, len) == 0 &&
           paths->all.items[low][len] == '\0'; /* of those that begin so the shortest comes first */
}

/* The images of the scan before that this one did not find, and those that vanished before, as far as they might have
 * named others. */
static bool gather_gone(const struct ia_catalog *catalog, struct paths *gone)
{
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        if (previous->image_id != 0 && previous->was_image && !previous->taken &&
            !ia_vec_push(&gone->all, previous->path))
            return false;
    }
    for (size_t i = 0; i < catalog->vanished.len; i++) {
        const struct ia_vanished *vanished = &catalog->vanished.items[i];
        if (vanished->first_scan != 0 && vanished->was_image && !vanished->is_back &&
            !ia_vec_push(&gone->all, vanished->path))
            return false;
    }
    if (gone->all.len > 0)
        qsort(gone->all.items, gone->all.len, sizeof(gone->all.items[0]), compare);
    return true;
}

static bool is_called_after_image(const struct paths *paths, const struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len; i++) {
        const char *path = file->names.items[i].path;
        for (const char *dot = strchr(ia_path_name(path), '.'); dot != NULL; dot = strchr(dot + 1, '.'))
            if (has(paths, path, (size_t)(dot - path)))
                return true;
    }
    return false;
}

/* Another image may have the name by now. */
static bool is_image_there(const struct ia_catalog *catalog, const char *path, size_t len)
{
    struct stat st;
    IA_AUTO_FREE char *copy = strndup(path, len);
    if (copy == NULL || lstat(copy, &st) != 0)
        return false;
    size_t number = ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino);
    return number != IA_NO_FILE && ia_file_is_image(catalog->files.items[number]);
}

static bool is_called_after_gone(const struct ia_catalog *catalog, const struct paths *gone, const struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len && gone->all.len > 0; i++) {
        const char *path = file->names.items[i].path;
        for (const char *dot = strchr(ia_path_name(path), '.'); dot != NULL; dot = strchr(dot + 1, '.'))
            if (has(gone, path, (size_t)(dot - path)) && !is_image_there(catalog, path, (size_t)(dot - path)))
                return true;
    }
    return false;
}

static enum ia_status read_those(struct ia_reading *reading, const struct paths *paths, struct ia_error *err)
{
    const struct ia_catalog *catalog = reading->catalog;
    const struct ia_parse_request request = {.may_be_packed = true, .claims_packed = true};
    for (size_t i = 0; i < catalog->files.len; i++)
        if (is_open_question(catalog->files.items[i]) && is_called_after_image(paths, catalog->files.items[i]))
            IA_TRY(ia_reading_submit(reading, i, &request, err));
    return ia_reading_drain(reading, err);
}

/* What is as small holds notes about an image, and no image. */
enum { LEAST_IMAGE_BYTES = 65536 };

static enum ia_status suspect(struct ia_file *file, struct ia_error *err)
{
    file->packed = calloc(1, sizeof(*file->packed));
    if (file->packed == NULL)
        return ia_no_memory(err);
    file->packed->problem = strdup("called after an image that is gone, and of an unknown kind");
    file->class = IA_CLASS_PACKED;
    file->reason = IA_REASON_NONE;
    file->read->unpacked_now = true;
    return file->packed->problem != NULL ? IA_OK : ia_no_memory(err);
}

/* Encrypted, encoded, or in an archive that is not read. */
static enum ia_status suspect_those(const struct ia_catalog *catalog, const struct paths *gone, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len && gone->all.len > 0; i++) {
        struct ia_file *file = catalog->files.items[i];
        bool is_open = file->class == IA_CLASS_SKIPPED && file->packed == NULL && !file->gone && !file->not_seen &&
                       !file->read->looks_packed && file->key.size >= LEAST_IMAGE_BYTES;
        if (is_open && is_called_after_gone(catalog, gone, file))
            IA_TRY(suspect(file, err));
    }
    return IA_OK;
}

static enum ia_status read_open(struct ia_reading *reading, struct ia_error *err)
{
    struct paths paths = {0};
    enum ia_status status = gather(reading->catalog, &paths) ? read_those(reading, &paths, err) : ia_no_memory(err);
    ia_vec_release(&paths.all);
    return status;
}

enum ia_status ia_reading_read_former(struct ia_reading *reading, struct ia_error *err)
{
    const struct ia_catalog *catalog = reading->catalog;
    struct paths gone = {0};
    bool any = false;
    for (size_t i = 0; i < catalog->files.len && !any; i++)
        any = is_open_question(catalog->files.items[i]);
    enum ia_status status = gather_gone(catalog, &gone) ? IA_OK : ia_no_memory(err);
    if (status == IA_OK && any)
        status = read_open(reading, err);
    if (status == IA_OK)
        status = suspect_those(catalog, &gone, err);
    ia_vec_release(&gone.all);
    return status;
}
