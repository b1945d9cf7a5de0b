/* SPDX-License-Identifier: MIT */
/* Rules about names in images: what they may mean that is not what they led to. */
#include "judge/finder.h"

#include <string.h>

#include "base/path.h"

/* An image may be meant by each of the files that it is made of: finder->file is the one in question. */

/* The text contains the last component of one of the file's names. */
static bool has_name_of(const struct ia_finder *finder, const char *text)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->file];
    for (size_t i = 0; i < file->names; i++) {
        const char *path = graph->names.items[file->first_name + i].path;
        if (strstr(text, ia_path_name(path)) != NULL)
            return true;
    }
    return false;
}

/* One of the file's names ends in this component. */
static bool is_called(const struct ia_finder *finder, const char *component)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcmp(ia_path_name(graph->names.items[file->first_name + i].path), component) == 0)
            return true;
    return false;
}

/* NULL: not stated. What holds an image's data may pass for raw. */
static bool fits(const struct ia_finder *finder, const char *format)
{
    return format == NULL || strcmp(format, finder->image->format) == 0 ||
           (finder->file != finder->image->file && strcmp(format, "raw") == 0);
}

/* A part of the image is called so by the image itself. */
static bool has_part_called(const struct ia_finder *finder, const char *component)
{
    const size_t *part;
    size_t count = ia_judge_members(&finder->judge->parts, finder->number, &part);
    for (size_t i = 0; i < count; i++)
        if (strcmp(ia_path_name(finder->judge->graph->parts.items[part[i]].path), component) == 0)
            return true;
    return false;
}

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
    return reference->kind != IA_GRAPH_BACKING || own < 0 || made < 0 || own <= made ||
           own <= ia_graph_newest_change(graph, reference->image);
}

/* Bytes of a name before its first dot. */
static size_t stem_length(const char *name)
{
    size_t len = strcspn(name, ".");
    return len > 0 ? len : strlen(name);
}

/* The stem of one is in the other: platforms call a snapshot's base by the disk's name and a word, and back again. */
static bool has_stem_of(const char *name, const char *other)
{
    return memmem(name, strlen(name), other, stem_length(other)) != NULL;
}

static bool has_alike_name(const struct ia_finder *finder, const char *wanted)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->file];
    for (size_t i = 0; i < file->names; i++) {
        const char *own = ia_path_name(graph->names.items[file->first_name + i].path);
        if (has_stem_of(own, wanted) || has_stem_of(wanted, own))
            return true;
    }
    return false;
}

/* A scan that had ended by the time saw it, and so did all since. */
static bool was_before(int64_t since_ns, int64_t ns)
{
    return since_ns > 0 && since_ns < ns;
}

/* Some name of the file lies in the same directory as the path. */
static bool lies_beside(const struct ia_finder *finder, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->file];
    size_t len = ia_path_directory_length(path);
    for (size_t i = 0; i < file->names; i++) {
        const char *own = graph->names.items[file->first_name + i].path;
        if (len > 0 && ia_path_directory_length(own) == len && memcmp(own, path, len) == 0)
            return true;
    }
    return false;
}

static bool lies_beside_file(const struct ia_finder *finder, size_t file)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; file != IA_GRAPH_NONE && i < graph->files.items[file].names; i++)
        if (lies_beside(finder, graph->names.items[graph->files.items[file].first_name + i].path))
            return true;
    return false;
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
    if (reference->kind == IA_GRAPH_BACKING && by->past_base_is_known)
        return !was_before(finder->image->seen_since_ns, made);
    return !was_before(finder->image->path_since_ns, made) || has_alike_name(finder, wanted_name(reference));
}

/* The name goes by a link that was turned since, which leaves no trace in what it led to. That lies beside what it
 * leads to now, or led to then. */
static bool may_be_linked_before(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const struct ia_graph_image *by = &finder->judge->graph->images.items[reference->image];
    if (reference->kind != IA_GRAPH_BACKING || !by->link_is_newer)
        return false;
    return (reference->target == IA_GRAPH_NONE && !by->past_base_is_known) || lies_beside(finder, reference->path) ||
           lies_beside_file(finder, by->past_base);
}

/* What the image names in vain, by the names that it might have: that of the file which it led to in an earlier scan;
 * the same last component; the path of what named the candidate then. */
static bool is_meant_by_name(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    const char *named_by = finder->image->named_by;
    return is_called(finder, wanted_name(reference)) || has_part_called(finder, wanted_name(reference)) ||
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
    bool is_backing = reference->kind == IA_GRAPH_BACKING;
    if (by->is_gone || reference->image == finder->number)
        return false;
    if (reference->state == IA_GRAPH_AMBIGUOUS && has_name_of(finder, reference->name))
        return true;
    bool is_lost = reference->target == IA_GRAPH_NONE && reference->state != IA_GRAPH_REMOTE;
    bool differs = is_backing && (by->parent_differs || by->link_is_newer);
    if ((!is_lost && !differs) || reference->kind == IA_GRAPH_ALIAS || reference->kind == IA_GRAPH_CONTENT)
        return false;
    bool named_it = finder->image->named_by != NULL && strcmp(by->path, finder->image->named_by) == 0;
    bool was_base = is_backing && (by->base_before == finder->file || by->past_base == finder->file);
    if (named_it || was_base || is_meant_by_name(finder, reference))
        return true;
    /* Where a path leads outside, or an earlier scan followed it to another file, it is known which. */
    bool is_certain =
        is_lost && (reference->state == IA_GRAPH_OTHER || (is_backing && was_beside_base(finder->image, by)));
    return !is_certain && fits(finder, is_backing ? by->backing_format : "raw") && was_there(finder, reference) &&
           (may_be_renamed_since(finder, reference) || may_be_linked_before(finder, reference));
}

static bool may_mean(const struct ia_finder *finder, const struct ia_graph_reference *reference)
{
    struct ia_finder of = *finder;
    for (size_t n = 0; ia_judge_file_of(finder->judge, finder->number, n, &of.file); n++)
        if (of.file != IA_GRAPH_NONE && may_mean_file(&of, reference))
            return true;
    return false;
}

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
        if (by->backing == reader || !may_mean(&of, reference) ||
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
        if (may_mean(finder, reference))
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

static bool is_named(const struct ia_finder *finder, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcmp(graph->names.items[file->first_name + i].path, path) == 0)
            return true;
    return false;
}

/* A name that it has, and that what named it had: in the last scan that saw it named, or before. NULL: none. */
static const char *name_of_overlay(const struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    if (finder->image->named_by != NULL && is_named(finder, finder->image->named_by))
        return finder->image->named_by;
    for (size_t i = 0; i < graph->overlay_names.len; i++)
        if (graph->overlay_names.items[i].image == finder->number &&
            is_named(finder, graph->overlay_names.items[i].path))
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
    if (before != NULL && !is_named(finder, before))
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, before);
    else if (overlay != NULL)
        ia_finder_doubt(finder, IA_DOUBT_RENAMED, overlay);
}

static bool is_any_file_called(const struct ia_finder *finder, const char *component)
{
    struct ia_finder of = *finder;
    for (size_t n = 0; ia_judge_file_of(finder->judge, finder->number, n, &of.file); n++)
        if (of.file != IA_GRAPH_NONE && is_called(&of, component))
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
        if (!by->is_gone && (is_any_file_called(finder, reference->name) || has_part_called(finder, reference->name)))
            ia_finder_doubt(finder, IA_DOUBT_REMOTE_NAME, by->path);
    }
}
