/* SPDX-License-Identifier: MIT */
/* Taking rows away, and what stays known of names that are no more. */
#include "store/connection.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

enum ia_status ia_writer_drop_empty_volumes(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db,
                              "DELETE FROM volume"
                              " WHERE NOT EXISTS (SELECT 1 FROM file AS f WHERE f.volume_id = volume.volume_id)",
                              err);
}

enum ia_status ia_writer_drop_space(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_SPACE, image_id, err);
}

enum ia_status ia_writer_clear_sharing(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM shared_run; DELETE FROM file_sharing", err);
}

enum ia_status ia_writer_clear_mounts(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM absent_mount; DELETE FROM place", err);
}

enum ia_status ia_writer_clear_former_bases(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db, "DELETE FROM former_base", err);
}

enum ia_status ia_writer_drop_vanished(struct ia_writer *writer, int64_t file_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_VANISHED, file_id, err);
}

enum ia_status ia_writer_drop_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err)
{
    writer->any_gone = true;
    return ia_statements_run(&writer->statements, IA_STMT_DROP_FILE, file_id, err);
}

enum ia_status ia_writer_drop_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    writer->any_gone = true;
    return ia_statements_run(&writer->statements, IA_STMT_DROP_IMAGE, image_id, err);
}

enum ia_status ia_writer_drop_mapping(struct ia_writer *writer, int64_t map_id, struct ia_error *err)
{
    IA_TRY(ia_statements_run(&writer->statements, IA_STMT_DROP_EXTENTS, map_id, err));
    return ia_statements_run(&writer->statements, IA_STMT_DROP_MAPPING, map_id, err);
}

enum ia_status ia_writer_clear_links(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(
        writer->db,
        "INSERT OR IGNORE INTO former_name (image_id, path) SELECT i.image_id, n.path FROM file_name AS n"
        " JOIN image AS i USING (file_id) WHERE n.path <> i.path;"
        "DELETE FROM file_name; DELETE FROM reference; DELETE FROM image_file;"
        " DELETE FROM packed_reference; DELETE FROM packed_file",
        err);
}

enum ia_status ia_writer_settle_former_names(struct ia_writer *writer, struct ia_error *err)
{
    return ia_connection_exec(writer->db,
                              "DELETE FROM former_overlay AS f WHERE NOT EXISTS (SELECT 1 FROM image AS i"
                              " WHERE i.image_id = f.image_id) AND NOT EXISTS (SELECT 1 FROM vanished AS v"
                              " WHERE v.image_id = f.image_id);"
                              "DELETE FROM former_name AS f WHERE NOT EXISTS (SELECT 1 FROM image AS i"
                              " WHERE i.image_id = f.image_id) AND NOT EXISTS (SELECT 1 FROM vanished AS v"
                              " WHERE v.image_id = f.image_id) OR EXISTS (SELECT 1 FROM file_name AS n"
                              " JOIN image AS i USING (file_id) WHERE n.path = f.path AND i.image_id = f.image_id)",
                              err);
}

enum ia_status ia_writer_keep_overlay(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_KEEP_OVERLAY, image_id, err);
}

enum ia_status ia_writer_put_former_path(struct ia_writer *writer, int64_t image_id, const char *path, int64_t since_ns,
                                         struct ia_error *err)
{
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(&writer->statements, IA_STMT_PUT_FORMER_PATH, &stmt, err));
    sqlite3_bind_int64(stmt, 1, image_id);
    sqlite3_bind_text(stmt, 2, path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, since_ns);
    return ia_connection_check(writer->db, sqlite3_step(stmt), "cannot write to the store", err);
}

enum ia_status ia_writer_inherit_names(struct ia_writer *writer, int64_t image_id, int64_t other_id, int64_t file_id,
                                       struct ia_error *err)
{
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(&writer->statements, IA_STMT_INHERIT_NAMES, &stmt, err));
    sqlite3_bind_int64(stmt, 1, image_id);
    sqlite3_bind_int64(stmt, 2, other_id);
    sqlite3_bind_int64(stmt, 3, file_id);
    return ia_connection_check(writer->db, sqlite3_step(stmt), "cannot write to the store", err);
}

enum ia_status ia_writer_have_results(struct ia_writer *writer, bool *have, struct ia_error *err)
{
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(&writer->statements, IA_STMT_HAVE_RESULTS, &stmt, err));
    int code = sqlite3_step(stmt);
    *have = code != SQLITE_ROW || sqlite3_column_int(stmt, 0) != 0;
    return ia_connection_check(writer->db, code, "cannot read the store", err);
}

enum ia_status ia_writer_clear_results(struct ia_writer *writer, int64_t image_id, struct ia_error *err)
{
    static const enum ia_statement numbers[] = {
        IA_STMT_CLEAR_CHAIN,        IA_STMT_CLEAR_CHAIN_PLACE, IA_STMT_CLEAR_CHAIN_CHANGE, IA_STMT_CLEAR_USAGE,
        IA_STMT_CLEAR_READER_BYTES, IA_STMT_CLEAR_PAIR,        IA_STMT_CLEAR_MASKED};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        IA_TRY(ia_statements_run(&writer->statements, numbers[i], image_id, err));
    return IA_OK;
}

enum ia_status ia_writer_drop_trees_of_others(struct ia_writer *writer, struct ia_error *err)
{
    return ia_statements_run(&writer->statements, IA_STMT_DROP_TREES, 0, err);
}
