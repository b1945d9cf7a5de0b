/* SPDX-License-Identifier: MIT */
/* Sweeping over one tree. */
#include "analysis/sweep.h"

#include "analysis/extent_reader.h"
#include "analysis/level_queue.h"
#include "analysis/snapshot_ranges.h"
#include "analysis/usage.h"
#include "base/checked.h"
#include "base/heap.h"

/* Extents in the buffers of all readers together, and in one of them at least. */
enum { BUFFERED_EXTENTS = 512 * 1024, MIN_BUFFER = 16, MAX_BUFFER = 4096 };

#define NO_IMAGE SIZE_MAX

/* An image of the tree. What is `now` holds at the sweep's place; `shown` is what was so from `since` on. */
struct swept {
    size_t node;
    size_t base; /* index of the backing image, or NO_IMAGE */
    size_t level;
    bool head, whole;
    bool present, ended; /* the active mapping is inside an extent; is past its size */
    uint32_t gaps;       /* snapshots that have nothing here, and so read the backing image */
    uint32_t demand;     /* readers that come to this image */
    uint32_t passed;     /* readers that its base counts for it */
    struct ia_extent current;
    struct ia_extent shown;
    bool shown_present;
    uint32_t shown_demand;
    int64_t since;
    struct ia_usage_counter usage;
    uint32_t bit; /* of a head whose pairs are counted */
    struct ia_pair_account pairs;
};

/* A mapping, waiting in the heap for the next place where it changes. */
struct track {
    struct ia_extent_reader reader;
    size_t image;
    struct ia_extent extent;
    bool have; /* extent is one that does not end before the sweep's place */
    bool gap;  /* of a snapshot: counted in the image's gaps */
    bool done; /* past its size: it changes no more */
    int64_t place;
};

struct sweep {
    const struct ia_forest *forest;
    const struct ia_forest_sinks *sinks;
    struct ia_pairs *pairs; /* or NULL */
    IA_VEC(struct swept) images;
    IA_VEC(struct track) tracks;
    struct ia_heap waiting;        /* tracks, by place */
    struct ia_level_queue changed; /* images that are to be looked at at this place */
    size_t levels;
    int64_t place;
};

static void release_sweep(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->tracks.len; i++)
        ia_extent_reader_release(&sweep->tracks.items[i].reader);
    for (size_t i = 0; i < sweep->images.len; i++)
        ia_usage_release(&sweep->images.items[i].usage);
    ia_vec_release(&sweep->tracks);
    ia_vec_release(&sweep->images);
    ia_heap_release(&sweep->waiting);
    ia_level_queue_release(&sweep->changed);
}

#define AUTO_SWEEP __attribute__((cleanup(release_sweep)))

static void mark(struct sweep *sweep, size_t index)
{
    ia_level_queue_add(&sweep->changed, index, sweep->images.items[index].level);
}

/* Accounts for what was so since the last change of this image. */
static enum ia_status settle(struct sweep *sweep, struct swept *image, struct ia_error *err)
{
    if (image->shown_present && sweep->place > image->since)
        IA_TRY(ia_usage_count(&image->usage, &image->shown, image->since, sweep->place, image->shown_demand, err));
    image->since = sweep->place;
    image->shown = image->current;
    image->shown_present = image->present;
    image->shown_demand = image->demand;
    return IA_OK;
}

static bool has_changed(const struct swept *image)
{
    if (image->present != image->shown_present || image->demand != image->shown_demand)
        return true;
    return image->present && image->current.start != image->shown.start;
}

/* How many readers an image sends on to its base: its active mapping and its snapshots are one reader in a head. */
static uint32_t passed_on(const struct swept *image)
{
    bool gap = !image->present && !image->ended;
    if (image->head)
        return gap || image->gaps > 0 ? 1 : 0;
    return (gap ? image->demand : 0) + (image->gaps > 0 ? 1 : 0);
}

