/* SPDX-License-Identifier: MIT */
/* Check, migrate, prune, backup. */
#include "store/admin.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/connection.h"
#include "store/guard.h"
#include "store/history.h"
#include "store/migrate.h"

static void close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}
#define AUTO_DB __attribute__((cleanup(close_db)))

/* Each query gives a line for everything that is wrong. */
static const char *const checks[] = {
    "SELECT 'integrity: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "SELECT 'foreign key: ' || \"table\" || ' row ' || coalesce(rowid, '?') FROM pragma_foreign_key_check",
    "SELECT 'extent of mapping ' || e.map_id || ' at ' || e.start || ' lies outside its mapping'"
    " FROM extent AS e LEFT JOIN mapping AS m ON m.map_id = e.map_id"
    " WHERE m.map_id IS NULL OR e.length <= 0 OR e.start < 0 OR e.start + e.length > m.size",
    "SELECT 'extents of mapping ' || map_id || ' overlap at ' || start FROM (SELECT map_id, start,"
    " lag(start + length) OVER (PARTITION BY map_id ORDER BY start) AS before FROM extent) WHERE start < before",
    "SELECT 'image ' || i.image_id || ' has no active mapping' FROM image AS i"
    " LEFT JOIN mapping AS m ON m.map_id = i.map_id WHERE m.map_id IS NULL",
    "SELECT 'chain of image ' || image_id || ' has a gap' FROM chain GROUP BY image_id"
    " HAVING count(*) <> max(depth) + 1 OR min(depth) <> 0",
    "SELECT 'image ' || p.image_id || ' is not where its chain has it' FROM chain_place AS p"
    " LEFT JOIN chain AS c ON c.image_id = p.top_id AND c.depth = p.depth WHERE c.layer_id IS NOT p.image_id",
};

/* The first column of every row, a line each. */
static enum ia_status add_lines(sqlite3 *db, const char *sql, struct ia_buf *report, struct ia_error *err)
{
    static const char reading[] = "cannot read the store";
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, sql, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        ia_buf_addf(report, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
    return ia_connection_check(db, code, reading, err);
}

enum ia_status ia_store_check(const char *path, struct ia_buf *report, struct ia_error *err)
{
    AUTO_DB sqlite3 *db = NULL;
    struct ia_frozen frozen;
    IA_TRY(ia_connection_open_reader(path, &db, &frozen, err));
    IA_TRY(ia_migrate_expect_current(db, path, err));
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        IA_TRY(add_lines(db, checks[i], report, err));
    IA_TRY(ia_frozen_check(path, &frozen, err));
    return report->len == 0 ? IA_OK : ia_fail(err, IA_CORRUPT, "'%s' is not sound", path);
}

enum ia_status ia_store_migrate(const char *path, int64_t *from, struct ia_error *err)
{
    AUTO_DB sqlite3 *db = NULL;
    struct ia_schema schema = ia_schema_current();
    IA_TRY(ia_connection_open(path, IA_CONNECTION_WRITE, &db, err));
    IA_TRY(ia_connection_identify(db, path, from, err));
    IA_TRY(ia_connection_exec(db, "BEGIN IMMEDIATE", err));
    IA_TRY(ia_connection_identify(db, path, from, err));
    IA_TRY(ia_migrate(db, &schema, *from, err));
    return ia_connection_exec(db, "COMMIT", err);
}

/* The next scan drops what it does not find there. */
static enum ia_status forget_mounts(sqlite3 *db, struct ia_error *err)
{
    return ia_connection_exec(db,
                              "UPDATE file SET checked_ns = -1 WHERE EXISTS (SELECT 1 FROM absent_mount AS m"
                              " JOIN volume AS v ON v.identity = m.identity WHERE v.volume_id = file.volume_id"
                              " AND (file.path = m.path"
                              " OR rtrim(file.path, replace(file.path, '/', '')) = rtrim(m.path, '/') || '/'));"
                              "DELETE FROM absent_mount",
                              err);
}

enum ia_status ia_store_prune(const char *path, const struct ia_prune_options *options, struct ia_error *err)
{
    AUTO_DB sqlite3 *db = NULL;
    IA_TRY(ia_connection_open(path, IA_CONNECTION_WRITE, &db, err));
    IA_TRY(ia_migrate_expect_current(db, path, err));
    IA_TRY(ia_connection_exec(db, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE", err));
    if (options->keep > 0)
        IA_TRY(ia_history_prune(db, options->keep, err));
    if (options->forget_mounts)
        IA_TRY(forget_mounts(db, err));
    IA_TRY(ia_connection_exec(db, "COMMIT", err));
    ia_guard_allow_vacuum(db);
    return ia_connection_exec(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
}

/* Runs a statement whose parameter is a text. */
static enum ia_status run_with_text(sqlite3 *db, const char *sql, const char *text, const char *what,
                                    struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, sql, what, &stmt, err));
    if (sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)
        return ia_connection_fail(db, err, "%s", what);
    return IA_OK;
}

/* `listed`: it is a mistake when the statement finds no row of the glob. */
static enum ia_status each_glob(sqlite3 *db, const char *sql, const char *const *globs, size_t count, bool listed,
                                struct ia_error *err)
{
    for (size_t i = 0; i < count; i++) {
        IA_TRY(run_with_text(db, sql, globs[i], "cannot change the list of templates", err));
        if (listed && sqlite3_changes(db) == 0)
            return ia_fail(err, IA_MISSING, "'%s' is not on the list of templates; nothing was changed", globs[i]);
    }
    return IA_OK;
}

enum ia_status ia_store_templates(const char *path, const struct ia_template_changes *changes, struct ia_buf *list,
                                  struct ia_error *err)
{
    AUTO_DB sqlite3 *db = NULL;
    struct ia_frozen frozen;
    bool any = changes->add_count + changes->remove_count > 0;
    IA_TRY(any ? ia_connection_open(path, IA_CONNECTION_WRITE, &db, err)
               : ia_connection_open_reader(path, &db, &frozen, err));
    IA_TRY(ia_migrate_expect_current(db, path, err));
    IA_TRY(ia_connection_exec(db, any ? "BEGIN IMMEDIATE" : "BEGIN", err));
    IA_TRY(each_glob(db, "DELETE FROM template WHERE glob = ?", changes->remove, changes->remove_count, true, err));
    IA_TRY(each_glob(db, "INSERT OR IGNORE INTO template (glob) VALUES (?)", changes->add, changes->add_count, false,
                     err));
    IA_TRY(add_lines(db, "SELECT glob FROM template ORDER BY glob", list, err));
    return ia_connection_exec(db, "COMMIT", err);
}

enum ia_status ia_store_backup(const char *path, const char *target, struct ia_error *err)
{
    AUTO_DB sqlite3 *db = NULL;
    struct stat st;
    if (lstat(target, &st) == 0)
        return ia_fail(err, IA_USAGE, "'%s' exists already", target);
    struct ia_frozen frozen;
    IA_TRY(ia_connection_open_reader(path, &db, &frozen, err));
    IA_TRY(ia_migrate_expect_current(db, path, err));
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    ia_guard_allow_vacuum(db);
    if (sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_bind_text(stmt, 1, target, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE) {
        enum ia_status status = ia_connection_fail(db, err, "cannot write '%s'", target);
        unlink(target); /* ours, half written: it did not exist before */
        return status;
    }
    enum ia_status status = ia_frozen_check(path, &frozen, err);
    if (status != IA_OK)
        unlink(target);
    return status;
}
