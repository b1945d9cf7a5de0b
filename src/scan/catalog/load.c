/* SPDX-License-Identifier: MIT */
/* The rows that the scan before left, as they come from the store: which belong together. */
#include <stdlib.h>
#include <string.h>

#include "model/name_kind.h"
#include "scan/catalog/restore.h"

/* Rows of one table that belong to rows of another: both come in ascending order, as a rule. */
struct loader {
    struct ia_catalog *catalog;          /* its previous ones by ascending file_id */
    IA_VEC(struct ia_previous *) images; /* of these, by ascending image_id */
    IA_VEC(int64_t) strays;              /* images whose file is not in the store: somebody wrote to it */
    size_t next_file, image;             /* the next file, the latest image: where a row's own is looked for first */
};

static void release_loader(struct loader *loader)
{
    ia_vec_release(&loader->images);
    ia_vec_release(&loader->strays);
}

#define AUTO_LOADER __attribute__((cleanup(release_loader)))

static int by_file_id(const void *a, const void *b)
{
    const struct ia_previous *x = a;
    const struct ia_previous *y = b;
    return (x->file_id > y->file_id) - (x->file_id < y->file_id);
}

static int by_image_id(const void *a, const void *b)
{
    const struct ia_previous *x = *(struct ia_previous *const *)a;
    const struct ia_previous *y = *(struct ia_previous *const *)b;
    return (x->image_id > y->image_id) - (x->image_id < y->image_id);
}

static struct ia_previous *previous_of_file(struct loader *loader, int64_t file_id)
{
    struct ia_previous *all = loader->catalog->previous.items;
    size_t count = loader->catalog->previous.len;
    const struct ia_previous wanted = {.file_id = file_id};
    struct ia_previous *found = loader->next_file < count ? &all[loader->next_file] : NULL;
    if (count > 0 && (found == NULL || found->file_id != file_id))
        found = bsearch(&wanted, all, count, sizeof(*all), by_file_id);
    if (found != NULL)
        loader->next_file = (size_t)(found - all) + 1;
    return found;
}

static struct ia_previous *previous_of_image(struct loader *loader, int64_t image_id)
{
    struct ia_previous **all = loader->images.items;
    size_t count = loader->images.len;
    const struct ia_previous wanted = {.image_id = image_id};
    const struct ia_previous *key = &wanted;
    if (loader->image < count && all[loader->image]->image_id < image_id)
        loader->image++;
    struct ia_previous **found = loader->image < count ? &all[loader->image] : NULL;
    if (count > 0 && (found == NULL || (*found)->image_id != image_id))
        found = bsearch(&key, all, count, sizeof(*all), by_image_id);
    if (found == NULL)
        return NULL;
    loader->image = (size_t)(found - all);
    return *found;
}

static enum ia_status load_image(void *ctx, const struct ia_image_row *row, struct ia_error *err)
{
    struct loader *loader = ctx;
    struct ia_previous *previous = previous_of_file(loader, row->file_id);
    if (previous == NULL)
        return ia_vec_push(&loader->strays, row->image_id) ? IA_OK : ia_no_memory(err);
    IA_TRY(ia_restore_image(previous, row, err));
    return ia_vec_push(&loader->images, previous) ? IA_OK : ia_no_memory(err);
}

/* An image's mappings were numbered in their order, the active one first. If not, the image is read again. */
static enum ia_status load_mapping(void *ctx, const struct ia_mapping_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_image(ctx, row->image_id);
    struct ia_mapping mapping = {
        .map_id = row->map_id, .size = row->size, .extents = row->extents, .failed = row->failed};
    if (previous == NULL)
        return IA_OK;
    if (row->snapshot != (int64_t)previous->parsed->mappings.len - 1)
        previous->checked_ns = 0;
    struct ia_parsed *parsed = ia_parsed_own(&previous->parsed);
    return parsed != NULL && ia_vec_push(&parsed->mappings, mapping) ? IA_OK : ia_no_memory(err);
}

