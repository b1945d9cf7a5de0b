/* SPDX-License-Identifier: MIT */
/* Who names which file: by what was followed, and by every path that leads to a name of it. */
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "judge/internal.h"

/* Paths to files: names, and the paths of images. Open addressing; a slot holds the number of an entry plus one. */
struct path_entry {
    const char *path;
    size_t file;
};
struct path_index {
    struct path_entry *entries;
    size_t *slots;
    size_t len, mask;
};

static size_t hash(const char *path)
{
    size_t value = 5381;
    for (; *path != '\0'; path++)
        value = value * 33 ^ (unsigned char)*path;
    return value;
}

/* The first file with the path counts: the same path twice is the same file. */
static void enter(struct path_index *index, const char *path, size_t file)
{
    size_t at = hash(path) & index->mask;
    for (; index->slots[at] != 0; at = (at + 1) & index->mask) /* ends: half of the slots are free */
        if (strcmp(index->entries[index->slots[at] - 1].path, path) == 0)
            return;
    index->entries[index->len] = (struct path_entry){path, file};
    index->slots[at] = ++index->len;
}

/* Somebody names a path that has to be looked up. */
static bool names_paths(const struct ia_graph *graph)
{
    bool found = graph->references.len > 0 || graph->parts.len > 0;
    for (size_t i = 0; i < graph->images.len && !found; i++)
        found = graph->images.items[i].backing_path != NULL;
    return found;
}

/* Empty where it would not be used: most hosts have more disks without a chain than others. */
static bool fill_index(struct path_index *index, const struct ia_graph *graph)
{
    if (!names_paths(graph))
        return true;
    size_t most = graph->names.len + graph->images.len + 1;
    size_t slots = 2;
    while (slots < 2 * most)
        slots *= 2;
    *index = (struct path_index){.mask = slots - 1};
    index->entries = calloc(most, sizeof(*index->entries));
    index->slots = calloc(slots, sizeof(*index->slots));
    if (index->entries == NULL || index->slots == NULL)
        return false;
    for (size_t file = 0; file < graph->files.len; file++)
        for (size_t n = 0; n < graph->files.items[file].names; n++)
            enter(index, graph->names.items[graph->files.items[file].first_name + n].path, file);
    for (size_t i = 0; i < graph->images.len; i++)
        if (!graph->images.items[i].is_gone)
            enter(index, graph->images.items[i].path, graph->images.items[i].file);
    return true;
}

static size_t file_at(const struct path_index *index, const char *path)
{
    if (path == NULL || path[0] == '\0' || index->slots == NULL)
        return IA_GRAPH_NONE;
    for (size_t at = hash(path) & index->mask; index->slots[at] != 0; at = (at + 1) & index->mask)
        if (strcmp(index->entries[index->slots[at] - 1].path, path) == 0)
            return index->entries[index->slots[at] - 1].file;
    return IA_GRAPH_NONE;
}

static bool add_link(struct ia_judge *judge, size_t image, size_t file, bool as_backing)
{
    const struct ia_graph *graph = judge->graph;
    size_t backing = graph->images.items[image].backing;
    if (file == IA_GRAPH_NONE)
        return true;
    struct ia_judge_link link = {
        .file = file,
        .image = image,
        .accounted = as_backing && backing != IA_GRAPH_NONE && graph->images.items[backing].file == file,
    };
    return ia_vec_push(&judge->references.all, link);
}

static bool add_owner(struct ia_judge *judge, size_t image, size_t file)
{
    struct ia_judge_link link = {.file = file, .image = image};
    return ia_vec_push(&judge->owners.all, link);
}

static bool add_image_links(struct ia_judge *judge, const struct path_index *index)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->images.len; i++) {
        const struct ia_graph_image *image = &graph->images.items[i];
        if (image->is_gone)
            continue;
        if (image->backing != IA_GRAPH_NONE && !add_link(judge, i, graph->images.items[image->backing].file, true))
            return false;
        if (!add_link(judge, i, file_at(index, image->backing_path), true) || !add_owner(judge, i, image->file))
            return false;
    }
    return true;
}

static bool add_reference_links(struct ia_judge *judge, const struct path_index *index)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->references.len; i++) {
        const struct ia_graph_reference *reference = &graph->references.items[i];
        bool as_backing = reference->kind == IA_NAME_BACKING || reference->kind == IA_NAME_ALIAS;
        if (graph->images.items[reference->image].is_gone)
            continue;
        if (!add_link(judge, reference->image, reference->target, as_backing) ||
            !add_link(judge, reference->image, file_at(index, reference->path), as_backing))
            return false;
    }
    return true;
}

/* An image may be its own part: that is no other reader of it. */
static bool add_part_links(struct ia_judge *judge, const struct path_index *index)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->parts.len; i++) {
        const struct ia_graph_part *part = &graph->parts.items[i];
        size_t own = graph->images.items[part->image].file;
        size_t named = file_at(index, part->path);
        if (graph->images.items[part->image].is_gone)
            continue;
        if ((part->file != own && !add_link(judge, part->image, part->file, false)) ||
            (named != own && named != part->file && !add_link(judge, part->image, named, false)))
            return false;
        if (part->file != IA_GRAPH_NONE && !add_owner(judge, part->image, part->file))
            return false;
    }
    return true;
}

