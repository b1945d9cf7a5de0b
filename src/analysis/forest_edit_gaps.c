/* SPDX-License-Identifier: MIT */
/* The gaps of a mapping: where the image reads what lies below it. */
#include "analysis/forest_edit_internal.h"
#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

enum ia_status ia_forest_edit_walk_gaps(const struct ia_forest_edit *edited, size_t node, size_t mapping,
                                        ia_gap_sink *see, void *ctx, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, edited->before, node, mapping, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have = true;
    int64_t pos = 0;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (!have || !ia_extent_is_present(&extent))
            continue;
        see(ctx, pos, extent.start);
        pos = extent.start + extent.length;
    }
    see(ctx, pos, reader.size);
    return IA_OK;
}

/* Sum of the places in [start, end) where the function is not 0. Positions must ascend from call to call. */
static int64_t measure(struct ia_interval_map_cursor *cursor, int64_t start, int64_t end)
{
    int64_t sum = 0;
    while (start < end) { /* ends: until is past start */
        int64_t until;
        uint32_t value = ia_interval_map_at(cursor, start, &until);
        until = ia_min(until, end);
        if (value != 0)
            sum += until - start;
        start = until;
    }
    return sum;
}

struct gap_count {
    struct ia_interval_map_cursor below;
    int64_t bytes;
};

static void count_gap(void *ctx, int64_t start, int64_t end)
{
    struct gap_count *count = ctx;
    count->bytes += measure(&count->below, start, end);
}

enum ia_status ia_forest_edit_count_through(const struct ia_forest_edit *edited, size_t node, size_t mapping,
                                            const struct ia_interval_map *below, int64_t *bytes, struct ia_error *err)
{
    struct gap_count count = {.below = {.steps = below}};
    IA_TRY(ia_forest_edit_walk_gaps(edited, node, mapping, count_gap, &count, err));
    *bytes = count.bytes;
    return IA_OK;
}
