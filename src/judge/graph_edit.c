/* SPDX-License-Identifier: MIT */
/* What writing to images does to a graph: flattening and committing. */
#include "judge/finding_kind.h"
#include "judge/internal.h"

/* A file that is written to as a part of an image may be an image itself, which is destroyed. */
static bool overwrite(struct ia_graph *graph, size_t file, size_t writer)
{
    graph->files.items[file].mtime_ns = graph->files.items[file].ctime_ns = INT64_MAX;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *image = &graph->images.items[i];
        const struct ia_graph_finding destroyed = {.path = image->path,
                                                   .code = IA_FINDING_CORRUPT,
                                                   .of_all = IA_DOUBT_UNREAD,
                                                   .of_readers = IA_DOUBT_NOT_UNDERSTOOD,
                                                   .image = i};
        if (i != writer && image->file == file && !image->is_gone && !ia_vec_push(&graph->findings, destroyed))
            return false;
    }
    return true;
}

bool ia_graph_write(struct ia_graph *graph, size_t number)
{
    bool ok = overwrite(graph, graph->images.items[number].file, number);
    for (size_t i = 0; i < graph->parts.len && ok; i++)
        if (graph->parts.items[i].image == number && graph->parts.items[i].file != IA_GRAPH_NONE)
            ok = overwrite(graph, graph->parts.items[i].file, number);
    return ok;
}

/* Of an image that has a data file, it is not known in which of the descriptions a name is. */
static bool has_data_file(const struct ia_graph *graph, size_t number)
{
    for (size_t i = 0; i < graph->references.len; i++)
        if (graph->references.items[i].image == number && graph->references.items[i].kind == IA_NAME_DATA_FILE)
            return true;
    return false;
}

static void drop_bases(struct ia_graph *graph, size_t image)
{
    size_t kept = 0;
    for (size_t i = 0; i < graph->lost_bases.len; i++)
        if (graph->lost_bases.items[i].image != image)
            graph->lost_bases.items[kept++] = graph->lost_bases.items[i];
    graph->lost_bases.len = kept;
    kept = 0;
    for (size_t i = 0; i < graph->former_bases.len; i++)
        if (graph->former_bases.items[i].image != image)
            graph->former_bases.items[kept++] = graph->former_bases.items[i];
    graph->former_bases.len = kept;
}

bool ia_graph_flatten(struct ia_graph *graph, size_t number)
{
    struct ia_graph_image *image = &graph->images.items[number];
    ia_graph_lose_overlay(graph, number);
    image->backing = IA_GRAPH_NONE;
    image->backing_path = NULL;
    image->expects = NULL;
    image->is_nameless = false;
    image->base_before = IA_GRAPH_NONE;
    image->base_lost_ns = 0;
    image->parent_differs = false;
    image->link_is_newer = image->past_base_is_known = false;
    image->past_base = IA_GRAPH_NONE;
    size_t kept = 0;
    bool keeps_nested = has_data_file(graph, number);
    for (size_t i = 0; i < graph->references.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[i];
        bool is_backing = reference->kind == IA_NAME_BACKING || reference->kind == IA_NAME_ALIAS;
        bool is_nested = reference->kind == IA_NAME_NESTED && !keeps_nested;
        if (reference->image == number && (is_backing || is_nested))
            continue;
        graph->references.items[kept++] = *reference;
    }
    graph->references.len = kept;
    drop_bases(graph, number);
    return ia_graph_write(graph, number);
}

bool ia_graph_commit_into(struct ia_graph *graph, size_t number)
{
    if (!ia_graph_write(graph, number))
        return false;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *overlay = &graph->images.items[i];
        if (overlay->backing != number || overlay->is_gone || overlay->expects == NULL)
            continue;
        const struct ia_graph_finding mismatch = {.path = overlay->path,
                                                  .code = IA_FINDING_PARENT_MISMATCH,
                                                  .of_all = IA_DOUBT_BROKEN_REFERENCE,
                                                  .of_readers = IA_DOUBT_CHAIN_BROKEN,
                                                  .image = i};
        if (!ia_vec_push(&graph->findings, mismatch))
            return false;
    }
    return true;
}
