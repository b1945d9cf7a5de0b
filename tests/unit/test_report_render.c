/* SPDX-License-Identifier: MIT */
/* Renderers: what each format makes of odd bytes, of every type of value, of no rows; sizes; columns chosen; outputs.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json.h>

#include "report/draw.h"
#include "report/output.h"
#include "report/render.h"
#include "report/select.h"
#include "report/text.h"

/* A text cell of all bytes of a literal. Versions of clang-format differ in how they lay out such macros. */
/* clang-format off */
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        .value = IA_VALUE_TEXT, .type = IA_COLUMN_PATH, .text = (literal), .len = sizeof(literal) - 1                  \
    }
#define INT(number, as)                                                                                                \
    {                                                                                                                  \
        .value = IA_VALUE_INT, .type = (as), .integer = (number)                                                       \
    }
#define REAL(number, as)                                                                                               \
    {                                                                                                                  \
        .value = IA_VALUE_REAL, .type = (as), .real = (number)                                                         \
    }
/* clang-format on */

static const struct ia_column path_column[] = {{"path", IA_COLUMN_PATH, NULL}};

static char *render(const char *format, const struct ia_render_options *options, const struct ia_render_head *head,
                    const struct ia_cell *cells, size_t rows)
{
    struct ia_error err = {0};
    struct ia_render state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(ia_render_begin(&state, ia_renderer_find(format), options, head, out, &err), IA_OK);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(ia_render_row(&state, cells + i * head->count, &err), IA_OK);
    assert_int_equal(ia_render_end(&state, &err), IA_OK);
    ia_render_release(&state);
    fclose(out);
    assert_int_equal(strlen(text), len);
    return text;
}

static void expect(const char *format, const struct ia_render_head *head, const struct ia_cell *cells, size_t rows,
                   const char *expected)
{
    const struct ia_render_options options = {.utf8 = true};
    char *text = render(format, &options, head, cells, rows);
    assert_string_equal(text, expected);
    free(text);
}

static void expect_path(const char *format, struct ia_cell cell, const char *expected)
{
    const struct ia_render_head head = {"r", path_column, 1, NULL, NULL};
    expect(format, &head, &cell, 1, expected);
}

/* A name of all bytes that a name can have. */
static struct ia_cell all_bytes(char *bytes)
{
    for (int i = 0; i < 255; i++)
        bytes[i] = (char)(i + 1);
    return (struct ia_cell){.value = IA_VALUE_TEXT, .type = IA_COLUMN_PATH, .text = bytes, .len = 255};
}

static void json_escapes_quotes_and_control_characters(void **state)
{
    (void)state;
    expect_path("ndjson", (struct ia_cell)TEXT("a\"b\\c\nd\te"), "{\"path\": \"a\\\"b\\\\c\\nd\\te\"}\n");
    expect_path("ndjson", (struct ia_cell)TEXT("\x01\x1f\x7f"), "{\"path\": \"\\u0001\\u001f\\u007f\"}\n");
    expect_path("ndjson", (struct ia_cell)TEXT("%s%n, -x é日😀"), "{\"path\": \"%s%n, -x é日😀\"}\n");
    expect_path("ndjson", (struct ia_cell)TEXT(""), "{\"path\": \"\"}\n");
}

static void json_adds_in_hexadecimal_what_is_no_text(void **state)
{
    (void)state;
    expect_path("ndjson", (struct ia_cell)TEXT("a\xff"), "{\"path\": \"a\xef\xbf\xbd\", \"path_hex\": \"61ff\"}\n");
    /* Overlong, surrogate, past the end of Unicode, cut short. */
    expect_path("ndjson", (struct ia_cell)TEXT("\xc0\xaf"),
                "{\"path\": \"\xef\xbf\xbd\xef\xbf\xbd\", \"path_hex\": \"c0af\"}\n");
    expect_path("ndjson", (struct ia_cell)TEXT("\xed\xa0\x80"),
                "{\"path\": \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\", \"path_hex\": \"eda080\"}\n");
    expect_path("ndjson", (struct ia_cell)TEXT("\xe6\x97"),
                "{\"path\": \"\xef\xbf\xbd\xef\xbf\xbd\", \"path_hex\": \"e697\"}\n");
}

