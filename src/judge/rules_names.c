/* SPDX-License-Identifier: MIT */
/* Rules about names in images, which may mean what they did not lead to. */
#include "judge/finder.h"
#include "judge/graph_names.h"

/* Of an image that could read the candidate. */
static struct ia_finder of_reader(const struct ia_finder *finder, size_t reader)
{
    struct ia_finder of = *finder;
    of.number = reader;
    of.image = &finder->judge->graph->images.items[reader];
    of.file = of.image->file;
    return of;
}

/* An image's base is no more, and was based on the file: as long as the image names it, it may come back. The finding
 * that can be accepted is that the base is missing. */
static bool finds_lost_base(struct ia_finder *finder, size_t number)
{
    const struct ia_graph *graph = finder->judge->graph;
    bool found = false;
    for (size_t i = 0; i < graph->lost_bases.len; i++) {
        const struct ia_graph_lost_base *lost = &graph->lost_bases.items[i];
        const struct ia_graph_image *by = &graph->images.items[lost->image];
        bool is_own = lost->image == number || lost->image == finder->number; /* of a ring that was broken */
        if (!ia_judge_has_file(finder->judge, number, lost->file) || is_own || by->is_gone ||
            by->backing != IA_GRAPH_NONE || ia_finder_accepts(finder, IA_DOUBT_BROKEN_REFERENCE, by->path))
            continue;
        ia_finder_doubt(finder, IA_DOUBT_BROKEN_REFERENCE, by->path);
        found = true;
    }
    return found;
}

/* What may mean a reader of the candidate, reads the candidate through that; where that is what it was followed to, it
 * is a reader itself. One such image of each reader is doubt enough. */
static void find_meant_reader(struct ia_finder *finder, size_t reader)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_finder of = of_reader(finder, reader);
    if (finds_lost_base(finder, reader))
        return;
    for (size_t i = 0; i < finder->judge->broken.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->broken.items[i]];
        const struct ia_graph_image *by = &graph->images.items[reference->image];
        const char *path = by->path;
        if (by->backing == reader || !ia_finder_may_mean(&of, reference) ||
            ia_finder_accepts(finder, IA_DOUBT_BROKEN_REFERENCE, path))
            continue;
        ia_finder_doubt(finder, IA_DOUBT_BROKEN_REFERENCE, path);
        return;
    }
}

void ia_rule_broken_references(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    if (finder->judge->broken.len == 0)
        return;
    finds_lost_base(finder, finder->number);
    for (size_t i = 0; i < finder->judge->broken.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->broken.items[i]];
        if (ia_finder_may_mean(finder, reference))
            ia_finder_doubt(finder, IA_DOUBT_BROKEN_REFERENCE, graph->images.items[reference->image].path);
    }
    ia_finder_find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_meant_reader(finder, finder->judge->readers.items[i]);
}

static void find_exchanged(struct ia_finder *finder, size_t number)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < judge->exchanged.len; i++) {
        const struct ia_graph_image *by = &graph->images.items[judge->exchanged.items[i]];
        if (!by->is_gone && judge->exchanged.items[i] != number && ia_judge_has_file(judge, number, by->base_before))
            ia_finder_doubt(finder, IA_DOUBT_EXCHANGED, by->path);
    }
    for (size_t i = 0; i < graph->former_bases.len; i++) {
        const struct ia_graph_former_base *pair = &graph->former_bases.items[i];
        const struct ia_graph_image *by = &graph->images.items[pair->image];
        if (!by->is_gone && by->backing != number && pair->image != number &&
            ia_judge_has_file(judge, number, pair->file))
            ia_finder_doubt(finder, IA_DOUBT_EXCHANGED, by->path);
    }
    for (size_t i = 0; i < graph->lost_bases.len; i++) {
        const struct ia_graph_lost_base *lost = &graph->lost_bases.items[i];
        const struct ia_graph_image *by = &graph->images.items[lost->image];
        bool is_own = lost->image == number || lost->image == finder->number; /* of a ring that was broken */
        if (!by->is_gone && !is_own && by->backing != IA_GRAPH_NONE && ia_judge_has_file(judge, number, lost->file))
            ia_finder_doubt(finder, IA_DOUBT_EXCHANGED, by->path);
    }
}

/* An overlay was made on the candidate or on what could read it, or used on it, and its backing name leads to another
 * file now: a template that was refreshed under its old name, a link that was turned. What could read it may be no
 * more.
 */
void ia_rule_exchanged(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    if (finder->judge->exchanged.len == 0 && graph->former_bases.len == 0 && graph->lost_bases.len == 0)
        return;
    find_exchanged(finder, finder->number);
    ia_finder_find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_exchanged(finder, finder->judge->readers.items[i]);
}

/* A name that it has, and that what named it had: in the last scan that saw it named, or before. NULL: none. */
static const char *name_of_overlay(const struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    if (finder->image->named_by != NULL &&
        ia_graph_names_have(finder->judge->graph, finder->image->file, finder->image->named_by))
        return finder->image->named_by;
    for (size_t i = 0; i < graph->overlay_names.len; i++)
        if (graph->overlay_names.items[i].image == finder->number &&
            ia_graph_names_have(finder->judge->graph, finder->image->file, graph->overlay_names.items[i].path))
            return graph->overlay_names.items[i].path;
    return NULL;
}

/* Platforms throw an overlay away, and give its name to the base, which is the machine's disk then. */
void ia_rule_renamed(struct ia_finder *finder)
{
    if (ia_judge_has_all_machines(finder->judge))
        return;
    const char *before = finder->image->named_path;
    const char *overlay = name_of_overlay(finder);
    if (before != NULL && !ia_graph_names_have(finder->judge->graph, finder->image->file, before))
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, before);
    else if (overlay != NULL)
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, overlay);
}

static bool is_any_file_called(const struct ia_finder *finder, const char *component)
{
    struct ia_finder of = *finder;
    for (size_t n = 0; ia_judge_file_of(finder->judge, finder->number, n, &of.file); n++)
        if (of.file != IA_GRAPH_NONE && ia_graph_names_end_in(of.judge->graph, of.file, component))
            return true;
    return false;
}

/* What another machine serves may be what this one gave it: a share, a mirror of a name. */
void ia_rule_remote_names(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->remote.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->remote.items[i]];
        const struct ia_graph_image *by = &graph->images.items[reference->image];
        if (!by->is_gone &&
            (is_any_file_called(finder, reference->name) || ia_finder_has_part_called(finder, reference->name)))
            ia_finder_doubt(finder, IA_DOUBT_REMOTE_NAME, by->path);
    }
}
