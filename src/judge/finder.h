/* SPDX-License-Identifier: MIT */
/* What the rules share, and their list. Private to src/judge. */
#ifndef IA_JUDGE_FINDER_H
#define IA_JUDGE_FINDER_H

#include "judge/internal.h"
#include "judge/judge.h"

/* Where the doubts of one candidate go, and the accepted findings because of which one is none. failed: out of memory.
 */
struct ia_finder {
    struct ia_judge *judge;
    size_t number;
    const struct ia_graph_image *image;
    size_t file; /* of those that it is made of, the one that a rule is at; the main one at first */
    enum ia_candidate candidate;
    struct ia_doubts *out;         /* NULL: nobody asks */
    struct ia_assumptions *assume; /* NULL: nobody asks */
    bool is_meant;                 /* a name was found that may mean it, be it accepted */
    bool failed;
};

/* Calls the rule for each file that the image is made of, with that in finder->file. */
void ia_finder_each_file(struct ia_finder *finder, void (*rule)(struct ia_finder *finder));
/* The doubt counts against the candidate's status. */
bool ia_finder_is_concerned(const struct ia_finder *finder, enum ia_doubt code);
/* rules_readers.c: sets judge->readers to the images that could read the candidate, directly or through others. */
void ia_finder_find_readers(struct ia_finder *finder);
/* meant.c: the image may be what is meant by the reference, which did not lead to it or does not count as what did. */
bool ia_finder_may_mean(const struct ia_finder *finder, const struct ia_graph_reference *reference);
/* A part of the image is called so by the image itself. */
bool ia_finder_has_part_called(const struct ia_finder *finder, const char *component);
/* The finding is accepted, which is assumed. */
void ia_finder_assume(struct ia_finder *finder, const struct ia_graph_finding *accepted);
/* True: a finding about the path is accepted, and there is no such doubt. */
bool ia_finder_accepts(struct ia_finder *finder, enum ia_doubt code, const char *path);
/* Adds a doubt that concerns the candidate; the subject is borrowed. */
void ia_finder_doubt(struct ia_finder *finder, enum ia_doubt code, const char *subject);
/* The subject is "path (remark)". */
void ia_finder_doubt_with(struct ia_finder *finder, enum ia_doubt code, const char *path, const char *remark);
/* The subject is the first `len` bytes of the path. */
void ia_finder_doubt_above(struct ia_finder *finder, enum ia_doubt code, const char *path, size_t len);

typedef void ia_rule(struct ia_finder *finder);

/* rules_self.c: about the image itself. */
ia_rule ia_rule_not_understood, ia_rule_cross_linked, ia_rule_in_use, ia_rule_unsettled, ia_rule_not_walked,
    ia_rule_written_since, ia_rule_recent, ia_rule_shared_file;
/* rules_volume.c: about the file systems that it lies on. */
ia_rule ia_rule_identity_uncertain, ia_rule_shared_filesystem;
/* rules_names.c: about names that lead nowhere, or may lead to it. */
ia_rule ia_rule_broken_references, ia_rule_exchanged, ia_rule_renamed, ia_rule_remote_names;
/* rules_inventory.c: about machines that may use it. */
ia_rule ia_rule_no_inventory, ia_rule_inventory_problems, ia_rule_open_claims;
/* rules_readers.c: about who could read it. */
ia_rule ia_rule_own_seekers, ia_rule_of_readers, ia_rule_packed;

#endif
