/* SPDX-License-Identifier: MIT */
/* Where the clusters of a made image lie. All places are numbers of host clusters. Nothing is kept for each cluster:
 * which are allocated, and where, is computed from their number. */
#ifndef TESTS_BENCH_IMAGE_LAYOUT_H
#define TESTS_BENCH_IMAGE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_layout {
    /* wishes */
    uint64_t clusters; /* of the guest */
    int cluster_bits;
    uint64_t every;       /* every so many-th guest cluster is allocated... */
    uint64_t share;       /* ... and of 1000 of those so many... */
    uint64_t table_share; /* ... where of 1000 L2 tables so many are used at all */
    uint64_t run;         /* host clusters that stay in order; 0: all */
    uint64_t seed;
    /* what follows from them */
    uint64_t allocated, l1_entries;
    uint64_t reftable_at, refblocks_at, l1_at, l2_at, data_at, end;
};

/* Versions of clang-format differ in how they lay out such a macro. */
/* clang-format off */
#define IMAGE_LAYOUT_DEFAULTS                                                                                          \
    {                                                                                                                  \
        .clusters = 1024, .cluster_bits = 16, .every = 1, .share = 1000, .table_share = 1000, .seed = 1                \
    }
/* clang-format on */

/* Works out what follows from the wishes; false when they are none. */
bool image_layout_settle(struct image_layout *layout);

size_t image_cluster_size(const struct image_layout *layout);

bool image_is_allocated(const struct image_layout *layout, uint64_t guest);

/* Has the L2 table of an L1 entry any cluster? */
bool image_table_is_used(const struct image_layout *layout, uint64_t entry);

/* The place in the data of the n-th allocated cluster: a permutation of 0 to allocated - 1. */
uint64_t image_place(const struct image_layout *layout, uint64_t n);

#endif
