/* SPDX-License-Identifier: MIT */
/* Symbolic links in the way of a name. Nothing is opened. */
#ifndef IA_SCAN_GRAPH_LINK_AGE_H
#define IA_SCAN_GRAPH_LINK_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* An absolute name is this canonical path but for empty components, . and .. in it: it goes by no link, unless one
 * comes out where it would without. */
bool ia_path_is_plainly(const char *name, const char *canonical);

/* mtime of the youngest of the links that an absolute path goes by, as far as it leads; -1: it goes by none. A link
 * that is turned is made anew; copies that keep time stamps keep this one. */
int64_t ia_youngest_link(const char *path);

#endif
