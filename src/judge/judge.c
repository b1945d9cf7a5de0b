/* SPDX-License-Identifier: MIT */
/* The rules, one function each. */
#include "judge/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
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
        bool differs = reference->kind == IA_GRAPH_BACKING && graph->images.items[reference->image].parent_differs;
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

static bool list_remote(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->references.len; i++)
        if (graph->references.items[i].kind == IA_GRAPH_NESTED && graph->references.items[i].state == IA_GRAPH_REMOTE &&
            !ia_vec_push(&judge->remote, i))
            return false;
    return true;
}

static int by_expected(const struct ia_graph_image *image, const char *identity, const char *format)
{
    int order = strcmp(image->expects, identity);
    return order != 0 ? order : strcmp(image->format, format);
}

static int compare_seekers(const void *left, const void *right, void *ctx)
{
    const struct ia_graph *graph = ctx;
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    int order = by_expected(&graph->images.items[a], graph->images.items[b].expects, graph->images.items[b].format);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool list_seekers(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->images.len; i++)
        if (graph->images.items[i].expects != NULL && !graph->images.items[i].is_gone &&
            !ia_vec_push(&judge->seekers, i))
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
        !ia_judge_list_accepted(judge)) {
        ia_judge_free(judge);
        return ia_no_memory(err);
    }
    *out = judge;
    return IA_OK;
}

void ia_judge_free(struct ia_judge *judge)
{
    if (judge == NULL)
        return;
    for (size_t i = 0; i < judge->subjects.len; i++)
        free(judge->subjects.items[i]);
    ia_vec_release(&judge->subjects);
    ia_vec_release(&judge->references.all);
    ia_vec_release(&judge->owners.all);
    ia_vec_release(&judge->packed);
    ia_vec_release(&judge->overlays);
    ia_vec_release(&judge->findings);
    ia_vec_release(&judge->remote);
    ia_vec_release(&judge->seekers);
    ia_vec_release(&judge->broken);
    ia_vec_release(&judge->exchanged);
    ia_vec_release(&judge->by_path);
    ia_vec_release(&judge->readers);
    free(judge->first_overlay);
    free(judge->is_reader);
    free(judge);
}

/* -- What an image is a candidate for ------------------------------------------------------------------------------ */

/* Some image refers to the file, by any name and kind of reference, or it is a part of one. */
static bool is_referenced(const struct ia_judge *judge, size_t file)
{
    const struct ia_judge_link *link;
    return judge->graph->files.items[file].is_part || ia_judge_links_of(&judge->references, file, &link) > 0;
}

enum ia_candidate ia_judge_candidate(const struct ia_judge *judge, size_t number)
{
    const struct ia_graph_image *image = &judge->graph->images.items[number];
    const size_t *overlay;
    if (image->is_gone)
        return IA_CANDIDATE_NONE;
    if (!is_referenced(judge, image->file))
        return !image->is_template && ia_judge_has_evidence(judge, number) ? IA_CANDIDATE_UNREFERENCED
                                                                           : IA_CANDIDATE_NONE;
    if (!image->accounted || ia_judge_overlays(judge, number, &overlay) == 0 ||
        ia_judge_has_other_readers(judge, image->file))
        return IA_CANDIDATE_NONE;
    if (image->visible_present == 0 && !image->has_snapshots)
        return image->is_template ? IA_CANDIDATE_NONE : IA_CANDIDATE_FULLY_MASKED;
    return image->masked_bytes > 0 ? IA_CANDIDATE_PARTLY_MASKED : IA_CANDIDATE_NONE;
}

/* -- Doubts ----------------------------------------------------------------------------------------------------------
 */

/* Where the doubts of one candidate go, and the accepted findings because of which one is none. failed: out of memory.
 */
struct finder {
    struct ia_judge *judge;
    size_t number;
    const struct ia_graph_image *image;
    enum ia_candidate candidate;
    struct ia_doubts *out;         /* NULL: nobody asks */
    struct ia_assumptions *assume; /* NULL: nobody asks */
    bool failed;
};

static bool is_concerned(const struct finder *finder, enum ia_doubt code)
{
    return (ia_doubt_kinds[code].concerns & IA_CONCERNS(finder->candidate)) != 0;
}

