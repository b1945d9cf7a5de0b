/* SPDX-License-Identifier: MIT */
/* What images were called and based on before, in the graph that the judge looks at. */
#include "scan/graph/judge_graph.h"

#include <stdlib.h>

/* Images of the graph by the numbers that they have in the store. */
struct stored_image {
    int64_t image_id;
    size_t image;
};
struct stored_images {
    IA_VEC(struct stored_image) all;
};

static int by_image_id(const void *left, const void *right)
{
    const struct stored_image *a = left;
    const struct stored_image *b = right;
    return (a->image_id > b->image_id) - (a->image_id < b->image_id);
}

static bool list_stored(const struct ia_links *links, const struct ia_graph *graph, struct stored_images *stored)
{
    for (size_t i = 0; i < graph->images.len; i++) {
        int64_t image_id = links->catalog->files.items[graph->images.items[i].file]->image_id;
        if (!ia_vec_push(&stored->all, ((struct stored_image){image_id, i})))
            return false;
    }
    if (stored->all.len > 0)
        qsort(stored->all.items, stored->all.len, sizeof(stored->all.items[0]), by_image_id);
    return true;
}

/* IA_GRAPH_NONE: it is none of this scan. */
static size_t image_by_id(const struct stored_images *stored, int64_t image_id)
{
    const struct stored_image wanted = {.image_id = image_id};
    const struct stored_image *found = stored->all.len == 0 ? NULL
                                                            : bsearch(&wanted, stored->all.items, stored->all.len,
                                                                      sizeof(stored->all.items[0]), by_image_id);
    return found == NULL ? IA_GRAPH_NONE : found->image;
}

static bool add_former_names(const struct ia_links *links, const struct stored_images *stored, struct ia_graph *graph)
{
    for (size_t i = 0; i < links->former.len; i++) {
        const struct ia_former_name *former = &links->former.items[i];
        const struct ia_graph_former added = {image_by_id(stored, former->image_id), former->path, former->since_ns,
                                              former->until_ns};
        if (added.image != IA_GRAPH_NONE && !ia_vec_push(&graph->former, added))
            return false;
    }
    for (size_t i = 0; i < links->overlay_names.len; i++) {
        const struct ia_former_name *name = &links->overlay_names.items[i];
        const struct ia_graph_overlay_name added = {image_by_id(stored, name->image_id), name->path};
        if (added.image != IA_GRAPH_NONE && !ia_vec_push(&graph->overlay_names, added))
            return false;
    }
    return true;
}

static bool add_former(const struct ia_links *links, struct ia_graph *graph)
{
    struct stored_images stored = {0};
    bool any = links->former.len + links->overlay_names.len > 0;
    bool ok = !any || (list_stored(links, graph, &stored) && add_former_names(links, &stored, graph));
    ia_vec_release(&stored.all);
    return ok;
}

static bool add_former_bases(const struct ia_links *links, struct ia_judge_graph *out)
{
    for (size_t i = 0; i < links->former_bases.len; i++) {
        const struct ia_former_base *pair = &links->former_bases.items[i];
        size_t image = ia_judge_graph_image(out, pair->image);
        if (image != IA_GRAPH_NONE && pair->base != IA_NO_FILE &&
            !ia_vec_push(&out->graph.former_bases, ((struct ia_graph_former_base){image, pair->base})))
            return false;
    }
    return true;
}

static bool add_lost_bases(const struct ia_links *links, struct ia_judge_graph *out)
{
    for (size_t i = 0; i < links->lost_bases.len; i++) {
        size_t image = ia_judge_graph_image(out, links->lost_bases.items[i].image);
        if (image != IA_GRAPH_NONE &&
            !ia_vec_push(&out->graph.lost_bases, ((struct ia_graph_lost_base){image, links->lost_bases.items[i].file})))
            return false;
    }
    return true;
}

bool ia_judge_graph_add_past(const struct ia_links *links, struct ia_judge_graph *out)
{
    return add_former_bases(links, out) && add_lost_bases(links, out) && add_former(links, &out->graph);
}
