/* SPDX-License-Identifier: MIT */
/* Bringing a database to the current schema: tables by append-only migrations, views as they are now. Private to
 * src/store. */
#ifndef IA_STORE_MIGRATE_H
#define IA_STORE_MIGRATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/schema.h"

/* Inside the caller's transaction: makes tables and views in an empty database (version 0), migrates one of an earlier
 * version, makes the views anew where they are of another text than `schema->views`. A migration that fails leaves no
 * trace of itself; those before it hold. Does nothing to a database that is current. */
IA_MUST_CHECK enum ia_status ia_migrate(sqlite3 *db, const struct ia_schema *schema, int64_t version,
                                        struct ia_error *err);

/* Are the views those of the schema? */
IA_MUST_CHECK enum ia_status ia_migrate_has_views(sqlite3 *db, const struct ia_schema *schema, bool *current,
                                                  struct ia_error *err);

/* As ia_connection_identify, and IA_FOREIGN for any version of tables or views but the current one; IA_MISSING for an
 * empty database. */
IA_MUST_CHECK enum ia_status ia_migrate_expect_current(sqlite3 *db, const char *path, struct ia_error *err);

#endif