static void assume(struct finder *finder, const struct ia_graph_finding *accepted)
{
    struct ia_assumption made = {accepted->code, accepted->path, accepted->accepted_by};
    if (finder->assume != NULL && !ia_vec_push(&finder->assume->all, made))
        finder->failed = true;
}

static void push(struct finder *finder, enum ia_doubt code, const char *subject)
{
    struct ia_candidate_doubt found = {code, subject};
    if (finder->out != NULL && !ia_vec_push(&finder->out->all, found))
        finder->failed = true;
}

/* True: a finding about the path is accepted, and there is no such doubt. */
static bool is_accepted(struct finder *finder, enum ia_doubt code, const char *path)
{
    const struct ia_graph_finding *accepted = ia_judge_accepted(finder->judge, code, path);
    if (accepted != NULL)
        assume(finder, accepted);
    return accepted != NULL;
}

static void doubt(struct finder *finder, enum ia_doubt code, const char *subject)
{
    if (is_concerned(finder, code) && !is_accepted(finder, code, subject))
        push(finder, code, subject);
}

/* Takes the subject over; NULL: out of memory. */
static void push_made(struct finder *finder, enum ia_doubt code, char *subject)
{
    if (subject != NULL && ia_vec_push(&finder->judge->subjects, subject)) {
        push(finder, code, subject);
        return;
    }
    free(subject);
    finder->failed = true;
}

/* "path (remark)". */
static void doubt_with(struct finder *finder, enum ia_doubt code, const char *path, const char *remark)
{
    char *subject = NULL;
    if (is_concerned(finder, code) && !is_accepted(finder, code, path))
        push_made(finder, code, asprintf(&subject, "%s (%s)", path, remark) < 0 ? NULL : subject);
}

/* The first `len` bytes of the path. */
static void doubt_above(struct finder *finder, enum ia_doubt code, const char *path, size_t len)
{
    if (is_concerned(finder, code))
        push_made(finder, code, strndup(path, len));
}

static void find_not_understood(struct finder *finder)
{
    if (finder->image->problem != NULL)
        doubt_with(finder, IA_DOUBT_NOT_UNDERSTOOD, finder->image->path, finder->image->problem);
}

/* Of an image that was not understood nothing more is known. */
static void find_cross_linked(struct finder *finder)
{
    if (finder->image->cross_linked == 1)
        doubt(finder, IA_DOUBT_CROSS_LINKED, finder->image->path);
    else if (finder->image->cross_linked != 0 && finder->image->problem == NULL)
        doubt_with(finder, IA_DOUBT_CROSS_LINKED, finder->image->path, "unknown");
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

/* Overlays name a file by the directory that it lies in. Where the file's place says that it is a base, they lie
 * elsewhere, too. */
static void find_not_walked(struct finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++) {
        const char *path = graph->names.items[file->first_name + i].path;
        size_t len = ia_path_directory_length(path);
        if (!is_walked(graph, path, len))
            doubt_above(finder, IA_DOUBT_NOT_WALKED, path, len > 1 ? len - 1 : len);
        len = ia_evidence_overlays_below(path);
        if (len > 0 && !is_walked(graph, path, len))
            doubt_above(finder, IA_DOUBT_NOT_WALKED, path, len);
    }
}

static void find_unsettled(struct finder *finder)
{
    if (finder->image->unsettled)
        doubt(finder, IA_DOUBT_CHANGED_DURING_SCAN, "");
}

static void find_in_use(struct finder *finder)
{
    static const char *const words[] = {
        [IA_GRAPH_LOCK_READ] = "open for reading",
        [IA_GRAPH_LOCK_WRITE] = "open for writing",
        [IA_GRAPH_LOCK_UNKNOWN] = "whether it is open is unknown",
    };
    if (finder->image->lock != IA_GRAPH_LOCK_NONE)
        doubt(finder, IA_DOUBT_IN_USE, words[finder->image->lock]);
}

/* A base is not written to. One that was, after its last overlay was written to or seen, may be a disk of its own by
 * now: a block commit of a running machine leaves the overlay behind, and goes on in the base. */
