/* SPDX-License-Identifier: MIT */
/* The rows that the scan before left, as they come from the store. */
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"
#include "scan/catalog/catalog.h"

static char *copy(const char *text, bool *ok)
{
    char *made = text == NULL ? NULL : strdup(text);
    *ok = *ok && (text == NULL || made != NULL);
    return made;
}

static enum ia_file_class class_of(const char *word)
{
    for (enum ia_file_class v = IA_CLASS_IMAGE; v <= IA_CLASS_UNKNOWN; v++)
        if (strcmp(word, ia_file_class_word(v)) == 0)
            return v;
    return IA_CLASS_NONE;
}

static enum ia_format_basis basis_of(const char *word)
{
    for (enum ia_format_basis basis = IA_BASIS_CONTENT; basis < IA_BASIS_COUNT; basis++)
        if (strcmp(word, ia_format_basis_word(basis)) == 0)
            return basis;
    return IA_BASIS_CONTENT;
}

/* The reasons that depend on the content alone; NULL for another one. */
static const char *reason_of(const char *word)
{
    static const char *const reasons[] = {"", "change-tracking", "empty", "no-image-magic", "unrecognised"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(word, reasons[i]) == 0)
            return reasons[i];
    return NULL;
}

static void copy_word(char *out, size_t size, const char *word)
{
    size_t len = word == NULL ? 0 : strnlen(word, size - 1);
    if (len > 0)
        memcpy(out, word, len);
    out[len] = '\0';
}

/* Most images have none. */
static bool restore_identity(struct ia_parsed *parsed, const struct ia_image_row *row)
{
    struct ia_image_identity identity;
    if (row->identity == NULL && row->identity_stamp == NULL && row->parent_identity == NULL &&
        row->parent_stamp == NULL)
        return true;
    copy_word(identity.own, sizeof(identity.own), row->identity);
    copy_word(identity.own_stamp, sizeof(identity.own_stamp), row->identity_stamp);
    copy_word(identity.parent, sizeof(identity.parent), row->parent_identity);
    copy_word(identity.parent_stamp, sizeof(identity.parent_stamp), row->parent_stamp);
    return ia_parsed_set_identity(parsed, &identity);
}

static void restore_image(struct ia_previous *previous, const struct ia_image_row *row, bool *ok)
{
    struct ia_parsed *parsed = &previous->parsed;
    struct ia_image_facts *facts = &parsed->facts;
    previous->image_id = row->image_id;
    previous->first_scan = row->first_scan;
    previous->referenced_scan = row->referenced_scan;
    previous->referenced_by = copy(row->referenced_by, ok);
    previous->referenced_path = copy(row->referenced_path, ok);
    previous->referenced_mtime_ns = row->referenced_mtime_ns;
    previous->base_id = row->base_id;
    previous->referenced_uncertain = row->referenced_uncertain;
    previous->row_fingerprint = row->fingerprint;
    previous->backing_id = row->backing_id;
    previous->seen_scan = row->seen_scan;
    parsed->format = copy(row->format, ok);
    previous->was_image = previous->was_image || ia_judge_may_hide(row->format);
    parsed->message = copy(row->problem, ok);
    parsed->basis = basis_of(row->format_basis);
    memcpy(parsed->state_bytes, row->state_bytes, sizeof(parsed->state_bytes));
    facts->virtual_size = row->virtual_size < 0 ? 0 : row->virtual_size;
    facts->backing_name = copy(row->backing_name, ok);
    facts->backing_format = copy(row->backing_format, ok);
    *ok = restore_identity(parsed, row) && *ok;
    facts->backing_by_identity = row->backing_by_identity;
    facts->encrypted = row->encrypted;
    facts->dirty = row->dirty;
    facts->marked_corrupt = row->corrupt;
    facts->truncated = row->truncated;
    facts->overlapping = (int)row->overlapping;
    facts->may_be_lost = row->may_be_lost;
}

/* What was wrong with an unchanged content is still wrong with it. False for states that have causes outside of it. */
static bool restore_state(struct ia_parsed *parsed, const struct ia_image_row *row)
{
    static const enum ia_status lasting[] = {IA_OK, IA_UNSUPPORTED, IA_CORRUPT, IA_LIMIT, IA_NOT_MINE};
    if (strcmp(row->state, "truncated") == 0 || strcmp(row->state, "snapshot-unreadable") == 0)
        return true;
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        if (strcmp(row->state, ia_status_word(lasting[i])) == 0) {
            parsed->status = lasting[i];
            return true;
        }
    }
    return false;
}

static enum ia_status load_volume(void *ctx, const struct ia_volume_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    bool ok = true;
    struct ia_previous_volume volume = {.volume_id = row->volume_id, .dev = row->device};
    volume.identity = copy(row->identity, &ok);
    volume.mount = copy(row->mount, &ok);
    if (ok && ia_vec_push(&catalog->previous_volumes, volume))
        return IA_OK;
    free(volume.identity);
    free(volume.mount);
    return ia_no_memory(err);
}

