/* SPDX-License-Identifier: MIT */
/* Images that vanished because their file system is not mounted now, or because their directory is no longer among the
 * roots, still use their backing files. A missing mount shows in the identity of the file system: the nearest directory
 * that still exists lies on another one than the image did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"
#include "scan/catalog/volumes.h"

/* st_dev changes over a reboot, and it is all that identifies some file systems: a file that is the same in every other
 * respect shows that its file system is the one at `now`. */
static bool was_renumbered(const struct ia_catalog *catalog, const char *identity, int64_t now)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->previous == IA_NO_FILE || file->key.dev != now)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[file->previous];
        if (ia_file_key_same_stamps(&previous->key, &file->key) &&
            strcmp(ia_catalog_previous_identity(catalog, previous->volume_id), identity) == 0)
            return true;
    }
    return false;
}

/* The file system of that identity is where it was, as far as the directory, or what is left of its path, shows. */
static enum ia_status is_mounted(struct ia_catalog *catalog, const char *directory, const char *identity, bool *out,
                                 struct ia_error *err)
{
    struct ia_volume now;
    struct ia_error cause;
    enum ia_status status = ia_catalog_nearest_volume(catalog, directory, &now, &cause);
    *out = false;
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    if (status != IA_OK)
        return IA_OK;
    *out = strcmp(now.identity, identity) == 0 || was_renumbered(catalog, identity, now.dev);
    ia_volume_release(&now);
    return IA_OK;
}

/* Which finding a directory of vanished images deserves; IA_FINDING_COUNT for none. */
static enum ia_status judge(struct ia_catalog *catalog, const char *directory, const char *identity,
                            enum ia_finding_code *code, struct ia_error *err)
{
    struct stat st;
    bool mounted;
    if (!ia_catalog_is_below_a_root(catalog, directory)) {
        *code = stat(directory, &st) == 0 || errno != ENOENT ? IA_FINDING_NOT_SCANNED : IA_FINDING_COUNT;
        return IA_OK;
    }
    IA_TRY(is_mounted(catalog, directory, identity, &mounted, err));
    *code = mounted ? IA_FINDING_COUNT : IA_FINDING_MOUNT_MISSING;
    return IA_OK;
}

static enum ia_status check(struct ia_catalog *catalog, const char *directory, const char *identity,
                            struct ia_error *err)
{
    enum ia_finding_code code;
    IA_TRY(judge(catalog, directory, identity, &code, err));
    if (code == IA_FINDING_COUNT)
        return IA_OK;
    for (size_t i = 0; i < catalog->absent.len; i++)
        if (strcmp(catalog->absent.items[i].path, directory) == 0)
            return IA_OK;
    struct ia_absent absent = {
        .path = strdup(directory), .identity = strdup(identity), .unmounted = code == IA_FINDING_MOUNT_MISSING};
    if (absent.path == NULL || absent.identity == NULL || !ia_vec_push(&catalog->absent, absent)) {
        free(absent.path);
        free(absent.identity);
        return ia_no_memory(err);
    }
    ia_findings_add(
        &catalog->findings, code, directory, "%s",
        code == IA_FINDING_MOUNT_MISSING
            ? "images were here on another file system: what they name is not known until it is mounted again"
            : "an earlier scan read images here, this one did not: what they name is not known");
    return IA_OK;
}

static enum ia_status check_known(void *ctx, const char *path, const char *identity, struct ia_error *err)
{
    return check(ctx, path, identity, err);
}

/* The directory of a file whose file system may be gone. */
static enum ia_status check_place(struct ia_catalog *catalog, const struct ia_previous *previous, struct ia_error *err)
{
    IA_AUTO_FREE char *directory = strdup(previous->path);
    if (directory == NULL)
        return ia_no_memory(err);
    (void)ia_path_go_up(directory);
    return check(catalog, directory, ia_catalog_previous_identity(catalog, previous->volume_id), err);
}

/* It was one, or some may have been packed in it. */
static bool held_images(const struct ia_previous *previous)
{
    return previous->image_id != 0 || previous->was_packed;
}

/* Images whose path is now that of a file on another file system. */
static enum ia_status find_exchanged(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->previous == IA_NO_FILE || file->not_seen)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[file->previous];
        if (held_images(previous) && previous->volume_id != catalog->volumes.items[file->volume].previous_id)
            IA_TRY(check_place(catalog, previous, err));
    }
    return IA_OK;
}

enum ia_status ia_catalog_find_absent(struct ia_catalog *catalog, struct ia_error *err)
{
    IA_TRY(ia_catalog_match_volumes(catalog, err));
    IA_TRY(ia_writer_load_mounts(catalog->writer, check_known, catalog, err));
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        struct stat st;
        if (previous->taken || previous->is_forgotten || !held_images(previous))
            continue;
        if (!ia_catalog_is_below_a_root(catalog, previous->path) && lstat(previous->path, &st) != 0 && errno == ENOENT)
            continue; /* not ours to read any more, and gone for good */
        IA_TRY(check_place(catalog, previous, err));
    }
    IA_TRY(find_exchanged(catalog, err));
    IA_TRY(ia_writer_clear_mounts(catalog->writer, err));
    for (size_t i = 0; i < catalog->absent.len; i++)
        IA_TRY(ia_writer_put_mount(catalog->writer, catalog->absent.items[i].path, catalog->absent.items[i].identity,
                                   err));
    return IA_OK;
}
