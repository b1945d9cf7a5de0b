/* SPDX-License-Identifier: MIT */
/* The extent sink: order, clipping, merging and bounds, and what each state means to `qemu-img map`. */
#include "base/cleanup.h"
#include "model/extent_sink.h"
#include "model/image.h"
#include "support/unit.h"

static struct ia_error err;

static void push(struct ia_extent_sink *sink, int64_t start, int64_t length, uint32_t state, int64_t offset)
{
    struct ia_extent extent = {.start = start, .length = length, .state = state, .offset = offset};
    assert_ok(ia_extent_sink_push(sink, &extent, &err));
}

static void assert_extent(const struct ia_extent_sink *sink, size_t i, int64_t start, int64_t length, uint32_t state,
                          int64_t offset)
{
    assert_true(i < sink->batch.len);
    assert_int_equal(sink->batch.items[i].start, start);
    assert_int_equal(sink->batch.items[i].length, length);
    assert_int_equal(sink->batch.items[i].state, state);
    assert_int_equal(sink->batch.items[i].offset, offset);
}

static void neighbours_that_go_on_are_one(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 1000, 100);
    push(&sink, 0, 10, IA_EXTENT_DATA, 500);
    push(&sink, 10, 10, IA_EXTENT_DATA, 510);
    push(&sink, 20, 30, IA_EXTENT_DATA, 520);
    assert_int_equal(sink.batch.len, 0); /* may still grow */
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 1);
    assert_extent(&sink, 0, 0, 50, IA_EXTENT_DATA, 500);
    assert_int_equal(sink.total, 1);
    ia_extent_sink_release(&sink);
}

static void neighbours_without_offsets_merge(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 1000, 100);
    push(&sink, 0, 10, IA_EXTENT_COMPRESSED, IA_NO_OFFSET);
    push(&sink, 10, 10, IA_EXTENT_COMPRESSED, IA_NO_OFFSET);
    push(&sink, 20, 10, IA_EXTENT_ZERO, IA_NO_OFFSET);
    push(&sink, 30, 10, IA_EXTENT_ZERO, IA_NO_OFFSET);
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 2);
    assert_extent(&sink, 0, 0, 20, IA_EXTENT_COMPRESSED, IA_NO_OFFSET);
    assert_extent(&sink, 1, 20, 20, IA_EXTENT_ZERO, IA_NO_OFFSET);
    ia_extent_sink_release(&sink);
}

static void neighbours_that_differ_stay_apart(void **state)
{
    (void)state;
    struct ia_extent a = {.start = 0, .length = 10, .state = IA_EXTENT_ZERO_ALLOCATED, .offset = 100, .file = 0};
    struct ia_extent b = {.start = 10, .length = 5, .state = IA_EXTENT_ZERO_ALLOCATED, .offset = 110, .file = 0};
    assert_true(ia_extent_continues(&a, &b));
    struct ia_extent other = b;
    other.state = IA_EXTENT_DATA;
    assert_false(ia_extent_continues(&a, &other));
    other = b;
    other.offset = 111;
    assert_false(ia_extent_continues(&a, &other));
    other = b;
    other.offset = IA_NO_OFFSET;
    assert_false(ia_extent_continues(&a, &other));
    assert_false(ia_extent_continues(&other, &b));
    other = b;
    other.file = 1;
    assert_false(ia_extent_continues(&a, &other));
    other = b;
    other.start = 11;
    assert_false(ia_extent_continues(&a, &other));
    assert_false(ia_extent_continues(&b, &a));
}

static void gap_keeps_them_apart(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 1000, 100);
    push(&sink, 0, 10, IA_EXTENT_ZERO, IA_NO_OFFSET);
    push(&sink, 11, 10, IA_EXTENT_ZERO, IA_NO_OFFSET);
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 2);
    ia_extent_sink_release(&sink);
}

static void what_lies_past_the_size_is_cut(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 25, 100);
    push(&sink, 0, 20, IA_EXTENT_DATA, 0);
    push(&sink, 20, INT64_MAX - 20, IA_EXTENT_ZERO, IA_NO_OFFSET);
    push(&sink, 25, 10, IA_EXTENT_DATA, 900);
    push(&sink, INT64_MAX - 1, 1, IA_EXTENT_DATA, 900);
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 2);
    assert_extent(&sink, 0, 0, 20, IA_EXTENT_DATA, 0);
    assert_extent(&sink, 1, 20, 5, IA_EXTENT_ZERO, IA_NO_OFFSET);
    ia_extent_sink_release(&sink);
}

static void mapping_of_no_size_keeps_nothing(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 0, 100);
    push(&sink, 0, 10, IA_EXTENT_DATA, 0);
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 0);
    ia_extent_sink_release(&sink);
}

