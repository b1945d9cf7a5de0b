/* SPDX-License-Identifier: MIT */
/* What reader and writer share: opening, pragmas, identity of the database, errors. Private to src/store. */
#ifndef IA_STORE_CONNECTION_H
#define IA_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/status.h"
#include "store/place.h"

/* "IMGA", in the database header so that file(1) and we recognise our own. */
#define IA_APPLICATION_ID 0x494d4741

enum ia_connection_mode { IA_CONNECTION_READ, IA_CONNECTION_WRITE, IA_CONNECTION_CREATE };

/* Guarded (store/guard.h). A store that is made is readable by its owner alone. IA_REFUSED as ia_place_check. */
IA_MUST_CHECK enum ia_status ia_connection_open(const char *path, enum ia_connection_mode mode, sqlite3 **out,
                                                struct ia_error *err);

/* The same to read, also from where SQLite can make no log beside the store: as it is then, if nothing of it is in a
 * log. frozen: to be checked at the end of what was read. */
IA_MUST_CHECK enum ia_status ia_connection_open_reader(const char *path, sqlite3 **out, struct ia_frozen *frozen,
                                                       struct ia_error *err);

/* IA_FOREIGN unless the database is ours and of a version that this program migrates or reads, with the tables of that
 * and nothing that a scan would run unasked (store/schema_check.h); *version is that, 0 for an empty database. */
IA_MUST_CHECK enum ia_status ia_connection_identify(sqlite3 *db, const char *path, int64_t *version,
                                                    struct ia_error *err);

IA_MUST_CHECK enum ia_status ia_connection_exec(sqlite3 *db, const char *sql, struct ia_error *err);

static inline void ia_cleanup_stmt_(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}
#define IA_AUTO_STMT __attribute__((cleanup(ia_cleanup_stmt_)))

/* Prepares a statement, for an IA_AUTO_STMT. `what`: words for its errors. */
IA_MUST_CHECK enum ia_status ia_connection_prepare(sqlite3 *db, const char *sql, const char *what, sqlite3_stmt **out,
                                                   struct ia_error *err);
/* The same, and gives its one parameter a value. */
IA_MUST_CHECK enum ia_status ia_connection_prepare_for(sqlite3 *db, const char *sql, int64_t parameter,
                                                       const char *what, sqlite3_stmt **out, struct ia_error *err);

/* Whether a call that gave `code` went well; a step does with a row, or at the end. */
IA_MUST_CHECK enum ia_status ia_connection_check(sqlite3 *db, int code, const char *what, struct ia_error *err);

/* One integer from a statement without parameters. */
IA_MUST_CHECK enum ia_status ia_connection_int(sqlite3 *db, const char *sql, int64_t *out, struct ia_error *err);

/* The connection's last error as ours: IA_BUSY, IA_FULL, IA_CORRUPT, IA_FOREIGN or IA_IO, with sqlite's words. */
IA_PRINTF(3, 4)
enum ia_status ia_connection_fail(sqlite3 *db, struct ia_error *err, const char *format, ...);

#endif
