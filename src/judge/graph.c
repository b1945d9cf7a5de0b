/* SPDX-License-Identifier: MIT */
/* Graphs, and what follows from their plain data. */
#include "judge/graph.h"

#include "base/checked.h"
#include "base/clock.h"

void ia_graph_release(struct ia_graph *graph)
{
    ia_vec_release(&graph->volumes);
    ia_vec_release(&graph->files);
    ia_vec_release(&graph->names);
    ia_vec_release(&graph->images);
    ia_vec_release(&graph->references);
    ia_vec_release(&graph->parts);
    ia_vec_release(&graph->packed);
    ia_vec_release(&graph->former);
    ia_vec_release(&graph->overlay_names);
    ia_vec_release(&graph->holders);
    ia_vec_release(&graph->former_bases);
    ia_vec_release(&graph->lost_bases);
    ia_vec_release(&graph->findings);
    ia_vec_release(&graph->inventories);
    ia_vec_release(&graph->claims);
    ia_vec_release(&graph->walked);
    ia_vec_release(&graph->backing_globs);
}

void ia_graph_set_min_age(struct ia_graph *graph, int64_t seconds)
{
    if (!ia_mul(ia_max(seconds, 0), 1000000000, &graph->min_age_ns))
        graph->min_age_ns = INT64_MAX;
}

int64_t ia_graph_made_ns(const struct ia_graph_file *file)
{
    return ia_made_ns(file->birth_ns, file->mtime_ns, -1);
}

int64_t ia_graph_newest_change(const struct ia_graph *graph, size_t number)
{
    int64_t newest = graph->files.items[graph->images.items[number].file].mtime_ns;
    for (size_t i = 0; i < graph->parts.len; i++)
        if (graph->parts.items[i].image == number && graph->parts.items[i].file != IA_GRAPH_NONE)
            newest = ia_max(newest, graph->files.items[graph->parts.items[i].file].mtime_ns);
    return newest;
}

enum ia_graph_state ia_graph_state_of(enum ia_resolve_state state)
{
    static const enum ia_graph_state states[IA_RESOLVE_STATES] = {
        [IA_RESOLVE_NONE] = IA_GRAPH_OTHER,        [IA_RESOLVE_FOLLOWED] = IA_GRAPH_FOLLOWED,
        [IA_RESOLVE_MISSING] = IA_GRAPH_MISSING,   [IA_RESOLVE_OUTSIDE] = IA_GRAPH_OTHER,
        [IA_RESOLVE_DENIED] = IA_GRAPH_OTHER,      [IA_RESOLVE_NOT_A_FILE] = IA_GRAPH_OTHER,
        [IA_RESOLVE_LOOP] = IA_GRAPH_OTHER,        [IA_RESOLVE_REMOTE] = IA_GRAPH_REMOTE,
        [IA_RESOLVE_UNSUPPORTED] = IA_GRAPH_OTHER, [IA_RESOLVE_AMBIGUOUS] = IA_GRAPH_AMBIGUOUS,
        [IA_RESOLVE_SEVERAL] = IA_GRAPH_OTHER,     [IA_RESOLVE_EARLIER] = IA_GRAPH_EARLIER,
    };
    return states[state];
}
