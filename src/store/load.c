/* SPDX-License-Identifier: MIT */
/* Reading back what the scan before left, for change detection. */
#include "base/cleanup.h"
#include "store/connection.h"
#include "store/rows.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

static const char reading[] = "cannot read the store";

/* The caller's function, and what it is called with. */
struct loader {
    ia_load_volume *volume;
    ia_load_file *file;
    ia_load_image *image;
    ia_load_mapping *mapping;
    ia_load_mount *mount;
    ia_load_vanished *vanished;
    ia_load_former_base *former_base;
    ia_load_reference *reference;
    ia_load_packed_file *packed_file;
    ia_load_packed_reference *packed_reference;
    ia_load_former_name *former_name;
    ia_load_template *template_glob;
    ia_load_claim *claim;
    ia_load_tree *tree;
    ia_load_candidate *candidate;
    void *ctx;
};
typedef enum ia_status hand_over(const struct loader *loader, const void *row, struct ia_error *err);

/* Decodes each row into the struct at `row`, and hands it over. */
static enum ia_status load_rows(struct ia_writer *writer, enum ia_entity_number number, void *row, hand_over *each,
                                const struct loader *loader, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_load(statements, number, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        ia_entity_decode(&ia_entities[number], stmt, row);
        IA_TRY(each(loader, row, err));
    }
    return ia_connection_check(statements->db, code, reading, err);
}

/* One of the tables of an image besides `image`. */
struct image_part {
    enum ia_entity_number number;
    sqlite3_stmt *stmt; /* its row is of an image that is no earlier than the one before */
    int64_t image_id;   /* of that row; INT64_MAX behind the last */
};

static enum ia_status step_part(sqlite3 *db, struct image_part *part, struct ia_error *err)
{
    int code = sqlite3_step(part->stmt);
    part->image_id = code == SQLITE_ROW ? sqlite3_column_int64(part->stmt, 0) : INT64_MAX;
    return ia_connection_check(db, code, reading, err);
}

/* The part of the row that belongs to row->image_id. The key is the first column of each table. */
static enum ia_status add_part(sqlite3 *db, struct image_part *part, struct ia_image_row *row, struct ia_error *err)
{
    while (part->image_id < row->image_id) /* ends: the statement has an end */
        IA_TRY(step_part(db, part, err));
    if (part->image_id == row->image_id)
        ia_entity_decode(&ia_entities[part->number], part->stmt, row);
    else
        row->incomplete = true;
    return IA_OK;
}

/* Sets *whole where each image has a row of its abilities. A scan does not load these, and counting takes a moment. */
static enum ia_status have_abilities(struct ia_statements *statements, bool *whole, struct ia_error *err)
{
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, IA_STMT_HAVE_ABILITIES, &stmt, err));
    int code = sqlite3_step(stmt);
    *whole = code == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
    return ia_connection_check(statements->db, code, reading, err);
}

/* Each table in the order of image_id: that costs less than a join. */
static enum ia_status load_images(struct ia_writer *writer, struct image_part *parts, size_t count,
                                  const struct loader *loader, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    bool whole;
    IA_TRY(have_abilities(statements, &whole, err));
    IA_TRY(ia_statements_load(statements, IA_ENTITY_IMAGE, &stmt, err));
    for (size_t i = 0; i < count; i++)
        IA_TRY(ia_statements_load(statements, parts[i].number, &parts[i].stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ia_image_row row = {.incomplete = !whole};
        ia_entity_decode(&ia_entities[IA_ENTITY_IMAGE], stmt, &row);
        for (size_t i = 0; i < count; i++)
            IA_TRY(add_part(statements->db, &parts[i], &row, err));
        IA_TRY(loader->image(loader->ctx, &row, err));
    }
    return ia_connection_check(statements->db, code, reading, err);
}

enum ia_status ia_writer_load_images(struct ia_writer *writer, ia_load_image *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.image = each, .ctx = ctx};
    struct image_part parts[] = {{.number = IA_ENTITY_IMAGE_HEADER, .image_id = INT64_MIN},
                                 {.number = IA_ENTITY_IMAGE_ACCOUNT, .image_id = INT64_MIN},
                                 {.number = IA_ENTITY_IMAGE_MEMORY, .image_id = INT64_MIN}};
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    enum ia_status status = load_images(writer, parts, PARTS, &loader, err);
    for (size_t i = 0; i < PARTS; i++)
        sqlite3_reset(parts[i].stmt);
    return status;
}

