/* SPDX-License-Identifier: MIT */
/* The writing connection. */
#include "store/writer.h"

#include <stdlib.h>

#include "store/connection.h"
#include "store/extent_batch.h"
#include "store/extents.h"
#include "store/history.h"
#include "store/migrate.h"
#include "store/statements.h"
#include "store/writer_internal.h"

struct ia_writer {
    sqlite3 *db;
    struct ia_statements statements;
    sqlite3_stmt *extents; /* see ia_extents_prepare; NULL until first used */
    int64_t scan_id, next_image_id, next_map_id;
    bool any_gone; /* a file or an image was taken away */
};

/* The setting that keeps numbers of images from being used again. */
#define LAST_IMAGE "last-image"

static enum ia_status read_counters(struct ia_writer *writer, struct ia_error *err)
{
    enum ia_status status =
        ia_connection_int(writer->db, "SELECT 1 + coalesce(max(scan_id), 0) FROM scan", &writer->scan_id, err);
    if (status == IA_OK)
        status = ia_connection_int(writer->db,
                                   "SELECT 1 + max(coalesce((SELECT max(image_id) FROM image), 0),"
                                   " coalesce((SELECT value FROM setting WHERE key = '" LAST_IMAGE "'), 0))",
                                   &writer->next_image_id, err);
    if (status == IA_OK)
        status = ia_connection_int(writer->db,
                                   "SELECT 1 + max(coalesce((SELECT max(map_id) FROM mapping), 0),"
                                   " coalesce((SELECT max(map_id) FROM extent), 0))",
                                   &writer->next_map_id, err);
    return status;
}

/* Foreign keys are set outside the transaction, the journal mode only on a database that is known to be ours. The size
 * of pages is that of a new one: extents are stored a tenth faster than with sqlite's 4096, and small tables no slower,
 * which they are with more. */
static enum ia_status begin(struct ia_writer *writer, const char *path, struct ia_error *err)
{
    int64_t version = 0;
    enum ia_status status = ia_connection_identify(writer->db, path, &version, err);
    if (status == IA_OK)
        status = ia_connection_exec(writer->db,
                                    "PRAGMA foreign_keys = ON; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
                                    "PRAGMA synchronous = FULL;"
                                    "PRAGMA journal_size_limit = 0;"
                                    "PRAGMA cache_size = -32768; PRAGMA cache_spill = ON",
                                    err);
    if (status == IA_OK)
        status = ia_history_prepare(writer->db, err);
    if (status == IA_OK)
        status = ia_extent_batch_register(writer->db, err);
    if (status == IA_OK)
        status = ia_connection_exec(writer->db, "BEGIN IMMEDIATE", err);
    if (status == IA_BUSY)
        return ia_fail(err, IA_BUSY, "another scan is writing to '%s'", path);
    /* The log and its index stay, empty, when the last writer closes: a user who may read but not write the store's
     * directory needs them to be there. */
    int persist = 1;
    sqlite3_file_control(writer->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    if (status == IA_OK) /* again, now that nobody else can change it */
        status = ia_connection_identify(writer->db, path, &version, err);
    if (status == IA_OK)
        status = ia_migrate(writer->db, version, err);
    return status == IA_OK ? read_counters(writer, err) : status;
}

enum ia_status ia_writer_begin(const char *path, struct ia_writer **out, struct ia_error *err)
{
    struct ia_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    enum ia_status status = ia_connection_open(path, IA_CONNECTION_CREATE, &writer->db, err);
    if (status == IA_OK) {
        writer->statements.db = writer->db;
        status = begin(writer, path, err);
    }
    if (status != IA_OK) {
        ia_writer_close(writer);
        return status;
    }
    *out = writer;
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

enum ia_status ia_writer_put_file(struct ia_writer *writer, struct ia_file_row *row, struct ia_error *err)
{
    enum ia_status status =
        ia_statements_run(&writer->statements, IA_STMT_PUT_FILE, err, "ztiiiiiiittpp", row->file_id, row->path,
                          row->dev, row->inode, row->size, row->disk_size, row->mtime_ns, row->ctime_ns,
                          row->checked_ns, row->verdict, row->reason, row->links, row->links_met);
    if (status == IA_OK && row->file_id == 0)
        row->file_id = sqlite3_last_insert_rowid(writer->db);
    return status;
}

enum ia_status ia_writer_put_image(struct ia_writer *writer, const struct ia_image_row *row, struct ia_error *err)
{
    static const struct ia_image_identity nobody;
    const struct ia_image_identity *identity = row->identity != NULL ? row->identity : &nobody;
    const int64_t *bytes = row->state_bytes;
    return ia_statements_run(
        &writer->statements, IA_STMT_PUT_IMAGE, err, "iitttttppiiiiitttziiiiiiiiipttiztztttttiiip", row->image_id,
        row->file_id, row->path, row->format, row->format_basis, row->variant, row->state, row->virtual_size,
        row->cluster_size, (int64_t)row->encrypted, (int64_t)row->dirty, (int64_t)row->corrupt, (int64_t)row->truncated,
        (int64_t)row->chain_ok, row->backing_name, row->backing_format, row->backing_path, row->backing_id, row->map_id,
        bytes[IA_EXTENT_DATA], bytes[IA_EXTENT_COMPRESSED], bytes[IA_EXTENT_ENCRYPTED], bytes[IA_EXTENT_ZERO],
        bytes[IA_EXTENT_ZERO_ALLOCATED], bytes[IA_EXTENT_SPARSE], bytes[IA_EXTENT_RESERVED], row->compressed_host,
        row->metadata_bytes, row->lock_state, row->is_base_by, row->first_scan, row->referenced_scan,
        row->referenced_by, row->referenced_mtime_ns, row->problem, identity->own, identity->own_stamp,
        identity->parent, identity->parent_stamp, (int64_t)row->backing_by_identity, (int64_t)row->is_template,
        row->fingerprint, row->overlapping);
}

enum ia_status ia_writer_put_image_name(struct ia_writer *writer, const struct ia_name_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_IMAGE_NAME, err, "ititit", row->image_id, row->kind,
                             row->number, row->role, row->place, row->name);
}

enum ia_status ia_writer_drop_image_names(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_NAMES, err, "i", image_id);
}

