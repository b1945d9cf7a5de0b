/* SPDX-License-Identifier: MIT */
/* The SQL of the writer. */
#include "store/statements.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "store/connection.h"

static const char *const texts[IA_STMT_COUNT] = {
    [IA_STMT_LOAD_FILES] =
        "SELECT f.file_id, f.path, f.dev, f.inode, f.size, f.disk_size, f.mtime_ns, f.ctime_ns, f.checked_ns,"
        " f.verdict, f.reason, f.links, f.links_met FROM file AS f ORDER BY f.file_id",
    [IA_STMT_LOAD_IMAGES] =
        "SELECT image_id, file_id, format, format_basis, variant, state, virtual_size, cluster_size,"
        " encrypted, dirty, corrupt, truncated, backing_name, backing_format, map_id,"
        " data_bytes, compressed_bytes, encrypted_bytes, zero_bytes, zero_allocated_bytes, sparse_bytes,"
        " reserved_bytes, compressed_host, metadata_bytes, first_scan, referenced_scan, referenced_by,"
        " referenced_mtime_ns, problem, identity, identity_stamp, parent_identity, parent_stamp,"
        " backing_by_identity, fingerprint, overlapping FROM image ORDER BY image_id",
    [IA_STMT_LOAD_MAPPINGS] = "SELECT map_id, image_id, snapshot, size, extents, failed FROM mapping ORDER BY map_id",
    [IA_STMT_LOAD_TEMPLATES] = "SELECT glob FROM template ORDER BY glob",
    [IA_STMT_LOAD_NAMES] = "SELECT image_id, kind, role, place, name FROM image_name ORDER BY image_id, kind, number",
    [IA_STMT_DROP_NAMES] = "DELETE FROM image_name WHERE image_id = ?",
    [IA_STMT_PUT_IMAGE_NAME] =
        "INSERT INTO image_name (image_id, kind, number, role, place, name) VALUES (?, ?, ?, ?, ?, ?)",
    [IA_STMT_DROP_SPACE] = "DELETE FROM space WHERE image_id = ?",
    [IA_STMT_PUT_SPACE] =
        "INSERT INTO space (image_id, file, use, bytes, disk_bytes, unwritten_bytes) VALUES (?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_FILE] =
        "INSERT INTO file (file_id, path, dev, inode, size, disk_size, mtime_ns, ctime_ns, checked_ns, verdict, reason,"
        " links, links_met) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (file_id) DO UPDATE SET path = excluded.path, dev = excluded.dev, inode = excluded.inode,"
        " size = excluded.size, disk_size = excluded.disk_size, mtime_ns = excluded.mtime_ns,"
        " ctime_ns = excluded.ctime_ns, checked_ns = excluded.checked_ns, verdict = excluded.verdict,"
        " reason = excluded.reason, links = excluded.links, links_met = excluded.links_met",
    [IA_STMT_PUT_IMAGE] =
        "INSERT INTO image (image_id, "
        "file_id, path, format, format_basis, variant, state, virtual_size, cluster_size, encrypted, "
        "dirty, corrupt, truncated, chain_ok, backing_name, backing_format, backing_path, "
        "backing_id, map_id, data_bytes, compressed_bytes, encrypted_bytes, zero_bytes, "
        "zero_allocated_bytes, sparse_bytes, reserved_bytes, compressed_host, metadata_bytes, "
        "lock_state, is_base_by, first_scan, referenced_scan, referenced_by, referenced_mtime_ns, problem, "
        "identity, identity_stamp, parent_identity, parent_stamp, backing_by_identity, "
        "is_template, fingerprint, overlapping)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (image_id) DO UPDATE SET"
        " file_id = excluded.file_id, path = excluded.path, format = excluded.format,"
        " format_basis = excluded.format_basis, variant = excluded.variant, state = excluded.state,"
        " virtual_size = excluded.virtual_size, cluster_size = excluded.cluster_size,"
        " encrypted = excluded.encrypted, dirty = excluded.dirty, corrupt = excluded.corrupt,"
        " truncated = excluded.truncated, chain_ok = excluded.chain_ok,"
        " backing_name = excluded.backing_name, backing_format = excluded.backing_format,"
        " backing_path = excluded.backing_path, backing_id = excluded.backing_id,"
        " map_id = excluded.map_id, data_bytes = excluded.data_bytes,"
        " compressed_bytes = excluded.compressed_bytes, encrypted_bytes = excluded.encrypted_bytes,"
        " zero_bytes = excluded.zero_bytes, zero_allocated_bytes = excluded.zero_allocated_bytes,"
        " sparse_bytes = excluded.sparse_bytes, reserved_bytes = excluded.reserved_bytes,"
        " compressed_host = excluded.compressed_host, metadata_bytes = excluded.metadata_bytes,"
        " lock_state = excluded.lock_state, is_base_by = excluded.is_base_by,"
        " first_scan = excluded.first_scan, referenced_scan = excluded.referenced_scan,"
        " referenced_by = excluded.referenced_by, referenced_mtime_ns = excluded.referenced_mtime_ns,"
        " problem = excluded.problem, identity = excluded.identity, identity_stamp = excluded.identity_stamp,"
        " parent_identity = excluded.parent_identity, parent_stamp = excluded.parent_stamp,"
        " backing_by_identity = excluded.backing_by_identity, is_template = excluded.is_template,"
        " fingerprint = excluded.fingerprint, overlapping = excluded.overlapping",
    [IA_STMT_PUT_IMAGE_FILE] =
        "INSERT OR REPLACE INTO image_file (image_id, number, role, path, file_id) VALUES (?, ?, ?, ?, ?)",
    [IA_STMT_PUT_MAPPING] =
        "INSERT OR REPLACE INTO mapping (map_id, image_id, snapshot, id, name, size, vm_state, date_ns, extents,"
        " failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_EXTENTS] = "INSERT OR FAIL INTO extent (map_id, start, length, state, file, offset)"
                            " SELECT ?1, start, length, state, file, offset FROM extent_batch(?2)",
    [IA_STMT_PUT_NAME] = "INSERT OR REPLACE INTO name (path, file_id, kind) VALUES (?, ?, ?)",
    [IA_STMT_PUT_REFERENCE] = "INSERT OR REPLACE INTO reference (image_id, kind, name, path, state, target_id)"
                              " VALUES (?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_FINDING] =
        "INSERT INTO finding (code, severity, path, detail, hides, first_scan, last_scan)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)"
        " ON CONFLICT (path, code, detail) DO UPDATE SET severity = excluded.severity, hides = excluded.hides,"
        " last_scan = excluded.last_scan",
    [IA_STMT_PUT_CHAIN] = "INSERT INTO chain (image_id, depth, layer_id, map_id, reach, visible_bytes, data_bytes)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_USAGE] = "INSERT INTO usage (image_id, visible_bytes, visible_present, masked_bytes, exclusive_bytes,"
                          " shared_bytes, dependents, descendants, heads) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_SEEN] = "INSERT INTO seen (image_id, readers, bytes) VALUES (?, ?, ?)",
    [IA_STMT_PUT_PAIR] = "INSERT INTO pair (image_id, other_id, bytes, others) VALUES (?, ?, ?, ?)",
    [IA_STMT_PUT_MASKED] = "INSERT OR FAIL INTO masked (image_id, start, length, state, file, offset)"
                           " SELECT image_id, start, length, state, file, offset FROM extent_batch(?2)",
    [IA_STMT_PUT_SCAN] =
        "INSERT INTO scan (scan_id, started_ns, finished_ns, complete, walked, passed_over, images, parsed, unchanged,"
        " added, changed, renamed, vanished, extents, table_bytes, errors)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_OPTION] = "INSERT OR IGNORE INTO scan_option (scan_id, kind, value) VALUES (?, ?, ?)",
    [IA_STMT_PUT_PASSED] = "INSERT INTO scan_passed (scan_id, reason, files) VALUES (?, ?, ?)",
    [IA_STMT_PUT_SHARING] = "INSERT INTO sharing (file_id, shared_bytes, encoded_bytes, unmatched_bytes, saved_bytes,"
                            " group_id) VALUES (?, ?, ?, ?, ?, ?)",
    [IA_STMT_PUT_SHARED_RUN] = "INSERT INTO shared_run (file_id, start, length, volume, physical, encoded)"
                               " VALUES (?, ?, ?, ?, ?, ?)",
    [IA_STMT_DROP_FILE] = "DELETE FROM file WHERE file_id = ?",
    [IA_STMT_DROP_IMAGE] = "DELETE FROM image WHERE image_id = ?",
    [IA_STMT_DROP_MAPPING] = "DELETE FROM mapping WHERE map_id = ?",
    [IA_STMT_DROP_EXTENTS] = "DELETE FROM extent WHERE map_id = ?",
    [IA_STMT_TOUCH_IMAGE] = "INSERT OR IGNORE INTO temp.touched VALUES (?)",
    [IA_STMT_TOUCH_FILE] = "INSERT OR IGNORE INTO temp.touched SELECT image_id FROM image_file WHERE file_id = ?",
    [IA_STMT_LOAD_MOUNTS] = "SELECT path, dev FROM absent_mount ORDER BY path",
    [IA_STMT_PUT_MOUNT] = "INSERT OR REPLACE INTO absent_mount (path, dev) VALUES (?, ?)",
    [IA_STMT_GET_SETTING] = "SELECT value FROM setting WHERE key = ?",
    [IA_STMT_PUT_SETTING] = "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)",
    [IA_STMT_LOAD_TREES] = "SELECT root_id, fingerprint FROM tree ORDER BY root_id",
    [IA_STMT_PUT_TREE] = "INSERT OR REPLACE INTO tree (root_id, fingerprint) VALUES (?, ?)",
    [IA_STMT_DROP_TREES] =
        "DELETE FROM tree WHERE root_id IN (SELECT image_id FROM image WHERE backing_id IS NOT NULL)",
    [IA_STMT_CLEAR_CHAIN] = "DELETE FROM chain WHERE image_id = ?",
    [IA_STMT_CLEAR_USAGE] = "DELETE FROM usage WHERE image_id = ?",
    [IA_STMT_CLEAR_SEEN] = "DELETE FROM seen WHERE image_id = ?",
    [IA_STMT_CLEAR_PAIR] = "DELETE FROM pair WHERE image_id = ?",
    [IA_STMT_CLEAR_MASKED] = "DELETE FROM masked WHERE image_id = ?",
};

void ia_statements_release(struct ia_statements *statements)
{
    for (int i = 0; i < IA_STMT_COUNT; i++)
        sqlite3_finalize(statements->prepared[i]);
    *statements = (struct ia_statements){0};
}

enum ia_status ia_statements_get(struct ia_statements *statements, enum ia_statement number, sqlite3_stmt **out,
                                 struct ia_error *err)
{
    sqlite3_stmt **slot = &statements->prepared[number];
    if (*slot == NULL &&
        sqlite3_prepare_v3(statements->db, texts[number], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
        return ia_connection_fail(statements->db, err, "statement %d", (int)number);
    sqlite3_reset(*slot);
    *out = *slot;
    return IA_OK;
}

static int bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
    return text == NULL ? sqlite3_bind_null(stmt, index) : sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);
}

static int bind_one(sqlite3_stmt *stmt, int index, char type, va_list *args)
{
    if (type == 't')
        return bind_text(stmt, index, va_arg(*args, const char *));
    int64_t value = va_arg(*args, int64_t);
    if ((type == 'p' && value < 0) || (type == 'z' && value == 0))
        return sqlite3_bind_null(stmt, index);
    return sqlite3_bind_int64(stmt, index, value);
}

enum ia_status ia_statements_run(struct ia_statements *statements, enum ia_statement number, struct ia_error *err,
                                 const char *types, ...)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_statements_get(statements, number, &stmt, err);
    if (status != IA_OK)
        return status;
    int code = SQLITE_OK;
    va_list args;
    va_start(args, types);
    for (int i = 0; types[i] != '\0' && code == SQLITE_OK; i++)
        code = bind_one(stmt, i + 1, types[i], &args);
    va_end(args);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code != SQLITE_DONE)
        status = ia_connection_fail(statements->db, err, "cannot write the store");
    sqlite3_reset(stmt);
    return status;
}
