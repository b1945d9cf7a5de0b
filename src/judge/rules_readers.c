/* SPDX-License-Identifier: MIT */
/* Rules about who could read the image, directly or through others. */
#include "judge/finder.h"

#include <string.h>

/* An image that has no name of its parent may mean each one with the identity that it expects, whichever was followed;
 * and so may one whose name leads nowhere, or to something else. One such image is doubt enough. */
static void find_seekers(struct ia_finder *finder, size_t number)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_graph_image *images = judge->graph->images.items;
    const struct ia_graph_image *wanted = &images[number];
    size_t low = 0;
    if (wanted->identity == NULL)
        return;
    for (size_t high = judge->seekers.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (ia_judge_by_expected(&images[judge->seekers.items[middle]], wanted->identity, wanted->format) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < judge->seekers.len; low++) {
        size_t seeker = judge->seekers.items[low];
        if (ia_judge_by_expected(&images[seeker], wanted->identity, wanted->format) != 0)
            return;
        if (seeker == number || images[seeker].backing == number ||
            ia_finder_accepts(finder, IA_DOUBT_BROKEN_REFERENCE, images[seeker].path))
            continue;
        ia_finder_doubt(finder, IA_DOUBT_BROKEN_REFERENCE, images[seeker].path);
        return;
    }
}

void ia_rule_own_seekers(struct ia_finder *finder)
{
    find_seekers(finder, finder->number);
}

/* Ends: each is taken once. */
void ia_finder_find_readers(struct ia_finder *finder)
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
static void find_reader_findings(struct ia_finder *finder, const char *path)
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
            ia_finder_doubt_with(finder, finding->of_readers, path, ia_finding_kinds[finding->code].code);
        else if (ia_finder_is_concerned(finder, finding->of_readers))
            ia_finder_assume(finder, finding);
    }
}

static void find_of_reader(struct ia_finder *finder, size_t number)
{
    const struct ia_graph_image *reader = &finder->judge->graph->images.items[number];
    if (number == finder->number)
        ia_finder_doubt(finder, IA_DOUBT_LOOP, "");
    if (reader->problem != NULL)
        ia_finder_doubt_with(finder, IA_DOUBT_NOT_UNDERSTOOD, reader->path, reader->problem);
    else
        find_reader_findings(finder, reader->path);
    if (reader->problem == NULL && reader->cross_linked == -1)
        ia_finder_doubt_with(finder, IA_DOUBT_CROSS_LINKED, reader->path, "unknown");
    if (ia_judge_is_read_otherwise(finder->judge, number))
        ia_finder_doubt(finder, IA_DOUBT_NON_BACKING_READER, reader->path);
    find_seekers(finder, number);
}

void ia_rule_of_readers(struct ia_finder *finder)
{
    if (ia_judge_is_read_otherwise(finder->judge, finder->number))
        ia_finder_doubt(finder, IA_DOUBT_NON_BACKING_READER, finder->image->path);
    ia_finder_find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_of_reader(finder, finder->judge->readers.items[i]);
}

typedef void rule(struct ia_finder *finder);
