/* SPDX-License-Identifier: MIT */
/* What packed images were made on. A name in a packed image stays as it is, and nobody mends it when the base gets
 * another name, another place, or a successor under its name. So it means the file that it led to when a scan first saw
 * it, wherever that is called now, and what had its name before that: the image may have been packed after the base was
 * renamed. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "scan/catalog/successors.h"
#include "scan/graph/links.h"
#include "scan/graph/packed_first.h"

/* What a packed file held in the scan before. */
struct source {
    int64_t size; /* of the file */
    const struct ia_packed_name *name;
};

struct tracer {
    struct ia_links *links;
    struct ia_successors successors;
    IA_VEC(struct source) sources; /* by size and name */
    struct ia_packed_first first;
    struct ia_file_numbers found, one;       /* of the name in question, and of one of its bases */
    IA_VEC(int64_t) lost;                    /* the bases of which there is none */
    IA_VEC(struct ia_packed_target) targets; /* of the packed file in question, as its node is to have them */
};

static enum ia_status checked(bool ok, struct ia_error *err)
{
    return ok ? IA_OK : ia_no_memory(err);
}

/* -- The same packed file in the scan before --------------------------------------------------------------------------
 */

static int compare_sources(const void *left, const void *right)
{
    const struct source *a = left;
    const struct source *b = right;
    int order = (a->size > b->size) - (a->size < b->size);
    if (order == 0)
        order = strcmp(a->name->name, b->name->name);
    if (order == 0)
        order = strcmp(a->name->member, b->name->member);
    return order != 0 ? order : (a->name->kind > b->name->kind) - (a->name->kind < b->name->kind);
}

static bool add_sources(struct tracer *tracer, int64_t size, const struct ia_packed_content *content)
{
    for (size_t i = 0; content != NULL && i < content->names.len; i++)
        if (content->names.items[i].was_seen &&
            !ia_vec_push(&tracer->sources, ((struct source){size, &content->names.items[i]})))
            return false;
    return true;
}

static bool list_sources(struct tracer *tracer)
{
    const struct ia_catalog *catalog = tracer->links->catalog;
    bool ok = true;
    for (size_t i = 0; i < catalog->previous.len && ok; i++)
        ok = add_sources(tracer, catalog->previous.items[i].key.size, catalog->previous.items[i].packed);
    for (size_t i = 0; i < catalog->files.len && ok; i++)
        if (catalog->files.items[i]->from_store)
            ok = add_sources(tracer, catalog->files.items[i]->key.size, catalog->files.items[i]->packed);
    if (tracer->sources.len > 0)
        qsort(tracer->sources.items, tracer->sources.len, sizeof(tracer->sources.items[0]), compare_sources);
    return ok;
}

static bool add_base(struct ia_packed_name *name, int64_t file_id)
{
    for (size_t i = 0; i < name->bases.len; i++)
        if (name->bases.items[i] == file_id)
            return true;
    return ia_vec_push(&name->bases, file_id);
}

/* One of the same length that holds the same name is the same one, renamed or touched, or a copy of it. */
static bool inherit(const struct tracer *tracer, int64_t size, struct ia_packed_name *name)
{
    const struct source wanted = {size, name};
    size_t at;
    size_t count =
        ia_equal_range(&wanted, tracer->sources.items, tracer->sources.len, sizeof(wanted), compare_sources, &at);
    for (size_t source = at; source < at + count; source++) {
        const struct ia_packed_name *other = tracer->sources.items[source].name;
        for (size_t i = 0; i < other->bases.len; i++)
            if (!add_base(name, other->bases.items[i]))
                return false;
        if (name->misled == NULL && other->misled != NULL && (name->misled = strdup(other->misled)) == NULL)
            return false;
        name->was_seen = true;
    }
    return true;
}

/* -- All names ------------------------------------------------------------------------------------------------------
 */

static bool is_found(const struct tracer *tracer, size_t number)
{
    for (size_t i = 0; i < tracer->found.all.len; i++)
        if (tracer->found.all.items[i] == number)
            return true;
    return false;
}

static bool take_earlier(struct tracer *tracer, struct ia_packed_target earlier, const char *path)
{
    earlier.is_base = earlier.is_earlier = true;
    earlier.state = IA_RESOLVE_MISSING;
    earlier.path = path == NULL ? NULL : strdup(path);
    if ((path == NULL || earlier.path != NULL) && ia_vec_push(&tracer->targets, earlier))
        return true;
    free(earlier.path);
    return false;
}

