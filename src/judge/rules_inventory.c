/* SPDX-License-Identifier: MIT */
/* Rules about machines that may use an image though no other image names it. */
#include "judge/finder.h"

#include <string.h>

#include "base/path.h"
#include "judge/graph_names.h"

void ia_rule_no_inventory(struct ia_finder *finder)
{
    if (!finder->judge->graph->is_vouched && !ia_judge_is_covered(finder->judge, finder->number) &&
        !ia_judge_matches_glob(finder->judge, finder->number))
        ia_finder_doubt(finder, IA_DOUBT_NO_INVENTORY, "");
}

void ia_rule_inventory_problems(struct ia_finder *finder)
{
    for (size_t i = 0; i < finder->judge->inventory_problems.len; i++)
        ia_finder_doubt(finder, IA_DOUBT_INVENTORY_INCOMPLETE,
                        finder->judge->graph->findings.items[finder->judge->inventory_problems.items[i]].path);
}

/* It got its name or its place after the inventory was written, which had another one. An inventory that was written
 * later may have the old name of a disk all the same: files are renamed in their directory most often. */
static bool may_be_renamed(const struct ia_finder *finder, const struct ia_graph_claim *claim)
{
    return (claim->format == NULL || strcmp(claim->format, finder->image->format) == 0) &&
           (finder->judge->graph->files.items[finder->image->file].ctime_ns >= claim->defined_ns ||
            (!claim->is_medium && ia_graph_names_lie_beside(finder->judge->graph, finder->image->file, claim->path)));
}

/* What the path led to in an earlier scan is meant, with what that was based on, and no other file; else what may have
 * had it before. */
static bool is_meant(const struct ia_finder *finder, const struct ia_graph_claim *claim)
{
    const struct ia_graph *graph = finder->judge->graph;
    size_t file = finder->image->file;
    if (claim->is_directory) /* the machine sees what is in it: what it does with files there is unknown */
        return ia_graph_names_lie_below(graph, file, claim->path);
    if (claim->was_found)
        return claim->before == file || claim->base == file;
    return ia_graph_names_end_in_any_case(graph, file, ia_path_name(claim->path)) || may_be_renamed(finder, claim);
}

/* A machine's disk that was not found may be this one, renamed or moved, or be made on it. */
void ia_rule_open_claims(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->open_claims.len; i++) {
        const struct ia_graph_claim *claim = &graph->claims.items[finder->judge->open_claims.items[i]];
        if (is_meant(finder, claim))
            ia_finder_doubt_with(finder, IA_DOUBT_INVENTORY_INCOMPLETE, claim->path, claim->machine);
    }
}
