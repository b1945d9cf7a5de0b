/* SPDX-License-Identifier: MIT */
/* Columns of the judge's graph: numbers of rows as places in its arrays, texts, words; row by row. */
#include "store/graph_columns.h"

#include <stdlib.h>
#include <string.h>

#include "store/connection.h"

static const char reading[] = "cannot read what the verdicts rest on";

size_t ia_graph_column_place(const int64_t *ids, size_t count, int64_t id)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ids[low] == id ? low : IA_GRAPH_NONE;
}

size_t ia_graph_column_file(const struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column)
{
    return ia_graph_column_place(stored->file_ids.items, stored->file_ids.len, sqlite3_column_int64(stmt, column));
}

size_t ia_graph_column_image(const struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column)
{
    return ia_graph_column_place(stored->image_ids.items, stored->image_ids.len, sqlite3_column_int64(stmt, column));
}

const char *ia_graph_column_text(struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    if (copy != NULL && ia_vec_push(&stored->texts, copy))
        return copy;
    free(copy);
    stored->failed = true;
    return "";
}

const char *ia_graph_column_text_or_empty(struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column)
{
    const char *text = ia_graph_column_text(stored, stmt, column);
    return text == NULL ? "" : text;
}

int ia_graph_column_word(sqlite3_stmt *stmt, int column, const char *const *words, int count, int other)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    for (int i = 0; i < count && text != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return other;
}

enum ia_status ia_graph_columns_each_row(struct ia_stored_graph *stored, const char *sql,
                                         bool (*add)(struct ia_stored_graph *, sqlite3_stmt *), struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(stored->db, sql, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        if (!add(stored, stmt) || stored->failed)
            return ia_no_memory(err);
    return ia_connection_check(stored->db, code, reading, err);
}
