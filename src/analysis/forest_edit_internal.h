/* SPDX-License-Identifier: MIT */
/* What the actions of a what-if share. */
#ifndef IA_ANALYSIS_FOREST_EDIT_INTERNAL_H
#define IA_ANALYSIS_FOREST_EDIT_INTERNAL_H

#include "analysis/content.h"
#include "analysis/edited_map.h"
#include "analysis/forest_edit.h"
#include "analysis/tree.h"

/* What the action does to a node's extents and to what it reads. */
struct ia_edit {
    struct ia_forest_edit_effect effect;
    bool emptied;
    bool is_patched;
    struct ia_interval_map patch; /* IA_EDIT_... by guest byte, while is_patched */
    struct ia_edited_map stream;  /* where the reader of the forest after is in it */
    int64_t *snapshot_changes;    /* owned; by snapshot, NULL for none */
};

struct ia_forest_edit {
    const struct ia_forest *before;
    struct ia_forest after;
    struct ia_forest_node *nodes; /* of `after` */
    struct ia_edit *edits;        /* by node */
    struct ia_tree tree;          /* of `before` */
    struct ia_contents contents;  /* of `before` */
};

/* Ranges of a patch from left to right. Where ranges overlap, the first one counts. */
struct ia_patch_builder {
    struct ia_interval_map_builder steps;
    int64_t pos; /* all before it is settled */
    int64_t put; /* bytes of all ranges of data */
};

void ia_patch_builder_init(struct ia_patch_builder *builder);
void ia_patch_builder_put(struct ia_patch_builder *builder, int64_t start, int64_t end, uint32_t value);
/* Gives the node its patch; IA_NOMEM when memory was short at any time. */
IA_MUST_CHECK enum ia_status ia_patch_builder_finish(struct ia_patch_builder *builder, struct ia_edit *edit,
                                                     struct ia_error *err);
void ia_patch_builder_abandon(struct ia_patch_builder *builder);
#define IA_AUTO_PATCH_BUILDER __attribute__((cleanup(ia_patch_builder_abandon)))

/* [start, end) of a mapping has nothing of the image's own. */
typedef void ia_gap_sink(void *ctx, int64_t start, int64_t end);

/* Calls `see` with each gap of a mapping (0: the active one) in ascending order; some are empty. */
IA_MUST_CHECK enum ia_status ia_forest_edit_walk_gaps(const struct ia_forest_edit *edited, size_t node, size_t mapping,
                                                      ia_gap_sink *see, void *ctx, struct ia_error *err);

/* How many bytes of a mapping (0: the active one) fall through it onto places where `below` is not 0. */
IA_MUST_CHECK enum ia_status ia_forest_edit_count_through(const struct ia_forest_edit *edited, size_t node,
                                                          size_t mapping, const struct ia_interval_map *below,
                                                          int64_t *bytes, struct ia_error *err);

/* Settles the node's needed_bytes, which are those of all data that the patch writes so far, its emptied_bytes and its
 * released_bytes: data that is written where the image has clusters of its own needs no others, unless an internal
 * snapshot holds them or the host shares their blocks. */
IA_MUST_CHECK enum ia_status ia_forest_edit_account(struct ia_forest_edit *edited, size_t node,
                                                    const struct ia_forest_edit_terms *terms,
                                                    const struct ia_interval_map *patch, struct ia_error *err);

/* Counts changed_bytes and snapshot changes of all descendants of `base`, which reads otherwise where `changed` is not
 * 0. The committed image lets nothing of that through, as it is what it holds itself; its snapshots may. */
IA_MUST_CHECK enum ia_status ia_forest_edit_change_readers(struct ia_forest_edit *edited, size_t base,
                                                           const struct ia_interval_map *changed, struct ia_error *err);

static inline int64_t ia_round_down_to(int64_t value, int64_t unit)
{
    return value - value % unit;
}

/* Saturates. Units are not always powers of two. */
static inline int64_t ia_round_up_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return rest == 0 || value > INT64_MAX - (unit - rest) ? value : value + (unit - rest);
}

/* Notes for each snapshot of a node how much of what it reads from its backing image lies where `below` is not 0: there
 * it reads something else from now on. */
IA_MUST_CHECK enum ia_status ia_forest_edit_change_snapshots(struct ia_forest_edit *edited, size_t node,
                                                             const struct ia_interval_map *below, struct ia_error *err);

#endif
