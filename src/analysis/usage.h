/* SPDX-License-Identifier: MIT */
/* The accounts of one image: its active extents against how many read them. */
#ifndef IA_ANALYSIS_USAGE_H
#define IA_ANALYSIS_USAGE_H

#include <stdbool.h>

#include "analysis/forest.h"
#include "analysis/host_ranges.h"

struct ia_usage_counter {
    const struct ia_forest_sinks *sinks;
    size_t node;
    bool has_snapshots;
    struct ia_host_ranges held; /* sealed: host bytes that the image's own snapshots use */
    struct ia_usage usage;
    IA_VEC(int64_t) seen; /* by number of readers: bytes of data that so many read */
    bool failed;          /* memory was short */
};

void ia_usage_release(struct ia_usage_counter *counter);
#define IA_AUTO_USAGE __attribute__((cleanup(ia_usage_release)))

/* The part [start, end) of an extent, which `readers` read. Parts come in ascending order, each as long as it can be.
 * Fails as the sink for masked pieces does. */
IA_MUST_CHECK enum ia_status ia_usage_count(struct ia_usage_counter *counter, const struct ia_extent *extent,
                                            int64_t start, int64_t end, uint32_t readers, struct ia_error *err);

/* Hands the accounts to the sinks; all but the counts of relatives are known by then. */
IA_MUST_CHECK enum ia_status ia_usage_emit(struct ia_usage_counter *counter, struct ia_error *err);

#endif
