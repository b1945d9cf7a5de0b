/* SPDX-License-Identifier: MIT */
/* A set of ranges of host bytes in the files of one image: what its internal snapshots, or others, hold on to. */
#ifndef IA_ANALYSIS_HOST_RANGES_H
#define IA_ANALYSIS_HOST_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_host_range {
    uint32_t file;
    int64_t start, length; /* host bytes */
};

/* Zero-initialised is empty. */
struct ia_host_ranges {
    IA_VEC(struct ia_host_range) ranges; /* once sealed: sorted, disjoint, not adjacent */
    size_t seal_at;                      /* how long it may grow before it is tidied up */
};

void ia_host_ranges_release(struct ia_host_ranges *set);
#define IA_AUTO_HOST_RANGES __attribute__((cleanup(ia_host_ranges_release)))

/* start + length fits. Ranges come in any order and may overlap; memory grows with the distinct ones, as snapshots of
 * one image share most of theirs. False when memory is short. */
IA_MUST_CHECK bool ia_host_ranges_add(struct ia_host_ranges *set, uint32_t file, int64_t start, int64_t length);

/* To be called once, between the last add and the first look-up. */
void ia_host_ranges_seal(struct ia_host_ranges *set);

/* Is the host byte in the set, and up to where does that stay so (INT64_MAX: for ever). */
bool ia_host_ranges_has(const struct ia_host_ranges *set, uint32_t file, int64_t pos, int64_t *until);

#endif
