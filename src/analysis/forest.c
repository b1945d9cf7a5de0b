/* SPDX-License-Identifier: MIT */
/* The walk through the forest: merged maps on the way up from the roots, demand on the way back down.
 * Only the images between a root and the present one hold memory, so it grows with the largest tree, not with the
 * forest. The path is a stack of our own, as chains may be a thousand images long. */
#include "analysis/forest.h"

#include <stdlib.h>

#include "analysis/chain_map.h"
#include "analysis/demand.h"
#include "analysis/mapping_reader.h"
#include "analysis/tree.h"
#include "analysis/usage.h"
#include "base/checked.h"

/* An image on the path from a root to the present one. */
struct frame {
    size_t node;
    size_t visited;             /* children that were entered */
    struct ia_chain_map map;    /* until the last child has built its own upon it */
    struct ia_steps_sum demand; /* what the children left so far pass down */
    size_t descendants, heads;
};

struct walk {
    const struct ia_forest *forest;
    const struct ia_forest_sinks *sinks;
    struct ia_tree tree;
    IA_VEC(struct frame) path; /* by level */
};

static enum ia_status no_memory(struct ia_error *err)
{
    return ia_fail(err, IA_NOMEM, "out of memory for the forest");
}

static bool wants_demand(const struct walk *walk)
{
    return walk->sinks->usage != NULL || walk->sinks->masked != NULL;
}

static const struct ia_forest_node *node_of(const struct walk *walk, const struct frame *frame)
{
    return &walk->forest->nodes[frame->node];
}

static bool is_head(const struct walk *walk, const struct frame *frame)
{
    return ia_tree_degree(&walk->tree, frame->node) == 0;
}

/* The backing image of the last image on the path, or NULL. */
static struct frame *base_frame(struct walk *walk)
{
    return walk->path.len > 1 ? &walk->path.items[walk->path.len - 2] : NULL;
}

/* One pass over the active extents of an image. Those who are NULL want none of them. */
struct audience {
    struct ia_chain_builder *chain;
    struct ia_usage_counter *usage;
    struct ia_steps_overlay *passed; /* present extents hide the demand from the image below */
};

static enum ia_status stream_active(const struct walk *walk, size_t node, const struct audience *to,
                                    struct ia_error *err)
{
    struct ia_mapping_reader reader;
    enum ia_status status = ia_mapping_reader_open(&reader, walk->forest, node, 0, err);
    if (status != IA_OK)
        return status;
    struct ia_extent extent;
    bool have;
    while ((status = ia_mapping_reader_next(&reader, &extent, &have, err)) == IA_OK && have) {
        if (to->chain != NULL)
            ia_chain_builder_put(to->chain, &extent);
        if (to->passed != NULL && ia_extent_is_present(&extent))
            ia_steps_overlay_put(to->passed, extent.start, extent.length, 0);
        if (to->usage != NULL && (status = ia_usage_count(to->usage, &extent, err)) != IA_OK)
            break;
    }
    ia_mapping_reader_close(&reader);
    return status;
}

/* Emits the chain of the last image on the path. */
static enum ia_status emit_chain(const struct walk *walk, const struct ia_chain_map *map, struct ia_error *err)
{
    size_t levels = walk->path.len;
    int64_t reach = INT64_MAX;
    for (size_t depth = 0; depth < levels; depth++) {
        size_t level = levels - 1 - depth;
        const struct frame *layer = &walk->path.items[level];
        reach = ia_min(reach, node_of(walk, layer)->size);
        struct ia_chain_row row = {
            .node = walk->path.items[levels - 1].node,
            .depth = depth,
            .layer = layer->node,
            .reach = reach,
            .visible_bytes = map->bytes.items[level].visible,
            .data_bytes = map->bytes.items[level].data,
        };
        enum ia_status status = walk->sinks->chain(walk->sinks->ctx, &row, err);
        if (status != IA_OK)
            return status;
    }
    return IA_OK;
}

