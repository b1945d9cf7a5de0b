/* SPDX-License-Identifier: MIT */
/* The shape of a forest: the overlays of each image. */
#ifndef IA_ANALYSIS_TREE_H
#define IA_ANALYSIS_TREE_H

#include <stddef.h>

#include "analysis/forest.h"

/* The children of node n are children[first[n]] up to children[first[n + 1] - 1], in ascending order. The roots are
 * listed as if they were the children of node `count`. */
struct ia_tree {
    size_t *first;    /* count + 2 of them */
    size_t *children; /* count of them */
};

/* IA_BUG for a parent that does not exist, a negative size, or links that go in circles. */
IA_MUST_CHECK enum ia_status ia_tree_build(struct ia_tree *tree, const struct ia_forest *forest, struct ia_error *err);
void ia_tree_release(struct ia_tree *tree);

/* The relatives of a node. */
struct ia_family {
    size_t dependents;  /* its overlays */
    size_t descendants; /* that reach it, directly or through others */
    size_t heads;       /* heads among the descendants */
};

/* By node, `count` of them; the caller frees them. NULL when memory is short. */
struct ia_family *ia_tree_families(const struct ia_tree *tree, size_t count);

static inline size_t ia_tree_degree(const struct ia_tree *tree, size_t node)
{
    return tree->first[node + 1] - tree->first[node];
}

#endif
