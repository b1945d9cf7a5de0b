/* SPDX-License-Identifier: MIT */
/* Backing file names, by QEMU's rules: paths, file:, json:, protocols, and how a relative name is joined. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/reference.h"
#include "support/unit.h"

static struct ia_error err;

struct expectation {
    const char *name;
    enum ia_reference_kind kind;
    const char *path;   /* NULL: none */
    const char *format; /* NULL: none */
    bool bare_file;
};

static bool is_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void assert_references(const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ia_reference got;
        assert_ok(ia_reference_parse(cases[i].name, &got, &err));
        if (got.kind != cases[i].kind || !is_equal(got.path, cases[i].path) || !is_equal(got.format, cases[i].format) ||
            got.bare_file != cases[i].bare_file)
            fail_msg("%s: kind %d, path %s, format %s, bare %d", cases[i].name, (int)got.kind,
                     got.path != NULL ? got.path : "(none)", got.format != NULL ? got.format : "(none)", got.bare_file);
        ia_reference_release(&got);
        assert_null(got.path);
    }
}

static void plain_names_are_paths(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"base.qcow2", IA_REFERENCE_PATH, "base.qcow2", NULL, false},
        {"dir/base", IA_REFERENCE_PATH, "dir/base", NULL, false},
        {"../base", IA_REFERENCE_PATH, "../base", NULL, false},
        {"/srv/base", IA_REFERENCE_PATH, "/srv/base", NULL, false},
        {"./a:b", IA_REFERENCE_PATH, "./a:b", NULL, false}, /* the colon stands behind a slash */
        {"dir/a:b", IA_REFERENCE_PATH, "dir/a:b", NULL, false},
        {"/a:b", IA_REFERENCE_PATH, "/a:b", NULL, false},
        {"./json:{}", IA_REFERENCE_PATH, "./json:{}", NULL, false},
        {"-rf", IA_REFERENCE_PATH, "-rf", NULL, false},
        {"%s%n", IA_REFERENCE_PATH, "%s%n", NULL, false},
        {"a\nb\xff", IA_REFERENCE_PATH, "a\nb\xff", NULL, false},
        {"", IA_REFERENCE_PATH, "", NULL, false},
    };
    assert_references(cases, COUNT(cases));
}

static void file_names_are_taken_from_the_working_directory(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"file:base", IA_REFERENCE_WORKING_DIR, "base", NULL, false},
        {"file:../base", IA_REFERENCE_WORKING_DIR, "../base", NULL, false},
        {"file:a:b", IA_REFERENCE_WORKING_DIR, "a:b", NULL, false}, /* one prefix is taken off, not two */
        {"file:file:b", IA_REFERENCE_WORKING_DIR, "file:b", NULL, false},
        {"file:/srv/base", IA_REFERENCE_PATH, "/srv/base", NULL, false},
        {"file:///srv/base", IA_REFERENCE_PATH, "///srv/base", NULL, false},
    };
    assert_references(cases, COUNT(cases));
}

static void protocols_are_remote(void **state)
{
    (void)state;
    static const char *const names[] = {"nbd://host/export", "rbd:pool/image", "https://host/x.qcow2",
                                        "nbd:unix:/run/x", "ssh://host/x"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct expectation remote = {.name = names[i], .kind = IA_REFERENCE_REMOTE};
        assert_references(&remote, 1);
    }
}

/* blkdebug reads a local file, a protocol that nobody knows may. */
static void other_protocols_may_lead_anywhere(void **state)
{
    (void)state;
    static const char *const names[] = {"a:b", "FILE:x", ":x", "blkdebug::x", "nbdx:y"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct expectation unsupported = {.name = names[i], .kind = IA_REFERENCE_UNSUPPORTED};
        assert_references(&unsupported, 1);
    }
}

