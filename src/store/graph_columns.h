/* SPDX-License-Identifier: MIT */
/* What the columns of the judge's graph hold, as it has them. Private to src/store. */
#ifndef IA_STORE_GRAPH_COLUMNS_H
#define IA_STORE_GRAPH_COLUMNS_H

#include <sqlite3.h>

#include "base/vec.h"
#include "store/graph_reader.h"

struct ia_stored_graph {
    sqlite3 *db;
    struct ia_graph graph;
    IA_VEC(int64_t) volume_ids; /* of graph.volumes, ascending */
    IA_VEC(int64_t) file_ids;   /* of graph.files, ascending */
    IA_VEC(int64_t) image_ids;  /* of graph.images, ascending */
    IA_VEC(char *) texts;       /* owned */
    bool failed;                /* out of memory */
};

/* The place of a row's number among ascending ones; IA_GRAPH_NONE: it has none. */
size_t ia_graph_column_place(const int64_t *ids, size_t count, int64_t id);
/* The file or image that a column names; NULL names none. */
size_t ia_graph_column_file(const struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column);
size_t ia_graph_column_image(const struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column);
/* A copy of a text, the graph's; NULL, or "", for NULL. A lack of memory shows in stored->failed. */
const char *ia_graph_column_text(struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column);
const char *ia_graph_column_text_or_empty(struct ia_stored_graph *stored, sqlite3_stmt *stmt, int column);
/* The place of a word among those of an enumeration, in its order; `other` for one that is not among them. */
int ia_graph_column_word(sqlite3_stmt *stmt, int column, const char *const *words, int count, int other);
#define IA_GRAPH_COLUMN_WORD(stmt, column, words, other)                                                               \
    ia_graph_column_word(stmt, column, words, (int)(sizeof(words) / sizeof((words)[0])), other)

/* Hands each row that a statement yields to add, which is false without memory. */
IA_MUST_CHECK enum ia_status ia_graph_columns_each_row(struct ia_stored_graph *stored, const char *sql,
                                                       bool (*add)(struct ia_stored_graph *, sqlite3_stmt *),
                                                       struct ia_error *err);

/* graph_rows.c: loads all tables. */
IA_MUST_CHECK enum ia_status ia_graph_rows_load(struct ia_stored_graph *stored, struct ia_error *err);

#endif
