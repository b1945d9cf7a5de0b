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

/* The image that a file of the catalog is; IA_GRAPH_NONE: it is none, or there is no file. */
static inline size_t ia_judge_graph_image(const struct ia_judge_graph *graph, size_t file)
{
    return file == IA_NO_FILE ? IA_GRAPH_NONE : graph->image_of[file];
}

/* judge_references.c: what one image names, and which parts it has; what all of them name besides; what images name
 * that are packed in the file. false: out of memory. */
bool ia_judge_graph_add_references(struct ia_graph *graph, size_t image, const struct ia_file *file);
bool ia_judge_graph_add_aliases(const struct ia_links *links, struct ia_judge_graph *out);
bool ia_judge_graph_add_packed(struct ia_graph *graph, const struct ia_file *file);

/* judge_past.c: the names that images of the graph have no more, and the files that they were based on; once all files
 * and images are there. false: out of memory. */
bool ia_judge_graph_add_past(const struct ia_links *links, struct ia_judge_graph *out);

#endif