static enum ia_status load_volume(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->volume(loader->ctx, row, err);
}

enum ia_status ia_writer_load_volumes(struct ia_writer *writer, ia_load_volume *each, void *ctx, struct ia_error *err)
{
    struct ia_volume_row row;
    const struct loader loader = {.volume = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_VOLUME, &row, load_volume, &loader, err);
}

static enum ia_status load_file(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->file(loader->ctx, row, err);
}

enum ia_status ia_writer_load_files(struct ia_writer *writer, ia_load_file *each, void *ctx, struct ia_error *err)
{
    struct ia_file_row row;
    const struct loader loader = {.file = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_FILE, &row, load_file, &loader, err);
}

static enum ia_status load_mapping(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->mapping(loader->ctx, row, err);
}

enum ia_status ia_writer_load_mappings(struct ia_writer *writer, ia_load_mapping *each, void *ctx, struct ia_error *err)
{
    struct ia_mapping_row row;
    const struct loader loader = {.mapping = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_MAPPING, &row, load_mapping, &loader, err);
}

static enum ia_status load_reference(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->reference(loader->ctx, row, err);
}

enum ia_status ia_writer_load_references(struct ia_writer *writer, ia_load_reference *each, void *ctx,
                                         struct ia_error *err)
{
    struct ia_reference_row row;
    const struct loader loader = {.reference = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_REFERENCE, &row, load_reference, &loader, err);
}

static enum ia_status load_packed_file(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->packed_file(loader->ctx, row, err);
}

enum ia_status ia_writer_load_packed_files(struct ia_writer *writer, ia_load_packed_file *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_packed_file_row row;
    const struct loader loader = {.packed_file = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_PACKED_FILE, &row, load_packed_file, &loader, err);
}

static enum ia_status load_packed_reference(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->packed_reference(loader->ctx, row, err);
}

enum ia_status ia_writer_load_packed_references(struct ia_writer *writer, ia_load_packed_reference *each, void *ctx,
                                                struct ia_error *err)
{
    struct ia_packed_reference_row row;
    const struct loader loader = {.packed_reference = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_PACKED_REFERENCE, &row, load_packed_reference, &loader, err);
}

static enum ia_status load_former_name(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->former_name(loader->ctx, row, err);
}

enum ia_status ia_writer_load_former_names(struct ia_writer *writer, ia_load_former_name *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_former_name_row row;
    const struct loader loader = {.former_name = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_FORMER_NAME, &row, load_former_name, &loader, err);
}

