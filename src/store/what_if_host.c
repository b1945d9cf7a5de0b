/* SPDX-License-Identifier: MIT */
/* Reading shared runs for a what-if, and sweeping over those of the files that go and of all that share with them. */
#include "store/what_if_host.h"

#include <stdlib.h>

#include "analysis/host_sharing.h"
#include "base/vec.h"
#include "store/connection.h"
#include "store/reader_internal.h"

static const char reading[] = "cannot read what files share";

/* Gives a row where bytes of an image's files may be shared and no run has their place. */
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

static void sharers_release(struct sharers *sharers)
{
    free(sharers->accounts);
    ia_vec_release(&sharers->files);
    ia_vec_release(&sharers->runs);
}
#define AUTO_SHARERS __attribute__((cleanup(sharers_release)))

static enum ia_status is_known(sqlite3 *db, int64_t image, bool *known, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare_for(db, unknown_sql, image, reading, &stmt, err));
    int code = sqlite3_step(stmt);
    *known = code == SQLITE_DONE;
    return ia_connection_check(db, code, reading, err);
}

enum ia_status ia_what_if_shared_ranges(struct ia_reader *reader, int64_t image, struct ia_host_ranges *out,
                                        bool *known, struct ia_error *err)
{
    sqlite3 *db = ia_reader_connection(reader);
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(is_known(db, image, known, err));
    IA_TRY(ia_connection_prepare_for(db, ranges_sql, image, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        if (!ia_host_ranges_add(out, (uint32_t)sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                                sqlite3_column_int64(stmt, 2)))
            return ia_no_memory(err);
    ia_host_ranges_seal(out);
    return ia_connection_check(db, code, reading, err);
}

static enum ia_status list_files(struct sharers *sharers, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(sharers->db, files_sql, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!ia_vec_push(&sharers->files, sqlite3_column_int64(stmt, 0)))
            return ia_no_memory(err);
        sharers->staying += sqlite3_column_int(stmt, 1) == 0;
    }
    return ia_connection_check(sharers->db, code, reading, err);
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
    return ia_connection_check(sharers->db, code, reading, err);
}

static enum ia_status list_runs(struct sharers *sharers, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(sharers->db, runs_sql, reading, &stmt, err));
    for (size_t file = 0; file < sharers->files.len; file++)
        IA_TRY(add_runs(sharers, stmt, file, err));
    return IA_OK;
}

static enum ia_status settle(const struct sharers *sharers, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(sharers->db, settle_sql, reading, &stmt, err));
    for (size_t file = sharers->staying; file < sharers->files.len; file++) {
        const struct ia_host_account *account = &sharers->accounts[file];
        sqlite3_reset(stmt);
        if (sqlite3_bind_int64(stmt, 1, sharers->files.items[file]) != SQLITE_OK ||
            sqlite3_bind_int64(stmt, 2, account->bytes - account->counted) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_DONE)
            return ia_connection_fail(sharers->db, err, "%s", reading);
    }
    return IA_OK;
}

enum ia_status ia_what_if_share_files(struct ia_reader *reader, struct ia_error *err)
{
    AUTO_SHARERS struct sharers sharers = {.db = ia_reader_connection(reader)};
    IA_TRY(list_files(&sharers, err));
    IA_TRY(list_runs(&sharers, err));
    sharers.accounts = calloc(sharers.files.len + 1, sizeof(*sharers.accounts));
    if (sharers.accounts == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_host_sharing(sharers.runs.items, sharers.runs.len, sharers.accounts, sharers.files.len, err));
    return settle(&sharers, err);
}
