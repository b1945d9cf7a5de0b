/* SPDX-License-Identifier: MIT */
/* What a scan saw, as the graph that the judge looks at. */
#ifndef IA_SCAN_GRAPH_JUDGE_GRAPH_H
#define IA_SCAN_GRAPH_JUDGE_GRAPH_H

#include "judge/graph.h"
#include "scan/graph/links.h"

struct ia_judge_graph {
    struct ia_graph graph; /* file n is file n of the catalog */
    size_t *image_of;      /* of each file, its image in the graph; IA_GRAPH_NONE: it is none */
};

/* After everything was followed, looked at and found; texts stay the scan's. Of the forest nothing is set. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_judge_graph_make(const struct ia_links *links, struct ia_judge_graph *out,
                                                 struct ia_error *err);
void ia_judge_graph_release(struct ia_judge_graph *graph);

#endif
