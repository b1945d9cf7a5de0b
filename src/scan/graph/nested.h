/* SPDX-License-Identifier: MIT */
/* What names of images lead to besides their main files: inside json: descriptions and behind stacked protocols. */
#ifndef IA_SCAN_GRAPH_NESTED_H
#define IA_SCAN_GRAPH_NESTED_H

#include "scan/graph/links.h"

/* Fills node->nested anew, and what of the names are services. *deferred: one leads to a file that may not be added
 * yet.
 */
IA_MUST_CHECK enum ia_status ia_links_resolve_nested(struct ia_links *links, size_t image, enum ia_files_read allowed,
                                                     bool *deferred, struct ia_error *err);

/* The findings about them. */
void ia_links_judge_nested(struct ia_links *links, const struct ia_file *file);

#endif
