/* SPDX-License-Identifier: MIT */
/* What a graph loses with an image, or with one of its names. */
#include <string.h>

#include "judge/finding_kind.h"
#include "judge/internal.h"
#include "model/image_state.h"

void ia_graph_lose_overlay(struct ia_graph *graph, size_t number)
{
    size_t backing = graph->images.items[number].backing;
    if (backing != IA_GRAPH_NONE)
        graph->images.items[backing].lost_overlay = true;
}

/* What the next scan finds of a reference whose target is gone. */
static bool lose(struct ia_graph *graph, struct ia_graph_reference *reference)
{
    struct ia_graph_image *image = &graph->images.items[reference->image];
    reference->target = IA_GRAPH_NONE;
    reference->state = IA_GRAPH_MISSING;
    if (reference->kind == IA_NAME_DATA_FILE || reference->kind == IA_NAME_EXTENT)
        image->problem = ia_image_state_word(ia_image_state_of(IA_MISSING));
    bool is_backing = reference->kind == IA_NAME_BACKING || reference->kind == IA_NAME_ALIAS;
    if (!is_backing && reference->kind != IA_NAME_NESTED)
        return true;
    const struct ia_graph_finding missing = {
        .path = image->path,
        .code = IA_FINDING_BACKING_MISSING,
        .of_readers = IA_DOUBT_CHAIN_BROKEN,
        .image = reference->image,
    };
    if (is_backing) {
        ia_graph_lose_overlay(graph, reference->image);
        image->backing = IA_GRAPH_NONE;
    }
    return image->is_gone || ia_vec_push(&graph->findings, missing);
}

/* The same of packed images. path: the name that goes, NULL: the file goes. */
static void lose_packed(struct ia_graph *graph, size_t file, const char *path)
{
    for (size_t i = 0; i < graph->packed.len; i++) {
        struct ia_graph_packed *packed = &graph->packed.items[i];
        bool is_earlier = packed->state == IA_GRAPH_EARLIER;
        if (packed->target != file || (path != NULL && (is_earlier || strcmp(packed->path, path) != 0)))
            continue;
        if (path == NULL || !packed->is_base)
            packed->target = IA_GRAPH_NONE;
        if (!is_earlier)
            packed->state = IA_GRAPH_MISSING;
    }
}

static bool is_used(const struct ia_graph *graph, size_t file)
{
    for (size_t i = 0; i < graph->images.len; i++)
        if (graph->images.items[i].file == file && !graph->images.items[i].is_gone)
            return true;
    for (size_t i = 0; i < graph->parts.len; i++)
        if (graph->parts.items[i].file == file && !graph->images.items[graph->parts.items[i].image].is_gone)
            return true;
    return false;
}

/* A file with a name beside the one that its image held stays behind, and may be an image by its content. */
static bool leave_part(struct ia_graph *graph, const struct ia_graph_part *part)
{
    const struct ia_graph_file *file = &graph->files.items[part->file];
    for (size_t i = 0; i < file->names; i++) {
        const struct ia_graph_finding unknown = {.path = graph->names.items[file->first_name + i].path,
                                                 .code = IA_FINDING_FORMAT_CONFLICT,
                                                 .of_all = IA_DOUBT_UNREAD,
                                                 .of_readers = IA_DOUBT_NOT_UNDERSTOOD,
                                                 .image = IA_GRAPH_NONE};
        if (strcmp(unknown.path, part->path) != 0)
            return ia_vec_push(&graph->findings, unknown);
    }
    return true;
}

static bool leave_parts(struct ia_graph *graph, size_t number)
{
    for (size_t i = 0; i < graph->parts.len; i++) {
        const struct ia_graph_part *part = &graph->parts.items[i];
        if (part->image != number || part->file == IA_GRAPH_NONE || is_used(graph, part->file))
            continue;
        if (!leave_part(graph, part))
            return false;
    }
    return true;
}

static void forget(struct ia_graph_image *image, size_t number, size_t file)
{
    if (image->backing == number)
        image->backing = IA_GRAPH_NONE;
    if (image->base_before == file) {
        image->base_before = IA_GRAPH_NONE;
        image->base_lost_ns = INT64_MAX; /* whatever is known was there beside it */
    }
    if (image->past_base == file)
        image->past_base = IA_GRAPH_NONE;
}

