/* SPDX-License-Identifier: MIT */
/* Growing buffers and vectors: contents, ownership, and failures that stick. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/vec.h"
#include "support/unit.h"

static void appends_are_joined_and_terminated(void **state)
{
    (void)state;
    IA_AUTO_BUF struct ia_buf buf = {0};
    ia_buf_add_str(&buf, "ab");
    ia_buf_add_char(&buf, 'c');
    ia_buf_add(&buf, "d\0e", 3);
    ia_buf_addf(&buf, "%d-%s", 7, "x");
    assert_int_equal(buf.len, 9);
    assert_memory_equal(buf.data, "abcd\0e7-x", 10);
    assert_false(buf.failed);
}

static void contents_stay_whole_while_the_buffer_grows(void **state)
{
    (void)state;
    IA_AUTO_BUF struct ia_buf buf = {0};
    for (int i = 0; i < 10000; i++) {
        ia_buf_addf(&buf, "%04d", i);
        assert_true(buf.cap > buf.len);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    assert_int_equal(buf.len, 40000);
    assert_memory_equal(buf.data, "0000000100020003", 16);
    assert_string_equal(buf.data + 39996, "9999");
}

static void integers_are_decimal(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {-1, "-1"},
        {1000000007, "1000000007"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        IA_AUTO_BUF struct ia_buf buf = {0};
        ia_buf_add_int(&buf, cases[i].value);
        assert_string_equal(buf.data, cases[i].text);
    }
}

/* Around every power of ten, and the ends of the range. */
static void digits_are_those_of_printf(void **state)
{
    (void)state;
    char expected[32];
    char digits[IA_DECIMAL_MAX];
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        for (uint64_t value = power - (i > 0 ? 2 : 1); value != power + 2; value++) {
            size_t len = (size_t)(ia_decimal(digits, value) - digits);
            assert_int_equal(len, snprintf(expected, sizeof(expected), "%ju", (uintmax_t)value));
            assert_memory_equal(digits, expected, len);
        }
    }
    assert_int_equal(ia_decimal(digits, UINT64_MAX) - digits, IA_DECIMAL_MAX);
    assert_memory_equal(digits, "18446744073709551615", IA_DECIMAL_MAX);
}

static void room_is_written_in_place(void **state)
{
    (void)state;
    IA_AUTO_BUF struct ia_buf buf = {0};
    ia_buf_add_str(&buf, "x");
    memcpy(ia_buf_room(&buf, 1000), "yz", 2);
    ia_buf_advance(&buf, 2);
    assert_string_equal(buf.data, "xyz");
    buf.failed = true;
    assert_null(ia_buf_room(&buf, 1));
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    IA_AUTO_BUF struct ia_buf buf = {0};
    ia_buf_add_str(&buf, "something");
    const char *before = buf.data;
    ia_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    ia_buf_add_str(&buf, "else");
    assert_ptr_equal(buf.data, before);
    assert_string_equal(buf.data, "else");
}

static void steal_hands_over_and_empties(void **state)
{
    (void)state;
    struct ia_buf buf = {0};
    ia_buf_add_str(&buf, "mine");
    IA_AUTO_FREE char *text = ia_buf_steal(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void steal_of_nothing_is_an_empty_string(void **state)
{
    (void)state;
    struct ia_buf buf = {0};
    IA_AUTO_FREE char *text = ia_buf_steal(&buf);
    assert_non_null(text);
    assert_string_equal(text, "");
}

static void failure_sticks_until_the_end(void **state)
{
    (void)state;
    struct ia_buf buf = {0};
    ia_buf_add_str(&buf, "before");
    ia_buf_add(&buf, "", SIZE_MAX - 3); /* no such room: nothing is read */
    assert_true(buf.failed);
    ia_buf_add_str(&buf, "after");
    ia_buf_add_int(&buf, 5);
    ia_buf_addf(&buf, "%s", "after");
    assert_int_equal(buf.len, 6);
    assert_string_equal(buf.data, "before");
    assert_null(ia_buf_steal(&buf));
    assert_false(buf.failed); /* empty again, and of use again */
    assert_null(buf.data);
}

static void vector_keeps_its_items_while_it_grows(void **state)
{
    (void)state;
    IA_VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(ia_vec_push(&numbers, i * i));
    assert_int_equal(numbers.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i * i);
    ia_vec_release(&numbers);
    assert_null(numbers.items);
    assert_int_equal(numbers.cap, 0);
}

static void vector_reserve_makes_room_once(void **state)
{
    (void)state;
    IA_VEC(int64_t) numbers = {0};
    assert_true(ia_vec_reserve(&numbers, 100));
    const void *before = numbers.items;
    for (int i = 0; i < 100; i++)
        assert_true(ia_vec_push(&numbers, i));
    assert_ptr_equal(numbers.items, before);
    ia_vec_release(&numbers);
}

static void vector_too_large_changes_nothing(void **state)
{
    (void)state;
    IA_VEC(int64_t) numbers = {0};
    assert_true(ia_vec_push(&numbers, 42));
    size_t cap = numbers.cap;
    assert_false(ia_vec_reserve(&numbers, SIZE_MAX / 4)); /* bytes overflow */
    assert_int_equal(numbers.cap, cap);
    assert_int_equal(numbers.items[0], 42);
    ia_vec_release(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_are_joined_and_terminated),
        cmocka_unit_test(contents_stay_whole_while_the_buffer_grows),
        cmocka_unit_test(integers_are_decimal),
        cmocka_unit_test(digits_are_those_of_printf),
        cmocka_unit_test(room_is_written_in_place),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(steal_hands_over_and_empties),
        cmocka_unit_test(steal_of_nothing_is_an_empty_string),
        cmocka_unit_test(failure_sticks_until_the_end),
        cmocka_unit_test(vector_keeps_its_items_while_it_grows),
        cmocka_unit_test(vector_reserve_makes_room_once),
        cmocka_unit_test(vector_too_large_changes_nothing),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
