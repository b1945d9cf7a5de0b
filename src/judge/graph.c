/* SPDX-License-Identifier: MIT */
/* Graphs, and what deeds do to them. */
#include "judge/graph.h"

#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

void ia_graph_release(struct ia_graph *graph)
{
    ia_vec_release(&graph->files);
    ia_vec_release(&graph->names);
    ia_vec_release(&graph->images);
    ia_vec_release(&graph->references);
    ia_vec_release(&graph->parts);
    ia_vec_release(&graph->findings);
    ia_vec_release(&graph->backing_globs);
}

/* What the next scan finds of a reference whose target is gone. */
static bool lose(struct ia_graph *graph, struct ia_graph_reference *reference)
{
    struct ia_graph_image *image = &graph->images.items[reference->image];
    reference->target = IA_GRAPH_NONE;
    reference->state = IA_GRAPH_MISSING;
    if (reference->kind == IA_GRAPH_DATA_FILE || reference->kind == IA_GRAPH_EXTENT)
        image->problem = "missing";
    if (reference->kind != IA_GRAPH_BACKING && reference->kind != IA_GRAPH_ALIAS)
        return true;
    const struct ia_graph_finding missing = {
        .path = image->path,
        .code = "backing-missing",
        .of_all = ia_judge_may_hide(image->backing_format) ? IA_DOUBT_BROKEN_REFERENCE : IA_DOUBT_NONE,
        .of_readers = IA_DOUBT_CHAIN_BROKEN,
        .image = reference->image,
    };
    image->backing = IA_GRAPH_NONE;
    return image->is_gone || ia_vec_push(&graph->findings, missing);
}

bool ia_graph_delete(struct ia_graph *graph, size_t number)
{
    struct ia_graph_image *image = &graph->images.items[number];
    image->is_gone = true;
    for (size_t i = 0; i < graph->images.len; i++)
        if (graph->images.items[i].backing == number)
            graph->images.items[i].backing = IA_GRAPH_NONE;
    for (size_t i = 0; i < graph->references.len; i++)
        if (graph->references.items[i].target == image->file && !lose(graph, &graph->references.items[i]))
            return false;
    return true;
}

bool ia_graph_drop_name(struct ia_graph *graph, size_t number, const char *path)
{
    size_t file = graph->images.items[number].file;
    struct ia_graph_file *of = &graph->files.items[file];
    struct ia_graph_name *names = graph->names.items + of->first_name;
    for (size_t i = 0; i < of->names; i++)
        if (strcmp(names[i].path, path) == 0)
            names[i--] = names[--of->names];
    if (of->names > 0 && strcmp(graph->images.items[number].path, path) == 0)
        graph->images.items[number].path = names[0].path;
    for (size_t i = 0; i < graph->references.len; i++) {
        struct ia_graph_reference *reference = &graph->references.items[i];
        if (reference->target == file && strcmp(reference->path, path) == 0 && !lose(graph, reference))
            return false;
    }
    return true;
}

static bool is_named(const struct ia_graph *graph, size_t number)
{
    for (size_t i = 0; i < graph->images.len; i++)
        if (graph->images.items[i].backing == number && !graph->images.items[i].is_gone)
            return true;
    return false;
}

bool ia_graph_settle_formats(struct ia_graph *graph)
{
    for (size_t i = 0; i < graph->images.len; i++) {
        struct ia_graph_image *image = &graph->images.items[i];
        if (!image->format_stated || image->is_gone || is_named(graph, i))
            continue;
        const struct ia_graph_finding unknown = {.path = image->path,
                                                 .code = "format-conflict",
                                                 .of_all = IA_DOUBT_UNREAD,
                                                 .of_readers = IA_DOUBT_NOT_UNDERSTOOD,
                                                 .image = i};
        image->format_stated = false;
        if (!ia_vec_push(&graph->findings, unknown))
            return false;
    }
    return true;
}

void ia_graph_write(struct ia_graph *graph, size_t number)
{
    graph->files.items[graph->images.items[number].file].mtime_ns = INT64_MAX;
}

void ia_graph_flatten(struct ia_graph *graph, size_t number)
{
    struct ia_graph_image *image = &graph->images.items[number];
    image->backing = IA_GRAPH_NONE;
    image->backing_path = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < graph->references.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[i];
        if (reference->image == number && (reference->kind == IA_GRAPH_BACKING || reference->kind == IA_GRAPH_ALIAS))
            continue;
        graph->references.items[kept++] = *reference;
    }
    graph->references.len = kept;
    ia_graph_write(graph, number);
}
