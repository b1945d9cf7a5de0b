/* SPDX-License-Identifier: MIT */
/* The account of host space: small cases by hand, random claims against an array with a byte for every unit, and what
 * a claim is charged. IA_SEED repeats a run. What it costs to reach the bounds: test_model_space_bounds.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/checked.h"
#include "model/space.h"
#include "model/space_tree.h"
#include "support/unit.h"

#define UNIT INT64_C(512)
#define PAGE (2 * MIB)
#define TIB (1024 * GIB)

static struct ia_space *new_space(size_t files)
{
    struct ia_space *space = ia_space_new(files);
    assert_non_null(space);
    return space;
}

static void assert_run(const struct ia_space *space, uint32_t file, int64_t pos, enum ia_space_use use, int64_t until)
{
    int64_t end = -1;
    assert_int_equal(ia_space_at(space, file, pos, &end), use);
    assert_int_equal(end, until);
}

static void nothing_accounted_is_unused_for_ever(void **state)
{
    (void)state;
    struct ia_space *space = new_space(2);
    assert_run(space, 0, 0, IA_SPACE_UNUSED, INT64_MAX);
    assert_run(space, 1, INT64_MAX - 1, IA_SPACE_UNUSED, INT64_MAX);
    assert_int_equal(ia_space_end(space, 0), 0);
    assert_int_equal(ia_space_bytes(space, IA_SPACE_DATA), 0);
    assert_false(ia_space_failed(space));
    ia_space_free(space);
    ia_space_free(NULL);
}

static void the_greater_use_counts_in_any_order(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct ia_space *space = new_space(1);
        if (order == 0)
            ia_space_account(space, 0, IA_SPACE_LEAKED, 0, 10 * UNIT);
        ia_space_account(space, 0, IA_SPACE_DATA, 2 * UNIT, 3 * UNIT);
        ia_space_account(space, 0, IA_SPACE_METADATA, 4 * UNIT, UNIT);
        if (order == 1)
            ia_space_account(space, 0, IA_SPACE_LEAKED, 0, 10 * UNIT);
        assert_run(space, 0, 0, IA_SPACE_LEAKED, 2 * UNIT);
        assert_run(space, 0, 2 * UNIT, IA_SPACE_DATA, 4 * UNIT);
        assert_run(space, 0, 4 * UNIT + 511, IA_SPACE_METADATA, 5 * UNIT);
        assert_run(space, 0, 5 * UNIT, IA_SPACE_LEAKED, 10 * UNIT);
        assert_run(space, 0, 10 * UNIT, IA_SPACE_UNUSED, INT64_MAX);
        assert_int_equal(ia_space_end(space, 0), 5 * UNIT); /* leaked space has nothing in it */
        assert_int_equal(ia_space_bytes(space, IA_SPACE_LEAKED), 7 * UNIT);
        assert_int_equal(ia_space_bytes(space, IA_SPACE_DATA), 2 * UNIT);
        assert_int_equal(ia_space_bytes(space, IA_SPACE_METADATA), UNIT);
        ia_space_free(space);
    }
}

static void neighbours_of_one_use_are_one_run(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 0, IA_SPACE_DATA, PAGE - UNIT, UNIT);
    ia_space_account(space, 0, IA_SPACE_DATA, PAGE + UNIT, UNIT);
    ia_space_account(space, 0, IA_SPACE_DATA, PAGE, UNIT);
    assert_run(space, 0, 0, IA_SPACE_UNUSED, PAGE - UNIT);
    assert_run(space, 0, PAGE - UNIT, IA_SPACE_DATA, PAGE + 2 * UNIT);
    ia_space_account(space, 0, IA_SPACE_METADATA, PAGE - UNIT, 3 * UNIT);
    assert_run(space, 0, PAGE - UNIT, IA_SPACE_METADATA, PAGE + 2 * UNIT);
    ia_space_free(space);
}

static void accounts_are_widened_to_units_and_the_end_is_not(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 0, IA_SPACE_DATA, 1000, 100);
    assert_run(space, 0, 512, IA_SPACE_DATA, 3 * UNIT);
    assert_int_equal(ia_space_end(space, 0), 1100);
    assert_int_equal(ia_space_bytes(space, IA_SPACE_DATA), 2 * UNIT);
    ia_space_free(space);
}