enum ia_status ia_writer_put_space(struct ia_writer *writer, const struct ia_space_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SPACE, err, "iitiip", row->image_id, row->file, row->use,
                             row->bytes, row->disk_bytes, row->unwritten_bytes);
}

enum ia_status ia_writer_drop_space(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_SPACE, err, "i", image_id);
}

enum ia_status ia_writer_put_image_file(struct ia_writer *writer, int64_t image_id, int64_t number, const char *role,
                                        const char *path, int64_t file_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_IMAGE_FILE, err, "iittz", image_id, number, role, path,
                             file_id);
}

enum ia_status ia_writer_put_mapping(struct ia_writer *writer, const struct ia_mapping_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_MAPPING, err, "iipttiiiii", row->map_id, row->image_id,
                             row->snapshot, row->id, row->name, row->size, row->vm_state, row->date_ns, row->extents,
                             (int64_t)row->failed);
}

/* A statement whose parameters are a number and a batch. */
static enum ia_status put_batch(struct ia_writer *writer, enum ia_statement number, int64_t parameter,
                                struct ia_extent_batch *batch, struct ia_error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum ia_status status = ia_statements_get(&writer->statements, number, &stmt, err);
    if (status != IA_OK)
        return status;
    if (sqlite3_bind_int64(stmt, 1, parameter) != SQLITE_OK || ia_extent_batch_bind(stmt, 2, batch) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_DONE)
        status = ia_connection_fail(writer->db, err, "cannot store extents");
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return status;
}

enum ia_status ia_writer_put_extents(struct ia_writer *writer, int64_t map_id, const struct ia_extent *extents,
                                     size_t count, struct ia_error *err)
{
    struct ia_extent_batch batch = {.items = extents, .count = count};
    return put_batch(writer, IA_STMT_PUT_EXTENTS, map_id, &batch, err);
}

enum ia_status ia_writer_put_name(struct ia_writer *writer, const char *path, int64_t file_id, const char *kind,
                                  struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_NAME, err, "tit", path, file_id, kind);
}

enum ia_status ia_writer_put_reference(struct ia_writer *writer, const struct ia_reference_row *row,
                                       struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_REFERENCE, err, "ittttz", row->image_id, row->kind,
                             row->name, row->path, row->state, row->target_id);
}

enum ia_status ia_writer_put_finding(struct ia_writer *writer, const struct ia_finding_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_FINDING, err, "ttttii", row->code, row->severity,
                             row->path, row->detail, (int64_t)row->hides, writer->scan_id);
}

enum ia_status ia_writer_put_chain(struct ia_writer *writer, const struct ia_chain_store_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_CHAIN, err, "iiiiipp", row->image_id, row->depth,
                             row->layer_id, row->map_id, row->reach, row->visible_bytes, row->data_bytes);
}

enum ia_status ia_writer_put_usage(struct ia_writer *writer, int64_t image_id, const struct ia_usage *usage,
                                   struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_USAGE, err, "iiiiiiiii", image_id, usage->visible_bytes,
                             usage->visible_present, usage->masked_bytes, usage->exclusive_bytes, usage->shared_bytes,
                             (int64_t)usage->dependents, (int64_t)usage->descendants, (int64_t)usage->heads);
}

enum ia_status ia_writer_put_seen(struct ia_writer *writer, int64_t image_id, int64_t readers, int64_t bytes,
                                  struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SEEN, err, "iii", image_id, readers, bytes);
}

enum ia_status ia_writer_put_pair(struct ia_writer *writer, int64_t image_id, int64_t other_id, int64_t bytes,
                                  int64_t others, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_PAIR, err, "iiii", image_id, other_id, bytes, others);
}

