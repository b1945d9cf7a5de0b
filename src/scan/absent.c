/* SPDX-License-Identifier: MIT */
/* Images that vanished because their file system is not mounted now, or because their directory is no longer among the
 * roots, still use their backing files. A missing mount is told by the device: the nearest directory that still exists
 * lies on another one than the image did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/internal.h"

/* The device of path, or of the nearest directory above it that exists; -1 for none. */
static int64_t device_now(const char *path)
{
    struct stat st;
    IA_AUTO_FREE char *at = strdup(path);
    while (at != NULL && stat(at, &st) != 0) { /* ends: the name grows shorter, and / exists */
        char *slash = strrchr(at, '/');
        if (slash == NULL)
            return -1;
        if (slash == at)
            slash++;
        if (*slash == '\0')
            return -1;
        *slash = '\0';
    }
    return at == NULL ? -1 : (int64_t)st.st_dev;
}

/* Device numbers change over a reboot: a file that is the same in every other respect shows by which number its device
 * goes now. */
static bool was_renumbered(const struct ia_scan *scan, int64_t before, int64_t now)
{
    const struct ia_inventory *inventory = &scan->inventory;
    for (size_t i = 0; i < inventory->items.len; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->previous == IA_NO_ITEM || item->key.dev != now)
            continue;
        const struct ia_previous *previous = &inventory->previous.items[item->previous];
        if (previous->key.dev == before && previous->key.inode == item->key.inode &&
            previous->key.size == item->key.size && previous->key.mtime_ns == item->key.mtime_ns &&
            previous->key.ctime_ns == item->key.ctime_ns)
            return true;
    }
    return false;
}

bool ia_scan_is_below_a_root(const struct ia_scan *scan, const char *path)
{
    for (size_t i = 0; i < scan->options->root_count; i++) {
        const char *root = scan->confine.allowed.items[i].path;
        size_t len = strlen(root);
        if (strncmp(path, root, len) == 0 && (path[len] == '\0' || path[len] == '/' || root[len - 1] == '/'))
            return true;
    }
    return false;
}

/* Which finding a directory of vanished images deserves; IA_FINDING_COUNT for none. */
static enum ia_finding_code judge(const struct ia_scan *scan, const char *directory, int64_t dev)
{
    struct stat st;
    if (!ia_scan_is_below_a_root(scan, directory))
        return stat(directory, &st) == 0 || errno != ENOENT ? IA_FINDING_NOT_SCANNED : IA_FINDING_COUNT;
    int64_t now = device_now(directory);
    return now == dev || was_renumbered(scan, dev, now) ? IA_FINDING_COUNT : IA_FINDING_MOUNT_MISSING;
}

static enum ia_status check(struct ia_scan *scan, const char *directory, int64_t dev, struct ia_error *err)
{
    enum ia_finding_code code = judge(scan, directory, dev);
    if (code == IA_FINDING_COUNT)
        return IA_OK;
    for (size_t i = 0; i < scan->absent.len; i++)
        if (strcmp(scan->absent.items[i].path, directory) == 0)
            return IA_OK;
    struct ia_absent absent = {.path = strdup(directory), .dev = dev};
    if (absent.path == NULL || !ia_vec_push(&scan->absent, absent)) {
        free(absent.path);
        return ia_fail(err, IA_NOMEM, "out of memory");
    }
    ia_findings_add(&scan->findings, code, directory, "%s",
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
static enum ia_status check_place(struct ia_scan *scan, const struct ia_previous *previous, struct ia_error *err)
{
    IA_AUTO_FREE char *directory = strdup(previous->path);
    if (directory == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        slash[slash == directory] = '\0';
    return check(scan, directory, previous->key.dev, err);
}

/* Images whose path is now that of a file on another device. */
static enum ia_status find_exchanged(struct ia_scan *scan, struct ia_error *err)
{
    const struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->previous == IA_NO_ITEM)
            continue;
        const struct ia_previous *previous = &inventory->previous.items[item->previous];
        if (previous->image_id != 0 && previous->key.dev != item->key.dev)
            status = check_place(scan, previous, err);
    }
    return status;
}

enum ia_status ia_scan_find_absent(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = ia_writer_load_mounts(scan->writer, check_known, scan, err);
    for (size_t i = 0; i < scan->inventory.previous.len && status == IA_OK; i++) {
        const struct ia_previous *previous = &scan->inventory.previous.items[i];
        struct stat st;
        if (previous->taken || previous->image_id == 0)
            continue;
        if (!ia_scan_is_below_a_root(scan, previous->path) && lstat(previous->path, &st) != 0 && errno == ENOENT)
            continue; /* not ours to read any more, and gone for good */
        status = check_place(scan, previous, err);
    }
    if (status == IA_OK)
        status = find_exchanged(scan, err);
    if (status == IA_OK)
        status = ia_writer_clear_mounts(scan->writer, err);
    for (size_t i = 0; i < scan->absent.len && status == IA_OK; i++)
        status = ia_writer_put_mount(scan->writer, scan->absent.items[i].path, scan->absent.items[i].dev, err);
    return status;
}
