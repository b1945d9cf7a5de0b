/* SPDX-License-Identifier: MIT */
/* What rules look up, listed and sorted once. */
#include "judge/judge.h"

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

static bool list_findings(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++)
        if (graph->findings.items[i].of_readers != IA_DOUBT_NONE && !ia_vec_push(&judge->findings, i))
            return false;
    if (judge->findings.len > 0)
        qsort_r(judge->findings.items, judge->findings.len, sizeof(judge->findings.items[0]), by_path, (void *)graph);
    return true;
}

static bool list_broken(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->references.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[i];
        const struct ia_graph_image *by = &graph->images.items[reference->image];
        bool differs = reference->kind == IA_NAME_BACKING && (by->parent_differs || by->link_is_newer);
        if ((reference->target == IA_GRAPH_NONE || reference->state == IA_GRAPH_AMBIGUOUS || differs) &&
            !ia_vec_push(&judge->broken, i))
            return false;
    }
    return true;
}

static bool list_exchanged(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *image = &graph->images.items[i];
        bool exchanged = image->base_before != IA_GRAPH_NONE && image->backing != IA_GRAPH_NONE &&
                         graph->images.items[image->backing].file != image->base_before;
        if (exchanged && !ia_vec_push(&judge->exchanged, i))
            return false;
    }
    return true;
}

static bool list_inventory_problems(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++)
        if (graph->findings.items[i].code == IA_FINDING_INVENTORY_UNREADABLE &&
            !ia_vec_push(&judge->inventory_problems, i))
            return false;
    return true;
}

static bool list_open_claims(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->claims.len; i++)
        if (graph->claims.items[i].image == IA_GRAPH_NONE && !ia_vec_push(&judge->open_claims, i))
            return false;
    return true;
}

static bool list_remote(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->references.len; i++)
        if (graph->references.items[i].kind == IA_NAME_NESTED && graph->references.items[i].state == IA_GRAPH_REMOTE &&
            !ia_vec_push(&judge->remote, i))
            return false;
    return true;
}

int ia_judge_by_expected(const struct ia_graph_image *image, const char *identity, const char *format)
{
    int order = strcmp(image->expects, identity);
    return order != 0 ? order : strcmp(image->format, format);
}

static int compare_seekers(const void *left, const void *right, void *ctx)
{
    const struct ia_graph *graph = ctx;
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    int order =
        ia_judge_by_expected(&graph->images.items[a], graph->images.items[b].expects, graph->images.items[b].format);
    return order != 0 ? order : (a > b) - (a < b);
}

/* It looks for a parent of some identity, or has one that is not known to be of it: another may be meant. */
static bool seeks(const struct ia_graph *graph, const struct ia_graph_image *image)
{
    const struct ia_graph_image *parent = image->backing == IA_GRAPH_NONE ? NULL : &graph->images.items[image->backing];
    if (image->expects == NULL || image->is_gone)
        return false;
    return image->is_nameless || parent == NULL || image->parent_differs || parent->identity == NULL ||
           strcmp(parent->identity, image->expects) != 0;
}

static bool list_seekers(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->images.len; i++)
        if (seeks(graph, &graph->images.items[i]) && !ia_vec_push(&judge->seekers, i))
            return false;
    if (judge->seekers.len > 1)
        qsort_r(judge->seekers.items, judge->seekers.len, sizeof(judge->seekers.items[0]), compare_seekers,
                (void *)graph);
    return true;
}

enum ia_status ia_judge_new(const struct ia_graph *graph, struct ia_judge **out, struct ia_error *err)
{
    struct ia_judge *judge = calloc(1, sizeof(*judge));
    if (judge == NULL)
        return ia_no_memory(err);
    judge->graph = graph;
    judge->is_reader = calloc(graph->images.len + 1, 1);
    if (judge->is_reader == NULL || !ia_judge_link_up(judge) || !ia_judge_link_packed(judge) || !list_findings(judge) ||
        !list_remote(judge) || !list_seekers(judge) || !list_broken(judge) || !list_exchanged(judge) ||
        !list_inventory_problems(judge) || !list_open_claims(judge) || !ia_judge_list_covered(judge) ||
        !ia_judge_list_accepted(judge)) {
        ia_judge_free(judge);
        return ia_no_memory(err);
    }
    *out = judge;
    return IA_OK;
}

void ia_judge_forget_subjects(struct ia_judge *judge)
{
    for (size_t i = 0; i < judge->subjects.len; i++)
        free(judge->subjects.items[i]);
    ia_vec_release(&judge->subjects);
}

void ia_judge_free(struct ia_judge *judge)
{
    if (judge == NULL)
        return;
    ia_judge_forget_subjects(judge);
    ia_vec_release(&judge->references.all);
    ia_vec_release(&judge->owners.all);
    ia_vec_release(&judge->packed);
    ia_vec_release(&judge->unknown);
    ia_vec_release(&judge->dated);
    ia_vec_release(&judge->inventory_problems);
    ia_vec_release(&judge->open_claims);
    ia_vec_release(&judge->findings);
    ia_vec_release(&judge->remote);
    ia_vec_release(&judge->seekers);
    ia_vec_release(&judge->broken);
    ia_vec_release(&judge->exchanged);
    ia_vec_release(&judge->covered);
    ia_vec_release(&judge->by_path);
    ia_vec_release(&judge->readers);
    free(judge->overlays.first);
    free(judge->overlays.members);
    free(judge->parts.first);
    free(judge->parts.members);
    free(judge->is_reader);
    free(judge);
}