static enum ia_status begin_chain(struct walk *walk, struct ia_chain_builder *builder, bool with_pieces,
                                  struct ia_error *err)
{
    const struct frame *base = base_frame(walk);
    const struct frame *frame = &walk->path.items[walk->path.len - 1];
    bool ok =
        ia_chain_builder_begin(builder, base != NULL ? &base->map : NULL, node_of(walk, frame)->size, with_pieces);
    return ok ? IA_OK : no_memory(err);
}

/* The last image on the path has its map: its rows are emitted, and its base's map goes when nobody else needs it. */
static enum ia_status finish_chain(struct walk *walk, struct ia_chain_builder *builder, struct ia_error *err)
{
    struct frame *frame = &walk->path.items[walk->path.len - 1];
    struct frame *base = base_frame(walk);
    if (!ia_chain_builder_finish(builder, &frame->map))
        return no_memory(err);
    if (base != NULL && base->visited == ia_tree_degree(&walk->tree, base->node))
        ia_chain_map_release(&base->map);
    return emit_chain(walk, &frame->map, err);
}

/* Puts an image on the path. A head's map is not needed by anyone: it is counted when the head is left, so that the
 * head is streamed only once. */
static enum ia_status enter(struct walk *walk, size_t node, struct ia_error *err)
{
    struct frame fresh = {.node = node, .demand.cap = IA_DEMAND_MANY};
    if (!ia_vec_push(&walk->path, fresh))
        return no_memory(err);
    if (walk->sinks->chain == NULL || is_head(walk, &walk->path.items[walk->path.len - 1]))
        return IA_OK;

    struct ia_chain_builder builder;
    enum ia_status status = begin_chain(walk, &builder, true, err);
    if (status != IA_OK)
        return status;
    status = stream_active(walk, node, &(struct audience){.chain = &builder}, err);
    if (status != IA_OK) {
        ia_chain_builder_abandon(&builder);
        return status;
    }
    return finish_chain(walk, &builder, err);
}

/* What is worked out while an image is left. */
struct leaving {
    struct ia_steps demand;        /* on the image */
    struct ia_steps_sum snapshots; /* what its snapshots, as one reader, read in its base */
    struct ia_host_ranges held;    /* host bytes that its snapshots use */
    struct ia_usage_counter usage;
};

static void release_leaving(struct leaving *leaving)
{
    ia_steps_release(&leaving->demand);
    ia_steps_sum_release(&leaving->snapshots);
    ia_host_ranges_release(&leaving->held);
}

/* Everything that must be known before the active extents pass by. */
static enum ia_status prepare(struct walk *walk, struct frame *frame, struct leaving *leaving, struct ia_error *err)
{
    bool head = is_head(walk, frame);
    bool has_base = base_frame(walk) != NULL;
    const struct ia_forest_node *node = node_of(walk, frame);
    leaving->usage = (struct ia_usage_counter){
        .sinks = walk->sinks,
        .node = frame->node,
        .is_head = head,
        .demand.steps = &leaving->demand,
        .has_snapshots = node->snapshots > 0,
        .held = &leaving->held,
    };
    enum ia_status status = IA_OK;
    if (!head || has_base)
        status = ia_demand_settle(node, head, &frame->demand, &leaving->demand, err);
    if (status == IA_OK && (!head || has_base))
        status = ia_demand_snapshots(walk->forest, frame->node, &leaving->snapshots, head ? NULL : &leaving->held, err);
    return status;
}

/* Adds to the base's demand what its dependent's active mapping and snapshots read in it: the same reader in a head,
 * different ones otherwise. */
static enum ia_status pass_down(struct walk *walk, struct ia_steps *active, struct leaving *leaving,
                                struct ia_error *err)
{
    const struct frame *frame = &walk->path.items[walk->path.len - 1];
    struct ia_steps_sum *onto = &base_frame(walk)->demand;
    if (!ia_steps_sum_add(is_head(walk, frame) ? &leaving->snapshots : onto, active))
        return no_memory(err);
    struct ia_steps snapshots;
    if (!ia_steps_sum_finish(&leaving->snapshots, &snapshots) || !ia_steps_sum_add(onto, &snapshots))
        return no_memory(err);
    return IA_OK;
}

