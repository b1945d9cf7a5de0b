/* SPDX-License-Identifier: MIT */
/* Trees, and what their results depend on. A mapping that is read again gets another number, so what the tables of an
 * image hold need not be looked at. */
#include "scan/graph/trees.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fingerprint.h"

static size_t backing_image(const struct ia_links *links, size_t file)
{
    size_t backing = links->catalog->files.items[file]->node->backing;
    return backing != IA_NO_FILE && ia_file_is_image(links->catalog->files.items[backing]) ? backing : IA_NO_FILE;
}

/* Each image is walked over once on its own behalf and once on that of the first image above it. */
static void find_roots(struct ia_trees *trees, const struct ia_links *links)
{
    size_t *root_of = trees->root_of;
    for (size_t i = 0; i < trees->count; i++) {
        if (!ia_file_is_image(links->catalog->files.items[i]))
            continue;
        size_t root = i;
        size_t next;
        while (root_of[root] == IA_NO_FILE && (next = backing_image(links, root)) != IA_NO_FILE)
            root = next; /* ends: loops were cut */
        if (root_of[root] != IA_NO_FILE)
            root = root_of[root];
        for (size_t at = i; at != IA_NO_FILE && root_of[at] == IA_NO_FILE; at = backing_image(links, at))
            root_of[at] = root;
    }
}

static int64_t fingerprint(const struct ia_links *links, size_t number)
{
    const struct ia_file *file = links->catalog->files.items[number];
    size_t backing = backing_image(links, number);
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    ia_fingerprint_int(&print, file->image_id);
    ia_fingerprint_int(&print, backing == IA_NO_FILE ? 0 : links->catalog->files.items[backing]->image_id);
    ia_fingerprint_int(&print, file->node->chain_ok);
    ia_fingerprint_int(&print, file->node->is_template || file->node->is_claimed);
    ia_fingerprint_int(&print, ia_file_is_sound(file));
    for (size_t i = 0; i < file->parsed->mappings.len; i++) {
        ia_fingerprint_int(&print, file->parsed->mappings.items[i].map_id);
        ia_fingerprint_int(&print, file->parsed->mappings.items[i].failed);
    }
    return ia_fingerprint_value(&print);
}

static bool init(struct ia_trees *trees, size_t count)
{
    *trees = (struct ia_trees){
        .count = count,
        .root_of = malloc((count + 1) * sizeof(*trees->root_of)),
        .roots = {0},
    };
    for (size_t i = 0; i < count && trees->root_of != NULL; i++)
        trees->root_of[i] = IA_NO_FILE;
    return trees->root_of != NULL;
}

static int compare_roots(const void *left, const void *right)
{
    const struct ia_tree_root *a = left;
    const struct ia_tree_root *b = right;
    return (a->image_id > b->image_id) - (a->image_id < b->image_id);
}

/* The first scan numbers images as it finds them, and later ones find them in the same order. */
static bool in_order(const struct ia_trees *trees)
{
    for (size_t i = 1; i < trees->roots.len; i++)
        if (trees->roots.items[i - 1].image_id > trees->roots.items[i].image_id)
            return false;
    return true;
}

/* The list of roots by image number; root_of[] then has places in it. */
static bool list_roots(struct ia_trees *trees, const struct ia_links *links)
{
    struct ia_file *const *items = links->catalog->files.items;
    for (size_t i = 0; i < trees->count; i++) {
        struct ia_tree_root root = {.image_id = items[i]->image_id, .file = i, .changed = true};
        if (trees->root_of[i] == i && !ia_vec_push(&trees->roots, root))
            return false;
    }
    if (!in_order(trees))
        qsort(trees->roots.items, trees->roots.len, sizeof(trees->roots.items[0]), compare_roots);
    IA_AUTO_FREE size_t *place = calloc(trees->count + 1, sizeof(*place));
    if (place == NULL)
        return false;
    for (size_t i = 0; i < trees->roots.len; i++)
        place[trees->roots.items[i].file] = i;
    for (size_t i = 0; i < trees->count; i++)
        if (trees->root_of[i] != IA_NO_FILE)
            trees->root_of[i] = place[trees->root_of[i]];
    return true;
}

/* A sum, so that the order of the members does not count. What was read may be other than it was: that alone changes
 * its tree, whatever the sum is. */
static void add_up(struct ia_trees *trees, const struct ia_links *links)
{
    for (size_t i = 0; i < trees->count; i++) {
        if (trees->root_of[i] == IA_NO_FILE)
            continue;
        struct ia_tree_root *root = &trees->roots.items[trees->root_of[i]];
        root->fingerprint += (uint64_t)fingerprint(links, i);
        root->has_read = root->has_read || !links->catalog->files.items[i]->from_store;
    }
}

/* The store's rows, by ascending image numbers, beside the list of roots. */
struct comparison {
    struct ia_trees *trees;
    size_t next;
};

static enum ia_status compare(void *ctx, int64_t root_id, int64_t kept, struct ia_error *err)
{
    (void)err;
    struct comparison *comparison = ctx;
    struct ia_trees *trees = comparison->trees;
    while (comparison->next < trees->roots.len && trees->roots.items[comparison->next].image_id < root_id)
        comparison->next++;
    if (comparison->next == trees->roots.len)
        return IA_OK;
    struct ia_tree_root *root = &trees->roots.items[comparison->next];
    if (root->image_id == root_id && (int64_t)root->fingerprint == kept && !root->has_read)
        root->changed = false;
    return IA_OK;
}

enum ia_status ia_trees_find(struct ia_trees *trees, struct ia_links *links, struct ia_error *err)
{
    if (!init(trees, links->catalog->files.len))
        return ia_no_memory(err);
    find_roots(trees, links);
    if (!list_roots(trees, links))
        return ia_no_memory(err);
    add_up(trees, links);
    struct comparison comparison = {.trees = trees};
    return ia_writer_load_trees(links->catalog->writer, compare, &comparison, err);
}

void ia_trees_release(struct ia_trees *trees)
{
    free(trees->root_of);
    ia_vec_release(&trees->roots);
}

enum ia_status ia_trees_keep(const struct ia_trees *trees, struct ia_links *links, struct ia_error *err)
{
    IA_TRY(ia_writer_drop_trees_of_others(links->catalog->writer, err));
    for (size_t i = 0; i < trees->roots.len; i++) {
        const struct ia_tree_root *root = &trees->roots.items[i];
        if (root->changed)
            IA_TRY(ia_writer_put_tree(links->catalog->writer, root->image_id, (int64_t)root->fingerprint, err));
    }
    return IA_OK;
}
