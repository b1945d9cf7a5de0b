/* SPDX-License-Identifier: MIT */
/* Writing rows, most of them one statement each. */
#include "store/connection.h"
#include "store/extent_batch.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

enum ia_status ia_writer_put_space(struct ia_writer *writer, const struct ia_space_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_SPACE, row, err);
}

enum ia_status ia_writer_put_image_file(struct ia_writer *writer, int64_t image_id, int64_t number, const char *role,
                                        const char *path, int64_t file_id, struct ia_error *err)
{
    const struct ia_image_file_row row = {image_id, number, role, path, file_id};
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_IMAGE_FILE, &row, err);
}

enum ia_status ia_writer_put_mapping(struct ia_writer *writer, const struct ia_mapping_row *row, struct ia_error *err)
{
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_MAPPING, row, err);
}

/* A statement whose parameters are a number and a batch. */
static enum ia_status put_batch(struct ia_writer *writer, enum ia_statement number, int64_t parameter,
                                struct ia_extent_batch *batch, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, number, &stmt, err));
    enum ia_status status = IA_OK;
    if (sqlite3_bind_int64(stmt, 1, parameter) != SQLITE_OK || ia_extent_batch_bind(stmt, 2, batch) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_DONE)
        status = ia_connection_fail(statements->db, err, "cannot store extents");
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
    const struct ia_file_name_row row = {path, file_id, kind};
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_FILE_NAME, &row, err);
}

enum ia_status ia_writer_put_reference(struct ia_writer *writer, const struct ia_reference_row *row,
                                       struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_REFERENCE, row, err);
}

enum ia_status ia_writer_put_packed_file(struct ia_writer *writer, const struct ia_packed_file_row *row,
                                         struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_PACKED_FILE, row, err);
}

enum ia_status ia_writer_put_packed_reference(struct ia_writer *writer, const struct ia_packed_reference_row *row,
                                              struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_PACKED_REFERENCE, row, err);
}

enum ia_status ia_writer_put_finding(struct ia_writer *writer, const struct ia_finding_row *row, struct ia_error *err)
{
    struct ia_finding_row made = *row;
    made.first_scan = made.last_scan = ia_writer_scan_id(writer);
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_FINDING, &made, err);
}

enum ia_status ia_writer_put_chain(struct ia_writer *writer, const struct ia_chain_store_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_CHAIN, row, err);
}

enum ia_status ia_writer_put_chain_place(struct ia_writer *writer, const struct ia_chain_place_row *row,
                                         struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_CHAIN_PLACE, row, err);
}

enum ia_status ia_writer_put_chain_change(struct ia_writer *writer, const struct ia_chain_change_row *row,
                                          struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_CHAIN_CHANGE, row, err);
}

enum ia_status ia_writer_put_usage(struct ia_writer *writer, int64_t image_id, const struct ia_usage *usage,
                                   struct ia_error *err)
{
    const struct ia_usage_row row = {
        .image_id = image_id,
        .visible_bytes = usage->visible_bytes,
        .visible_present = usage->visible_present,
        .masked_bytes = usage->masked_bytes,
        .exclusive_bytes = usage->exclusive_bytes,
        .shared_bytes = usage->shared_bytes,
        .dependents = (int64_t)usage->dependents,
        .descendants = (int64_t)usage->descendants,
        .heads = (int64_t)usage->heads,
    };
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_USAGE, &row, err);
}

enum ia_status ia_writer_put_reader_bytes(struct ia_writer *writer, int64_t image_id, int64_t readers, int64_t bytes,
                                          struct ia_error *err)
{
    const struct ia_reader_bytes_row row = {image_id, readers, bytes};
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_READER_BYTES, &row, err);
}

enum ia_status ia_writer_put_pair(struct ia_writer *writer, int64_t image_id, int64_t other_id, int64_t bytes,
                                  int64_t others, struct ia_error *err)
{
    const struct ia_pair_store_row row = {image_id, other_id, bytes, others};
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_PAIR, &row, err);
}

enum ia_status ia_writer_put_masked(struct ia_writer *writer, const int64_t *images, const struct ia_extent *pieces,
                                    size_t count, struct ia_error *err)
{
    struct ia_extent_batch batch = {.items = pieces, .images = images, .count = count};
    return put_batch(writer, IA_STMT_PUT_MASKED, 0, &batch, err);
}

enum ia_status ia_writer_put_scan(struct ia_writer *writer, const struct ia_scan_row *row, struct ia_error *err)
{
    struct ia_scan_row made = *row;
    made.scan_id = ia_writer_scan_id(writer);
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_SCAN, &made, err);
}

enum ia_status ia_writer_put_format(struct ia_writer *writer, const struct ia_format_row *row, struct ia_error *err)
{
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_FORMAT, row, err);
}

enum ia_status ia_writer_put_option(struct ia_writer *writer, const char *kind, const char *value, struct ia_error *err)
{
    const struct ia_option_row row = {ia_writer_scan_id(writer), kind, value};
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_OPTION, &row, err);
}

enum ia_status ia_writer_put_passed(struct ia_writer *writer, const char *reason, int64_t files, struct ia_error *err)
{
    const struct ia_passed_row row = {ia_writer_scan_id(writer), reason, files};
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_PASSED, &row, err);
}

enum ia_status ia_writer_put_sharing(struct ia_writer *writer, const struct ia_sharing_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_SHARING, row, err);
}

enum ia_status ia_writer_put_shared_run(struct ia_writer *writer, const struct ia_shared_run_row *row,
                                        struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_SHARED_RUN, row, err);
}

enum ia_status ia_writer_put_mount(struct ia_writer *writer, const struct ia_mount_row *row, struct ia_error *err)
{
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_MOUNT, row, err);
}

enum ia_status ia_writer_put_place(struct ia_writer *writer, const struct ia_mount_row *row, struct ia_error *err)
{
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_PLACE, row, err);
}

enum ia_status ia_writer_put_former_base(struct ia_writer *writer, int64_t file_id, int64_t base_id,
                                         struct ia_error *err)
{
    const struct ia_former_base_row row = {file_id, base_id};
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_FORMER_BASE, &row, err);
}

enum ia_status ia_writer_put_tree(struct ia_writer *writer, int64_t root_id, int64_t fingerprint, struct ia_error *err)
{
    const struct ia_tree_row row = {root_id, fingerprint};
    return ia_statements_put(ia_writer_statements(writer), IA_ENTITY_TREE, &row, err);
}
