/* SPDX-License-Identifier: MIT */
/* Which images packed ones name: by the file that was found, by its path, or, where it was not found, by what it may be
 * called by now, or may have been called before. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"
#include "judge/internal.h"

/* A text by which a file may be the one that a packed image names. */
struct key {
    const char *text; /* of `len` bytes */
    size_t len, packed;
};
struct keys {
    IA_VEC(struct key) all; /* sorted */
};

/* What is looked for among the names of images, whole paths and last components; and, for what was not found, among the
 * paths of what named them: vm.qcow2.gz may be the overlay that vm.qcow2 was. Where it is not known what a packed image
 * was made on, names count that images had in earlier scans. */
struct wanted {
    struct keys names, former, earlier;
};

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left;
    const struct key *b = right;
    return compare_text(a->text, a->len, b->text, b->len);
}

static bool add_key(struct keys *keys, const char *text, size_t len, size_t packed)
{
    return len == 0 || ia_vec_push(&keys->all, ((struct key){text, len, packed}));
}

/* All that may be names in a description. */
static bool add_words(struct keys *keys, const char *text, size_t packed)
{
    for (size_t len; *text != '\0'; text += len + (text[len] != '\0')) { /* ends: each round takes a byte at least */
        len = strcspn(text, "/\"");
        if (!add_key(keys, text, len, packed))
            return false;
    }
    return true;
}

static bool add_former_paths(struct keys *keys, const char *archive, size_t packed)
{
    for (const char *dot = strchr(ia_path_name(archive), '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        if (!add_key(keys, archive, (size_t)(dot - archive), packed))
            return false;
    return true;
}

/* By the last components of the path and of the name. */
static bool add_components(struct keys *keys, const struct ia_graph_packed *packed, size_t number)
{
    const char *path = ia_path_name(packed->path);
    const char *name = ia_path_name(packed->name);
    bool is_described = strncmp(packed->name, "json:", 5) == 0;
    return add_key(keys, path, strlen(path), number) &&
           (is_described ? add_words(keys, packed->name, number) : add_key(keys, name, strlen(name), number));
}

/* What was not found may be called otherwise by now. What is on another host was looked for by nobody. */
static bool add_lost(struct wanted *wanted, const struct ia_graph_packed *packed, size_t number)
{
    return add_components(&wanted->names, packed, number) &&
           (packed->state == IA_GRAPH_REMOTE || add_former_paths(&wanted->former, packed->archive, number));
}

static bool is_same_name(const struct ia_graph_packed *a, const struct ia_graph_packed *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->member, b->member) == 0 && strcmp(a->archive, b->archive) == 0;
}

/* The end of those of the name that begin at `first`; *known: a file is there that the image may have been made on. */
static size_t end_of_name(const struct ia_graph *graph, size_t first, bool *known)
{
    size_t end = first;
    *known = false;
    for (; end < graph->packed.len && is_same_name(&graph->packed.items[first], &graph->packed.items[end]); end++)
        *known = *known || (graph->packed.items[end].is_base && graph->packed.items[end].target != IA_GRAPH_NONE);
    return end;
}

static bool add_packed(struct wanted *wanted, const struct ia_graph_packed *packed, bool known, size_t number)
{
    if (packed->state == IA_GRAPH_EARLIER)
        return true;
    if (!known && packed->state != IA_GRAPH_REMOTE &&
        (!add_key(&wanted->earlier, packed->path, strlen(packed->path), number) ||
         !add_components(&wanted->earlier, packed, number)))
        return false;
    return add_key(&wanted->names, packed->path, strlen(packed->path), number) &&
           (packed->state == IA_GRAPH_FOLLOWED || add_lost(wanted, packed, number));
}

static void sort(struct keys *keys)
{
    if (keys->all.len > 0)
        qsort(keys->all.items, keys->all.len, sizeof(keys->all.items[0]), compare_keys);
}

static bool gather(const struct ia_graph *graph, struct wanted *wanted)
{
    for (size_t i = 0, end; i < graph->packed.len; i = end) {
        bool known;
        end = end_of_name(graph, i, &known);
        for (size_t n = i; n < end; n++)
            if (!add_packed(wanted, &graph->packed.items[n], known, n))
                return false;
    }
    sort(&wanted->names);
    sort(&wanted->former);
    sort(&wanted->earlier);
    return true;
}

static bool add(struct ia_judge *judge, size_t image, size_t packed)
{
    return ia_vec_push(&judge->packed, ((struct ia_judge_packed_link){image, packed}));
}

/* The packed images that look for this text. */
static bool add_by_text(struct ia_judge *judge, const struct keys *keys, const char *text, size_t image)
{
    const struct key wanted = {.text = text, .len = strlen(text)};
    size_t at;
    size_t count = ia_equal_range(&wanted, keys->all.items, keys->all.len, sizeof(wanted), compare_keys, &at);
    for (size_t i = 0; i < count; i++)
        if (!add(judge, image, keys->all.items[at + i].packed))
            return false;
    return true;
}

static bool add_by_path(struct ia_judge *judge, const struct keys *keys, const char *path, size_t image)
{
    return add_by_text(judge, keys, path, image) && add_by_text(judge, keys, ia_path_name(path), image);
}

static bool add_by_earlier_names(struct ia_judge *judge, const struct wanted *wanted)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->former.len; i++)
        if (!add_by_path(judge, &wanted->earlier, graph->former.items[i].path, graph->former.items[i].image))
            return false;
    return true;
}

