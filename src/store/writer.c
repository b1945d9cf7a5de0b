/* SPDX-License-Identifier: MIT */
/* The writing connection. */
#include "store/writer.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "store/connection.h"
#include "store/extent_batch.h"
#include "store/extents.h"
#include "store/history.h"
#include "store/migrate.h"
#include "store/statements.h"
#include "store/writer_internal.h"

/* The settings that keep numbers of images and files from being used again. */
#define LAST_IMAGE "last-image"
#define LAST_FILE "last-file"

static enum ia_status read_counters(struct ia_writer *writer, struct ia_error *err)
{
    IA_TRY(ia_connection_int(writer->db, "SELECT 1 + coalesce(max(scan_id), 0) FROM scan", &writer->scan_id, err));
    IA_TRY(ia_connection_int(writer->db, "SELECT coalesce(max(finished_ns), 0) FROM scan", &writer->last_scan_ns, err));
    IA_TRY(ia_connection_int(writer->db,
                             "SELECT 1 + max(coalesce((SELECT max(image_id) FROM image), 0),"
                             " coalesce((SELECT value FROM setting WHERE key = '" LAST_IMAGE "'), 0))",
                             &writer->next_image_id, err));
    IA_TRY(ia_connection_int(writer->db,
                             "SELECT 1 + max(coalesce((SELECT max(file_id) FROM file), 0),"
                             " coalesce((SELECT value FROM setting WHERE key = '" LAST_FILE "'), 0))",
                             &writer->next_file_id, err));
    IA_TRY(ia_connection_int(writer->db,
                             "SELECT 1 + max(coalesce((SELECT max(map_id) FROM mapping), 0),"
                             " coalesce((SELECT max(map_id) FROM extent), 0))",
                             &writer->next_map_id, err));
    writer->first_image_id = writer->next_image_id;
    return IA_OK;
}

/* Foreign keys are set outside the transaction, the journal mode only on a database that is known to be ours. The size
 * of pages is that of a new one: extents are stored a tenth faster than with sqlite's 4096, and small tables no slower,
 * which they are with more. */
static enum ia_status take_lock(struct ia_writer *writer, const char *path, struct ia_error *err)
{
    int64_t version = 0;
    IA_TRY(ia_connection_identify(writer->db, path, &version, err));
    IA_TRY(ia_connection_exec(writer->db,
                              "PRAGMA foreign_keys = ON; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA journal_size_limit = 0;"
                              "PRAGMA cache_size = -32768; PRAGMA cache_spill = ON",
                              err));
    IA_TRY(ia_history_prepare(writer->db, err));
    IA_TRY(ia_extent_batch_register(writer->db, err));
    return ia_connection_exec(writer->db, "BEGIN IMMEDIATE", err);
}

static enum ia_status begin(struct ia_writer *writer, const char *path, struct ia_error *err)
{
    enum ia_status status = take_lock(writer, path, err);
    if (status == IA_BUSY)
        return ia_fail(err, IA_BUSY, "another scan is writing to '%s'", path);
    /* The log and its index stay, empty, when the last writer closes: a user who may read but not write the store's
     * directory needs them to be there. */
    int persist = 1;
    sqlite3_file_control(writer->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    IA_TRY(status);
    int64_t version = 0;
    struct ia_schema schema = ia_schema_current();
    IA_TRY(ia_connection_identify(writer->db, path, &version, err)); /* again, now that no one else can change it */
    IA_TRY(ia_migrate(writer->db, &schema, version, err));
    return read_counters(writer, err);
}

enum ia_status ia_writer_begin(const char *path, struct ia_writer **out, struct ia_error *err)
{
    IA_AUTO_WRITER struct ia_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_connection_open(path, IA_CONNECTION_CREATE, &writer->db, err));
    writer->statements.db = writer->db;
    IA_TRY(begin(writer, path, err));
    *out = ia_steal_ptr(writer);
    return IA_OK;
}

enum ia_status ia_writer_commit(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "COMMIT", err);
}

