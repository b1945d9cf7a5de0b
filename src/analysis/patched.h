/* SPDX-License-Identifier: MIT */
/* The active mapping of an image with ranges of it written anew: what a copying action leaves behind. */
#ifndef IA_ANALYSIS_PATCHED_H
#define IA_ANALYSIS_PATCHED_H

#include <stdbool.h>

#include "analysis/extent_reader.h"
#include "analysis/stepfunc.h"

/* Values of a patch. */
enum { IA_PATCH_KEEP = 0, IA_PATCH_ZERO = 1, IA_PATCH_DATA = 2, IA_PATCH_DROP = 3 /* unallocated */ };

/* Where data that a patch writes lies: in no file that there is, so that no snapshot holds it. */
#define IA_PATCH_FILE UINT32_MAX

/* Zero-initialised is closed. */
struct ia_patched {
    struct ia_extent_reader original;
    struct ia_extent extent; /* of the original, one that does not end before pos, while `have` */
    bool open, have;
    struct ia_steps_cursor patch;
    int64_t pos, size;
};

/* Forest, patch and node must stay; `size` is the mapping's after the action. Opens anew what is open. False when
 * memory is short. */
IA_MUST_CHECK bool ia_patched_open(struct ia_patched *patched, const struct ia_forest *before, size_t node,
                                   const struct ia_steps *patch, int64_t size);
void ia_patched_close(struct ia_patched *patched);

/* The next extent, in ascending order; *have = false at the end. */
IA_MUST_CHECK enum ia_status ia_patched_next(struct ia_patched *patched, struct ia_extent *extent, bool *have,
                                             struct ia_error *err);

#endif
