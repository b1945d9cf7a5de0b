/* SPDX-License-Identifier: MIT */
/* Beginning and ending spans. */
#include "store/history.h"

#include <stdio.h>

#include "store/connection.h"

enum ia_status ia_history_prepare(sqlite3 *db, struct ia_error *err)
{
    return ia_connection_exec(
        db,
        "PRAGMA temp_store = MEMORY;"
        "CREATE TEMP TABLE touched (image_id INTEGER PRIMARY KEY);"
        "CREATE TEMP TABLE now (path TEXT PRIMARY KEY, image_id, virtual_size, file_size, disk_size,"
        " data_bytes, chain_depth, dependents, backing_path, state) WITHOUT ROWID",
        err);
}

static enum ia_status look(sqlite3 *db, struct ia_error *err)
{
    return ia_connection_exec(
        db,
        "INSERT OR REPLACE INTO temp.now"
        " SELECT v.path, v.image_id, v.virtual_size, v.file_size, coalesce(v.disk_size, 0),"
        " a.data_bytes + a.compressed_bytes + a.encrypted_bytes + a.sparse_bytes, coalesce(v.chain_depth, 0),"
        " v.dependents, v.backing_path, v.state"
        " FROM temp.touched AS t JOIN v_image AS v ON v.image_id = t.image_id"
        " JOIN image_account AS a ON a.image_id = t.image_id",
        err);
}

/* The scan before saw them so for the last time. */
static enum ia_status end_changed(sqlite3 *db, int64_t scan_id, struct ia_error *err)
{
    char sql[1024];
    snprintf(sql, sizeof(sql),
             "UPDATE history_span AS h SET last_scan = (SELECT max(scan_id) FROM scan WHERE scan_id < %jd)"
             " FROM temp.now AS n WHERE h.path = n.path AND h.last_scan IS NULL"
             " AND (h.image_id, h.file_size, h.disk_size, h.data_bytes, h.chain_depth, h.dependents, h.state)"
             " = (n.image_id, n.file_size, n.disk_size, n.data_bytes, n.chain_depth, n.dependents, n.state) IS NOT 1"
             " OR h.path = n.path AND h.last_scan IS NULL"
             " AND (h.virtual_size IS NOT n.virtual_size OR h.backing_path IS NOT n.backing_path)",
             (intmax_t)scan_id);
    return ia_connection_exec(db, sql, err);
}

static enum ia_status begin_new(sqlite3 *db, int64_t scan_id, struct ia_error *err)
{
    char sql[512];
    snprintf(
        sql, sizeof(sql),
        "INSERT INTO history_span"
        " SELECT path, %jd, NULL, image_id, virtual_size, file_size, disk_size, data_bytes, chain_depth, dependents,"
        " backing_path, state FROM temp.now AS n"
        " WHERE NOT EXISTS (SELECT 1 FROM history_span AS h WHERE h.path = n.path AND h.last_scan IS NULL)",
        (intmax_t)scan_id);
    return ia_connection_exec(db, sql, err);
}

static enum ia_status end_vanished(sqlite3 *db, int64_t scan_id, struct ia_error *err)
{
    char sql[512];
    int64_t surplus = 0;
    IA_TRY(ia_connection_int(
        db, "SELECT (SELECT count(*) FROM history_span WHERE last_scan IS NULL) - (SELECT count(*) FROM image)",
        &surplus, err));
    if (surplus == 0)
        return IA_OK;
    snprintf(sql, sizeof(sql),
             "UPDATE history_span SET last_scan = (SELECT max(scan_id) FROM scan WHERE scan_id < %jd)"
             " WHERE last_scan IS NULL AND path NOT IN (SELECT path FROM image)",
             (intmax_t)scan_id);
    return ia_connection_exec(db, sql, err);
}

enum ia_status ia_history_write(sqlite3 *db, int64_t scan_id, bool any_gone, struct ia_error *err)
{
    int64_t any_touched = 0;
    IA_TRY(ia_connection_int(db, "SELECT EXISTS (SELECT 1 FROM temp.touched)", &any_touched, err));
    if (!any_touched && !any_gone)
        return IA_OK;
    IA_TRY(look(db, err));
    IA_TRY(end_changed(db, scan_id, err));
    IA_TRY(begin_new(db, scan_id, err));
    return end_vanished(db, scan_id, err);
}

enum ia_status ia_history_prune(sqlite3 *db, int64_t keep, struct ia_error *err)
{
    char sql[1024];
    snprintf(sql, sizeof(sql),
             "DELETE FROM scan WHERE scan_id NOT IN (SELECT scan_id FROM scan ORDER BY scan_id DESC LIMIT %jd);"
             "DELETE FROM finding WHERE last_scan < (SELECT min(scan_id) FROM scan);"
             "DELETE FROM history_span WHERE last_scan < (SELECT min(scan_id) FROM scan);"
             /* What an image was made on counts as long as that names it, and so does what that was made on. */
             "DELETE FROM vanished WHERE gone_scan < (SELECT min(scan_id) FROM scan) AND file_id NOT IN"
             " (WITH RECURSIVE meant (file_id) AS (SELECT base_id FROM image_memory WHERE base_id IS NOT NULL"
             " UNION SELECT v.base_id FROM meant JOIN vanished AS v USING (file_id) WHERE v.base_id IS NOT NULL)"
             " SELECT file_id FROM meant)",
             (intmax_t)keep);
    return ia_connection_exec(db, sql, err);
}

enum ia_status ia_history_forget_oldest(sqlite3 *db, struct ia_error *err)
{
    return ia_connection_exec(db,
                              "DELETE FROM vanished WHERE file_id IN (SELECT file_id FROM vanished"
                              " ORDER BY gone_scan DESC, file_id DESC"
                              " LIMIT -1 OFFSET max(10000, (SELECT count(*) FROM file)))",
                              err);
}
