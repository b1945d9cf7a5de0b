/* SPDX-License-Identifier: MIT */
/* The forest after an action, deleting and flattening. */
#include "analysis/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/what_if_internal.h"
#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

/* The next extents of a patched mapping that begin at `from` or behind it. Whoever reads on goes on where the last
 * batch ended. */
static enum ia_status read_patched(struct ia_what_if *what_if, size_t node, int64_t from, struct ia_extent *out,
                                   size_t capacity, size_t *count, struct ia_error *err)
{
    struct ia_edit *edit = &what_if->edits[node];
    if ((from == 0 || from < edit->stream.pos || !edit->stream.open) &&
        !ia_patched_open(&edit->stream, what_if->before, node, &edit->patch, what_if->nodes[node].size))
        return ia_no_memory(err);
    bool have = true;
    enum ia_status status = IA_OK;
    while (*count < capacity && have && status == IA_OK) {
        status = ia_patched_next(&edit->stream, &out[*count], &have, err);
        if (status == IA_OK && have && out[*count].start >= from)
            (*count)++;
    }
    return status;
}

static enum ia_status read_after(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out,
                                 size_t capacity, size_t *count, struct ia_error *err)
{
    struct ia_what_if *what_if = ctx;
    const struct ia_edit *edit = &what_if->edits[node];
    *count = 0;
    if (mapping == 0 && edit->emptied)
        return IA_OK;
    if (mapping == 0 && edit->is_patched)
        return read_patched(what_if, node, from, out, capacity, count, err);
    return what_if->before->read(what_if->before->ctx, node, mapping, from, out, capacity, count, err);
}

enum ia_status ia_what_if_new(const struct ia_forest *before, struct ia_what_if **out, struct ia_error *err)
{
    struct ia_what_if *what_if = calloc(1, sizeof(*what_if));
    if (what_if == NULL)
        return ia_no_memory(err);
    what_if->before = before;
    what_if->contents.forest = before;
    what_if->nodes = calloc(before->count + 1, sizeof(*what_if->nodes));
    what_if->edits = calloc(before->count + 1, sizeof(*what_if->edits));
    enum ia_status status = what_if->nodes != NULL && what_if->edits != NULL ? IA_OK : ia_no_memory(err);
    if (status == IA_OK)
        status = ia_tree_build(&what_if->tree, before, err);
    if (status != IA_OK) {
        ia_what_if_free(what_if);
        return status;
    }
    if (before->count > 0)
        memcpy(what_if->nodes, before->nodes, before->count * sizeof(*what_if->nodes));
    what_if->after =
        (struct ia_forest){.nodes = what_if->nodes, .count = before->count, .read = read_after, .ctx = what_if};
    *out = what_if;
    return IA_OK;
}

void ia_what_if_free(struct ia_what_if *what_if)
{
    if (what_if == NULL)
        return;
    for (size_t i = 0; what_if->edits != NULL && i < what_if->before->count; i++) {
        ia_patched_close(&what_if->edits[i].stream);
        ia_steps_release(&what_if->edits[i].patch);
        free(what_if->edits[i].snapshot_changes);
    }
    ia_contents_release(&what_if->contents);
    ia_tree_release(&what_if->tree);
    free(what_if->edits);
    free(what_if->nodes);
    free(what_if);
}

const struct ia_forest *ia_what_if_after(const struct ia_what_if *what_if)
{
    return &what_if->after;
}

const struct ia_what_if_effect *ia_what_if_effect(const struct ia_what_if *what_if, size_t node)
{
    return &what_if->edits[node].effect;
}

const int64_t *ia_what_if_snapshots(const struct ia_what_if *what_if, size_t node)
{
    return what_if->edits[node].snapshot_changes;
}

void ia_patch_builder_init(struct ia_patch_builder *builder)
{
    ia_steps_builder_init(&builder->steps);
    ia_steps_builder_set(&builder->steps, 0, IA_PATCH_KEEP);
    builder->pos = 0;
    builder->put = 0;
}

void ia_patch_builder_put(struct ia_patch_builder *builder, int64_t start, int64_t end, uint32_t value)
{
    start = ia_max(start, builder->pos);
    if (end <= start)
        return;
    ia_steps_builder_set(&builder->steps, start, value);
    ia_steps_builder_set(&builder->steps, end, IA_PATCH_KEEP);
    builder->pos = end;
    if (value == IA_PATCH_DATA)
        builder->put += end - start;
}

enum ia_status ia_patch_builder_finish(struct ia_patch_builder *builder, struct ia_edit *edit, struct ia_error *err)
{
    if (!ia_steps_builder_finish(&builder->steps, &edit->patch))
        return ia_no_memory(err);
    edit->is_patched = true;
    return IA_OK;
}

void ia_patch_builder_abandon(struct ia_patch_builder *builder)
{
    ia_steps_builder_abandon(&builder->steps);
}

