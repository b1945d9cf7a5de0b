/* SPDX-License-Identifier: MIT */
/* The only place where extents are ordered, clipped and merged.
 * A driver pushes runs in ascending guest order; the sink cuts them at the mapping's size, joins neighbours that are
 * one extent, and keeps finished ones in a batch for the consumer. */
#ifndef IA_MODEL_EXTENT_SINK_H
#define IA_MODEL_EXTENT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"
#include "model/extent.h"

struct ia_extent_sink {
    int64_t size;        /* guest bytes of the mapping: nothing is kept past it */
    int64_t max_extents; /* bound on everything pushed */
    int64_t total;       /* extents finished so far */
    int64_t end;         /* where the last push ended: pushes never go back */
    bool has_open;       /* `open` may still grow */
    struct ia_extent open;
    IA_VEC(struct ia_extent) batch; /* finished extents, in order */
};

void ia_extent_sink_init(struct ia_extent_sink *sink, int64_t size, int64_t max_extents);
void ia_extent_sink_release(struct ia_extent_sink *sink);

/* extent->length > 0 and extent->start >= the end of the last push; else IA_BUG. IA_LIMIT past max_extents. */
IA_MUST_CHECK enum ia_status ia_extent_sink_push(struct ia_extent_sink *sink, const struct ia_extent *extent,
                                                 struct ia_error *err);

/* No more pushes: the open extent moves to the batch. */
IA_MUST_CHECK enum ia_status ia_extent_sink_finish(struct ia_extent_sink *sink, struct ia_error *err);

/* b continues a: same state, adjacent guest bytes, and the host offset goes on too (or neither has one). */
bool ia_extent_continues(const struct ia_extent *a, const struct ia_extent *b);

#endif