static void find_written_since(struct finder *finder)
{
    if (finder->image->named_scan != 0 &&
        ia_graph_newest_change(finder->judge->graph, finder->number) != finder->image->named_mtime_ns)
        doubt(finder, IA_DOUBT_WRITTEN_SINCE, "");
}

/* Deleting the image deletes all its files. */
static void find_shared_owner(struct finder *finder, size_t file)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_judge_link *owner;
    size_t count = ia_judge_links_of(&judge->owners, file, &owner);
    for (size_t i = 0; i < count; i++)
        if (owner[i].image != finder->number)
            doubt(finder, IA_DOUBT_SHARED_FILE, judge->graph->images.items[owner[i].image].path);
}

static void find_shared_file(struct finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    find_shared_owner(finder, finder->image->file);
    for (size_t i = 0; i < graph->parts.len; i++)
        if (graph->parts.items[i].image == finder->number && graph->parts.items[i].file != IA_GRAPH_NONE)
            find_shared_owner(finder, graph->parts.items[i].file);
}

/* The text contains the last component of one of the image's names. */
static bool has_name_of(const struct finder *finder, const char *text)
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

/* An image that has no name of its parent may mean each one with the identity that it expects, whichever was followed.
 * One such image is doubt enough. */
static void find_seekers(struct finder *finder, size_t number)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_graph_image *images = judge->graph->images.items;
    const struct ia_graph_image *wanted = &images[number];
    size_t low = 0;
    if (wanted->identity == NULL)
        return;
    for (size_t high = judge->seekers.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (by_expected(&images[judge->seekers.items[middle]], wanted->identity, wanted->format) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < judge->seekers.len; low++) {
        size_t seeker = judge->seekers.items[low];
        if (by_expected(&images[seeker], wanted->identity, wanted->format) != 0)
            return;
        if (seeker == number || images[seeker].backing == number ||
            is_accepted(finder, IA_DOUBT_BROKEN_REFERENCE, images[seeker].path))
            continue;
        doubt(finder, IA_DOUBT_BROKEN_REFERENCE, images[seeker].path);
        return;
    }
}

static void find_own_seekers(struct finder *finder)
{
    find_seekers(finder, finder->number);
}

/* One of the image's names, or one of its parts, ends in this component. */
static bool is_called(const struct finder *finder, const char *component)
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
static bool fits(const struct finder *finder, const char *format)
{
    return format == NULL || strcmp(format, finder->image->format) == 0;
}

/* It got its name, its place or its content after the image was made that lost a file: it may be that file, renamed. */
static bool may_be_renamed_since(const struct finder *finder, const struct ia_graph_image *by)
{
    const struct ia_graph_file *files = finder->judge->graph->files.items;
    return files[finder->image->file].ctime_ns >= files[by->file].birth_ns;
}

/* What the image names in vain, by the names that it might have: that of the file which it led to in an earlier scan;
 * the same last component; the path of what named the candidate then. */
static bool is_meant_by_name(const struct finder *finder, const struct ia_graph_reference *reference)
{
    const char *named_by = finder->image->named_by;
    const char *wanted = ia_path_name(reference->path[0] != '\0' ? reference->path : reference->name);
    return is_called(finder, wanted) || (named_by != NULL && strcmp(reference->path, named_by) == 0);
}

/* A base that was renamed or moved away under its overlays is misplaced, not unused. */
static bool may_mean(const struct finder *finder, const struct ia_graph_reference *reference)
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
    return !is_certain && fits(finder, is_backing ? by->backing_format : "raw") && may_be_renamed_since(finder, by);
}

static void find_broken_references(struct finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->broken.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->broken.items[i]];
        if (may_mean(finder, reference))
            doubt(finder, IA_DOUBT_BROKEN_REFERENCE, graph->images.items[reference->image].path);
    }
}

/* An overlay was made on the candidate, and its backing name leads to another file now: a template that was refreshed
 * under its old name, a link that was turned. */
static void find_exchanged(struct finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->exchanged.len; i++) {
        const struct ia_graph_image *by = &graph->images.items[finder->judge->exchanged.items[i]];
        if (!by->is_gone && by->base_before == finder->image->file && finder->image != by)
            doubt(finder, IA_DOUBT_EXCHANGED, by->path);
    }
}

