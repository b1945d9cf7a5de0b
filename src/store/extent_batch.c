/* SPDX-License-Identifier: MIT */
/* A virtual table over an array (https://www.sqlite.org/vtab.html, "Table-valued functions"). A statement for each row
 * takes half as long again: sqlite opens, seeks and closes anew each time. */
#include "store/extent_batch.h"

#include "store/connection.h"

#define POINTER_TYPE "ia_extent_batch"

enum column { START, LENGTH, STATE, FILE_NUMBER, OFFSET, IMAGE, BATCH };

struct cursor {
    sqlite3_vtab_cursor base;
    const struct ia_extent_batch *batch; /* NULL: no rows */
    size_t at;
};

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **message)
{
    (void)aux;
    (void)argc;
    (void)argv;
    (void)message;
    int code = sqlite3_declare_vtab(db, "CREATE TABLE x (start, length, state, file, offset, image_id, batch HIDDEN)");
    if (code != SQLITE_OK)
        return code;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    *out = sqlite3_malloc(sizeof(**out));
    if (*out == NULL)
        return SQLITE_NOMEM;
    **out = (sqlite3_vtab){0};
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* There is one way to look at it: from the first to the last, once the batch is known. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != BATCH || !info->aConstraint[i].usable ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->estimatedCost = 1;
        return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    struct cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct cursor){0};
    *out = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *name, int count, sqlite3_value **values)
{
    (void)number;
    (void)name;
    struct cursor *cursor = (struct cursor *)base;
    cursor->batch = count > 0 ? sqlite3_value_pointer(values[0], POINTER_TYPE) : NULL;
    cursor->at = 0;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    ((struct cursor *)base)->at++;
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    const struct cursor *cursor = (const struct cursor *)base;
    return cursor->batch == NULL || cursor->at >= cursor->batch->count;
}

static int get_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cursor *cursor = (const struct cursor *)base;
    const struct ia_extent *extent = &cursor->batch->items[cursor->at];
    switch ((enum column)column) {
    case START:
        sqlite3_result_int64(context, extent->start);
        break;
    case LENGTH:
        sqlite3_result_int64(context, extent->length);
        break;
    case STATE:
        sqlite3_result_int64(context, extent->state);
        break;
    case FILE_NUMBER:
        sqlite3_result_int64(context, extent->file);
        break;
    case OFFSET:
        if (extent->offset != IA_NO_OFFSET)
            sqlite3_result_int64(context, extent->offset);
        break;
    case IMAGE:
        if (cursor->batch->images != NULL)
            sqlite3_result_int64(context, cursor->batch->images[cursor->at]);
        break;
    case BATCH:
        break;
    }
    return SQLITE_OK;
}

static int get_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((const struct cursor *)base)->at;
    return SQLITE_OK;
}

enum ia_status ia_extent_batch_register(sqlite3 *db, struct ia_error *err)
{
    static const sqlite3_module module = {
        .xConnect = connect_table,
        .xBestIndex = best_index,
        .xDisconnect = disconnect_table,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = filter,
        .xNext = next,
        .xEof = at_end,
        .xColumn = get_column,
        .xRowid = get_rowid,
    };
    return sqlite3_create_module_v2(db, "extent_batch", &module, NULL, NULL) == SQLITE_OK
               ? IA_OK
               : ia_connection_fail(db, err, "cannot store extents");
}

int ia_extent_batch_bind(sqlite3_stmt *stmt, int index, struct ia_extent_batch *batch)
{
    return sqlite3_bind_pointer(stmt, index, batch, POINTER_TYPE, NULL);
}
