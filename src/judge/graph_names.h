/* SPDX-License-Identifier: MIT */
/* What the names of a file in the graph have in common with another name. Private to src/judge. */
#ifndef IA_JUDGE_GRAPH_NAMES_H
#define IA_JUDGE_GRAPH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "judge/graph.h"

/* One of the file's names is this path. */
bool ia_graph_names_have(const struct ia_graph *graph, size_t file, const char *path);
/* One of them ends in this component. */
bool ia_graph_names_end_in(const struct ia_graph *graph, size_t file, const char *component);
/* The same of a file system that ignores case. */
bool ia_graph_names_end_in_any_case(const struct ia_graph *graph, size_t file, const char *component);
/* The text contains the last component of one of them. */
bool ia_graph_names_are_in(const struct ia_graph *graph, size_t file, const char *text);
/* One of them has the stem of this component in its own, or the other way round. */
bool ia_graph_names_are_alike(const struct ia_graph *graph, size_t file, const char *component);
/* One of them lies in this directory, or below it. */
bool ia_graph_names_lie_below(const struct ia_graph *graph, size_t file, const char *directory);
/* One of them lies in the same directory as the path, which has one. */
bool ia_graph_names_lie_beside(const struct ia_graph *graph, size_t file, const char *path);
/* One of them lies in the same directory as one of the other file's; IA_GRAPH_NONE has no names. */
bool ia_graph_names_lie_beside_file(const struct ia_graph *graph, size_t file, size_t other);

#endif