/* Streams the image for its accounts and for its base; a head for its chain as well. */
static enum ia_status stream_leaving(struct walk *walk, struct frame *frame, struct leaving *leaving,
                                     struct ia_error *err)
{
    struct ia_chain_builder chain;
    struct ia_steps_overlay passed;
    struct audience to = {.usage = wants_demand(walk) ? &leaving->usage : NULL};
    if (walk->sinks->chain != NULL && is_head(walk, frame)) {
        enum ia_status status = begin_chain(walk, &chain, false, err);
        if (status != IA_OK)
            return status;
        to.chain = &chain;
    }
    if (wants_demand(walk) && base_frame(walk) != NULL) {
        to.passed = &passed;
        ia_steps_overlay_begin(&passed, &leaving->demand,
                               ia_demand_reach(walk->forest, frame->node, node_of(walk, frame)->size));
    }

    enum ia_status status = IA_OK;
    if (to.usage != NULL || to.chain != NULL)
        status = stream_active(walk, frame->node, &to, err);
    struct ia_steps active = {0};
    if (to.passed != NULL) {
        if (status != IA_OK)
            ia_steps_overlay_abandon(&passed);
        else if (!ia_steps_overlay_finish(&passed, &active))
            status = no_memory(err);
        else
            status = pass_down(walk, &active, leaving, err);
    }
    if (to.chain != NULL) {
        if (status != IA_OK)
            ia_chain_builder_abandon(&chain);
        else
            status = finish_chain(walk, &chain, err);
    }
    return status;
}

/* Takes the last image off the path; all that stand on it were left before. */
static enum ia_status leave(struct walk *walk, struct ia_error *err)
{
    struct frame *frame = &walk->path.items[walk->path.len - 1];
    struct frame *base = base_frame(walk);
    struct leaving leaving = {.snapshots.cap = 1};
    enum ia_status status = IA_OK;
    if (wants_demand(walk))
        status = prepare(walk, frame, &leaving, err);
    if (status == IA_OK)
        status = stream_leaving(walk, frame, &leaving, err);
    if (status == IA_OK && walk->sinks->usage != NULL) {
        leaving.usage.usage.dependents = ia_tree_degree(&walk->tree, frame->node);
        leaving.usage.usage.descendants = frame->descendants;
        leaving.usage.usage.heads = frame->heads;
        status = walk->sinks->usage(walk->sinks->ctx, frame->node, &leaving.usage.usage, err);
    }
    release_leaving(&leaving);
    if (status != IA_OK)
        return status;

    if (base != NULL) {
        base->descendants += frame->descendants + 1;
        base->heads += is_head(walk, frame) ? 1 : frame->heads;
    }
    ia_chain_map_release(&frame->map);
    ia_steps_sum_release(&frame->demand);
    walk->path.len--;
    return IA_OK;
}

/* Visits a root and all that stand on it. */
static enum ia_status visit_tree(struct walk *walk, size_t root, struct ia_error *err)
{
    enum ia_status status = enter(walk, root, err);
    while (status == IA_OK && walk->path.len > 0) { /* ends: each image is entered once and left once */
        struct frame *frame = &walk->path.items[walk->path.len - 1];
        size_t next = walk->tree.first[frame->node] + frame->visited;
        if (next < walk->tree.first[frame->node + 1]) {
            frame->visited++;
            status = enter(walk, walk->tree.children[next], err);
        } else {
            status = leave(walk, err);
        }
    }
    return status;
}

enum ia_status ia_forest_analyse(const struct ia_forest *forest, const struct ia_forest_sinks *sinks,
                                 struct ia_error *err)
{
    struct walk walk = {.forest = forest, .sinks = sinks};
    enum ia_status status = ia_tree_build(&walk.tree, forest, err);
    if (status != IA_OK)
        return status;
    const size_t *roots = &walk.tree.first[forest->count];
    for (size_t i = roots[0]; i < roots[1] && status == IA_OK; i++)
        status = visit_tree(&walk, walk.tree.children[i], err);
    for (size_t i = 0; i < walk.path.len; i++) {
        ia_chain_map_release(&walk.path.items[i].map);
        ia_steps_sum_release(&walk.path.items[i].demand);
    }
    ia_vec_release(&walk.path);
    ia_tree_release(&walk.tree);
    return status;
}
