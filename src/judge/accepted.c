/* SPDX-License-Identifier: MIT */
/* Which doubts an accepted finding takes away. */
#include <stdlib.h>
#include <string.h>

#include "judge/finding_kind.h"
#include "judge/internal.h"

static int by_path(const void *left, const void *right, void *ctx)
{
    const struct ia_graph *graph = ctx;
    return strcmp(graph->findings.items[*(const size_t *)left].path,
                  graph->findings.items[*(const size_t *)right].path);
}

bool ia_judge_list_accepted(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    bool any = false;
    for (size_t i = 0; i < graph->findings.len && !any; i++)
        any = graph->findings.items[i].accepted_by != 0;
    for (size_t i = 0; i < graph->findings.len && any; i++)
        if (!ia_vec_push(&judge->by_path, i))
            return false;
    if (any)
        qsort_r(judge->by_path.items, judge->by_path.len, sizeof(judge->by_path.items[0]), by_path, (void *)graph);
    return true;
}

static size_t first_of(const struct ia_judge *judge, const char *path)
{
    size_t low = 0;
    for (size_t high = judge->by_path.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (strcmp(judge->graph->findings.items[judge->by_path.items[middle]].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct ia_graph_finding *ia_judge_accepted(const struct ia_judge *judge, enum ia_doubt doubt, const char *path)
{
    const struct ia_graph_finding *accepted = NULL;
    for (size_t i = first_of(judge, path); i < judge->by_path.len; i++) {
        const struct ia_graph_finding *finding = &judge->graph->findings.items[judge->by_path.items[i]];
        if (strcmp(finding->path, path) != 0)
            break;
        if (!ia_finding_kind_raises(&ia_finding_kinds[finding->code], doubt))
            continue;
        if (finding->accepted_by == 0)
            return NULL;
        accepted = finding;
    }
    return accepted;
}
