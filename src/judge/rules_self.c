/* SPDX-License-Identifier: MIT */
/* Rules about the image itself. */
#include "judge/finder.h"

#include <string.h>

#include "base/path.h"

void ia_rule_not_understood(struct ia_finder *finder)
{
    if (finder->image->problem != NULL)
        ia_finder_doubt_with(finder, IA_DOUBT_NOT_UNDERSTOOD, finder->image->path, finder->image->problem);
}

/* Of an image that was not understood nothing more is known. */
void ia_rule_cross_linked(struct ia_finder *finder)
{
    if (finder->image->cross_linked == 1)
        ia_finder_doubt(finder, IA_DOUBT_CROSS_LINKED, finder->image->path);
    else if (finder->image->cross_linked != 0 && finder->image->problem == NULL)
        ia_finder_doubt_with(finder, IA_DOUBT_CROSS_LINKED, finder->image->path, "unknown");
}

/* The directory `path` begins with, `len` bytes of it, or one above, was walked. */
static bool is_walked(const struct ia_graph *graph, const char *path, size_t len)
{
    for (size_t i = 0; i < graph->walked.len; i++) {
        const char *root = graph->walked.items[i];
        size_t root_len = strlen(root);
        root_len -= root_len > 0 && root[root_len - 1] == '/';
        if (root_len <= len && strncmp(path, root, root_len) == 0 && (path[root_len] == '/' || root_len == len))
            return true;
    }
    return false;
}

/* Overlays name a file by the directory that it lies in. Where the file's place shows that it is a base, they lie
 * elsewhere, too. */
static void find_not_walked(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->file];
    for (size_t i = 0; i < file->names; i++) {
        const char *path = graph->names.items[file->first_name + i].path;
        size_t len = ia_path_directory_length(path);
        if (!is_walked(graph, path, len))
            ia_finder_doubt_above(finder, IA_DOUBT_NOT_WALKED, path, len > 1 ? len - 1 : len);
        len = ia_evidence_overlays_below(path);
        if (len > 0 && !is_walked(graph, path, len))
            ia_finder_doubt_above(finder, IA_DOUBT_NOT_WALKED, path, len);
    }
}

void ia_rule_not_walked(struct ia_finder *finder)
{
    ia_finder_each_file(finder, find_not_walked);
}

void ia_rule_unsettled(struct ia_finder *finder)
{
    if (finder->image->unsettled)
        ia_finder_doubt(finder, IA_DOUBT_CHANGED_DURING_SCAN, "");
}

/* Those who hold a file; IA_GRAPH_NONE: what could not be found out of any. */
static bool find_holders(struct ia_finder *finder, size_t file)
{
    const struct ia_graph *graph = finder->judge->graph;
    bool is_held = false;
    for (size_t i = 0; i < graph->holders.len; i++) {
        if (graph->holders.items[i].file != file)
            continue;
        ia_finder_doubt(finder, IA_DOUBT_IN_USE, graph->holders.items[i].subject);
        is_held = true;
    }
    return is_held;
}

void ia_rule_in_use(struct ia_finder *finder)
{
    static const char *const words[] = {
        [IA_LOCK_READ] = "open for reading",
        [IA_LOCK_WRITE] = "open for writing",
        [IA_LOCK_UNKNOWN] = "whether it is locked is unknown",
    };
    enum ia_image_lock lock = finder->image->lock;
    bool is_held = find_holders(finder, finder->file);
    size_t part;
    for (size_t n = 1; ia_judge_file_of(finder->judge, finder->number, n, &part); n++)
        if (part != IA_GRAPH_NONE)
            find_holders(finder, part);
    find_holders(finder, IA_GRAPH_NONE);
    /* Where it is known who has it open, a lock adds nothing. */
    if (lock == IA_LOCK_UNKNOWN || (lock != IA_LOCK_NONE && !is_held))
        ia_finder_doubt(finder, IA_DOUBT_IN_USE, words[lock]);
}

/* A base is not written to. One that was, after its last overlay was written to or seen, is corrupting it, or may be a
 * disk of its own by now: a block commit of a running machine leaves the overlay behind, and goes on in the base. */
void ia_rule_written_since(struct ia_finder *finder)
{
    if (finder->candidate == IA_CANDIDATE_UNREFERENCED && ia_judge_has_all_machines(finder->judge))
        return;
    if (finder->image->named_scan != 0 &&
        ia_graph_newest_change(finder->judge->graph, finder->number) != finder->image->named_mtime_ns)
        ia_finder_doubt(finder, IA_DOUBT_WRITTEN_SINCE, "");
}

/* A time that lies ahead is recent, too: a clock was set back. */
static bool is_recent(const struct ia_graph *graph, int64_t ns)
{
    return ns > graph->now_ns || (uint64_t)graph->now_ns - (uint64_t)ns < (uint64_t)graph->min_age_ns;
}

/* A file's ctime is no earlier than its birth. */
static void find_recent_file(struct ia_finder *finder, size_t number, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[number];
    if (is_recent(graph, file->birth_ns >= 0 ? file->birth_ns : file->ctime_ns))
        ia_finder_doubt_with(finder, IA_DOUBT_RECENT, path, "the file");
    else if (is_recent(graph, file->mtime_ns))
        ia_finder_doubt_with(finder, IA_DOUBT_RECENT, path, "its last write");
}

/* What is about to be used looks unused for a while: a copy that is still on its way, a machine between two overlays;
 * and so does what some image might mean that is away for a while. What is so only by a deed, has been so for no time.
 * The last rule: whether some name may mean it is known then. */
void ia_rule_recent(struct ia_finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    if (graph->min_age_ns == 0)
        return;
    if (finder->image->was != finder->candidate || is_recent(graph, finder->image->was_since_ns))
        ia_finder_doubt_with(finder, IA_DOUBT_RECENT, ia_candidate_word(finder->candidate), "the status");
    else if (!finder->is_meant && (finder->image->was_meant ||
                                   (finder->image->was_clear_ns != 0 && is_recent(graph, finder->image->was_clear_ns))))
        ia_finder_doubt_with(finder, IA_DOUBT_RECENT, ia_candidate_word(finder->candidate), "the names");
    find_recent_file(finder, finder->image->file, finder->image->path);
    const size_t *part;
    size_t parts = ia_judge_members(&finder->judge->parts, finder->number, &part);
    for (size_t i = 0; i < parts; i++)
        if (graph->parts.items[part[i]].file != IA_GRAPH_NONE)
            find_recent_file(finder, graph->parts.items[part[i]].file, graph->parts.items[part[i]].path);
}

/* Deleting the image deletes all its files. */
static void find_shared_owner(struct ia_finder *finder)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_judge_link *owner;
    size_t count = ia_judge_links_of(&judge->owners, finder->file, &owner);
    for (size_t i = 0; i < count; i++)
        if (owner[i].image != finder->number)
            ia_finder_doubt(finder, IA_DOUBT_SHARED_FILE, judge->graph->images.items[owner[i].image].path);
}

void ia_rule_shared_file(struct ia_finder *finder)
{
    ia_finder_each_file(finder, find_shared_owner);
}
