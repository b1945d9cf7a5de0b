/* SPDX-License-Identifier: MIT */
/* Whether a database has the tables, indexes and views of a schema and nothing else that would run unasked. A store may
 * come from somebody else: a trigger, a CHECK or a generated column in it would be run by the next scan. Private to
 * src/store. */
#ifndef IA_STORE_SCHEMA_CHECK_H
#define IA_STORE_SCHEMA_CHECK_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/status.h"
#include "store/schema.h"

/* IA_FOREIGN where there is a trigger, or a table or index that is not of `schema->tables`, or one of them is missing
 * or has another text; comments and white space aside. What ANALYZE keeps may be there. So may views of a user's own,
 * unless their name would be taken for something else by SQL of ours. `path`: for the message. */
IA_MUST_CHECK enum ia_status ia_schema_check_tables(sqlite3 *db, const struct ia_schema *schema, const char *path,
                                                    struct ia_error *err);

/* *same: the views whose names begin with v_ are those of `schema->views`. */
IA_MUST_CHECK enum ia_status ia_schema_check_views(sqlite3 *db, const struct ia_schema *schema, bool *same,
                                                   struct ia_error *err);

#endif