static bool add_lost_base(struct ia_graph *graph, size_t image, size_t file)
{
    for (size_t i = 0; i < graph->lost_bases.len; i++)
        if (graph->lost_bases.items[i].image == image && graph->lost_bases.items[i].file == file)
            return true;
    return ia_vec_push(&graph->lost_bases, ((struct ia_graph_lost_base){image, file}));
}

/* The overlay loses the image, and with it the images below that. */
static bool lose_base(struct ia_graph *graph, size_t overlay, size_t number)
{
    size_t backing = graph->images.items[number].backing;
    if (backing != IA_GRAPH_NONE && !add_lost_base(graph, overlay, graph->images.items[backing].file))
        return false;
    for (size_t i = 0, end = graph->lost_bases.len; i < end; i++)
        if (graph->lost_bases.items[i].image == number &&
            !add_lost_base(graph, overlay, graph->lost_bases.items[i].file))
            return false;
    return true;
}

static bool lose_bases(struct ia_graph *graph, size_t number)
{
    size_t file = graph->images.items[number].file;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *overlay = &graph->images.items[i];
        bool was_moved = overlay->backing == IA_GRAPH_NONE && overlay->base_before == file;
        if ((overlay->backing == number || was_moved) && !overlay->is_gone && !lose_base(graph, i, number))
            return false;
    }
    for (size_t i = 0, end = graph->lost_bases.len; i < end; i++)
        if (graph->lost_bases.items[i].file == file && !lose_base(graph, graph->lost_bases.items[i].image, number))
            return false;
    return true;
}

/* Machines use what is not there any more. */
static void lose_claims(struct ia_graph *graph, size_t number)
{
    for (size_t i = 0; i < graph->claims.len; i++) {
        struct ia_graph_claim *claim = &graph->claims.items[i];
        if (claim->image == number) {
            claim->image = claim->before = IA_GRAPH_NONE;
            claim->was_found = true;
        }
    }
}

bool ia_graph_delete(struct ia_graph *graph, size_t number)
{
    struct ia_graph_image *image = &graph->images.items[number];
    if (!lose_bases(graph, number))
        return false;
    image->is_gone = true;
    lose_claims(graph, number);
    ia_graph_lose_overlay(graph, number);
    for (size_t i = 0; i < graph->images.len; i++)
        forget(&graph->images.items[i], number, image->file);
    for (size_t i = 0; i < graph->references.len; i++)
        if (graph->references.items[i].target == image->file && !lose(graph, &graph->references.items[i]))
            return false;
    lose_packed(graph, image->file, NULL);
    return leave_parts(graph, number);
}

/* A relative name is looked for beside the image: by another name of the image it may lead elsewhere, or nowhere. */
static bool doubt_relative_name(struct ia_graph *graph, const struct ia_graph_reference *reference)
{
    if (reference->name[0] == '/' || (reference->kind == IA_NAME_NESTED && reference->state == IA_GRAPH_REMOTE))
        return true;
    const struct ia_graph_finding unknown = {.path = graph->images.items[reference->image].path,
                                             .code = IA_FINDING_BACKING_MISSING,
                                             .of_all = IA_DOUBT_BROKEN_REFERENCE,
                                             .of_readers = IA_DOUBT_CHAIN_BROKEN,
                                             .image = reference->image};
    return ia_vec_push(&graph->findings, unknown);
}

bool ia_graph_drop_name(struct ia_graph *graph, size_t number, const char *path)
{
    size_t file = graph->images.items[number].file;
    struct ia_graph_file *of = &graph->files.items[file];
    struct ia_graph_name *names = graph->names.items + of->first_name;
    for (size_t i = 0; i < of->names; i++) {
        if (strcmp(names[i].path, path) != 0)
            continue;
        if (!ia_vec_push(&graph->former, ((struct ia_graph_former){.image = number, .path = names[i].path})))
            return false;
        names[i--] = names[--of->names];
    }
    if (of->names > 0 && strcmp(graph->images.items[number].path, path) == 0)
        graph->images.items[number].path = names[0].path;
    of->ctime_ns = INT64_MAX;
    graph->images.items[number].path_since_ns = 0;
    lose_packed(graph, file, path);
    for (size_t i = 0; i < graph->references.len; i++) {
        struct ia_graph_reference *reference = &graph->references.items[i];
        if (reference->target == file && strcmp(reference->path, path) == 0 && !lose(graph, reference))
            return false;
        if (reference->image == number && !doubt_relative_name(graph, reference))
            return false;
    }
    return true;
}