/* The same of the heads whose pairs are counted, as far as their active mappings go. */
static void pass_heads(struct sweep *sweep, struct swept *image)
{
    bool gap = !image->present && !image->ended;
    uint32_t heads = !gap ? 0 : image->head ? image->bit : image->pairs.here;
    if (heads == image->pairs.passed)
        return;
    ia_pairs_pass(sweep->pairs, &image->pairs, &sweep->images.items[image->base].pairs, sweep->place, heads);
    mark(sweep, image->base);
}

static enum ia_status update(struct sweep *sweep, size_t index, struct ia_error *err)
{
    struct swept *image = &sweep->images.items[index];
    if (image->base != NO_IMAGE && sweep->pairs != NULL)
        pass_heads(sweep, image);
    if (image->base != NO_IMAGE) {
        uint32_t passed = passed_on(image);
        if (passed != image->passed) {
            sweep->images.items[image->base].demand += passed - image->passed; /* may wrap, and back */
            image->passed = passed;
            mark(sweep, image->base);
        }
    }
    return image->head || !has_changed(image) ? IA_OK : settle(sweep, image, err);
}

/* From the heads down to the root, each image once. */
static enum ia_status update_changed(struct sweep *sweep, struct ia_error *err)
{
    while (sweep->changed.count > 0) /* ends: what an image changes is below it */
        IA_TRY(update(sweep, ia_level_queue_take(&sweep->changed), err));
    return IA_OK;
}

/* Goes on to the extent that lies at the sweep's place or behind it. Extents that are not present are none. */
static enum ia_status fetch(struct sweep *sweep, struct track *track, struct ia_error *err)
{
    while (track->have &&
           (!ia_extent_is_present(&track->extent) || track->extent.start + track->extent.length <= sweep->place))
        IA_TRY(ia_extent_reader_next(&track->reader, &track->extent, &track->have, err));
    return IA_OK;
}

/* A mapping has come to its place: what is so now, and where it changes next. */
static enum ia_status advance(struct sweep *sweep, struct track *track, struct ia_error *err)
{
    IA_TRY(fetch(sweep, track, err));
    int64_t size = track->reader.size;
    bool inside = track->have && track->extent.start <= sweep->place;
    bool ended = sweep->place >= size;
    track->done = ended;
    if (!track->have)
        track->place = size;
    else
        track->place = inside ? track->extent.start + track->extent.length : track->extent.start;

    struct swept *image = &sweep->images.items[track->image];
    if (track->reader.mapping == 0) {
        if (ended && !image->ended && image->whole)
            image->demand--;
        image->present = inside;
        image->current = track->extent;
        if (sweep->pairs != NULL)
            ia_pairs_set_data(sweep->pairs, &image->pairs, sweep->place, inside && ia_extent_is_data(&track->extent));
        image->ended = ended;
    } else {
        bool gap = !inside && !ended;
        image->gaps += (gap ? 1U : 0U) - (track->gap ? 1U : 0U);
        track->gap = gap;
    }
    mark(sweep, track->image);
    return IA_OK;
}

/* The same for the mapping that comes first. */
static enum ia_status advance_first(struct sweep *sweep, struct ia_error *err)
{
    struct track *track = &sweep->tracks.items[ia_heap_top(&sweep->waiting)->index];
    IA_TRY(advance(sweep, track, err));
    if (track->done)
        ia_heap_pop(&sweep->waiting);
    else
        ia_heap_change_top(&sweep->waiting, track->place);
    return IA_OK;
}

static enum ia_status run(struct sweep *sweep, struct ia_error *err)
{
    const struct ia_heap *waiting = &sweep->waiting;
    while (!ia_heap_is_empty(waiting)) { /* ends: a mapping's places ascend, it leaves at its size */
        sweep->place = ia_heap_top(waiting)->key;
        while (!ia_heap_is_empty(waiting) && ia_heap_top(waiting)->key <= sweep->place)
            IA_TRY(advance_first(sweep, err));
        IA_TRY(update_changed(sweep, err));
    }
    return IA_OK;
}

