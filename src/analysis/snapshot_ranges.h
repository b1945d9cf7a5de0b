/* SPDX-License-Identifier: MIT */
/* The host bytes that an image's internal snapshots hold on to: whatever writes to the guest's bytes that lie there
 * gets other clusters, and freeing them gives nothing back. */
#ifndef IA_ANALYSIS_SNAPSHOT_RANGES_H
#define IA_ANALYSIS_SNAPSHOT_RANGES_H

#include "analysis/forest.h"
#include "analysis/host_ranges.h"

/* Adds the host ranges of all snapshots of a node to an empty set and seals it. The caller releases it, also on
 * failure. */
IA_MUST_CHECK enum ia_status ia_snapshot_ranges(const struct ia_forest *forest, size_t node,
                                                struct ia_host_ranges *held, struct ia_error *err);

#endif
