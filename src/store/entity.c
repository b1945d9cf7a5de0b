/* SPDX-License-Identifier: MIT */
/* Statements, parameters and rows from descriptions of columns. */
#include "store/entity.h"

#include <assert.h>

static void add_names(const struct ia_entity *entity, struct ia_buf *out)
{
    for (size_t i = 0; i < entity->count; i++)
        ia_buf_addf(out, "%s%s", i > 0 ? ", " : "", entity->columns[i].name);
}

/* The names of the keys. */
static void add_keys(const struct ia_entity *entity, struct ia_buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < entity->count; i++) {
        if (entity->columns[i].role != IA_COLUMN_KEY)
            continue;
        ia_buf_addf(out, "%s%s", before, entity->columns[i].name);
        before = ", ";
    }
}

/* The scan before the one that puts a row: its own row may be there already. */
#define BEFORE_THIS "coalesce((SELECT max(scan_id) FROM scan WHERE scan_id < excluded.last_scan), 0)"

/* "UPDATE SET " and the values of the row that is put; "NOTHING" where it has none. */
static void add_update(const struct ia_entity *entity, struct ia_buf *out)
{
    const char *before = "UPDATE SET ";
    bool any = false;
    for (size_t i = 0; i < entity->count; i++) {
        const struct ia_column_spec *column = &entity->columns[i];
        if (column->role == IA_COLUMN_KEY)
            continue;
        ia_buf_addf(out, "%s%s = ", before, column->name);
        if (column->role == IA_COLUMN_FIRST)
            ia_buf_addf(out, "CASE WHEN last_scan >= " BEFORE_THIS " THEN %s ELSE ", column->name);
        ia_buf_addf(out, "excluded.%s%s", column->name, column->role == IA_COLUMN_FIRST ? " END" : "");
        before = ", ";
        any = true;
    }
    if (!any)
        ia_buf_add_str(out, "NOTHING");
}

void ia_entity_insert_sql(const struct ia_entity *entity, struct ia_buf *out)
{
    ia_buf_addf(out, "INSERT INTO %s (", entity->table);
    add_names(entity, out);
    ia_buf_add_str(out, ") VALUES (");
    for (size_t i = 0; i < entity->count; i++)
        ia_buf_add_str(out, i > 0 ? ", ?" : "?");
    ia_buf_add_str(out, ")");
}

void ia_entity_put_sql(const struct ia_entity *entity, struct ia_buf *out)
{
    ia_entity_insert_sql(entity, out);
    ia_buf_add_str(out, " ON CONFLICT (");
    add_keys(entity, out);
    ia_buf_add_str(out, ") DO ");
    add_update(entity, out);
}

void ia_entity_load_sql(const struct ia_entity *entity, struct ia_buf *out)
{
    assert(entity->order != NULL);
    const char *before = "SELECT ";
    for (size_t i = 0; i < entity->count; i++) {
        if (entity->columns[i].role == IA_COLUMN_STORED)
            continue;
        ia_buf_addf(out, "%s%s", before, entity->columns[i].name);
        before = ", ";
    }
    ia_buf_addf(out, " FROM %s %s", entity->table, entity->order);
}

static int bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    return text == NULL ? sqlite3_bind_null(stmt, index) : sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);
}

static int bind_column(sqlite3_stmt *stmt, int index, enum ia_column_type type, const void *member)
{
    if (type == IA_COLUMN_TEXT || type == IA_COLUMN_TEXT_OR_NULL)
        return bind_text(stmt, index, *(const char *const *)member);
    if (type == IA_COLUMN_FLAG)
        return sqlite3_bind_int(stmt, index, *(const bool *)member);
    if (type == IA_COLUMN_ENUM)
        return sqlite3_bind_int64(stmt, index, *(const unsigned *)member);
    int64_t value = *(const int64_t *)member;
    if ((type == IA_COLUMN_NULL_IF_NEGATIVE && value < 0) || (type == IA_COLUMN_NULL_IF_ZERO && value == 0))
        return sqlite3_bind_null(stmt, index);
    return sqlite3_bind_int64(stmt, index, value);
}

int ia_entity_bind(const struct ia_entity *entity, sqlite3_stmt *stmt, const void *row)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < entity->count && code == SQLITE_OK; i++) {
        const struct ia_column_spec *column = &entity->columns[i];
        code = bind_column(stmt, (int)i + 1, column->type, (const char *)row + column->offset);
    }
    return code;
}

/* A database that somebody changed may have what no statement of ours can put into it. */
static const char *decode_text(sqlite3_stmt *stmt, int at, enum ia_column_type type)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    return text == NULL && type == IA_COLUMN_TEXT ? "" : text;
}

static void decode_column(sqlite3_stmt *stmt, int at, enum ia_column_type type, void *member)
{
    if (type == IA_COLUMN_TEXT || type == IA_COLUMN_TEXT_OR_NULL)
        *(const char **)member = decode_text(stmt, at, type);
    else if (type == IA_COLUMN_FLAG)
        *(bool *)member = sqlite3_column_int(stmt, at) != 0;
    else if (type == IA_COLUMN_ENUM)
        *(unsigned *)member = (unsigned)sqlite3_column_int(stmt, at);
    else if (type == IA_COLUMN_NULL_IF_NEGATIVE && sqlite3_column_type(stmt, at) == SQLITE_NULL)
        *(int64_t *)member = -1;
    else
        *(int64_t *)member = sqlite3_column_int64(stmt, at); /* NULL: 0 */
}

void ia_entity_decode(const struct ia_entity *entity, sqlite3_stmt *stmt, void *row)
{
    int at = 0;
    for (size_t i = 0; i < entity->count; i++) {
        const struct ia_column_spec *column = &entity->columns[i];
        if (column->role != IA_COLUMN_STORED)
            decode_column(stmt, at++, column->type, (char *)row + column->offset);
    }
}
