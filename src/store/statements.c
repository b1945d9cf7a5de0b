/* SPDX-License-Identifier: MIT */
/* The SQL of the writer. */
#include "store/statements.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "store/connection.h"

static const char put_extents[] = "INSERT OR FAIL INTO extent (map_id, start, length, state, file, offset)"
                                  " SELECT ?1, start, length, state, file, offset FROM extent_batch(?2)";

static const char put_masked[] = "INSERT OR FAIL INTO masked (image_id, start, length, state, file, offset)"
                                 " SELECT image_id, start, length, state, file, offset FROM extent_batch(?2)";

/* Rows of scans are written last: the newest is that of the scan before. */
static const char inherit_names[] = "INSERT OR IGNORE INTO former_name SELECT ?1, path, since_ns, until_ns"
                                    " FROM former_name WHERE image_id = ?2 UNION ALL"
                                    " SELECT ?1, n.path, m.path_since_ns, iif(m.path_since_ns IS NULL, NULL,"
                                    " (SELECT max(started_ns) FROM scan)) FROM file_name AS n"
                                    " LEFT JOIN image_memory AS m ON m.image_id = ?2 WHERE n.file_id = ?3";

static const char put_former_path[] = "INSERT INTO former_name SELECT ?1, ?2, ?3, max(started_ns) FROM scan WHERE true"
                                      " ON CONFLICT DO UPDATE SET since_ns = excluded.since_ns,"
                                      " until_ns = excluded.until_ns";

/* By all its names, as the latest scan found it. */
static const char keep_overlay[] = "INSERT OR IGNORE INTO former_overlay SELECT i.backing_id, n.path FROM image AS i"
                                   " JOIN file_name AS n USING (file_id)"
                                   " WHERE i.image_id = ? AND i.backing_id IS NOT NULL";

/* Of images that have such a name now. Few have one; the planner would begin with all names that there are. */
static const char load_overlay_names[] = "SELECT f.path, f.image_id FROM former_overlay AS f CROSS JOIN image AS i"
                                         " USING (image_id) CROSS JOIN file_name AS n ON n.path = f.path"
                                         " AND n.file_id = i.file_id";

static const char find_named[] = "SELECT file_id FROM file_name WHERE path = ?1 UNION SELECT i.file_id"
                                 " FROM former_name AS f JOIN image AS i USING (image_id) WHERE f.path = ?1"
                                 " UNION SELECT v.file_id FROM former_name AS f JOIN vanished AS v USING (image_id)"
                                 " WHERE f.path = ?1";

/* By the last component, after a slash. */
static const char find_namesakes[] = "WITH named (image_id) AS (SELECT image_id FROM former_name"
                                     " WHERE substr(path, -length(?1)) = ?1"
                                     " UNION SELECT image_id FROM vanished WHERE substr(path, -length(?1)) = ?1)"
                                     " SELECT file_id FROM image JOIN named USING (image_id)"
                                     " UNION SELECT file_id FROM vanished JOIN named USING (image_id)";

static const char load_hiding[] = "SELECT path, code, accepted_by IS NOT NULL FROM finding WHERE doubt IS NOT NULL"
                                  " AND last_scan = (SELECT max(scan_id) FROM scan) ORDER BY path";
static const char get_name[] = "SELECT file_id, kind = 'symlink', (SELECT finished_ns FROM scan ORDER BY scan_id DESC"
                               " LIMIT 1) FROM file_name WHERE path = ?";

static const char have_results[] =
    "SELECT EXISTS (SELECT 1 FROM chain) OR EXISTS (SELECT 1 FROM chain_place) OR EXISTS (SELECT 1 FROM chain_change)"
    " OR EXISTS (SELECT 1 FROM usage) OR EXISTS (SELECT 1 FROM reader_bytes) OR EXISTS (SELECT 1 FROM pair)"
    " OR EXISTS (SELECT 1 FROM masked)";

