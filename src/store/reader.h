/* SPDX-License-Identifier: MIT */
/* Reading the store: a read-only connection and queries on it. Never creates or changes a file. */
#ifndef IA_STORE_READER_H
#define IA_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ia_reader;
struct ia_query;

enum ia_value_type { IA_VALUE_NULL, IA_VALUE_INT, IA_VALUE_REAL, IA_VALUE_TEXT };

/* Opens an existing store read-only. IA_MISSING where there is none, IA_FOREIGN for a database that is not ours or of
 * another schema version. */
IA_MUST_CHECK enum ia_status ia_reader_open(const char *path, struct ia_reader **out, struct ia_error *err);
void ia_reader_close(struct ia_reader *reader); /* NULL is fine; close its queries first */

/* SQLite could make no log beside the store (a file system or a directory that cannot be written), so that it is read
 * without a lock. A query ends with IA_CHANGED where it changed meanwhile. */
bool ia_reader_is_frozen(const struct ia_reader *reader);

/* `stop` is asked about every millisecond while a query runs, which ends with IA_INTERRUPTED when it is true. */
void ia_reader_stop_when(struct ia_reader *reader, bool (*stop)(void *ctx), void *ctx);

/* Bounds the memory that SQLite takes in the whole process. */
void ia_reader_limit_memory(int64_t bytes);

static inline void ia_cleanup_reader_(struct ia_reader **reader)
{
    ia_reader_close(*reader);
}
#define IA_AUTO_READER __attribute__((cleanup(ia_cleanup_reader_)))

/* All queries until ia_reader_close see one state of the store. */
IA_MUST_CHECK enum ia_status ia_reader_begin(struct ia_reader *reader, struct ia_error *err);

/* Prepares one statement. IA_USAGE for a second one after it, for one that writes, and for one that uses a function, a
 * table or a pragma that is not on the lists of store/guard_lists.c; else it carries sqlite's message. */
IA_MUST_CHECK enum ia_status ia_query_open(struct ia_reader *reader, const char *sql, struct ia_query **out,
                                           struct ia_error *err);
void ia_query_close(struct ia_query *query); /* NULL is fine */

static inline void ia_cleanup_query_(struct ia_query **query)
{
    ia_query_close(*query);
}
#define IA_AUTO_QUERY __attribute__((cleanup(ia_cleanup_query_)))

/* Binds the parameter `name` (":image"); a statement without it is left alone. Values are copied. */
IA_MUST_CHECK enum ia_status ia_query_bind_text(struct ia_query *query, const char *name, const char *bytes, size_t len,
                                                struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_query_bind_int(struct ia_query *query, const char *name, int64_t value,
                                               struct ia_error *err);
/* Parameters are numbered from 0; "?" for one without a name. */
int ia_query_parameters(const struct ia_query *query);
const char *ia_query_parameter_name(const struct ia_query *query, int parameter);

/* *row: there is a row to look at. */
IA_MUST_CHECK enum ia_status ia_query_step(struct ia_query *query, bool *row, struct ia_error *err);

int ia_query_columns(const struct ia_query *query);
const char *ia_query_column_name(const struct ia_query *query, int column);
enum ia_value_type ia_query_type(const struct ia_query *query, int column);
int64_t ia_query_int(const struct ia_query *query, int column);
double ia_query_real(const struct ia_query *query, int column);
/* Bytes of a text column, NUL-terminated besides, valid until the next step; NULL for SQL NULL. Not always UTF-8. */
const char *ia_query_text(const struct ia_query *query, int column, size_t *len);

#endif