void ia_writer_close(struct ia_writer *writer)
{
    if (writer == NULL)
        return;
    ia_statements_release(&writer->statements);
    sqlite3_finalize(writer->extents);
    /* What was written of an abandoned transaction must not go on filling the disk. */
    if (writer->db != NULL && !sqlite3_get_autocommit(writer->db))
        sqlite3_exec(writer->db, "ROLLBACK; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(writer->db);
    free(writer);
}

struct ia_statements *ia_writer_statements(struct ia_writer *writer)
{
    return &writer->statements;
}

int64_t ia_writer_last_scan_ns(const struct ia_writer *writer)
{
    return writer->last_scan_ns;
}

int64_t ia_writer_scan_id(const struct ia_writer *writer)
{
    return writer->scan_id;
}

int64_t ia_writer_new_image_id(struct ia_writer *writer)
{
    return writer->next_image_id++;
}

int64_t ia_writer_new_map_id(struct ia_writer *writer)
{
    return writer->next_map_id++;
}

enum ia_status ia_writer_put_volume(struct ia_writer *writer, struct ia_volume_row *row, struct ia_error *err)
{
    if (row->volume_id != 0)
        return ia_statements_put(&writer->statements, IA_ENTITY_VOLUME, row, err);
    IA_TRY(ia_statements_insert(&writer->statements, IA_ENTITY_VOLUME, row, err));
    row->volume_id = sqlite3_last_insert_rowid(writer->db);
    return IA_OK;
}

enum ia_status ia_writer_put_file(struct ia_writer *writer, struct ia_file_row *row, struct ia_error *err)
{
    if (row->file_id != 0)
        return ia_statements_put(&writer->statements, IA_ENTITY_FILE, row, err);
    row->file_id = writer->next_file_id++;
    return ia_statements_insert(&writer->statements, IA_ENTITY_FILE, row, err);
}

/* Of an image that this scan numbered, there is no row yet. */
static enum ia_status put_part(struct ia_writer *writer, enum ia_entity_number number, const struct ia_image_row *row,
                               struct ia_error *err)
{
    return row->image_id >= writer->first_image_id ? ia_statements_insert(&writer->statements, number, row, err)
                                                   : ia_statements_put(&writer->statements, number, row, err);
}

enum ia_status ia_writer_put_image(struct ia_writer *writer, const struct ia_image_row *row, struct ia_error *err)
{
    IA_TRY(put_part(writer, IA_ENTITY_IMAGE, row, err));
    IA_TRY(put_part(writer, IA_ENTITY_IMAGE_HEADER, row, err));
    IA_TRY(put_part(writer, IA_ENTITY_IMAGE_ABILITY, row, err));
    IA_TRY(put_part(writer, IA_ENTITY_IMAGE_ACCOUNT, row, err));
    return put_part(writer, IA_ENTITY_IMAGE_MEMORY, row, err);
}

enum ia_status ia_writer_put_known_image(struct ia_writer *writer, const struct ia_image_row *row, struct ia_error *err)
{
    IA_TRY(ia_statements_put(&writer->statements, IA_ENTITY_IMAGE, row, err));
    return ia_statements_put(&writer->statements, IA_ENTITY_IMAGE_MEMORY, row, err);
}

enum ia_status ia_writer_put_vanished(struct ia_writer *writer, const struct ia_vanished_row *row, struct ia_error *err)
{
    writer->any_vanished = true;
    return ia_statements_put(&writer->statements, IA_ENTITY_VANISHED, row, err);
}

enum ia_status ia_writer_touch_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_TOUCH_IMAGE, image_id, err);
}

enum ia_status ia_writer_touch_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_TOUCH_FILE, file_id, err);
}

enum ia_status ia_writer_put_setting(struct ia_writer *writer, const char *key, int64_t value, struct ia_error *err)
{
    const struct ia_setting_row row = {key, value};
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_SETTING, &row, err);
}

enum ia_status ia_writer_keep_history(struct ia_writer *writer, int64_t keep, struct ia_error *err)
{
    IA_TRY(ia_history_write(writer->db, writer->scan_id, writer->any_gone, err));
    IA_TRY(ia_writer_put_setting(writer, LAST_IMAGE, writer->next_image_id - 1, err));
    IA_TRY(ia_writer_put_setting(writer, LAST_FILE, writer->next_file_id - 1, err));
    IA_TRY(writer->any_vanished ? ia_history_forget_oldest(writer->db, err) : IA_OK);
    return keep > 0 ? ia_history_prune(writer->db, keep, err) : IA_OK;
}

enum ia_status ia_writer_read_extents(struct ia_writer *writer, int64_t map_id, int64_t from, struct ia_extent *out,
                                      size_t capacity, size_t *count, struct ia_error *err)
{
    if (writer->extents == NULL)
        IA_TRY(ia_extents_prepare(writer->db, &writer->extents, err));
    return ia_extents_read(writer->extents, map_id, from, out, capacity, count, err);
}
