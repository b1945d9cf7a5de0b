/* SPDX-License-Identifier: MIT */
/* What is compared and what is let through: SQL texts, the lists of functions and pragmas, and the rules for queries
 * and for SQL of our own on one connection. */
#include <sqlite3.h>
#include <string.h>

#include "store/connection.h"
#include "store/extents.h"
#include "store/guard.h"
#include "store/reader.h"
#include "store/reader_internal.h"
#include "store/sql_text.h"
#include "store/writer.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static bool same(const char *a, const char *b)
{
    return ia_sql_same(ia_sql_text_of(a), ia_sql_text_of(b));
}

static void comments_and_white_space_make_no_other_text(void **state)
{
    (void)state;
    static const char text[] = "CREATE TABLE t (a, b DEFAULT 'x  y')";
    assert_true(same(text, "CREATE  TABLE\nt(a,b DEFAULT 'x  y')"));
    assert_true(same(text, "CREATE TABLE t (a, -- one\n b /* two */ DEFAULT 'x  y')--"));
    assert_true(same(text, "/**/CREATE TABLE t (a, b DEFAULT 'x  y') "));
    assert_true(same("a--", "a"));
    assert_true(same("", "-- nothing"));
}

static void every_other_token_makes_another_text(void **state)
{
    (void)state;
    static const char text[] = "CREATE TABLE t (a, b DEFAULT 'x  y')";
    assert_false(same(text, "CREATE TABLE t (a, b DEFAULT 'x y')"));
    assert_false(same(text, "CREATE TABLE t (a, b DEFAULT 'x  y') STRICT"));
    assert_false(same(text, "CREATE TABLE t (a, b DEFAULT 'x  y'"));
    assert_false(same(text, "CREATE TABLE ta (, b DEFAULT 'x  y')"));
    assert_false(same(text, "CREATETABLE t (a, b DEFAULT 'x  y')"));
    assert_false(same(text, "CREATE TABLE t (a, b DEFAULT \"x  y\")"));
    assert_false(same("a '--'", "a '-- '"));
    assert_false(same("a '/*' b", "a '/* b'"));
}

static void a_script_is_split_at_semicolons_outside_of_quotes(void **state)
{
    (void)state;
    struct ia_sql_text script =
        ia_sql_text_of("-- first;\n CREATE TABLE a (x DEFAULT ';');;\n"
                       "CREATE UNIQUE INDEX b ON a (x) /* ; */; INSERT INTO a VALUES (1); -- end");
    static const char *const names[] = {"a", "b", NULL};
    struct ia_sql_text statement, name;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(ia_sql_statement(&script, &statement));
        assert_int_equal(ia_sql_created(statement, &name), names[i] != NULL);
        if (names[i] != NULL)
            assert_true(name.len == strlen(names[i]) && memcmp(name.start, names[i], name.len) == 0);
    }
    assert_false(ia_sql_statement(&script, &statement));
}

static void a_view_is_found_by_its_text_and_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool is_view;
    } cases[] = {
        {"CREATE VIEW mine AS SELECT 1", "mine", true},
        {"CREATE VIEW \"my \"\"own\"\"\" AS SELECT 1", "my \"own\"", true},
        {"CREATE VIEW [my own](x) AS SELECT 1", "my own", true},
        {"CREATE VIEW 'it''s' AS SELECT 1", "it's", true},
        {"CREATE VIEW mine AS SELECT 1", "min", false},
        {"CREATE VIEW mine AS SELECT 1", "mines", false},
        {"CREATE VIEW \"mine\" AS SELECT 1", "mines", false},
        {"CREATE VIEW \"mine", "mine", false},
        {"CREATE VIEW \"\"", "\"", false},
        {"CREATE VIEW", "", false},
        {"CREATE TRIGGER mine AFTER INSERT ON t BEGIN SELECT 1; END", "mine", false},
        {"/* CREATE VIEW mine */ CREATE TABLE mine (x)", "mine", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (ia_sql_is_view(ia_sql_text_of(cases[i].text), cases[i].name) != cases[i].is_view)
            fail_msg("%s: %s", cases[i].name, cases[i].text);
}

/* A list that is not sorted loses some of its names. */
static void every_name_of_the_lists_is_found_whatever_its_case(void **state)
{
    (void)state;
    static const char *const functions[] = {"->",        "->>",          "abs",        "avg",    "concat",
                                            "concat_ws", "if",           "iif",        "json",   "json_array",
                                            "like",      "likelihood",   "likely",     "log",    "log10",
                                            "log2",      "percent_rank", "percentile", "SUBSTR", "zeroblob"};
    static const char *const others[] = {
        "load_extension", "FTS3_TOKENIZER", "randomblob", "collect_extents", "json_eac", "", "zz"};
    for (size_t i = 0; i < COUNT(functions); i++)
        assert_true(ia_guard_function_is_known(functions[i]) && ia_guard_own_function_is_known(functions[i]));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(ia_guard_function_is_known(others[i]));
    assert_true(ia_guard_own_function_is_known("collect_extents"));
    assert_false(ia_guard_own_function_is_known("load_extension"));
    assert_true(ia_guard_pragma_reads("table_info", "image") && ia_guard_pragma_reads("user_version", NULL));
    assert_false(ia_guard_pragma_reads("user_version", "1") || ia_guard_pragma_reads("writable_schema", NULL));
    assert_true(ia_guard_own_pragma_is_known("wal_checkpoint") && ia_guard_own_pragma_is_known("application_id"));
    assert_false(ia_guard_own_pragma_is_known("writable_schema"));
}

static struct ia_reader *open_store(void)
{
    struct ia_writer *writer;
    struct ia_reader *reader;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_reader_open("store.db", &reader, &err));
    return reader;
}

