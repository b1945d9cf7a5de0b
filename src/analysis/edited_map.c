/* SPDX-License-Identifier: MIT */
/* Taking turns between what was there and what is written over it. */
#include "analysis/edited_map.h"

#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

bool ia_edited_map_open(struct ia_edited_map *edited, const struct ia_forest *before, size_t node,
                        const struct ia_interval_map *edits, int64_t size)
{
    ia_edited_map_close(edited);
    if (!ia_extent_reader_init(&edited->original, before, node, 0, BUFFER_EXTENTS))
        return false;
    edited->open = true;
    edited->have = true; /* an extent of no length: the first is fetched at 0 */
    edited->edits = (struct ia_interval_map_cursor){.steps = edits};
    edited->size = size;
    return true;
}

void ia_edited_map_close(struct ia_edited_map *edited)
{
    if (edited->open)
        ia_extent_reader_release(&edited->original);
    *edited = (struct ia_edited_map){0};
}

/* Goes on to the first original extent that does not end at pos or before. */
static enum ia_status fetch(struct ia_edited_map *edited, struct ia_error *err)
{
    while (edited->have && edited->extent.start + edited->extent.length <= edited->pos)
        IA_TRY(ia_extent_reader_next(&edited->original, &edited->extent, &edited->have, err));
    return IA_OK;
}

static struct ia_extent written(const struct ia_edited_map *edited, uint32_t value, int64_t until)
{
    bool data = value == IA_EDIT_DATA;
    return (struct ia_extent){
        .start = edited->pos,
        .length = until - edited->pos,
        .state = data ? IA_EXTENT_DATA : IA_EXTENT_ZERO,
        .offset = data ? edited->pos : IA_NO_OFFSET,
        .file = data ? IA_EDIT_FILE : 0,
    };
}

/* The part of the present original extent from pos on, up to `until` at most. */
static struct ia_extent kept(const struct ia_edited_map *edited, int64_t until)
{
    struct ia_extent part = edited->extent;
    int64_t skipped = ia_max(0, edited->pos - part.start);
    part.start += skipped;
    part.length = ia_min(part.length - skipped, until - part.start);
    if (part.offset != IA_NO_OFFSET)
        part.offset += skipped;
    return part;
}

/* A piece from pos on, up to `until` at most, where there is one. */
static enum ia_status piece(struct ia_edited_map *edited, uint32_t value, int64_t until, struct ia_extent *extent,
                            bool *have, struct ia_error *err)
{
    *have = false;
    if (value == IA_EDIT_DROP)
        return IA_OK;
    if (value != IA_EDIT_KEEP) {
        *extent = written(edited, value, until);
        *have = true;
        return IA_OK;
    }
    IA_TRY(fetch(edited, err));
    *have = edited->have && edited->extent.start < until;
    if (*have)
        *extent = kept(edited, until);
    return IA_OK;
}

enum ia_status ia_edited_map_next(struct ia_edited_map *edited, struct ia_extent *extent, bool *have,
                                  struct ia_error *err)
{
    *have = false;
    while (edited->pos < edited->size && !*have) { /* ends: every turn moves pos */
        int64_t until;
        uint32_t value = ia_interval_map_at(&edited->edits, edited->pos, &until);
        until = ia_min(until, edited->size);
        enum ia_status status = piece(edited, value, until, extent, have, err);
        edited->pos = *have ? extent->start + extent->length : until;
        IA_TRY(status);
    }
    return IA_OK;
}
