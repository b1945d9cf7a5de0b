/* SPDX-License-Identifier: MIT */
/* From a statement to its output: types, columns chosen, arguments, failures; names of images; the worst finding. */
#include "test_report_store.h"

#include "report/facts.h"
#include "report/lookup.h"

static int setup(void **state)
{
    static struct test_store store;
    store_open(&store);
    add_scan(&store, 1, 0);
    *state = &store;
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

struct run {
    const char *text; /* of the report, header and all */
    const char *format;
    const char *columns;
    const char *out; /* a file to write to; NULL: memory */
    struct ia_argument argument;
};

/* The text is to be freed. */
static enum ia_status try_run(struct test_store *store, const struct run *run, char **text, struct ia_error *err)
{
    struct ia_report report;
    struct ia_reader *reader = NULL;
    size_t len = 0;
    *text = NULL;
    FILE *out = run->out != NULL ? fopen(run->out, "w") : open_memstream(text, &len);
    assert_int_equal(ia_report_parse("mine", run->text, &report, err), IA_OK);
    assert_int_equal(ia_reader_open(store->path, &reader, err), IA_OK);
    const struct ia_report_request request = {
        .report = &report,
        .arguments = &run->argument,
        .argument_count = run->argument.name != NULL,
        .columns = run->columns,
        .renderer = ia_renderer_find(run->format),
    };
    enum ia_status status = ia_report_run(reader, &request, out, err);
    fclose(out);
    ia_reader_close(reader);
    ia_report_release(&report);
    return status;
}

static void expect_run(struct test_store *store, const struct run *run, const char *expected)
{
    struct ia_error err = {0};
    char *text;
    if (try_run(store, run, &text, &err) != IA_OK)
        fail_msg("%s", err.message);
    assert_string_equal(text, expected);
    free(text);
}

static void expect_failure(struct test_store *store, const struct run *run, enum ia_status status, const char *words)
{
    struct ia_error err = {0};
    char *text;
    assert_int_equal(try_run(store, run, &text, &err), status);
    assert_non_null(strstr(err.message, words));
    if (text != NULL)
        assert_string_equal(text, "");
    free(text);
}

static void types_come_from_the_header(void **state)
{
    expect_run(*state, &(struct run){"-- column: f | flag | x\nSELECT 1 AS f, 1 AS g", "ndjson", .columns = NULL},
               "{\"f\": true, \"g\": 1}\n");
}

static void a_unit_decides_the_type_even_when_it_is_not_shown(void **state)
{
    const char *text = "-- column: v | unit | x\nSELECT 1 AS v, 'flag' AS unit UNION ALL SELECT 1536, 'bytes'"
                       " UNION ALL SELECT 3, 'unit' UNION ALL SELECT 4, NULL UNION ALL SELECT 5, 'nonsense'";
    expect_run(*state, &(struct run){text, "ndjson", .columns = "v"},
               "{\"v\": true}\n{\"v\": 1536}\n{\"v\": 3}\n{\"v\": 4}\n{\"v\": 5}\n");
    expect_run(*state, &(struct run){text, "table", .columns = "v"}, "   v\n yes\n1.5K\n   3\n   4\n   5\n");
}

static void suggestions_are_shown_as_commands(void **state)
{
    const char *text = "-- column: s | advice | x\n-- column: t | advice | x\n"
                       "SELECT 'find-users' || char(0) || '/a''b' AS s, 'findings' AS t UNION ALL SELECT NULL, NULL"
                       " UNION ALL SELECT 'remove' || char(0) || CAST(x'2fff' AS TEXT), NULL";
    expect_run(*state, &(struct run){text, "csv", .columns = NULL},
               "s,t\nfuser -v '/a'\\''b',imgaudit report --findings\n,\nimgaudit prove '/\xff' && rm -- '/\xff',\n");
    expect_run(*state, &(struct run){text, "ndjson", .columns = "s"},
               "{\"s\": \"fuser -v '/a'\\\\''b'\"}\n{\"s\": null}\n"
               "{\"s\": \"imgaudit prove '/\xef\xbf\xbd' && rm -- '/\xef\xbf\xbd'\","
               " \"s_hex\": \"696d676175646974"
               "2070726f766520272fff27202626"
               "20726d202d2d20272fff27\"}\n");
    expect_failure(*state,
                   &(struct run){"-- column: s | advice | x\nSELECT 'nonsense' AS s", "csv", .out = "/dev/null"},
                   IA_USAGE, "there is no suggestion 'nonsense'");
}

static void columns_are_chosen_and_ordered_in_every_format(void **state)
{
    const char *text = "SELECT 1 AS a, 2 AS b, 3 AS c";
    expect_run(*state, &(struct run){text, "csv", .columns = "c,a"}, "c,a\n3,1\n");
    expect_run(*state, &(struct run){text, "ndjson", .columns = "c,a"}, "{\"c\": 3, \"a\": 1}\n");
    expect_run(*state, &(struct run){text, "table", .columns = "c,a"}, "c a\n3 1\n");
    expect_failure(*state, &(struct run){text, "json", .columns = "c,d"}, IA_USAGE, "no column 'd'");
}

static void columns_of_one_name_are_numbered(void **state)
{
    expect_run(*state, &(struct run){"SELECT 1 AS a, 2 AS a_2, 3 AS a, 4 AS a", "csv", .columns = NULL},
               "a,a_2,a_3,a_4\n1,2,3,4\n");
}

static void arguments_are_bound_by_type(void **state)
{
    const char *text = "-- parameter: :x | a value\nSELECT typeof(:x) AS t, :x AS v";
    expect_run(*state, &(struct run){text, "csv", .argument = {":x", "12", true}}, "t,v\ninteger,12\n");
    expect_run(*state, &(struct run){text, "csv", .argument = {":x", "12", false}}, "t,v\ntext,12\n");
    expect_run(*state, &(struct run){text, "csv", .argument = {":x", "a' OR 1 --\xff", false}},
               "t,v\ntext,a' OR 1 --\xff\n");
    expect_run(*state, &(struct run){text, "csv", .argument = {":x", NULL, false}}, "t,v\nnull,\n");
    expect_failure(*state, &(struct run){text, "csv", .argument = {":x", "99999999999999999999", true}}, IA_USAGE,
                   "too large");
}

/* What gets no value would be NULL, and the answer one to another question. */
static void undeclared_and_unknown_parameters_are_refused(void **state)
{
    const struct ia_argument image = {":image", "/x", false};
    expect_failure(*state, &(struct run){"-- title: t\nSELECT :image", "csv", .argument = image}, IA_USAGE,
                   "report 'mine' uses :image but does not declare it: add the line '-- parameter: :image | MEANING'");
    expect_failure(*state, &(struct run){"-- parameter: :x | a value\nSELECT :x", "csv", .argument = image}, IA_USAGE,
                   "the parameter :x, which nothing here gives a value");
    expect_failure(*state, &(struct run){"SELECT ?", "csv", .argument = image}, IA_USAGE, "the parameter ?");
    expect_failure(*state, &(struct run){"SELECT $image, @x", "csv", .argument = image}, IA_USAGE, "parameter $image");
    expect_failure(*state, &(struct run){"SELECT :image", "csv", .columns = NULL}, IA_USAGE, "parameter :image");
}

static void what_cannot_run_leaves_no_output(void **state)
{
    expect_failure(*state, &(struct run){"SELECT nope", "json", .columns = NULL}, IA_USAGE, "nope");
    expect_failure(*state, &(struct run){"DELETE FROM image", "json", .columns = NULL}, IA_USAGE, "read");
    expect_failure(*state, &(struct run){"-- nothing", "json", .columns = NULL}, IA_USAGE, "no SQL");
    expect_failure(*state, &(struct run){"SELECT abs(-9223372036854775808)", "json", .columns = NULL}, IA_IO,
                   "overflow");
}

static void a_full_disk_ends_the_rows(void **state)
{
    const struct run run = {"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c", "csv",
                            .out = "/dev/full"};
    expect_failure(*state, &run, IA_FULL, "cannot write the output");
}

static void json_has_the_scan_and_the_basis(void **state)
{
    store_exec(*state, "INSERT INTO " SCAN_OPTION_ROW " VALUES (1, 'root', '/b'), (1, 'root', '/a');"
                       "INSERT INTO " FINDING_ROW " VALUES (1, 'unreadable', 'error', '/a', '', 'unread', 1, 1), (2, "
                       "'unreadable', 'error', '/b', '', NULL, 1, 1);"
                       "UPDATE scan SET errors = 2, doubts = 1");
    expect_run(
        *state, &(struct run){"SELECT 1 AS a LIMIT 0", "json", .columns = NULL},
        "{\"imgaudit_format\": [1, 0],\n\"report\": \"mine\",\n"
        "\"scan\": {\"scan_id\": 1, \"started\": \"2025-01-01T00:00:00Z\", \"finished\": \"2025-01-01T00:00:01Z\", "
        "\"roots\": \"/a\\n/b\", \"images\": 5, \"errors\": 2, \"complete\": false, \"walked\": 9, "
        "\"passed_over\": 2, \"parsed\": 4, \"added\": 2, \"changed\": 3, \"unchanged\": 1, \"renamed\": 6, "
        "\"vanished\": 8},\n"
        "\"basis\": {\"complete\": false, \"hiding_findings\": 1, \"errors\": 2},\n\"rows\": []}\n");
    store_exec(*state, "DELETE FROM scan");
    expect_run(*state, &(struct run){"SELECT 1 AS a LIMIT 0", "json", .columns = NULL},
               "{\"imgaudit_format\": [1, 0],\n\"report\": \"mine\",\n\"scan\": null,\n"
               "\"basis\": {\"complete\": false, \"hiding_findings\": 0, \"errors\": 0},\n\"rows\": []}\n");
}

static bool reaches(struct test_store *store, const char *severity)
{
    struct ia_error err = {0};
    struct ia_reader *reader = NULL;
    bool reached;
    assert_int_equal(ia_reader_open(store->path, &reader, &err), IA_OK);
    assert_int_equal(ia_findings_reach(reader, severity, &reached, &err), IA_OK);
    ia_reader_close(reader);
    return reached;
}

static void findings_reach_a_severity(void **state)
{
    assert_false(reaches(*state, "info"));
    store_exec(*state, "INSERT INTO " FINDING_ROW " VALUES (1, 'dirty', 'warning', '/a', '', NULL, 1, 1)");
    assert_true(reaches(*state, "info"));
    assert_true(reaches(*state, "warning"));
    assert_false(reaches(*state, "error"));
    add_scan(*state, 2, 60); /* the finding is of the past now */
    assert_false(reaches(*state, "info"));
    assert_true(ia_severity_is_known("error"));
    assert_false(ia_severity_is_known("Error"));
}

static void images_are_found_by_any_name(void **state)
{
    struct test_store *store = *state;
    struct ia_error err = {0};
    struct ia_reader *reader = NULL;
    struct ia_buf path = {0};
    char dir[] = "/tmp/imgaudit-lookup-XXXXXX";
    char file[64];
    char link[64];
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/file", dir);
    snprintf(link, sizeof(link), "%s/link", dir);
    fclose(fopen(file, "w"));
    assert_int_equal(symlink("file", link), 0);
    add_image(store, 1, file);
    add_image(store, 2, "/gone/since\xff");
    store_exec(store, "INSERT INTO " FILE_NAME_ROW " VALUES ('gone-too', 2, 'file')");
    assert_int_equal(ia_reader_open(store->path, &reader, &err), IA_OK);
    assert_int_equal(ia_image_lookup(reader, link, &path, &err), IA_OK);
    assert_string_equal(path.data, file);
    assert_int_equal(ia_image_lookup(reader, "/gone/since\xff", &path, &err), IA_OK);
    assert_string_equal(path.data, "/gone/since\xff");
    assert_int_equal(ia_image_lookup(reader, "gone-too", &path, &err), IA_OK);
    assert_int_equal(ia_image_lookup(reader, dir, &path, &err), IA_MISSING);
    assert_int_equal(ia_image_lookup(reader, "", &path, &err), IA_MISSING);
    ia_buf_release(&path);
    ia_reader_close(reader);
    unlink(link);
    unlink(file);
    rmdir(dir);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(types_come_from_the_header),
        TEST(a_unit_decides_the_type_even_when_it_is_not_shown),
        TEST(suggestions_are_shown_as_commands),
        TEST(columns_are_chosen_and_ordered_in_every_format),
        TEST(columns_of_one_name_are_numbered),
        TEST(arguments_are_bound_by_type),
        TEST(undeclared_and_unknown_parameters_are_refused),
        TEST(what_cannot_run_leaves_no_output),
        TEST(a_full_disk_ends_the_rows),
        TEST(json_has_the_scan_and_the_basis),
        TEST(findings_reach_a_severity),
        TEST(images_are_found_by_any_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