static enum ia_status add_image(struct sweep *sweep, const struct ia_tree *tree, size_t node, size_t base,
                                struct ia_error *err)
{
    const struct ia_forest_node *of = &sweep->forest->nodes[node];
    bool head = ia_tree_degree(tree, node) == 0;
    struct swept image = {
        .node = node,
        .base = base,
        .level = base == NO_IMAGE ? 0 : sweep->images.items[base].level + 1,
        .head = head,
        .whole = of->keep_whole && !head && of->size > 0,
        .bit = head && sweep->pairs != NULL ? ia_pairs_bit(sweep->pairs, node) : 0,
        .usage = {.sinks = sweep->sinks, .node = node, .has_snapshots = of->snapshots > 0},
    };
    image.demand = image.whole ? 1 : 0;
    sweep->levels = image.level + 1 > sweep->levels ? image.level + 1 : sweep->levels;
    if (!ia_vec_push(&sweep->images, image))
        return ia_no_memory(err);
    struct ia_host_ranges *held = &sweep->images.items[sweep->images.len - 1].usage.held;
    return head ? IA_OK : ia_snapshot_ranges(sweep->forest, node, held, err);
}

/* The images of the tree, each behind its base. */
static enum ia_status gather(struct sweep *sweep, const struct ia_tree *tree, size_t root, struct ia_error *err)
{
    IA_TRY(add_image(sweep, tree, root, NO_IMAGE, err));
    for (size_t i = 0; i < sweep->images.len; i++) { /* ends: each node hangs from one other */
        size_t node = sweep->images.items[i].node;
        for (size_t c = tree->first[node]; c < tree->first[node + 1]; c++)
            IA_TRY(add_image(sweep, tree, tree->children[c], i, err));
    }
    return IA_OK;
}

static enum ia_status add_tracks(struct sweep *sweep, struct ia_error *err)
{
    size_t mappings = 1; /* one too many: no count of nothing */
    for (size_t i = 0; i < sweep->images.len; i++)
        mappings += 1 + sweep->forest->nodes[sweep->images.items[i].node].snapshots;
    size_t capacity = (size_t)ia_max(MIN_BUFFER, ia_min(MAX_BUFFER, BUFFERED_EXTENTS / (int64_t)mappings));
    if (!ia_level_queue_init(&sweep->changed, sweep->images.len, sweep->levels) ||
        !ia_vec_reserve(&sweep->tracks, mappings))
        return ia_no_memory(err);
    for (size_t i = 0; i < sweep->images.len; i++) {
        size_t node = sweep->images.items[i].node;
        for (size_t mapping = 0; mapping <= sweep->forest->nodes[node].snapshots; mapping++) {
            struct track *track = &sweep->tracks.items[sweep->tracks.len];
            *track = (struct track){.image = i, .have = true}; /* an extent of no length: the first is fetched at 0 */
            if (!ia_extent_reader_init(&track->reader, sweep->forest, node, mapping, capacity) ||
                !ia_heap_push(&sweep->waiting, 0, sweep->tracks.len++))
                return ia_no_memory(err);
        }
    }
    return IA_OK;
}

static enum ia_status emit(struct sweep *sweep, const struct ia_family *families, struct ia_error *err)
{
    for (size_t i = 0; i < sweep->images.len; i++) {
        struct swept *image = &sweep->images.items[i];
        if (image->head)
            continue;
        image->usage.usage.dependents = families[image->node].dependents;
        image->usage.usage.descendants = families[image->node].descendants;
        image->usage.usage.heads = families[image->node].heads;
        IA_TRY(ia_usage_emit(&image->usage, err));
    }
    return IA_OK;
}

enum ia_status ia_sweep_tree(const struct ia_forest *forest, const struct ia_tree *tree, size_t root,
                             const struct ia_family *families, const struct ia_forest_sinks *sinks,
                             struct ia_pairs *pairs, struct ia_error *err)
{
    AUTO_SWEEP struct sweep sweep = {.forest = forest, .sinks = sinks, .pairs = pairs};
    IA_TRY(gather(&sweep, tree, root, err));
    IA_TRY(add_tracks(&sweep, err));
    IA_TRY(run(&sweep, err));
    return emit(&sweep, families, err);
}
