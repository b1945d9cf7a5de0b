/* SPDX-License-Identifier: MIT */
/* The demand on every image of one tree: a sweep over the guest's bytes, with all mappings of the tree side by side.
 *
 * At the sweep's place each image is read by so many readers: what its dependents lack there, they read here. The
 * numbers change only where an extent begins or ends. Cost: extents times (log(mappings) + how far a change is felt
 * down the chain). Memory: a buffer for each mapping, whatever the number of extents. */
#ifndef IA_ANALYSIS_SWEEP_H
#define IA_ANALYSIS_SWEEP_H

#include "analysis/forest.h"
#include "analysis/pairs.h"
#include "analysis/tree.h"

/* Accounts for all images of the tree that have dependents, and hands them to the sinks. `families` are the counts of
 * relatives by node. What pairs of heads share is counted in `pairs`, which may be NULL. */
IA_MUST_CHECK enum ia_status ia_sweep_tree(const struct ia_forest *forest, const struct ia_tree *tree, size_t root,
                                           const struct ia_family *families, const struct ia_forest_sinks *sinks,
                                           struct ia_pairs *pairs, struct ia_error *err);

#endif
