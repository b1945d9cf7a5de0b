/* SPDX-License-Identifier: MIT */
/* Drawing a tree of images, or a mere chain. */
#ifndef IA_REPORT_DRAW_H
#define IA_REPORT_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* A node in the order of drawing: each one comes after its parent, which is the last node before it of one level less.
 */
struct ia_draw_node {
    size_t level;     /* 0 for a root, at most one more than the node before */
    const char *path; /* bytes of a file name */
    const char *text; /* the rest of its line */
    bool marked;      /* the given image's node */
};

/* One line per node; a path below its parent's directory is shown from there on. `utf8`: box-drawing characters and
 * names in UTF-8, else ASCII. IA_BUG when levels make no tree. */
IA_MUST_CHECK enum ia_status ia_draw_tree(const struct ia_draw_node *nodes, size_t count, bool utf8, struct ia_buf *out,
                                          struct ia_error *err);

#endif
