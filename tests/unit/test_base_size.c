/* SPDX-License-Identifier: MIT */
/* Sizes as text: what qemu-io and qemu-img map -s of QEMU 7.2 take them for. Refused are, besides what QEMU refuses, a
 * sign in front, and a suffix behind a hexadecimal number, which it deprecates. */
#include "base/size.h"
#include "support/unit.h"

static void sizes_are_read_as_qemu_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t size;
    } cases[] = {
        {"0", 0},
        {"512", 512},
        {"1b", 1},
        {"1k", 1024},
        {"1K", 1024},
        {"0x10", 16},
        {"0X1f", 31},
        {"1.5M", 1572864},
        {"1.k", 1024},
        {" 2k", 2048},
        {"1.0004k", 1024},
        {"1.0005k", 1025},
        {"1.0006k", 1025},
        {"7E", INT64_C(7) << 60},
        {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t size = -1;
        assert_true(ia_size_parse(cases[i].text, &size));
        assert_int_equal(size, cases[i].size);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",     "k",  ".5k", "1.5", "1.5b",
                                        "1e3",  "-1", "+1",  "1kb", "1 k",
                                        "0x1k", "0x", "8E",  "1x",  "9223372036854775808"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t size = -1;
        if (ia_size_parse(cases[i], &size))
            fail_msg("'%s' is taken for %jd", cases[i], (intmax_t)size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_qemu_reads_them),
        cmocka_unit_test(what_is_no_size_is_refused),
    };
    return cmocka_run_group_tests_name("base/size", tests, NULL, NULL);
}
