/* SPDX-License-Identifier: MIT */
/* What-if: forests small enough to be worked out by hand. Where an image is committed, a byte of the drawings stands
 * for a granule of 4 KiB. */
#include "test_analysis_fixture.h"

#include "analysis/forest_edit.h"

#define K INT64_C(4096)

static const struct ia_forest_edit_terms bytewise = {
    .unit = 1, .cluster = 1, .zeroes = IA_ZEROES_KEPT, .can_be_empty = true};
static const struct ia_forest_edit_terms by_granule = {
    .unit = K, .cluster = K, .zeroes = IA_ZEROES_KEPT, .can_be_empty = true};

struct test {
    struct fixture fixture;
    struct ia_forest forest;
    struct ia_forest_edit *edited;
};

static int setup(void **state)
{
    static struct test test;
    test = (struct test){0};
    fixture_init(&test.fixture);
    *state = &test;
    return 0;
}

static int teardown(void **state)
{
    struct test *test = *state;
    ia_forest_edit_free(test->edited);
    fixture_release(&test->fixture);
    return 0;
}

/* Every extent and size of the drawings so far becomes `factor` times as large. */
static void scale(struct fixture *fixture, int64_t factor)
{
    for (size_t i = 0; i < fixture->images.len; i++) {
        struct image *image = &fixture->images.items[i];
        fixture->nodes.items[i].size *= factor;
        for (size_t s = 0; s < image->snapshot_sizes.len; s++)
            image->snapshot_sizes.items[s] *= factor;
        for (size_t m = 0; m < image->mappings.len; m++) {
            struct mapping *mapping = &image->mappings.items[m];
            for (size_t e = 0; e < mapping->extents.len; e++) {
                struct ia_extent *extent = &mapping->extents.items[e];
                extent->start *= factor;
                extent->length *= factor;
                extent->offset *= extent->offset == IA_NO_OFFSET ? 1 : factor;
            }
        }
    }
}

static void ask(struct test *test)
{
    struct ia_error err = {0};
    struct fixture *fixture = &test->fixture;
    for (size_t i = 0; i < fixture->nodes.len; i++) {
        fixture->nodes.items[i].snapshot_sizes = fixture->images.items[i].snapshot_sizes.items;
        fixture->nodes.items[i].snapshots = fixture->images.items[i].snapshot_sizes.len;
    }
    test->forest = (struct ia_forest){
        .nodes = fixture->nodes.items, .count = fixture->nodes.len, .read = memory_read, .ctx = fixture};
    assert_int_equal(ia_forest_edit_new(&test->forest, &test->edited, &err), IA_OK);
}

static void flatten(struct test *test, size_t node, const struct ia_forest_edit_terms *terms)
{
    struct ia_error err = {0};
    assert_int_equal(ia_forest_edit_flatten(test->edited, node, terms, &err), IA_OK);
}

static void commit(struct test *test, size_t node, const struct ia_forest_edit_terms *base)
{
    struct ia_error err = {0};
    assert_int_equal(ia_forest_edit_commit(test->edited, node, &by_granule, base, &err), IA_OK);
}

static void delete_node(struct test *test, size_t node)
{
    struct ia_error err = {0};
    assert_int_equal(ia_forest_edit_delete(test->edited, node, &err), IA_OK);
}

static void analyse_after(struct test *test)
{
    struct ia_error err = {0};
    struct ia_forest_sinks sinks = keep_all;
    sinks.ctx = &test->fixture;
    forget_results(&test->fixture);
    enum ia_status status = ia_forest_analyse(ia_forest_edit_after(test->edited), &sinks, &err);
    if (status != IA_OK)
        fail_msg("%s: %s", ia_status_word(status), err.message);
}

/* In units of `scale`. */
static void assert_usage(struct test *test, size_t node, int64_t factor, int64_t visible, int64_t masked,
                         int64_t exclusive, int64_t shared)
{
    const struct ia_usage *usage = &test->fixture.images.items[node].usage;
    assert_int_equal(test->fixture.images.items[node].usages, 1);
    assert_int_equal(usage->visible_bytes, visible * factor);
    assert_int_equal(usage->masked_bytes, masked * factor);
    assert_int_equal(usage->exclusive_bytes, exclusive * factor);
    assert_int_equal(usage->shared_bytes, shared * factor);
}

