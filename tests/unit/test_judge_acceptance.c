/* SPDX-License-Identifier: MIT */
/* Which acceptance a finding has. */
#include "judge/acceptance.h"

#include "support/unit.h"

static void add(struct ia_acceptances *acceptances, int64_t number, const char *code, const char *glob,
                int64_t until_ns)
{
    struct ia_acceptance one = {.number = number, .code = code, .glob = glob, .until_ns = until_ns};
    assert_true(ia_vec_push(&acceptances->all, one));
}

static void the_first_that_matches_accepts(void **state)
{
    (void)state;
    struct ia_acceptances acceptances = {0};
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/r/a", 5), 0);
    add(&acceptances, 2, "corrupt", "/r/*", 0);
    add(&acceptances, 4, "corrupt", "a", 0);
    add(&acceptances, 7, "excluded", "[ab]", 0);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/r/a", 5), 2);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/r/deep/b", 5), 2);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/other/a", 5), 4);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/other/ab", 5), 0);
    assert_int_equal(ia_acceptances_find(&acceptances, "excluded", "/r/b", 5), 7);
    assert_int_equal(ia_acceptances_find(&acceptances, "excluded", "/r/c", 5), 0);
    assert_int_equal(ia_acceptances_find(&acceptances, "dirty", "/r/a", 5), 0);
    ia_acceptances_release(&acceptances);
}

static void one_that_is_over_accepts_nothing(void **state)
{
    (void)state;
    struct ia_acceptances acceptances = {0};
    add(&acceptances, 1, "corrupt", "*", 100);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/a", 99), 1);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/a", 100), 0);
    add(&acceptances, 2, "corrupt", "*", 200);
    assert_int_equal(ia_acceptances_find(&acceptances, "corrupt", "/a", 100), 2);
    ia_acceptances_release(&acceptances);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_matches_accepts),
        cmocka_unit_test(one_that_is_over_accepts_nothing),
    };
    return cmocka_run_group_tests_name("acceptance", tests, NULL, NULL);
}
