/* SPDX-License-Identifier: MIT */
/* How much data any two heads of a tree read from the same place: worked out beside the sweep, for the heads that get
 * most from images below them.
 *
 * For each image it is known which of these heads come to it. A head that begins or ceases to come at some place has,
 * with each of the others that are there, the data of the image up to that place: what was so at its coming is taken
 * off, what is so at its going is added. An extent of the image itself costs nothing. */
#ifndef IA_ANALYSIS_PAIRS_H
#define IA_ANALYSIS_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/forest.h"
#include "base/vec.h"

/* Heads of one tree that are looked at: one bit each. */
#define IA_PAIRS_HEADS 32

struct ia_pair_candidate {
    size_t node;   /* a head */
    int64_t below; /* bytes of data that it gets from other images */
};

struct ia_pairs {
    size_t heads[IA_PAIRS_HEADS];
    size_t count;
    int64_t others;                                 /* no head that is not looked at gets more than so much */
    int64_t shared[IA_PAIRS_HEADS][IA_PAIRS_HEADS]; /* bytes, by the smaller and the larger number */
    int64_t steps;                                  /* that may still be taken */
    bool given_up;                                  /* they did not suffice */
};

/* What is so of an image at the sweep's place. Zero-initialised at place 0. */
struct ia_pair_account {
    uint32_t here;   /* heads that come to it, by bits */
    uint32_t passed; /* heads among them that it sends on to its base */
    bool counts;     /* it has data... */
    int64_t from;    /* ...from this place on... */
    int64_t before;  /* ...and so much before */
};

/* Chooses the heads. The list is put in order. */
void ia_pairs_init(struct ia_pairs *pairs, struct ia_pair_candidate *candidates, size_t count);

/* The bit of a head, 0 for a node that is not looked at. */
uint32_t ia_pairs_bit(const struct ia_pairs *pairs, size_t node);

/* At this place the image, a head or not, begins (or ceases) to have data. Earns steps: the work stays in proportion to
 * extents. */
void ia_pairs_set_data(struct ia_pairs *pairs, struct ia_pair_account *account, int64_t place, bool data);

/* At this place `account` sends these heads on, and no others, to its base. */
void ia_pairs_pass(struct ia_pairs *pairs, struct ia_pair_account *account, struct ia_pair_account *base, int64_t place,
                   uint32_t heads);

/* The pairs that share most, the largest first; none when the work was given up. */
IA_MUST_CHECK enum ia_status ia_pairs_emit(const struct ia_pairs *pairs, const struct ia_forest_sinks *sinks,
                                           struct ia_error *err);

#endif