static void assert_effect(struct test *test, size_t node, int64_t needed, int64_t released, int64_t changed)
{
    const struct ia_forest_edit_effect *effect = ia_forest_edit_effect(test->edited, node);
    assert_int_equal(effect->needed_bytes, needed);
    assert_int_equal(effect->emptied_bytes, released);
    assert_int_equal(effect->released_bytes, released);
    assert_int_equal(effect->changed_bytes, changed);
}

static void deleting_nothing_changes_nothing(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDD..");
    add_image(&test->fixture, base, "DD......");
    add_image(&test->fixture, base, "..DD....");
    ask(test);
    analyse_after(test);
    assert_usage(test, base, 1, 6, 0, 4, 2); /* bytes 0..3 are each read by one, 4 and 5 by both */
}

static void deleting_a_head_masks_what_only_it_read(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDD..");
    size_t head = add_image(&test->fixture, base, "DD......");
    size_t other = add_image(&test->fixture, base, "..DD....");
    ask(test);
    delete_node(test, head);
    analyse_after(test);
    assert_usage(test, base, 1, 4, 2, 4, 0);
    assert_usage(test, other, 1, 2, 0, 2, 0);
    assert_usage(test, head, 1, 0, 0, 0, 0);
}

static void deleting_in_the_middle_leaves_its_overlay_without_a_base(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t middle = add_image(&test->fixture, base, "D...");
    size_t head = add_image(&test->fixture, middle, ".D..");
    size_t beside = add_image(&test->fixture, base, "DD..");
    ask(test);
    delete_node(test, middle);
    analyse_after(test);
    assert_usage(test, base, 1, 2, 2, 2, 0);
    assert_usage(test, head, 1, 1, 0, 1, 0);
    assert_int_equal(ia_forest_edit_after(test->edited)->nodes[head].parent, IA_NO_PARENT);
    assert_int_equal(ia_forest_edit_after(test->edited)->nodes[beside].parent, base);
}

static void a_set_is_deleted_as_one(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t one = add_image(&test->fixture, base, "DD..");
    size_t two = add_image(&test->fixture, base, "..DD");
    add_image(&test->fixture, base, "DDD.");
    ask(test);
    delete_node(test, one);
    delete_node(test, two);
    analyse_after(test);
    assert_usage(test, base, 1, 1, 3, 1, 0);
}

static void flattening_copies_data_and_no_zeroes(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDZZDD..");
    size_t head = add_image(&test->fixture, base, "D..D..D.");
    ask(test);
    flatten(test, head, &bytewise);
    assert_effect(test, head, 3, 0, 0); /* bytes 1, 4 and 5 */
    analyse_after(test);
    assert_usage(test, head, 1, 6, 0, 6, 0);
    assert_usage(test, base, 1, 4, 0, 4, 0); /* it stands alone, and is a head of its own */
}

static void flattening_copies_through_a_whole_chain(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDDDD");
    size_t middle = add_image(&test->fixture, base, "ZZ.CE...");
    size_t head = add_image(&test->fixture, middle, "......RZ");
    ask(test);
    flatten(test, head, &bytewise);
    assert_effect(test, head, 5, 0, 0); /* 2..6: what is merely reserved is read from below */
    assert_effect(test, middle, 0, 0, 0);
    analyse_after(test);
    assert_usage(test, middle, 1, 2, 0, 2, 0);
    assert_usage(test, base, 1, 4, 4, 4, 0); /* the middle image reads 2, 5, 6 and 7 of it */
}

static void flattening_stops_at_the_smallest_size_on_the_way(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDDDDDD");
    size_t middle = add_image(&test->fixture, base, "....");
    size_t head = add_image(&test->fixture, middle, "........");
    ask(test);
    flatten(test, head, &bytewise);
    assert_effect(test, head, 4, 0, 0);
}

static void flattening_fills_whole_units(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, ".D.........D..");
    size_t head = add_image(&test->fixture, base, "....DDDD......");
    const struct ia_forest_edit_terms clusters = {.unit = 4, .cluster = 4};
    ask(test);
    flatten(test, head, &clusters);
    assert_effect(test, head, 8, 0, 0); /* [0, 4) and [8, 12) */
    analyse_after(test);
    assert_usage(test, head, 1, 12, 0, 12, 0);
}

static void a_flattened_set_is_read_as_it_was(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD....");
    size_t middle = add_image(&test->fixture, base, "..DD....");
    size_t head = add_image(&test->fixture, middle, "...D....");
    size_t other = add_image(&test->fixture, middle, "........");
    ask(test);
    flatten(test, middle, &bytewise);
    flatten(test, head, &bytewise);
    assert_effect(test, middle, 2, 0, 0);
    assert_effect(test, head, 3, 0, 0);
    analyse_after(test);
    assert_usage(test, middle, 1, 4, 0, 4, 0); /* all for the one that is left on it */
    assert_usage(test, head, 1, 4, 0, 4, 0);
    assert_usage(test, other, 1, 0, 0, 0, 0);
}

