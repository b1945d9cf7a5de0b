/* SPDX-License-Identifier: MIT */
/* Fingerprints of members are added up to one of their tree, so no two of small numbers may make up for each other. */
#include <stdlib.h>

#include "base/fingerprint.h"
#include "support/unit.h"

enum { NUMBERS = 64 };

static uint64_t of_member(int64_t image, int64_t mapping)
{
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    ia_fingerprint_int(&print, image);
    ia_fingerprint_int(&print, mapping);
    ia_fingerprint_int(&print, 0);
    return (uint64_t)ia_fingerprint_value(&print);
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Two images, both read again: each has another mapping. */
static void sums_of_two_differ(void **state)
{
    (void)state;
    static uint64_t sums[NUMBERS * NUMBERS];
    for (int64_t one = 0; one < NUMBERS; one++)
        for (int64_t two = 0; two < NUMBERS; two++)
            sums[one * NUMBERS + two] = of_member(1, one) + of_member(2, two);
    qsort(sums, COUNT(sums), sizeof(sums[0]), ascending);
    for (size_t i = 1; i < COUNT(sums); i++)
        assert_true(sums[i - 1] != sums[i]);
}

static void different_texts_have_different_fingerprints(void **state)
{
    (void)state;
    const char *const texts[] = {NULL, "", "a", "b", "ab"};
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t j = 0; j < i; j++) {
            struct ia_fingerprint one = IA_FINGERPRINT_INIT;
            struct ia_fingerprint two = IA_FINGERPRINT_INIT;
            ia_fingerprint_text(&one, texts[i]);
            ia_fingerprint_text(&two, texts[j]);
            assert_true(ia_fingerprint_value(&one) != ia_fingerprint_value(&two));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_two_differ),
        cmocka_unit_test(different_texts_have_different_fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
