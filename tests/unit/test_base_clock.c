/* SPDX-License-Identifier: MIT */
/* Time stamps, those too that no number of nanoseconds holds. */
#include "base/clock.h"
#include "support/unit.h"

enum { YEAR = 31556952 }; /* seconds, on average */

static int64_t ns(int64_t seconds, long more)
{
    return ia_timespec_ns((struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = more});
}

static void time_stamps_count_from_1970(void **state)
{
    (void)state;
    assert_int_equal(ns(0, 0), 0);
    assert_int_equal(ns(1, 5), 1000000005);
    assert_int_equal(ns(-1, 999999999), -1);
    assert_int_equal(ns(INT64_C(1700000000), 1), INT64_C(1700000000000000001));
}

static void far_times_stay_past_or_future(void **state)
{
    (void)state;
    const int64_t now = ia_clock_ns(CLOCK_REALTIME);
    assert_int_equal(ns(INT64_C(9223372036), 854775807), INT64_MAX);
    assert_int_equal(ns(INT64_C(9223372036), 854775808), INT64_MAX);
    if (sizeof(time_t) == 8) {
        assert_int_equal(ns(INT64_MAX, 999999999), INT64_MAX);
        assert_int_equal(ns(INT64_C(400) * YEAR, 0), INT64_MAX); /* 2370 */
        assert_true(ns(INT64_C(-400) * YEAR, 0) < 0);            /* 1570 */
        assert_int_equal(ns(INT64_MIN, 0), ns(INT64_C(-400) * YEAR, 0));
        assert_true(now - ns(INT64_MIN, 0) > now); /* fits */
    }
    assert_true(now - ns(INT64_C(9223372036), 854775807) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_stamps_count_from_1970),
        cmocka_unit_test(far_times_stay_past_or_future),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
