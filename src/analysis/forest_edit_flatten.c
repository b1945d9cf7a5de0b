/* SPDX-License-Identifier: MIT */
/* Flattening an image: what it reads from below is written into it. */
#include "analysis/forest_edit_internal.h"
#include "base/checked.h"

struct gap_fill {
    struct ia_interval_map_cursor below;
    int64_t unit;
    struct ia_patch_builder *patch;
};

/* Writes what lies below a gap of the image, in whole units: the gap begins and ends with one. */
static void fill_gap(void *ctx, int64_t start, int64_t end)
{
    struct gap_fill *fill = ctx;
    for (int64_t pos = start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t data = ia_interval_map_at(&fill->below, pos, &until);
        until = ia_min(until, end);
        if (data != 0)
            ia_patch_builder_put(fill->patch, ia_max(start, ia_round_down_to(pos, fill->unit)),
                                 ia_min(end, ia_round_up_to(until, fill->unit)), IA_EDIT_DATA);
        pos = until;
    }
}

enum ia_status ia_forest_edit_flatten(struct ia_forest_edit *edited, size_t node,
                                      const struct ia_forest_edit_terms *terms, struct ia_error *err)
{
    /* The content before is right for every image of a set: flattening changes what no image reads. */
    size_t parent = edited->before->nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return IA_OK;
    const struct ia_interval_map *below;
    IA_TRY(ia_contents_get(&edited->contents, parent, &below, err));
    IA_AUTO_PATCH_BUILDER struct ia_patch_builder patch;
    ia_patch_builder_init(&patch);
    struct gap_fill fill = {.below = {.steps = below}, .unit = terms->unit, .patch = &patch};
    IA_TRY(ia_forest_edit_walk_gaps(edited, node, 0, fill_gap, &fill, err));
    edited->edits[node].effect.needed_bytes = patch.put;
    edited->nodes[node].parent = IA_NO_PARENT;
    IA_TRY(ia_patch_builder_finish(&patch, &edited->edits[node], err));
    /* What the snapshots read from below was data, and is zeroes from now on. */
    return ia_forest_edit_change_snapshots(edited, node, below, err);
}
