/* SPDX-License-Identifier: MIT */
/* A store that is read without a lock: whether it may be, and whether it was the same to the end. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/place.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static void a_file_that_stays_as_it_is_may_be_read_without_a_lock(void **state)
{
    (void)state;
    struct ia_frozen frozen = {0};
    write_file("store.db", "abc", 3);
    assert_ok(ia_frozen_begin("store.db", &frozen, &err));
    assert_true(frozen.is_frozen);
    assert_ok(ia_frozen_check("store.db", &frozen, &err));
    write_file("store.db-wal", "", 0);
    assert_ok(ia_frozen_check("store.db", &frozen, &err));
}

static void a_change_while_it_is_read_is_noticed(void **state)
{
    (void)state;
    struct ia_frozen frozen = {0};
    write_file("store.db", "abc", 3);
    assert_ok(ia_frozen_begin("store.db", &frozen, &err));
    write_file("store.db-wal", "x", 1);
    assert_status(IA_CHANGED, ia_frozen_check("store.db", &frozen, &err));
    unlink("store.db-wal");
    assert_ok(ia_frozen_check("store.db", &frozen, &err));
    const struct timespec times[] = {{.tv_sec = 1}, {.tv_sec = 2}};
    assert_int_equal(utimensat(AT_FDCWD, "store.db", times, 0), 0);
    assert_status(IA_CHANGED, ia_frozen_check("store.db", &frozen, &err));
    write_file("other.db", "abc", 3);
    assert_ok(ia_frozen_begin("store.db", &frozen, &err));
    assert_int_equal(rename("other.db", "store.db"), 0);
    assert_status(IA_CHANGED, ia_frozen_check("store.db", &frozen, &err));
    unlink("store.db");
    assert_status(IA_CHANGED, ia_frozen_check("store.db", &frozen, &err));
}

static void a_log_with_something_in_it_is_not_passed_over(void **state)
{
    (void)state;
    struct ia_frozen frozen = {0};
    write_file("store.db", "abc", 3);
    write_file("store.db-wal", "x", 1);
    assert_status(IA_DENIED, ia_frozen_begin("store.db", &frozen, &err));
    assert_non_null(strstr(err.message, "store.db-wal"));
    assert_false(frozen.is_frozen);
}

static void a_file_that_is_locked_as_usual_is_not_looked_at(void **state)
{
    (void)state;
    const struct ia_frozen frozen = {0};
    assert_ok(ia_frozen_check("nowhere.db", &frozen, &err));
}

static void a_new_store_is_for_its_owner_whatever_the_umask(void **state)
{
    (void)state;
    struct stat st;
    mode_t before = umask(0);
    ia_place_make("new.db");
    write_file("old.db", "", 0);
    assert_int_equal(chmod("old.db", 0644), 0);
    ia_place_make("old.db");
    umask(before);
    assert_int_equal(stat("new.db", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat("old.db", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644); /* one that is there is left as it is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(a_file_that_stays_as_it_is_may_be_read_without_a_lock),
        in_temp_dir(a_change_while_it_is_read_is_noticed),
        in_temp_dir(a_log_with_something_in_it_is_not_passed_over),
        in_temp_dir(a_file_that_is_locked_as_usual_is_not_looked_at),
        in_temp_dir(a_new_store_is_for_its_owner_whatever_the_umask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