enum ia_status ia_writer_put_masked(struct ia_writer *writer, const int64_t *images, const struct ia_extent *pieces,
                                    size_t count, struct ia_error *err)
{
    struct ia_extent_batch batch = {.items = pieces, .images = images, .count = count};
    return put_batch(writer, IA_STMT_PUT_MASKED, 0, &batch, err);
}

enum ia_status ia_writer_put_scan(struct ia_writer *writer, const struct ia_scan_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SCAN, err, "iiiiiiiiiiiiiiii", writer->scan_id,
                             row->started_ns, row->finished_ns, (int64_t)row->complete, row->walked, row->passed_over,
                             row->images, row->parsed, row->unchanged, row->added, row->changed, row->renamed,
                             row->vanished, row->extents, row->table_bytes, row->errors);
}

enum ia_status ia_writer_put_option(struct ia_writer *writer, const char *kind, const char *value, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_OPTION, err, "itt", writer->scan_id, kind, value);
}

enum ia_status ia_writer_put_passed(struct ia_writer *writer, const char *reason, int64_t files, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_PASSED, err, "iti", writer->scan_id, reason, files);
}

enum ia_status ia_writer_clear_sharing(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM shared_run; DELETE FROM sharing", err);
}

enum ia_status ia_writer_put_sharing(struct ia_writer *writer, const struct ia_sharing_row *row, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SHARING, err, "ipipiz", row->file_id, row->shared_bytes,
                             row->encoded_bytes, row->unmatched_bytes, row->saved_bytes, row->group_id);
}

enum ia_status ia_writer_put_shared_run(struct ia_writer *writer, const struct ia_shared_run_row *row,
                                        struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SHARED_RUN, err, "iiiiii", row->file_id, row->start,
                             row->length, row->volume, row->physical, (int64_t)row->encoded);
}

enum ia_status ia_writer_put_mount(struct ia_writer *writer, const char *path, int64_t dev, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_MOUNT, err, "ti", path, dev);
}

enum ia_status ia_writer_clear_mounts(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM absent_mount", err);
}

enum ia_status ia_writer_put_setting(struct ia_writer *writer, const char *key, int64_t value, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_SETTING, err, "ti", key, value);
}

enum ia_status ia_writer_drop_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err)
{
    writer->any_gone = true;
    return ia_statements_run(&writer->statements, IA_STMT_DROP_FILE, err, "i", file_id);
}

enum ia_status ia_writer_drop_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    writer->any_gone = true;
    return ia_statements_run(&writer->statements, IA_STMT_DROP_IMAGE, err, "i", image_id);
}

enum ia_status ia_writer_drop_mapping(struct ia_writer *writer, int64_t map_id, struct ia_error *err)
{
    enum ia_status status = ia_statements_run(&writer->statements, IA_STMT_DROP_EXTENTS, err, "i", map_id);
    if (status == IA_OK)
        status = ia_statements_run(&writer->statements, IA_STMT_DROP_MAPPING, err, "i", map_id);
    return status;
}

enum ia_status ia_writer_clear_links(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM name; DELETE FROM reference; DELETE FROM image_file", err);
}

enum ia_status ia_writer_clear_results(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    static const enum ia_statement numbers[] = {IA_STMT_CLEAR_CHAIN, IA_STMT_CLEAR_USAGE, IA_STMT_CLEAR_SEEN,
                                                IA_STMT_CLEAR_PAIR, IA_STMT_CLEAR_MASKED};
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == IA_OK; i++)
        status = ia_statements_run(&writer->statements, numbers[i], err, "i", image_id);
    return status;
}

enum ia_status ia_writer_put_tree(struct ia_writer *writer, int64_t root_id, int64_t fingerprint, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_PUT_TREE, err, "ii", root_id, fingerprint);
}

enum ia_status ia_writer_drop_trees_of_others(struct ia_writer *writer, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_TREES, err, "");
}

enum ia_status ia_writer_touch_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_TOUCH_IMAGE, err, "i", image_id);
}

enum ia_status ia_writer_touch_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_TOUCH_FILE, err, "i", file_id);
}

enum ia_status ia_writer_keep_history(struct ia_writer *writer, int64_t keep, struct ia_error *err)
{
    enum ia_status status = ia_history_write(writer->db, writer->scan_id, writer->any_gone, err);
    if (status == IA_OK)
        status = ia_writer_put_setting(writer, LAST_IMAGE, writer->next_image_id - 1, err);
    return status == IA_OK && keep > 0 ? ia_history_prune(writer->db, keep, err) : status;
}

enum ia_status ia_writer_read_extents(struct ia_writer *writer, int64_t map_id, int64_t from, struct ia_extent *out,
                                      size_t capacity, size_t *count, struct ia_error *err)
{
    enum ia_status status = writer->extents == NULL ? ia_extents_prepare(writer->db, &writer->extents, err) : IA_OK;
    return status == IA_OK ? ia_extents_read(writer->extents, map_id, from, out, capacity, count, err) : status;
}
