/* SPDX-License-Identifier: MIT */
/* Interval maps and sets of host ranges against plain arrays. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "analysis/host_ranges.h"
#include "analysis/interval_overlay.h"

enum { WIDTH = 20000 };

static uint64_t rng;

static int start_random(void **state)
{
    (void)state;
    const char *given = getenv("IA_SEED");
    rng = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("# IA_SEED=%" PRIu64 "\n", rng);
    rng = rng * 2 + 1;
    return 0;
}

static int64_t below(int64_t bound)
{
    rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((rng >> 33) % (uint64_t)bound);
}

/* Every function: right where asked, in order, and in chunks that are neither too long nor, but for the last, too
 * short. Positions are asked with growing leaps, to try the search as well. */
static void assert_function(const struct ia_interval_map *steps, const uint32_t *expected)
{
    static int64_t ends[WIDTH]; /* where the value of each position ends */
    for (int64_t pos = WIDTH; pos-- > 0;) {
        bool last = pos == WIDTH - 1;
        ends[pos] = last ? (expected[pos] == 0 ? INT64_MAX : WIDTH)
                         : (expected[pos] == expected[pos + 1] ? ends[pos + 1] : pos + 1);
    }
    for (int64_t leap = 1; leap < WIDTH; leap *= 7) {
        struct ia_interval_map_cursor cursor = {.steps = steps};
        for (int64_t pos = 0; pos < WIDTH; pos += leap) {
            int64_t until;
            assert_int_equal(ia_interval_map_at(&cursor, pos, &until), expected[pos]);
            assert_int_equal(until, ends[pos]);
        }
    }
    int64_t at = -1;
    size_t count = 0;
    for (size_t c = 0; c < steps->chunks.len; c++) {
        const struct ia_interval_chunk *chunk = steps->chunks.items[c];
        assert_true(chunk->len <= IA_INTERVAL_CHUNK_MAX);
        assert_true(chunk->len >= IA_INTERVAL_CHUNK_MIN || c + 1 == steps->chunks.len);
        for (size_t i = 0; i < chunk->len; i++, count++) {
            assert_true(chunk->steps[i].at > at);
            at = chunk->steps[i].at;
        }
    }
    assert_int_equal(count, steps->count);
    assert_true(count == 0 || steps->chunks.items[0]->steps[0].at == 0);
}

/* Lays random ranges over *steps and the array alike; bytes from `end` on become 0. */
static void lay_over(struct ia_interval_map *steps, uint32_t *values, int64_t max_gap, int64_t max_length,
                     uint32_t max_value, int64_t end)
{
    struct ia_interval_map_overlay overlay;
    ia_interval_map_overlay_begin(&overlay, steps, end);
    for (int64_t pos = below(max_gap); pos < WIDTH;) {
        int64_t length = 1 + below(max_length);
        if (length > WIDTH - pos)
            length = WIDTH - pos;
        uint32_t value = (uint32_t)below(max_value + 1);
        ia_interval_map_overlay_put(&overlay, pos, length, value);
        for (int64_t i = 0; i < length; i++)
            values[pos + i] = value;
        pos += length + below(max_gap);
    }
    for (int64_t pos = end; pos < WIDTH; pos++)
        values[pos] = 0;
    struct ia_interval_map out;
    assert_true(ia_interval_map_overlay_finish(&overlay, &out));
    ia_interval_map_release(steps);
    *steps = out;
}

static void function_of_nothing_is_zero_everywhere(void **state)
{
    (void)state;
    struct ia_interval_map steps;
    assert_true(ia_interval_map_constant(&steps, 0, 5));
    assert_int_equal(steps.count, 0);
    assert_true(ia_interval_map_constant(&steps, 10, 0));
    assert_int_equal(steps.count, 0);
    struct ia_interval_map_cursor cursor = {.steps = &steps};
    int64_t until = 0;
    assert_int_equal(ia_interval_map_at(&cursor, 7, &until), 0);
    assert_int_equal(until, INT64_MAX);
    ia_interval_map_release(&steps);
}

static void constant_ends_where_it_should(void **state)
{
    (void)state;
    struct ia_interval_map steps;
    assert_true(ia_interval_map_constant(&steps, 10, 3));
    struct ia_interval_map_cursor cursor = {.steps = &steps};
    int64_t until = 0;
    assert_int_equal(ia_interval_map_at(&cursor, 0, &until), 3);
    assert_int_equal(until, 10);
    assert_int_equal(ia_interval_map_at(&cursor, 9, &until), 3);
    assert_int_equal(ia_interval_map_at(&cursor, 10, &until), 0);
    assert_int_equal(until, INT64_MAX);
    ia_interval_map_release(&steps);
}

static void overlays_upon_overlays_agree_with_an_array(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        static uint32_t values[WIDTH];
        memset(values, 0, sizeof(values));
        struct ia_interval_map steps = {0};
        lay_over(&steps, values, 4, 4, 9, WIDTH);
        assert_function(&steps, values);
        for (int layer = 0; layer < 6; layer++) {
            int64_t end = below(4) > 0 ? WIDTH : 1 + below(WIDTH);
            lay_over(&steps, values, 1 + below(2) * below(5000), 1 + below(2) * below(600), 9, end);
            assert_function(&steps, values);
        }
        ia_interval_map_release(&steps);
    }
}

