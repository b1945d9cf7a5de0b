/* SPDX-License-Identifier: MIT */
/* Running SQL, and SQLite's errors as ours. */
#include "store/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum ia_status ia_connection_prepare(sqlite3 *db, const char *sql, const char *what, sqlite3_stmt **out,
                                     struct ia_error *err)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? IA_OK : ia_connection_fail(db, err, "%s", what);
}

enum ia_status ia_connection_prepare_for(sqlite3 *db, const char *sql, int64_t parameter, const char *what,
                                         sqlite3_stmt **out, struct ia_error *err)
{
    IA_TRY(ia_connection_prepare(db, sql, what, out, err));
    return ia_connection_check(db, sqlite3_bind_int64(*out, 1, parameter), what, err);
}

enum ia_status ia_connection_check(sqlite3 *db, int code, const char *what, struct ia_error *err)
{
    bool well = code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE;
    return well ? IA_OK : ia_connection_fail(db, err, "%s", what);
}

enum ia_status ia_connection_int(sqlite3 *db, const char *sql, int64_t *out, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        return ia_connection_fail(db, err, "cannot read the store");
    *out = sqlite3_column_int64(stmt, 0);
    return IA_OK;
}

enum ia_status ia_connection_exec(sqlite3 *db, const char *sql, struct ia_error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return ia_connection_fail(db, err, "cannot write the store");
    return IA_OK;
}

static enum ia_status status_of_code(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return IA_BUSY;
    case SQLITE_FULL:
        return IA_FULL;
    case SQLITE_NOTADB:
        return IA_FOREIGN;
    case SQLITE_CORRUPT:
        return IA_CORRUPT;
    case SQLITE_NOMEM:
        return IA_NOMEM;
    case SQLITE_INTERRUPT:
        return IA_INTERRUPTED;
    case SQLITE_TOOBIG:
        return IA_LIMIT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return IA_DENIED;
    default:
        return IA_IO;
    }
}

enum ia_status ia_connection_fail(sqlite3 *db, struct ia_error *err, const char *format, ...)
{
    int code = db == NULL ? SQLITE_NOMEM : sqlite3_errcode(db);
    int sys_errno = db == NULL ? 0 : sqlite3_system_errno(db);
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    const char *words = db == NULL ? "out of memory" : sqlite3_errmsg(db);
    enum ia_status status = status_of_code(code);
    if ((code & 0xff) == SQLITE_IOERR && sys_errno == 0)
        sys_errno = errno; /* sqlite forgets that of a write */
    if (status == IA_IO && sys_errno != 0)
        return ia_fail_errno(err, sys_errno, "%s: %s", what, words);
    return ia_fail(err, status, "%s: %s", what, words);
}
