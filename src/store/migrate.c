/* SPDX-License-Identifier: MIT */
/* Applying the embedded schema, and whether it was applied. */
#include "store/migrate.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "store/connection.h"
#include "store/schema_check.h"

enum ia_status ia_migrate_has_views(sqlite3 *db, const struct ia_schema *schema, bool *current_views,
                                    struct ia_error *err)
{
    return ia_schema_check_views(db, schema, current_views, err);
}

/* Statements that drop the public views; views of other names are somebody's own, and stay. */
static enum ia_status list_drops(sqlite3 *db, struct ia_buf *sql, struct ia_error *err)
{
    static const char reading[] = "cannot read the store's views";
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db,
                                 "SELECT printf('DROP VIEW \"%w\";', name) FROM sqlite_schema"
                                 " WHERE type = 'view' AND name GLOB 'v_*'",
                                 reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        ia_buf_add_str(sql, (const char *)sqlite3_column_text(stmt, 0));
    return ia_connection_check(db, code, reading, err);
}

static enum ia_status drop_views(sqlite3 *db, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sql = {0};
    IA_TRY(list_drops(db, &sql, err));
    if (sql.failed)
        return ia_no_memory(err);
    return sql.len > 0 ? ia_connection_exec(db, sql.data, err) : IA_OK;
}

static enum ia_status note_text(sqlite3 *db, const char *key, const char *text, struct ia_error *err)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO setting (key, value) VALUES ('%s', %" PRId64 ")", key,
             ia_schema_number(text));
    return ia_connection_exec(db, sql, err);
}

static enum ia_status make_views(sqlite3 *db, const struct ia_schema *schema, struct ia_error *err)
{
    IA_TRY(drop_views(db, err));
    IA_TRY(ia_connection_exec(db, schema->views, err));
    return note_text(db, "views", schema->views, err);
}

static enum ia_status set_version(sqlite3 *db, int64_t version, struct ia_error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %" PRId64, version);
    return ia_connection_exec(db, sql, err);
}

static enum ia_status create(sqlite3 *db, const struct ia_schema *schema, struct ia_error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", IA_APPLICATION_ID);
    IA_TRY(ia_connection_exec(db, schema->tables, err));
    IA_TRY(ia_connection_exec(db, sql, err));
    IA_TRY(note_text(db, "tables", schema->tables, err));
    return set_version(db, schema->version, err);
}

static enum ia_status apply(sqlite3 *db, const struct ia_migration *migration, struct ia_error *err)
{
    IA_TRY(ia_connection_exec(db, migration->sql, err));
    return set_version(db, migration->version, err);
}

/* A migration and its version number hold together or not at all. */
static enum ia_status run_one(sqlite3 *db, const struct ia_migration *migration, struct ia_error *err)
{
    struct ia_error ignored;
    struct ia_error cause = {0};
    IA_TRY(ia_connection_exec(db, "SAVEPOINT migration", err));
    enum ia_status status = apply(db, migration, &cause);
    if (status == IA_OK)
        return ia_connection_exec(db, "RELEASE migration", err);
    if (ia_connection_exec(db, "ROLLBACK TO migration; RELEASE migration", &ignored) != IA_OK)
        return ia_fail(err, status, "%s", ignored.message);
    return ia_fail(err, status, "migration to schema version %" PRId64 ": %s", migration->version, cause.message);
}

static enum ia_status run_migrations(sqlite3 *db, const struct ia_schema *schema, int64_t version, struct ia_error *err)
{
    /* SQLite refuses to change a table as long as a view would no longer fit it. */
    IA_TRY(drop_views(db, err));
    for (size_t i = 0; i < schema->count; i++)
        if (schema->migrations[i].version > version)
            IA_TRY(run_one(db, &schema->migrations[i], err));
    return note_text(db, "tables", schema->tables, err);
}

enum ia_status ia_migrate(sqlite3 *db, const struct ia_schema *schema, int64_t version, struct ia_error *err)
{
    bool has_views = false;
    if (version == 0)
        IA_TRY(create(db, schema, err));
    else if (version < schema->version)
        IA_TRY(run_migrations(db, schema, version, err));
    else
        IA_TRY(ia_migrate_has_views(db, schema, &has_views, err));
    if (version != schema->version) /* what is migrated is as what is new */
        IA_TRY(ia_schema_check_tables(db, schema, sqlite3_db_filename(db, "main"), err));
    return has_views ? IA_OK : make_views(db, schema, err);
}

enum ia_status ia_migrate_expect_current(sqlite3 *db, const char *path, struct ia_error *err)
{
    int64_t version = 0;
    struct ia_schema schema = ia_schema_current();
    bool has_views = false;
    IA_TRY(ia_connection_identify(db, path, &version, err));
    if (version == 0)
        return ia_fail(err, IA_MISSING, "the store '%s' is empty: run 'imgaudit scan' first", path);
    if (version < schema.version)
        return ia_fail(err, IA_FOREIGN, "'%s' has the older schema version %jd: run 'imgaudit db migrate'", path,
                       (intmax_t)version);
    IA_TRY(ia_migrate_has_views(db, &schema, &has_views, err));
    if (!has_views)
        return ia_fail(err, IA_FOREIGN, "'%s' has the views of another build of imgaudit: run 'imgaudit db migrate'",
                       path);
    return IA_OK;
}
