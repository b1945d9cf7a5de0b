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
    uint32_t tail;                          /* as what: a value of an edit */
    struct ia_patch_builder patch;          /* of the base */
    struct ia_interval_map_overlay changed; /* 1 where the base reads otherwise than before */
    struct ia_interval_map_cursor content;  /* of the base before */
};

static void release_commit(struct commit *commit)
{
    ia_patch_builder_abandon(&commit->patch);
    ia_interval_map_overlay_abandon(&commit->changed);
}

#define AUTO_COMMIT __attribute__((cleanup(release_commit)))

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
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, commit->edited->before, commit->base, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have = true;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (have && extent.start + extent.length == commit->base_size && ia_extent_is_present(&extent)) {
            commit->tail = ia_extent_is_data(&extent) ? IA_EDIT_DATA : IA_EDIT_ZERO;
            commit->tail_end = ia_min(ia_round_up_to(commit->base_size, commit->terms.unit), commit->grown);
        }
    }
    return IA_OK;
}

static enum ia_status copy_image(struct commit *commit, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, commit->edited->before, commit->node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have = true;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (!have || !ia_extent_is_present(&extent))
            continue;
        if (ia_extent_is_data(&extent))
            put_data(commit, extent.start, extent.start + extent.length);
        else
            put_zeroes(commit, extent.start, extent.start + extent.length);
        note_change(commit, &extent);
    }
    put(commit, commit->grown, commit->grown, IA_EDIT_ZERO);
    return IA_OK;
}

/* An emptied image gives its own space back, as if all of it became zeroes. */
static enum ia_status empty(struct ia_forest_edit *edited, size_t node, const struct ia_forest_edit_terms *terms,
                            struct ia_error *err)
{
    IA_AUTO_INTERVAL_MAP struct ia_interval_map all = {0};
    if (!ia_interval_map_constant(&all, INT64_MAX, IA_EDIT_ZERO))
        return ia_no_memory(err);
    IA_TRY(ia_forest_edit_account(edited, node, terms, &all, err));
    edited->edits[node].emptied = true;
    return IA_OK;
}

static enum ia_status write_base(struct commit *commit, struct ia_interval_map *changed, struct ia_error *err)
{
    ia_patch_builder_init(&commit->patch);
    ia_interval_map_overlay_begin(&commit->changed, &nowhere, commit->grown);
    struct ia_edit *edit = &commit->edited->edits[commit->base];
    IA_TRY(find_tail(commit, err));
    IA_TRY(copy_image(commit, err));
    edit->effect.needed_bytes = commit->patch.put;
    IA_TRY(ia_patch_builder_finish(&commit->patch, edit, err));
    if (!ia_interval_map_overlay_finish(&commit->changed, changed))
        return ia_no_memory(err);
    return ia_forest_edit_account(commit->edited, commit->base, &commit->terms, &edit->patch, err);
}

/* A base that is kept whole is a reader of itself: it reads all that is written to it. */
static int64_t count_changed(const struct ia_interval_map *changed, int64_t size)
{
    struct ia_interval_map_cursor cursor = {.steps = changed};
    int64_t bytes = 0;
    for (int64_t pos = 0; pos < size;) { /* ends: until is past pos */
        int64_t until;
        uint32_t value = ia_interval_map_at(&cursor, pos, &until);
        until = ia_min(until, size);
        bytes += value != 0 ? until - pos : 0;
        pos = until;
    }
    return bytes;
}

enum ia_status ia_forest_edit_commit(struct ia_forest_edit *edited, size_t node, const struct ia_forest_edit_terms *own,
                                     const struct ia_forest_edit_terms *base, struct ia_error *err)
{
    const struct ia_forest_node *nodes = edited->before->nodes;
    size_t parent = nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return ia_fail(err, IA_USAGE, "an image without a backing image cannot be committed");
    int64_t cluster = base->cluster > 1 ? base->cluster : GRANULE_MAX;
    AUTO_COMMIT struct commit commit = {
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
    IA_AUTO_INTERVAL_MAP struct ia_interval_map changed = {0};
    IA_TRY(ia_contents_get(&edited->contents, parent, &content, err));
    commit.content = (struct ia_interval_map_cursor){.steps = content};
    IA_TRY(write_base(&commit, &changed, err));
    IA_TRY(ia_forest_edit_change_readers(edited, parent, &changed, err));
    if (nodes[parent].keep_whole)
        edited->edits[parent].effect.changed_bytes = count_changed(&changed, commit.grown);
    edited->nodes[parent].size = commit.grown;
    return own->can_be_empty ? empty(edited, node, own, err) : IA_OK;
}