static void json_descriptions_of_a_file_lead_to_it(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/srv/b\"}}", IA_REFERENCE_PATH,
         "/srv/b", "qcow2", false},
        {"json:{\"driver\":\"qcow2\",\"file\":{\"filename\":\"b\"}}", IA_REFERENCE_WORKING_DIR, "b", "qcow2", false},
        {"json:{\"driver\":\"raw\",\"file.driver\":\"file\",\"file.filename\":\"/b\"}", IA_REFERENCE_PATH, "/b", "raw",
         false},
        {"json:{\"file.filename\":\"/b\"}", IA_REFERENCE_PATH, "/b", NULL, false},
        {"json:{\"driver\":\"raw\",\"file\":{\"driver\":\"host_device\",\"filename\":\"/dev/vg/lv\"}}",
         IA_REFERENCE_PATH, "/dev/vg/lv", "raw", false},
        {"json:{\"driver\":\"qcow2\",\"node-name\":\"n\",\"read-only\":true,\"lazy-refcounts\":false,"
         "\"cache\":{\"direct\":true},\"file\":{\"filename\":\"/b\",\"aio\":\"native\",\"locking\":\"off\"}}",
         IA_REFERENCE_PATH, "/b", "qcow2", false},
        {"json:{'file.filename':'/a\"b'}", IA_REFERENCE_PATH, "/a\"b", NULL, false},
        {"json:\n{\"read-only\":-1.5e+3,\"file.filename\":\"/b\"}\t", IA_REFERENCE_PATH, "/b", NULL, false},
        {"json: { \"file.filename\" : \"\\/a\\u0062\" } ", IA_REFERENCE_PATH, "/ab", NULL, false},
    };
    assert_references(cases, COUNT(cases));
}

static void json_file_without_a_format_is_bare(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"file\",\"filename\":\"/b\"}", IA_REFERENCE_PATH, "/b", "raw", true},
        {"json:{\"driver\":\"file\",\"filename\":\"b\"}", IA_REFERENCE_WORKING_DIR, "b", "raw", true},
        {"json:{\"driver\":\"host_device\",\"filename\":\"/dev/sda\"}", IA_REFERENCE_PATH, "/dev/sda", "raw", true},
    };
    assert_references(cases, COUNT(cases));
}

static void json_protocols_are_remote(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"nbd\",\"host\":\"h\"}}", IA_REFERENCE_REMOTE, NULL, "qcow2",
         false},
        {"json:{\"file.driver\":\"https\",\"file.url\":\"https://h/x\"}", IA_REFERENCE_REMOTE, NULL, NULL, false},
    };
    assert_references(cases, COUNT(cases));
}

static void json_of_more_or_less_than_a_file_is_not_followed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "json:{\"driver\":\"qcow2\",\"offset\":512,\"file\":{\"filename\":\"/b\"}}",
        "json:{\"offset\":512,\"file\":{\"filename\":\"/b\"}}",
        "json:{\"driver\":\"raw\",\"offset\":512,\"x\":1,\"file\":{\"filename\":\"/b\"}}",
        "json:{\"driver\":\"file\",\"offset\":512,\"filename\":\"/b\"}",
        "json:{\"driver\":\"raw\",\"offset\":512}",
        "json:{\"driver\":\"qcow2\",\"backing\":null,\"file\":{\"filename\":\"/b\"}}",
        "json:{\"driver\":\"qcow2\",\"file\":[{\"filename\":\"/b\"}]}",
        "json:{\"driver\":\"qcow2\",\"file\":\"node\"}",
        "json:{\"driver\":\"qcow2\"}",
        "json:{}",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct ia_reference got;
        assert_ok(ia_reference_parse(names[i], &got, &err));
        if (got.kind != IA_REFERENCE_UNSUPPORTED)
            fail_msg("%s: kind %d", names[i], (int)got.kind);
        ia_reference_release(&got);
    }
}

