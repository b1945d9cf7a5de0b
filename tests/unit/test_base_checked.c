/* SPDX-License-Identifier: MIT */
/* Arithmetic that refuses to wrap, and integers of a stated byte order. */
#include "base/bytes.h"
#include "base/checked.h"
#include "support/unit.h"

static void sums_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int64_t out = 77;
    assert_true(ia_add(40, 2, &out));
    assert_int_equal(out, 42);
    assert_true(ia_add(INT64_MAX - 1, 1, &out));
    assert_int_equal(out, INT64_MAX);
    out = 77;
    assert_false(ia_add(INT64_MAX, 1, &out));
    assert_false(ia_add(1, INT64_MAX, &out));
    assert_false(ia_add(INT64_MIN, -1, &out));
    assert_int_equal(out, 77); /* untouched */
}

static void products_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int64_t out = 77;
    assert_true(ia_mul(6, 7, &out));
    assert_int_equal(out, 42);
    assert_true(ia_mul(0, INT64_MAX, &out));
    assert_int_equal(out, 0);
    assert_true(ia_mul(INT64_C(1) << 31, INT64_C(1) << 31, &out));
    assert_int_equal(out, INT64_C(1) << 62);
    out = 77;
    assert_false(ia_mul(INT64_C(1) << 32, INT64_C(1) << 31, &out)); /* 2^63 */
    assert_false(ia_mul(INT64_MAX, 2, &out));
    assert_false(ia_mul(INT64_MIN, -1, &out));
    assert_int_equal(out, 77);
}

static void range_is_inside_only_if_both_its_ends_are(void **state)
{
    (void)state;
    static const struct {
        int64_t off, len, size;
        bool inside;
    } cases[] = {
        {0, 0, 0, true},
        {0, 1, 0, false},
        {0, 10, 10, true},
        {0, 11, 10, false},
        {10, 0, 10, true},
        {11, 0, 10, false},
        {9, 1, 10, true},
        {9, 2, 10, false},
        {-1, 1, 10, false},
        {1, -1, 10, false},
        {INT64_MAX, INT64_MAX, INT64_MAX, false}, /* off + len would wrap */
        {1, INT64_MAX, INT64_MAX, false},
        {0, INT64_MAX, INT64_MAX, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(ia_range_inside(cases[i].off, cases[i].len, cases[i].size), cases[i].inside);
}

static void rounding_up_saturates(void **state)
{
    (void)state;
    assert_int_equal(ia_round_up(0, 512), 0);
    assert_int_equal(ia_round_up(1, 512), 512);
    assert_int_equal(ia_round_up(512, 512), 512);
    assert_int_equal(ia_round_up(513, 512), 1024);
    assert_int_equal(ia_round_up(5, 1), 5);
    assert_int_equal(ia_round_up(INT64_MAX, 512), INT64_MAX - 511);
    assert_int_equal(ia_round_up(INT64_MAX - 511, 512), INT64_MAX - 511);
    assert_int_equal(ia_round_up(INT64_MAX - 510, 512), INT64_MAX - 511);
}

static void min_is_the_smaller_and_max_the_larger(void **state)
{
    (void)state;
    assert_int_equal(ia_min(-1, 1), -1);
    assert_int_equal(ia_max(-1, 1), 1);
    assert_int_equal(ia_min(INT64_MAX, 3), 3);
    assert_int_equal(ia_max(INT64_MIN, 3), 3);
}

static void integers_are_read_from_any_alignment(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};
    assert_int_equal(ia_be16(bytes + 1), 0x0102);
    assert_int_equal(ia_be32(bytes + 1), 0x01020304);
    assert_true(ia_be64(bytes + 1) == UINT64_C(0x0102030405060788));
    assert_int_equal(ia_le32(bytes + 1), 0x04030201);
    assert_int_equal(ia_be16(bytes), 0xff01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_that_do_not_fit_are_refused),
        cmocka_unit_test(products_that_do_not_fit_are_refused),
        cmocka_unit_test(range_is_inside_only_if_both_its_ends_are),
        cmocka_unit_test(rounding_up_saturates),
        cmocka_unit_test(min_is_the_smaller_and_max_the_larger),
        cmocka_unit_test(integers_are_read_from_any_alignment),
    };
    return cmocka_run_group_tests_name("base/checked", tests, NULL, NULL);
}
