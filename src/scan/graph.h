/* SPDX-License-Identifier: MIT */
/* What a scan saw, as the graph that the judge looks at. */
#ifndef IA_SCAN_GRAPH_H
#define IA_SCAN_GRAPH_H

#include "judge/graph.h"
#include "scan/inventory.h"

struct ia_scan;

struct ia_scan_graph {
    struct ia_graph graph; /* file n is item n */
    size_t *image_of;      /* of each item, its image in the graph; IA_GRAPH_NONE: it is none */
};

/* After everything was followed, looked at and found; texts stay the scan's. Of the forest nothing is set. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_scan_graph_make(const struct ia_scan *scan, struct ia_scan_graph *out,
                                                struct ia_error *err);
void ia_scan_graph_release(struct ia_scan_graph *graph);

/* "ok", or why the image was not understood, one word. */
const char *ia_scan_image_state(const struct ia_item *item);
/* 1: bytes of its files are used twice; 0: none are; -1: unknown. */
int ia_scan_cross_linked(const struct ia_item *item);
/* When a base had last been written to; -1: after all that stands on it. */
int64_t ia_scan_idle_since(const struct ia_scan *scan, const struct ia_item *item);

#endif
