/* SPDX-License-Identifier: MIT */
/* Reading back the tables that the scan before left, for change detection. */
#include "store/connection.h"
#include "store/rows.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

static const char reading[] = "cannot read the store";

/* The rows of an entity. */
struct rows {
    sqlite3 *db;
    const struct ia_entity *entity;
    sqlite3_stmt *stmt;
    int code; /* of the last step */
};

static void reset_rows(struct rows *rows)
{
    sqlite3_reset(rows->stmt);
}

#define AUTO_ROWS __attribute__((cleanup(reset_rows)))

static enum ia_status open_rows(struct rows *rows, struct ia_writer *writer, enum ia_entity_number number,
                                struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    rows->db = statements->db;
    rows->entity = &ia_entities[number];
    return ia_statements_load(statements, number, &rows->stmt, err);
}

/* Decodes the next one into a struct of the entity; false: there is none, or an error, which end_rows returns. */
static bool next_row(struct rows *rows, void *row)
{
    rows->code = sqlite3_step(rows->stmt);
    if (rows->code == SQLITE_ROW)
        ia_entity_decode(rows->entity, rows->stmt, row);
    return rows->code == SQLITE_ROW;
}

static enum ia_status end_rows(const struct rows *rows, struct ia_error *err)
{
    return ia_connection_check(rows->db, rows->code, reading, err);
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
static enum ia_status load_images(struct ia_writer *writer, struct image_part *parts, size_t count, ia_load_image *each,
                                  void *ctx, struct ia_error *err)
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
        IA_TRY(each(ctx, &row, err));
    }
    return ia_connection_check(statements->db, code, reading, err);
}

enum ia_status ia_writer_load_images(struct ia_writer *writer, ia_load_image *each, void *ctx, struct ia_error *err)
{
    struct image_part parts[] = {{.number = IA_ENTITY_IMAGE_HEADER, .image_id = INT64_MIN},
                                 {.number = IA_ENTITY_IMAGE_ACCOUNT, .image_id = INT64_MIN},
                                 {.number = IA_ENTITY_IMAGE_MEMORY, .image_id = INT64_MIN}};
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    enum ia_status status = load_images(writer, parts, PARTS, each, ctx, err);
    for (size_t i = 0; i < PARTS; i++)
        sqlite3_reset(parts[i].stmt);
    return status;
}

enum ia_status ia_writer_load_volumes(struct ia_writer *writer, ia_load_volume *each, void *ctx, struct ia_error *err)
{
    struct ia_volume_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_VOLUME, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_files(struct ia_writer *writer, ia_load_file *each, void *ctx, struct ia_error *err)
{
    struct ia_file_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_FILE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_mappings(struct ia_writer *writer, ia_load_mapping *each, void *ctx, struct ia_error *err)
{
    struct ia_mapping_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_MAPPING, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_references(struct ia_writer *writer, ia_load_reference *each, void *ctx,
                                         struct ia_error *err)
{
    struct ia_reference_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_REFERENCE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_packed_files(struct ia_writer *writer, ia_load_packed_file *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_packed_file_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_PACKED_FILE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_packed_references(struct ia_writer *writer, ia_load_packed_reference *each, void *ctx,
                                                struct ia_error *err)
{
    struct ia_packed_reference_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_PACKED_REFERENCE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_former_names(struct ia_writer *writer, ia_load_former_name *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_former_name_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_FORMER_NAME, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_claims(struct ia_writer *writer, ia_load_claim *each, void *ctx, struct ia_error *err)
{
    struct ia_claim_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_CLAIM, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_templates(struct ia_writer *writer, ia_load_template *each, void *ctx,
                                        struct ia_error *err)
{
    struct ia_template_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_TEMPLATE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, row.glob, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_trees(struct ia_writer *writer, ia_load_tree *each, void *ctx, struct ia_error *err)
{
    struct ia_tree_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_TREE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, row.root_id, row.fingerprint, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_candidates(struct ia_writer *writer, ia_load_candidate *each, void *ctx,
                                         struct ia_error *err)
{
    struct ia_candidate_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_CANDIDATE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_mounts(struct ia_writer *writer, ia_load_mount *each, void *ctx, struct ia_error *err)
{
    struct ia_mount_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_MOUNT, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_places(struct ia_writer *writer, ia_load_mount *each, void *ctx, struct ia_error *err)
{
    struct ia_mount_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_PLACE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_vanished(struct ia_writer *writer, ia_load_vanished *each, void *ctx,
                                       struct ia_error *err)
{
    struct ia_vanished_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_VANISHED, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, &row, err));
    return end_rows(&rows, err);
}

enum ia_status ia_writer_load_former_bases(struct ia_writer *writer, ia_load_former_base *each, void *ctx,
                                           struct ia_error *err)
{
    struct ia_former_base_row row;
    AUTO_ROWS struct rows rows = {0};
    IA_TRY(open_rows(&rows, writer, IA_ENTITY_FORMER_BASE, err));
    while (next_row(&rows, &row))
        IA_TRY(each(ctx, row.file_id, row.base_id, err));
    return end_rows(&rows, err);
}
