/* SPDX-License-Identifier: MIT */
/* Bringing a database to the current schema: one transaction, append-only steps from schema/. Private to src/store. */
#ifndef IA_STORE_MIGRATE_H
#define IA_STORE_MIGRATE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/status.h"

/* The number of files in schema/. */
int64_t ia_schema_version(void);

/* Inside the caller's transaction: applies what is missing to a database of `version`, sets application_id and
 * user_version. Does nothing at the current version. */
IA_MUST_CHECK enum ia_status ia_migrate(sqlite3 *db, int64_t version, struct ia_error *err);

#endif