static bool is_named(const struct finder *finder, const char *path)
{
    const struct ia_graph *graph = finder->judge->graph;
    const struct ia_graph_file *file = &graph->files.items[finder->image->file];
    for (size_t i = 0; i < file->names; i++)
        if (strcmp(graph->names.items[file->first_name + i].path, path) == 0)
            return true;
    return false;
}

/* Platforms throw an overlay away, and give its name to the base, which is the machine's disk then. */
static void find_renamed(struct finder *finder)
{
    const char *before = finder->image->named_path;
    if (before != NULL && !is_named(finder, before))
        doubt(finder, IA_DOUBT_RENAMED, before);
    else if (finder->image->named_by != NULL && is_named(finder, finder->image->named_by))
        doubt(finder, IA_DOUBT_RENAMED, finder->image->named_by);
}

/* What another machine serves may be what this one gave it: a share, a mirror of a name. */
static void find_remote_names(struct finder *finder)
{
    const struct ia_graph *graph = finder->judge->graph;
    for (size_t i = 0; i < finder->judge->remote.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[finder->judge->remote.items[i]];
        const struct ia_graph_image *by = &graph->images.items[reference->image];
        if (!by->is_gone && is_called(finder, reference->name))
            doubt(finder, IA_DOUBT_REMOTE_NAME, by->path);
    }
}

/* The images that could read the candidate, directly or through others. Ends: each is taken once. */
static void find_readers(struct finder *finder)
{
    struct ia_judge *judge = finder->judge;
    for (size_t i = 0; i < judge->readers.len; i++)
        judge->is_reader[judge->readers.items[i]] = 0;
    judge->readers.len = 0;
    for (size_t next = 0, at = finder->number;; at = judge->readers.items[next++]) {
        const size_t *overlay;
        size_t count = ia_judge_overlays(judge, at, &overlay);
        for (size_t i = 0; i < count && !finder->failed; i++) {
            if (judge->is_reader[overlay[i]] != 0)
                continue;
            judge->is_reader[overlay[i]] = 1;
            finder->failed = !ia_vec_push(&judge->readers, overlay[i]);
        }
        if (finder->failed || next == judge->readers.len)
            return;
    }
}

/* The findings about the image at this path. */
static void find_reader_findings(struct finder *finder, const char *path)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_graph_finding *all = judge->graph->findings.items;
    size_t low = 0;
    for (size_t high = judge->findings.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(all[judge->findings.items[middle]].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < judge->findings.len && strcmp(all[judge->findings.items[low]].path, path) == 0; low++) {
        const struct ia_graph_finding *finding = &all[judge->findings.items[low]];
        if (finding->accepted_by == 0)
            doubt_with(finder, finding->of_readers, path, finding->code);
        else if (is_concerned(finder, finding->of_readers))
            assume(finder, finding);
    }
}

static void find_of_reader(struct finder *finder, size_t number)
{
    const struct ia_graph_image *reader = &finder->judge->graph->images.items[number];
    if (number == finder->number)
        doubt(finder, IA_DOUBT_LOOP, "");
    if (reader->problem != NULL)
        doubt_with(finder, IA_DOUBT_NOT_UNDERSTOOD, reader->path, reader->problem);
    else
        find_reader_findings(finder, reader->path);
    if (reader->problem == NULL && reader->cross_linked == -1)
        doubt_with(finder, IA_DOUBT_CROSS_LINKED, reader->path, "unknown");
    if (ia_judge_has_other_readers(finder->judge, reader->file))
        doubt(finder, IA_DOUBT_NON_BACKING_READER, reader->path);
    find_seekers(finder, number);
}

static void find_of_readers(struct finder *finder)
{
    if (ia_judge_has_other_readers(finder->judge, finder->image->file))
        doubt(finder, IA_DOUBT_NON_BACKING_READER, finder->image->path);
    find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_of_reader(finder, finder->judge->readers.items[i]);
}

