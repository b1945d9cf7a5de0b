/* SPDX-License-Identifier: MIT */
/* Graphs, and what deeds do to them. */
#include "judge/graph.h"

#include <stdlib.h>
#include <string.h>

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

static bool is_raw(const char *format)
{
    return format != NULL && strcmp(format, "raw") == 0;
}

/* What the next scan finds of a reference whose target is gone. A raw image names nothing: that it is missing hides
 * nothing, where its overlay says that it is one. */
static bool lose(struct ia_graph *graph, struct ia_graph_reference *reference)
{
    const struct ia_graph_image *image = &graph->images.items[reference->image];
    reference->target = IA_GRAPH_NONE;
    reference->state = IA_GRAPH_MISSING;
    bool backing = reference->kind == IA_GRAPH_BACKING || reference->kind == IA_GRAPH_ALIAS;
    if (image->is_gone || !backing || is_raw(image->backing_format))
        return true;
    const struct ia_graph_finding missing = {.path = image->path,
                                             .code = "backing-missing",
                                             .of_all = IA_DOUBT_BROKEN_REFERENCE,
                                             .of_readers = IA_DOUBT_CHAIN_BROKEN,
                                             .image = reference->image};
    return ia_vec_push(&graph->findings, missing);
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
