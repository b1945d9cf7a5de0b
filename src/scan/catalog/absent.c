/* SPDX-License-Identifier: MIT */
/* Images that vanished because their file system is not mounted now, or because their directory is no longer among the
 * roots, still use their backing files. A missing mount shows in the device: the nearest directory that still exists
 * lies on another one than the image did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"

/* The device of path, or of the nearest directory above it that exists; -1 for none. */
static int64_t device_now(const char *path)
{
    struct stat st;
    IA_AUTO_FREE char *at = strdup(path);
    while (at != NULL && stat(at, &st) != 0) { /* ends: the name grows shorter, and / exists */
        if (!ia_path_go_up(at))
            return -1;
    }
    return at == NULL ? -1 : (int64_t)st.st_dev;
}

/* Device numbers change over a reboot: a file that is the same in every other respect shows by which number its device
 * goes now. */
static bool was_renumbered(const struct ia_catalog *catalog, int64_t before, int64_t now)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *item = catalog->files.items[i];
        if (item->previous == IA_NO_FILE || item->key.dev != now)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[item->previous];
        if (previous->key.dev == before && previous->key.inode == item->key.inode &&
            previous->key.size == item->key.size && previous->key.mtime_ns == item->key.mtime_ns &&
            previous->key.ctime_ns == item->key.ctime_ns)
            return true;
    }
    return false;
}

/* Which finding a directory of vanished images deserves; IA_FINDING_COUNT for none. */
static enum ia_finding_code judge(const struct ia_catalog *catalog, const char *directory, int64_t dev)
{
    struct stat st;
    if (!ia_catalog_is_below_a_root(catalog, directory))
        return stat(directory, &st) == 0 || errno != ENOENT ? IA_FINDING_NOT_SCANNED : IA_FINDING_COUNT;
    int64_t now = device_now(directory);
    return now == dev || was_renumbered(catalog, dev, now) ? IA_FINDING_COUNT : IA_FINDING_MOUNT_MISSING;
}

static enum ia_status check(struct ia_catalog *catalog, const char *directory, int64_t dev, struct ia_error *err)
{
    enum ia_finding_code code = judge(catalog, directory, dev);
    if (code == IA_FINDING_COUNT)
        return IA_OK;
    for (size_t i = 0; i < catalog->absent.len; i++)
        if (strcmp(catalog->absent.items[i].path, directory) == 0)
            return IA_OK;
    struct ia_absent absent = {.path = strdup(directory), .dev = dev};
    if (absent.path == NULL || !ia_vec_push(&catalog->absent, absent)) {
        free(absent.path);
        return ia_no_memory(err);
    }
    ia_findings_add(&catalog->findings, code, directory, "%s",
                    code == IA_FINDING_MOUNT_MISSING
                        ? "images were here on another device: what they name is not known until it is mounted again"
                        : "an earlier scan read images here, this one did not: what they name is not known");
    return IA_OK;
}

static enum ia_status check_known(void *ctx, const char *path, int64_t dev, struct ia_error *err)
{
    return check(ctx, path, dev, err);
}

/* The directory of a file on a device that may be gone. */
static enum ia_status check_place(struct ia_catalog *catalog, const struct ia_previous *previous, struct ia_error *err)
{
    IA_AUTO_FREE char *directory = strdup(previous->path);
    if (directory == NULL)
        return ia_no_memory(err);
    (void)ia_path_go_up(directory);
    return check(catalog, directory, previous->key.dev, err);
}

/* It was one, or some may have been packed in it. */
static bool held_images(const struct ia_previous *previous)
{
    return previous->image_id != 0 || previous->was_packed;
}

/* Images whose path is now that of a file on another device. */
static enum ia_status find_exchanged(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *item = catalog->files.items[i];
        if (item->previous == IA_NO_FILE)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[item->previous];
        if (held_images(previous) && previous->key.dev != item->key.dev)
            IA_TRY(check_place(catalog, previous, err));
    }
    return IA_OK;
}

enum ia_status ia_catalog_find_absent(struct ia_catalog *catalog, struct ia_error *err)
{
    IA_TRY(ia_writer_load_mounts(catalog->writer, check_known, catalog, err));
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        struct stat st;
        if (previous->taken || !held_images(previous))
            continue;
        if (!ia_catalog_is_below_a_root(catalog, previous->path) && lstat(previous->path, &st) != 0 && errno == ENOENT)
            continue; /* not ours to read any more, and gone for good */
        IA_TRY(check_place(catalog, previous, err));
    }
    IA_TRY(find_exchanged(catalog, err));
    IA_TRY(ia_writer_clear_mounts(catalog->writer, err));
    for (size_t i = 0; i < catalog->absent.len; i++)
        IA_TRY(ia_writer_put_mount(catalog->writer, catalog->absent.items[i].path, catalog->absent.items[i].dev, err));
    return IA_OK;
}