static void json_of_the_raw_driver_may_name_a_slice(void **state)
{
    (void)state;
    static const struct {
        const char *options; /* of the raw driver */
        int64_t offset, size;
    } cases[] = {
        {"\"offset\":512", 512, -1},
        {"\"size\":1024", 0, 1024},
        {"\"size\":\"64k\",\"offset\":\"0x200\"", 512, 65536},
        {"\"offset\":\"1.5M\"", 1572864, -1},
        {"\"offset\":1e3", 1000, -1},
        {"\"offset\":\" 2b\"", 2, -1},
        {"\"offset\":\"7E\"", INT64_C(7) << 60, -1},
        {"\"offset\":9223372036854775807", INT64_MAX, -1},
    };
    static const char *const refused[] = {
        "\"offset\":-1",
        "\"offset\":\"\"",
        "\"offset\":\"8E\"",
        "\"offset\":\"1.5\"",
        "\"offset\":\"1kb\"",
        "\"offset\":\"0x1k\"",
        "\"offset\":\"1 k\"",
        "\"offset\":\"+1\"",
        "\"offset\":true",
        "\"offset\":[1]",
        "\"offset\":9223372036854775808",
    };
    static const char form[] = "json:{\"driver\":\"raw\",%s,\"file\":{\"filename\":\"/b\"}}";
    char name[256];
    struct ia_reference got;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(name, sizeof(name), form, cases[i].options);
        assert_ok(ia_reference_parse(name, &got, &err));
        if (got.kind != IA_REFERENCE_SLICE || got.slice_offset != cases[i].offset || got.slice_size != cases[i].size)
            fail_msg("%s: kind %d, offset %jd, size %jd", cases[i].options, (int)got.kind, (intmax_t)got.slice_offset,
                     (intmax_t)got.slice_size);
        assert_string_equal(got.path, "/b");
        assert_string_equal(got.format, "raw");
        ia_reference_release(&got);
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        snprintf(name, sizeof(name), form, refused[i]);
        assert_ok(ia_reference_parse(name, &got, &err));
        if (got.kind != IA_REFERENCE_UNSUPPORTED)
            fail_msg("%s: kind %d", refused[i], (int)got.kind);
        ia_reference_release(&got);
    }
}

/* A name in a json: description, and what it is; NULL: QEMU takes the text for no JSON. */
static void json_names_are_read_as_by_qemu(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"/n\xc3\xa4m\xc3\xa9", "/n\xc3\xa4m\xc3\xa9"},
        {"/\xe2\x82\xac\xf0\x9f\x92\xbe", "/\xe2\x82\xac\xf0\x9f\x92\xbe"},
        {"/\\u00e4\\u20AC\\ud83d\\udcbe", "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe"},
        {"/\\\"\\'\\\\\\/\\b\\f\\n\\r\\t\\u0001", "/\"'\\/\b\f\n\r\t\001"},
        {"/a\x7f'%s", "/a\x7f'%s"},
        {"/a\tb", NULL},
        {"/a\x01", NULL},
        {"/\xe4", NULL},
        {"/\xc1\x81", NULL},             /* longer than need be */
        {"/\xed\xa0\xbd", NULL},         /* half a pair */
        {"/\xf4\x90\x80\x80", NULL},     /* past the last character */
        {"/\xf8\x88\x80\x80\x80", NULL}, /* the same */
        {"/\xef\xbf\xbe", NULL},         /* U+FFFE is none */
        {"/\xe2\x82", NULL},
        {"/\\u0000", NULL},
        {"/\xc0\x80", NULL},
        {"/\\ud83d", NULL},
        {"/\\ud83d\\u0041", NULL},
        {"/\\u00e", NULL},
        {"/\\q", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[256];
        snprintf(name, sizeof(name), "json:{\"file.filename\":\"%s\"}", cases[i].text);
        const struct expectation followed = {
            .name = name,
            .kind = cases[i].path != NULL ? IA_REFERENCE_PATH : IA_REFERENCE_UNSUPPORTED,
            .path = cases[i].path,
        };
        assert_references(&followed, 1);
    }
}

