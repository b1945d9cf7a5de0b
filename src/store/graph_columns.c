/* SPDX-License-Identifier: MIT */
/* Statements and rows of the judge's graph from descriptions of columns. */
#include "store/graph_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/search.h"
#include "store/connection.h"

static const char reading[] = "cannot read what the verdicts rest on";

static int compare_ids(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

size_t ia_graph_place(const int64_t *ids, size_t count, int64_t id)
{
    size_t place = ia_lower_bound(&id, ids, count, sizeof(ids[0]), compare_ids);
    return place < count && ids[place] == id ? place : IA_GRAPH_NONE;
}

unsigned ia_graph_state_by_word(const char *word)
{
    return ia_graph_state_of(ia_resolve_state_by_word(word));
}

/* A copy of a text, "" without memory: *failed then. */
static const char *keep_text(struct ia_stored_graph *stored, const char *text, bool *failed)
{
    char *copy = strdup(text);
    if (copy != NULL && ia_vec_push(&stored->texts, copy))
        return copy;
    free(copy);
    *failed = true;
    return "";
}

/* Sets the member that a column is; false: out of memory. */
static bool decode(struct ia_stored_graph *stored, sqlite3_stmt *stmt, int number, const struct ia_graph_column *column,
                   void *row)
{
    void *member = (char *)row + column->offset;
    bool failed = false;
    const char *text = NULL;
    if (column->type == IA_GRAPH_COLUMN_TEXT || column->type == IA_GRAPH_COLUMN_TEXT_OR_EMPTY ||
        column->type == IA_GRAPH_COLUMN_WORD)
        text = (const char *)sqlite3_column_text(stmt, number);
    int64_t value = text == NULL ? sqlite3_column_int64(stmt, number) : 0;
    switch (column->type) {
    case IA_GRAPH_COLUMN_INTEGER:
        *(int64_t *)member = value;
        break;
    case IA_GRAPH_COLUMN_NUMBER:
        *(int *)member = (int)value;
        break;
    case IA_GRAPH_COLUMN_FLAG:
        *(bool *)member = value != 0;
        break;
    case IA_GRAPH_COLUMN_TEXT:
        *(const char **)member = text == NULL ? NULL : keep_text(stored, text, &failed);
        break;
    case IA_GRAPH_COLUMN_TEXT_OR_EMPTY:
        *(const char **)member = text == NULL ? "" : keep_text(stored, text, &failed);
        break;
    case IA_GRAPH_COLUMN_WORD:
        *(unsigned *)member = column->by_word(text == NULL ? "" : text);
        break;
    case IA_GRAPH_COLUMN_VOLUME:
        *(size_t *)member = ia_graph_place(stored->volume_ids.items, stored->volume_ids.len, value);
        break;
    case IA_GRAPH_COLUMN_FILE:
        *(size_t *)member = ia_graph_place(stored->file_ids.items, stored->file_ids.len, value);
        break;
    case IA_GRAPH_COLUMN_IMAGE:
        *(size_t *)member = ia_graph_place(stored->image_ids.items, stored->image_ids.len, value);
        break;
    }
    return !failed;
}

static enum ia_status prepare(sqlite3 *db, const struct ia_graph_table *table, sqlite3_stmt **out, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sql = {0};
    for (size_t i = 0; i < table->count; i++)
        ia_buf_addf(&sql, "%s%s", i == 0 ? "SELECT " : ", ", table->columns[i].sql);
    ia_buf_addf(&sql, " %s", table->from);
    ia_buf_add_char(&sql, '\0');
    return sql.failed ? ia_no_memory(err) : ia_connection_prepare(db, sql.data, reading, out, err);
}

enum ia_status ia_graph_table_load(struct ia_stored_graph *stored, const struct ia_graph_table *table,
                                   struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(prepare(stored->db, table, &stmt, err));
    IA_AUTO_FREE void *row = malloc(table->size);
    if (row == NULL)
        return ia_no_memory(err);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        memset(row, 0, table->size);
        for (size_t i = 0; i < table->count; i++)
            if (!decode(stored, stmt, (int)i, &table->columns[i], row))
                return ia_no_memory(err);
        if (!table->add(stored, row))
            return ia_no_memory(err);
    }
    return ia_connection_check(stored->db, code, reading, err);
}
