/* SPDX-License-Identifier: MIT */
/* Ordering, clipping and merging of extents. */
#include "model/extent_sink.h"

void ia_extent_sink_init(struct ia_extent_sink *sink, int64_t size, int64_t max_extents)
{
    *sink = (struct ia_extent_sink){.size = size, .max_extents = max_extents};
}

void ia_extent_sink_release(struct ia_extent_sink *sink)
{
    ia_vec_release(&sink->batch);
}

bool ia_extent_continues(const struct ia_extent *a, const struct ia_extent *b)
{
    if (a->state != b->state || a->file != b->file || b->start - a->start != a->length)
        return false;
    if (a->offset == IA_NO_OFFSET || b->offset == IA_NO_OFFSET)
        return a->offset == b->offset;
    return b->offset - a->offset == a->length; /* neither is negative: no overflow */
}

static enum ia_status close_open(struct ia_extent_sink *sink, struct ia_error *err)
{
    if (!sink->has_open)
        return IA_OK;
    if (sink->total >= sink->max_extents)
        return ia_fail(err, IA_LIMIT, "more than %jd extents", (intmax_t)sink->max_extents);
    if (!ia_vec_push(&sink->batch, sink->open))
        return ia_no_memory(err);
    sink->total++;
    sink->has_open = false;
    return IA_OK;
}

enum ia_status ia_extent_sink_push(struct ia_extent_sink *sink, const struct ia_extent *extent, struct ia_error *err)
{
    if (extent->length <= 0 || extent->start < sink->end)
        return ia_fail(err, IA_BUG, "extent at %jd pushed out of order", (intmax_t)extent->start);
    if (extent->start >= sink->size)
        return IA_OK;

    struct ia_extent cut = *extent;
    if (cut.length > sink->size - cut.start)
        cut.length = sink->size - cut.start;
    sink->end = cut.start + cut.length;

    if (sink->has_open && ia_extent_continues(&sink->open, &cut)) {
        sink->open.length += cut.length;
        return IA_OK;
    }
    IA_TRY(close_open(sink, err));
    sink->open = cut;
    sink->has_open = true;
    return IA_OK;
}

enum ia_status ia_extent_sink_finish(struct ia_extent_sink *sink, struct ia_error *err)
{
    return close_open(sink, err);
}
