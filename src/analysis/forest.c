/* SPDX-License-Identifier: MIT */
/* The walk through the forest, tree by tree: first the merged maps from the root to the heads, which give the chains,
 * then the sweep, which gives the accounts.
 * Only the images between the root and the present one hold a map, so memory grows with the depth of a tree and not
 * with the forest. The path is a stack of our own, as chains may be a thousand images long. */
#include "analysis/forest.h"

#include <stdlib.h>

#include "analysis/chain_map.h"
#include "analysis/extent_reader.h"
#include "analysis/pairs.h"
#include "analysis/sweep.h"
#include "analysis/tree.h"
#include "analysis/usage.h"
#include "base/checked.h"
#include "base/cleanup.h"

enum { BUFFER_EXTENTS = 4096 };

/* An image on the path from a root to the present one. */
struct frame {
    size_t node;
    size_t visited;          /* children that were entered */
    bool is_placed;          /* the sink for places has had it */
    struct ia_chain_map map; /* until the last child has built its own upon it */
};

struct walk {
    const struct ia_forest *forest;
    const struct ia_forest_sinks *sinks;
    struct ia_tree tree;
    struct ia_family *families;             /* by node */
    IA_VEC(struct frame) path;              /* by level */
    IA_VEC(struct ia_pair_candidate) heads; /* of the present tree, where pairs of them are wanted */
};

static bool wants_accounts(const struct walk *walk)
{
    return walk->sinks->usage != NULL || walk->sinks->masked != NULL || walk->sinks->seen != NULL;
}

static bool wants_pairs(const struct walk *walk)
{
    return walk->sinks->pair != NULL && walk->sinks->chain != NULL && walk->sinks->usage != NULL;
}

static bool is_head(const struct walk *walk, size_t node)
{
    return ia_tree_degree(&walk->tree, node) == 0;
}

/* The backing image of the last image on the path, or NULL. */
static struct frame *base_frame(struct walk *walk)
{
    return walk->path.len > 1 ? &walk->path.items[walk->path.len - 2] : NULL;
}

/* One pass over the active extents of an image, for its chain and, where it is a head, for its accounts: it reads all
 * of itself. Either may be NULL: not wanted. */
static enum ia_status read_active(const struct walk *walk, size_t node, struct ia_chain_builder *chain,
                                  struct ia_usage_counter *usage, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, walk->forest, node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    for (;;) { /* ends: extents ascend within the image's size */
        bool have;
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (!have)
            return IA_OK;
        if (chain != NULL)
            ia_chain_builder_put(chain, &extent);
        if (usage != NULL && ia_extent_is_present(&extent))
            IA_TRY(ia_usage_count(usage, &extent, extent.start, extent.start + extent.length, 1, err));
    }
}

/* The last image on the path lies beyond the longest chain. */
static bool is_beyond(const struct walk *walk)
{
    return walk->forest->max_chain > 0 && walk->path.len > walk->forest->max_chain;
}

/* The last image on the path has rows of its own: nothing else has a chain that passes through it. */
static bool is_top(const struct walk *walk)
{
    return is_head(walk, walk->path.items[walk->path.len - 1].node) || walk->path.len == walk->forest->max_chain;
}

static struct ia_chain_row row_of(const struct walk *walk, const struct ia_chain_map *map, size_t level)
{
    size_t layer = walk->path.items[level].node;
    return (struct ia_chain_row){
        .node = walk->path.items[walk->path.len - 1].node,
        .depth = walk->path.len - 1 - level,
        .layer = layer,
        .size = walk->forest->nodes[layer].size,
        .visible_bytes = map->bytes.items[level].visible,
        .data_bytes = map->bytes.items[level].data,
    };
}

/* The images on the path, from the last down to those that another top has already: each is placed once. */
static enum ia_status emit_places(struct walk *walk, struct ia_error *err)
{
    size_t levels = walk->path.len;
    size_t top = walk->path.items[levels - 1].node;
    for (size_t depth = 0; depth < levels && walk->sinks->place != NULL; depth++) {
        struct frame *frame = &walk->path.items[levels - 1 - depth];
        if (frame->is_placed)
            return IA_OK;
        frame->is_placed = true;
        IA_TRY(walk->sinks->place(walk->sinks->ctx, frame->node, top, depth, err));
    }
    return IA_OK;
}

