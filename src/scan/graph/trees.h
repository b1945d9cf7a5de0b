/* SPDX-License-Identifier: MIT */
/* Which trees of the forest are not as the scan before left them. A tree is an image without a
 * backing image, and all images whose chains end there. */
#ifndef IA_SCAN_GRAPH_TREES_H
#define IA_SCAN_GRAPH_TREES_H

#include "scan/graph/links.h"

struct ia_tree_root {
    int64_t image_id;
    size_t file;
    uint64_t fingerprint; /* of all that the tree's results depend on */
    bool has_read;        /* a member was read by this scan */
    bool changed;
};

struct ia_trees {
    size_t count;    /* files of the catalog */
    size_t *root_of; /* by file: the place of its tree's root in the list; IA_NO_FILE for one that is no image */
    IA_VEC(struct ia_tree_root) roots; /* by ascending image_id */
};

/* Images are numbered, loops are cut. Compares with what the store remembers. */
IA_MUST_CHECK enum ia_status ia_trees_find(struct ia_trees *trees, struct ia_links *links, struct ia_error *err);
void ia_trees_release(struct ia_trees *trees);

/* The file is an image of a changed tree. */
static inline bool ia_trees_is_changed(const struct ia_trees *trees, size_t file)
{
    size_t root = trees->root_of[file];
    return root != IA_NO_FILE && trees->roots.items[root].changed;
}

/* Remembers the changed trees as they are now. */
IA_MUST_CHECK enum ia_status ia_trees_keep(const struct ia_trees *trees, struct ia_links *links, struct ia_error *err);

#endif
