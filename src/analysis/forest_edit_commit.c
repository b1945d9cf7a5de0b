/* SPDX-License-Identifier: MIT */
/* Committing an image into its backing image, as QEMU's mirror job does it (block/mirror.c): what the image holds is
 * copied in granules, read through the image, so that a granule of which the image holds a part is written as a whole.
 * A granule becomes zeroes only where one run of zeroes of the image covers it. */
#include "analysis/forest_edit_internal.h"
#include "analysis/interval_overlay.h"
#include "base/checked.h"

/* The granule is the cluster of the image that is written to, within these bounds, and the larger one where there are
 * no clusters (bdrv_get_default_bitmap_granularity). */
enum { GRANULE_MIN = 4096, GRANULE_MAX = 65536, BUFFER_EXTENTS = 4096 };

struct commit {
    struct ia_forest_edit *edited;
    size_t node, base;
    struct ia_forest_edit_terms terms; /* of the base */
    int64_t granule;
    int64_t size, base_size, grown;         /* of the image, of its base before and after */
    int64_t tail_end;                       /* up to here the last cluster of the base goes on when the base grows */
    uint32_t tail;                          /* as what: a value of a patch */
    struct ia_patch_builder patch;          /* of the base */
    struct ia_interval_map_overlay changed; /* 1 where the base reads otherwise than before */
    struct ia_interval_map_cursor content;  /* of the base before */
};

static const struct ia_interval_map nowhere;

/* Writes to the base. Where it grows, its last cluster goes on first. Behind that a larger backing image of its own
 * would show through: QEMU lays zeroes there. */
static void put(struct commit *commit, int64_t start, int64_t end, uint32_t value)
{
    size_t below = commit->edited->before->nodes[commit->base].parent;
    bool shows = below != IA_NO_PARENT && commit->edited->before->nodes[below].size > commit->base_size;
    int64_t put = commit->patch.put;
    ia_patch_builder_put(&commit->patch, commit->base_size, ia_min(start, commit->tail_end), commit->tail);
    commit->patch.put = put; /* the cluster is there */
    if (shows || commit->terms.is_plain)
        ia_patch_builder_put(&commit->patch, ia_max(commit->base_size, commit->tail_end), start, IA_EDIT_ZERO);
    ia_patch_builder_put(&commit->patch, start, end, value);
}

static void put_data(struct commit *commit, int64_t start, int64_t end)
{
    start = ia_round_down_to(start, commit->granule);
    end = ia_min(ia_round_up_to(end, commit->granule), commit->size);
    put(commit, ia_round_down_to(start, commit->terms.unit),
        ia_min(ia_round_up_to(end, commit->terms.unit), commit->grown), IA_EDIT_DATA);
}

static void put_zeroes(struct commit *commit, int64_t start, int64_t end)
{
    int64_t inner = ia_round_up_to(start, commit->granule);
    int64_t inner_end = ia_round_down_to(end, commit->granule);
    bool whole = inner % commit->terms.cluster == 0 && inner_end % commit->terms.cluster == 0;
    if (commit->terms.zeroes == IA_ZEROES_DATA || inner >= inner_end || !whole) {
        put_data(commit, start, end);
        return;
    }
    if (start < inner)
        put_data(commit, start, inner);
    put(commit, inner, inner_end, commit->terms.zeroes == IA_ZEROES_KEPT ? IA_EDIT_ZERO : IA_EDIT_DROP);
    if (inner_end < end)
        put_data(commit, inner_end, end);
}

/* Data may differ from what is there; zeroes do where that is data. */
static void note_change(struct commit *commit, const struct ia_extent *extent)
{
    int64_t end = extent->start + extent->length;
    if (ia_extent_is_data(extent)) {
        ia_interval_map_overlay_put(&commit->changed, extent->start, extent->length, 1);
        return;
    }
    for (int64_t pos = extent->start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t data = ia_interval_map_at(&commit->content, pos, &until);
        until = ia_min(until, end);
        if (data != 0)
            ia_interval_map_overlay_put(&commit->changed, pos, until - pos, 1);
        pos = until;
    }
}

