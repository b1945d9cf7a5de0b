/* SPDX-License-Identifier: MIT */
/* Blocks that several files use: by hand, and at random against a reference that looks at every block by itself.
 * IA_SEED repeats a run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/host_sharing.h"
#include "support/unit.h"

static struct ia_error err;

static void expect(const struct ia_host_account *got, int64_t bytes, int64_t counted, int64_t unmatched, uint32_t group)
{
    assert_int_equal(got->bytes, bytes);
    assert_int_equal(got->counted, counted);
    assert_int_equal(got->unmatched, unmatched);
    assert_int_equal(got->group, group);
}

static void without_runs_each_file_is_alone(void **state)
{
    (void)state;
    struct ia_host_account accounts[2];
    assert_ok(ia_host_sharing(NULL, 0, accounts, 2, &err));
    expect(&accounts[0], 0, 0, 0, 0);
    expect(&accounts[1], 0, 0, 0, 1);
}

/* 0: [0, 100)   1: [50, 150)   2: [140, 200)   the first two again on another volume, beside each other */
static void each_byte_counts_with_the_first_of_its_files(void **state)
{
    (void)state;
    struct ia_shared_run runs[] = {{1, 140, 60, 2}, {2, 0, 10, 0}, {1, 50, 100, 1}, {1, 0, 100, 0}, {2, 10, 10, 1}};
    struct ia_host_account accounts[3];
    assert_ok(ia_host_sharing(runs, COUNT(runs), accounts, 3, &err));
    expect(&accounts[0], 110, 100 + 10, 50 + 10, 0);
    expect(&accounts[1], 110, 50 + 10, 40 + 10, 0); /* 50..100 with 0, 140..150 with 2 */
    expect(&accounts[2], 60, 50, 50, 0);            /* has nothing in common with 0 but by way of 1 */
}

static void volumes_have_addresses_of_their_own(void **state)
{
    (void)state;
    struct ia_shared_run runs[] = {{1, 0, 100, 0}, {2, 0, 100, 1}, {UINT64_MAX, 0, 100, 2}};
    struct ia_host_account accounts[3];
    assert_ok(ia_host_sharing(runs, COUNT(runs), accounts, 3, &err));
    for (uint32_t i = 0; i < 3; i++)
        expect(&accounts[i], 100, 100, 100, i);
}

static void a_file_that_uses_blocks_twice_has_no_partner(void **state)
{
    (void)state;
    struct ia_shared_run runs[] = {{1, 0, 100, 0}, {1, 0, 100, 0}, {1, 50, 10, 0}};
    struct ia_host_account accounts[1];
    assert_ok(ia_host_sharing(runs, COUNT(runs), accounts, 1, &err));
    expect(&accounts[0], 210, 100, 210, 0);
}

static void addresses_may_lie_at_the_very_end(void **state)
{
    (void)state;
    struct ia_shared_run runs[] = {{1, INT64_MAX - 10, 10, 1}, {1, INT64_MAX - 5, 5, 0}};
    struct ia_host_account accounts[2];
    assert_ok(ia_host_sharing(runs, COUNT(runs), accounts, 2, &err));
    expect(&accounts[0], 5, 5, 0, 0);
    expect(&accounts[1], 10, 5, 5, 0);
}

enum { VOLUMES = 2, BLOCKS = 60, FILES = 9, RUNS = 40 };