static enum ia_status find_by_text(struct ia_writer *writer, enum ia_statement by, const char *text,
                                   ia_load_named *each, void *ctx, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, by, &stmt, err));
    IA_TRY(ia_connection_check(statements->db, sqlite3_bind_text(stmt, 1, text, -1, SQLITE_TRANSIENT), reading, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(each(ctx, sqlite3_column_int64(stmt, 0), err));
    return ia_connection_check(statements->db, code, reading, err);
}

enum ia_status ia_writer_find_named(struct ia_writer *writer, const char *path, ia_load_named *each, void *ctx,
                                    struct ia_error *err)
{
    return find_by_text(writer, IA_STMT_FIND_NAMED, path, each, ctx, err);
}

enum ia_status ia_writer_find_namesakes(struct ia_writer *writer, const char *component, ia_load_named *each, void *ctx,
                                        struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf end = {0};
    ia_buf_addf(&end, "/%s", component);
    return end.failed ? ia_no_memory(err) : find_by_text(writer, IA_STMT_FIND_NAMESAKES, end.data, each, ctx, err);
}

static enum ia_status load_claim(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->claim(loader->ctx, row, err);
}

enum ia_status ia_writer_load_claims(struct ia_writer *writer, ia_load_claim *each, void *ctx, struct ia_error *err)
{
    struct ia_claim_row row;
    const struct loader loader = {.claim = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_CLAIM, &row, load_claim, &loader, err);
}

static enum ia_status load_template(const struct loader *loader, const void *row, struct ia_error *err)
{
    const struct ia_template_row *template = row;
    return loader->template_glob(loader->ctx, template->glob, err);
}

enum ia_status ia_writer_load_templates(struct ia_writer *writer, ia_load_template *each, void *ctx,
                                        struct ia_error *err)
{
    struct ia_template_row row;
    const struct loader loader = {.template_glob = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_TEMPLATE, &row, load_template, &loader, err);
}

static enum ia_status load_tree(const struct loader *loader, const void *row, struct ia_error *err)
{
    const struct ia_tree_row *tree = row;
    return loader->tree(loader->ctx, tree->root_id, tree->fingerprint, err);
}

enum ia_status ia_writer_load_trees(struct ia_writer *writer, ia_load_tree *each, void *ctx, struct ia_error *err)
{
    struct ia_tree_row row;
    const struct loader loader = {.tree = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_TREE, &row, load_tree, &loader, err);
}

static enum ia_status load_candidate(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->candidate(loader->ctx, row, err);
}

enum ia_status ia_writer_load_candidates(struct ia_writer *writer, ia_load_candidate *each, void *ctx,
                                         struct ia_error *err)
{
    struct ia_candidate_row row;
    const struct loader loader = {.candidate = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_CANDIDATE, &row, load_candidate, &loader, err);
}

static enum ia_status load_mount(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->mount(loader->ctx, row, err);
}

enum ia_status ia_writer_load_mounts(struct ia_writer *writer, ia_load_mount *each, void *ctx, struct ia_error *err)
{
    struct ia_mount_row row;
    const struct loader loader = {.mount = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_MOUNT, &row, load_mount, &loader, err);
}

enum ia_status ia_writer_load_places(struct ia_writer *writer, ia_load_mount *each, void *ctx, struct ia_error *err)
{
    struct ia_mount_row row;
    const struct loader loader = {.mount = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_PLACE, &row, load_mount, &loader, err);
}

enum ia_status ia_writer_get_name(struct ia_writer *writer, const char *path, struct ia_past_name *out,
                                  struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    *out = (struct ia_past_name){0};
    IA_TRY(ia_statements_get(statements, IA_STMT_GET_NAME, &stmt, err));
    sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *out = (struct ia_past_name){.file_id = sqlite3_column_int64(stmt, 0),
                                     .is_link = sqlite3_column_int(stmt, 1) != 0,
                                     .seen_ns = sqlite3_column_int64(stmt, 2)};
    return ia_connection_check(statements->db, code, reading, err);
}

enum ia_status ia_writer_load_hiding(struct ia_writer *writer, ia_load_hiding *each, void *ctx, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, IA_STMT_LOAD_HIDING, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(each(ctx, (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
                    sqlite3_column_int(stmt, 2) != 0, err));
    return ia_connection_check(statements->db, code, reading, err);
}

/* Rows of a path and a number. */
static enum ia_status load_paths(struct ia_writer *writer, enum ia_statement number, ia_load_link *each, void *ctx,
                                 struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, number, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(each(ctx, (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int64(stmt, 1), err));
    return ia_connection_check(statements->db, code, reading, err);
}

enum ia_status ia_writer_load_links(struct ia_writer *writer, ia_load_link *each, void *ctx, struct ia_error *err)
{
    return load_paths(writer, IA_STMT_LOAD_LINKS, each, ctx, err);
}

enum ia_status ia_writer_load_overlay_names(struct ia_writer *writer, ia_load_link *each, void *ctx,
                                            struct ia_error *err)
{
    return load_paths(writer, IA_STMT_LOAD_OVERLAY_NAMES, each, ctx, err);
}

static enum ia_status load_vanished(const struct loader *loader, const void *row, struct ia_error *err)
{
    return loader->vanished(loader->ctx, row, err);
}

enum ia_status ia_writer_load_vanished(struct ia_writer *writer, ia_load_vanished *each, void *ctx,
                                       struct ia_error *err)
{
    struct ia_vanished_row row;
    const struct loader loader = {.vanished = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_VANISHED, &row, load_vanished, &loader, err);
}

static enum ia_status load_former_base(const struct loader *loader, const void *row, struct ia_error *err)
{
    const struct ia_former_base_row *former = row;
    return loader->former_base(loader->ctx, former->file_id, former->base_id, err);
}

enum ia_status ia_writer_load_former_bases(struct ia_writer *writer, ia_load_former_base *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_former_base_row row;
    const struct loader loader = {.former_base = each, .ctx = ctx};
    return load_rows(writer, IA_ENTITY_FORMER_BASE, &row, load_former_base, &loader, err);
}

enum ia_status ia_writer_get_setting(struct ia_writer *writer, const char *key, int64_t *value, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, IA_STMT_GET_SETTING, &stmt, err));
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(stmt, 0);
    return ia_connection_check(statements->db, code, reading, err);
}