static void accounts_return_what_they_meet(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 0, 8 * UNIT), IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 8 * UNIT, 8 * UNIT), IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 8 * UNIT, 8 * UNIT), IA_SPACE_BIT(IA_SPACE_DATA));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_METADATA, 15 * UNIT, 2 * UNIT),
                     IA_SPACE_BIT(IA_SPACE_DATA) | IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_LEAKED, 0, 20 * UNIT),
                     IA_SPACE_BIT(IA_SPACE_DATA) | IA_SPACE_BIT(IA_SPACE_METADATA) | IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_ZERO, 17 * UNIT, UNIT), IA_SPACE_BIT(IA_SPACE_LEAKED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, PAGE, 200 * PAGE), IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 100 * PAGE, PAGE), IA_SPACE_BIT(IA_SPACE_DATA));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 500 * PAGE, UNIT), IA_SPACE_BIT(IA_SPACE_UNUSED));
    ia_space_free(space);
}

static void accounts_meet_nothing_in_units_that_they_have_a_part_of(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 100, 100), 0);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 200, 100), 0);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 300, 2 * UNIT), IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 300 + 2 * UNIT, UNIT - 300), 0);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 3 * UNIT, UNIT), IA_SPACE_BIT(IA_SPACE_UNUSED));
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 2 * UNIT, UNIT), IA_SPACE_BIT(IA_SPACE_DATA));
    ia_space_free(space);
}

static void compressed_counts_as_data(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 0, IA_SPACE_COMPRESSED, 0, 3 * UNIT);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_COMPRESSED, 2 * UNIT, 2 * UNIT),
                     IA_SPACE_BIT(IA_SPACE_COMPRESSED) | IA_SPACE_BIT(IA_SPACE_UNUSED));
    ia_space_account(space, 0, IA_SPACE_DATA, 4 * UNIT, UNIT);
    assert_run(space, 0, UNIT, IA_SPACE_DATA, 5 * UNIT);
    assert_int_equal(ia_space_bytes(space, IA_SPACE_DATA), 5 * UNIT);
    assert_int_equal(ia_space_bytes(space, IA_SPACE_COMPRESSED), 0);
    assert_int_equal(ia_space_account(space, 0, IA_SPACE_DATA, 3 * UNIT, UNIT), IA_SPACE_BIT(IA_SPACE_COMPRESSED));
    ia_space_free(space);
}

static void claims_of_nothing_change_nothing(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 0, IA_SPACE_DATA, -1, 100);
    ia_space_account(space, 0, IA_SPACE_DATA, 0, 0);
    ia_space_account(space, 0, IA_SPACE_DATA, 0, -5);
    ia_space_account(space, 0, IA_SPACE_UNUSED, 0, 100);
    assert_run(space, 0, 0, IA_SPACE_UNUSED, INT64_MAX);
    assert_int_equal(ia_space_end(space, 0), 0);
    ia_space_free(space);
}

static void a_file_that_is_not_there_fails_the_account(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 1, IA_SPACE_DATA, 0, 1);
    assert_true(ia_space_failed(space));
    ia_space_free(space);
}

static void files_are_apart(void **state)
{
    (void)state;
    struct ia_space *space = new_space(3);
    ia_space_account(space, 1, IA_SPACE_DATA, 0, PAGE);
    assert_run(space, 0, 0, IA_SPACE_UNUSED, INT64_MAX);
    assert_run(space, 1, 0, IA_SPACE_DATA, PAGE);
    assert_int_equal(ia_space_end(space, 2), 0);
    ia_space_free(space);
}

static void the_largest_file_costs_nothing(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    ia_space_account(space, 0, IA_SPACE_METADATA, 100 * GIB, 4096);
    for (int i = 0; i < 100000; i++) {
        ia_space_account(space, 0, IA_SPACE_DATA, 0, 8 * TIB);
        ia_space_account(space, 0, IA_SPACE_LEAKED, 512, INT64_MAX);
    }
    assert_false(ia_space_failed(space));
    assert_run(space, 0, 0, IA_SPACE_DATA, 100 * GIB);
    assert_run(space, 0, 100 * GIB, IA_SPACE_METADATA, 100 * GIB + 4096);
    assert_run(space, 0, 8 * TIB - 1, IA_SPACE_DATA, 8 * TIB);
    assert_run(space, 0, 8 * TIB, IA_SPACE_LEAKED, INT64_MAX);
    assert_int_equal(ia_space_bytes(space, IA_SPACE_DATA), 8 * TIB - 4096);
    ia_space_free(space);
}

