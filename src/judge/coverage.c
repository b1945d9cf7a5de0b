/* SPDX-License-Identifier: MIT */
/* Of which places inventories have all machines. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "judge/internal.h"

/* By directory: the shorter one first. */
static int compare(const char *directory, size_t len, const struct ia_graph_inventory *inventory)
{
    size_t other = ia_path_directory_length(inventory->place);
    return len != other ? (len > other) - (len < other) : memcmp(directory, inventory->place, len);
}

static int by_directory(const void *left, const void *right, void *ctx)
{
    const struct ia_graph *graph = ctx;
    const struct ia_graph_inventory *a = &graph->inventories.items[*(const size_t *)left];
    const struct ia_graph_inventory *b = &graph->inventories.items[*(const size_t *)right];
    int order = compare(a->place, ia_path_directory_length(a->place), b);
    return order != 0 ? order : strcmp(a->formats == NULL ? "" : a->formats, b->formats == NULL ? "" : b->formats);
}

/* One of each directory and formats: a directory may have thousands of files that are inventories. */
static void drop_copies(struct ia_judge *judge)
{
    size_t kept = 0;
    for (size_t i = 0; i < judge->covered.len; i++)
        if (kept == 0 ||
            by_directory(&judge->covered.items[kept - 1], &judge->covered.items[i], (void *)judge->graph) != 0)
            judge->covered.items[kept++] = judge->covered.items[i];
    judge->covered.len = kept;
}

bool ia_judge_list_covered(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->inventories.len; i++) {
        const struct ia_graph_inventory *inventory = &graph->inventories.items[i];
        judge->is_host_covered |= inventory->is_of_host;
        bool covers_some = inventory->formats == NULL || inventory->formats[0] != '\0';
        if (!inventory->is_of_host && covers_some && inventory->place[0] == '/' && !ia_vec_push(&judge->covered, i))
            return false;
    }
    if (judge->covered.len > 1)
        qsort_r(judge->covered.items, judge->covered.len, sizeof(judge->covered.items[0]), by_directory, (void *)graph);
    drop_copies(judge);
    return true;
}

/* The word is one of those between commas. */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* An inventory whose file is in the directory of so many bytes at the beginning of the image's path has its machines.
 */
static bool is_covered_from(const struct ia_judge *judge, const struct ia_graph_image *image, size_t len)
{
    const struct ia_graph *graph = judge->graph;
    bool is_beside = len == ia_path_directory_length(image->path);
    size_t low = 0;
    for (size_t high = judge->covered.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (compare(image->path, len, &graph->inventories.items[judge->covered.items[middle]]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < judge->covered.len; low++) {
        const struct ia_graph_inventory *inventory = &graph->inventories.items[judge->covered.items[low]];
        if (compare(image->path, len, inventory) != 0)
            return false;
        if (inventory->formats == NULL || (is_beside && has_word(inventory->formats, image->format)))
            return true;
    }
    return false;
}

bool ia_judge_is_covered(const struct ia_judge *judge, size_t number)
{
    const struct ia_graph_image *image = &judge->graph->images.items[number];
    bool is_covered = judge->is_host_covered;
    for (const char *slash = strchr(image->path, '/'); slash != NULL && !is_covered; slash = strchr(slash + 1, '/'))
        is_covered = is_covered_from(judge, image, (size_t)(slash - image->path) + 1);
    return is_covered;
}
