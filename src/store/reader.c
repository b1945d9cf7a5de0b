/* SPDX-License-Identifier: MIT */
/* Read-only connections and queries. */
#include "store/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/connection.h"
#include "store/guard.h"
#include "store/migrate.h"
#include "store/reader_internal.h"

struct ia_reader {
    sqlite3 *db;
    struct ia_guard guard;
    struct ia_frozen frozen;
    char *path;
};

struct ia_query {
    struct ia_reader *reader;
    sqlite3_stmt *stmt;
};

enum ia_status ia_reader_open(const char *path, struct ia_reader **out, struct ia_error *err)
{
    IA_AUTO_READER struct ia_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return ia_no_memory(err);
    reader->path = strdup(path);
    if (reader->path == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_connection_open_reader(path, &reader->db, &reader->frozen, err));
    IA_TRY(ia_migrate_expect_current(reader->db, path, err));
    ia_guard_queries(reader->db, &reader->guard);
    *out = ia_steal_ptr(reader);
    return IA_OK;
}

void ia_reader_close(struct ia_reader *reader)
{
    if (reader == NULL)
        return;
    sqlite3_close_v2(reader->db);
    free(reader->path);
    free(reader);
}

bool ia_reader_is_frozen(const struct ia_reader *reader)
{
    return reader->frozen.is_frozen;
}

void ia_reader_stop_when(struct ia_reader *reader, bool (*stop)(void *ctx), void *ctx)
{
    reader->guard.stop = stop;
    reader->guard.stop_ctx = ctx;
}

void ia_reader_limit_memory(int64_t bytes)
{
    sqlite3_hard_heap_limit64(bytes);
}

sqlite3 *ia_reader_connection(struct ia_reader *reader)
{
    return reader->db;
}

enum ia_status ia_reader_begin(struct ia_reader *reader, struct ia_error *err)
{
    return ia_connection_exec(reader->db, "BEGIN", err);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

/* By the rules for queries. */
static int prepare(struct ia_reader *reader, const char *sql, sqlite3_stmt **stmt, const char **tail)
{
    reader->guard.is_query = true;
    reader->guard.refused[0] = '\0';
    int code = sqlite3_prepare_v2(reader->db, sql, -1, stmt, tail);
    reader->guard.is_query = false;
    return code;
}

/* sqlite prepares the first statement, and leaves the others in the tail. */
static enum ia_status check_statement(struct ia_reader *reader, sqlite3_stmt *stmt, const char *tail,
                                      struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *next = NULL;
    if (stmt == NULL)
        return ia_fail(err, IA_USAGE, "no SQL statement");
    if (!is_blank(tail) && (prepare(reader, tail, &next, NULL) != SQLITE_OK || next != NULL))
        return ia_fail(err, IA_USAGE, "more than one SQL statement");
    if (!sqlite3_stmt_readonly(stmt) || sqlite3_column_count(stmt) == 0)
        return ia_fail(err, IA_USAGE, "only statements that read are allowed");
    return IA_OK;
}

/* A statement that is wrong is its author's mistake. */
static enum ia_status fail_query(struct ia_reader *reader, int code, struct ia_error *err)
{
    if (reader->guard.refused[0] != '\0') /* not always SQLITE_AUTH */
        return ia_fail(err, IA_USAGE, "%s", reader->guard.refused);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ia_no_memory(err);
    case SQLITE_INTERRUPT:
        return ia_fail(err, IA_INTERRUPTED, "interrupted");
    case SQLITE_ERROR:
        return ia_fail(err, IA_USAGE, "%s", sqlite3_errmsg(reader->db));
    default:
        return ia_connection_fail(reader->db, err, "cannot read the store");
    }
}

