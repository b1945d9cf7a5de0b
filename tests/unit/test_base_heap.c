/* SPDX-License-Identifier: MIT */
/* Heaps: the least key is on top, whatever was pushed, taken out or changed before. */
#include "base/heap.h"
#include "support/unit.h"

/* A sequence without order that is the same in every run: Knuth's MMIX generator. */
static int64_t next_key(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(*state >> 56) - 100; /* equal ones, and negative ones */
}

static void fill(struct ia_heap *heap, size_t count)
{
    uint64_t state = 7;
    for (size_t i = 0; i < count; i++)
        assert_true(ia_heap_push(heap, next_key(&state), i));
}

static void keys_come_out_in_order(void **state)
{
    (void)state;
    enum { COUNT_PUSHED = 1000 };
    struct ia_heap heap = {0};
    bool seen[COUNT_PUSHED] = {false};
    int64_t last = INT64_MIN;
    fill(&heap, COUNT_PUSHED);
    for (size_t i = 0; i < COUNT_PUSHED; i++) {
        const struct ia_heap_entry *top = ia_heap_top(&heap);
        assert_true(top->key >= last);
        assert_false(seen[top->index]);
        seen[top->index] = true;
        last = top->key;
        ia_heap_pop(&heap);
    }
    assert_true(ia_heap_is_empty(&heap));
    ia_heap_release(&heap);
}

static void index_stays_with_its_key(void **state)
{
    (void)state;
    static const int64_t keys[] = {5, INT64_MAX, -3, 0, INT64_MIN, 5};
    struct ia_heap heap = {0};
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_true(ia_heap_push(&heap, keys[i], i));
    for (; !ia_heap_is_empty(&heap); ia_heap_pop(&heap))
        assert_int_equal(ia_heap_top(&heap)->key, keys[ia_heap_top(&heap)->index]);
    ia_heap_release(&heap);
}

/* As a sweep does it: of 50 things, each moves on by its own step when it comes to the top. */
static void changed_top_sinks(void **state)
{
    (void)state;
    enum { THINGS = 50, STEPS = 5000 };
    struct ia_heap heap = {0};
    int64_t places[THINGS] = {0};
    for (size_t i = 0; i < THINGS; i++)
        assert_true(ia_heap_push(&heap, 0, i));
    for (int step = 0; step < STEPS; step++) {
        const struct ia_heap_entry top = *ia_heap_top(&heap);
        for (size_t i = 0; i < THINGS; i++)
            assert_true(top.key <= places[i]);
        assert_int_equal(top.key, places[top.index]);
        places[top.index] += (int64_t)top.index + 1;
        ia_heap_change_top(&heap, places[top.index]);
    }
    assert_int_equal(heap.entries.len, THINGS);
    ia_heap_release(&heap);
}

static void single_entry_is_changed_and_popped(void **state)
{
    (void)state;
    struct ia_heap heap = {0};
    assert_true(ia_heap_is_empty(&heap));
    assert_true(ia_heap_push(&heap, 3, 9));
    ia_heap_change_top(&heap, 4);
    assert_int_equal(ia_heap_top(&heap)->key, 4);
    assert_int_equal(ia_heap_top(&heap)->index, 9);
    ia_heap_pop(&heap);
    assert_true(ia_heap_is_empty(&heap));
    ia_heap_release(&heap);
    assert_null(heap.entries.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_out_in_order),
        cmocka_unit_test(index_stays_with_its_key),
        cmocka_unit_test(changed_top_sinks),
        cmocka_unit_test(single_entry_is_changed_and_popped),
    };
    return cmocka_run_group_tests_name("base/heap", tests, NULL, NULL);
}