static void flattening_takes_from_snapshots_what_they_read_below(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDZZ");
    size_t head = add_image(&test->fixture, base, "DD....");
    add_snapshot(&test->fixture, head, "D.....");
    add_snapshot(&test->fixture, head, "DDDD..");
    ask(test);
    flatten(test, head, &bytewise);
    const int64_t *lost = ia_forest_edit_snapshots(test->edited, head);
    assert_non_null(lost);
    assert_int_equal(lost[0], 3);
    assert_int_equal(lost[1], 0);
    assert_null(ia_forest_edit_snapshots(test->edited, base));
}

static void flattening_an_image_without_a_base_does_nothing(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DD..");
    ask(test);
    flatten(test, base, &bytewise);
    assert_effect(test, base, 0, 0, 0);
    analyse_after(test);
    assert_usage(test, base, 1, 2, 0, 2, 0);
}

static void committing_writes_to_the_base_and_empties_the_image(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD....");
    size_t head = add_image(&test->fixture, base, "..DDDD..");
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, base, 2 * K, 0, 0); /* 4 and 5; 2 and 3 have their clusters */
    assert_effect(test, head, 0, 4 * K, 0);
    analyse_after(test);
    assert_usage(test, base, K, 6, 0, 6, 0);
    assert_usage(test, head, K, 0, 0, 0, 0);
}

static void committing_changes_what_reads_the_same_place(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDDDD");
    size_t head = add_image(&test->fixture, base, "DDDD....");
    size_t safe = add_image(&test->fixture, base, "DDDDD...");
    size_t hurt = add_image(&test->fixture, base, "DD......");
    size_t above = add_image(&test->fixture, hurt, "..D.....");
    size_t over = add_image(&test->fixture, head, "........");
    add_snapshot(&test->fixture, head, "D.......");
    add_snapshot(&test->fixture, hurt, "....DDDD");
    add_snapshot(&test->fixture, base, "........");
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, safe, 0, 0, 0);
    assert_effect(test, hurt, 0, 0, 2 * K);
    assert_effect(test, above, 0, 0, K);
    assert_effect(test, over, 0, 0, 0);
    assert_int_equal(ia_forest_edit_snapshots(test->edited, head)[0], 3 * K);
    assert_int_equal(ia_forest_edit_snapshots(test->edited, hurt)[0], 4 * K);
    assert_null(ia_forest_edit_snapshots(test->edited, base));
}

static void committing_changes_a_base_that_is_kept_whole(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDZZ.D");
    size_t head = add_image(&test->fixture, base, "D.ZDD...");
    size_t other = add_image(&test->fixture, base, "DDDDDD");
    test->fixture.nodes.items[base].keep_whole = true;
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    /* Bytes 0, 3 and 4; 2 stays zero, 1 and 5 are not written. */
    assert_int_equal(ia_forest_edit_effect(test->edited, base)->changed_bytes, 3 * K);
    assert_effect(test, other, 0, 0, 0);
}

static void zeroes_over_zeroes_change_nothing(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDZZ....");
    size_t head = add_image(&test->fixture, base, ".ZZZZ...");
    size_t other = add_image(&test->fixture, base, "........");
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, other, 0, 0, K); /* byte 1: data became zero */
    assert_effect(test, base, 0, K, 0);  /* and its cluster is given back */
    analyse_after(test);
    assert_usage(test, base, K, 1, 0, 0, 1);
}

static void zeroes_become_data_where_the_base_has_no_other_way(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "D...");
    size_t head = add_image(&test->fixture, base, ".ZZ.");
    const struct ia_forest_edit_terms plain = {.unit = K, .cluster = K, .zeroes = IA_ZEROES_DATA};
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &plain);
    assert_effect(test, base, 2 * K, 0, 0);
    analyse_after(test);
    assert_usage(test, base, K, 3, 0, 3, 0);
}

static void zeroes_are_dropped_where_nothing_shows_through(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDD.");
    size_t head = add_image(&test->fixture, base, ".Z..");
    const struct ia_forest_edit_terms old = {.unit = K, .cluster = K, .zeroes = IA_ZEROES_DROPPED};
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &old);
    assert_effect(test, base, 0, K, 0);
    analyse_after(test);
    assert_usage(test, base, K, 2, 0, 2, 0);
    assert_int_equal(test->fixture.images.items[base].usage.visible_present, 2 * K);
}