static enum ia_status load_file(void *ctx, const struct ia_file_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    bool ok = true;
    struct ia_previous previous = {
        .file_id = row->file_id,
        .volume_id = row->volume_id,
        .key = {0, row->inode, row->size, row->mtime_ns, row->ctime_ns},
        .birth_ns = row->birth_ns,
        .disk_size = row->disk_size,
        .links = row->links,
        .links_found = row->links_found,
        .checked_ns = row->checked_ns < 0 ? 0 : row->checked_ns,
        .is_forgotten = row->checked_ns < 0,
        .class = class_of(row->verdict),
        .path = copy(row->path, &ok),
        .reason = reason_of(row->reason),
    };
    previous.was_packed = previous.class == IA_CLASS_PACKED;
    previous.was_image = previous.was_lost = row->was_image;
    enum ia_status status = ok ? ia_catalog_add_previous(catalog, &previous, err) : ia_no_memory(err);
    if (status != IA_OK)
        free(previous.path);
    return status;
}

/* Rows of one table that belong to rows of another: both come in ascending order, as a rule. */
struct loader {
    struct ia_catalog *catalog;          /* its previous ones by ascending file_id */
    IA_VEC(struct ia_previous *) images; /* of these, by ascending image_id */
    IA_VEC(int64_t) strays;              /* images whose file is not in the store: somebody wrote to it */
    size_t next_file, image;             /* the next file, the latest image: where a row's own is looked for first */
};

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
    bool ok = true;
    if (previous == NULL)
        return ia_vec_push(&loader->strays, row->image_id) ? IA_OK : ia_no_memory(err);
    restore_image(previous, row, &ok);
    if (!restore_state(&previous->parsed, row) || row->incomplete)
        previous->checked_ns = 0;
    return ok && ia_vec_push(&loader->images, previous) ? IA_OK : ia_no_memory(err);
}

/* An image's mappings were numbered in their order, the active one first. If not, the image is read again. */
static enum ia_status load_mapping(void *ctx, const struct ia_mapping_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_image(ctx, row->image_id);
    struct ia_mapping mapping = {
        .map_id = row->map_id, .size = row->size, .extents = row->extents, .failed = row->failed};
    if (previous == NULL)
        return IA_OK;
    if (row->snapshot != (int64_t)previous->parsed.mappings.len - 1)
        previous->checked_ns = 0;
    return ia_vec_push(&previous->parsed.mappings, mapping) ? IA_OK : ia_no_memory(err);
}

static const char *role_of(const char *word)
{
    static const char *const roles[] = {"data", "extent"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (word != NULL && strcmp(word, roles[i]) == 0)
            return roles[i];
    return "part";
}

static enum ia_status load_reference(void *ctx, const struct ia_reference_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_image(ctx, row->image_id);
    if (previous == NULL)
        return IA_OK;
    struct ia_image_facts *facts = &previous->parsed.facts;
    if (strcmp(row->kind, "companion") == 0) {
        free(facts->companion);
        facts->companion = strdup(row->name == NULL ? "" : row->name);
        return facts->companion != NULL ? IA_OK : ia_no_memory(err);
    }
    bool added = strcmp(row->kind, "parent-path") == 0
                     ? ia_image_facts_add_backing_path(facts, row->name == NULL ? "" : row->name)
                     : ia_image_facts_add_part(facts, row->name, role_of(row->role),
                                               row->place == IA_PART_BESIDE ? IA_PART_BESIDE : IA_PART_REFERENCE);
    return added ? IA_OK : ia_no_memory(err);
}

static enum ia_status load_packed_file(void *ctx, const struct ia_packed_file_row *row, struct ia_error *err)
{
    struct ia_previous *previous = previous_of_file(ctx, row->file_id);
    bool ok = true;
    if (previous == NULL || previous->packed != NULL)
        return IA_OK;
    previous->packed = calloc(1, sizeof(*previous->packed));
    if (previous->packed == NULL)
        return ia_no_memory(err);
    previous->was_packed = true;
    previous->packed->problem = copy(row->problem, &ok);
    return ok ? IA_OK : ia_no_memory(err);
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
                                  .stated = (char *)row->stated};
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
    return is_same_name(previous->packed, &name) || ia_packed_content_add(previous->packed, &name) ? IA_OK
                                                                                                   : ia_no_memory(err);
}

enum ia_status ia_catalog_load(struct ia_catalog *catalog, struct ia_error *err)
{
    struct loader loader = {.catalog = catalog};
    enum ia_status status = ia_writer_load_volumes(catalog->writer, load_volume, catalog, err);
    if (status == IA_OK)
        status = ia_writer_load_files(catalog->writer, load_file, catalog, err);
    if (status == IA_OK)
        status = ia_writer_load_images(catalog->writer, load_image, &loader, err);
    if (status == IA_OK)
        status = ia_writer_load_mappings(catalog->writer, load_mapping, &loader, err);
    if (status == IA_OK)
        status = ia_writer_load_references(catalog->writer, load_reference, &loader, err);
    if (status == IA_OK)
        status = ia_writer_load_packed_files(catalog->writer, load_packed_file, &loader, err);
    if (status == IA_OK)
        status = ia_writer_load_packed_references(catalog->writer, load_packed_reference, &loader, err);
    for (size_t i = 0; i < loader.strays.len && status == IA_OK; i++)
        status = ia_writer_drop_image(catalog->writer, loader.strays.items[i], err);
    /* Without its mappings an image is not taken over: what it maps is unknown. */
    for (size_t i = 0; i < loader.images.len; i++)
        if (loader.images.items[i]->parsed.mappings.len == 0)
            loader.images.items[i]->checked_ns = 0;
    ia_vec_release(&loader.images);
    ia_vec_release(&loader.strays);
    return status;
}
