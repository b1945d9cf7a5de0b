/* SPDX-License-Identifier: MIT */
/* Descriptions of columns against the schema, and every column of an image there and back. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/entities.h"
#include "store/migrate.h"
#include "store/rows.h"
#include "store/writer.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static sqlite3 *new_database(void)
{
    struct ia_schema schema = ia_schema_current();
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_ok(ia_migrate(db, &schema, 0, &err));
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s in: %s", sqlite3_errmsg(db), sql);
    return stmt;
}

static const struct ia_column_spec *find_column(const struct ia_entity *entity, const char *name)
{
    for (size_t i = 0; i < entity->count; i++)
        if (strcmp(entity->columns[i].name, name) == 0)
            return &entity->columns[i];
    return NULL;
}

/* One column of the table: described, of the type that the schema says, and NULL only where that may be. */
static void check_column(const struct ia_entity *entity, sqlite3_stmt *stmt, const char *name)
{
    const struct ia_column_spec *column = find_column(entity, name);
    if (column == NULL)
        fail_msg("%s.%s is in the schema and not described", entity->table, name);
    bool is_text = strcmp((const char *)sqlite3_column_text(stmt, 1), "TEXT") == 0;
    bool not_null = sqlite3_column_int(stmt, 2) != 0 && sqlite3_column_int(stmt, 3) == 0;
    if (is_text != (column->type == IA_COLUMN_TEXT || column->type == IA_COLUMN_TEXT_OR_NULL))
        fail_msg("%s.%s is of another type", entity->table, name);
    bool is_key = sqlite3_column_int(stmt, 3) != 0;
    if (is_text && (not_null || is_key) != (column->type == IA_COLUMN_TEXT))
        fail_msg("%s.%s is%s NULL where there is nothing", entity->table, name, not_null || is_key ? " never" : "");
    if (not_null && (column->type == IA_COLUMN_NULL_IF_NEGATIVE || column->type == IA_COLUMN_NULL_IF_ZERO))
        fail_msg("%s.%s is never NULL", entity->table, name);
}

static void every_column_is_described(void **state)
{
    (void)state;
    sqlite3 *db = new_database();
    for (size_t i = 0; i < IA_ENTITY_COUNT; i++) {
        const struct ia_entity *entity = &ia_entities[i];
        char sql[128];
        size_t found = 0;
        snprintf(sql, sizeof(sql), "SELECT name, type, \"notnull\", pk FROM pragma_table_info('%s')", entity->table);
        sqlite3_stmt *stmt = prepare(db, sql);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(stmt, 0);
            if (strcmp(name, "finding_id") == 0) /* nobody asks for it */
                continue;
            check_column(entity, stmt, name);
            found++;
        }
        sqlite3_finalize(stmt);
        if (found != entity->count)
            fail_msg("%s: a column that the schema does not have is described", entity->table);
    }
    sqlite3_close(db);
}

/* How many of its columns come back. */
static size_t loaded(const struct ia_entity *entity)
{
    size_t count = 0;
    for (size_t i = 0; i < entity->count; i++)
        count += entity->columns[i].role != IA_COLUMN_STORED;
    return count;
}

static void every_statement_prepares(void **state)
{
    (void)state;
    sqlite3 *db = new_database();
    for (size_t i = 0; i < IA_ENTITY_COUNT; i++) {
        struct ia_buf sql = {0};
        ia_entity_put_sql(&ia_entities[i], &sql);
        sqlite3_stmt *stmt = prepare(db, sql.data);
        assert_int_equal(sqlite3_bind_parameter_count(stmt), ia_entities[i].count);
        sqlite3_finalize(stmt);
        ia_buf_clear(&sql);
        ia_entity_insert_sql(&ia_entities[i], &sql);
        sqlite3_finalize(prepare(db, sql.data));
        ia_buf_clear(&sql);
        if (ia_entities[i].order != NULL) {
            ia_entity_load_sql(&ia_entities[i], &sql);
            stmt = prepare(db, sql.data);
            assert_int_equal(sqlite3_column_count(stmt), loaded(&ia_entities[i]));
            sqlite3_finalize(stmt);
        }
        ia_buf_release(&sql);
    }
    sqlite3_close(db);
}

