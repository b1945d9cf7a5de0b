/* SPDX-License-Identifier: MIT */
/* A packed image need not have an image's ending: what is called as an image is or was, with something behind it, may
 * be that image (vm becomes vm.gz), even if a short look found none in it. Which files are images is known once the
 * others were read. */
#include <stdlib.h>
#include <string.h>

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

static enum ia_status read_those(struct ia_reading *reading, const struct paths *paths, struct ia_error *err)
{
    const struct ia_catalog *catalog = reading->catalog;
    const struct ia_parse_request request = {.may_be_packed = true};
    for (size_t i = 0; i < catalog->files.len; i++)
        if (is_open_question(catalog->files.items[i]) && is_called_after_image(paths, catalog->files.items[i]))
            IA_TRY(ia_reading_submit(reading, i, &request, err));
    return ia_reading_drain(reading, err);
}

enum ia_status ia_reading_read_former(struct ia_reading *reading, struct ia_error *err)
{
    const struct ia_catalog *catalog = reading->catalog;
    struct paths paths = {0};
    bool any = false;
    for (size_t i = 0; i < catalog->files.len && !any; i++)
        any = is_open_question(catalog->files.items[i]);
    if (!any)
        return IA_OK;
    enum ia_status status = gather(catalog, &paths) ? read_those(reading, &paths, err) : ia_no_memory(err);
    ia_vec_release(&paths.all);
    return status;
}
