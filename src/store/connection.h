/* SPDX-License-Identifier: MIT */
/* What reader and writer share: opening, pragmas, identity of the database, errors. Private to src/store. */
#ifndef IA_STORE_CONNECTION_H
#define IA_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/status.h"

/* "IMGA", in the database header so that file(1) and we know our own. */
#define IA_APPLICATION_ID 0x494d4741

enum ia_connection_mode { IA_CONNECTION_READ, IA_CONNECTION_WRITE, IA_CONNECTION_CREATE };

IA_MUST_CHECK enum ia_status ia_connection_open(const char *path, enum ia_connection_mode mode, sqlite3 **out,
                                                struct ia_error *err);

/* IA_FOREIGN unless the database is ours and of a version that this program migrates or reads; *version is that, 0 for
 * an empty database. */
IA_MUST_CHECK enum ia_status ia_connection_identify(sqlite3 *db, const char *path, int64_t *version,
                                                    struct ia_error *err);

IA_MUST_CHECK enum ia_status ia_connection_exec(sqlite3 *db, const char *sql, struct ia_error *err);

/* Prepares a statement. The caller ends it with ia_connection_finish, whatever is returned. `what`: words for its
 * errors. */
IA_MUST_CHECK enum ia_status ia_connection_prepare(sqlite3 *db, const char *sql, const char *what, sqlite3_stmt **out,
                                                   struct ia_error *err);

/* Ends a statement, which may be NULL. `code` is what its last step gave: rows may be left. Returns `status` unless
 * that is IA_OK and the step failed. */
IA_MUST_CHECK enum ia_status ia_connection_finish(sqlite3 *db, sqlite3_stmt *stmt, enum ia_status status, int code,
                                                  const char *what, struct ia_error *err);

/* One integer from a statement without parameters. */
IA_MUST_CHECK enum ia_status ia_connection_int(sqlite3 *db, const char *sql, int64_t *out, struct ia_error *err);

/* The connection's last error as ours: IA_BUSY, IA_FULL, IA_CORRUPT, IA_FOREIGN or IA_IO, with sqlite's words. */
IA_PRINTF(3, 4)
enum ia_status ia_connection_fail(sqlite3 *db, struct ia_error *err, const char *format, ...);

#endif
