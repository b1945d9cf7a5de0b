/* SPDX-License-Identifier: MIT */
/* The active mapping of an image with ranges of it written anew: what a copying action leaves behind. */
#ifndef IA_ANALYSIS_EDITED_MAP_H
#define IA_ANALYSIS_EDITED_MAP_H

#include <stdbool.h>

#include "analysis/extent_reader.h"
#include "analysis/interval_map.h"

/* Values of a edits. */
enum { IA_EDIT_KEEP = 0, IA_EDIT_ZERO = 1, IA_EDIT_DATA = 2, IA_EDIT_DROP = 3 /* unallocated */ };

/* Where data that a edits writes lies: in no file that there is, so that no snapshot holds it. */
#define IA_EDIT_FILE UINT32_MAX

/* Zero-initialised is closed. */
struct ia_edited_map {
    struct ia_extent_reader original;
    struct ia_extent extent; /* of the original, one that does not end before pos, while `have` */
    bool open, have;
    struct ia_interval_map_cursor edits;
    int64_t pos, size;
};

/* Forest, edits and node must stay; `size` is the mapping's after the action. Opens anew what is open. False when
 * memory is short. */
IA_MUST_CHECK bool ia_edited_map_open(struct ia_edited_map *edited, const struct ia_forest *before, size_t node,
                                      const struct ia_interval_map *edits, int64_t size);
void ia_edited_map_close(struct ia_edited_map *edited);

/* The next extent, in ascending order; *have = false at the end. */
IA_MUST_CHECK enum ia_status ia_edited_map_next(struct ia_edited_map *edited, struct ia_extent *extent, bool *have,
                                                struct ia_error *err);

#endif
