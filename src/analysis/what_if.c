/* SPDX-License-Identifier: MIT */
/* The forest after an action, as its readers see it; patches of mappings; deleting. */
#include "analysis/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/what_if_internal.h"
#include "base/checked.h"

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
