/* SPDX-License-Identifier: MIT */
/* What images name, in the graph that the judge looks at. */
#include "scan/graph/judge_graph.h"

#include "base/checked.h"
#include "base/clock.h"

/* What was followed leads to a file of the catalog, or elsewhere. */
static bool add_reference(struct ia_graph *graph, struct ia_graph_reference reference, size_t target)
{
    reference.target = target == IA_NO_FILE ? IA_GRAPH_NONE : target;
    if (reference.state == IA_GRAPH_OTHER || reference.state == IA_GRAPH_FOLLOWED)
        reference.state = reference.target == IA_GRAPH_NONE ? IA_GRAPH_OTHER : IA_GRAPH_FOLLOWED;
    return ia_vec_push(&graph->references, reference);
}

static bool add_parts(struct ia_graph *graph, size_t image, const struct ia_file *file)
{
    for (size_t i = 0; i < file->read->parts.len; i++) {
        const struct ia_file_part *part = &file->read->parts.items[i];
        const struct ia_image_part *named = &file->parsed->facts.parts.items[i];
        struct ia_graph_reference reference = {
            .image = image,
            .kind = named->place == IA_PART_REFERENCE ? IA_NAME_DATA_FILE : IA_NAME_EXTENT,
            .state = ia_graph_state_of(part->state),
            .name = named->name == NULL ? "" : named->name,
            .path = part->path == NULL ? "" : part->path,
        };
        size_t target = part->file == IA_NO_FILE ? IA_GRAPH_NONE : part->file;
        if (!add_reference(graph, reference, part->file))
            return false;
        if (part->path != NULL && !ia_vec_push(&graph->parts, ((struct ia_graph_part){image, target, part->path})))
            return false;
    }
    return true;
}

static bool add_nested(struct ia_graph *graph, size_t image, const struct ia_file *file)
{
    for (size_t i = 0; i < file->node->nested.len; i++) {
        const struct ia_nested *nested = &file->node->nested.items[i];
        struct ia_graph_reference reference = {
            .image = image,
            .kind = IA_NAME_NESTED,
            .state = ia_graph_state_of(nested->state),
            .name = nested->name,
            .path = nested->path,
        };
        if (!add_reference(graph, reference, nested->target))
            return false;
    }
    return true;
}

bool ia_judge_graph_add_references(struct ia_graph *graph, size_t image, const struct ia_file *file)
{
    struct ia_graph_reference backing = {
        .image = image,
        .kind = IA_NAME_BACKING,
        .state = ia_graph_state_of(file->node->backing_state),
        .name = file->parsed->facts.backing_name,
        .path = file->node->backing_path == NULL ? "" : file->node->backing_path,
    };
    return (backing.name == NULL || add_reference(graph, backing, file->node->backing_target)) &&
           add_parts(graph, image, file) && add_nested(graph, image, file);
}

bool ia_judge_graph_add_aliases(const struct ia_links *links, struct ia_judge_graph *out)
{
    for (size_t i = 0; i < links->aliases.len; i++) {
        const struct ia_alias *alias = &links->aliases.items[i];
        struct ia_graph_reference reference = {
            .image = ia_judge_graph_image(out, alias->image),
            .kind = alias->kind == IA_ALIAS_NAME ? IA_NAME_ALIAS : IA_NAME_CONTENT,
            .state = IA_GRAPH_FOLLOWED,
            .name = alias->name,
            .path = alias->path,
        };
        if (reference.image != IA_GRAPH_NONE && !add_reference(&out->graph, reference, alias->target))
            return false;
    }
    return true;
}

static enum ia_graph_state packed_state_of(const struct ia_packed_target *target)
{
    if (target->is_earlier)
        return IA_GRAPH_EARLIER;
    return target->state == IA_RESOLVE_FOLLOWED ? IA_GRAPH_FOLLOWED : ia_graph_state_of(target->state);
}

bool ia_judge_graph_add_packed(struct ia_graph *graph, const struct ia_file *file)
{
    for (size_t i = 0; i < file->node->packed.len; i++) {
        const struct ia_packed_target *target = &file->node->packed.items[i];
        const struct ia_packed_name *name = &file->packed->names.items[target->name];
        const struct ia_graph_packed packed = {
            .archive = ia_file_path(file),
            .member = name->member,
            .state = packed_state_of(target),
            .name = name->name,
            .path = target->path == NULL ? "" : target->path,
            .target = target->file == IA_NO_FILE ? IA_GRAPH_NONE : target->file,
            .is_base = target->is_base && target->file != IA_NO_FILE,
            .unknown = (enum ia_graph_unknown)ia_min(target->base_id, 0),
            .stated = name->stated,
            .written_ns = file->key.mtime_ns,
            .made_ns = ia_made_ns(file->birth_ns, file->key.mtime_ns, file->key.mtime_ns),
        };
        if (!ia_vec_push(&graph->packed, packed))
            return false;
    }
    return true;
}