/* Emits the chain of the last image on the path, a top. */
static enum ia_status emit_chain(struct walk *walk, const struct ia_chain_map *map, struct ia_error *err)
{
    size_t levels = walk->path.len;
    struct ia_pair_candidate head = {.node = walk->path.items[levels - 1].node};
    for (size_t depth = 0; depth < levels; depth++) {
        struct ia_chain_row row = row_of(walk, map, levels - 1 - depth);
        head.below += depth > 0 ? row.data_bytes : 0;
        IA_TRY(walk->sinks->chain(walk->sinks->ctx, &row, err));
    }
    IA_TRY(emit_places(walk, err));
    if (head.below > 0 && is_head(walk, head.node) && wants_pairs(walk) && !ia_vec_push(&walk->heads, head))
        return ia_no_memory(err);
    return IA_OK;
}

/* Emits what the last image on the path reads otherwise than its backing image. */
static enum ia_status emit_changes(const struct walk *walk, const struct ia_chain_map *map,
                                   const struct ia_chain_map *below, struct ia_error *err)
{
    for (size_t level = 0; level < walk->path.len && walk->sinks->change != NULL; level++) {
        const struct ia_layer_bytes *bytes = &map->bytes.items[level];
        if (below != NULL && level < below->bytes.len && bytes->visible == below->bytes.items[level].visible &&
            bytes->data == below->bytes.items[level].data)
            continue;
        struct ia_chain_row row = row_of(walk, map, level);
        IA_TRY(walk->sinks->change(walk->sinks->ctx, &row, err));
    }
    return IA_OK;
}

/* Makes the map of the last image on the path. Nobody needs that of a top: then only its bytes are counted. */
static enum ia_status build_chain(struct walk *walk, struct ia_usage_counter *usage, struct ia_error *err)
{
    struct frame *frame = &walk->path.items[walk->path.len - 1];
    struct frame *base = base_frame(walk);
    struct ia_chain_builder builder;
    if (!ia_chain_builder_begin(&builder, base != NULL ? &base->map : NULL, walk->forest->nodes[frame->node].size,
                                !is_top(walk)))
        return ia_no_memory(err);
    enum ia_status status = read_active(walk, frame->node, &builder, usage, err);
    if (status != IA_OK) {
        ia_chain_builder_abandon(&builder);
        return status;
    }
    if (!ia_chain_builder_finish(&builder, &frame->map))
        return ia_no_memory(err);
    if (!is_top(walk))
        IA_TRY(emit_changes(walk, &frame->map, base != NULL ? &base->map : NULL, err));
    if (base != NULL && base->visited == ia_tree_degree(&walk->tree, base->node))
        ia_chain_map_release(&base->map);
    return is_top(walk) ? emit_chain(walk, &frame->map, err) : IA_OK;
}

/* An image without a backing image and without overlays: all of it is its own, and nothing is hidden. */
static bool is_alone(const struct walk *walk, size_t node)
{
    return walk->forest->nodes[node].parent == IA_NO_PARENT && is_head(walk, node);
}

static enum ia_status report_alone(const struct walk *walk, size_t node, struct ia_error *err)
{
    const struct ia_forest_node *of = &walk->forest->nodes[node];
    const struct ia_forest_sinks *sinks = walk->sinks;
    struct ia_usage usage = {0};
    for (uint32_t state = 0; state < IA_EXTENT_STATES; state++) {
        const struct ia_extent kind = {.state = state};
        if (ia_extent_is_present(&kind))
            usage.visible_present += of->state_bytes[state];
        if (ia_extent_is_data(&kind))
            usage.visible_bytes += of->state_bytes[state];
    }
    usage.exclusive_bytes = usage.visible_bytes;
    const struct ia_chain_row row = {.node = node,
                                     .layer = node,
                                     .size = of->size,
                                     .visible_bytes = usage.visible_present,
                                     .data_bytes = usage.visible_bytes};
    if (sinks->chain != NULL)
        IA_TRY(sinks->chain(sinks->ctx, &row, err));
    if (sinks->place != NULL && sinks->chain != NULL)
        IA_TRY(sinks->place(sinks->ctx, node, node, 0, err));
    if (sinks->bases_only)
        return IA_OK;
    if (sinks->seen != NULL && usage.visible_bytes > 0)
        IA_TRY(sinks->seen(sinks->ctx, node, 1, usage.visible_bytes, err));
    return sinks->usage != NULL ? sinks->usage(sinks->ctx, node, &usage, err) : IA_OK;
}

