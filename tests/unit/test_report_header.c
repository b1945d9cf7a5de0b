/* SPDX-License-Identifier: MIT */
/* Headers of reports: what is understood, what is refused, and how includes are put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/report.h"

static void every_kind_of_line_is_read(void **state)
{
    (void)state;
    struct ia_error err = {0};
    struct ia_report report;
    assert_int_equal(ia_report_parse("r",
                                     "-- SPDX-License-Identifier: MIT\n"
                                     "-- title:  Two words \r\n"
                                     "--about: first\n"
                                     "\n"
                                     "  -- about: second: with | a bar\n"
                                     "-- column: path | path | where | it is\n"
                                     "-- column: size|bytes|\n"
                                     "-- parameter: :image | any path\n"
                                     "-- just a comment\n"
                                     "SELECT 1 AS path,\n"
                                     "-- column: late | nonsense\n"
                                     "2 AS size;\n",
                                     &report, &err),
                     IA_OK);
    assert_string_equal(report.name, "r");
    assert_string_equal(report.title, "Two words");
    assert_int_equal(report.about.len, 2);
    assert_string_equal(report.about.items[0], "first");
    assert_string_equal(report.about.items[1], "second: with | a bar");
    assert_int_equal(report.columns.len, 2);
    assert_string_equal(report.columns.items[0].name, "path");
    assert_int_equal(report.columns.items[0].type, IA_COLUMN_PATH);
    assert_string_equal(report.columns.items[0].meaning, "where | it is");
    assert_string_equal(report.columns.items[1].name, "size");
    assert_int_equal(report.columns.items[1].type, IA_COLUMN_BYTES);
    assert_string_equal(report.columns.items[1].meaning, "");
    assert_true(ia_report_has_parameter(&report, ":image"));
    assert_false(ia_report_has_parameter(&report, ":since"));
    assert_ptr_equal(ia_report_column(&report, "size"), &report.columns.items[1]);
    assert_null(ia_report_column(&report, "siz"));
    assert_string_equal(report.sql, "\nSELECT 1 AS path,\n-- column: late | nonsense\n2 AS size;\n");
    ia_report_release(&report);
}

static void each_type_has_its_word(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum ia_column_type type;
    } types[] = {
        {"bytes", IA_COLUMN_BYTES}, {"count", IA_COLUMN_COUNT},   {"text", IA_COLUMN_TEXT}, {"path", IA_COLUMN_PATH},
        {"ratio", IA_COLUMN_RATIO}, {"flag", IA_COLUMN_FLAG},     {"time", IA_COLUMN_TIME}, {"unit", IA_COLUMN_UNIT},
        {"any", IA_COLUMN_ANY},     {"advice", IA_COLUMN_ADVICE},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        enum ia_column_type type;
        assert_true(ia_column_type_parse(types[i].word, strlen(types[i].word), &type));
        assert_int_equal(type, types[i].type);
        assert_false(ia_column_type_parse(types[i].word, strlen(types[i].word) - 1, &type));
    }
}

static void a_header_is_not_needed(void **state)
{
    (void)state;
    struct ia_error err = {0};
    struct ia_report report;
    assert_int_equal(ia_report_parse("r", "SELECT 1", &report, &err), IA_OK);
    assert_string_equal(report.title, "");
    assert_int_equal(report.columns.len, 0);
    ia_report_release(&report);
    assert_int_equal(ia_report_parse("r", "-- only a comment", &report, &err), IA_OK);
    assert_string_equal(report.sql, "\n");
    ia_report_release(&report);
}

static void bad_lines_are_refused_with_their_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "column: size",      "column: size | bytes",    "column: size | Bytes | x", "column: | bytes | x",
        "column: size || x", "parameter: image | x",    "parameter: :image",        "parameter: : | x",
        "include:",          "include: no-such-report",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        struct ia_error err = {0};
        struct ia_report report;
        snprintf(text, sizeof(text), "-- title: t\n\n-- %s\nSELECT 1", bad[i]);
        assert_int_equal(ia_report_parse("mine", text, &report, &err), IA_USAGE);
        bool has_line = strstr(err.message, "'mine', line 3") != NULL;
        assert_int_equal(has_line, i < 9);
        ia_report_release(&report);
    }
}

static void includes_come_first(void **state)
{
    (void)state;
    static const char *const bodies[] = {"SELECT * FROM unused_backing",
                                         "WITH a AS (SELECT 1) SELECT * FROM unused_backing",
                                         "with\trecursive a AS (SELECT 1) SELECT * FROM unused_backing"};
    static const char *const ends[] = {"\n)\nSELECT * FROM unused_backing",
                                       "\n),\na AS (SELECT 1) SELECT * FROM unused_backing",
                                       "\n),\na AS (SELECT 1) SELECT * FROM unused_backing"};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        struct ia_error err = {0};
        struct ia_report report;
        snprintf(text, sizeof(text), "-- include: unused-backing\n%s", bodies[i]);
        assert_int_equal(ia_report_parse("mine", text, &report, &err), IA_OK);
        static const char begin[] = "WITH RECURSIVE unused_backing AS (\n";
        assert_memory_equal(report.sql, begin, strlen(begin));
        assert_string_equal(report.sql + strlen(report.sql) - strlen(ends[i]), ends[i]);
        ia_report_release(&report);
    }
}

static void embedded_reports_are_found_by_name(void **state)
{
    (void)state;
    static const char *const needed[] = {"summary",  "backing", "unused-backing", "sharing", "sparse",
                                         "findings", "growth",  "dependents",     "tree"};
    struct ia_error err = {0};
    struct ia_report report;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        assert_int_equal(ia_report_embedded(needed[i], &report, &err), IA_OK);
        ia_report_release(&report);
    }
    assert_int_equal(ia_report_embedded("backin", &report, &err), IA_USAGE);
    assert_non_null(strstr(err.message, "unused-backing"));
    ia_report_release(&report);
}

static void write_file(char *path, const char *bytes, size_t len)
{
    strcpy(path, "/tmp/imgaudit-a.b-XXXXXX.sql");
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void a_report_is_loaded_from_a_file_and_named_after_it(void **state)
{
    (void)state;
    struct ia_error err = {0};
    struct ia_report report;
    char path[64];
    write_file(path, "-- title: mine\nSELECT 1", 23);
    assert_int_equal(ia_report_load(path, &report, &err), IA_OK);
    assert_string_equal(report.title, "mine");
    assert_memory_equal(report.name, "imgaudit-a.b-", 13);
    assert_null(strstr(report.name, ".sql"));
    ia_report_release(&report);
    unlink(path);
    assert_int_equal(ia_report_load(path, &report, &err), IA_MISSING);
    ia_report_release(&report);
    assert_int_equal(ia_report_load("/", &report, &err), IA_IO);
    ia_report_release(&report);
}

static void refuses_files_that_are_no_text(void **state)
{
    (void)state;
    struct ia_error err = {0};
    struct ia_report report;
    char path[64];
    write_file(path, "SELECT\0 1", 9);
    assert_int_equal(ia_report_load(path, &report, &err), IA_USAGE);
    ia_report_release(&report);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(ia_report_load(path, &report, &err), IA_USAGE);
    ia_report_release(&report);
    assert_int_equal(truncate(path, 1 << 30), 0);
    assert_int_equal(ia_report_load(path, &report, &err), IA_USAGE);
    assert_non_null(strstr(err.message, "longer"));
    ia_report_release(&report);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line_is_read),
        cmocka_unit_test(each_type_has_its_word),
        cmocka_unit_test(a_header_is_not_needed),
        cmocka_unit_test(bad_lines_are_refused_with_their_numbers),
        cmocka_unit_test(includes_come_first),
        cmocka_unit_test(embedded_reports_are_found_by_name),
        cmocka_unit_test(a_report_is_loaded_from_a_file_and_named_after_it),
        cmocka_unit_test(refuses_files_that_are_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
