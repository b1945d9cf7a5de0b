/* SPDX-License-Identifier: MIT */
/* The window: values in place, and an error that sticks once a getter reached outside. */
#include "io/window.h"
#include "support/unit.h"

static const uint8_t bytes[12] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x80, 0x09, 0x0a, 0x0b};

static void values_are_read_from_their_places(void **state)
{
    (void)state;
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    assert_int_equal(ia_window_u8(&w, 11), 0x0b);
    assert_int_equal(ia_window_be16(&w, 10), 0x0a0b);
    assert_int_equal(ia_window_be32(&w, 8), 0x80090a0b);
    assert_true(ia_window_be64(&w, 4) == UINT64_C(0x0405060780090a0b));
    assert_int_equal(ia_window_be_size(&w, 0), 0x0001020304050607);
    assert_false(w.failed);
}

static void one_past_the_end_fails_for_every_width(void **state)
{
    (void)state;
    for (int getter = 0; getter < 5; getter++) {
        struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
        uint64_t got = getter == 0   ? ia_window_u8(&w, 12)
                       : getter == 1 ? ia_window_be16(&w, 11)
                       : getter == 2 ? ia_window_be32(&w, 9)
                       : getter == 3 ? ia_window_be64(&w, 5)
                                     : (uint64_t)ia_window_be_size(&w, 5);
        assert_true(got == 0);
        assert_true(w.failed);
    }
}

static void an_error_sticks(void **state)
{
    (void)state;
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    assert_int_equal(ia_window_u8(&w, 100), 0);
    assert_int_equal(ia_window_u8(&w, 1), 1); /* good values still come, the verdict stays */
    assert_true(w.failed);
}

static void place_near_the_end_of_memory_does_not_wrap(void **state)
{
    (void)state;
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    assert_true(ia_window_be64(&w, SIZE_MAX - 3) == 0);
    assert_true(w.failed);
}

static void reading_an_empty_window_fails(void **state)
{
    (void)state;
    struct ia_window w = {.bytes = bytes, .len = 0};
    assert_int_equal(ia_window_u8(&w, 0), 0);
    assert_true(w.failed);
}

static void sizes_end_at_63_bits(void **state)
{
    (void)state;
    const uint8_t largest[8] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct ia_window w = {.bytes = largest, .len = 8};
    assert_int_equal(ia_window_be_size(&w, 0), INT64_MAX);
    assert_false(w.failed);
    const uint8_t above[8] = {0x80, 0, 0, 0, 0, 0, 0, 0};
    w = (struct ia_window){.bytes = above, .len = 8};
    assert_true(ia_window_be64(&w, 0) == UINT64_C(1) << 63);
    assert_false(w.failed);
    assert_int_equal(ia_window_be_size(&w, 0), 0);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_from_their_places),
        cmocka_unit_test(one_past_the_end_fails_for_every_width),
        cmocka_unit_test(an_error_sticks),
        cmocka_unit_test(place_near_the_end_of_memory_does_not_wrap),
        cmocka_unit_test(reading_an_empty_window_fails),
        cmocka_unit_test(sizes_end_at_63_bits),
    };
    return cmocka_run_group_tests_name("io/window", tests, NULL, NULL);
}
