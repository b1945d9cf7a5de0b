/* SPDX-License-Identifier: MIT */
/* Drawing a tree with lines. */
#include "report/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "report/text.h"

struct pieces {
    const char *branch, *last, *through, *blank, *mark;
};

static const struct pieces ascii = {"|- ", "`- ", "|  ", "   ", "  <--"};
static const struct pieces boxes = {"├─ ", "└─ ", "│  ", "   ", "  ◀──"};

/* The state of a level while nodes are drawn. */
struct level {
    const char *path; /* of the last node drawn there */
    bool goes_on;     /* a sibling of it is still to come */
};

static enum ia_status check_levels(const struct ia_draw_node *nodes, size_t count, size_t *deepest,
                                   struct ia_error *err)
{
    *deepest = 0;
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].level > (i == 0 ? 0 : nodes[i - 1].level + 1))
            return ia_fail(err, IA_BUG, "node %zu of a tree is at level %zu", i, nodes[i].level);
        if (nodes[i].level > *deepest)
            *deepest = nodes[i].level;
    }
    return IA_OK;
}

/* follows[i]: node i has a later sibling. From the end: a level is open after a node of it and until one above it.
 */
static void find_siblings(const struct ia_draw_node *nodes, size_t count, struct level *levels, bool *follows)
{
    size_t top = 0; /* levels past this one are not open */
    for (size_t i = count; i-- > 0;) {
        size_t level = nodes[i].level;
        for (; top > level; top--)
            levels[top].goes_on = false;
        top = level;
        follows[i] = levels[level].goes_on;
        levels[level].goes_on = true;
    }
}

static const char *shown_path(const struct ia_draw_node *node, const struct level *levels)
{
    if (node->level == 0)
        return node->path;
    const char *parent = levels[node->level - 1].path;
    size_t shared = ia_path_is_below_directory_of(node->path, parent) ? ia_path_directory_length(parent) : 0;
    return node->path + shared;
}

static void draw_node(const struct ia_draw_node *node, const struct level *levels, bool utf8, struct ia_buf *out)
{
    const struct pieces *pieces = utf8 ? &boxes : &ascii;
    for (size_t level = 1; level < node->level; level++)
        ia_buf_add_str(out, levels[level].goes_on ? pieces->through : pieces->blank);
    if (node->level > 0)
        ia_buf_add_str(out, levels[node->level].goes_on ? pieces->branch : pieces->last);
    const char *path = shown_path(node, levels);
    ia_text_show(out, path, strlen(path), utf8);
    if (*node->text != '\0') {
        ia_buf_add_str(out, "  ");
        ia_buf_add_str(out, node->text);
    }
    if (node->marked)
        ia_buf_add_str(out, pieces->mark);
    ia_buf_add_char(out, '\n');
}

enum ia_status ia_draw_tree(const struct ia_draw_node *nodes, size_t count, bool utf8, struct ia_buf *out,
                            struct ia_error *err)
{
    size_t deepest = 0;
    IA_TRY(check_levels(nodes, count, &deepest, err));
    IA_AUTO_FREE struct level *levels = calloc(deepest + 1, sizeof(*levels));
    IA_AUTO_FREE bool *follows = calloc(count + 1, sizeof(*follows));
    if (levels == NULL || follows == NULL)
        return ia_no_memory(err);
    find_siblings(nodes, count, levels, follows);
    for (size_t i = 0; i < count; i++) {
        levels[nodes[i].level] = (struct level){nodes[i].path, follows[i]};
        draw_node(&nodes[i], levels, utf8, out);
    }
    return out->failed ? ia_no_memory(err) : IA_OK;
}
