/* SPDX-License-Identifier: MIT */
/* Reading shared runs for a what-if, and sweeping over those of the files that go and of all that share with them. */
#include "store/what_if_host.h"

#include <stdlib.h>

#include "analysis/host_sharing.h"
#include "base/vec.h"
#include "store/connection.h"

static const char reading[] = "cannot read what files share";

/* What of an image's files may be shared although no run says where. */
static const char unknown_sql[] =
    "SELECT 1 FROM image_file AS x LEFT JOIN v_file_blocks AS h ON h.file_id = x.file_id WHERE x.image_id = ?"
    " AND (h.shared_bytes IS NULL OR (h.shared_bytes > 0 AND h.unmatched_bytes IS NULL)) LIMIT 1";

static const char ranges_sql[] = "SELECT x.number, r.start, r.length FROM image_file AS x"
                                 " JOIN shared_run AS r ON r.file_id = x.file_id WHERE x.image_id = ?";

/* A block counts with the first file: those that stay come first, then those that go, the last ones before the others.
 */
static const char files_sql[] =
    "SELECT s.file_id, w.file_id IS NOT NULL AS goes FROM file_sharing AS s"
    " LEFT JOIN what_if_file AS w ON w.file_id = s.file_id AND w.goes"
    " WHERE w.file_id IS NOT NULL OR s.group_id IN (SELECT t.group_id FROM file_sharing AS t"
    " JOIN what_if_file AS v ON v.file_id = t.file_id WHERE t.group_id IS NOT NULL)"
    " ORDER BY goes, w.step DESC, s.file_id";

static const char runs_sql[] = "SELECT volume, physical, length, encoded FROM shared_run WHERE file_id = ?";

static const char settle_sql[] =
    "UPDATE what_if_file SET most_bytes = max(coalesce(freed_bytes, 0), most_bytes - ?2) WHERE file_id = ?1";

struct sharers {
    sqlite3 *db;
    IA_VEC(int64_t) files; /* as files_sql */
    size_t staying;        /* of these, the first ones */
    IA_VEC(struct ia_shared_run) runs;
    struct ia_host_account *accounts; /* as files */
};

static enum ia_status is_known(sqlite3 *db, int64_t image, bool *known, struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_connection_prepare(db, unknown_sql, reading, &stmt, err);
    int code = SQLITE_DONE;
    if (status == IA_OK && (code = sqlite3_bind_int64(stmt, 1, image)) == SQLITE_OK)
        code = sqlite3_step(stmt);
    *known = code == SQLITE_DONE;
    return ia_connection_finish(db, stmt, status, code, reading, err);
}

enum ia_status ia_what_if_shared_ranges(sqlite3 *db, int64_t image, struct ia_host_ranges *out, bool *known,
                                        struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = is_known(db, image, known, err);
    if (status == IA_OK)
        status = ia_connection_prepare(db, ranges_sql, reading, &stmt, err);
    int code = status == IA_OK ? sqlite3_bind_int64(stmt, 1, image) : SQLITE_DONE;
    while (status == IA_OK && (code == SQLITE_OK || code == SQLITE_ROW)) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW && !ia_host_ranges_add(out, (uint32_t)sqlite3_column_int64(stmt, 0),
                                                      sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)))
            status = ia_no_memory(err);
    }
    ia_host_ranges_seal(out);
    return ia_connection_finish(db, stmt, status, code, reading, err);
}

static enum ia_status list_files(struct sharers *sharers, struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_connection_prepare(sharers->db, files_sql, reading, &stmt, err);
    int code = SQLITE_DONE;
    while (status == IA_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!ia_vec_push(&sharers->files, sqlite3_column_int64(stmt, 0)))
            status = ia_no_memory(err);
        sharers->staying += sqlite3_column_int(stmt, 1) == 0;
    }
    return ia_connection_finish(sharers->db, stmt, status, code, reading, err);
}

static enum ia_status add_runs(struct sharers *sharers, sqlite3_stmt *stmt, size_t file, struct ia_error *err)
{
    int code;
    sqlite3_reset(stmt);
    if (sqlite3_bind_int64(stmt, 1, sharers->files.items[file]) != SQLITE_OK)
        return ia_connection_fail(sharers->db, err, "%s", reading);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ia_shared_run run = {.volume = (uint64_t)sqlite3_column_int64(stmt, 0),
                                    .physical = sqlite3_column_int64(stmt, 1),
                                    .length = sqlite3_column_int64(stmt, 2),
                                    .file = (uint32_t)file};
        bool is_encoded = sqlite3_column_int(stmt, 3) != 0;
        if ((!is_encoded || ia_shared_run_stretch(&run)) && !ia_vec_push(&sharers->runs, run))
            return ia_no_memory(err);
    }
    return code == SQLITE_DONE ? IA_OK : ia_connection_fail(sharers->db, err, "%s", reading);
}

static enum ia_status list_runs(struct sharers *sharers, struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_connection_prepare(sharers->db, runs_sql, reading, &stmt, err);
    for (size_t file = 0; file < sharers->files.len && status == IA_OK; file++)
        status = add_runs(sharers, stmt, file, err);
    sqlite3_finalize(stmt);
    return status;
}

static enum ia_status settle(const struct sharers *sharers, struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_connection_prepare(sharers->db, settle_sql, reading, &stmt, err);
    for (size_t file = sharers->staying; file < sharers->files.len && status == IA_OK; file++) {
        const struct ia_host_account *account = &sharers->accounts[file];
        sqlite3_reset(stmt);
        if (sqlite3_bind_int64(stmt, 1, sharers->files.items[file]) != SQLITE_OK ||
            sqlite3_bind_int64(stmt, 2, account->bytes - account->counted) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_DONE)
            status = ia_connection_fail(sharers->db, err, "%s", reading);
    }
    sqlite3_finalize(stmt);
    return status;
}

enum ia_status ia_what_if_share_files(sqlite3 *db, struct ia_error *err)
{
    struct sharers sharers = {.db = db};
    enum ia_status status = list_files(&sharers, err);
    if (status == IA_OK)
        status = list_runs(&sharers, err);
    if (status == IA_OK) {
        sharers.accounts = calloc(sharers.files.len + 1, sizeof(*sharers.accounts));
        status = sharers.accounts != NULL
                     ? ia_host_sharing(sharers.runs.items, sharers.runs.len, sharers.accounts, sharers.files.len, err)
                     : ia_no_memory(err);
    }
    if (status == IA_OK)
        status = settle(&sharers, err);
    free(sharers.accounts);
    ia_vec_release(&sharers.files);
    ia_vec_release(&sharers.runs);
    return status;
}
