/* SPDX-License-Identifier: MIT */
/* A file that a file system fills, without a partition table, is no image by itself: any backup or test may be one. In
 * a directory that holds images it is one. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/graph/links.h"

bool ia_file_is_file_system(const struct ia_file *file)
{
    return file->class == IA_CLASS_SKIPPED && file->reason == IA_REASON_FILE_SYSTEM;
}

/* Files that are file systems, by their directories. */
struct found {
    IA_VEC(struct ia_file *) all;
};

static int compare(const struct ia_file *a, const struct ia_file *b)
{
    size_t one = ia_path_directory_length(ia_file_path(a));
    size_t other = ia_path_directory_length(ia_file_path(b));
    return one != other ? (one > other) - (one < other) : memcmp(ia_file_path(a), ia_file_path(b), one);
}

static int by_directory(const void *left, const void *right)
{
    return compare(*(struct ia_file *const *)left, *(struct ia_file *const *)right);
}

/* One that is an image for what lies beside it, in an earlier scan, does not count. */
static bool is_image_by_itself(const struct ia_file *file)
{
    return file->class == IA_CLASS_IMAGE && (!file->has_parsed || file->parsed->basis != IA_BASIS_GUESSED ||
                                             file->node->is_referenced || file->node->is_claimed_image);
}

static void mark(const struct found *found, const struct ia_file *image)
{
    size_t low = 0;
    for (size_t high = found->all.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (compare(found->all.items[middle], image) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < found->all.len && compare(found->all.items[low], image) == 0; low++) {
        if (found->all.items[low]->node->is_beside_images)
            return; /* all of that directory were found before */
        found->all.items[low]->node->is_beside_images = true;
    }
}

enum ia_status ia_links_find_file_systems(struct ia_links *links, struct ia_error *err)
{
    const struct ia_catalog *catalog = links->catalog;
    struct found found = {0};
    bool failed = false;
    for (size_t i = 0; i < catalog->files.len && !failed; i++) {
        struct ia_file *file = catalog->files.items[i];
        file->node->is_beside_images = false;
        failed = ia_file_is_file_system(file) && !ia_vec_push(&found.all, file);
    }
    if (found.all.len > 1)
        qsort(found.all.items, found.all.len, sizeof(found.all.items[0]), by_directory);
    for (size_t i = 0; i < catalog->files.len && found.all.len > 0; i++)
        if (is_image_by_itself(catalog->files.items[i]))
            mark(&found, catalog->files.items[i]);
    ia_vec_release(&found.all);
    return failed ? ia_no_memory(err) : IA_OK;
}