static int by_file_alone(const void *left, const void *right)
{
    const struct ia_judge_link *a = left;
    const struct ia_judge_link *b = right;
    return (a->file > b->file) - (a->file < b->file);
}

static int by_file(const void *left, const void *right)
{
    const struct ia_judge_link *a = left;
    const struct ia_judge_link *b = right;
    int order = by_file_alone(left, right);
    return order != 0 ? order : (a->image > b->image) - (a->image < b->image);
}

/* Files without a chain are many, and come in order. */
static bool in_order(const struct ia_judge_links *links)
{
    for (size_t i = 1; i < links->all.len; i++)
        if (by_file(&links->all.items[i - 1], &links->all.items[i]) > 0)
            return false;
    return true;
}

static void sort_links(struct ia_judge_links *links)
{
    if (!in_order(links))
        qsort(links->all.items, links->all.len, sizeof(links->all.items[0]), by_file);
}

/* What has a group: a backing image, or the image that a part is of. IA_GRAPH_NONE: it has none. */
typedef size_t group_of(const struct ia_graph *graph, size_t member);

static size_t backing_of(const struct ia_graph *graph, size_t image)
{
    return graph->images.items[image].is_gone ? IA_GRAPH_NONE : graph->images.items[image].backing;
}

static size_t image_of_part(const struct ia_graph *graph, size_t part)
{
    return graph->parts.items[part].image;
}

/* A count for each group, then the place where its members begin, then the members. */
static bool group(struct ia_judge_groups *groups, const struct ia_graph *graph, size_t count, group_of *of)
{
    size_t images = graph->images.len;
    if (count == 0)
        return true;
    groups->first = calloc(images + 2, sizeof(*groups->first));
    groups->members = calloc(count, sizeof(*groups->members));
    if (groups->first == NULL || groups->members == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (of(graph, i) != IA_GRAPH_NONE)
            groups->first[of(graph, i) + 2]++;
    for (size_t i = 2; i < images + 2; i++)
        groups->first[i] += groups->first[i - 1];
    for (size_t i = 0; i < count; i++)
        if (of(graph, i) != IA_GRAPH_NONE)
            groups->members[groups->first[of(graph, i) + 1]++] = i;
    return true;
}

bool ia_judge_link_up(struct ia_judge *judge)
{
    struct path_index index = {0};
    bool ok = fill_index(&index, judge->graph) && add_image_links(judge, &index) &&
              add_reference_links(judge, &index) && add_part_links(judge, &index) &&
              group(&judge->overlays, judge->graph, judge->graph->images.len, backing_of) &&
              group(&judge->parts, judge->graph, judge->graph->parts.len, image_of_part);
    free(index.entries);
    free(index.slots);
    sort_links(&judge->references);
    sort_links(&judge->owners);
    return ok;
}

size_t ia_judge_links_of(const struct ia_judge_links *links, size_t file, const struct ia_judge_link **first)
{
    const struct ia_judge_link wanted = {.file = file};
    size_t at;
    size_t count = ia_equal_range(&wanted, links->all.items, links->all.len, sizeof(wanted), by_file_alone, &at);
    *first = links->all.items + at;
    return count;
}

bool ia_judge_has_other_readers(const struct ia_judge *judge, size_t file)
{
    const struct ia_judge_link *link;
    size_t count = ia_judge_links_of(&judge->references, file, &link);
    for (size_t i = 0; i < count; i++)
        if (!link[i].accounted)
            return true;
    return judge->graph->files.items[file].is_part;
}

bool ia_judge_file_of(const struct ia_judge *judge, size_t image, size_t number, size_t *file)
{
    const size_t *part;
    size_t parts = ia_judge_members(&judge->parts, image, &part);
    if (number > parts)
        return false;
    *file = number == 0 ? judge->graph->images.items[image].file : judge->graph->parts.items[part[number - 1]].file;
    return true;
}

bool ia_judge_has_file(const struct ia_judge *judge, size_t image, size_t file)
{
    size_t own;
    for (size_t n = 0; ia_judge_file_of(judge, image, n, &own); n++)
        if (own == file)
            return own != IA_GRAPH_NONE;
    return false;
}

/* One that has the file as a part is no reader of another that has it, too. */
static bool has_strange_readers(const struct ia_judge *judge, size_t file)
{
    const struct ia_judge_link *link;
    size_t count = ia_judge_links_of(&judge->references, file, &link);
    for (size_t i = 0; i < count; i++)
        if (!ia_judge_has_file(judge, link[i].image, file))
            return true;
    return false;
}

bool ia_judge_is_read_otherwise(const struct ia_judge *judge, size_t image)
{
    size_t file = judge->graph->images.items[image].file;
    if (ia_judge_has_other_readers(judge, file))
        return true;
    for (size_t n = 1; ia_judge_file_of(judge, image, n, &file); n++)
        if (file != IA_GRAPH_NONE && file != judge->graph->images.items[image].file && has_strange_readers(judge, file))
            return true;
    return false;
}