static void find_packed_of_image(struct finder *finder, size_t number)
{
    const struct ia_judge_packed_link *link;
    size_t count = ia_judge_packed_of(finder->judge, number, &link);
    for (size_t i = 0; i < count; i++) {
        const struct ia_graph_packed *packed = &finder->judge->graph->packed.items[link[i].packed];
        if (packed->member[0] == '\0')
            doubt(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive);
        else
            doubt_with(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive, packed->member);
    }
}

/* Once it is unpacked, it reads what others hide: all of what it names, and of what is behind that. */
static void find_packed(struct finder *finder)
{
    if (finder->judge->packed.len == 0)
        return;
    find_packed_of_image(finder, finder->number);
    find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_packed_of_image(finder, finder->judge->readers.items[i]);
}

typedef void rule(struct finder *finder);

static enum ia_status apply(struct finder *finder, rule *const *rules, size_t count, struct ia_error *err)
{
    finder->image = &finder->judge->graph->images.items[finder->number];
    for (size_t i = 0; i < count; i++)
        rules[i](finder);
    return finder->failed ? ia_no_memory(err) : IA_OK;
}

/* The first ones are about the image itself. */
static rule *const rules[] = {
    find_not_understood, find_cross_linked, find_in_use,        find_packed,      find_own_seekers,
    find_unsettled,      find_not_walked,   find_written_since, find_shared_file, find_broken_references,
    find_exchanged,      find_renamed,      find_remote_names,  find_of_readers,
};
enum { OWN_RULES = 5, RULES = sizeof(rules) / sizeof(rules[0]) };

enum ia_status ia_judge_doubts(struct ia_judge *judge, size_t image, enum ia_candidate candidate, struct ia_doubts *out,
                               struct ia_error *err)
{
    struct finder finder = {.judge = judge, .number = image, .candidate = candidate, .out = out};
    IA_TRY(apply(&finder, rules, RULES, err));
    ia_doubts_sort(out);
    return IA_OK;
}

enum ia_status ia_judge_own_doubts(struct ia_judge *judge, size_t image, struct ia_doubts *out, struct ia_error *err)
{
    struct finder finder = {.judge = judge, .number = image, .candidate = IA_CANDIDATE_UNREFERENCED, .out = out};
    IA_TRY(apply(&finder, rules, OWN_RULES, err));
    ia_doubts_sort(out);
    return IA_OK;
}

enum ia_status ia_judge_assumes(struct ia_judge *judge, size_t image, enum ia_candidate candidate,
                                struct ia_assumptions *out, struct ia_error *err)
{
    struct finder finder = {.judge = judge, .number = image, .candidate = candidate, .assume = out};
    if (judge->by_path.len == 0) /* none is accepted */
        return IA_OK;
    IA_TRY(ia_judge_assumes_of_all(judge, out, err));
    IA_TRY(apply(&finder, rules, RULES, err));
    ia_assumptions_sort(out);
    return IA_OK;
}

/* Of a finding that is still there. */
static bool raises_of_all(const struct ia_graph *graph, const struct ia_graph_finding *finding)
{
    return finding->of_all != IA_DOUBT_NONE &&
           (finding->image == IA_GRAPH_NONE || !graph->images.items[finding->image].is_gone);
}

enum ia_status ia_judge_doubts_of_all(const struct ia_judge *judge, struct ia_doubts *out, struct ia_error *err)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++) {
        const struct ia_graph_finding *finding = &graph->findings.items[i];
        struct ia_candidate_doubt found = {finding->of_all, finding->path};
        if (finding->accepted_by == 0 && raises_of_all(graph, finding) && !ia_vec_push(&out->all, found))
            return ia_no_memory(err);
    }
    ia_doubts_sort(out);
    return IA_OK;
}

enum ia_status ia_judge_assumes_of_all(const struct ia_judge *judge, struct ia_assumptions *out, struct ia_error *err)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++) {
        const struct ia_graph_finding *finding = &graph->findings.items[i];
        struct ia_assumption made = {finding->code, finding->path, finding->accepted_by};
        if (finding->accepted_by != 0 && raises_of_all(graph, finding) && !ia_vec_push(&out->all, made))
            return ia_no_memory(err);
    }
    ia_assumptions_sort(out);
    return IA_OK;
}
