/* SPDX-License-Identifier: MIT */
/* The demand on an image: for each of its bytes, how many readers read it here, counted up to IA_DEMAND_MANY. */
#ifndef IA_ANALYSIS_DEMAND_H
#define IA_ANALYSIS_DEMAND_H

#include "analysis/forest.h"
#include "analysis/host_ranges.h"
#include "analysis/step_sum.h"

/* The accounts ask for none, one, or more than one. */
#define IA_DEMAND_MANY 2

/* The demand on an image from what its dependents pass down, which is emptied. A head reads itself. */
IA_MUST_CHECK enum ia_status ia_demand_settle(const struct ia_forest_node *node, bool is_head,
                                              struct ia_steps_sum *from_above, struct ia_steps *out,
                                              struct ia_error *err);

/* How far an image reads its backing image: 0 where it has none. */
int64_t ia_demand_reach(const struct ia_forest *forest, size_t node, int64_t size);

/* Reads the internal snapshots of a node. What they read in its backing image is added to *gaps (of cap 1), and unless
 * held is NULL, the host bytes that they use go there, sealed. */
IA_MUST_CHECK enum ia_status ia_demand_snapshots(const struct ia_forest *forest, size_t node, struct ia_steps_sum *gaps,
                                                 struct ia_host_ranges *held, struct ia_error *err);

#endif
