/* SPDX-License-Identifier: MIT */
/* When scans found images by which path: what had one path before a time and after it had no other between. */
#include <stdlib.h>

#include "judge/internal.h"

static int by_image(const void *left, const void *right, void *graph)
{
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    const struct ia_graph_former *former = ((const struct ia_graph *)graph)->former.items;
    return (former[a].image > former[b].image) - (former[a].image < former[b].image);
}

bool ia_judge_list_dated(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->former.len; i++)
        if (graph->former.items[i].since_ns != 0 && !ia_vec_push(&judge->dated, i))
            return false;
    if (judge->dated.len > 0)
        qsort_r(judge->dated.items, judge->dated.len, sizeof(judge->dated.items[0]), by_image, (void *)graph);
    return true;
}

static size_t first_of(const struct ia_judge *judge, size_t image)
{
    size_t low = 0;
    for (size_t high = judge->dated.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (judge->graph->former.items[judge->dated.items[middle]].image < image)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ia_judge_had_its_path(const struct ia_judge *judge, size_t image, int64_t ns)
{
    int64_t since = judge->graph->images.items[image].path_since_ns;
    if (since > 0 && since < ns)
        return true;
    for (size_t i = first_of(judge, image); i < judge->dated.len; i++) {
        const struct ia_graph_former *former = &judge->graph->former.items[judge->dated.items[i]];
        if (former->image != image)
            break;
        if (former->since_ns < ns && ns < former->until_ns)
            return true;
    }
    return false;
}
