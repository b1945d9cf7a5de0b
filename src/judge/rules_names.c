/* SPDX-License-Identifier: MIT */
/* Rules about names in images: what they may mean that is not what they led to. */
#include "judge/finder.h"

#include <string.h>

#include "base/path.h"

/* The text contains the last component of one of the image's names. */
static bool has_name_of(const struct ia_finder *finder, const char *text)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++) {
        const char *path = graph->names.items[file->first_name + i].path;
        if (strstr(text, ia_path_name(path)) != NULL)
            return true;
    }
    return false;
}

/* One of the image's names, or one of its parts, ends in this component. */
static bool is_called(const struct ia_finder *finder, const char *component)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcmp(ia_path_name(graph->names.items[file->first_name + i].path), component) == 0)
            return true;
    for (size_t i = 0; i < graph->parts.len; i++)
        if (graph->parts.items[i].image == finder->number &&
            strcmp(ia_path_name(graph->parts.items[i].path), component) == 0)
            return true;
    return false;
}

/* NULL: not stated. */
static bool fits(const struct ia_finder *finder, const char *format)
{
    return format == NULL || strcmp(format, finder->image->format) == 0;
}

/* It got its name, its place or its content after the image was made that lost a file: it may be that file, renamed. A
 * base that was made after the image is not; parts are made with it. */
static bool may_be_renamed_since(const struct ia_finder *finder, const struct ia_graph_image *by, bool is_backing)
{
    const struct ia_graph_file *files = finder->judge->graph->files.items;
    const struct ia_graph_file *own = &files[finder->image->file];
    int64_t made = files[by->file].birth_ns;
    return own->ctime_ns >= made && (!is_backing || own->birth_ns < 0 || made < 0 || own->birth_ns <= made);
}

/* What the image names in vain, by the names that it might have: that of the file which it led to in an earlier scan;
 * the same last component; the path of what named the candidate then. */
static bool is_meant_by_name(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const char *named_by = finder->image->named_by;
    const char *wanted = ia_path_name(reference->path[0] != '\0' ? reference->path : reference->name);
    return is_called(finder, wanted) || (named_by != NULL && strcmp(reference->path, named_by) == 0);
}

/* A base that was renamed or moved away under its overlays is misplaced, not unused. */
static bool may_mean(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph_image *by = &finder->judge->graph->images.items[reference->image];
    bool is_backing = reference->kind == IA_GRAPH_BACKING;
    if (by->is_gone || reference->image == finder->number)
        return false;
    if (reference->state == IA_GRAPH_AMBIGUOUS && has_name_of(finder, reference->name))
        return true;
    bool is_lost = reference->target == IA_GRAPH_NONE && reference->state != IA_GRAPH_REMOTE;
    bool differs = is_backing && by->parent_differs;
    if ((!is_lost && !differs) || reference->kind == IA_GRAPH_ALIAS || reference->kind == IA_GRAPH_CONTENT)
        return false;
    bool named_it = finder->image->named_by != NULL && strcmp(by->path, finder->image->named_by) == 0;
    if (named_it || (is_backing && by->base_before == finder->image->file) || is_meant_by_name(finder, reference))
        return true;
    /* Where a path leads outside, it is known which file is meant. */
    bool is_certain = is_lost && reference->state == IA_GRAPH_OTHER;
    return !is_certain && fits(finder, is_backing ? by->backing_format : "raw") &&
           may_be_renamed_since(finder, by, is_backing);
}

void ia_rule_broken_references(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->broken.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->broken.items[i]];
        if (may_mean(finder, reference))
            ia_finder_doubt(finder, IA_DOUBT_BROKEN_REFERENCE, graph->images.items[reference->image].path);
    }
}

/* An overlay was made on the candidate, and its backing name leads to another file now: a template that was refreshed
 * under its old name, a link that was turned. */
void ia_rule_exchanged(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->exchanged.len; i++) {
        const struct ia_graph_image *by = &graph->images.items[finder->judge->exchanged.items[i]];
        if (!by->is_gone && by->base_before == finder->image->file && finder->image != by)
            ia_finder_doubt(finder, IA_DOUBT_EXCHANGED, by->path);
    }
}

static bool is_named(const struct ia_finder *finder, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcmp(graph->names.items[file->first_name + i].path, path) == 0)
            return true;
    return false;
}

/* Platforms throw an overlay away, and give its name to the base, which is the machine's disk then. */
void ia_rule_renamed(struct ia_finder *finder)
{
    const char *before = finder->image->named_path;
    if (before != NULL && !is_named(finder, before))
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, before);
    else if (finder->image->named_by != NULL && is_named(finder, finder->image->named_by))
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, finder->image->named_by);
}

/* What another machine serves may be what this one gave it: a share, a mirror of a name. */
void ia_rule_remote_names(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->remote.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->remote.items[i]];
        const struct ia_graph_image *by = &graph->images.items[reference->image];
        if (!by->is_gone && is_called(finder, reference->name))
            ia_finder_doubt(finder, IA_DOUBT_REMOTE_NAME, by->path);
    }
}