enum ia_status ia_what_if_list_snapshots(struct ia_what_if *what_if, size_t node, struct ia_error *err)
{
    struct ia_edit *edit = &what_if->edits[node];
    if (edit->snapshot_changes == NULL)
        edit->snapshot_changes = calloc(what_if->before->nodes[node].snapshots + 1, sizeof(*edit->snapshot_changes));
    return edit->snapshot_changes != NULL ? IA_OK : ia_no_memory(err);
}

int64_t ia_steps_measure(struct ia_steps_cursor *cursor, int64_t start, int64_t end)
{
    int64_t sum = 0;
    while (start < end) { /* ends: until is past start */
        int64_t until;
        uint32_t value = ia_steps_at(cursor, start, &until);
        until = ia_min(until, end);
        if (value != 0)
            sum += until - start;
        start = until;
    }
    return sum;
}

/* [start, end) of a mapping has nothing of the image's own. */
typedef void see_gap(void *ctx, int64_t start, int64_t end);

/* The gaps of a mapping in ascending order; some are empty. */
static enum ia_status walk_gaps(const struct ia_what_if *what_if, size_t node, size_t mapping, see_gap *see, void *ctx,
                                struct ia_error *err)
{
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, what_if->before, node, mapping, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have;
    int64_t pos = 0;
    enum ia_status status;
    while ((status = ia_extent_reader_next(&reader, &extent, &have, err)) == IA_OK && have) {
        if (!ia_extent_is_present(&extent))
            continue;
        see(ctx, pos, extent.start);
        pos = extent.start + extent.length;
    }
    see(ctx, pos, reader.size);
    ia_extent_reader_release(&reader);
    return status;
}

struct gap_count {
    struct ia_steps_cursor below;
    int64_t bytes;
};

static void count_gap(void *ctx, int64_t start, int64_t end)
{
    struct gap_count *count = ctx;
    count->bytes += ia_steps_measure(&count->below, start, end);
}

enum ia_status ia_what_if_count_through(const struct ia_what_if *what_if, size_t node, size_t mapping,
                                        const struct ia_steps *below, int64_t *bytes, struct ia_error *err)
{
    struct gap_count count = {.below = {.steps = below}};
    enum ia_status status = walk_gaps(what_if, node, mapping, count_gap, &count, err);
    *bytes = count.bytes;
    return status;
}

enum ia_status ia_what_if_delete(struct ia_what_if *what_if, size_t node, struct ia_error *err)
{
    (void)err;
    const struct ia_tree *tree = &what_if->tree;
    for (size_t i = tree->first[node]; i < tree->first[node + 1]; i++)
        what_if->nodes[tree->children[i]].parent = IA_NO_PARENT;
    what_if->nodes[node] = (struct ia_forest_node){.parent = IA_NO_PARENT};
    what_if->edits[node].emptied = true;
    return IA_OK;
}

struct gap_fill {
    struct ia_steps_cursor below;
    int64_t unit;
    struct ia_patch_builder *patch;
};

/* Writes what lies below a gap of the image, in whole units: the gap begins and ends with one. */
static void fill_gap(void *ctx, int64_t start, int64_t end)
{
    struct gap_fill *fill = ctx;
    for (int64_t pos = start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t data = ia_steps_at(&fill->below, pos, &until);
        until = ia_min(until, end);
        if (data != 0)
            ia_patch_builder_put(fill->patch, ia_max(start, ia_round_down_to(pos, fill->unit)),
                                 ia_min(end, ia_round_up_to(until, fill->unit)), IA_PATCH_DATA);
        pos = until;
    }
}

enum ia_status ia_what_if_flatten(struct ia_what_if *what_if, size_t node, const struct ia_what_if_terms *terms,
                                  struct ia_error *err)
{
    /* The content before is right for every image of a set: flattening changes what no image reads. */
    size_t parent = what_if->before->nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return IA_OK;
    const struct ia_steps *below;
    enum ia_status status = ia_contents_get(&what_if->contents, parent, &below, err);
    if (status != IA_OK)
        return status;
    struct ia_patch_builder patch;
    ia_patch_builder_init(&patch);
    struct gap_fill fill = {.below = {.steps = below}, .unit = terms->unit, .patch = &patch};
    status = walk_gaps(what_if, node, 0, fill_gap, &fill, err);
    if (status != IA_OK) {
        ia_patch_builder_abandon(&patch);
        return status;
    }
    what_if->edits[node].effect.needed_bytes = patch.put;
    what_if->nodes[node].parent = IA_NO_PARENT;
    status = ia_patch_builder_finish(&patch, &what_if->edits[node], err);
    /* What the snapshots read from below was data, and is zeroes from now on. */
    return status == IA_OK ? ia_what_if_change_snapshots(what_if, node, below, err) : status;
}
