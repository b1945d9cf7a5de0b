/* SPDX-License-Identifier: MIT */
/* Error messages: what the caller gets, how errno is turned into a status, and that nothing runs over. */
#include <errno.h>
#include <string.h>

#include "support/unit.h"

static void message_and_status_are_kept(void **state)
{
    (void)state;
    struct ia_error err = {.sys_errno = 99};
    assert_int_equal(ia_fail(&err, IA_CORRUPT, "L2 table %d of '%s'", 7, "x"), IA_CORRUPT);
    assert_int_equal(err.status, IA_CORRUPT);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.message, "L2 table 7 of 'x'");
    assert_int_equal(ia_no_memory(&err), IA_NOMEM);
    assert_int_equal(err.status, IA_NOMEM);
    assert_string_equal(err.message, "out of memory");
}

static void failing_without_an_error_to_fill_returns_the_status(void **state)
{
    (void)state;
    assert_int_equal(ia_fail(NULL, IA_LIMIT, "%d", 1), IA_LIMIT);
    assert_int_equal(ia_fail_errno(NULL, ENOENT, "%d", 1), IA_MISSING);
    assert_int_equal(ia_no_memory(NULL), IA_NOMEM);
}

static void errno_becomes_a_status(void **state)
{
    (void)state;
    static const struct {
        int sys_errno;
        enum ia_status status;
    } cases[] = {
        {ENOENT, IA_MISSING}, {ENOTDIR, IA_MISSING}, {EACCES, IA_DENIED}, {EPERM, IA_DENIED}, {ENOMEM, IA_NOMEM},
        {ENOSPC, IA_FULL},    {EDQUOT, IA_FULL},     {ELOOP, IA_LOOP},    {EIO, IA_IO},       {EBADF, IA_IO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_error err;
        assert_int_equal(ia_fail_errno(&err, cases[i].sys_errno, "cannot read '%s'", "x"), cases[i].status);
        assert_int_equal(err.sys_errno, cases[i].sys_errno);
        assert_memory_equal(err.message, "cannot read 'x': ", 17);
        assert_string_equal(err.message + 17, strerror(cases[i].sys_errno));
    }
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct ia_error err;
    memset(&err, 0xee, sizeof(err));
    assert_int_equal(ia_fail(&err, IA_MISSING, "'%s'", name), IA_MISSING);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    memset(&err, 0xee, sizeof(err));
    assert_int_equal(ia_fail_errno(&err, EIO, "'%s'", name), IA_IO);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void every_status_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int a = IA_OK; a <= IA_BUG; a++) {
        const char *word = ia_status_word((enum ia_status)a);
        assert_non_null(word);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
        for (int b = IA_OK; b < a; b++)
            assert_string_not_equal(word, ia_status_word((enum ia_status)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_and_status_are_kept),
        cmocka_unit_test(failing_without_an_error_to_fill_returns_the_status),
        cmocka_unit_test(errno_becomes_a_status),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(every_status_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
