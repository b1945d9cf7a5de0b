/* SPDX-License-Identifier: MIT */
/* The accounts of one image: its active extents against the demand on it. */
#ifndef IA_ANALYSIS_USAGE_H
#define IA_ANALYSIS_USAGE_H

#include <stdbool.h>

#include "analysis/forest.h"
#include "analysis/host_ranges.h"
#include "analysis/stepfunc.h"

struct ia_usage_counter {
    const struct ia_forest_sinks *sinks;
    size_t node;
    bool is_head;                  /* read as a whole, by one reader */
    struct ia_steps_cursor demand; /* else: how many read each byte, 2 for more */
    bool has_snapshots;
    const struct ia_host_ranges *held; /* sealed: host bytes that the snapshots use */
    struct ia_usage usage;
};

/* Extents in ascending order, cut at the image's size. Fails as the sink for masked pieces does. */
IA_MUST_CHECK enum ia_status ia_usage_count(struct ia_usage_counter *counter, const struct ia_extent *extent,
                                            struct ia_error *err);

#endif
