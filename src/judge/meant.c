/* SPDX-License-Identifier: MIT */
/* Whether a name in an image may mean another file than the one that it led to. */
#include <string.h>

#include "base/path.h"
#include "judge/finder.h"
#include "judge/graph_names.h"

bool ia_judge_fits(const struct ia_graph_image *image, size_t file, const char *format)
{
    return format == NULL || strcmp(format, image->format) == 0 || (file != image->file && strcmp(format, "raw") == 0);
}

bool ia_finder_has_part_called(const struct ia_finder *finder, const char *component)
{
    const size_t *part;
    size_t count = ia_judge_members(&finder->judge->parts, finder->number, &part);
    for (size_t i = 0; i < count; i++)
        if (strcmp(ia_path_name(finder->judge->graph->parts.items[part[i]].path), component) == 0)
            return true;
    return false;
}

/* An image may be meant by each of the files that it is made of: finder->file is the one in question. */

/* The last component of what the image names. */
static const char *wanted_name(const struct ia_graph_reference *reference)
{
    return ia_path_name(reference->path[0] != '\0' ? reference->path : reference->name);
}

/* A base was there when the image was made, or when its header was written last; parts are made with it. */
static bool was_there(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph *graph = finder->judge->graph;
    int64_t made = graph->files.items[graph->images.items[reference->image].file].birth_ns;
    int64_t own = ia_graph_made_ns(&graph->files.items[finder->file]);
    return reference->kind != IA_NAME_BACKING || own < 0 || made < 0 || own <= made ||
           own <= ia_graph_newest_change(graph, reference->image);
}

/* A scan that had ended by the time saw it, and so did all since. */
static bool was_before(int64_t since_ns, int64_t ns)
{
    return since_ns > 0 && since_ns < ns;
}

/* Renames leave a ctime, and so do writes. What a scan had at the name before the image was made had it then, too,
 * unless a file came and went since that no scan knew. Without that, what scans saw by its path from before that on had
 * no other one; but for one of which its own is made, which it might have had for a while between two scans. */
static bool may_be_renamed_since(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_image *by = &graph->images.items[reference->image];
    int64_t made = ia_graph_made_ns(&graph->files.items[by->file]);
    bool is_led_astray = reference->target == IA_GRAPH_NONE || by->parent_differs;
    if (!is_led_astray || graph->files.items[finder->file].ctime_ns < made)
        return false;
    if (reference->kind == IA_NAME_BACKING && by->past_base_is_known)
        return !was_before(finder->image->seen_since_ns, made);
    return !was_before(finder->image->path_since_ns, made) ||
           ia_graph_names_are_alike(graph, finder->file, wanted_name(reference));
}

/* The name goes by a link that was turned since, which leaves no trace in what it led to. That lies beside what it
 * leads to now, or led to then. */
static bool may_be_linked_before(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph_image *by = &finder->judge->graph->images.items[reference->image];
    if (reference->kind != IA_NAME_BACKING || !by->link_is_newer)
        return false;
    return (reference->target == IA_GRAPH_NONE && !by->past_base_is_known) ||
           ia_graph_names_lie_beside(finder->judge->graph, finder->file, reference->path) ||
           ia_graph_names_lie_beside_file(finder->judge->graph, finder->file, by->past_base);
}

/* What the image names in vain, by the names that it might have: that of the file which it led to in an earlier scan;
 * the same last component; the path of what named the candidate then. */
static bool is_meant_by_name(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const char *named_by = finder->image->named_by;
    return ia_graph_names_end_in(finder->judge->graph, finder->file, wanted_name(reference)) ||
           ia_finder_has_part_called(finder, wanted_name(reference)) ||
           (named_by != NULL && strcmp(reference->path, named_by) == 0);
}

/* The base is another file, which is there still, or was there when a scan saw this one, too. */
static bool was_beside_base(const struct ia_graph_image *image, const struct ia_graph_image *by)
{
    return by->base_before != IA_GRAPH_NONE || (image->seen_since_ns > 0 && image->seen_since_ns <= by->base_lost_ns);
}

/* A base that was renamed or moved away under its overlays is misplaced, not unused. */
static bool may_mean_file(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph_image *by = &finder->judge->graph->images.items[reference->image];
    bool is_backing = reference->kind == IA_NAME_BACKING;
    if (by->is_gone || reference->image == finder->number)
        return false;
    if (reference->state == IA_GRAPH_AMBIGUOUS &&
        ia_graph_names_are_in(finder->judge->graph, finder->file, reference->name))
        return true;
    bool is_lost = reference->target == IA_GRAPH_NONE && reference->state != IA_GRAPH_REMOTE;
    bool differs = is_backing && (by->parent_differs || by->link_is_newer);
    if ((!is_lost && !differs) || reference->kind == IA_NAME_ALIAS || reference->kind == IA_NAME_CONTENT)
        return false;
    bool named_it = finder->image->named_by != NULL && strcmp(by->path, finder->image->named_by) == 0;
    bool was_base = is_backing && (by->base_before == finder->file || by->past_base == finder->file);
    if (named_it || was_base || is_meant_by_name(finder, reference))
        return true;
    /* Where a path leads outside, or an earlier scan followed it to another file, it is known which. */
    bool is_certain =
        is_lost && (reference->state == IA_GRAPH_OTHER || (is_backing && was_beside_base(finder->image, by)));
    return !is_certain && ia_judge_fits(finder->image, finder->file, is_backing ? by->backing_format : "raw") &&
           was_there(finder, reference) &&
           (may_be_renamed_since(finder, reference) || may_be_linked_before(finder, reference));
}

bool ia_finder_may_mean(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    struct ia_finder of = *finder;
    for (size_t n = 0; ia_judge_file_of(finder->judge, finder->number, n, &of.file); n++)
        if (of.file != IA_GRAPH_NONE && may_mean_file(&of, reference))
            return true;
    return false;
}