static void small_change_shares_all_chunks_but_a_few(void **state)
{
    (void)state;
    static uint32_t values[WIDTH];
    memset(values, 0, sizeof(values));
    struct ia_interval_map steps = {0};
    lay_over(&steps, values, 1, 1, 1000000, WIDTH);
    struct ia_interval_map_overlay overlay;
    ia_interval_map_overlay_begin(&overlay, &steps, WIDTH);
    ia_interval_map_overlay_put(&overlay, WIDTH / 2, 1, 7);
    values[WIDTH / 2] = 7;
    struct ia_interval_map changed;
    assert_true(ia_interval_map_overlay_finish(&overlay, &changed));
    assert_function(&changed, values);
    size_t shared = 0;
    for (size_t i = 0; i < changed.chunks.len; i++)
        shared += changed.chunks.items[i]->refs == 2;
    assert_true(changed.chunks.len > WIDTH / IA_INTERVAL_CHUNK_MAX);
    assert_true(shared + 3 >= changed.chunks.len);
    ia_interval_map_release(&steps);
    assert_function(&changed, values);
    ia_interval_map_release(&changed);
}

static void value_that_runs_on_into_a_shared_chunk_is_one_value(void **state)
{
    (void)state;
    static uint32_t values[WIDTH];
    memset(values, 0, sizeof(values));
    struct ia_interval_map steps = {0};
    lay_over(&steps, values, 1, 1, 1000000, WIDTH);
    /* From within a chunk up to the next, with the value that the next one begins with. */
    const struct ia_interval *first = &steps.chunks.items[8]->steps[0];
    int64_t start = steps.chunks.items[7]->steps[100].at;
    struct ia_interval_map_overlay overlay;
    ia_interval_map_overlay_begin(&overlay, &steps, WIDTH);
    ia_interval_map_overlay_put(&overlay, start, first->at - start, first->value);
    for (int64_t pos = start; pos < first->at; pos++)
        values[pos] = first->value;
    struct ia_interval_map changed;
    assert_true(ia_interval_map_overlay_finish(&overlay, &changed));
    assert_int_equal(steps.chunks.items[8]->refs, 2);
    assert_function(&changed, values);
    ia_interval_map_release(&steps);
    ia_interval_map_release(&changed);
}

static void host_ranges_agree_with_an_array(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        static bool held[2][WIDTH];
        memset(held, 0, sizeof(held));
        struct ia_host_ranges set = {0};
        for (int64_t i = below(2) * below(30000); i > 0; i--) { /* more than the set keeps untidied */
            uint32_t file = (uint32_t)below(2);
            int64_t start = below(WIDTH);
            int64_t length = 1 + below(2);
            length = length < WIDTH - start ? length : WIDTH - start;
            assert_true(ia_host_ranges_add(&set, file, start, length));
            memset(&held[file][start], true, (size_t)length);
        }
        ia_host_ranges_seal(&set);
        for (uint32_t file = 0; file < 2; file++)
            for (int64_t pos = 0; pos < WIDTH;) {
                int64_t until;
                assert_int_equal(ia_host_ranges_has(&set, file, pos, &until), held[file][pos]);
                int64_t same = pos;
                while (same < WIDTH && held[file][same] == held[file][pos])
                    same++;
                assert_int_equal(until, same == WIDTH && !held[file][pos] ? INT64_MAX : same);
                pos = same;
            }
        int64_t until;
        assert_false(ia_host_ranges_has(&set, 2, 0, &until));
        ia_host_ranges_release(&set);
    }
}

static void host_ranges_of_many_snapshots_stay_small(void **state)
{
    (void)state;
    struct ia_host_ranges set = {0};
    for (int snapshot = 0; snapshot < 200; snapshot++)
        for (int64_t i = 0; i < 5000; i++)
            assert_true(ia_host_ranges_add(&set, 0, i * 10, 5));
    assert_true(set.ranges.cap < 40000);
    ia_host_ranges_seal(&set);
    assert_int_equal(set.ranges.len, 5000);
    ia_host_ranges_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(function_of_nothing_is_zero_everywhere),
        cmocka_unit_test(constant_ends_where_it_should),
        cmocka_unit_test_setup(overlays_upon_overlays_agree_with_an_array, start_random),
        cmocka_unit_test_setup(small_change_shares_all_chunks_but_a_few, start_random),
        cmocka_unit_test_setup(value_that_runs_on_into_a_shared_chunk_is_one_value, start_random),
        cmocka_unit_test_setup(host_ranges_agree_with_an_array, start_random),
        cmocka_unit_test(host_ranges_of_many_snapshots_stay_small),
    };
    return cmocka_run_group_tests_name("analysis/steps", tests, NULL, NULL);
}