/* No two members alike, so that one in another's place shows. */
static const struct ia_image_row whole = {
    .path = "/p",
    .format = "f",
    .format_basis = "footer",
    .state = "corrupt",
    .problem = "because",
    .chain_ok = true,
    .backing_path = "/b",
    .backing_id = 1,
    .map_id = 22,
    .is_template = true,
    .lock_state = "read",
    .variant = "v",
    .version = 3,
    .virtual_size = 4096,
    .cluster_size = 512,
    .hidden = true,
    .kept = true,
    .dirty = true,
    .truncated = true,
    .extended_l2 = true,
    .compression = "c",
    .abilities = {.unit = 14,
                  .cluster = 15,
                  .zeroes = IA_ZEROES_DROPPED,
                  .is_plain = true,
                  .is_foreign = true,
                  .can_rebase = true,
                  .can_be_empty = true,
                  .is_good_base = true,
                  .can_grow_with_snapshots = true,
                  .can_be_trimmed = true},
    .backing_name = "b",
    .backing_format = "bf",
    .identity = "own",
    .identity_stamp = "own stamp",
    .parent_identity = "parent",
    .parent_stamp = "parent stamp",
    .state_bytes = {1, 2, 3, 4, 5, 6, 7},
    .compressed_host = 8,
    .metadata_bytes = 9,
    .overlapping = 1,
    .may_be_lost = true,
    .first_scan = 10,
    .referenced_scan = 11,
    .referenced_by = "/o",
    .referenced_mtime_ns = -12,
    .fingerprint = -13,
};
static const struct ia_image_row bare = {
    .path = "/q",
    .format = "raw",
    .format_basis = "content",
    .state = "ok",
    .map_id = 23,
    .lock_state = "none",
    .variant = "",
    .version = -1,
    .virtual_size = -1,
    .cluster_size = -1,
    .encrypted = true,
    .corrupt = true,
    .has_data_file = true,
    .abilities = {.unit = 1,
                  .cluster = 1,
                  .zeroes = IA_ZEROES_KEPT,
                  .zeroes_are_known = true,
                  .can_be_written = true,
                  .can_commit = true,
                  .can_receive = true,
                  .can_grow = true,
                  .can_grow_over_backing = true},
    .backing_by_identity = true,
    .metadata_bytes = -1,
    .overlapping = -1,
    .first_scan = 1,
};

/* What is only stored does not come back; see expect_stored. */
static bool is_text(const struct ia_column_spec *column)
{
    return column->type == IA_COLUMN_TEXT || column->type == IA_COLUMN_TEXT_OR_NULL;
}

static void expect_same(const struct ia_entity *entity, const void *expected, const void *got)
{
    for (size_t i = 0; i < entity->count; i++) {
        const struct ia_column_spec *column = &entity->columns[i];
        if (column->role == IA_COLUMN_STORED)
            continue;
        const void *a = (const char *)expected + column->offset;
        const void *b = (const char *)got + column->offset;
        const char *left = is_text(column) ? *(const char *const *)a : NULL;
        const char *right = is_text(column) ? *(const char *const *)b : NULL;
        bool same = is_text(column)                  ? left == right || (left && right && strcmp(left, right) == 0)
                    : column->type == IA_COLUMN_FLAG ? *(const bool *)a == *(const bool *)b
                    : column->type == IA_COLUMN_ENUM ? *(const unsigned *)a == *(const unsigned *)b
                                                     : *(const int64_t *)a == *(const int64_t *)b;
        if (!same)
            fail_msg("%s.%s came back as another value", entity->table, column->name);
    }
}

