/* SPDX-License-Identifier: MIT */
/* Reading rows of the table extent. They are handed over by a function in the statement's condition, which is false
 * until the buffer is full: sqlite then stays in its loop and does not come back for each row and column. That takes
 * two thirds of the time of stepping. */
#include "store/extents.h"

#include "store/connection.h"

static const char sql[] = "SELECT 1 FROM extent WHERE map_id = ?1 AND start >= ?2"
                          " AND take_extent(?3, start, length, state, file, offset) ORDER BY start";

#define POINTER_TYPE "ia_extents"

struct buffer {
    struct ia_extent *items;
    size_t count, capacity; /* count < capacity while the statement runs */
};

/* take_extent(buffer, start, length, state, file, offset): is the buffer full now? */
static void take_extent(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct buffer *buffer = sqlite3_value_pointer(values[0], POINTER_TYPE);
    if (buffer == NULL || buffer->count == buffer->capacity) {
        sqlite3_result_error(context, "not to be called from outside", -1);
        return;
    }
    bool nowhere = sqlite3_value_type(values[5]) == SQLITE_NULL;
    buffer->items[buffer->count++] = (struct ia_extent){
        .start = sqlite3_value_int64(values[1]),
        .length = sqlite3_value_int64(values[2]),
        .state = (uint32_t)sqlite3_value_int64(values[3]),
        .file = (uint32_t)sqlite3_value_int64(values[4]),
        .offset = nowhere ? IA_NO_OFFSET : sqlite3_value_int64(values[5]),
    };
    sqlite3_result_int(context, buffer->count == buffer->capacity);
}

enum ia_status ia_extents_prepare(sqlite3 *db, sqlite3_stmt **out, struct ia_error *err)
{
    enum { ARGUMENTS = 6 };
    if (sqlite3_create_function_v2(db, "take_extent", ARGUMENTS, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, take_extent,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return ia_connection_fail(db, err, "cannot read extents");
    return ia_connection_prepare(db, sql, "cannot read extents", out, err);
}

enum ia_status ia_extents_read(sqlite3_stmt *stmt, int64_t map_id, int64_t from, struct ia_extent *out, size_t capacity,
                               size_t *count, struct ia_error *err)
{
    struct buffer buffer = {.items = out, .capacity = capacity};
    sqlite3_bind_int64(stmt, 1, map_id);
    sqlite3_bind_int64(stmt, 2, from);
    sqlite3_bind_pointer(stmt, 3, &buffer, POINTER_TYPE, NULL);
    int code = capacity > 0 ? sqlite3_step(stmt) : SQLITE_DONE;
    *count = buffer.count;
    enum ia_status status = code == SQLITE_DONE || code == SQLITE_ROW
                                ? IA_OK
                                : ia_connection_fail(sqlite3_db_handle(stmt), err, "cannot read extents");
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return status;
}
