/* SPDX-License-Identifier: MIT */
/* Looking up what scans before left, by statements that no description of columns makes: names, links, findings and
 * settings. */
#include "base/cleanup.h"
#include "store/connection.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

static const char reading[] = "cannot read the store";

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