static const char *role_of(const char *word)
{
    static const char *const roles[] = {"data", "extent", "description"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (word != NULL && strcmp(word, roles[i]) == 0)
            return roles[i];
    return "part";
}

static enum ia_part_place place_of(int64_t number)
{
    return number >= IA_PART_REFERENCE && number <= IA_PART_DESCRIPTION ? (enum ia_part_place)number
                                                                        : IA_PART_REFERENCE;
}

static enum ia_status load_reference(void *ctx, const struct ia_reference_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_image(ctx, row->image_id);
    if (previous == NULL)
        return IA_OK;
    struct ia_parsed *parsed = ia_parsed_own(&previous->parsed);
    if (parsed == NULL)
        return ia_no_memory(err);
    struct ia_image_facts *facts = &parsed->facts;
    const char *name = row->name == NULL ? "" : row->name;
    bool added;
    switch (ia_name_kind_by_word(row->kind)) {
    case IA_NAME_COMPANION:
        free(facts->companion);
        facts->companion = strdup(name);
        added = facts->companion != NULL;
        break;
    case IA_NAME_PARENT_PATH:
        added = ia_image_facts_add_backing_path(facts, name);
        break;
    default:
        added = ia_image_facts_add_part(facts, row->name, role_of(row->role), place_of(row->place));
    }
    return added ? IA_OK : ia_no_memory(err);
}

static enum ia_status load_packed_file(void *ctx, const struct ia_packed_file_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_file(ctx, row->file_id);
    if (previous == NULL || previous->packed != NULL)
        return IA_OK;
    previous->packed = calloc(1, sizeof(*previous->packed));
    if (previous->packed == NULL)
        return ia_no_memory(err);
    previous->was_packed = true;
    if (row->problem == NULL)
        return IA_OK;
    previous->packed->problem = strdup(row->problem);
    return previous->packed->problem != NULL ? IA_OK : ia_no_memory(err);
}

/* An identity has a row for each image that it led to; it is one name. */
static bool is_same_name(const struct ia_packed_content *content, const struct ia_packed_name *name)
{
    if (content->names.len == 0)
        return false;
    const struct ia_packed_name *last = &content->names.items[content->names.len - 1];
    return last->kind == name->kind && strcmp(last->name, name->name) == 0 && strcmp(last->member, name->member) == 0;
}

/* A file that has rows and no content is read again. */
static enum ia_status load_packed_reference(void *ctx, const struct ia_packed_reference_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_file(ctx, row->file_id);
    struct ia_packed_name name = {.kind = IA_PACKED_KINDS,
                                  .member = (char *)row->member,
                                  .format = (char *)row->format,
                                  .name = (char *)row->name,
                                  .stated = (char *)row->stated,
                                  .was_seen = true};
    for (enum ia_packed_kind kind = 0; kind < IA_PACKED_KINDS; kind++)
        if (strcmp(row->kind, ia_packed_kind_word(kind)) == 0)
            name.kind = kind;
    if (previous == NULL)
        return IA_OK;
    if (previous->packed == NULL || name.kind == IA_PACKED_KINDS) {
        previous->was_packed = true;
        previous->checked_ns = 0;
        return IA_OK;
    }
    struct ia_packed_content *packed = previous->packed;
    if (!is_same_name(packed, &name) && !ia_packed_content_add(packed, &name))
        return ia_no_memory(err);
    struct ia_packed_name *last = &packed->names.items[packed->names.len - 1];
    if (row->base_id < 0 && last->misled == NULL && (last->misled = strdup(row->path)) == NULL)
        return ia_no_memory(err);
    return row->base_id == 0 || ia_vec_push(&last->bases, row->base_id) ? IA_OK : ia_no_memory(err);
}

/* A file that is there, and no image: what is remembered of it as one is for the day when it is one again. */
static enum ia_status load_vanished(void *ctx, const struct ia_vanished_row *row, struct ia_error *err)
{
    struct loader *loader = ctx;
    struct ia_catalog *catalog = loader->catalog;
    IA_TRY(ia_restore_vanished(catalog, row, err));
    struct ia_previous *previous = previous_of_file(loader, row->file_id);
    struct ia_vanished *vanished = &catalog->vanished.items[catalog->vanished.len - 1];
    if (previous != NULL && previous->image_id == 0 && !ia_catalog_remind(previous, vanished))
        return ia_no_memory(err);
    vanished->is_back = previous != NULL;
    return IA_OK;
}

static enum ia_status load_hiding(void *ctx, const char *path, const char *code, bool is_accepted, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    const struct ia_finding_kind *kind = ia_finding_kind_by_code(code);
    if (kind == NULL)
        return IA_OK;
    struct ia_past_finding past = {
        .path = strdup(path), .code = (enum ia_finding_code)(kind - ia_finding_kinds), .is_accepted = is_accepted};
    if (past.path != NULL && ia_vec_push(&catalog->past_findings, past))
        return IA_OK;
    free(past.path);
    return ia_no_memory(err);
}

/* All tables, in an order in which what a row belongs to is there. */
static enum ia_status load_rows(struct loader *loader, struct ia_error *err)
{
    struct ia_catalog *catalog = loader->catalog;
    struct ia_writer *writer = catalog->writer;
    IA_TRY(ia_writer_load_volumes(writer, ia_restore_volume, catalog, err));
    IA_TRY(ia_writer_load_files(writer, ia_restore_file, catalog, err));
    IA_TRY(ia_writer_load_images(writer, load_image, loader, err));
    IA_TRY(ia_writer_load_mappings(writer, load_mapping, loader, err));
    IA_TRY(ia_writer_load_references(writer, load_reference, loader, err));
    IA_TRY(ia_writer_load_packed_files(writer, load_packed_file, loader, err));
    IA_TRY(ia_writer_load_packed_references(writer, load_packed_reference, loader, err));
    IA_TRY(ia_writer_load_vanished(writer, load_vanished, loader, err));
    return ia_writer_load_hiding(writer, load_hiding, catalog, err);
}

enum ia_status ia_catalog_load(struct ia_catalog *catalog, struct ia_error *err)
{
    AUTO_LOADER struct loader loader = {.catalog = catalog};
    IA_TRY(load_rows(&loader, err));
    catalog->previous_stored = catalog->previous.len;
    if (!ia_catalog_index_vanished(catalog))
        return ia_no_memory(err);
    for (size_t i = 0; i < loader.strays.len; i++)
        IA_TRY(ia_writer_drop_image(catalog->writer, loader.strays.items[i], err));
    /* Without its mappings an image is not taken over: what it maps is unknown. */
    for (size_t i = 0; i < loader.images.len; i++)
        if (loader.images.items[i]->parsed->mappings.len == 0)
            loader.images.items[i]->checked_ns = 0;
    /* Nor without its row, which a damaged store may lack. */
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (catalog->previous.items[i].class == IA_CLASS_IMAGE && catalog->previous.items[i].image_id == 0)
            catalog->previous.items[i].checked_ns = 0;
    return IA_OK;
}
