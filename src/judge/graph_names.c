/* SPDX-License-Identifier: MIT */
/* The names of a file in the graph, compared with another name. */
#include "judge/graph_names.h"

#include <string.h>
#include <strings.h>

#include "base/path.h"

static const char *name_of(const struct ia_graph *graph, size_t file, size_t number)
{
    return graph->names.items[graph->files.items[file].first_name + number].path;
}

bool ia_graph_names_have(const struct ia_graph *graph, size_t file, const char *path)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++)
        if (strcmp(name_of(graph, file, i), path) == 0)
            return true;
    return false;
}

bool ia_graph_names_end_in(const struct ia_graph *graph, size_t file, const char *component)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++)
        if (strcmp(ia_path_name(name_of(graph, file, i)), component) == 0)
            return true;
    return false;
}

bool ia_graph_names_end_in_any_case(const struct ia_graph *graph, size_t file, const char *component)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++)
        if (strcasecmp(ia_path_name(name_of(graph, file, i)), component) == 0)
            return true;
    return false;
}

bool ia_graph_names_lie_below(const struct ia_graph *graph, size_t file, const char *directory)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++)
        if (ia_path_below(name_of(graph, file, i), directory) != NULL)
            return true;
    return false;
}

bool ia_graph_names_are_in(const struct ia_graph *graph, size_t file, const char *text)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++)
        if (strstr(text, ia_path_name(name_of(graph, file, i))) != NULL)
            return true;
    return false;
}

/* Bytes of a name before its first dot. */
static size_t stem_length(const char *name)
{
    size_t len = strcspn(name, ".");
    return len > 0 ? len : strlen(name);
}

/* The stem of one is in the other: platforms call a snapshot's base by the disk's name and a word, and back again. */
static bool has_stem_of(const char *name, const char *other)
{
    return memmem(name, strlen(name), other, stem_length(other)) != NULL;
}

bool ia_graph_names_are_alike(const struct ia_graph *graph, size_t file, const char *component)
{
    for (size_t i = 0; i < graph->files.items[file].names; i++) {
        const char *own = ia_path_name(name_of(graph, file, i));
        if (has_stem_of(own, component) || has_stem_of(component, own))
            return true;
    }
    return false;
}

bool ia_graph_names_lie_beside(const struct ia_graph *graph, size_t file, const char *path)
{
    size_t len = ia_path_directory_length(path);
    for (size_t i = 0; i < graph->files.items[file].names; i++) {
        const char *own = name_of(graph, file, i);
        if (len > 0 && ia_path_directory_length(own) == len && memcmp(own, path, len) == 0)
            return true;
    }
    return false;
}

bool ia_graph_names_lie_beside_file(const struct ia_graph *graph, size_t file, size_t other)
{
    for (size_t i = 0; other != IA_GRAPH_NONE && i < graph->files.items[other].names; i++)
        if (ia_graph_names_lie_beside(graph, file, name_of(graph, other, i)))
            return true;
    return false;
}
