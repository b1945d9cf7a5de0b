/* SPDX-License-Identifier: MIT */
/* Kinds of rows of the judge's graph: what is selected, and where each column is in a C struct. Statements are made
 * from this, and rows decoded by it, so that a column is described once. Private to src/store. */
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
};

enum ia_graph_column_type {
    IA_GRAPH_COLUMN_INTEGER,       /* int64_t; 0 for NULL */
    IA_GRAPH_COLUMN_NUMBER,        /* int; 0 for NULL */
    IA_GRAPH_COLUMN_FLAG,          /* bool; false for NULL */
    IA_GRAPH_COLUMN_TEXT,          /* const char *; NULL for NULL. Texts are the graph's */
    IA_GRAPH_COLUMN_TEXT_OR_EMPTY, /* const char *; "" for NULL */
    IA_GRAPH_COLUMN_WORD,          /* an enum; by_word("") for NULL */
    /* size_t: where the graph has the row of that number; IA_GRAPH_NONE for NULL, and where it has none */
    IA_GRAPH_COLUMN_VOLUME,
    IA_GRAPH_COLUMN_FILE,
    IA_GRAPH_COLUMN_IMAGE,
};

struct ia_graph_column {
    const char *sql; /* an expression */
    enum ia_graph_column_type type;
    size_t offset;
    unsigned (*by_word)(const char *word); /* of IA_GRAPH_COLUMN_WORD: an enum without negative values is unsigned */
};

struct ia_graph_table {
    const char *from; /* the statement after its columns */
    const struct ia_graph_column *columns;
    size_t count;
    size_t size; /* of the struct that a row is */
    /* Takes a row, or leaves it; false: out of memory. */
    bool (*add)(struct ia_stored_graph *stored, const void *row);
};

/* The member's own type decides; a type that none of them is does not compile. */
#define IA_GRAPH_VALUE(row, member, expression)                                                                          \
    {                                                                                                                    \
        .sql = (expression), .offset = offsetof(struct row, member),                                                   \
        .type = _Generic(((struct row *)NULL)->member,                                                                 \
                         int64_t: IA_GRAPH_COLUMN_INTEGER,                                                             \
                         int: IA_GRAPH_COLUMN_NUMBER,                                                                  \
                         bool: IA_GRAPH_COLUMN_FLAG,                                                                   \
                         const char *: IA_GRAPH_COLUMN_TEXT) \
    }
#define IA_GRAPH_TEXT_OR_EMPTY(row, member, expression)                                                                  \
    {                                                                                                                    \
        .sql = (expression), .offset = offsetof(struct row, member),                                                   \
        .type = _Generic(((struct row *)NULL)->member, const char * : IA_GRAPH_COLUMN_TEXT_OR_EMPTY) \
    }
#define IA_GRAPH_WORD(row, member, expression, function)                                                               \
    {                                                                                                                  \
        .sql = (expression), .offset = offsetof(struct row, member), .by_word = (function),                            \
        .type = _Generic(((struct row *)NULL)->member, unsigned                                                        \
                         : IA_GRAPH_COLUMN_WORD)                                                                       \
    }
#define IA_GRAPH_PLACE(row, member, expression, kind)                                                                  \
    {                                                                                                                  \
        .sql = (expression), .offset = offsetof(struct row, member),                                                   \
        .type = _Generic(((struct row *)NULL)->member, size_t                                                          \
                         : IA_GRAPH_COLUMN_##kind)                                                                     \
    }

#define IA_GRAPH_TABLE(columns, row, add, from)                                                                        \
    {                                                                                                                  \
        (from), (columns), sizeof(columns) / sizeof((columns)[0]), sizeof(struct row), (add)                           \
    }

/* Where ascending numbers of rows have one; IA_GRAPH_NONE: they have it not. */
size_t ia_graph_place(const int64_t *ids, size_t count, int64_t id);

/* Hands each row of a table to its add. */
IA_MUST_CHECK enum ia_status ia_graph_table_load(struct ia_stored_graph *stored, const struct ia_graph_table *table,
                                                 struct ia_error *err);

/* Of a reference, as an enum ia_graph_state. */
unsigned ia_graph_state_by_word(const char *word);

/* graph_rows.c: loads files, images, what they name and what was found. */
IA_MUST_CHECK enum ia_status ia_graph_rows_load(struct ia_stored_graph *stored, struct ia_error *err);
/* graph_rows_users.c: loads, after these, what may use a file besides an image that the scan saw. */
IA_MUST_CHECK enum ia_status ia_graph_rows_load_users(struct ia_stored_graph *stored, struct ia_error *err);

#endif
