/* SPDX-License-Identifier: MIT */
#include "scan/graph/packed_originals.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "scan/graph/bases.h"

static bool add(struct ia_packed_originals *originals, const char *path, const char *backing_name, int64_t base_id)
{
    const struct ia_packed_original original = {ia_path_name(path), backing_name, base_id};
    return base_id <= 0 || ia_vec_push(&originals->all, original);
}

/* Rows of files that are what they were. NULL: out of memory. */
static bool *mark_known(const struct ia_catalog *catalog)
{
    bool *is_known = calloc(catalog->previous.len + 1, sizeof(*is_known));
    for (size_t i = 0; is_known != NULL && i < catalog->files.len; i++)
        if (ia_bases_row_of(catalog, catalog->files.items[i]) != NULL)
            is_known[catalog->files.items[i]->previous] = true;
    return is_known;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct ia_packed_original *)left)->name, ((const struct ia_packed_original *)right)->name);
}

static bool list_once(struct ia_packed_originals *originals, const struct ia_catalog *catalog)
{
    if (originals->is_listed)
        return true;
    IA_AUTO_FREE bool *is_known = mark_known(catalog);
    bool ok = is_known != NULL;
    for (size_t i = 0; i < catalog->previous.len && ok; i++) {
        const struct ia_previous *row = &catalog->previous.items[i];
        if (!is_known[i] && !row->is_back)
            ok = add(originals, row->path, row->parsed->facts.backing_name, row->base_id);
    }
    for (size_t i = 0; i < catalog->vanished.len && ok; i++) {
        const struct ia_vanished *row = &catalog->vanished.items[i];
        if (!row->is_back)
            ok = add(originals, row->path, row->backing_name, row->base_id);
    }
    if (originals->all.len > 0)
        qsort(originals->all.items, originals->all.len, sizeof(originals->all.items[0]), by_name);
    originals->is_listed = ok;
    return ok;
}

static bool is_of(const struct ia_packed_original *original, const struct ia_packed_name *name)
{
    return name->kind != IA_PACKED_BACKING || original->backing_name == NULL ||
           strcmp(original->backing_name, name->name) == 0;
}

/* Those of the name that the first `len` bytes are. */
static enum ia_status each_called(const struct ia_packed_originals *originals, const char *called, size_t len,
                                  const struct ia_packed_name *name, ia_packed_original_base *each, void *ctx,
                                  struct ia_error *err)
{
    IA_AUTO_FREE char *own = strndup(called, len);
    const struct ia_packed_original wanted = {.name = own};
    size_t at;
    if (own == NULL)
        return ia_no_memory(err);
    size_t count = ia_equal_range(&wanted, originals->all.items, originals->all.len, sizeof(wanted), by_name, &at);
    for (size_t i = at; i < at + count; i++)
        if (is_of(&originals->all.items[i], name))
            IA_TRY(each(ctx, originals->all.items[i].base_id, err));
    return IA_OK;
}

enum ia_status ia_packed_originals_each(struct ia_packed_originals *originals, const struct ia_catalog *catalog,
                                        const char *archive, const struct ia_packed_name *name,
                                        ia_packed_original_base *each, void *ctx, struct ia_error *err)
{
    const char *own = ia_path_name(archive);
    const char *member = ia_path_name(name->member);
    if (!list_once(originals, catalog))
        return ia_no_memory(err);
    if (originals->all.len == 0)
        return IA_OK;
    for (const char *dot = strchr(own, '.'); dot != NULL; dot = strchr(dot + 1, '.')) /* ends with the name */
        IA_TRY(each_called(originals, own, (size_t)(dot - own), name, each, ctx, err));
    return member[0] == '\0' ? IA_OK : each_called(originals, member, strlen(member), name, each, ctx, err);
}

void ia_packed_originals_release(struct ia_packed_originals *originals)
{
    ia_vec_release(&originals->all);
}
