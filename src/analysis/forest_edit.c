/* SPDX-License-Identifier: MIT */
/* The forest after an action, as its readers see it; patches of mappings; deleting. */
#include "analysis/forest_edit.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/forest_edit_internal.h"
#include "base/checked.h"

/* The next extents of an edited mapping that begin at `from` or behind it. Whoever reads on goes on where the last
 * batch ended. */
static enum ia_status read_patched(struct ia_forest_edit *edited, size_t node, int64_t from, struct ia_extent *out,
                                   size_t capacity, size_t *count, struct ia_error *err)
{
    struct ia_edit *edit = &edited->edits[node];
    if ((from == 0 || from < edit->stream.pos || !edit->stream.open) &&
        !ia_edited_map_open(&edit->stream, edited->before, node, &edit->patch, edited->nodes[node].size))
        return ia_no_memory(err);
    bool have = true;
    while (*count < capacity && have) {
        IA_TRY(ia_edited_map_next(&edit->stream, &out[*count], &have, err));
        if (have && out[*count].start >= from)
            (*count)++;
    }
    return IA_OK;
}

static enum ia_status read_after(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out,
                                 size_t capacity, size_t *count, struct ia_error *err)
{
    struct ia_forest_edit *edited = ctx;
    const struct ia_edit *edit = &edited->edits[node];
    *count = 0;
    if (mapping == 0 && edit->emptied)
        return IA_OK;
    if (mapping == 0 && edit->is_patched)
        return read_patched(edited, node, from, out, capacity, count, err);
    return edited->before->read(edited->before->ctx, node, mapping, from, out, capacity, count, err);
}

/* All is as it was before, until an action changes it. */
static enum ia_status copy_before(struct ia_forest_edit *edited, struct ia_error *err)
{
    const struct ia_forest *before = edited->before;
    edited->contents.forest = before;
    edited->nodes = calloc(before->count + 1, sizeof(*edited->nodes));
    edited->edits = calloc(before->count + 1, sizeof(*edited->edits));
    if (edited->nodes == NULL || edited->edits == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_tree_build(&edited->tree, before, err));
    if (before->count > 0)
        memcpy(edited->nodes, before->nodes, before->count * sizeof(*edited->nodes));
    edited->after =
        (struct ia_forest){.nodes = edited->nodes, .count = before->count, .read = read_after, .ctx = edited};
    return IA_OK;
}

enum ia_status ia_forest_edit_new(const struct ia_forest *before, struct ia_forest_edit **out, struct ia_error *err)
{
    struct ia_forest_edit *edited = calloc(1, sizeof(*edited));
    if (edited == NULL)
        return ia_no_memory(err);
    edited->before = before;
    enum ia_status status = copy_before(edited, err);
    if (status != IA_OK) {
        ia_forest_edit_free(edited);
        return status;
    }
    *out = edited;
    return IA_OK;
}

void ia_forest_edit_free(struct ia_forest_edit *edited)
{
    if (edited == NULL)
        return;
    for (size_t i = 0; edited->edits != NULL && i < edited->before->count; i++) {
        ia_edited_map_close(&edited->edits[i].stream);
        ia_interval_map_release(&edited->edits[i].patch);
        free(edited->edits[i].snapshot_changes);
    }
    ia_contents_release(&edited->contents);
    ia_tree_release(&edited->tree);
    free(edited->edits);
    free(edited->nodes);
    free(edited);
}

const struct ia_forest *ia_forest_edit_after(const struct ia_forest_edit *edited)
{
    return &edited->after;
}

const struct ia_forest_edit_effect *ia_forest_edit_effect(const struct ia_forest_edit *edited, size_t node)
{
    return &edited->edits[node].effect;
}

const int64_t *ia_forest_edit_snapshots(const struct ia_forest_edit *edited, size_t node)
{
    return edited->edits[node].snapshot_changes;
}

void ia_patch_builder_init(struct ia_patch_builder *builder)
{
    ia_interval_map_builder_init(&builder->steps);
    ia_interval_map_builder_set(&builder->steps, 0, IA_EDIT_KEEP);
    builder->pos = 0;
    builder->put = 0;
}

void ia_patch_builder_put(struct ia_patch_builder *builder, int64_t start, int64_t end, uint32_t value)
{
    start = ia_max(start, builder->pos);
    if (end <= start)
        return;
    ia_interval_map_builder_set(&builder->steps, start, value);
    ia_interval_map_builder_set(&builder->steps, end, IA_EDIT_KEEP);
    builder->pos = end;
    if (value == IA_EDIT_DATA)
        builder->put += end - start;
}

enum ia_status ia_patch_builder_finish(struct ia_patch_builder *builder, struct ia_edit *edit, struct ia_error *err)
{
    if (!ia_interval_map_builder_finish(&builder->steps, &edit->patch))
        return ia_no_memory(err);
    edit->is_patched = true;
    return IA_OK;
}

void ia_patch_builder_abandon(struct ia_patch_builder *builder)
{
    ia_interval_map_builder_abandon(&builder->steps);
}

enum ia_status ia_forest_edit_delete(struct ia_forest_edit *edited, size_t node, struct ia_error *err)
{
    (void)err;
    const struct ia_tree *tree = &edited->tree;
    for (size_t i = tree->first[node]; i < tree->first[node + 1]; i++)
        edited->nodes[tree->children[i]].parent = IA_NO_PARENT;
    edited->nodes[node] = (struct ia_forest_node){.parent = IA_NO_PARENT};
    edited->edits[node].emptied = true;
    return IA_OK;
}