/* Puts an image on the path, with its map. The accounts of a head are worked out in the same pass. */
static enum ia_status enter(struct walk *walk, size_t node, struct ia_error *err)
{
    struct frame fresh = {.node = node};
    if (!ia_vec_push(&walk->path, fresh))
        return ia_no_memory(err);
    bool counts = is_head(walk, node) && wants_accounts(walk) && !walk->sinks->bases_only;
    IA_AUTO_USAGE struct ia_usage_counter usage = {.sinks = walk->sinks, .node = node};
    struct ia_usage_counter *counter = counts ? &usage : NULL;
    if (walk->sinks->chain != NULL && !is_beyond(walk))
        IA_TRY(build_chain(walk, counter, err));
    else if (counts)
        IA_TRY(read_active(walk, node, NULL, counter, err));
    return counts ? ia_usage_emit(&usage, err) : IA_OK;
}

static void leave(struct walk *walk)
{
    ia_chain_map_release(&walk->path.items[--walk->path.len].map);
}

/* The demand in the tree that was just walked, and what pairs of its heads share. */
static enum ia_status sweep_tree(struct walk *walk, size_t root, struct ia_error *err)
{
    struct ia_pairs pairs;
    bool with_pairs = walk->heads.len > 1;
    if (with_pairs)
        ia_pairs_init(&pairs, walk->heads.items, walk->heads.len);
    IA_TRY(
        ia_sweep_tree(walk->forest, &walk->tree, root, walk->families, walk->sinks, with_pairs ? &pairs : NULL, err));
    return with_pairs ? ia_pairs_emit(&pairs, walk->sinks, err) : IA_OK;
}

/* Visits a root and all its descendants. */
static enum ia_status visit_tree(struct walk *walk, size_t root, struct ia_error *err)
{
    if (walk->forest->nodes[root].state_bytes != NULL && is_alone(walk, root))
        return report_alone(walk, root, err);
    walk->heads.len = 0;
    IA_TRY(enter(walk, root, err));
    while (walk->path.len > 0) { /* ends: each image is entered once and left once */
        struct frame *frame = &walk->path.items[walk->path.len - 1];
        size_t next = walk->tree.first[frame->node] + frame->visited;
        if (next < walk->tree.first[frame->node + 1]) {
            frame->visited++;
            IA_TRY(enter(walk, walk->tree.children[next], err));
        } else {
            leave(walk);
        }
    }
    return !is_head(walk, root) && wants_accounts(walk) ? sweep_tree(walk, root, err) : IA_OK;
}

static void release_walk(struct walk *walk)
{
    while (walk->path.len > 0)
        leave(walk);
    ia_vec_release(&walk->path);
    ia_vec_release(&walk->heads);
    free(walk->families);
    ia_tree_release(&walk->tree);
}

#define AUTO_WALK __attribute__((cleanup(release_walk)))

enum ia_status ia_forest_analyse(const struct ia_forest *forest, const struct ia_forest_sinks *sinks,
                                 struct ia_error *err)
{
    AUTO_WALK struct walk walk = {.forest = forest, .sinks = sinks};
    IA_TRY(ia_tree_build(&walk.tree, forest, err));
    walk.families = ia_tree_families(&walk.tree, forest->count);
    if (walk.families == NULL)
        return ia_no_memory(err);
    const size_t *roots = &walk.tree.first[forest->count];
    for (size_t i = roots[0]; i < roots[1]; i++)
        IA_TRY(visit_tree(&walk, walk.tree.children[i], err));
    return IA_OK;
}
