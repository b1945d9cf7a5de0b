/* SPDX-License-Identifier: MIT */
/* The judge's verdicts on a graph, into the store: that of a running scan, or the stored one when something was
 * accepted since. */
#ifndef IA_SCAN_PUBLISH_VERDICTS_H
#define IA_SCAN_PUBLISH_VERDICTS_H

#include "judge/graph.h"
#include "store/writer.h"

/* The number in the store of an image of the graph. */
typedef int64_t ia_verdict_image(const void *ctx, size_t image);

/* Writes the tables candidate, evidence and doubt anew; *doubts: how many there are about every candidate. */
IA_MUST_CHECK enum ia_status ia_verdicts_put(struct ia_writer *writer, const struct ia_graph *graph,
                                             ia_verdict_image *image_id, const void *ctx, int64_t *doubts,
                                             struct ia_error *err);

#endif
