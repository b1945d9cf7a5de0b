/* SPDX-License-Identifier: MIT */
/* What an administrator accepted: findings that block no verdict any more, and how a verdict lists those that it rests
 * on. Which acceptance a finding has is decided once, when it is published; the judge gets its number. */
#ifndef IA_JUDGE_ACCEPTANCE_H
#define IA_JUDGE_ACCEPTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"

struct ia_acceptance {
    int64_t number;   /* > 0 */
    const char *code; /* of findings; texts are borrowed */
    const char *glob; /* of their paths, as ia_path_matches takes it */
    int64_t until_ns; /* it counts before that; 0: for good */
};

/* By ascending numbers. */
struct ia_acceptances {
    IA_VEC(struct ia_acceptance) all;
};

void ia_acceptances_release(struct ia_acceptances *acceptances);

/* The first that accepts such a finding at that time; 0: none does. */
int64_t ia_acceptances_find(const struct ia_acceptances *acceptances, const char *code, const char *path,
                            int64_t now_ns);

/* An accepted finding that would have been a doubt. Texts are borrowed from the graph. */
struct ia_assumption {
    const char *code, *path;
    int64_t number;
};
struct ia_assumptions {
    IA_VEC(struct ia_assumption) all;
};

void ia_assumptions_release(struct ia_assumptions *assumptions);
#define IA_AUTO_ASSUMPTIONS __attribute__((cleanup(ia_assumptions_release)))

/* Sorts by number, code and path, each once. */
void ia_assumptions_sort(struct ia_assumptions *assumptions);
/* Appends them, sorted, in words: "backing-missing /a, /b (accepted as 3); ...", with three paths of each and the
 * number of others. */
void ia_assumptions_render(struct ia_buf *out, const struct ia_assumptions *assumptions);

#endif