enum ia_status ia_query_open(struct ia_reader *reader, const char *sql, struct ia_query **out, struct ia_error *err)
{
    const char *tail = NULL;
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    int code = prepare(reader, sql, &stmt, &tail);
    if (code != SQLITE_OK)
        return fail_query(reader, code, err);
    IA_TRY(check_statement(reader, stmt, tail, err));
    struct ia_query *query = malloc(sizeof(*query));
    if (query == NULL)
        return ia_no_memory(err);
    *query = (struct ia_query){.reader = reader, .stmt = ia_steal_ptr(stmt)};
    *out = query;
    return IA_OK;
}

void ia_query_close(struct ia_query *query)
{
    if (query == NULL)
        return;
    sqlite3_finalize(query->stmt);
    free(query);
}

enum ia_status ia_query_bind_text(struct ia_query *query, const char *name, const char *bytes, size_t len,
                                  struct ia_error *err)
{
    int index = sqlite3_bind_parameter_index(query->stmt, name);
    if (index != 0 && sqlite3_bind_text64(query->stmt, index, bytes, len, SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
        return ia_connection_fail(query->reader->db, err, "cannot bind %s", name);
    return IA_OK;
}

enum ia_status ia_query_bind_int(struct ia_query *query, const char *name, int64_t value, struct ia_error *err)
{
    int index = sqlite3_bind_parameter_index(query->stmt, name);
    if (index != 0 && sqlite3_bind_int64(query->stmt, index, value) != SQLITE_OK)
        return ia_connection_fail(query->reader->db, err, "cannot bind %s", name);
    return IA_OK;
}

int ia_query_parameters(const struct ia_query *query)
{
    return sqlite3_bind_parameter_count(query->stmt);
}

const char *ia_query_parameter_name(const struct ia_query *query, int parameter)
{
    const char *name = sqlite3_bind_parameter_name(query->stmt, parameter + 1);
    return name == NULL ? "?" : name;
}

static enum ia_status fail_step(struct ia_reader *reader, int code, struct ia_error *err)
{
    code &= 0xff;
    if (reader->guard.refused[0] != '\0' || code == SQLITE_NOMEM || code == SQLITE_INTERRUPT)
        return fail_query(reader, code, err);
    enum ia_status status = ia_connection_fail(reader->db, err, "cannot read the store");
    struct ia_error changed;
    return ia_frozen_check(reader->path, &reader->frozen, &changed) == IA_OK
               ? status
               : ia_fail(err, IA_CHANGED, "%s", changed.message);
}

enum ia_status ia_query_step(struct ia_query *query, bool *row, struct ia_error *err)
{
    struct ia_reader *reader = query->reader;
    reader->guard.is_query = true; /* sqlite may prepare it again */
    reader->guard.refused[0] = '\0';
    int code = sqlite3_step(query->stmt);
    reader->guard.is_query = false;
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return IA_OK;
    return code == SQLITE_DONE ? ia_frozen_check(reader->path, &reader->frozen, err) : fail_step(reader, code, err);
}

int ia_query_columns(const struct ia_query *query)
{
    return sqlite3_column_count(query->stmt);
}

const char *ia_query_column_name(const struct ia_query *query, int column)
{
    return sqlite3_column_name(query->stmt, column);
}

enum ia_value_type ia_query_type(const struct ia_query *query, int column)
{
    switch (sqlite3_column_type(query->stmt, column)) {
    case SQLITE_NULL:
        return IA_VALUE_NULL;
    case SQLITE_INTEGER:
        return IA_VALUE_INT;
    case SQLITE_FLOAT:
        return IA_VALUE_REAL;
    default:
        return IA_VALUE_TEXT;
    }
}

int64_t ia_query_int(const struct ia_query *query, int column)
{
    return sqlite3_column_int64(query->stmt, column);
}

double ia_query_real(const struct ia_query *query, int column)
{
    return sqlite3_column_double(query->stmt, column);
}

const char *ia_query_text(const struct ia_query *query, int column, size_t *len)
{
    const char *text = (const char *)sqlite3_column_text(query->stmt, column);
    *len = (size_t)sqlite3_column_bytes(query->stmt, column);
    return text;
}
