/* SPDX-License-Identifier: MIT */
/* The capped sum of many step functions. Capped at 1 it is a union; what is capped is told apart no further, which also
 * keeps the sum of hundreds of overlays small. */
#ifndef IA_ANALYSIS_STEP_SUM_H
#define IA_ANALYSIS_STEP_SUM_H

#include "analysis/stepfunc.h"

/* Functions wait on a stack in which each is more than twice as large as the next: a step takes part in a logarithmic
 * number of additions, however many functions come and in whatever order. Zero-initialised but for `cap` is empty. */
struct ia_steps_sum {
    uint32_t cap; /* at most INT32_MAX */
    IA_VEC(struct ia_steps) stack;
};

void ia_steps_sum_release(struct ia_steps_sum *sum);

/* Takes ownership of *steps, whose values are at most the cap, in any case and leaves it empty. False when memory is
 * short. */
IA_MUST_CHECK bool ia_steps_sum_add(struct ia_steps_sum *sum, struct ia_steps *steps);

/* The sum of everything added; the sum is empty afterwards. False when memory is short. */
IA_MUST_CHECK bool ia_steps_sum_finish(struct ia_steps_sum *sum, struct ia_steps *out);

#endif