/* The same of the row in the store, all columns. */
static void expect_stored(const struct ia_entity *entity, const struct ia_image_row *expected)
{
    enum { MOST = 32 };
    struct ia_column_spec columns[MOST];
    struct ia_entity all = {.table = entity->table, .columns = columns, .count = entity->count, .order = "ORDER BY 1"};
    struct ia_image_row got = {0};
    struct ia_buf sql = {0};
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_in_range(entity->count, 1, MOST);
    for (size_t i = 0; i < entity->count; i++) {
        columns[i] = entity->columns[i];
        columns[i].role = columns[i].role == IA_COLUMN_STORED ? IA_COLUMN_VALUE : columns[i].role;
    }
    ia_entity_load_sql(&all, &sql);
    assert_int_equal(sqlite3_open("store.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql.data, (int)sql.len, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    ia_entity_decode(&all, stmt, &got);
    expect_same(&all, expected, &got);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    ia_buf_release(&sql);
}

struct expectation {
    struct ia_image_row rows[2];
    size_t at;
};

static enum ia_status compare(void *ctx, const struct ia_image_row *row, struct ia_error *error)
{
    struct expectation *expected = ctx;
    (void)error;
    assert_true(expected->at < COUNT(expected->rows));
    for (enum ia_entity_number i = IA_ENTITY_IMAGE; i <= IA_ENTITY_IMAGE_MEMORY; i++)
        expect_same(&ia_entities[i], &expected->rows[expected->at], row);
    assert_false(row->incomplete);
    expected->at++;
    return IA_OK;
}

static void put_pair(struct ia_writer *writer, struct expectation *expected)
{
    struct ia_volume_row volume = {.volume_id = 1, .identity = "dev:8:1", .type = "", .mount = ""};
    assert_ok(ia_writer_put_volume(writer, &volume, &err));
    *expected = (struct expectation){.rows = {whole, bare}};
    for (size_t i = 0; i < COUNT(expected->rows); i++) {
        struct ia_file_row file = {.path = expected->rows[i].path,
                                   .volume_id = 1,
                                   .inode = (int64_t)i,
                                   .birth_ns = -1,
                                   .class = "image",
                                   .reason = "",
                                   .links = -1,
                                   .links_found = -1};
        const struct ia_format_row format = {.name = expected->rows[i].format, .suffixes = ""};
        assert_ok(ia_writer_put_format(writer, &format, &err));
        assert_ok(ia_writer_put_file(writer, &file, &err));
        expected->rows[i].file_id = file.file_id;
        expected->rows[i].image_id = ia_writer_new_image_id(writer);
        assert_ok(ia_writer_put_image(writer, &expected->rows[i], &err));
    }
}

static void every_column_of_an_image_comes_back(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct expectation expected;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    put_pair(writer, &expected);
    assert_ok(ia_writer_load_images(writer, compare, &expected, &err));
    assert_int_equal(expected.at, 2);
    /* put again as known, header, abilities and account stay */
    struct ia_image_row changed = bare;
    changed.image_id = expected.rows[0].image_id;
    changed.file_id = expected.rows[0].file_id;
    assert_ok(ia_writer_put_known_image(writer, &changed, &err));
    struct ia_image_row merged = whole;
    for (enum ia_entity_number i = IA_ENTITY_IMAGE; i <= IA_ENTITY_IMAGE_MEMORY;
         i += IA_ENTITY_IMAGE_MEMORY - IA_ENTITY_IMAGE)
        for (size_t c = 0; c < ia_entities[i].count; c++) {
            size_t at = ia_entities[i].columns[c].offset;
            size_t size = ia_entities[i].columns[c].type == IA_COLUMN_FLAG ? sizeof(bool) : sizeof(int64_t);
            memcpy((char *)&merged + at, (const char *)&changed + at, size);
        }
    expected.rows[0] = merged;
    expected.at = 0;
    assert_ok(ia_writer_load_images(writer, compare, &expected, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    for (enum ia_entity_number i = IA_ENTITY_IMAGE; i <= IA_ENTITY_IMAGE_MEMORY; i++)
        expect_stored(&ia_entities[i], &merged);
}

static enum ia_status count_incomplete(void *ctx, const struct ia_image_row *row, struct ia_error *error)
{
    (void)error;
    *(int64_t *)ctx = *(int64_t *)ctx * 10 + row->incomplete;
    return IA_OK;
}

static void an_image_without_all_its_rows_is_incomplete(void **state)
{
    (void)state;
    /* A digit an image, 1: incomplete. Abilities are counted only: where one image lacks them, each is read again. */
    static const struct {
        const char *table;
        int64_t digits;
    } cases[] = {{"image_header", 10}, {"image_ability", 11}, {"image_account", 10}, {"image_memory", 10}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_writer *writer;
        struct expectation expected;
        char sql[64];
        int64_t digits = 0;
        sqlite3 *db;
        unlink("store.db");
        assert_ok(ia_writer_begin("store.db", &writer, &err));
        put_pair(writer, &expected);
        assert_ok(ia_writer_commit(writer, &err));
        ia_writer_close(writer);
        assert_int_equal(sqlite3_open("store.db", &db), SQLITE_OK);
        snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE image_id = 1", cases[i].table);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_ok(ia_writer_begin("store.db", &writer, &err));
        assert_ok(ia_writer_load_images(writer, count_incomplete, &digits, &err));
        ia_writer_close(writer);
        assert_int_equal(digits, cases[i].digits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_described),
        cmocka_unit_test(every_statement_prepares),
        in_temp_dir(every_column_of_an_image_comes_back),
        in_temp_dir(an_image_without_all_its_rows_is_incomplete),
    };
    return cmocka_run_group_tests_name("store entity", tests, NULL, NULL);
}
