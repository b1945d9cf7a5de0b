/* SPDX-License-Identifier: MIT */
/* What is opened, and what becomes of it: databases that are refused stay byte for byte as they were, migrations hold
 * as a whole or leave no trace, views are those of the program. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/admin.h"
#include "store/connection.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static sqlite3 *open_plainly(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s in: %s", message, sql);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    int64_t value = 0;
    assert_ok(ia_connection_int(db, sql, &value, &err));
    return value;
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db = open_plainly(path);
    run(db, sql);
    sqlite3_close(db);
}

static void make_store(const char *path)
{
    struct ia_writer *writer;
    assert_ok(ia_writer_begin(path, &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
}

static void read_file(const char *path, struct ia_buf *out)
{
    char bytes[4096];
    ssize_t count;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    while ((count = read(fd, bytes, sizeof(bytes))) > 0)
        ia_buf_add(out, bytes, (size_t)count);
    close(fd);
    assert_int_equal(count, 0);
}

/* Every way to open a store says these words, and changes nothing. */
static void expect_refused(const char *words)
{
    struct ia_buf before = {0};
    struct ia_buf after = {0};
    struct ia_buf report = {0};
    struct ia_writer *writer = NULL;
    struct ia_reader *reader = NULL;
    int64_t from;
    const struct ia_prune_options prune = {.keep = 1};
    const char *glob = "*";
    const struct ia_template_changes changes = {.add = &glob, .add_count = 1};
    read_file("store.db", &before);
    for (int way = 0; way < 6; way++) {
        err = (struct ia_error){0};
        enum ia_status status = way == 0   ? ia_writer_begin("store.db", &writer, &err)
                                : way == 1 ? ia_reader_open("store.db", &reader, &err)
                                : way == 2 ? ia_store_migrate("store.db", &from, &err)
                                : way == 3 ? ia_store_prune("store.db", &prune, &err)
                                : way == 4 ? ia_store_templates("store.db", &changes, &report, &err)
                                           : ia_store_check("store.db", &report, &err);
        assert_status(IA_FOREIGN, status);
        if (strstr(err.message, words) == NULL)
            fail_msg("way %d: '%s' is not in: %s", way, words, err.message);
        ia_buf_clear(&after);
        read_file("store.db", &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len);
        assert_int_not_equal(access("store.db-wal", F_OK), 0);
        assert_int_not_equal(access("store.db-shm", F_OK), 0);
        assert_int_not_equal(access("store.db-journal", F_OK), 0);
    }
    ia_buf_release(&before);
    ia_buf_release(&after);
    ia_buf_release(&report);
}

static void a_store_of_a_development_version_is_left_alone(void **state)
{
    (void)state;
    for (int version = 1; version <= 15; version++) {
        char sql[64];
        unlink("store.db");
        make_store("store.db");
        snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
        execute("store.db", sql); /* the last one to close a database takes its log away */
        expect_refused("scan into a new file");
    }
}

static void a_store_with_other_tables_of_the_same_version_is_left_alone(void **state)
{
    (void)state;
    static const char *const changes[] = {"UPDATE setting SET value = value + 1 WHERE key = 'tables'",
                                          "DELETE FROM setting WHERE key = 'tables'", "DROP TABLE setting"};
    for (size_t i = 0; i < COUNT(changes); i++) {
        unlink("store.db");
        make_store("store.db");
        execute("store.db", changes[i]);
        execute("store.db", "PRAGMA journal_mode = DELETE");
        expect_refused("scan into a new file");
    }
}

static void comments_and_white_space_are_no_other_tables(void **state)
{
    (void)state;
    static const char text[] = "CREATE TABLE t (a, b)";
    assert_true(ia_schema_number("-- of t\nCREATE TABLE t (\n    a, -- one\n    b)--") == ia_schema_number(text));
    assert_true(ia_schema_number("CREATE TABLE t (a)") != ia_schema_number(text));
    assert_true(ia_schema_number("CREATE TABLE t (b, a)") != ia_schema_number(text));
    assert_true(ia_schema_number("CREATE TABLE t (a, -b)") != ia_schema_number(text));
}

static void a_store_of_a_newer_version_is_left_alone(void **state)
{
    (void)state;
    make_store("store.db");
    execute("store.db", "PRAGMA user_version = 17");
    expect_refused("newer than this program's 16");
}

