/* SPDX-License-Identifier: MIT */
/* Telling visible, shared and masked bytes apart. */
#include "analysis/usage.h"

#include "base/checked.h"

void ia_usage_release(struct ia_usage_counter *counter)
{
    ia_host_ranges_release(&counter->held);
    ia_vec_release(&counter->seen);
}

static void count_read(struct ia_usage_counter *counter, const struct ia_extent *extent, int64_t length,
                       uint32_t readers)
{
    struct ia_usage *usage = &counter->usage;
    usage->visible_present += length;
    if (!ia_extent_is_data(extent))
        return;
    usage->visible_bytes += length;
    if (readers == 1)
        usage->exclusive_bytes += length;
    else
        usage->shared_bytes += length;
    while (counter->seen.len <= readers && !counter->failed) /* ends: there are no more readers than images */
        counter->failed = !ia_vec_push(&counter->seen, 0);
    if (!counter->failed)
        counter->seen.items[readers] += length;
}

static enum ia_status emit_masked(struct ia_usage_counter *counter, const struct ia_extent *extent, int64_t start,
                                  int64_t length, struct ia_error *err)
{
    counter->usage.masked_bytes += length;
    if (counter->sinks->masked == NULL)
        return IA_OK;
    struct ia_extent piece = *extent;
    piece.start = start;
    piece.length = length;
    if (piece.offset != IA_NO_OFFSET)
        piece.offset += start - extent->start;
    return counter->sinks->masked(counter->sinks->ctx, counter->node, &piece, err);
}

/* A part of a data extent that no reader sees is masked unless a snapshot of the image uses its host bytes. */
static enum ia_status count_unread(struct ia_usage_counter *counter, const struct ia_extent *extent, int64_t start,
                                   int64_t end, struct ia_error *err)
{
    if (!counter->has_snapshots)
        return emit_masked(counter, extent, start, end - start, err);
    if (extent->offset == IA_NO_OFFSET || extent->state == IA_EXTENT_COMPRESSED) {
        count_read(counter, extent, end - start, 1);
        return IA_OK;
    }
    for (int64_t pos = start; pos < end;) { /* ends: until is past `host` */
        int64_t host = extent->offset + (pos - extent->start);
        int64_t until;
        bool held = ia_host_ranges_has(&counter->held, extent->file, host, &until);
        int64_t length = ia_min(end - pos, until - host);
        if (held)
            count_read(counter, extent, length, 1);
        else
            IA_TRY(emit_masked(counter, extent, pos, length, err));
        pos += length;
    }
    return IA_OK;
}

enum ia_status ia_usage_count(struct ia_usage_counter *counter, const struct ia_extent *extent, int64_t start,
                              int64_t end, uint32_t readers, struct ia_error *err)
{
    if (readers > 0)
        count_read(counter, extent, end - start, readers);
    else if (ia_extent_is_data(extent))
        return count_unread(counter, extent, start, end, err);
    return IA_OK;
}

enum ia_status ia_usage_emit(struct ia_usage_counter *counter, struct ia_error *err)
{
    const struct ia_forest_sinks *sinks = counter->sinks;
    if (counter->failed)
        return ia_no_memory(err);
    for (size_t readers = 1; readers < counter->seen.len && sinks->seen != NULL; readers++)
        if (counter->seen.items[readers] > 0)
            IA_TRY(sinks->seen(sinks->ctx, counter->node, (uint32_t)readers, counter->seen.items[readers], err));
    if (sinks->usage != NULL)
        IA_TRY(sinks->usage(sinks->ctx, counter->node, &counter->usage, err));
    return IA_OK;
}
