/* SPDX-License-Identifier: MIT */
/* The images that read otherwise when one is written to: its overlays, and theirs as far as these let it through. */
#include <stdlib.h>

#include "analysis/forest_edit_internal.h"
#include "analysis/interval_overlay.h"

enum { BUFFER_EXTENTS = 4096 };

/* What of `below` an image lets through. */
static enum ia_status let_through(const struct ia_forest_edit *edited, size_t node, const struct ia_interval_map *below,
                                  struct ia_interval_map *out, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, edited->before, node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    IA_AUTO_INTERVAL_MAP_OVERLAY struct ia_interval_map_overlay overlay;
    ia_interval_map_overlay_begin(&overlay, below, edited->before->nodes[node].size);
    struct ia_extent extent;
    bool have = true;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (have && ia_extent_is_present(&extent))
            ia_interval_map_overlay_put(&overlay, extent.start, extent.length, 0);
    }
    return ia_interval_map_overlay_finish(&overlay, out) ? IA_OK : ia_no_memory(err);
}

/* Makes the list of a node's snapshot changes, all 0, if there is none. */
static enum ia_status list_snapshots(struct ia_forest_edit *edited, size_t node, struct ia_error *err)
{
    struct ia_edit *edit = &edited->edits[node];
    if (edit->snapshot_changes == NULL)
        edit->snapshot_changes = calloc(edited->before->nodes[node].snapshots + 1, sizeof(*edit->snapshot_changes));
    return edit->snapshot_changes != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_forest_edit_change_snapshots(struct ia_forest_edit *edited, size_t node,
                                               const struct ia_interval_map *below, struct ia_error *err)
{
    size_t snapshots = edited->before->nodes[node].snapshots;
    if (snapshots > 0)
        IA_TRY(list_snapshots(edited, node, err));
    for (size_t i = 0; i < snapshots; i++)
        IA_TRY(ia_forest_edit_count_through(edited, node, i + 1, below, &edited->edits[node].snapshot_changes[i], err));
    return IA_OK;
}

struct change {
    size_t node;
    struct ia_interval_map steps; /* where the node reads otherwise */
};

struct changes {
    IA_VEC(struct change) queue; /* nodes, each behind its backing image */
};

static void release_changes(struct changes *changes)
{
    for (size_t i = 0; i < changes->queue.len; i++)
        ia_interval_map_release(&changes->queue.items[i].steps);
    ia_vec_release(&changes->queue);
}

#define AUTO_CHANGES __attribute__((cleanup(release_changes)))

/* Counts what changes for an image whose backing image reads otherwise. If it lets some of that through, its overlays
 * are to come too. */
static enum ia_status change_dependent(struct ia_forest_edit *edited, size_t node, const struct ia_interval_map *below,
                                       struct changes *changes, struct ia_error *err)
{
    int64_t *bytes = &edited->edits[node].effect.changed_bytes;
    IA_TRY(ia_forest_edit_change_snapshots(edited, node, below, err));
    IA_TRY(ia_forest_edit_count_through(edited, node, 0, below, bytes, err));
    if (*bytes == 0)
        return IA_OK;
    struct change change = {.node = node};
    IA_TRY(let_through(edited, node, below, &change.steps, err));
    if (!ia_vec_push(&changes->queue, change)) {
        ia_interval_map_release(&change.steps);
        return ia_no_memory(err);
    }
    return IA_OK;
}

static enum ia_status change_dependents(struct ia_forest_edit *edited, size_t from, const struct ia_interval_map *below,
                                        struct changes *changes, struct ia_error *err)
{
    const struct ia_tree *tree = &edited->tree;
    for (size_t i = tree->first[from]; i < tree->first[from + 1]; i++)
        IA_TRY(change_dependent(edited, tree->children[i], below, changes, err));
    return IA_OK;
}

enum ia_status ia_forest_edit_change_readers(struct ia_forest_edit *edited, size_t base,
                                             const struct ia_interval_map *changed, struct ia_error *err)
{
    AUTO_CHANGES struct changes changes = {0};
    IA_TRY(change_dependents(edited, base, changed, &changes, err));
    for (size_t i = 0; i < changes.queue.len; i++) { /* ends: each node has one backing image */
        IA_AUTO_INTERVAL_MAP struct ia_interval_map steps = changes.queue.items[i].steps; /* the vector may move */
        changes.queue.items[i].steps = (struct ia_interval_map){0};
        IA_TRY(change_dependents(edited, changes.queue.items[i].node, &steps, &changes, err));
    }
    return IA_OK;
}
