/* SPDX-License-Identifier: MIT */
/* Rules about the file systems that an image lies on, and what identifies its file there. */
#include "judge/finder.h"

static bool is_other_evidence(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan)
{
    bool *found = ctx;
    (void)subject, (void)scan;
    *found = evidence != IA_EVIDENCE_WAS_NAMED;
    return !*found;
}

/* That it was named once is all that makes it a base, and it may not be the file that was. */
void ia_rule_identity_uncertain(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    size_t volume = graph->files.items[finder->image->file].volume;
    bool is_twin = volume < graph->volumes.len && graph->volumes.items[volume].is_twin;
    bool has_other = false;
    if (finder->image->named_scan == 0 || (!finder->image->named_uncertain && !is_twin))
        return;
    ia_judge_evidence(finder->judge, finder->number, is_other_evidence, &has_other);
    if (!has_other)
        ia_finder_doubt(finder, IA_DOUBT_IDENTITY_UNCERTAIN,
                        finder->image->named_by == NULL ? "" : finder->image->named_by);
}

static void find_shared_volume(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    size_t number = graph->files.items[finder->file].volume;
    if (number >= graph->volumes.len || !graph->volumes.items[number].is_shared)
        return;
    const struct ia_graph_volume *volume = &graph->volumes.items[number];
    ia_finder_doubt_with(finder, IA_DOUBT_SHARED_FILESYSTEM,
                         volume->mount[0] != '\0' ? volume->mount : finder->image->path,
                         volume->type[0] != '\0' ? volume->type : "unknown type");
}

/* What an image of another host names is unknown here. */
void ia_rule_shared_filesystem(struct ia_finder *finder)
{
    ia_finder_each_file(finder, find_shared_volume);
}