static const char *const texts[IA_STMT_COUNT] = {
    [IA_STMT_PUT_EXTENTS] = put_extents,
    [IA_STMT_PUT_MASKED] = put_masked,
    [IA_STMT_KEEP_OVERLAY] = keep_overlay,
    [IA_STMT_LOAD_OVERLAY_NAMES] = load_overlay_names,
    [IA_STMT_DROP_SPACE] = "DELETE FROM file_space WHERE image_id = ?",
    [IA_STMT_DROP_FILE] = "DELETE FROM file WHERE file_id = ?",
    [IA_STMT_DROP_IMAGE] = "DELETE FROM image WHERE image_id = ?",
    [IA_STMT_INHERIT_NAMES] = inherit_names,
    [IA_STMT_PUT_FORMER_PATH] = put_former_path,
    [IA_STMT_FIND_NAMED] = find_named,
    [IA_STMT_FIND_NAMESAKES] = find_namesakes,
    [IA_STMT_DROP_MAPPING] = "DELETE FROM mapping WHERE map_id = ?",
    [IA_STMT_DROP_EXTENTS] = "DELETE FROM extent WHERE map_id = ?",
    [IA_STMT_DROP_TREES] =
        "DELETE FROM tree WHERE root_id IN (SELECT image_id FROM image WHERE backing_id IS NOT NULL)",
    [IA_STMT_DROP_ACCEPTANCE] = "DELETE FROM acceptance WHERE number = ?",
    [IA_STMT_DROP_VANISHED] = "DELETE FROM vanished WHERE file_id = ?",
    [IA_STMT_TOUCH_IMAGE] = "INSERT OR IGNORE INTO temp.touched VALUES (?)",
    [IA_STMT_TOUCH_FILE] = "INSERT OR IGNORE INTO temp.touched SELECT image_id FROM image_file WHERE file_id = ?",
    [IA_STMT_CLEAR_CHAIN] = "DELETE FROM chain WHERE image_id = ?",
    [IA_STMT_CLEAR_CHAIN_PLACE] = "DELETE FROM chain_place WHERE image_id = ?",
    [IA_STMT_CLEAR_CHAIN_CHANGE] = "DELETE FROM chain_change WHERE image_id = ?",
    [IA_STMT_CLEAR_USAGE] = "DELETE FROM usage WHERE image_id = ?",
    [IA_STMT_CLEAR_READER_BYTES] = "DELETE FROM reader_bytes WHERE image_id = ?",
    [IA_STMT_CLEAR_PAIR] = "DELETE FROM pair WHERE image_id = ?",
    [IA_STMT_CLEAR_MASKED] = "DELETE FROM masked WHERE image_id = ?",
    [IA_STMT_CLEAR_CANDIDATES] = "DELETE FROM candidate",
    [IA_STMT_CLEAR_EVIDENCE] = "DELETE FROM evidence",
    [IA_STMT_CLEAR_DOUBTS] = "DELETE FROM doubt",
    [IA_STMT_CLEAR_HOLDERS] = "DELETE FROM holder",
    [IA_STMT_CLEAR_INVENTORIES] = "DELETE FROM inventory", /* with machines and claims */
    [IA_STMT_GET_USAGE] = "SELECT visible_present, masked_bytes FROM usage WHERE image_id = ?",
    [IA_STMT_GET_SETTING] = "SELECT value FROM setting WHERE key = ?",
    [IA_STMT_GET_NAME] = get_name,
    [IA_STMT_LOAD_LINKS] = "SELECT path, file_id FROM file_name WHERE kind = 'symlink' ORDER BY path",
    [IA_STMT_LOAD_HIDING] = load_hiding,
    [IA_STMT_HAVE_RESULTS] = have_results,
    [IA_STMT_HAVE_ABILITIES] = "SELECT (SELECT count(*) FROM image) = (SELECT count(*) FROM image_ability)",
};

void ia_statements_release(struct ia_statements *statements)
{
    for (int i = 0; i < IA_STMT_COUNT; i++)
        sqlite3_finalize(statements->prepared[i]);
    for (int i = 0; i < IA_ENTITY_COUNT; i++) {
        sqlite3_finalize(statements->inserts[i]);
        sqlite3_finalize(statements->puts[i]);
        sqlite3_finalize(statements->loads[i]);
    }
    *statements = (struct ia_statements){0};
}

static enum ia_status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct ia_error *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return ia_connection_fail(db, err, "statement '%.60s'", sql);
    return IA_OK;
}

enum ia_status ia_statements_get(struct ia_statements *statements, enum ia_statement number, sqlite3_stmt **out,
                                 struct ia_error *err)
{
    sqlite3_stmt **slot = &statements->prepared[number];
    enum ia_status status = *slot == NULL ? prepare(statements->db, texts[number], slot, err) : IA_OK;
    sqlite3_reset(*slot);
    *out = *slot;
    return status;
}

/* The statement that `make` makes for an entity. */
static enum ia_status get_made(struct ia_statements *statements, sqlite3_stmt **slot,
                               void make(const struct ia_entity *entity, struct ia_buf *out),
                               enum ia_entity_number number, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sql = {0};
    if (*slot != NULL) {
        sqlite3_reset(*slot);
        return IA_OK;
    }
    make(&ia_entities[number], &sql);
    return sql.failed ? ia_no_memory(err) : prepare(statements->db, sql.data, slot, err);
}

/* Steps a statement whose parameters were bound with `code`, and leaves it reset. */
static enum ia_status run(struct ia_statements *statements, sqlite3_stmt *stmt, int code, struct ia_error *err)
{
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    enum ia_status status =
        code == SQLITE_DONE ? IA_OK : ia_connection_fail(statements->db, err, "cannot write the store");
    sqlite3_reset(stmt);
    return status;
}

enum ia_status ia_statements_run(struct ia_statements *statements, enum ia_statement number, int64_t parameter,
                                 struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, number, &stmt, err));
    int code = sqlite3_bind_parameter_count(stmt) > 0 ? sqlite3_bind_int64(stmt, 1, parameter) : SQLITE_OK;
    return run(statements, stmt, code, err);
}

enum ia_status ia_statements_insert(struct ia_statements *statements, enum ia_entity_number number, const void *row,
                                    struct ia_error *err)
{
    sqlite3_stmt **slot = &statements->inserts[number];
    IA_TRY(get_made(statements, slot, ia_entity_insert_sql, number, err));
    return run(statements, *slot, ia_entity_bind(&ia_entities[number], *slot, row), err);
}

enum ia_status ia_statements_put(struct ia_statements *statements, enum ia_entity_number number, const void *row,
                                 struct ia_error *err)
{
    sqlite3_stmt **slot = &statements->puts[number];
    IA_TRY(get_made(statements, slot, ia_entity_put_sql, number, err));
    return run(statements, *slot, ia_entity_bind(&ia_entities[number], *slot, row), err);
}

enum ia_status ia_statements_load(struct ia_statements *statements, enum ia_entity_number number, sqlite3_stmt **out,
                                  struct ia_error *err)
{
    enum ia_status status = get_made(statements, &statements->loads[number], ia_entity_load_sql, number, err);
    *out = statements->loads[number];
    return status;
}
