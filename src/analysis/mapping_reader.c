/* SPDX-License-Identifier: MIT */
/* Checking and cutting the extents of a stream. */
#include "analysis/mapping_reader.h"

#include "base/checked.h"

enum ia_status ia_mapping_reader_open(struct ia_mapping_reader *reader, const struct ia_forest *forest, size_t node,
                                      size_t mapping, struct ia_error *err)
{
    const struct ia_forest_node *of = &forest->nodes[node];
    *reader = (struct ia_mapping_reader){
        .node = node,
        .mapping = mapping,
        .size = mapping == 0 ? of->size : of->snapshot_sizes[mapping - 1],
    };
    return forest->open(forest->ctx, node, mapping, &reader->stream, err);
}

void ia_mapping_reader_close(struct ia_mapping_reader *reader)
{
    if (reader->stream != NULL)
        reader->stream->ops->close(reader->stream);
    reader->stream = NULL;
}

static enum ia_status check(const struct ia_mapping_reader *reader, const struct ia_extent *extent,
                            struct ia_error *err)
{
    if (extent->start < reader->end || !ia_range_inside(extent->start, extent->length, INT64_MAX) ||
        extent->length == 0 || extent->state >= IA_EXTENT_STATES)
        return ia_fail(err, IA_BUG, "extent [%jd, +%jd) of state %u out of order in mapping %zu of node %zu",
                       (intmax_t)extent->start, (intmax_t)extent->length, (unsigned)extent->state, reader->mapping,
                       reader->node);
    return IA_OK;
}

enum ia_status ia_mapping_reader_next(struct ia_mapping_reader *reader, struct ia_extent *extent, bool *have,
                                      struct ia_error *err)
{
    *have = false;
    if (reader->next == reader->count) {
        reader->next = 0;
        reader->count = 0;
        enum ia_status status = reader->stream->ops->next(reader->stream, &reader->batch, &reader->count, err);
        if (status != IA_OK || reader->count == 0)
            return status;
    }
    const struct ia_extent *from = &reader->batch[reader->next++];
    enum ia_status status = check(reader, from, err);
    if (status != IA_OK)
        return status;
    if (from->start >= reader->size) { /* so are all that follow */
        reader->next = reader->count;
        return IA_OK;
    }
    *extent = *from;
    reader->end = from->start + from->length;
    extent->length = ia_min(from->length, reader->size - from->start);
    if (extent->offset < 0 || extent->offset > INT64_MAX - extent->length)
        extent->offset = IA_NO_OFFSET;
    *have = true;
    return IA_OK;
}