static json_object *parse_strictly(const char *text)
{
    enum json_tokener_error error;
    json_tokener *tokener = json_tokener_new();
    /* The strict mode of json-c 0.18 takes bytes above 127 for control characters. */
    int strict = json_c_version_num() == (0 << 16 | 18 << 8) ? 0 : JSON_TOKENER_STRICT;
    json_tokener_set_flags(tokener, strict | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
    error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success)
        fail_msg("%s: %s", json_tokener_error_desc(error), text);
    return object;
}

/* By somebody else's parser. */
static void json_is_valid_for_all_bytes(void **state)
{
    (void)state;
    char bytes[255];
    const struct ia_cell cell = all_bytes(bytes);
    const struct ia_render_options options = {0};
    const struct ia_row basis = {path_column, &cell, 1};
    const struct ia_render_head head = {"a\"report\n", path_column, 1, NULL, &basis};
    char *text = render("json", &options, &head, &cell, 1);
    json_object *report = parse_strictly(text);
    json_object *rows = json_object_object_get(report, "rows");
    json_object *row = json_object_array_get_idx(rows, 0);
    const char *hex = json_object_get_string(json_object_object_get(row, "path_hex"));
    assert_string_equal(json_object_get_string(json_object_object_get(report, "report")), "a\"report\n");
    assert_int_equal(strlen(hex), 510);
    for (unsigned i = 0; i < 255; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * (size_t)i, "%2x", &byte), 1);
        assert_int_equal(byte, i + 1);
    }
    json_object_put(report);
    free(text);
}

static const struct ia_column all_types[] = {
    {"any", IA_COLUMN_ANY, NULL},     {"bytes", IA_COLUMN_BYTES, NULL}, {"count", IA_COLUMN_COUNT, NULL},
    {"ratio", IA_COLUMN_RATIO, NULL}, {"flag", IA_COLUMN_FLAG, NULL},   {"time", IA_COLUMN_TIME, NULL},
};

static const struct ia_cell typed_cells[] = {
    INT(7, IA_COLUMN_ANY),
    INT(1610612736, IA_COLUMN_BYTES),
    INT(INT64_MIN, IA_COLUMN_COUNT),
    REAL(0.1, IA_COLUMN_RATIO),
    INT(1, IA_COLUMN_FLAG),
    TEXT("2025-01-01T00:00:00Z"),
    REAL(1e300, IA_COLUMN_ANY),
    {.value = IA_VALUE_NULL, .type = IA_COLUMN_BYTES},
    {.value = IA_VALUE_NULL, .type = IA_COLUMN_COUNT},
    {.value = IA_VALUE_NULL, .type = IA_COLUMN_RATIO},
    INT(0, IA_COLUMN_FLAG),
    {.value = IA_VALUE_NULL, .type = IA_COLUMN_TIME},
};

static const struct ia_render_head typed_head = {"r", all_types, 6, NULL, NULL};

static void json_writes_each_type_as_it_should(void **state)
{
    (void)state;
    expect("ndjson", &typed_head, typed_cells, 2,
           "{\"any\": 7, \"bytes\": 1610612736, \"count\": -9223372036854775808, \"ratio\": 0.1, \"flag\": true, "
           "\"time\": \"2025-01-01T00:00:00Z\"}\n"
           "{\"any\": 1e+300, \"bytes\": null, \"count\": null, \"ratio\": null, \"flag\": false, \"time\": null}\n");
}

static void csv_writes_each_type_as_it_should(void **state)
{
    (void)state;
    expect("csv", &typed_head, typed_cells, 2,
           "any,bytes,count,ratio,flag,time\n"
           "7,1610612736,-9223372036854775808,0.1,1,2025-01-01T00:00:00Z\n"
           "1e+300,,,,0,\n");
}