static void going_back_is_our_bug(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 1000, 100);
    push(&sink, 100, 10, IA_EXTENT_DATA, 0);
    struct ia_extent back = {.start = 109, .length = 5, .state = IA_EXTENT_DATA, .offset = 9};
    assert_status(IA_BUG, ia_extent_sink_push(&sink, &back, &err));
    struct ia_extent empty = {.start = 200, .length = 0, .state = IA_EXTENT_DATA, .offset = 0};
    assert_status(IA_BUG, ia_extent_sink_push(&sink, &empty, &err));
    struct ia_extent negative = {.start = 200, .length = -1, .state = IA_EXTENT_DATA, .offset = 0};
    assert_status(IA_BUG, ia_extent_sink_push(&sink, &negative, &err));
    assert_ok(ia_extent_sink_finish(&sink, &err));
    assert_int_equal(sink.batch.len, 1);
    ia_extent_sink_release(&sink);
}

static void limit_counts_finished_extents(void **state)
{
    (void)state;
    struct ia_extent_sink sink;
    ia_extent_sink_init(&sink, 1000, 2);
    push(&sink, 0, 10, IA_EXTENT_DATA, 0);
    push(&sink, 10, 10, IA_EXTENT_DATA, 10); /* the same extent */
    push(&sink, 30, 10, IA_EXTENT_DATA, 30);
    push(&sink, 50, 10, IA_EXTENT_DATA, 50); /* the third, still open */
    assert_status(IA_LIMIT, ia_extent_sink_finish(&sink, &err));
    assert_string_equal(err.message, "more than 2 extents");
    assert_int_equal(sink.total, 2);
    ia_extent_sink_release(&sink);
}

static void states_are_present_data_and_zero_as_qemu_img_shows_them(void **state)
{
    (void)state;
    static const struct {
        enum ia_extent_state state;
        const char *name;
        bool present, data, zero;
    } cases[] = {
        {IA_EXTENT_DATA, "data", true, true, false},
        {IA_EXTENT_COMPRESSED, "compressed", true, true, false},
        {IA_EXTENT_ENCRYPTED, "encrypted", true, true, false},
        {IA_EXTENT_ZERO, "zero", true, false, true},
        {IA_EXTENT_ZERO_ALLOCATED, "zero-allocated", true, false, true},
        {IA_EXTENT_SPARSE, "sparse", true, true, true},
        {IA_EXTENT_RESERVED, "reserved", false, false, true},
    };
    assert_int_equal(COUNT(cases), IA_EXTENT_STATES);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_extent e = {.length = 1, .state = cases[i].state};
        assert_string_equal(ia_extent_state_name(cases[i].state), cases[i].name);
        assert_int_equal(ia_extent_is_present(&e), cases[i].present);
        assert_int_equal(ia_extent_is_data(&e), cases[i].data);
        assert_int_equal(ia_extent_is_zero(&e), cases[i].zero);
    }
}

static void state_numbers_are_those_of_the_database(void **state)
{
    (void)state;
    assert_int_equal(IA_EXTENT_DATA, 0);
    assert_int_equal(IA_EXTENT_COMPRESSED, 1);
    assert_int_equal(IA_EXTENT_ENCRYPTED, 2);
    assert_int_equal(IA_EXTENT_ZERO, 3);
    assert_int_equal(IA_EXTENT_ZERO_ALLOCATED, 4);
    assert_int_equal(IA_EXTENT_SPARSE, 5);
    assert_int_equal(IA_EXTENT_RESERVED, 6);
}

static void facts_are_released_once_and_empty_then(void **state)
{
    (void)state;
    struct ia_image_facts facts = {.virtual_size = 512};
    ia_image_facts_release(&facts);
    assert_int_equal(facts.virtual_size, 0);
    ia_image_facts_release(&facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_that_go_on_are_one),
        cmocka_unit_test(neighbours_without_offsets_merge),
        cmocka_unit_test(neighbours_that_differ_stay_apart),
        cmocka_unit_test(gap_keeps_them_apart),
        cmocka_unit_test(what_lies_past_the_size_is_cut),
        cmocka_unit_test(mapping_of_no_size_keeps_nothing),
        cmocka_unit_test(going_back_is_our_bug),
        cmocka_unit_test(limit_counts_finished_extents),
        cmocka_unit_test(states_are_present_data_and_zero_as_qemu_img_shows_them),
        cmocka_unit_test(state_numbers_are_those_of_the_database),
        cmocka_unit_test(facts_are_released_once_and_empty_then),
    };
    return cmocka_run_group_tests_name("model/extent", tests, NULL, NULL);
}
