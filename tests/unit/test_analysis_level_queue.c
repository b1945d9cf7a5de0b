/* SPDX-License-Identifier: MIT */
/* Queues by level: from the highest level down, each item once, and again when it is added again. */
#include "analysis/level_queue.h"
#include "support/unit.h"

enum { ITEMS = 9, LEVELS = 3 };

static void each_comes_once_and_the_highest_first(void **state)
{
    (void)state;
    struct ia_level_queue queue = {0};
    bool seen[ITEMS] = {false};
    size_t last = LEVELS;
    assert_true(ia_level_queue_init(&queue, ITEMS, LEVELS));
    for (size_t i = 0; i < 2 * ITEMS; i++)
        ia_level_queue_add(&queue, i % ITEMS, i % LEVELS);
    assert_int_equal(queue.count, ITEMS);
    while (queue.count > 0) {
        size_t item = ia_level_queue_take(&queue);
        assert_false(seen[item]);
        assert_true(item % LEVELS <= last);
        seen[item] = true;
        last = item % LEVELS;
    }
    for (size_t i = 0; i < ITEMS; i++)
        assert_true(seen[i]);
    ia_level_queue_release(&queue);
}

/* As a sweep does it: what is taken adds what is below it, and the next place begins at any level. */
static void what_is_added_meanwhile_comes_too(void **state)
{
    (void)state;
    struct ia_level_queue queue = {0};
    assert_true(ia_level_queue_init(&queue, LEVELS, LEVELS));
    for (size_t top = LEVELS; top-- > 0;) {
        ia_level_queue_add(&queue, top, top);
        for (size_t expected = top + 1; expected-- > 0;) {
            size_t item = ia_level_queue_take(&queue);
            assert_int_equal(item, expected);
            if (item > 0)
                ia_level_queue_add(&queue, item - 1, item - 1);
        }
        assert_int_equal(queue.count, 0);
    }
    ia_level_queue_add(&queue, 0, 0);
    ia_level_queue_add(&queue, 2, 2);
    assert_int_equal(ia_level_queue_take(&queue), 2);
    assert_int_equal(ia_level_queue_take(&queue), 0);
    ia_level_queue_release(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comes_once_and_the_highest_first),
        cmocka_unit_test(what_is_added_meanwhile_comes_too),
    };
    return cmocka_run_group_tests_name("analysis/level_queue", tests, NULL, NULL);
}