/* What the base has in its last cluster, if that is not used up. */
static enum ia_status find_tail(struct commit *commit, struct ia_error *err)
{
    if (commit->grown == commit->base_size || commit->base_size % commit->terms.unit == 0)
        return IA_OK;
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, commit->edited->before, commit->base, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have;
    enum ia_status status;
    while ((status = ia_extent_reader_next(&reader, &extent, &have, err)) == IA_OK && have)
        if (extent.start + extent.length == commit->base_size && ia_extent_is_present(&extent)) {
            commit->tail = ia_extent_is_data(&extent) ? IA_EDIT_DATA : IA_EDIT_ZERO;
            commit->tail_end = ia_min(ia_round_up_to(commit->base_size, commit->terms.unit), commit->grown);
        }
    ia_extent_reader_release(&reader);
    return status;
}

static enum ia_status copy_image(struct commit *commit, struct ia_error *err)
{
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, commit->edited->before, commit->node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have;
    enum ia_status status;
    while ((status = ia_extent_reader_next(&reader, &extent, &have, err)) == IA_OK && have) {
        if (!ia_extent_is_present(&extent))
            continue;
        if (ia_extent_is_data(&extent))
            put_data(commit, extent.start, extent.start + extent.length);
        else
            put_zeroes(commit, extent.start, extent.start + extent.length);
        note_change(commit, &extent);
    }
    ia_extent_reader_release(&reader);
    put(commit, commit->grown, commit->grown, IA_EDIT_ZERO);
    return status;
}

/* An emptied image gives its own space back, as if all of it became zeroes. */
static enum ia_status empty(struct ia_forest_edit *edited, size_t node, const struct ia_forest_edit_terms *terms,
                            struct ia_error *err)
{
    struct ia_interval_map all = {0};
    if (!ia_interval_map_constant(&all, INT64_MAX, IA_EDIT_ZERO))
        return ia_no_memory(err);
    enum ia_status status = ia_forest_edit_account(edited, node, terms, &all, err);
    ia_interval_map_release(&all);
    edited->edits[node].emptied = true;
    return status;
}

static enum ia_status write_base(struct commit *commit, struct ia_interval_map *changed, struct ia_error *err)
{
    ia_patch_builder_init(&commit->patch);
    ia_interval_map_overlay_begin(&commit->changed, &nowhere, commit->grown);
    struct ia_edit *edit = &commit->edited->edits[commit->base];
    enum ia_status status = find_tail(commit, err);
    if (status == IA_OK)
        status = copy_image(commit, err);
    if (status != IA_OK) {
        ia_patch_builder_abandon(&commit->patch);
        ia_interval_map_overlay_abandon(&commit->changed);
        return status;
    }
    edit->effect.needed_bytes = commit->patch.put;
    status = ia_patch_builder_finish(&commit->patch, edit, err);
    if (!ia_interval_map_overlay_finish(&commit->changed, changed))
        return ia_no_memory(err);
    return status == IA_OK ? ia_forest_edit_account(commit->edited, commit->base, &commit->terms, &edit->patch, err)
                           : status;
}

enum ia_status ia_forest_edit_commit(struct ia_forest_edit *edited, size_t node, const struct ia_forest_edit_terms *own,
                                     const struct ia_forest_edit_terms *base, struct ia_error *err)
{
    const struct ia_forest_node *nodes = edited->before->nodes;
    size_t parent = nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return ia_fail(err, IA_USAGE, "an image without a backing image cannot be committed");
    int64_t cluster = base->cluster > 1 ? base->cluster : GRANULE_MAX;
    struct commit commit = {
        .edited = edited,
        .node = node,
        .base = parent,
        .terms = *base,
        .granule = ia_max(GRANULE_MIN, ia_min(GRANULE_MAX, cluster)),
        .size = nodes[node].size,
        .base_size = nodes[parent].size,
        .grown = ia_max(nodes[node].size, nodes[parent].size),
    };
    const struct ia_interval_map *content;
    struct ia_interval_map changed = {0};
    enum ia_status status = ia_contents_get(&edited->contents, parent, &content, err);
    if (status != IA_OK)
        return status;
    commit.content = (struct ia_interval_map_cursor){.steps = content};
    status = write_base(&commit, &changed, err);
    if (status == IA_OK)
        status = ia_forest_edit_change_readers(edited, parent, &changed, err);
    ia_interval_map_release(&changed);
    edited->nodes[parent].size = commit.grown;
    return status == IA_OK && own->can_be_empty ? empty(edited, node, own, err) : status;
}