static void sql_of_ours_writes_temporary_tables_and_nothing_else(void **state)
{
    (void)state;
    struct ia_reader *reader = open_store();
    sqlite3 *db = ia_reader_connection(reader);
    assert_ok(ia_connection_exec(db, "CREATE TEMP TABLE t (x); CREATE INDEX temp.i ON t (x); INSERT INTO t VALUES (1)",
                                 &err));
    static const char *const refused[] = {
        "ATTACH 'other.db' AS o",
        "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.f USING fts5(x)",
        "SELECT load_extension('x')",
        "PRAGMA writable_schema = ON",
        "CREATE TABLE main.m (x)",
        "DELETE FROM scan",
    };
    for (size_t i = 0; i < COUNT(refused); i++)
        if (ia_connection_exec(db, refused[i], &err) != IA_DENIED && strstr(err.message, "not authorized") == NULL)
            fail_msg("%s: %s", refused[i], err.message);
    ia_reader_close(reader);
}

/* sqlite prepares a statement again when the schema has changed since. */
static void a_query_that_is_prepared_again_stays_a_query(void **state)
{
    (void)state;
    struct ia_reader *reader = open_store();
    struct ia_query *query;
    sqlite3_stmt *extents;
    bool row;
    assert_ok(ia_extents_prepare(ia_reader_connection(reader), &extents, &err)); /* brings a function of ours */
    sqlite3_finalize(extents);
    assert_ok(ia_query_open(reader, "SELECT count(*) FROM image", &query, &err));
    assert_ok(ia_connection_exec(ia_reader_connection(reader),
                                 "CREATE TEMP TABLE image (x);"
                                 "INSERT INTO temp.image VALUES (1)",
                                 &err));
    assert_ok(ia_query_step(query, &row, &err));
    assert_true(row && ia_query_int(query, 0) == 1);
    ia_query_close(query);
    assert_status(IA_USAGE, ia_query_open(reader, "INSERT INTO temp.image VALUES (1) RETURNING x", &query, &err));
    assert_status(IA_USAGE, ia_query_open(reader, "SELECT collect_extents(1, 2, 3, 4, 5, 6)", &query, &err));
    assert_non_null(strstr(err.message, "the function 'collect_extents'"));
    ia_reader_close(reader);
}

static bool at_once(void *ctx)
{
    ++*(int *)ctx;
    return true;
}

static void a_query_ends_when_it_is_to_end(void **state)
{
    (void)state;
    struct ia_reader *reader = open_store();
    struct ia_query *query;
    int asked = 0;
    bool row;
    ia_reader_stop_when(reader, at_once, &asked);
    assert_ok(ia_query_open(reader,
                            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
                            &query, &err));
    assert_status(IA_INTERRUPTED, ia_query_step(query, &row, &err));
    assert_int_equal(asked, 1);
    ia_query_close(query);
    assert_ok(ia_query_open(reader, "SELECT 7", &query, &err));
    assert_ok(ia_query_step(query, &row, &err));
    assert_true(row);
    ia_query_close(query);
    ia_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_and_white_space_make_no_other_text),
        cmocka_unit_test(every_other_token_makes_another_text),
        cmocka_unit_test(a_script_is_split_at_semicolons_outside_of_quotes),
        cmocka_unit_test(a_view_is_found_by_its_text_and_its_name),
        cmocka_unit_test(every_name_of_the_lists_is_found_whatever_its_case),
        in_temp_dir(sql_of_ours_writes_temporary_tables_and_nothing_else),
        in_temp_dir(a_query_that_is_prepared_again_stays_a_query),
        in_temp_dir(a_query_ends_when_it_is_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
