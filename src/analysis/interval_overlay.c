/* SPDX-License-Identifier: MIT */
/* Laying ranges over a interval map. */
#include "analysis/interval_overlay.h"

#include "base/checked.h"

void ia_interval_map_overlay_begin(struct ia_interval_map_overlay *overlay, const struct ia_interval_map *below,
                                   int64_t end)
{
    ia_interval_map_builder_init(&overlay->out);
    overlay->below = (struct ia_interval_map_cursor){.steps = below};
    overlay->pos = 0;
    overlay->end = end;
}

/* Takes over a whole chunk of `below`, in which the cursor is at pos, when it begins at pos and ends at or before
 * `limit`. The last chunk, which may be short, has no end: it is only taken over as the last one of an endless result.
 */
static bool share_chunk(struct ia_interval_map_overlay *overlay, int64_t limit)
{
    const struct ia_interval_map_cursor *at = &overlay->below;
    struct ia_interval_chunk *chunk = at->steps->chunks.items[at->chunk];
    int64_t end = ia_interval_map_chunk_end(at->steps, at->chunk);
    if (chunk->steps[0].at != overlay->pos || end > limit || !ia_interval_map_builder_share(&overlay->out, chunk))
        return false;
    overlay->pos = end;
    return true;
}

/* Copies `below` from pos up to `limit` or to the end of the chunk, in which the cursor is at pos. */
static void copy_chunk(struct ia_interval_map_overlay *overlay, const struct ia_interval_chunk *chunk, int64_t limit)
{
    struct ia_interval_map_cursor *at = &overlay->below;
    size_t last = ia_step_chunk_find(chunk, at->step, limit - 1);
    ia_interval_map_builder_set(&overlay->out, overlay->pos, chunk->steps[at->step].value);
    ia_interval_map_builder_copy(&overlay->out, chunk->steps + at->step + 1, last - at->step);
    overlay->pos = ia_min(limit, ia_interval_map_chunk_end(at->steps, at->chunk));
    at->step = last;
}

static void copy_below(struct ia_interval_map_overlay *overlay, int64_t limit)
{
    while (overlay->pos < limit) { /* ends: every turn moves pos */
        const struct ia_interval_chunk *chunk = ia_interval_map_seek(&overlay->below, overlay->pos);
        if (chunk == NULL) {
            ia_interval_map_builder_set(&overlay->out, overlay->pos, 0);
            overlay->pos = limit;
        } else if (!share_chunk(overlay, limit)) {
            copy_chunk(overlay, chunk, limit);
        }
    }
}

void ia_interval_map_overlay_put(struct ia_interval_map_overlay *overlay, int64_t start, int64_t length, uint32_t value)
{
    if (start >= overlay->end)
        return;
    copy_below(overlay, start);
    ia_interval_map_builder_set(&overlay->out, start, value);
    overlay->pos = start + ia_min(length, overlay->end - start);
}

bool ia_interval_map_overlay_finish(struct ia_interval_map_overlay *overlay, struct ia_interval_map *out)
{
    copy_below(overlay, overlay->end);
    ia_interval_map_builder_set(&overlay->out, overlay->end, 0);
    return ia_interval_map_builder_finish(&overlay->out, out);
}

void ia_interval_map_overlay_abandon(struct ia_interval_map_overlay *overlay)
{
    ia_interval_map_builder_abandon(&overlay->out);
}
