/* SPDX-License-Identifier: MIT */
/* Parts of paths, with and without slashes; globs. */
#include <stdio.h>

#include "base/path.h"
#include "support/unit.h"

static void path_is_split_behind_its_last_slash(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name;
        size_t directory;
    } cases[] = {
        {"", "", 0},   {"a", "a", 0},        {"/", "", 1},       {"/a", "a", 1},
        {"a/", "", 2}, {"/a/b.c", "b.c", 3}, {"./a//b", "b", 5}, {"a\\b", "a\\b", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(ia_path_name(cases[i].path), cases[i].name);
        assert_int_equal(ia_path_directory_length(cases[i].path), cases[i].directory);
    }
}

/* NULL: not below. */
static void rest_below_a_directory_is_behind_its_slash(void **state)
{
    (void)state;
    static const struct {
        const char *path, *directory, *rest;
    } cases[] = {
        {"/a/b/c", "/a", "b/c"}, {"/a/b", "/a/b", ""}, {"/a", "/", "a"},     {"/", "/", ""},
        {"/ab", "/a", NULL},     {"/a", "/a/b", NULL}, {"/b/a", "/a", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *rest = ia_path_below(cases[i].path, cases[i].directory);
        assert_int_equal(rest == NULL, cases[i].rest == NULL);
        if (rest != NULL)
            assert_string_equal(rest, cases[i].rest);
    }
}

static void going_up_drops_the_last_name_until_none_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *path, *up; /* NULL: there is nothing above */
    } cases[] = {
        {"/a/b", "/a"}, {"/a", "/"}, {"a/b", "a"}, {"a/", "a"}, {"//", "/"}, {"a", NULL}, {"/", NULL}, {"", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[8];
        snprintf(path, sizeof(path), "%s", cases[i].path);
        assert_int_equal(ia_path_go_up(path), cases[i].up != NULL);
        assert_string_equal(path, cases[i].up != NULL ? cases[i].up : cases[i].path);
    }
}

static void path_is_below_a_directory_if_whole_names_agree(void **state)
{
    (void)state;
    assert_true(ia_path_is_below_directory_of("/a/c", "/a/b"));
    assert_true(ia_path_is_below_directory_of("/a/c/d", "/a/b"));
    assert_true(ia_path_is_below_directory_of("/c", "/b"));
    assert_false(ia_path_is_below_directory_of("/ab", "/a/b"));
    assert_false(ia_path_is_below_directory_of("/a", "/a/b"));
    assert_false(ia_path_is_below_directory_of("c", "b")); /* no directory is named */
}

/* Of the whole path or of the name alone. */
static void globs_match_the_whole_path_or_the_name(void **state)
{
    (void)state;
    assert_true(ia_path_matches("/vm/base-1.qcow2", "base-*"));
    assert_true(ia_path_matches("/vm/base-1.qcow2", "/vm/*"));
    assert_true(ia_path_matches("/vm/a/b.raw", "/vm/*.raw"));
    assert_true(ia_path_matches("b.raw", "[ab].ra?"));
    assert_true(ia_path_matches("/vm/.hidden", "*hidden"));
    assert_false(ia_path_matches("/vm/base-1.qcow2", "vm"));
    assert_false(ia_path_matches("/vm/base-1.qcow2", "vm/*"));
    assert_false(ia_path_matches("/vm/base-1.qcow2", "base-?"));
}

static void simple_path_has_no_dots_and_no_slash_too_many(void **state)
{
    (void)state;
    static const struct {
        const char *path, *simple;
    } cases[] = {
        {"/a/b", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/./b/", "/a/b"},
        {"//a///b", "/a/b"},
        {"/..", "/"},
        {"/a/..", "/"},
        {"/", "/"},
        {"/a/b/../..", "/"},
        {"/../a", "/a"},
        {"/a/../../b/c", "/b/c"},
        {"/..a/b..", "/..a/b.."},
        {"/a/b/../c/./../d", "/a/d"},
        {"/.", "/"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[32];
        snprintf(path, sizeof(path), "%s", cases[i].path);
        ia_path_simplify(path);
        assert_string_equal(path, cases[i].simple);
    }
}

static void a_suffix_has_something_before_it(void **state)
{
    (void)state;
    assert_true(ia_path_ends_in("/r/a.vmdk", ".vmdk") && ia_path_has_suffix("/r/a.vmdk", ".vmdk"));
    assert_true(ia_path_has_suffix("a.VMDK", ".vmdk"));
    assert_false(ia_path_ends_in("a.VMDK", ".vmdk"));
    assert_false(ia_path_ends_in(".vmdk", ".vmdk") || ia_path_has_suffix(".vmdk", ".vmdk"));
    assert_false(ia_path_ends_in("dk", ".vmdk") || ia_path_has_suffix("a.vmdk.gz", ".vmdk"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_split_behind_its_last_slash),
        cmocka_unit_test(going_up_drops_the_last_name_until_none_is_left),
        cmocka_unit_test(path_is_below_a_directory_if_whole_names_agree),
        cmocka_unit_test(a_suffix_has_something_before_it),
        cmocka_unit_test(rest_below_a_directory_is_behind_its_slash),
        cmocka_unit_test(simple_path_has_no_dots_and_no_slash_too_many),
        cmocka_unit_test(globs_match_the_whole_path_or_the_name),
    };
    return cmocka_run_group_tests_name("base/path", tests, NULL, NULL);
}
