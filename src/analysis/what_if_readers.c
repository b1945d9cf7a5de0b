/* SPDX-License-Identifier: MIT */
/* Who reads otherwise when an image is written to: what stands on it, as far as it lets that through. */
#include <stdlib.h>

#include "analysis/step_overlay.h"
#include "analysis/what_if_internal.h"

enum { BUFFER_EXTENTS = 4096 };

/* What of `below` an image lets through. */
static enum ia_status let_through(const struct ia_what_if *what_if, size_t node, const struct ia_steps *below,
                                  struct ia_steps *out, struct ia_error *err)
{
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, what_if->before, node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_steps_overlay overlay;
    ia_steps_overlay_begin(&overlay, below, what_if->before->nodes[node].size);
    struct ia_extent extent;
    bool have;
    enum ia_status status;
    while ((status = ia_extent_reader_next(&reader, &extent, &have, err)) == IA_OK && have)
        if (ia_extent_is_present(&extent))
            ia_steps_overlay_put(&overlay, extent.start, extent.length, 0);
    ia_extent_reader_release(&reader);
    if (status != IA_OK) {
        ia_steps_overlay_abandon(&overlay);
        return status;
    }
    return ia_steps_overlay_finish(&overlay, out) ? IA_OK : ia_no_memory(err);
}

/* Makes the list of a node's snapshot changes, all 0, if there is none. */
static enum ia_status list_snapshots(struct ia_what_if *what_if, size_t node, struct ia_error *err)
{
    struct ia_edit *edit = &what_if->edits[node];
    if (edit->snapshot_changes == NULL)
        edit->snapshot_changes = calloc(what_if->before->nodes[node].snapshots + 1, sizeof(*edit->snapshot_changes));
    return edit->snapshot_changes != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_what_if_change_snapshots(struct ia_what_if *what_if, size_t node, const struct ia_steps *below,
                                           struct ia_error *err)
{
    size_t snapshots = what_if->before->nodes[node].snapshots;
    enum ia_status status = snapshots > 0 ? list_snapshots(what_if, node, err) : IA_OK;
    for (size_t i = 0; i < snapshots && status == IA_OK; i++)
        status = ia_what_if_count_through(what_if, node, i + 1, below, &what_if->edits[node].snapshot_changes[i], err);
    return status;
}

struct change {
    size_t node;
    struct ia_steps steps; /* where the node reads otherwise */
};

struct changes {
    IA_VEC(struct change) queue; /* nodes, each behind the one it stands on */
};

/* The images that stand on one that reads otherwise. */
static enum ia_status change_dependents(struct ia_what_if *what_if, size_t from, const struct ia_steps *below,
                                        struct changes *changes, struct ia_error *err)
{
    const struct ia_tree *tree = &what_if->tree;
    enum ia_status status = IA_OK;
    for (size_t i = tree->first[from]; i < tree->first[from + 1] && status == IA_OK; i++) {
        struct change change = {.node = tree->children[i]};
        status = ia_what_if_change_snapshots(what_if, change.node, below, err);
        if (status != IA_OK)
            continue;
        int64_t *bytes = &what_if->edits[change.node].effect.changed_bytes;
        status = ia_what_if_count_through(what_if, change.node, 0, below, bytes, err);
        if (status != IA_OK || *bytes == 0)
            continue;
        status = let_through(what_if, change.node, below, &change.steps, err);
        if (status == IA_OK && !ia_vec_push(&changes->queue, change)) {
            ia_steps_release(&change.steps);
            status = ia_no_memory(err);
        }
    }
    return status;
}

enum ia_status ia_what_if_change_readers(struct ia_what_if *what_if, size_t base, const struct ia_steps *changed,
                                         struct ia_error *err)
{
    struct changes changes = {0};
    enum ia_status status = change_dependents(what_if, base, changed, &changes, err);
    for (size_t i = 0; i < changes.queue.len && status == IA_OK; i++) { /* ends: each node stands on one other */
        struct ia_steps steps = changes.queue.items[i].steps;           /* the vector may move */
        changes.queue.items[i].steps = (struct ia_steps){0};
        status = change_dependents(what_if, changes.queue.items[i].node, &steps, &changes, err);
        ia_steps_release(&steps);
    }
    for (size_t i = 0; i < changes.queue.len; i++)
        ia_steps_release(&changes.queue.items[i].steps);
    ia_vec_release(&changes.queue);
    return status;
}
