/* SPDX-License-Identifier: MIT */
/* A step function with ranges of another value laid over it: what an overlay makes of the layers below it (the value is
 * its own), and what it leaves of the demand of those above it (the value is 0). */
#ifndef IA_ANALYSIS_STEP_OVERLAY_H
#define IA_ANALYSIS_STEP_OVERLAY_H

#include "analysis/stepfunc.h"

struct ia_steps_overlay {
    struct ia_steps_builder out;
    struct ia_steps_cursor below;
    int64_t pos; /* all before it is in `out` */
    int64_t end; /* the result is 0 from here on */
};

/* `below` must outlive the overlay. Either finish or abandon must follow. */
void ia_steps_overlay_begin(struct ia_steps_overlay *overlay, const struct ia_steps *below, int64_t end);

/* Ranges ascend and do not overlap; what lies past the end is ignored. */
void ia_steps_overlay_put(struct ia_steps_overlay *overlay, int64_t start, int64_t length, uint32_t value);

/* False when memory was short at any time; everything is released then. */
IA_MUST_CHECK bool ia_steps_overlay_finish(struct ia_steps_overlay *overlay, struct ia_steps *out);
void ia_steps_overlay_abandon(struct ia_steps_overlay *overlay);

#endif