static void too_many_runs_fail_the_account(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    int64_t most = IA_SPACE_MAX_MEMORY / 4; /* two bytes a run, two runs a claim */
    for (int64_t i = 0; i <= most && !ia_space_failed(space); i++)
        ia_space_account(space, 0, IA_SPACE_DATA, 2 * i * UNIT, UNIT);
    assert_true(ia_space_failed(space));
    ia_space_free(space);
}

/* Eight bytes of a table can claim two mebibytes; ours cost a look at 4095 runs each time. Alternating units of a page,
 * that no claim joins, as IA_SPACE_ZERO is less than what every other one has. */
static void each_hostile_account_is_charged_for_its_runs(void **state)
{
    (void)state;
    struct ia_space_tree tree = {0};
    struct ia_space_cost cost = {0};
    for (int64_t i = 0; i < 2048; i++)
        ia_space_tree_account(&tree, &cost, 2 * i, 2 * i + 1, IA_SPACE_DATA);
    ia_space_tree_account(&tree, &cost, 0, 4095, IA_SPACE_ZERO);
    int64_t before = cost.steps;
    ia_space_tree_account(&tree, &cost, 0, 4095, IA_SPACE_ZERO);
    int64_t each = cost.steps - before;
    assert_in_range(each, 4095, 2 * 4096);
    assert_in_range(IA_SPACE_MAX_STEPS / each, 100000, 2000000);
    for (int64_t i = 2; i <= 5000; i++) {
        ia_space_tree_account(&tree, &cost, 0, 4095, IA_SPACE_ZERO);
        assert_int_equal(cost.steps, before + i * each);
    }
    cost.steps = IA_SPACE_MAX_STEPS - 10 * each;
    for (int64_t i = 0; i < 10; i++) {
        ia_space_tree_account(&tree, &cost, 0, 4095, IA_SPACE_ZERO);
        assert_false(cost.failed);
    }
    ia_space_tree_account(&tree, &cost, 0, 4095, IA_SPACE_ZERO);
    assert_true(cost.failed);
    ia_space_tree_release(&tree);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t below(uint64_t *state, int64_t bound)
{
    return (int64_t)(next_random(state) % (uint64_t)bound);
}

static uint64_t seed(void)
{
    const char *given = getenv("IA_SEED");
    uint64_t value = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("# IA_SEED=%" PRIu64 "\n", value);
    return value;
}

static uint8_t told_as(uint8_t use)
{
    return use == IA_SPACE_COMPRESSED ? IA_SPACE_DATA : use;
}

/* The reference: a use for every unit of a file. */
struct reference {
    int64_t units, end;
    uint8_t *uses;
};

/* Units [from, to) have at least this use; returns the set of those that they had. It goes over the same bytes so often
 * that most of the test was the sanitizer's look at them: `uses` has `to` of them, as the caller sees to. */
__attribute__((no_sanitize("address", "undefined"))) static unsigned raise_uses(uint8_t *uses, int64_t from, int64_t to,
                                                                                uint8_t use)
{
    unsigned had = 0;
    for (int64_t i = from; i < to; i++) {
        had |= 1U << uses[i];
        uses[i] = uses[i] < use ? use : uses[i];
    }
    return had;
}

static void account_both(struct reference *reference, struct ia_space *space, enum ia_space_use use, int64_t start,
                         int64_t length)
{
    unsigned met = ia_space_account(space, 0, use, start, length);
    unsigned lesser = IA_SPACE_BIT(use) - 1;
    int64_t end = start + length;
    int64_t to = ia_min((end + UNIT - 1) / UNIT, reference->units);
    int64_t whole_from = ia_min((start + UNIT - 1) / UNIT, to);
    int64_t whole_to = ia_max(ia_min(end / UNIT, to), whole_from);
    (void)raise_uses(reference->uses, start / UNIT, whole_from, (uint8_t)use);
    unsigned expected = raise_uses(reference->uses, whole_from, whole_to, (uint8_t)use);
    (void)raise_uses(reference->uses, whole_to, to, (uint8_t)use);
    assert_int_equal(met & lesser, expected & lesser);
    assert_int_equal((met & ~lesser) != 0, (expected & ~lesser) != 0);
    if (use > IA_SPACE_LEAKED && end > reference->end)
        reference->end = end;
}

static void compare(const struct reference *reference, const struct ia_space *space)
{
    int64_t bytes[IA_SPACE_USES] = {0};
    int64_t until;
    for (int64_t i = 0; i < reference->units; i++)
        bytes[told_as(reference->uses[i])] += UNIT;
    for (int64_t at = 0; at < reference->units;) {
        int64_t end = at;
        uint8_t use = told_as(reference->uses[at]);
        while (end < reference->units && told_as(reference->uses[end]) == use)
            end++;
        assert_int_equal(ia_space_at(space, 0, at * UNIT, &until), use);
        if (end == reference->units)
            assert_int_equal(until, use == IA_SPACE_UNUSED ? INT64_MAX : end * UNIT);
        else
            assert_int_equal(until, end * UNIT);
        at = end;
    }
    for (enum ia_space_use use = IA_SPACE_LEAKED; use < IA_SPACE_USES; use++)
        assert_int_equal(ia_space_bytes(space, use), bytes[use]);
    assert_int_equal(ia_space_end(space, 0), reference->end);
    assert_false(ia_space_failed(space));
}

/* Lengths of every order, so that units, pages and whole nodes are hit; the same places again and again. */
static void random_accounts(uint64_t *rng, int64_t size, int64_t claims)
{
    struct reference reference = {.units = size / UNIT, .uses = calloc((size_t)(size / UNIT), 1)};
    struct ia_space *space = new_space(1);
    assert_non_null(reference.uses);
    int64_t grain = UNIT << below(rng, 16);
    for (int64_t i = 0; i < claims; i++) {
        enum ia_space_use use = (enum ia_space_use)(1 + below(rng, IA_SPACE_USES - 1));
        int64_t most = UNIT << below(rng, 22);
        int64_t start = below(rng, size);
        if (below(rng, 3) > 0)
            start -= start % grain;
        int64_t length = 1 + below(rng, ia_min(most, size - start));
        if (below(rng, 3) > 0)
            length = ia_min((length + grain - 1) / grain * grain, size - start);
        account_both(&reference, space, use, start, length);
    }
    compare(&reference, space);
    ia_space_free(space);
    free(reference.uses);
}

static void random_accounts_equal_an_array(void **state)
{
    (void)state;
    uint64_t rng = seed();
    for (int i = 0; i < 200; i++)
        random_accounts(&rng, UNIT * (1 + below(&rng, 40000)), 1 + below(&rng, 300));
    for (int i = 0; i < 4; i++)
        random_accounts(&rng, 1500 * MIB + UNIT * below(&rng, 1000000), 3000);
}

/* Each cluster its own claim, in no order: none merge before the end. test_model_space_bounds.c has 16 times as many.
 */
static void a_shuffled_image_is_one_run_in_the_end(void **state)
{
    (void)state;
    struct ia_space *space = new_space(1);
    int64_t clusters = INT64_C(1) << 20;
    for (int64_t i = 0; i < clusters; i++) {
        int64_t cluster = i * 9699691 & (clusters - 1); /* odd: meets every cluster once */
        ia_space_account(space, 0, IA_SPACE_DATA, cluster * 64 * KIB, 64 * KIB);
    }
    assert_false(ia_space_failed(space));
    assert_run(space, 0, 0, IA_SPACE_DATA, clusters * 64 * KIB);
    ia_space_free(space);
}

static void uses_are_called_unused_and_metadata(void **state)
{
    (void)state;
    assert_string_equal(ia_space_use_name(IA_SPACE_UNUSED), "unused");
    assert_string_equal(ia_space_use_name(IA_SPACE_METADATA), "metadata");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_accounted_is_unused_for_ever),
        cmocka_unit_test(the_greater_use_counts_in_any_order),
        cmocka_unit_test(neighbours_of_one_use_are_one_run),
        cmocka_unit_test(accounts_are_widened_to_units_and_the_end_is_not),
        cmocka_unit_test(accounts_return_what_they_meet),
        cmocka_unit_test(accounts_meet_nothing_in_units_that_they_have_a_part_of),
        cmocka_unit_test(compressed_counts_as_data),
        cmocka_unit_test(claims_of_nothing_change_nothing),
        cmocka_unit_test(a_file_that_is_not_there_fails_the_account),
        cmocka_unit_test(files_are_apart),
        cmocka_unit_test(the_largest_file_costs_nothing),
        cmocka_unit_test(too_many_runs_fail_the_account),
        cmocka_unit_test(each_hostile_account_is_charged_for_its_runs),
        cmocka_unit_test(random_accounts_equal_an_array),
        cmocka_unit_test(a_shuffled_image_is_one_run_in_the_end),
        cmocka_unit_test(uses_are_called_unused_and_metadata),
    };
    return cmocka_run_group_tests_name("model/space", tests, NULL, NULL);
}