struct reference {
    int uses[VOLUMES][BLOCKS][FILES];
    bool linked[FILES][FILES];
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void look_at_block(struct reference *reference, const int *uses, struct ia_host_account *accounts)
{
    int users = 0;
    int first = -1;
    for (int f = 0; f < FILES; f++) {
        users += uses[f] > 0;
        first = first < 0 && uses[f] > 0 ? f : first;
        for (int other = 0; other < FILES; other++)
            if (uses[f] > 0 && uses[other] > 0)
                reference->linked[f][other] = true;
    }
    for (int f = 0; f < FILES; f++) {
        accounts[f].bytes += uses[f];
        accounts[f].counted += f == first;
        accounts[f].unmatched += users == 1 ? uses[f] : 0;
    }
}

static void expected_accounts(struct reference *reference, struct ia_host_account *accounts)
{
    memset(accounts, 0, FILES * sizeof(*accounts));
    for (int f = 0; f < FILES; f++)
        reference->linked[f][f] = true;
    for (int v = 0; v < VOLUMES; v++)
        for (int b = 0; b < BLOCKS; b++)
            look_at_block(reference, reference->uses[v][b], accounts);
    for (int by = 0; by < FILES; by++)
        for (int f = 0; f < FILES; f++)
            for (int to = 0; to < FILES; to++)
                reference->linked[f][to] |= reference->linked[f][by] && reference->linked[by][to];
    for (uint32_t f = 0; f < FILES; f++)
        for (accounts[f].group = 0; !reference->linked[f][accounts[f].group];)
            accounts[f].group++;
}

static void one_at_random(uint64_t *rng)
{
    struct reference reference = {0};
    struct ia_shared_run runs[RUNS];
    struct ia_host_account got[FILES];
    struct ia_host_account expected[FILES];
    size_t count = (size_t)(next_random(rng) % RUNS);
    for (size_t i = 0; i < count; i++) {
        uint64_t volume = next_random(rng) % VOLUMES;
        int64_t start = (int64_t)(next_random(rng) % BLOCKS);
        int64_t length = 1 + (int64_t)(next_random(rng) % (uint64_t)(BLOCKS - start)) / 3;
        uint32_t file = (uint32_t)(next_random(rng) % FILES);
        runs[i] = (struct ia_shared_run){volume * 77, start, length, file};
        for (int64_t b = start; b < start + length; b++)
            reference.uses[volume][b][file]++;
    }
    expected_accounts(&reference, expected);
    assert_ok(ia_host_sharing(runs, count, got, FILES, &err));
    for (int f = 0; f < FILES; f++)
        expect(&got[f], expected[f].bytes, expected[f].counted, expected[f].unmatched, expected[f].group);
}

static void random_runs_agree_with_a_count_by_blocks(void **state)
{
    (void)state;
    const char *given = getenv("IA_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("# IA_SEED=%" PRIu64 "\n", seed);
    for (int i = 0; i < 20000; i++)
        one_at_random(&seed);
}

/* 10,000 clones of one base, each with blocks of its own between: what is open at a time is ten thousand files. */
static void many_clones_cost_no_more_than_sorting(void **state)
{
    (void)state;
    enum { CLONES = 10000, PIECES = 100 };
    struct ia_shared_run *runs = calloc((size_t)CLONES * PIECES, sizeof(*runs));
    struct ia_host_account *accounts = calloc(CLONES, sizeof(*accounts));
    assert_non_null(runs);
    assert_non_null(accounts);
    size_t count = 0;
    for (uint32_t file = 0; file < CLONES; file++)
        for (int64_t piece = 0; piece < PIECES; piece++)
            runs[count++] = (struct ia_shared_run){
                .volume = 1, .physical = piece * 1000000 + file, .length = 1000000 - CLONES, .file = file};
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_ok(ia_host_sharing(runs, count, accounts, CLONES, &err));
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("# %zu runs: %.2f s\n", count,
           (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9);
    assert_int_equal(accounts[0].counted, PIECES * (1000000 - CLONES));
    for (int i = 1; i < CLONES; i++) /* each begins one byte after the one before */
        expect(&accounts[i], PIECES * (1000000 - CLONES), PIECES, i == CLONES - 1 ? PIECES : 0, 0);
    free(runs);
    free(accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_runs_each_file_is_alone),
        cmocka_unit_test(each_byte_counts_with_the_first_of_its_files),
        cmocka_unit_test(volumes_have_addresses_of_their_own),
        cmocka_unit_test(a_file_that_uses_blocks_twice_has_no_partner),
        cmocka_unit_test(addresses_may_lie_at_the_very_end),
        cmocka_unit_test(random_runs_agree_with_a_count_by_blocks),
        cmocka_unit_test(many_clones_cost_no_more_than_sorting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
