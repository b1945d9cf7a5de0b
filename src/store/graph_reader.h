/* SPDX-License-Identifier: MIT */
/* What the latest scan stored, as the graph that the judge looks at. */
#ifndef IA_STORE_GRAPH_READER_H
#define IA_STORE_GRAPH_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "judge/graph.h"
#include "store/reader.h"
#include "store/writer.h"

struct ia_stored_graph;

/* Reads the graph, with the accounts of the forest. The caller frees it. */
IA_MUST_CHECK enum ia_status ia_stored_graph_load(struct ia_reader *reader, struct ia_stored_graph **out,
                                                  struct ia_error *err);
/* The same of the writer's connection, with what it did so far. */
IA_MUST_CHECK enum ia_status ia_stored_graph_load_written(struct ia_writer *writer, struct ia_stored_graph **out,
                                                          struct ia_error *err);
void ia_stored_graph_free(struct ia_stored_graph *stored); /* NULL is fine */

static inline void ia_cleanup_stored_graph_(struct ia_stored_graph **stored)
{
    ia_stored_graph_free(*stored);
}
#define IA_AUTO_STORED_GRAPH __attribute__((cleanup(ia_cleanup_stored_graph_)))

/* To be edited and judged; texts are the stored graph's. */
struct ia_graph *ia_stored_graph(struct ia_stored_graph *stored);

/* The image's number in the store; its place in the graph, IA_GRAPH_NONE where the store has no such image. */
int64_t ia_stored_graph_image_id(const struct ia_stored_graph *stored, size_t image);
size_t ia_stored_graph_image(const struct ia_stored_graph *stored, int64_t image_id);

#endif
