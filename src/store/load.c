/* SPDX-License-Identifier: MIT */
/* Reading back what the scan before left, for change detection. */
#include <stdio.h>
#include <string.h>

#include "store/connection.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

static const char *text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

static void copy_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
    const char *from = text(stmt, column);
    snprintf(out, size, "%s", from == NULL ? "" : from);
}

static int64_t integer_or(sqlite3_stmt *stmt, int column, int64_t missing)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? missing : sqlite3_column_int64(stmt, column);
}

/* What the scan tells anew each time stays empty. */
static void decode_image(sqlite3_stmt *stmt, struct ia_image_row *row, struct ia_image_identity *identity)
{
    static const enum ia_extent_state order[] = {IA_EXTENT_DATA,    IA_EXTENT_COMPRESSED,     IA_EXTENT_ENCRYPTED,
                                                 IA_EXTENT_ZERO,    IA_EXTENT_ZERO_ALLOCATED, IA_EXTENT_SPARSE,
                                                 IA_EXTENT_RESERVED};
    int at = 0;
    *row = (struct ia_image_row){.image_id = sqlite3_column_int64(stmt, at++)};
    row->file_id = sqlite3_column_int64(stmt, at++);
    row->format = text(stmt, at++);
    row->format_basis = text(stmt, at++);
    row->variant = text(stmt, at++);
    row->state = text(stmt, at++);
    row->virtual_size = integer_or(stmt, at++, -1);
    row->cluster_size = integer_or(stmt, at++, -1);
    row->encrypted = sqlite3_column_int(stmt, at++);
    row->dirty = sqlite3_column_int(stmt, at++);
    row->corrupt = sqlite3_column_int(stmt, at++);
    row->truncated = sqlite3_column_int(stmt, at++);
    row->backing_name = text(stmt, at++);
    row->backing_format = text(stmt, at++);
    row->map_id = sqlite3_column_int64(stmt, at++);
    for (size_t i = 0; i < IA_EXTENT_STATES; i++)
        row->state_bytes[order[i]] = sqlite3_column_int64(stmt, at++);
    row->compressed_host = sqlite3_column_int64(stmt, at++);
    row->metadata_bytes = integer_or(stmt, at++, -1);
    row->first_scan = sqlite3_column_int64(stmt, at++);
    row->referenced_scan = integer_or(stmt, at++, 0);
    row->referenced_by = text(stmt, at++);
    row->referenced_mtime_ns = integer_or(stmt, at++, 0);
    row->problem = text(stmt, at++);
    copy_text(stmt, at++, identity->own, sizeof(identity->own));
    copy_text(stmt, at++, identity->own_stamp, sizeof(identity->own_stamp));
    copy_text(stmt, at++, identity->parent, sizeof(identity->parent));
    copy_text(stmt, at++, identity->parent_stamp, sizeof(identity->parent_stamp));
    row->identity = identity;
    row->backing_by_identity = sqlite3_column_int(stmt, at++);
    row->fingerprint = sqlite3_column_int64(stmt, at++);
    row->overlapping = integer_or(stmt, at, -1);
}

static void decode_file(sqlite3_stmt *stmt, struct ia_file_row *row)
{
    *row = (struct ia_file_row){
        .file_id = sqlite3_column_int64(stmt, 0),
        .path = text(stmt, 1),
        .dev = sqlite3_column_int64(stmt, 2),
        .inode = sqlite3_column_int64(stmt, 3),
        .size = sqlite3_column_int64(stmt, 4),
        .disk_size = sqlite3_column_int64(stmt, 5),
        .mtime_ns = sqlite3_column_int64(stmt, 6),
        .ctime_ns = sqlite3_column_int64(stmt, 7),
        .checked_ns = sqlite3_column_int64(stmt, 8),
        .verdict = text(stmt, 9),
        .reason = text(stmt, 10),
        .links = integer_or(stmt, 11, -1),
        .links_met = integer_or(stmt, 12, -1),
    };
}