/* Those that the name leads to, then the bases besides. A base that is no more may come back. */
static bool take_targets(struct tracer *tracer, size_t number, size_t at)
{
    struct ia_file *const *items = tracer->links->catalog->files.items;
    struct ia_node *node = items[number]->node;
    const struct ia_packed_name *name = &items[number]->packed->names.items[at];
    size_t first = tracer->targets.len;
    for (size_t i = 0; i < node->packed.len; i++) {
        struct ia_packed_target *target = &node->packed.items[i];
        if (target->name != at)
            continue;
        target->is_base = target->file != IA_NO_FILE && is_found(tracer, target->file);
        if (!ia_vec_push(&tracer->targets, *target))
            return false;
        target->path = NULL; /* moved */
    }
    size_t end = tracer->targets.len;
    for (size_t i = 0; i < tracer->found.all.len; i++) {
        size_t file = tracer->found.all.items[i];
        bool has = false;
        for (size_t t = first; t < end; t++)
            has = has || tracer->targets.items[t].file == file;
        if (!has &&
            !take_earlier(tracer, (struct ia_packed_target){.name = at, .file = file}, ia_file_path(items[file])))
            return false;
    }
    for (size_t i = 0; i < tracer->lost.len; i++)
        if (!take_earlier(tracer,
                          (struct ia_packed_target){.name = at, .file = IA_NO_FILE, .base_id = tracer->lost.items[i]},
                          tracer->lost.items[i] < 0 ? name->misled : NULL))
            return false;
    return true;
}

static bool add_bases(struct tracer *tracer, const struct ia_packed_name *name)
{
    for (size_t i = 0; i < name->bases.len; i++) {
        tracer->one.all.len = 0;
        if (!ia_successors_add(&tracer->successors, name->bases.items[i], &tracer->one) ||
            (tracer->one.all.len == 0 && !ia_vec_push(&tracer->lost, name->bases.items[i])))
            return false;
        for (size_t n = 0; n < tracer->one.all.len; n++)
            if (!ia_file_numbers_add(&tracer->found, tracer->one.all.items[n]))
                return false;
    }
    return true;
}

/* Notes where the name leads instead of to what is meant. */
static bool mislead(struct tracer *tracer, size_t number, size_t at, int64_t unknown)
{
    const struct ia_file *file = tracer->links->catalog->files.items[number];
    struct ia_packed_name *name = &file->packed->names.items[at];
    for (size_t i = 0; i < file->node->packed.len && name->misled == NULL; i++) {
        const struct ia_packed_target *target = &file->node->packed.items[i];
        if (target->name == at && target->file != IA_NO_FILE &&
            (name->misled = strdup(ia_file_path(tracer->links->catalog->files.items[target->file]))) == NULL)
            return false;
    }
    return ia_vec_push(&tracer->lost, unknown);
}

static enum ia_status trace_name(struct tracer *tracer, size_t number, size_t at, struct ia_error *err)
{
    const struct ia_file *file = tracer->links->catalog->files.items[number];
    struct ia_packed_name *name = &file->packed->names.items[at];
    int64_t unknown = 0;
    tracer->found.all.len = tracer->lost.len = 0;
    if (!name->was_seen)
        IA_TRY(checked(inherit(tracer, file->key.size, name), err));
    IA_TRY(checked(add_bases(tracer, name), err));
    if (!name->was_seen)
        IA_TRY(ia_packed_first_find(&tracer->first, number, at, &tracer->found, &unknown, err));
    if (unknown != 0)
        IA_TRY(checked(mislead(tracer, number, at, unknown), err));
    for (size_t i = 0, end = tracer->found.all.len; i < end; i++)
        IA_TRY(checked(ia_successors_add_copies(&tracer->successors, tracer->found.all.items[i], &tracer->found), err));
    return checked(take_targets(tracer, number, at), err);
}

static void release_targets(struct ia_packed_target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(targets[i].path);
}

static enum ia_status trace(struct tracer *tracer, struct ia_error *err)
{
    const struct ia_catalog *catalog = tracer->links->catalog;
    IA_TRY(checked(ia_successors_list(catalog, &tracer->successors) && list_sources(tracer), err));
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        for (size_t n = 0; file->packed != NULL && n < file->packed->names.len; n++)
            IA_TRY(trace_name(tracer, i, n, err));
        if (tracer->targets.len == 0)
            continue;
        release_targets(file->node->packed.items, file->node->packed.len);
        file->node->packed.len = 0;
        IA_TRY(checked(ia_vec_reserve(&file->node->packed, tracer->targets.len), err));
        memcpy(file->node->packed.items, tracer->targets.items, tracer->targets.len * sizeof(tracer->targets.items[0]));
        file->node->packed.len = tracer->targets.len;
        tracer->targets.len = 0;
    }
    return IA_OK;
}

static bool any_packed(const struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++)
        if (catalog->files.items[i]->packed != NULL && catalog->files.items[i]->packed->names.len > 0)
            return true;
    return false;
}

enum ia_status ia_links_find_packed_bases(struct ia_links *links, struct ia_error *err)
{
    struct tracer tracer = {.links = links, .first = {.links = links}};
    tracer.first.successors = &tracer.successors;
    if (!any_packed(links->catalog))
        return IA_OK;
    enum ia_status status = trace(&tracer, err);
    release_targets(tracer.targets.items, tracer.targets.len);
    ia_vec_release(&tracer.targets);
    ia_packed_first_release(&tracer.first);
    ia_vec_release(&tracer.sources);
    ia_vec_release(&tracer.found.all);
    ia_vec_release(&tracer.one.all);
    ia_vec_release(&tracer.lost);
    ia_successors_release(&tracer.successors);
    ia_links_release_places(links);
    return status;
}