/* 64 KiB is the largest granule; a cluster of 128 KiB is filled as a whole. */
static void a_part_of_a_cluster_fills_the_cluster(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "................................");
    size_t head = add_image(&test->fixture, base, "D...............................");
    const struct ia_forest_edit_terms large = {.unit = 32 * K, .cluster = 32 * K, .zeroes = IA_ZEROES_KEPT};
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &large);
    assert_effect(test, base, 32 * K, 0, 0);
}

static void zeroes_of_a_part_of_a_granule_become_data(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "........");
    size_t head = add_image(&test->fixture, base, "..ZZ....");
    scale(&test->fixture, K / 4);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, base, K, 0, 0);
}

static void the_base_grows_and_its_own_base_does_not_show(void **state)
{
    struct test *test = *state;
    size_t root = add_image(&test->fixture, IA_NO_PARENT, "DDDDDDDD");
    size_t base = add_image(&test->fixture, root, "..D.");
    size_t head = add_image(&test->fixture, base, ".....D..");
    size_t longer = add_image(&test->fixture, base, "........");
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, base, K, 0, 0);
    assert_effect(test, longer, 0, 0, K); /* it read zeroes past the end */
    analyse_after(test);
    assert_int_equal(ia_forest_edit_after(test->edited)->nodes[base].size, 8 * K);
    assert_usage(test, base, K, 2, 0, 0, 2);
    assert_usage(test, root, K, 3, 5, 0, 3);
}

/* The base ends in the middle of a cluster of 8 granules: the rest of it is there already. */
static void the_last_cluster_of_a_base_that_grows_goes_on(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t head = add_image(&test->fixture, base, ".............DDD");
    const struct ia_forest_edit_terms large = {.unit = 8 * K, .cluster = 8 * K, .zeroes = IA_ZEROES_KEPT};
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &large);
    assert_effect(test, base, 8 * K, 0, 0);
    analyse_after(test);
    assert_usage(test, base, K, 16, 0, 16, 0);
}

static void a_shorter_image_leaves_the_rest_of_its_base(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDDDD");
    size_t head = add_image(&test->fixture, base, "DD");
    size_t other = add_image(&test->fixture, base, "......");
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, other, 0, 0, 2 * K);
    assert_int_equal(ia_forest_edit_after(test->edited)->nodes[base].size, 6 * K);
    analyse_after(test);
    assert_usage(test, base, K, 6, 0, 4, 2);
}

/* What a snapshot of the base holds is copied before it is written, and is given back by nobody. */
static void clusters_that_a_snapshot_holds_are_not_written(void **state)
{
    struct test *test = *state;
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t head = add_image(&test->fixture, base, "DZ..");
    struct mapping *snapshot = add_empty_snapshot(&test->fixture, base, 4);
    add_extent(snapshot, 0, 4, IA_EXTENT_DATA, 0); /* the same clusters */
    scale(&test->fixture, K);
    ask(test);
    commit(test, head, &by_granule);
    assert_effect(test, base, K, 0, 0);
    analyse_after(test);
    assert_usage(test, base, K, 3, 0, 3, 0);
}

/* Of four clusters each, something else on the host has the blocks of the second one, and those behind the image. */
static void what_is_shared_is_copied_and_given_back_by_nobody(void **state)
{
    struct test *test = *state;
    struct ia_error err = {0};
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t head = add_image(&test->fixture, base, "DDZ.");
    struct ia_host_ranges shared = {0};
    assert_true(ia_host_ranges_add(&shared, 0, K, K));
    assert_true(ia_host_ranges_add(&shared, 0, 4 * K, K));
    assert_true(ia_host_ranges_add(&shared, 1, 0, 4 * K)); /* another file of the image */
    ia_host_ranges_seal(&shared);
    struct ia_forest_edit_terms terms = by_granule;
    terms.shared = &shared;
    scale(&test->fixture, K);
    ask(test);
    assert_int_equal(ia_forest_edit_commit(test->edited, head, &terms, &terms, &err), IA_OK);
    const struct ia_forest_edit_effect *effect = ia_forest_edit_effect(test->edited, base);
    assert_int_equal(effect->needed_bytes, K); /* the second cluster; the first one is its own */
    assert_int_equal(effect->emptied_bytes, K);
    assert_int_equal(effect->released_bytes, K); /* the third one */
    effect = ia_forest_edit_effect(test->edited, head);
    assert_int_equal(effect->emptied_bytes, 2 * K);
    assert_int_equal(effect->released_bytes, K);
    ia_host_ranges_release(&shared);
}

