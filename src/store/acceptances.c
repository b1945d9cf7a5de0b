/* SPDX-License-Identifier: MIT */
/* What an administrator accepted, and the findings of the latest scan that it concerns. */
#include "store/connection.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

static const char working[] = "cannot change what is accepted";

enum ia_status ia_writer_load_acceptances(struct ia_writer *writer, ia_load_acceptance *each, void *ctx,
                                          struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_load(statements, IA_ENTITY_ACCEPTANCE, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ia_acceptance_row row = {0};
        ia_entity_decode(&ia_entities[IA_ENTITY_ACCEPTANCE], stmt, &row);
        IA_TRY(each(ctx, &row, err));
    }
    return ia_connection_check(statements->db, code, working, err);
}

enum ia_status ia_writer_add_acceptance(struct ia_writer *writer, struct ia_acceptance_row *row, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_TRY(ia_statements_insert(statements, IA_ENTITY_ACCEPTANCE, row, err));
    row->number = sqlite3_last_insert_rowid(statements->db);
    return IA_OK;
}

enum ia_status ia_writer_drop_acceptance(struct ia_writer *writer, int64_t number, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_TRY(ia_statements_run(statements, IA_STMT_DROP_ACCEPTANCE, number, err));
    return sqlite3_changes(statements->db) > 0
               ? IA_OK
               : ia_fail(err, IA_MISSING, "nothing is accepted under the number %jd", (intmax_t)number);
}

/* One row of the first statement, by means of the second. */
static enum ia_status accept_one(sqlite3 *db, sqlite3_stmt *finding, sqlite3_stmt *update, ia_accept_finding *each,
                                 void *ctx, struct ia_error *err)
{
    const char *code = (const char *)sqlite3_column_text(finding, 1);
    const char *path = (const char *)sqlite3_column_text(finding, 2);
    int64_t before = sqlite3_column_int64(finding, 3);
    int64_t after = before;
    if (code == NULL || path == NULL)
        return ia_no_memory(err);
    IA_TRY(each(ctx, code, path, &after, err));
    if (after == before)
        return IA_OK;
    sqlite3_reset(update);
    if (sqlite3_bind_int64(update, 1, after) != SQLITE_OK ||
        sqlite3_bind_int64(update, 2, sqlite3_column_int64(finding, 0)) != SQLITE_OK ||
        sqlite3_step(update) != SQLITE_DONE)
        return ia_connection_fail(db, err, "%s", working);
    return IA_OK;
}

enum ia_status ia_writer_accept_findings(struct ia_writer *writer, ia_accept_finding *each, void *ctx,
                                         struct ia_error *err)
{
    sqlite3 *db = ia_writer_statements(writer)->db;
    IA_AUTO_STMT sqlite3_stmt *finding = NULL;
    IA_AUTO_STMT sqlite3_stmt *update = NULL;
    IA_TRY(ia_connection_prepare(db,
                                 "SELECT finding_id, code, path, accepted_by FROM finding"
                                 " WHERE last_scan = (SELECT max(scan_id) FROM scan) ORDER BY finding_id",
                                 working, &finding, err));
    IA_TRY(ia_connection_prepare(db, "UPDATE finding SET accepted_by = nullif(?1, 0) WHERE finding_id = ?2", working,
                                 &update, err));
    int code;
    while ((code = sqlite3_step(finding)) == SQLITE_ROW)
        IA_TRY(accept_one(db, finding, update, each, ctx, err));
    return ia_connection_check(db, code, working, err);
}

enum ia_status ia_writer_recount(struct ia_writer *writer, int64_t errors, int64_t doubts, struct ia_error *err)
{
    sqlite3 *db = ia_writer_statements(writer)->db;
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(
        db, "UPDATE scan SET errors = ?1, doubts = ?2 WHERE scan_id = (SELECT max(scan_id) FROM scan)", working, &stmt,
        err));
    if (sqlite3_bind_int64(stmt, 1, errors) != SQLITE_OK || sqlite3_bind_int64(stmt, 2, doubts) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_DONE)
        return ia_connection_fail(db, err, "%s", working);
    return IA_OK;
}