/* By all names of all files that images are made of. */
static bool add_by_names(struct ia_judge *judge, const struct wanted *wanted)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < judge->owners.all.len; i++) {
        size_t image = judge->owners.all.items[i].image;
        const struct ia_graph_file *file = &graph->files.items[judge->owners.all.items[i].file];
        const char *named_by = graph->images.items[image].named_by;
        for (size_t n = 0; n < file->names; n++)
            if (!add_by_path(judge, &wanted->names, graph->names.items[file->first_name + n].path, image))
                return false;
        if (!add_by_path(judge, &wanted->names, graph->images.items[image].path, image))
            return false;
        if (named_by != NULL && !add_by_text(judge, &wanted->former, named_by, image))
            return false;
    }
    return true;
}

/* By what was found. */
static bool add_targets(struct ia_judge *judge)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->packed.len; i++) {
        const struct ia_judge_link *owner;
        size_t target = graph->packed.items[i].target;
        size_t count = target == IA_GRAPH_NONE ? 0 : ia_judge_links_of(&judge->owners, target, &owner);
        for (size_t n = 0; n < count; n++)
            if (!add(judge, owner[n].image, i))
                return false;
    }
    return true;
}

static int by_image(const void *left, const void *right)
{
    const struct ia_judge_packed_link *a = left;
    const struct ia_judge_packed_link *b = right;
    return (a->image > b->image) - (a->image < b->image);
}

static bool list_unknown(struct ia_judge *judge)
{
    for (size_t i = 0; i < judge->graph->packed.len; i++)
        if (judge->graph->packed.items[i].unknown != IA_GRAPH_UNKNOWN_NOT && !ia_vec_push(&judge->unknown, i))
            return false;
    return true;
}

bool ia_judge_link_packed(struct ia_judge *judge)
{
    struct wanted wanted = {0};
    if (judge->graph->packed.len == 0)
        return true;
    bool ok = list_unknown(judge) && (judge->unknown.len == 0 || ia_judge_list_dated(judge)) &&
              gather(judge->graph, &wanted) && add_by_names(judge, &wanted) && add_by_earlier_names(judge, &wanted) &&
              add_targets(judge);
    if (judge->packed.len > 0)
        qsort(judge->packed.items, judge->packed.len, sizeof(judge->packed.items[0]), by_image);
    ia_vec_release(&wanted.names.all);
    ia_vec_release(&wanted.former.all);
    ia_vec_release(&wanted.earlier.all);
    return ok;
}

size_t ia_judge_packed_of(const struct ia_judge *judge, size_t image, const struct ia_judge_packed_link **first)
{
    const struct ia_judge_packed_link wanted = {.image = image};
    size_t at;
    size_t count = ia_equal_range(&wanted, judge->packed.items, judge->packed.len, sizeof(wanted), by_image, &at);
    *first = judge->packed.items + at;
    return count;
}
