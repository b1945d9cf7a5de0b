/* SPDX-License-Identifier: MIT */
/* Fetching, checking and cutting extents. */
#include "analysis/extent_reader.h"

#include <stdlib.h>

#include "base/checked.h"

bool ia_extent_reader_init(struct ia_extent_reader *reader, const struct ia_forest *forest, size_t node, size_t mapping,
                           size_t capacity)
{
    const struct ia_forest_node *of = &forest->nodes[node];
    *reader = (struct ia_extent_reader){
        .forest = forest,
        .node = node,
        .mapping = mapping,
        .size = mapping == 0 ? of->size : of->snapshot_sizes[mapping - 1],
        .buffer = malloc(capacity * sizeof(struct ia_extent)),
        .capacity = capacity,
    };
    return reader->buffer != NULL;
}

void ia_extent_reader_release(struct ia_extent_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

static enum ia_status check(const struct ia_extent_reader *reader, const struct ia_extent *extent, struct ia_error *err)
{
    if (extent->start < reader->end || !ia_range_inside(extent->start, extent->length, INT64_MAX) ||
        extent->length == 0 || extent->state >= IA_EXTENT_STATES)
        return ia_fail(err, IA_BUG, "extent [%jd, +%jd) of state %u out of order in mapping %zu of node %zu",
                       (intmax_t)extent->start, (intmax_t)extent->length, (unsigned)extent->state, reader->mapping,
                       reader->node);
    return IA_OK;
}

static enum ia_status fetch(struct ia_extent_reader *reader, struct ia_error *err)
{
    const struct ia_forest *forest = reader->forest;
    reader->next = 0;
    reader->count = 0;
    IA_TRY(reader->end >= reader->size ? IA_OK
                                       : forest->read(forest->ctx, reader->node, reader->mapping, reader->end,
                                                      reader->buffer, reader->capacity, &reader->count, err));
    reader->at_end = reader->count == 0;
    return IA_OK;
}

enum ia_status ia_extent_reader_next(struct ia_extent_reader *reader, struct ia_extent *extent, bool *have,
                                     struct ia_error *err)
{
    *have = false;
    if (reader->next == reader->count && !reader->at_end)
        IA_TRY(fetch(reader, err));
    if (reader->at_end)
        return IA_OK;
    const struct ia_extent *from = &reader->buffer[reader->next++];
    IA_TRY(check(reader, from, err));
    reader->end = from->start + from->length;
    if (from->start >= reader->size) { /* so are all that follow */
        reader->at_end = true;
        return IA_OK;
    }
    *extent = *from;
    extent->length = ia_min(from->length, reader->size - from->start);
    if (extent->offset < 0 || extent->offset > INT64_MAX - extent->length)
        extent->offset = IA_NO_OFFSET;
    *have = true;
    return IA_OK;
}
