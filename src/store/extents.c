/* SPDX-License-Identifier: MIT */
/* Decoding rows of the table extent. */
#include "store/extents.h"

#include "store/connection.h"

enum ia_status ia_extents_read(sqlite3_stmt *stmt, int64_t map_id, int64_t from, struct ia_extent *out, size_t capacity,
                               size_t *count, struct ia_error *err)
{
    sqlite3_bind_int64(stmt, 1, map_id);
    sqlite3_bind_int64(stmt, 2, from);
    sqlite3_bind_int64(stmt, 3, (int64_t)capacity);
    int code;
    *count = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        out[(*count)++] = (struct ia_extent){
            .start = sqlite3_column_int64(stmt, 0),
            .length = sqlite3_column_int64(stmt, 1),
            .state = (uint32_t)sqlite3_column_int64(stmt, 2),
            .file = (uint32_t)sqlite3_column_int64(stmt, 3),
            .offset = sqlite3_column_type(stmt, 4) == SQLITE_NULL ? IA_NO_OFFSET : sqlite3_column_int64(stmt, 4),
        };
    enum ia_status status =
        code == SQLITE_DONE ? IA_OK : ia_connection_fail(sqlite3_db_handle(stmt), err, "cannot read extents");
    sqlite3_reset(stmt);
    return status;
}
