/* SPDX-License-Identifier: MIT */
/* Turning parent links into lists of children. */
#include "analysis/tree.h"

#include <stdlib.h>

#include "analysis/chain_map.h"
#include "base/cleanup.h"

void ia_tree_release(struct ia_tree *tree)
{
    free(tree->first);
    free(tree->children);
    *tree = (struct ia_tree){0};
}

static enum ia_status check_node(const struct ia_forest *forest, size_t index, struct ia_error *err)
{
    const struct ia_forest_node *node = &forest->nodes[index];
    if (node->parent != IA_NO_PARENT && node->parent >= forest->count)
        return ia_fail(err, IA_BUG, "node %zu has node %zu of %zu as its parent", index, node->parent, forest->count);
    bool negative = node->size < 0;
    for (size_t i = 0; i < node->snapshots; i++)
        negative = negative || node->snapshot_sizes[i] < 0;
    return negative ? ia_fail(err, IA_BUG, "node %zu has a negative size", index) : IA_OK;
}

static size_t list_of(const struct ia_forest *forest, size_t index)
{
    size_t parent = forest->nodes[index].parent;
    return parent == IA_NO_PARENT ? forest->count : parent;
}

/* Counting sort of the nodes by their parents. */
static void fill(struct ia_tree *tree, const struct ia_forest *forest)
{
    size_t *first = tree->first;
    for (size_t i = 0; i < forest->count; i++)
        first[list_of(forest, i) + 1]++;
    for (size_t i = 1; i < forest->count + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = forest->count;
         i-- > 0;) /* backwards, and first[] moves from the ends of the lists to their starts */
        tree->children[--first[list_of(forest, i) + 1]] = i;
    for (size_t i = 0; i < forest->count + 1; i++)
        first[i] = first[i + 1];
    first[forest->count + 1] = forest->count;
}

/* The nodes that hang from a root, each behind its backing image. Returns how many. */
static size_t line_up(const struct ia_tree *tree, size_t count, size_t *queue)
{
    size_t filled = 0;
    for (size_t i = tree->first[count]; i < tree->first[count + 1]; i++)
        queue[filled++] = tree->children[i];
    for (size_t taken = 0; taken < filled; taken++) /* ends: each node is in one list only, so it is queued once */
        for (size_t i = tree->first[queue[taken]]; i < tree->first[queue[taken] + 1]; i++)
            queue[filled++] = tree->children[i];
    return filled;
}

struct ia_family *ia_tree_families(const struct ia_tree *tree, size_t count)
{
    IA_AUTO_FREE size_t *queue = calloc(count + 1, sizeof(*queue));
    struct ia_family *families = calloc(count + 1, sizeof(*families));
    if (queue == NULL || families == NULL) {
        free(families);
        return NULL;
    }
    for (size_t i = line_up(tree, count, queue); i-- > 0;) {
        struct ia_family *family = &families[queue[i]];
        family->dependents = ia_tree_degree(tree, queue[i]);
        for (size_t c = tree->first[queue[i]]; c < tree->first[queue[i] + 1]; c++) {
            const struct ia_family *child = &families[tree->children[c]];
            family->descendants += child->descendants + 1;
            family->heads += child->dependents == 0 ? 1 : child->heads;
        }
    }
    return families;
}

/* A node in a circle, or above one, hangs from no root. */
static enum ia_status check_roots(const struct ia_tree *tree, const struct ia_forest *forest, struct ia_error *err)
{
    IA_AUTO_FREE size_t *queue = calloc(forest->count + 1, sizeof(*queue));
    if (queue == NULL)
        return ia_no_memory(err);
    size_t filled = line_up(tree, forest->count, queue);
    if (filled != forest->count)
        return ia_fail(err, IA_BUG, "%zu of %zu nodes are above a circle", forest->count - filled, forest->count);
    return IA_OK;
}

/* The caller releases the tree if this fails. */
static enum ia_status build(struct ia_tree *tree, const struct ia_forest *forest, struct ia_error *err)
{
    tree->first = calloc(forest->count + 2, sizeof(*tree->first));
    tree->children = calloc(forest->count + 1, sizeof(*tree->children));
    if (tree->first == NULL || tree->children == NULL)
        return ia_no_memory(err);
    fill(tree, forest);
    return check_roots(tree, forest, err);
}

enum ia_status ia_tree_build(struct ia_tree *tree, const struct ia_forest *forest, struct ia_error *err)
{
    *tree = (struct ia_tree){0};
    if (forest->count > IA_CHAIN_MAX_LEVELS)
        return ia_fail(err, IA_LIMIT, "%zu images are too many for one forest", forest->count);
    for (size_t i = 0; i < forest->count; i++)
        IA_TRY(check_node(forest, i, err));
    enum ia_status status = build(tree, forest, err);
    if (status != IA_OK)
        ia_tree_release(tree);
    return status;
}