/* Decodes the row that the statement stands on, and hands it to the caller's function. */
struct loader {
    ia_load_file *file;
    ia_load_image *image;
    ia_load_mapping *mapping;
    ia_load_mount *mount;
    ia_load_name *name;
    ia_load_template *template_glob;
    ia_load_tree *tree;
    void *ctx;
};
typedef enum ia_status hand_over(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err);

static enum ia_status load_rows(struct ia_writer *writer, enum ia_statement number, hand_over *each,
                                const struct loader *loader, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_statements_get(statements, number, &stmt, err);
    int code = SQLITE_DONE;
    while (status == IA_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        status = each(loader, stmt, err);
    if (status == IA_OK && code != SQLITE_DONE)
        status = ia_connection_fail(statements->db, err, "cannot read the store");
    if (stmt != NULL)
        sqlite3_reset(stmt);
    return status;
}

static enum ia_status load_file(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    struct ia_file_row row;
    decode_file(stmt, &row);
    return loader->file(loader->ctx, &row, err);
}

static enum ia_status load_image(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    struct ia_image_row row;
    struct ia_image_identity identity = {0};
    decode_image(stmt, &row, &identity);
    return loader->image(loader->ctx, &row, err);
}

static enum ia_status load_mapping(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    struct ia_mapping_row row = {
        .map_id = sqlite3_column_int64(stmt, 0),
        .image_id = sqlite3_column_int64(stmt, 1),
        .snapshot = integer_or(stmt, 2, -1),
        .size = sqlite3_column_int64(stmt, 3),
        .extents = sqlite3_column_int64(stmt, 4),
        .failed = sqlite3_column_int(stmt, 5) != 0,
    };
    return loader->mapping(loader->ctx, &row, err);
}

static enum ia_status load_name(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    struct ia_name_row row = {
        .image_id = sqlite3_column_int64(stmt, 0),
        .kind = text(stmt, 1),
        .role = text(stmt, 2),
        .place = sqlite3_column_int64(stmt, 3),
        .name = text(stmt, 4),
    };
    return loader->name(loader->ctx, &row, err);
}

static enum ia_status load_template(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    return loader->template_glob(loader->ctx, text(stmt, 0), err);
}

static enum ia_status load_tree(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    return loader->tree(loader->ctx, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), err);
}

static enum ia_status load_mount(const struct loader *loader, sqlite3_stmt *stmt, struct ia_error *err)
{
    return loader->mount(loader->ctx, text(stmt, 0), sqlite3_column_int64(stmt, 1), err);
}

enum ia_status ia_writer_load_files(struct ia_writer *writer, ia_load_file *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.file = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_FILES, load_file, &loader, err);
}

enum ia_status ia_writer_load_images(struct ia_writer *writer, ia_load_image *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.image = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_IMAGES, load_image, &loader, err);
}

enum ia_status ia_writer_load_mappings(struct ia_writer *writer, ia_load_mapping *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.mapping = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_MAPPINGS, load_mapping, &loader, err);
}

enum ia_status ia_writer_load_names(struct ia_writer *writer, ia_load_name *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.name = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_NAMES, load_name, &loader, err);
}

enum ia_status ia_writer_load_templates(struct ia_writer *writer, ia_load_template *each, void *ctx,
                                        struct ia_error *err)
{
    const struct loader loader = {.template_glob = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_TEMPLATES, load_template, &loader, err);
}

enum ia_status ia_writer_load_trees(struct ia_writer *writer, ia_load_tree *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.tree = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_TREES, load_tree, &loader, err);
}

enum ia_status ia_writer_load_mounts(struct ia_writer *writer, ia_load_mount *each, void *ctx, struct ia_error *err)
{
    const struct loader loader = {.mount = each, .ctx = ctx};
    return load_rows(writer, IA_STMT_LOAD_MOUNTS, load_mount, &loader, err);
}

enum ia_status ia_writer_get_setting(struct ia_writer *writer, const char *key, int64_t *value, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_statements_get(statements, IA_STMT_GET_SETTING, &stmt, err);
    if (status != IA_OK)
        return status;
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(stmt, 0);
    else if (code != SQLITE_DONE)
        status = ia_connection_fail(statements->db, err, "cannot read the store");
    sqlite3_reset(stmt);
    return status;
}
