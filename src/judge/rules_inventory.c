/* SPDX-License-Identifier: MIT */
/* Rules about machines that may use an image though no other image names it. */
#include "judge/finder.h"

#include <string.h>
#include <strings.h>

#include "base/path.h"

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

/* One of the names of the image's files ends in this component, as a file system that ignores case has it. */
static bool is_called(const struct ia_finder *finder, const char *component)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcasecmp(ia_path_name(graph->names.items[file->first_name + i].path), component) == 0)
            return true;
    return false;
}

/* It lies in the directory that the path names a file of. */
static bool lies_beside(const struct ia_finder *finder, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    size_t len = ia_path_directory_length(path);
    for (size_t i = 0; i < file->names; i++) {
        const char *own = graph->names.items[file->first_name + i].path;
        if (len > 0 && ia_path_directory_length(own) == len && memcmp(own, path, len) == 0)
            return true;
    }
    return false;
}

/* It got its name or its place after the inventory was written, which had another one. An inventory that was written
 * later may have the old name all the same: files are renamed in their directory most often. */
static bool may_be_renamed(const struct ia_finder *finder, const struct ia_graph_claim *claim)
{
    return (claim->format == NULL || strcmp(claim->format, finder->image->format) == 0) &&
           (finder->judge->graph->files.items[finder->image->file].ctime_ns >= claim->defined_ns ||
            lies_beside(finder, claim->path));
}

/* The machine sees the directory in which it is: what it does with files there is unknown. */
static bool is_below(const struct ia_finder *finder, const struct ia_graph_claim *claim)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (ia_path_below(graph->names.items[file->first_name + i].path, claim->path) != NULL)
            return true;
    return false;
}

/* What the path led to in an earlier scan is meant, with what that was based on, and no other file; else what may have
 * had it before. */
static bool is_meant(const struct ia_finder *finder, const struct ia_graph_claim *claim)
{
    size_t file = finder->image->file;
    if (claim->is_directory)
        return is_below(finder, claim);
    if (claim->was_found)
        return claim->before == file || claim->base == file;
    return is_called(finder, ia_path_name(claim->path)) || may_be_renamed(finder, claim);
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
