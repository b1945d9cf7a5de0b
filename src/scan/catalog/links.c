/* SPDX-License-Identifier: MIT */
/* Hard links: of the names by which a file was found, those that hold it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"

/* A link is an entry of a directory. */
struct link {
    uint64_t dev, inode; /* of the directory */
    const char *name;
};

static uint64_t device_of(const struct statx *st)
{
    return makedev(st->stx_dev_major, st->stx_dev_minor);
}

/* A name that is a mount point leads to the file, and is no link of it. */
static bool find_link(const struct ia_file *file, const char *path, struct link *link)
{
    IA_AUTO_FREE char *directory = strdup(path);
    struct statx entry;
    struct statx parent;
    unsigned want = STATX_INO | STATX_MNT_ID;
    if (directory == NULL || !ia_path_go_up(directory) ||
        statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, want, &entry) != 0 ||
        statx(AT_FDCWD, directory, 0, want, &parent) != 0 || (entry.stx_mask & parent.stx_mask & want) != want)
        return false;
    *link = (struct link){.dev = device_of(&parent), .inode = parent.stx_ino, .name = ia_path_name(path)};
    return device_of(&entry) == (uint64_t)file->key.dev && entry.stx_ino == (uint64_t)file->key.inode &&
           entry.stx_mnt_id == parent.stx_mnt_id;
}

static int by_link(const void *left, const void *right)
{
    const struct link *a = left;
    const struct link *b = right;
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return strcmp(a->name, b->name);
}

int64_t ia_file_count_links(const struct ia_file *file)
{
    if (file->links <= 1)
        return file->links;
    IA_AUTO_FREE struct link *links = calloc(file->names.len + 1, sizeof(*links));
    if (links == NULL)
        return 0;
    size_t count = 0;
    for (size_t i = 0; i < file->names.len; i++)
        if (!file->names.items[i].symlink)
            count += find_link(file, file->names.items[i].path, &links[count]);
    qsort(links, count, sizeof(*links), by_link);
    int64_t met = 0;
    for (size_t i = 0; i < count; i++)
        met += i == 0 || by_link(&links[i - 1], &links[i]) != 0;
    return met;
}
