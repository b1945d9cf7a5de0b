/* SPDX-License-Identifier: MIT */
/* Finding the volumes of this scan, and again those of the scan before. */
#include "scan/catalog/volumes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

enum ia_status ia_catalog_see_volume(struct ia_catalog *catalog, int64_t dev, size_t *number, struct ia_error *err)
{
    size_t last = catalog->last_volume; /* files of one directory come together */
    if (last < catalog->volumes.len && catalog->volumes.items[last].about.dev == dev) {
        *number = last;
        return IA_OK;
    }
    size_t at = 0;
    while (at < catalog->volumes.len && catalog->volumes.items[at].about.dev != dev)
        at++;
    struct ia_catalog_volume volume = {.about = {.dev = dev}};
    if (at == catalog->volumes.len && !ia_vec_push(&catalog->volumes, volume))
        return ia_no_memory(err);
    catalog->last_volume = *number = at;
    return IA_OK;
}

/* One that was not met has no st_dev: a negative number is none. */
enum ia_status ia_catalog_previous_volume(struct ia_catalog *catalog, int64_t volume_id, size_t *number,
                                          struct ia_error *err)
{
    for (*number = 0; *number < catalog->volumes.len; ++*number)
        if (catalog->volumes.items[*number].previous_id == volume_id)
            return IA_OK;
    struct ia_catalog_volume volume = {
        .is_described = true, .is_absent = true, .previous_id = volume_id, .volume_id = volume_id};
    IA_TRY(ia_volume_unknown(-volume_id, &volume.about, err));
    if (ia_vec_push(&catalog->volumes, volume))
        return IA_OK;
    ia_volume_release(&volume.about);
    return ia_no_memory(err);
}

/* Takes over what was found by one path, if that lies on the volume. */
static enum ia_status take(struct ia_catalog_volume *volume, enum ia_status status, struct ia_volume *found,
                           struct ia_error *err)
{
    if (status == IA_OK && found->dev == volume->about.dev) {
        volume->about = *found;
        volume->is_described = true;
    } else if (status == IA_OK) {
        ia_volume_release(found);
    }
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}

/* By the directory of a file; where the file itself is a mount point, by that. */
static enum ia_status describe(struct ia_catalog *catalog, struct ia_catalog_volume *volume, const char *path,
                               struct ia_error *err)
{
    struct ia_volume found;
    struct ia_error cause;
    IA_AUTO_FREE char *directory = strdup(path);
    if (directory == NULL)
        return ia_no_memory(err);
    if (ia_path_go_up(directory))
        IA_TRY(take(volume, ia_volume_of_path(directory, &catalog->mounts, &found, &cause), &found, err));
    if (!volume->is_described)
        IA_TRY(take(volume, ia_volume_of_path(path, &catalog->mounts, &found, &cause), &found, err));
    return IA_OK;
}

/* What lies on them may have vanished since. */
static enum ia_status describe_rest(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        struct ia_catalog_volume *volume = &catalog->volumes.items[i];
        if (volume->is_described)
            continue;
        IA_TRY(ia_volume_unknown(volume->about.dev, &volume->about, err));
        volume->is_described = true;
    }
    return IA_OK;
}

static bool any_new(const struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->volumes.len; i++)
        if (!catalog->volumes.items[i].is_described)
            return true;
    return false;
}

/* -- Which one of the scan before ------------------------------------------------------------------------------------
 */

static bool has_identity(const struct ia_catalog_volume *volume, const struct ia_previous_volume *previous)
{
    return strcmp(volume->about.identity, previous->identity) == 0;
}

static bool is_at_its_place(const struct ia_catalog_volume *volume, const struct ia_previous_volume *previous)
{
    return has_identity(volume, previous) && strcmp(volume->about.mount, previous->mount) == 0;
}

static bool has_its_device(const struct ia_catalog_volume *volume, const struct ia_previous_volume *previous)
{
    return has_identity(volume, previous) && volume->about.dev == previous->dev;
}

/* A copy of a file system has the identity of the original: which is which shows where they are mounted. */
static void match(struct ia_catalog *catalog, struct ia_catalog_volume *volume,
                  bool (*is_same)(const struct ia_catalog_volume *, const struct ia_previous_volume *))
{
    for (size_t i = 0; i < catalog->previous_volumes.len && volume->previous_id == 0; i++) {
        struct ia_previous_volume *previous = &catalog->previous_volumes.items[i];
        if (previous->is_taken || !is_same(volume, previous))
            continue;
        previous->is_taken = true;
        volume->previous_id = previous->volume_id;
    }
}

static void mark_twins(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        struct ia_catalog_volume *volume = &catalog->volumes.items[i];
        for (size_t other = i + 1; other < catalog->volumes.len; other++)
            if (strcmp(volume->about.identity, catalog->volumes.items[other].about.identity) == 0)
                volume->is_twin = catalog->volumes.items[other].is_twin = true;
    }
}

enum ia_status ia_catalog_match_volumes(struct ia_catalog *catalog, struct ia_error *err)
{
    static bool (*const rules[])(const struct ia_catalog_volume *,
                                 const struct ia_previous_volume *) = {is_at_its_place, has_its_device, has_identity};
    if (!any_new(catalog))
        return IA_OK;
    if (catalog->mounts.all.len == 0)
        IA_TRY(ia_mounts_read(&catalog->mounts, err));
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (!catalog->volumes.items[file->volume].is_described)
            IA_TRY(describe(catalog, &catalog->volumes.items[file->volume], ia_file_path(file), err));
    }
    IA_TRY(describe_rest(catalog, err));
    for (size_t rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++)
        for (size_t i = 0; i < catalog->volumes.len; i++)
            match(catalog, &catalog->volumes.items[i], rules[rule]);
    mark_twins(catalog);
    return IA_OK;
}

void ia_catalog_mark_sole_hosts(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->options->sole_host_count; i++) {
        const char *path = catalog->options->sole_hosts[i];
        struct stat st;
        bool found = false;
        for (size_t at = 0; at < catalog->volumes.len && stat(path, &st) == 0 && !found; at++) {
            found = catalog->volumes.items[at].about.dev == (int64_t)st.st_dev;
            catalog->volumes.items[at].is_sole_host |= found;
        }
        if (!found)
            ia_findings_add(&catalog->findings, IA_FINDING_SOLE_HOST_UNUSED, path,
                            "named by --sole-host, but no file of this scan lies on its file system");
    }
}

const char *ia_catalog_previous_identity(const struct ia_catalog *catalog, int64_t volume_id)
{
    for (size_t i = 0; i < catalog->previous_volumes.len; i++)
        if (catalog->previous_volumes.items[i].volume_id == volume_id)
            return catalog->previous_volumes.items[i].identity;
    return "";
}

enum ia_status ia_catalog_nearest_volume(struct ia_catalog *catalog, const char *path, struct ia_volume *out,
                                         struct ia_error *err)
{
    struct stat st;
    IA_AUTO_FREE char *at = strdup(path);
    if (at == NULL)
        return ia_no_memory(err);
    while (stat(at, &st) != 0) /* ends: the name grows shorter, and / exists */
        if (!ia_path_go_up(at))
            return ia_fail(err, IA_IO, "nothing of '%s' exists", path);
    if (catalog->mounts.all.len == 0)
        IA_TRY(ia_mounts_read(&catalog->mounts, err));
    return ia_volume_of_path(at, &catalog->mounts, out, err);
}