static void somebody_elses_database_is_left_alone(void **state)
{
    (void)state;
    execute("store.db", "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    expect_refused("is a database of something else");
    execute("store.db", "PRAGMA journal_mode = WAL; PRAGMA user_version = 16");
    expect_refused("is a database of something else");
    execute("store.db", "PRAGMA application_id = 42");
    expect_refused("is a database of something else");
    unlink("store.db");
    execute("store.db", "CREATE VIEW v AS SELECT 1");
    execute("store.db", "PRAGMA journal_mode = WAL"); /* as long as one that is empty */
    expect_refused("is a database of something else");
}

/* A schema of one table, then with a column more and a row in it. */
static const struct ia_migration steps[] = {
    {13, "ALTER TABLE t ADD COLUMN more INTEGER NOT NULL DEFAULT 7"},
    {14, "INSERT INTO t (value) VALUES (2)"},
};
static const struct ia_migration broken_steps[] = {
    {13, "ALTER TABLE t ADD COLUMN more INTEGER NOT NULL DEFAULT 7"},
    {14, "INSERT INTO t (value) VALUES (2); INSERT INTO t (nothing) VALUES (3)"},
};

#define TABLES                                                                                                         \
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"                       \
    "CREATE TABLE t (value INTEGER NOT NULL) STRICT; INSERT INTO t VALUES (1)"

static const struct ia_schema first = {
    .first_version = 12,
    .version = 12,
    .tables = TABLES,
    .views = "CREATE VIEW v_one AS SELECT value FROM t; CREATE VIEW v_two AS SELECT * FROM v_one"};
static const struct ia_schema second = {
    .first_version = 12,
    .version = 14,
    .tables = "CREATE TABLE setting (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
              "CREATE TABLE t (value INTEGER NOT NULL, -- one\n more INTEGER NOT NULL DEFAULT 7) STRICT",
    .views = "CREATE VIEW v_one AS SELECT value, more FROM t",
    .migrations = steps,
    .count = COUNT(steps),
};

static void migrate(sqlite3 *db, const struct ia_schema *schema, int64_t version)
{
    run(db, "BEGIN IMMEDIATE");
    assert_ok(ia_migrate(db, schema, version, &err));
    run(db, "COMMIT");
}

static void migrations_run_from_the_version_that_is_there(void **state)
{
    (void)state;
    for (int64_t from = 12; from <= 14; from++) {
        sqlite3 *db = open_plainly("migrated.db");
        migrate(db, &first, 0);
        assert_int_equal(ask(db, "SELECT user_version FROM pragma_user_version"), 12);
        assert_int_equal(ask(db, "SELECT application_id FROM pragma_application_id"), IA_APPLICATION_ID);
        if (from > 12) /* as if the first one had run before */
            run(db, "ALTER TABLE t ADD COLUMN more INTEGER NOT NULL DEFAULT 7");
        if (from > 13)
            run(db, "INSERT INTO t (value) VALUES (2)");
        migrate(db, &second, from);
        if (from < 14)
            assert_int_equal(ask(db, "SELECT user_version FROM pragma_user_version"), 14);
        assert_int_equal(ask(db, "SELECT sum(value * 100 + more) FROM v_one"), 314);
        assert_int_equal(ask(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'"), 1);
        sqlite3_close(db);
        unlink("migrated.db");
    }
}

static void a_migration_that_fails_leaves_no_trace(void **state)
{
    (void)state;
    struct ia_schema broken = second;
    broken.migrations = broken_steps;
    sqlite3 *db = open_plainly("migrated.db");
    migrate(db, &first, 0);
    run(db, "BEGIN IMMEDIATE");
    assert_status(IA_IO, ia_migrate(db, &broken, 12, &err));
    assert_non_null(strstr(err.message, "migration to schema version 14"));
    /* the one before holds, the failed one does not, not even its first statement */
    assert_int_equal(ask(db, "SELECT user_version FROM pragma_user_version"), 13);
    assert_int_equal(ask(db, "SELECT sum(value * 100 + more) FROM t"), 107);
    run(db, "ROLLBACK");
    assert_int_equal(ask(db, "SELECT user_version FROM pragma_user_version"), 12);
    assert_int_equal(ask(db, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    assert_int_equal(ask(db, "SELECT count(*) FROM v_two"), 1);
    sqlite3_close(db);
    unlink("migrated.db");
}

static void views_are_made_anew_when_their_text_is_another(void **state)
{
    (void)state;
    bool current = false;
    struct ia_schema other = first;
    other.views = "CREATE VIEW v_one AS SELECT 2 AS value";
    sqlite3 *db = open_plainly("migrated.db");
    migrate(db, &first, 0);
    assert_ok(ia_migrate_has_views(db, &first, &current, &err));
    assert_true(current);
    assert_ok(ia_migrate_has_views(db, &other, &current, &err));
    assert_false(current);
    run(db, "CREATE VIEW \"my \"\"own\"\"\" AS SELECT 3 AS value; CREATE VIEW \"v_\"\"three\" AS SELECT 4 AS value");
    migrate(db, &other, 12);
    assert_int_equal(ask(db, "SELECT value FROM \"my \"\"own\"\"\""), 3);
    run(db, "DROP VIEW \"my \"\"own\"\"\"");
    assert_int_equal(ask(db, "SELECT value FROM v_one"), 2);
    assert_int_equal(ask(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'"), 1);
    int64_t changes = sqlite3_total_changes(db);
    migrate(db, &other, 12);
    assert_int_equal(sqlite3_total_changes(db), changes);
    sqlite3_close(db);
    unlink("migrated.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(a_store_of_a_development_version_is_left_alone),
        in_temp_dir(a_store_with_other_tables_of_the_same_version_is_left_alone),
        cmocka_unit_test(comments_and_white_space_are_no_other_tables),
        in_temp_dir(a_store_of_a_newer_version_is_left_alone),
        in_temp_dir(somebody_elses_database_is_left_alone),
        in_temp_dir(migrations_run_from_the_version_that_is_there),
        in_temp_dir(a_migration_that_fails_leaves_no_trace),
        in_temp_dir(views_are_made_anew_when_their_text_is_another),
    };
    return cmocka_run_group_tests_name("store open", tests, NULL, NULL);
}