static void nothing_is_released_where_all_may_be_shared(void **state)
{
    struct test *test = *state;
    struct ia_error err = {0};
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DDDD");
    size_t head = add_image(&test->fixture, base, "DDZ.");
    struct ia_forest_edit_terms terms = by_granule;
    terms.may_share_all = true;
    scale(&test->fixture, K);
    ask(test);
    assert_int_equal(ia_forest_edit_commit(test->edited, head, &terms, &terms, &err), IA_OK);
    const struct ia_forest_edit_effect *effect = ia_forest_edit_effect(test->edited, base);
    assert_int_equal(effect->needed_bytes, 2 * K);
    assert_int_equal(effect->emptied_bytes, K);
    assert_int_equal(effect->released_bytes, 0);
    effect = ia_forest_edit_effect(test->edited, head);
    assert_int_equal(effect->emptied_bytes, 2 * K);
    assert_int_equal(effect->released_bytes, 0);
}

static void an_image_that_cannot_be_emptied_masks_what_it_gave(void **state)
{
    struct test *test = *state;
    struct ia_error err = {0};
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DD..");
    size_t head = add_image(&test->fixture, base, ".DD.");
    const struct ia_forest_edit_terms kept = {.unit = K, .cluster = K};
    scale(&test->fixture, K);
    ask(test);
    assert_int_equal(ia_forest_edit_commit(test->edited, head, &kept, &by_granule, &err), IA_OK);
    assert_effect(test, head, 0, 0, 0);
    analyse_after(test);
    assert_usage(test, head, K, 2, 0, 2, 0);
    assert_usage(test, base, K, 1, 2, 1, 0);
}

static void what_has_no_backing_image_is_not_committed(void **state)
{
    struct test *test = *state;
    struct ia_error err = {0};
    size_t base = add_image(&test->fixture, IA_NO_PARENT, "DD..");
    ask(test);
    assert_int_equal(ia_forest_edit_commit(test->edited, base, &bytewise, &bytewise, &err), IA_USAGE);
}

static void circles_are_a_bug(void **state)
{
    struct test *test = *state;
    struct ia_error err = {0};
    size_t one = add_image(&test->fixture, IA_NO_PARENT, "D");
    size_t two = add_image(&test->fixture, one, "D");
    test->fixture.nodes.items[one].parent = two;
    test->forest =
        (struct ia_forest){.nodes = test->fixture.nodes.items, .count = 2, .read = memory_read, .ctx = &test->fixture};
    assert_int_equal(ia_forest_edit_new(&test->forest, &test->edited, &err), IA_BUG);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deleting_nothing_changes_nothing),
        TEST(deleting_a_head_masks_what_only_it_read),
        TEST(deleting_in_the_middle_leaves_its_overlay_without_a_base),
        TEST(a_set_is_deleted_as_one),
        TEST(flattening_copies_data_and_no_zeroes),
        TEST(flattening_copies_through_a_whole_chain),
        TEST(flattening_stops_at_the_smallest_size_on_the_way),
        TEST(flattening_fills_whole_units),
        TEST(a_flattened_set_is_read_as_it_was),
        TEST(flattening_takes_from_snapshots_what_they_read_below),
        TEST(flattening_an_image_without_a_base_does_nothing),
        TEST(committing_writes_to_the_base_and_empties_the_image),
        TEST(committing_changes_what_reads_the_same_place),
        TEST(committing_changes_a_base_that_is_kept_whole),
        TEST(zeroes_over_zeroes_change_nothing),
        TEST(zeroes_become_data_where_the_base_has_no_other_way),
        TEST(zeroes_are_dropped_where_nothing_shows_through),
        TEST(a_part_of_a_cluster_fills_the_cluster),
        TEST(zeroes_of_a_part_of_a_granule_become_data),
        TEST(the_base_grows_and_its_own_base_does_not_show),
        TEST(the_last_cluster_of_a_base_that_grows_goes_on),
        TEST(a_shorter_image_leaves_the_rest_of_its_base),
        TEST(clusters_that_a_snapshot_holds_are_not_written),
        TEST(what_is_shared_is_copied_and_given_back_by_nobody),
        TEST(nothing_is_released_where_all_may_be_shared),
        TEST(an_image_that_cannot_be_emptied_masks_what_it_gave),
        TEST(what_has_no_backing_image_is_not_committed),
        TEST(circles_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
