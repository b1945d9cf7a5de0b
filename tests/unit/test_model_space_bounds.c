/* SPDX-License-Identifier: MIT */
/* The account of host space at its bounds: billions of steps, for a build without sanitizers. What each of them does is
 * in test_model_space.c. */
#include <time.h>

#include "model/space.h"
#include "support/unit.h"

#define UNIT INT64_C(512)
#define PAGE (2 * MIB)
#define TIB (1024 * GIB)

/* Eight bytes of a table can claim two mebibytes; ours cost a look at 4095 runs each time. */
static void hostile_accounts_fail_the_account_soon(void **state)
{
    (void)state;
    struct ia_space *space = ia_space_new(1);
    assert_non_null(space);
    for (int64_t i = 0; i < 2048; i++)
        ia_space_account(space, 0, IA_SPACE_DATA, 2 * i * UNIT, UNIT);
    assert_int_equal(PAGE, 4096 * UNIT);
    int64_t claims = 0;
    while (claims < 100000000 && !ia_space_failed(space)) {
        ia_space_account(space, 0, IA_SPACE_ZERO, 0, PAGE - UNIT);
        claims++;
    }
    assert_true(ia_space_failed(space));
    assert_in_range(claims, 100000, 2000000);
    ia_space_free(space);
}

/* The shuffled image: 2^24 clusters of 64 KiB, each its own claim, so that none merge before the end. */
static void a_shuffled_image_stays_in_bounds(void **state)
{
    (void)state;
    struct ia_space *space = ia_space_new(1);
    assert_non_null(space);
    int64_t clusters = INT64_C(1) << 24;
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int64_t i = 0; i < clusters; i++) {
        int64_t cluster = i * 9699691 & (clusters - 1); /* odd: meets every cluster once */
        ia_space_account(space, 0, IA_SPACE_DATA, cluster * 64 * KIB, 64 * KIB);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    print_message("# %.2f s\n",
                  (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec));
    assert_false(ia_space_failed(space));
    int64_t end = -1;
    assert_int_equal(ia_space_at(space, 0, 0, &end), IA_SPACE_DATA);
    assert_int_equal(end, TIB);
    ia_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_accounts_fail_the_account_soon),
        cmocka_unit_test(a_shuffled_image_stays_in_bounds),
    };
    return cmocka_run_group_tests_name("model/space-bounds", tests, NULL, NULL);
}