static void text_that_is_no_json_is_unsupported(void **state)
{
    (void)state;
    static const char *const names[] = {
        "json:",
        "json:{",
        "json:x",
        "json:[]",
        "json:null",
        "json:\"/b\"",
        "json:7",
        "json:{\"file.filename\":\"/b\"} x",
        "json:{\"file.filename\":\"/b\"",
        "json:{\"file.filename\":\"/b\",}",
        "json:{\"file.filename\":\"/b\",\"read-only\":True}",
        "json:{\"file.filename\":\"/b\",\"read-only\":NaN}",
        "json:{\"file.filename\":\"/b\",\"read-only\":01}",
        "json:{\"file.filename\":\"/b\",\"read-only\":1.}",
        "json:{\"file.filename\":\"/b\",\"read-only\":0e1}",
        "json:{\"file.filename\":\"/b\",\"read-only\":%p}",
        "json:{\"file.filename\":\"/b\"/**/}",
        "json:{\"file.filename\":\"/b\"\f}",
        "json:{\"file.filename\":\"/b'}",
        "json:{\"file.filename\":\"/b",
        "json:{\"file.filename\":\"/b\\",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct expectation unsupported = {.name = names[i], .kind = IA_REFERENCE_UNSUPPORTED};
        assert_references(&unsupported, 1);
    }
}

static void deep_json_does_not_exhaust_the_stack(void **state)
{
    (void)state;
    enum { DEPTH = 200 };
    struct ia_buf name = {0};
    ia_buf_add_str(&name, "json:");
    for (int i = 0; i < DEPTH; i++)
        ia_buf_add_str(&name, "{\"a\":");
    ia_buf_add_str(&name, "1");
    for (int i = 0; i < DEPTH; i++)
        ia_buf_add_char(&name, '}');
    const struct expectation unsupported = {.name = name.data, .kind = IA_REFERENCE_UNSUPPORTED};
    assert_references(&unsupported, 1);
    ia_buf_release(&name);
}

static void relative_names_are_joined_with_the_directory(void **state)
{
    (void)state;
    static const struct {
        const char *image, *path, *joined;
    } cases[] = {
        {"overlay", "base", "base"},
        {"dir/overlay", "base", "dir/base"},
        {"./overlay", "base", "./base"},
        {"/srv/a/overlay", "../b/base", "/srv/a/../b/base"}, /* as QEMU spells it: not simplified */
        {"/overlay", "base", "/base"},
        {"dir/overlay", "/abs/base", "/abs/base"},
        {"dir//overlay", "base", "dir//base"},
        {"dir/overlay", "", "dir/"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        IA_AUTO_FREE char *joined = ia_reference_combine(cases[i].image, cases[i].path);
        assert_non_null(joined);
        assert_string_equal(joined, cases[i].joined);
    }
}

static void protocol_ends_with_a_colon_before_any_slash(void **state)
{
    (void)state;
    assert_true(ia_reference_has_protocol("nbd://x"));
    assert_true(ia_reference_has_protocol("a:b"));
    assert_true(ia_reference_has_protocol(":"));
    assert_false(ia_reference_has_protocol("a/b:c"));
    assert_false(ia_reference_has_protocol("/"));
    assert_false(ia_reference_has_protocol("plain"));
    assert_false(ia_reference_has_protocol(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_are_paths),
        cmocka_unit_test(file_names_are_taken_from_the_working_directory),
        cmocka_unit_test(protocols_are_remote),
        cmocka_unit_test(other_protocols_may_lead_anywhere),
        cmocka_unit_test(json_descriptions_of_a_file_lead_to_it),
        cmocka_unit_test(json_file_without_a_format_is_bare),
        cmocka_unit_test(json_protocols_are_remote),
        cmocka_unit_test(json_of_more_or_less_than_a_file_is_not_followed),
        cmocka_unit_test(json_of_the_raw_driver_may_name_a_slice),
        cmocka_unit_test(json_names_are_read_as_by_qemu),
        cmocka_unit_test(text_that_is_no_json_is_unsupported),
        cmocka_unit_test(deep_json_does_not_exhaust_the_stack),
        cmocka_unit_test(relative_names_are_joined_with_the_directory),
        cmocka_unit_test(protocol_ends_with_a_colon_before_any_slash),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
