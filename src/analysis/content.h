/* SPDX-License-Identifier: MIT */
/* Which guest bytes of an image read as data, through its whole chain, and which as zeroes. */
#ifndef IA_ANALYSIS_CONTENT_H
#define IA_ANALYSIS_CONTENT_H

#include "analysis/forest.h"
#include "analysis/interval_map.h"

/* Contents that were computed, and those that they were made from: the images of a set often have the same ones below.
 * Zero-initialised but for `forest`, which must outlive it. */
struct ia_contents {
    const struct ia_forest *forest;
    struct ia_interval_map *steps; /* by node: 1 where data is read, else 0 */
    bool *known;                   /* by node */
};

void ia_contents_release(struct ia_contents *contents);

/* *out stays until the release; it is 0 from the image's end on. IA_NO_PARENT reads as nothing but zeroes. The links of
 * the forest must end (ia_tree_build checks this). */
IA_MUST_CHECK enum ia_status ia_contents_get(struct ia_contents *contents, size_t node,
                                             const struct ia_interval_map **out, struct ia_error *err);

#endif