static void tables_write_each_type_for_people(void **state)
{
    (void)state;
    expect("table", &typed_head, typed_cells, 2,
           "   any bytes                count ratio flag time\n"
           "     7  1.5G -9223372036854775808  0.10 yes  2025-01-01T00:00:00Z\n"
           "1e+300     -                    -     - no   -\n");
    const struct ia_render_options options = {.bytes = true};
    char *text = render("table", &options, &typed_head, typed_cells, 1);
    assert_non_null(strstr(text, " 1610612736 "));
    free(text);
}

static void infinite_numbers_are_null_in_json(void **state)
{
    (void)state;
    const struct ia_column column = {"x", IA_COLUMN_ANY, NULL};
    const struct ia_render_head head = {"r", &column, 1, NULL, NULL};
    const struct ia_cell cell = REAL(__builtin_inf(), IA_COLUMN_ANY);
    expect("ndjson", &head, &cell, 1, "{\"x\": null}\n");
}

static void json_has_the_scan_the_basis_and_the_rows(void **state)
{
    (void)state;
    static const struct ia_column facts[] = {{"scan_id", IA_COLUMN_COUNT, NULL}, {"complete", IA_COLUMN_FLAG, NULL}};
    static const struct ia_cell values[] = {INT(3, IA_COLUMN_COUNT), INT(0, IA_COLUMN_FLAG)};
    static const struct ia_row row = {facts, values, 2};
    static const struct ia_cell cells[] = {TEXT("/a"), TEXT("/b")};
    const struct ia_render_head head = {"backing", path_column, 1, &row, &row};
    expect("json", &head, cells, 2,
           "{\"imgaudit_format\": [1, 0],\n\"report\": \"backing\",\n\"scan\": {\"scan_id\": 3, \"complete\": false},\n"
           "\"basis\": {\"scan_id\": 3, \"complete\": false},\n\"rows\": [\n{\"path\": \"/a\"},\n{\"path\": "
           "\"/b\"}\n]}\n");
    const struct ia_render_head empty = {"backing", path_column, 1, NULL, NULL};
    expect(
        "json", &empty, NULL, 0,
        "{\"imgaudit_format\": [1, 0],\n\"report\": \"backing\",\n\"scan\": null,\n\"basis\": null,\n\"rows\": []}\n");
}

static void without_rows_csv_keeps_its_head_and_a_table_has_a_note(void **state)
{
    (void)state;
    const struct ia_render_head head = {"r", path_column, 1, NULL, NULL};
    expect("ndjson", &head, NULL, 0, "");
    expect("csv", &head, NULL, 0, "path\n");
    expect("table", &head, NULL, 0, "no rows\n");
}

