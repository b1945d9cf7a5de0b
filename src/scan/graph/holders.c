/* SPDX-License-Identifier: MIT */
/* Who holds the files of images: which files are asked about. */
#include "format/format.h"
#include "scan/graph/links.h"
#include "scan/holders/aside.h"

static bool may_have_lock_file(const struct ia_file *file, const char *path)
{
    return ia_format_may_have_lock_file(file->has_parsed ? file->parsed->format : NULL, path);
}

static void add_file(struct ia_links *links, size_t number)
{
    const struct ia_file *file = links->catalog->files.items[number];
    struct stat st;
    ia_holders_add(&links->holders, number, file->key.dev, file->key.inode, ia_file_path(file));
    if (file->block_device && stat(ia_file_path(file), &st) == 0)
        ia_holders_add_block_device(&links->holders, number, (int64_t)st.st_rdev);
    bool may_be_base = ia_links_may_be_base(links, file);
    for (size_t i = 0; i < file->names.len; i++)
        if (may_be_base || may_have_lock_file(file, file->names.items[i].path))
            ia_holders_look_beside(&links->holders, number, file->names.items[i].path);
}

/* All images, not only those that nothing uses now: what a deed leaves unused is judged by the same facts. */
enum ia_status ia_links_find_holders(struct ia_links *links, struct ia_error *err)
{
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        const struct ia_file *file = links->catalog->files.items[i];
        if (!file->gone && !file->not_seen && (ia_file_is_image(file) || file->node->is_part))
            add_file(links, i);
    }
    return ia_aside_find(links->aside, &links->holders, err);
}
