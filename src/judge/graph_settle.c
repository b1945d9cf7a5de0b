/* SPDX-License-Identifier: MIT */
/* After deeds: formats and dates as the next scan finds them. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "judge/finding_kind.h"
#include "judge/graph.h"

/* The formats that those that still name the image state for it. */
static void compare_overlays(const struct ia_graph *graph, size_t number, bool *agrees, bool *differs)
{
    const char *format = graph->images.items[number].format;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *overlay = &graph->images.items[i];
        if (overlay->backing != number || overlay->is_gone || overlay->backing_format == NULL)
            continue;
        bool same = strcmp(overlay->backing_format, format) == 0;
        *agrees = *agrees || same;
        *differs = *differs || !same;
    }
}

/* An image that one names no more may be another by what is left: by what others state, or by its content. */
static bool settle_formats(struct ia_graph *graph)
{
    for (size_t i = 0; i < graph->images.len; i++) {
        struct ia_graph_image *image = &graph->images.items[i];
        bool agrees = false;
        bool differs = false;
        if (!image->lost_overlay || image->is_gone)
            continue;
        compare_overlays(graph, i, &agrees, &differs);
        image->lost_overlay = false;
        if (!differs && (agrees || !image->format_stated))
            continue;
        const struct ia_graph_finding unknown = {.path = image->path,
                                                 .code = IA_FINDING_FORMAT_CONFLICT,
                                                 .of_all = IA_DOUBT_UNREAD,
                                                 .of_readers = IA_DOUBT_NOT_UNDERSTOOD,
                                                 .image = i};
        image->format_stated = false;
        if (!ia_vec_push(&graph->findings, unknown))
            return false;
    }
    return true;
}

/* As a scan has it: a base that was written to after all that names it may have become a disk of its own. */
static bool settle_dates(struct ia_graph *graph)
{
    int64_t *overlaid = calloc(graph->images.len + 1, sizeof(*overlaid));
    if (overlaid == NULL)
        return false;
    for (size_t i = 0; i < graph->images.len; i++)
        overlaid[i] = INT64_MIN;
    for (size_t i = 0; i < graph->images.len; i++) {
        size_t base = graph->images.items[i].backing;
        if (base != IA_GRAPH_NONE && !graph->images.items[i].is_gone)
            overlaid[base] = ia_max(overlaid[base], ia_graph_newest_change(graph, i));
    }
    for (size_t i = 0; i < graph->images.len; i++) {
        int64_t changed = ia_graph_newest_change(graph, i);
        /* What a deed writes is as old as the deed: younger than what there is, unless that lies ahead of its time. */
        bool lies_ahead = changed != INT64_MAX && changed > graph->now_ns;
        int64_t last = lies_ahead && overlaid[i] == INT64_MAX ? graph->now_ns : overlaid[i];
        bool went_back = graph->images.items[i].named_mtime_ns > changed; /* it was overwritten by what is older */
        if (overlaid[i] != INT64_MIN && !went_back)
            graph->images.items[i].named_mtime_ns = changed <= last ? changed : -1;
    }
    free(overlaid);
    return true;
}

bool ia_graph_settle(struct ia_graph *graph)
{
    return settle_formats(graph) && settle_dates(graph);
}
