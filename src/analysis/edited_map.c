/* SPDX-License-Identifier: MIT */
/* Taking turns between what was there and what is written over it. */
#include "analysis/edited_map.h"

#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

bool ia_edited_map_open(struct ia_edited_map *patched, const struct ia_forest *before, size_t node,
                        const struct ia_interval_map *patch, int64_t size)
{
    ia_edited_map_close(patched);
    if (!ia_extent_reader_init(&patched->original, before, node, 0, BUFFER_EXTENTS))
        return false;
    patched->open = true;
    patched->have = true; /* an extent of no length: the first is fetched at 0 */
    patched->patch = (struct ia_interval_map_cursor){.steps = patch};
    patched->size = size;
    return true;
}

void ia_edited_map_close(struct ia_edited_map *patched)
{
    if (patched->open)
        ia_extent_reader_release(&patched->original);
    *patched = (struct ia_edited_map){0};
}

/* Goes on to the first original extent that does not end at pos or before. */
static enum ia_status fetch(struct ia_edited_map *patched, struct ia_error *err)
{
    while (patched->have && patched->extent.start + patched->extent.length <= patched->pos)
        IA_TRY(ia_extent_reader_next(&patched->original, &patched->extent, &patched->have, err));
    return IA_OK;
}

static struct ia_extent written(const struct ia_edited_map *patched, uint32_t value, int64_t until)
{
    bool data = value == IA_EDIT_DATA;
    return (struct ia_extent){
        .start = patched->pos,
        .length = until - patched->pos,
        .state = data ? IA_EXTENT_DATA : IA_EXTENT_ZERO,
        .offset = data ? patched->pos : IA_NO_OFFSET,
        .file = data ? IA_EDIT_FILE : 0,
    };
}

/* The part of the present original extent from pos on, up to `until` at most. */
static struct ia_extent kept(const struct ia_edited_map *patched, int64_t until)
{
    struct ia_extent part = patched->extent;
    int64_t skipped = ia_max(0, patched->pos - part.start);
    part.start += skipped;
    part.length = ia_min(part.length - skipped, until - part.start);
    if (part.offset != IA_NO_OFFSET)
        part.offset += skipped;
    return part;
}

/* A piece from pos on, up to `until` at most, where there is one. */
static enum ia_status piece(struct ia_edited_map *patched, uint32_t value, int64_t until, struct ia_extent *extent,
                            bool *have, struct ia_error *err)
{
    *have = false;
    if (value == IA_EDIT_DROP)
        return IA_OK;
    if (value != IA_EDIT_KEEP) {
        *extent = written(patched, value, until);
        *have = true;
        return IA_OK;
    }
    IA_TRY(fetch(patched, err));
    *have = patched->have && patched->extent.start < until;
    if (*have)
        *extent = kept(patched, until);
    return IA_OK;
}

enum ia_status ia_edited_map_next(struct ia_edited_map *patched, struct ia_extent *extent, bool *have,
                                  struct ia_error *err)
{
    *have = false;
    while (patched->pos < patched->size && !*have) { /* ends: every turn moves pos */
        int64_t until;
        uint32_t value = ia_interval_map_at(&patched->patch, patched->pos, &until);
        until = ia_min(until, patched->size);
        enum ia_status status = piece(patched, value, until, extent, have, err);
        patched->pos = *have ? extent->start + extent->length : until;
        IA_TRY(status);
    }
    return IA_OK;
}
