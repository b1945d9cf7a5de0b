/* SPDX-License-Identifier: MIT */
/* Symbolic links in the way of names. Expected: what lstat has of the links. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/catalog/file.h"
#include "scan/graph/link_age.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static void only_dots_and_slashes_make_a_name_another(void **state)
{
    (void)state;
    assert_true(ia_path_is_plainly("/a/b/c", "/a/b/c"));
    assert_true(ia_path_is_plainly("/a/x/../b//./c", "/a/b/c"));
    assert_true(ia_path_is_plainly("/../a/./", "/a"));
    assert_true(ia_path_is_plainly("/x/..c/.d", "/x/..c/.d"));
    assert_false(ia_path_is_plainly("/a/b/c", "/a/b"));
    assert_false(ia_path_is_plainly("/a/b", "/a/b/c"));
    assert_false(ia_path_is_plainly("/a/../c", "/a/c"));
    assert_false(ia_path_is_plainly("/a/b", "/a/d"));
}

static void a_name_that_is_too_long_is_none(void **state)
{
    (void)state;
    enum { LENGTH = 9000 };
    char *name = malloc(LENGTH + 1);
    assert_non_null(name);
    for (int i = 0; i < LENGTH; i++)
        name[i] = i % 2 == 0 ? '/' : 'a';
    name[LENGTH] = '\0';
    assert_false(ia_path_is_plainly(name, name));
    assert_true(ia_youngest_link(name) == -1);
    free(name);
}

static int64_t mtime_of(const char *link)
{
    struct stat st;
    struct ia_file_key key;
    assert_int_equal(lstat(link, &st), 0);
    ia_file_key_from_stat(&key, &st);
    return key.mtime_ns;
}

static int64_t youngest(const char *name)
{
    char path[4096];
    char *here = getcwd(NULL, 0);
    snprintf(path, sizeof(path), "%s/%s", here, name);
    free(here);
    return ia_youngest_link(path);
}

/* Each link is made a moment after the one before. */
static void make_link(const char *target, const char *link)
{
    usleep(20000);
    assert_int_equal(symlink(target, link), 0);
}

static void the_youngest_link_in_the_way_counts(void **state)
{
    (void)state;
    assert_int_equal(mkdir("real", 0755), 0);
    close(open("real/file", O_CREAT | O_WRONLY, 0644));
    int64_t outside = youngest("real/file"); /* of the way to the working directory */
    make_link("file", "real/link");
    make_link("real", "folder");
    make_link("folder/link", "chain");
    make_link("nowhere", "dangling");
    assert_true(outside < mtime_of("real/link"));
    assert_true(youngest("real/link") == mtime_of("real/link"));
    assert_true(youngest("folder/link") == mtime_of("folder"));
    assert_true(youngest("folder/../real/link") == mtime_of("folder"));
    assert_true(youngest("folder/file") == mtime_of("folder"));
    assert_true(youngest("chain") == mtime_of("chain"));
    assert_true(youngest("dangling") == mtime_of("dangling"));
    assert_true(youngest("real/none/link") == outside);
    assert_true(mtime_of("folder") < mtime_of("chain"));
}

static void an_absolute_link_is_followed_from_the_root(void **state)
{
    (void)state;
    char *here = getcwd(NULL, 0);
    char target[4096];
    assert_int_equal(mkdir("real", 0755), 0);
    snprintf(target, sizeof(target), "%s/real", here);
    free(here);
    make_link(target, "old");
    make_link("file", "real/young");
    assert_true(youngest("old/young") == mtime_of("real/young"));
}

static void links_that_lead_to_themselves_come_to_an_end(void **state)
{
    (void)state;
    make_link("loop", "loop");
    assert_true(youngest("loop/x") == mtime_of("loop"));
    make_link("longer/longer", "longer");
    assert_true(youngest("longer") == mtime_of("longer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_dots_and_slashes_make_a_name_another),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
        in_temp_dir(the_youngest_link_in_the_way_counts),
        in_temp_dir(an_absolute_link_is_followed_from_the_root),
        in_temp_dir(links_that_lead_to_themselves_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