static void csv_quotes_what_readers_would_mistake(void **state)
{
    (void)state;
    static const struct {
        struct ia_cell cell;
        const char *expected;
    } cases[] = {
        {TEXT("/plain"), "path\n/plain\n"},   {TEXT("a,b"), "path\n\"a,b\"\n"},
        {TEXT("a\"b"), "path\n\"a\"\"b\"\n"}, {TEXT("a\nb"), "path\n\"a\nb\"\n"},
        {TEXT("a\rb"), "path\n\"a\rb\"\n"},   {TEXT(" a"), "path\n\" a\"\n"},
        {TEXT("a "), "path\n\"a \"\n"},       {TEXT(""), "path\n\"\"\n"},
        {TEXT("\""), "path\n\"\"\"\"\n"},     {TEXT("a\tb\\c%s-\xff"), "path\na\tb\\c%s-\xff\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_path("csv", cases[i].cell, cases[i].expected);
    const struct ia_column odd = {"a,\"b\"", IA_COLUMN_ANY, NULL};
    const struct ia_render_head head = {"r", &odd, 1, NULL, NULL};
    expect("csv", &head, NULL, 0, "\"a,\"\"b\"\"\"\n");
}

/* Read back as RFC 4180 says, a quoted field has all its bytes. */
static void csv_keeps_all_bytes(void **state)
{
    (void)state;
    char bytes[255];
    char back[300];
    size_t len = 0;
    const struct ia_cell cell = all_bytes(bytes);
    const struct ia_render_options options = {0};
    const struct ia_render_head head = {"r", path_column, 1, NULL, NULL};
    char *text = render("csv", &options, &head, &cell, 1);
    const char *at = text + strlen("path\n\"");
    for (; at[0] != '"' || at[1] == '"'; at++) {
        if (at[0] == '"')
            at++;
        back[len++] = *at;
    }
    assert_string_equal(at, "\"\n");
    assert_int_equal(len, 255);
    assert_memory_equal(back, bytes, 255);
    free(text);
}

static void shows(bool utf8, const char *bytes, size_t len, const char *expected)
{
    struct ia_buf out = {0};
    ia_buf_add_str(&out, "");
    ia_text_show(&out, bytes, len, utf8);
    assert_string_equal(out.data, expected);
    ia_buf_release(&out);
}

static void people_see_harmless_text(void **state)
{
    (void)state;
    shows(true, "/vm/a b.qcow2", 13, "/vm/a b.qcow2");
    shows(true, "a\nb\tc\rd\\e", 9, "a\\nb\\tc\\rd\\\\e");
    shows(true, "\x1b[31m\x7f", 6, "\\x1b[31m\\x7f");
    shows(true, "é日\xff", 6, "é日\\xff");
    shows(false, "é", 2, "\\xc3\\xa9");
    shows(true, "a\0b", 3, "a\\x00b");
    shows(true, "\xc2\x9b", 2, "\\xc2\\x9b"); /* C1: a terminal takes it for ESC [ */
    shows(true,
          "a\xe2\x80\xae"
          "b",
          5,
          "a\\xe2\\x80\\xae"
          "b"); /* right-to-left override */
    shows(true, "%s", 2, "%s");
}

static void table_escapes_names_and_never_cuts(void **state)
{
    (void)state;
    expect_path("table", (struct ia_cell)TEXT("a\nb\x1b"), "path\na\\nb\\x1b\n");
    char bytes[255];
    const struct ia_cell cell = all_bytes(bytes);
    const struct ia_render_options options = {.utf8 = true};
    const struct ia_render_head head = {"r", path_column, 1, NULL, NULL};
    struct ia_buf shown = {0};
    ia_text_show(&shown, bytes, 255, true);
    char *text = render("table", &options, &head, &cell, 1);
    assert_non_null(strstr(text, shown.data));
    free(text);
    ia_buf_release(&shown);
}

/* On a terminal lines fit, and all characters are there. */
static void table_wraps_on_a_terminal(void **state)
{
    (void)state;
    static const struct ia_column columns[] = {{"path", IA_COLUMN_PATH, NULL}, {"size", IA_COLUMN_BYTES, NULL}};
    char name[121];
    memset(name, 'x', 120);
    name[120] = '\0';
    const struct ia_cell cells[] = {{.value = IA_VALUE_TEXT, .type = IA_COLUMN_PATH, .text = name, .len = 120},
                                    INT(1536, IA_COLUMN_BYTES)};
    const struct ia_render_head head = {"r", columns, 2, NULL, NULL};
    const struct ia_render_options options = {.utf8 = true, .width = 60};
    char *text = render("table", &options, &head, cells, 1);
    size_t seen = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 60);
    for (const char *c = text; *c != '\0'; c++)
        seen += *c == 'x';
    assert_int_equal(seen, 120);
    free(text);
}

static void table_caption_has_the_scan_and_its_basis(void **state)
{
    (void)state;
    static const struct ia_column scan_columns[] = {{"scan_id", IA_COLUMN_COUNT, NULL},
                                                    {"started", IA_COLUMN_TIME, NULL}};
    static const struct ia_column basis_columns[] = {{"complete", IA_COLUMN_FLAG, NULL},
                                                     {"hiding_findings", IA_COLUMN_COUNT, NULL}};
    static const struct ia_cell scan[] = {INT(7, IA_COLUMN_COUNT), TEXT("2025-01-01T00:00:00Z")};
    static const struct ia_cell basis[] = {INT(0, IA_COLUMN_FLAG), INT(2, IA_COLUMN_COUNT)};
    const struct ia_row scan_row = {scan_columns, scan, 2};
    const struct ia_row basis_row = {basis_columns, basis, 2};
    const struct ia_render_head head = {"r", path_column, 1, &scan_row, &basis_row};
    const struct ia_render_options options = {.caption = true};
    char *text = render("table", &options, &head, NULL, 0);
    assert_string_equal(text, "no rows\n\nscan 7 of 2025-01-01T00:00:00Z: not complete, references may be hidden"
                              " (findings: 2)\n");
    free(text);
}

static void sizes_are_rounded_and_have_a_unit_of_1024(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *expected;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {1023, "1023"},
        {1024, "1K"},
        {1536, "1.5K"},
        {-1536, "-1.5K"},
        {10 * 1024, "10K"},
        {99 * 1024 + 512, "99.5K"},
        {99 * 1024 + 1000, "100K"},
        {100 * 1024 + 511, "100K"},
        {100 * 1024 + 512, "101K"},
        {1023 * 1024 + 511, "1023K"},
        {1023 * 1024 + 512, "1M"},
        {1 << 20, "1M"},
        {INT64_C(1610612736), "1.5G"},
        {INT64_C(20) << 30, "20G"},
        {INT64_C(3) << 40, "3T"},
        {INT64_C(5) << 50, "5P"},
        {INT64_MAX, "8E"},
        {INT64_MIN, "-8E"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ia_buf out = {0};
        ia_text_size(&out, cases[i].bytes);
        assert_string_equal(out.data, cases[i].expected);
        ia_buf_release(&out);
    }
}

static void columns_are_chosen_by_name_and_unknown_ones_refused(void **state)
{
    (void)state;
    struct ia_error err = {0};
    size_t chosen[6];
    size_t count;
    assert_int_equal(ia_columns_select(NULL, all_types, 6, chosen, &count, &err), IA_OK);
    assert_int_equal(count, 6);
    assert_int_equal(chosen[5], 5);
    assert_int_equal(ia_columns_select("flag,any", all_types, 6, chosen, &count, &err), IA_OK);
    assert_int_equal(count, 2);
    assert_int_equal(chosen[0], 4);
    assert_int_equal(chosen[1], 0);
    static const char *const bad[] = {"", ",", "any,", "any,,flag", "an", "any,any", "any, flag"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ia_columns_select(bad[i], all_types, 6, chosen, &count, &err), IA_USAGE);
    assert_int_equal(ia_columns_select("nope", all_types, 6, chosen, &count, &err), IA_USAGE);
    assert_string_equal(err.message, "no column 'nope': there are any, bytes, count, ratio, flag, time");
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    const struct ia_render_options options = {0};
    const struct ia_render_head head = {"r", path_column, 1, NULL, NULL};
    struct ia_error err = {0};
    struct ia_render render_state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(ia_render_begin(&render_state, ia_renderer_find("csv"), &options, &head, full, &err), IA_OK);
    assert_int_equal(ia_render_end(&render_state, &err), IA_FULL);
    ia_render_release(&render_state);
    fclose(full);
}

static void write_output(const char *path, const char *text, bool commit)
{
    struct ia_error err = {0};
    struct ia_output output;
    assert_int_equal(ia_output_open(&output, path, stdout, &err), IA_OK);
    fputs(text, output.file);
    if (commit)
        assert_int_equal(ia_output_commit(&output, &err), IA_OK);
    ia_output_release(&output);
}

static void expect_file(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void output_files_are_replaced_as_a_whole(void **state)
{
    (void)state;
    char dir[] = "/tmp/imgaudit-output-XXXXXX";
    char path[64];
    char link[64];
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/r.csv", dir);
    snprintf(link, sizeof(link), "%s/link", dir);
    mode_t mask = umask(027);
    write_output(path, "one", true);
    expect_file(path, "one");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    write_output(path, "gone", false);
    expect_file(path, "one");
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(symlink("r.csv", link), 0);
    write_output(link, "two", true);
    expect_file(path, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0604);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    umask(mask);
    unlink(link);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left */
}

static void output_to_devices_is_direct(void **state)
{
    (void)state;
    struct stat st;
    write_output("/dev/null", "x", true);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    struct ia_error err = {0};
    struct ia_output output;
    assert_int_equal(ia_output_open(&output, "/nonexistent/x", stdout, &err), IA_MISSING);
    ia_output_release(&output);
    assert_int_equal(ia_output_open(&output, "-", stdout, &err), IA_OK);
    assert_ptr_equal(output.file, stdout);
    ia_output_release(&output);
    assert_int_equal(ia_output_open(&output, "/dev/full", stdout, &err), IA_OK);
    fputs("x", output.file);
    assert_int_equal(ia_output_commit(&output, &err), IA_FULL);
    ia_output_release(&output);
}

static void a_tree_is_drawn_with_names_relative_to_their_parents(void **state)
{
    (void)state;
    static const struct ia_draw_node nodes[] = {
        {0, "/vm/base", "[x]", false}, {1, "/vm/a\n", "", true},       {2, "/vm/sub/b", "", false},
        {3, "/other/c", "", false},    {2, "/vm/d", "[y]", false},     {1, "/vmx/e", "", false},
        {2, "relative", "", false},    {0, "/second/root", "", false},
    };
    struct ia_error err = {0};
    struct ia_buf out = {0};
    assert_int_equal(ia_draw_tree(nodes, 8, false, &out, &err), IA_OK);
    assert_string_equal(out.data, "/vm/base  [x]\n"
                                  "|- a\\n  <--\n"
                                  "|  |- sub/b\n"
                                  "|  |  `- /other/c\n"
                                  "|  `- d  [y]\n"
                                  "`- /vmx/e\n"
                                  "   `- relative\n"
                                  "/second/root\n");
    ia_buf_clear(&out);
    assert_int_equal(ia_draw_tree(nodes, 3, true, &out, &err), IA_OK);
    assert_string_equal(out.data, "/vm/base  [x]\n└─ a\\n  ◀──\n   └─ sub/b\n");
    static const struct ia_draw_node gap[] = {{0, "/a", "", false}, {2, "/b", "", false}};
    assert_int_equal(ia_draw_tree(gap, 2, true, &out, &err), IA_BUG);
    assert_int_equal(ia_draw_tree(gap + 1, 1, true, &out, &err), IA_BUG);
    assert_int_equal(ia_draw_tree(NULL, 0, true, &out, &err), IA_OK);
    ia_buf_release(&out);
}

int main(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes_quotes_and_control_characters),
        cmocka_unit_test(json_adds_in_hexadecimal_what_is_no_text),
        cmocka_unit_test(json_is_valid_for_all_bytes),
        cmocka_unit_test(json_writes_each_type_as_it_should),
        cmocka_unit_test(csv_writes_each_type_as_it_should),
        cmocka_unit_test(tables_write_each_type_for_people),
        cmocka_unit_test(infinite_numbers_are_null_in_json),
        cmocka_unit_test(json_has_the_scan_the_basis_and_the_rows),
        cmocka_unit_test(without_rows_csv_keeps_its_head_and_a_table_has_a_note),
        cmocka_unit_test(csv_quotes_what_readers_would_mistake),
        cmocka_unit_test(csv_keeps_all_bytes),
        cmocka_unit_test(people_see_harmless_text),
        cmocka_unit_test(table_escapes_names_and_never_cuts),
        cmocka_unit_test(table_wraps_on_a_terminal),
        cmocka_unit_test(table_caption_has_the_scan_and_its_basis),
        cmocka_unit_test(sizes_are_rounded_and_have_a_unit_of_1024),
        cmocka_unit_test(columns_are_chosen_by_name_and_unknown_ones_refused),
        cmocka_unit_test(a_full_disk_is_noticed),
        cmocka_unit_test(output_files_are_replaced_as_a_whole),
        cmocka_unit_test(output_to_devices_is_direct),
        cmocka_unit_test(a_tree_is_drawn_with_names_relative_to_their_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
