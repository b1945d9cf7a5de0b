/* SPDX-License-Identifier: MIT */
/* Adding doubts, and what is assumed because findings are accepted. */
#include "judge/finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ia_finder_each_file(struct ia_finder *finder, void (*rule)(struct ia_finder *finder))
{
    for (size_t n = 0; ia_judge_file_of(finder->judge, finder->number, n, &finder->file); n++)
        if (finder->file != IA_GRAPH_NONE)
            rule(finder);
    finder->file = finder->image->file;
}

bool ia_finder_is_concerned(const struct ia_finder *finder, enum ia_doubt code)
{
    return (ia_doubt_kinds[code].concerns & IA_CONCERNS(finder->candidate)) != 0;
}

void ia_finder_assume(struct ia_finder *finder, const struct ia_graph_finding *accepted)
{
    struct ia_assumption made = {ia_finding_kinds[accepted->code].code, accepted->path, accepted->accepted_by};
    if (finder->assume != NULL && !ia_vec_push(&finder->assume->all, made))
        finder->failed = true;
}

static void push(struct ia_finder *finder, enum ia_doubt code, const char *subject)
{
    struct ia_candidate_doubt found = {code, subject};
    if (finder->out != NULL && !ia_vec_push(&finder->out->all, found))
        finder->failed = true;
}

static void note_name(struct ia_finder *finder, enum ia_doubt code)
{
    finder->is_meant = finder->is_meant || code == IA_DOUBT_BROKEN_REFERENCE || code == IA_DOUBT_EXCHANGED ||
                       code == IA_DOUBT_PACKED_REFERENCE || code == IA_DOUBT_REMOTE_NAME;
}

/* True: a finding about the path is accepted, and there is no such doubt. */
bool ia_finder_accepts(struct ia_finder *finder, enum ia_doubt code, const char *path)
{
    const struct ia_graph_finding *accepted = ia_judge_accepted(finder->judge, code, path);
    note_name(finder, code);
    if (accepted != NULL)
        ia_finder_assume(finder, accepted);
    return accepted != NULL;
}

void ia_finder_doubt(struct ia_finder *finder, enum ia_doubt code, const char *subject)
{
    if (ia_finder_is_concerned(finder, code) && !ia_finder_accepts(finder, code, subject))
        push(finder, code, subject);
}

/* Takes the subject over; NULL: out of memory. */
static void push_made(struct ia_finder *finder, enum ia_doubt code, char *subject)
{
    if (subject != NULL && ia_vec_push(&finder->judge->subjects, subject)) {
        push(finder, code, subject);
        return;
    }
    free(subject);
    finder->failed = true;
}

/* "path (remark)". */
void ia_finder_doubt_with(struct ia_finder *finder, enum ia_doubt code, const char *path, const char *remark)
{
    char *subject = NULL;
    if (ia_finder_is_concerned(finder, code) && !ia_finder_accepts(finder, code, path))
        push_made(finder, code, asprintf(&subject, "%s (%s)", path, remark) < 0 ? NULL : subject);
}

/* The first `len` bytes of the path. */
void ia_finder_doubt_above(struct ia_finder *finder, enum ia_doubt code, const char *path, size_t len)
{
    if (ia_finder_is_concerned(finder, code))
        push_made(finder, code, strndup(path, len));
}
