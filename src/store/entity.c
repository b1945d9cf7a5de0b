/* SPDX-License-Identifier: MIT */
/* Statements, parameters and rows from descriptions of columns. */
#include "store/entity.h"

#include <assert.h>

static void add_names(const struct ia_entity *entity, struct ia_buf *out)
{
    for (size_t i = 0; i < entity->count; i++)
        ia_buf_addf(out, "%s%s", i > 0 ? ", " : "", entity->columns[i].name);
}

/* The names in this role; assigned: each with the value of the row that is put. */
static void add_role(const struct ia_entity *entity, enum ia_column_role role, bool assigned, struct ia_buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < entity->count; i++) {
        const char *name = entity->columns[i].name;
        if (entity->columns[i].role != role)
            continue;
        ia_buf_addf(out, "%s%s", before, name);
        if (assigned)
            ia_buf_addf(out, " = excluded.%s", name);
        before = ", ";
    }
}

static bool has_role(const struct ia_entity *entity, enum ia_column_role role)
{
    for (size_t i = 0; i < entity->count; i++)
        if (entity->columns[i].role == role)
            return true;
    return false;
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
    add_role(entity, IA_COLUMN_KEY, false, out);
    ia_buf_add_str(out, ") DO ");
    if (!has_role(entity, IA_COLUMN_VALUE)) {
        ia_buf_add_str(out, "NOTHING");
        return;
    }
    ia_buf_add_str(out, "UPDATE SET ");
    add_role(entity, IA_COLUMN_VALUE, true, out);
}

void ia_entity_load_sql(const struct ia_entity *entity, struct ia_buf *out)
{
    assert(entity->order != NULL);
    ia_buf_add_str(out, "SELECT ");
    add_names(entity, out);
    ia_buf_addf(out, " FROM %s %s", entity->table, entity->order);
}

static int bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    return text == NULL ? sqlite3_bind_null(stmt, index) : sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);
}

static int bind_column(sqlite3_stmt *stmt, int index, enum ia_column_type type, const void *member)
{
    if (type == IA_COLUMN_TEXT)
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

void ia_entity_decode(const struct ia_entity *entity, sqlite3_stmt *stmt, void *row)
{
    for (size_t i = 0; i < entity->count; i++) {
        const struct ia_column_spec *column = &entity->columns[i];
        void *member = (char *)row + column->offset;
        int at = (int)i;
        if (column->type == IA_COLUMN_TEXT)
            *(const char **)member = (const char *)sqlite3_column_text(stmt, at);
        else if (column->type == IA_COLUMN_FLAG)
            *(bool *)member = sqlite3_column_int(stmt, at) != 0;
        else if (column->type == IA_COLUMN_ENUM)
            *(unsigned *)member = (unsigned)sqlite3_column_int(stmt, at);
        else if (column->type == IA_COLUMN_NULL_IF_NEGATIVE && sqlite3_column_type(stmt, at) == SQLITE_NULL)
            *(int64_t *)member = -1;
        else
            *(int64_t *)member = sqlite3_column_int64(stmt, at); /* NULL: 0 */
    }
}
