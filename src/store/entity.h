/* SPDX-License-Identifier: MIT */
/* A kind of rows: a table of the store, its columns, and where each of them is in a C struct. Statements are made from
 * this, and values bound and decoded by it, so that a column is described once. Private to src/store. */
#ifndef IA_STORE_ENTITY_H
#define IA_STORE_ENTITY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum ia_column_type {
    IA_COLUMN_INTEGER,          /* int64_t */
    IA_COLUMN_FLAG,             /* bool */
    IA_COLUMN_ENUM,             /* an enum without negative values */
    IA_COLUMN_TEXT,             /* const char *; the NULL of a damaged store comes back as "" */
    IA_COLUMN_TEXT_OR_NULL,     /* const char *; NULL: SQL NULL */
    IA_COLUMN_NULL_IF_NEGATIVE, /* int64_t; -1 comes back */
    IA_COLUMN_NULL_IF_ZERO,     /* int64_t */
};

enum ia_column_role {
    IA_COLUMN_VALUE,
    IA_COLUMN_KEY,   /* the row with the same keys is replaced */
    IA_COLUMN_FIRST, /* scan_id: since when every scan has put the row, which has the latest of them in last_scan */
    IA_COLUMN_STORED /* a value that is put, and not loaded: the next scan has no use for it */
};

struct ia_column_spec {
    const char *name;
    enum ia_column_type type;
    enum ia_column_role role;
    size_t offset;
};

struct ia_entity {
    const char *table;
    const struct ia_column_spec *columns;
    size_t count;
    const char
        *order; /* of the rows that are loaded, after ORDER BY; with a WHERE before it, or NULL: they never are */
};

/* The member's own type decides; a type that none of them is does not compile. */
#define IA_COLUMN_TYPE(row, member)                                                                                    \
    _Generic(((struct row *)NULL)->member,                                                                             \
             int64_t: IA_COLUMN_INTEGER,                                                                               \
             bool: IA_COLUMN_FLAG,                                                                                     \
             unsigned: IA_COLUMN_ENUM,                                                                                 \
             const char *: IA_COLUMN_TEXT)
#define IA_INT64_ONLY(row, member, type) _Generic(((struct row *)NULL)->member, int64_t : (type))

#define IA_COLUMN_AS(name, row, member, role)                                                                          \
    {                                                                                                                  \
        name, IA_COLUMN_TYPE(row, member), role, offsetof(struct row, member)                                          \
    }
#define IA_COLUMN(row, member) IA_COLUMN_AS(#member, row, member, IA_COLUMN_VALUE)
#define IA_TEXT_OR_NULL_IN(row, member, role)                                                                          \
    {                                                                                                                  \
#member, _Generic(((struct row *)NULL)->member, const char *: IA_COLUMN_TEXT_OR_NULL), role,                   \
            offsetof(struct row, member)       \
    }
#define IA_TEXT_OR_NULL(row, member) IA_TEXT_OR_NULL_IN(row, member, IA_COLUMN_VALUE)
#define IA_STORED_TEXT_OR_NULL(row, member) IA_TEXT_OR_NULL_IN(row, member, IA_COLUMN_STORED)
#define IA_KEY(row, member) IA_COLUMN_AS(#member, row, member, IA_COLUMN_KEY)
#define IA_KEY_OR_NEW(row, member)                                                                                     \
    {                                                                                                                  \
#member, IA_INT64_ONLY(row, member, IA_COLUMN_NULL_IF_ZERO), IA_COLUMN_KEY, offsetof(struct row, member)       \
    }
#define IA_NULL_IF_NEGATIVE_AS(name, row, member, role)                                                                \
    {                                                                                                                  \
        name, IA_INT64_ONLY(row, member, IA_COLUMN_NULL_IF_NEGATIVE), role, offsetof(struct row, member)               \
    }
#define IA_NULL_IF_NEGATIVE(row, member) IA_NULL_IF_NEGATIVE_AS(#member, row, member, IA_COLUMN_VALUE)
#define IA_STORED(row, member) IA_COLUMN_AS(#member, row, member, IA_COLUMN_STORED)
#define IA_STORED_NULL_IF_NEGATIVE(row, member) IA_NULL_IF_NEGATIVE_AS(#member, row, member, IA_COLUMN_STORED)
#define IA_NULL_IF_ZERO_AS(name, row, member, role)                                                                    \
    {                                                                                                                  \
        name, IA_INT64_ONLY(row, member, IA_COLUMN_NULL_IF_ZERO), role, offsetof(struct row, member)                   \
    }
#define IA_NULL_IF_ZERO(row, member) IA_NULL_IF_ZERO_AS(#member, row, member, IA_COLUMN_VALUE)
#define IA_STORED_NULL_IF_ZERO(row, member) IA_NULL_IF_ZERO_AS(#member, row, member, IA_COLUMN_STORED)

/* The statement that inserts a row, which is an error where the table has one with its keys; and the one that puts it
 * in the place of that. Parameters and columns are in the order of the description. Append. */
void ia_entity_insert_sql(const struct ia_entity *entity, struct ia_buf *out);
void ia_entity_put_sql(const struct ia_entity *entity, struct ia_buf *out);
/* The statement that loads all rows, without the columns that are only stored. Appends. */
void ia_entity_load_sql(const struct ia_entity *entity, struct ia_buf *out);

/* Binds the members of the struct at `row`; texts are borrowed until the statement is reset. SQLITE_OK, or an error. */
int ia_entity_bind(const struct ia_entity *entity, sqlite3_stmt *stmt, const void *row);

/* Sets the members of the struct at `row` from the statement's row. Texts are sqlite's, until its next
 * step. */
void ia_entity_decode(const struct ia_entity *entity, sqlite3_stmt *stmt, void *row);

#endif
