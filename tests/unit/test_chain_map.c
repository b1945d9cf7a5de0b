/* SPDX-License-Identifier: MIT */
/* The merged map of a chain, piece by piece by hand: `start`, `length`, `depth` and flags as `qemu-img map` prints
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "chain/map.h"
#include "support/qcow2_image.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536)

enum { PRESENT = 1, ZERO = 2, DATA = 4, COMPRESSED = 8 };

struct piece {
    int64_t start, length;
    uint32_t depth;
    unsigned flags;
    int64_t offset;
};

static unsigned flags_of(const struct ia_map_entry *entry)
{
    return (entry->present ? PRESENT : 0U) | (entry->zero ? ZERO : 0U) | (entry->data ? DATA : 0U) |
           (entry->compressed ? COMPRESSED : 0U);
}

static void assert_piece(const struct ia_map_entry *got, const struct piece *expected, size_t i)
{
    if (got->start != expected->start || got->length != expected->length || got->depth != expected->depth ||
        flags_of(got) != expected->flags || got->offset != expected->offset)
        fail_msg("piece %zu: start %#jx length %#jx depth %u flags %u offset %#jx", i, (intmax_t)got->start,
                 (intmax_t)got->length, got->depth, flags_of(got), (intmax_t)got->offset);
    assert_int_equal(got->filename != NULL, got->offset != IA_NO_OFFSET);
}

static void assert_range(const char *name, int64_t from, int64_t to, const struct piece *expected, size_t count)
{
    struct ia_chain chain;
    struct ia_map *map = NULL;
    assert_ok(ia_chain_open(name, &(struct ia_chain_options){.limits = &ia_default_limits}, &chain, &err));
    assert_ok(ia_map_open(&chain, from, to, &map, &err));
    struct ia_map_entry entry;
    bool have;
    for (size_t i = 0; i < count; i++) {
        assert_ok(ia_map_next(map, &entry, &have, &err));
        assert_true(have);
        assert_piece(&entry, &expected[i], i);
    }
    assert_ok(ia_map_next(map, &entry, &have, &err));
    assert_false(have);
    assert_ok(ia_map_next(map, &entry, &have, &err)); /* and again */
    assert_false(have);
    ia_map_close(map);
    ia_chain_release(&chain);
}

#define assert_map(name, ...)                                                                                          \
    assert_range((name), 0, INT64_MAX, (const struct piece[]){__VA_ARGS__},                                            \
                 sizeof((const struct piece[]){__VA_ARGS__}) / sizeof(struct piece))

/* An image of `size` bytes with one run of data over guest clusters [first, first + count). */
static int64_t make_image(const char *name, uint64_t size, const char *backing, const char *format, uint64_t first,
                          uint64_t count)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = size, .backing = backing, .backing_format = format});
    uint64_t host = count > 0 ? qcow2_image_add_data(&built, first) : 0;
    for (uint64_t i = 1; i < count; i++)
        qcow2_image_add_data(&built, first + i);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, name);
    qcow2_image_release(&built);
    return (int64_t)host;
}

static void image_without_a_byte_allocated_is_one_run_of_zeroes(void **state)
{
    (void)state;
    make_image("image", 3 * 65536, NULL, NULL, 0, 0);
    assert_map("image", {0, 3 * C, 0, ZERO, IA_NO_OFFSET});
    make_image("none", 0, NULL, NULL, 0, 0);
    assert_range("none", 0, INT64_MAX, NULL, 0);
}

/* base   ..DDDDDD
 * top    DDD....D */
static void overlay_hides_what_it_has(void **state)
{
    (void)state;
    int64_t below = make_image("base", 8 * 65536, NULL, NULL, 2, 6);
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 8 * 65536, .backing = "base", .backing_format = "qcow2"});
    int64_t above = (int64_t)qcow2_image_add_data(&built, 0);
    qcow2_image_add_data(&built, 1);
    qcow2_image_add_data(&built, 2);
    int64_t last = (int64_t)qcow2_image_add_data(&built, 7);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_int_equal(last, above + 3 * C);
    assert_map("top", {0, 3 * C, 0, PRESENT | DATA, above}, {3 * C, 4 * C, 1, PRESENT | DATA, below + C},
               {7 * C, C, 0, PRESENT | DATA, last});
}

/* What neither has belongs to the deepest image, not present. */
static void gaps_have_the_deepest_depth(void **state)
{
    (void)state;
    int64_t below = make_image("base", 4 * 65536, NULL, NULL, 1, 1);
    make_image("top", 4 * 65536, "base", "qcow2", 0, 0);
    assert_map("top", {0, C, 1, ZERO, IA_NO_OFFSET}, {C, C, 1, PRESENT | DATA, below},
               {2 * C, 2 * C, 1, ZERO, IA_NO_OFFSET});
}

static void overlay_longer_than_its_base_reads_zeroes_behind_it(void **state)
{
    (void)state;
    int64_t below = make_image("base", 2 * 65536, NULL, NULL, 0, 2);
    make_image("top", 4 * 65536, "base", "qcow2", 0, 0);
    assert_map("top", {0, 2 * C, 1, PRESENT | DATA, below}, {2 * C, 2 * C, 0, ZERO, IA_NO_OFFSET});
}

/* The same with nothing allocated on either side of the base's end. */
static void end_of_an_empty_base_is_an_edge(void **state)
{
    (void)state;
    make_image("base", 2 * 65536, NULL, NULL, 0, 0);
    make_image("top", 4 * 65536, "base", "qcow2", 0, 0);
    assert_map("top", {0, 2 * C, 1, ZERO, IA_NO_OFFSET}, {2 * C, 2 * C, 0, ZERO, IA_NO_OFFSET});
}

static void overlay_shorter_than_its_base_cuts_it(void **state)
{
    (void)state;
    int64_t below = make_image("base", 4 * 65536, NULL, NULL, 0, 4);
    make_image("top", 65536 + 512, "base", "qcow2", 0, 0);
    assert_map("top", {0, C + 512, 1, PRESENT | DATA, below});
}

/* top 4, middle 1, base 4 clusters: what lies behind the middle is not read through it. */
static void short_image_in_the_middle_cuts_what_is_below_it(void **state)
{
    (void)state;
    int64_t below = make_image("base", 4 * 65536, NULL, NULL, 0, 4);
    make_image("middle", 65536, "base", "qcow2", 0, 0);
    make_image("top", 4 * 65536, "middle", "qcow2", 0, 0);
    assert_map("top", {0, C, 2, PRESENT | DATA, below}, {C, 3 * C, 0, ZERO, IA_NO_OFFSET});
}

static void raw_base_is_present_everywhere(void **state)
{
    (void)state;
    static uint8_t ones[65536];
    memset(ones, 1, sizeof(ones));
    make_sparse_file("base", 4 * C);
    write_at("base", C, ones, sizeof(ones));
    int64_t above = make_image("top", 5 * 65536, "base", "raw", 3, 1);
    assert_map("top", {0, C, 1, PRESENT | ZERO, 0}, {C, C, 1, PRESENT | DATA, C}, {2 * C, C, 1, PRESENT | ZERO, 2 * C},
               {3 * C, C, 0, PRESENT | DATA, above}, {4 * C, C, 0, ZERO, IA_NO_OFFSET});
}

static void zero_and_compressed_entries_hide_the_base(void **state)
{
    (void)state;
    make_image("base", 6 * 65536, NULL, NULL, 0, 6);
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 6 * 65536, .backing = "base", .backing_format = "qcow2"});
    uint64_t host = qcow2_image_allocate(&built, 1);
    qcow2_image_map(&built, 0, 0, ENTRY_ZERO);
    qcow2_image_map(&built, 0, 1, host | ENTRY_ZERO);
    for (uint64_t i = 2; i < 6; i++)
        qcow2_image_map(&built, 0, i, qcow2_compressed_entry(&built, host, 0));
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_map("top", {0, C, 0, PRESENT | ZERO, IA_NO_OFFSET}, {C, C, 0, PRESENT | ZERO, (int64_t)host},
               {2 * C, 4 * C, 0, PRESENT | DATA | COMPRESSED, IA_NO_OFFSET});
}

/* Neighbours of different depth stay apart even where all else is equal. */
static void same_offsets_in_different_files_do_not_merge(void **state)
{
    (void)state;
    make_image("base", 2 * 65536, NULL, NULL, 0, 2);
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536, .backing = "base", .backing_format = "qcow2"});
    int64_t above = (int64_t)qcow2_image_add_data(&built, 0);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_map("top", {0, C, 0, PRESENT | DATA, above}, {C, C, 1, PRESENT | DATA, above + C});
}

/* Not even where neither has an offset. */
static void zeroes_of_different_depth_do_not_merge(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536});
    qcow2_image_map(&built, 0, 0, ENTRY_ZERO);
    qcow2_image_map(&built, 0, 1, ENTRY_ZERO);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "base");
    qcow2_image_release(&built);
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536, .backing = "base", .backing_format = "qcow2"});
    qcow2_image_map(&built, 0, 0, ENTRY_ZERO);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_map("top", {0, C, 0, PRESENT | ZERO, IA_NO_OFFSET}, {C, C, 1, PRESENT | ZERO, IA_NO_OFFSET});
}

static void window_has_the_map_of_its_range_alone(void **state)
{
    (void)state;
    int64_t below = make_image("base", 8 * 65536, NULL, NULL, 2, 4);
    make_image("top", 8 * 65536, "base", "qcow2", 0, 0);
    const struct piece middle = {3 * C + 5, 10, 1, PRESENT | DATA, below + C + 5};
    assert_range("top", 3 * C + 5, 3 * C + 15, &middle, 1);
    const struct piece edge[] = {{5 * C, C, 1, PRESENT | DATA, below + 3 * C}, {6 * C, 1, 1, ZERO, IA_NO_OFFSET}};
    assert_range("top", 5 * C, 6 * C + 1, edge, 2);
    assert_range("top", 8 * C, INT64_MAX, NULL, 0);
    assert_range("top", 20 * C, INT64_MAX, NULL, 0);
    assert_range("top", 0, 0, NULL, 0);
    assert_range("top", INT64_MAX, INT64_MAX, NULL, 0);
}

/* 150 images, image i with cluster i alone: more than two words of the set of present layers. */
static void every_depth_of_a_deep_chain_is_mapped(void **state)
{
    (void)state;
    enum { DEPTH = 150 };
    struct piece expected[DEPTH + 1];
    int64_t host = 0;
    for (int i = 0; i < DEPTH; i++) { /* image 0 is the base */
        char name[16];
        char base[16];
        snprintf(name, sizeof(name), "%d", i);
        snprintf(base, sizeof(base), "%d", i - 1);
        host = make_image(name, (DEPTH + 1) * 65536, i > 0 ? base : NULL, i > 0 ? "qcow2" : NULL, (uint64_t)i, 1);
    }
    for (int i = 0; i < DEPTH; i++)
        expected[i] = (struct piece){i * C, C, (uint32_t)(DEPTH - 1 - i), PRESENT | DATA, host};
    expected[DEPTH] = (struct piece){DEPTH * C, C, DEPTH - 1, ZERO, IA_NO_OFFSET};
    assert_range("149", 0, INT64_MAX, expected, DEPTH + 1);
}

/* All images of the chain have the same cluster: the nearest one counts. */
static void nearest_image_wins(void **state)
{
    (void)state;
    make_image("a", 65536, NULL, NULL, 0, 1);
    make_image("b", 65536, "a", "qcow2", 0, 1);
    int64_t host = make_image("c", 65536, "b", "qcow2", 0, 1);
    make_image("d", 65536, "c", "qcow2", 0, 0);
    assert_map("d", {0, C, 1, PRESENT | DATA, host});
}

/* Subclusters that are reserved read from the base, and have an offset only where nobody has them. */
static void reserved_subclusters_are_not_present(void **state)
{
    (void)state;
    int64_t sub = C / 32;
    int64_t below = make_image("base", 65536 / 2, NULL, NULL, 0, 1);
    struct qcow2_image built;
    const struct qcow2_options options = {
        .size = 65536, .extended_l2 = true, .backing = "base", .backing_format = "qcow2"};
    qcow2_image_start(&built, &options);
    uint64_t host = qcow2_image_allocate(&built, 1);
    qcow2_image_map_extended(&built, 0, 0, host | ENTRY_COPIED, 1);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_map("top", {0, sub, 0, PRESENT | DATA, (int64_t)host},
               {sub, C / 2 - sub, 1, PRESENT | DATA, below + sub}, /* the base is half as long */
               {C / 2, C / 2, 0, ZERO, (int64_t)host + C / 2});
}

static void broken_table_below_is_an_error_of_the_map(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_map(&built, 0, 0, 0x50200);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "base");
    qcow2_image_release(&built);
    make_image("top", 65536, "base", "qcow2", 0, 0);
    struct ia_chain chain;
    struct ia_map *map = NULL;
    assert_ok(ia_chain_open("top", &(struct ia_chain_options){.limits = &ia_default_limits}, &chain, &err));
    assert_status(IA_CORRUPT, ia_map_open(&chain, 0, INT64_MAX, &map, &err));
    assert_null(map);
    ia_map_close(NULL);
    ia_chain_release(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(image_without_a_byte_allocated_is_one_run_of_zeroes),
        in_temp_dir(overlay_hides_what_it_has),
        in_temp_dir(gaps_have_the_deepest_depth),
        in_temp_dir(overlay_longer_than_its_base_reads_zeroes_behind_it),
        in_temp_dir(end_of_an_empty_base_is_an_edge),
        in_temp_dir(overlay_shorter_than_its_base_cuts_it),
        in_temp_dir(short_image_in_the_middle_cuts_what_is_below_it),
        in_temp_dir(raw_base_is_present_everywhere),
        in_temp_dir(zero_and_compressed_entries_hide_the_base),
        in_temp_dir(same_offsets_in_different_files_do_not_merge),
        in_temp_dir(zeroes_of_different_depth_do_not_merge),
        in_temp_dir(window_has_the_map_of_its_range_alone),
        in_temp_dir(every_depth_of_a_deep_chain_is_mapped),
        in_temp_dir(nearest_image_wins),
        in_temp_dir(reserved_subclusters_are_not_present),
        in_temp_dir(broken_table_below_is_an_error_of_the_map),
    };
    return cmocka_run_group_tests_name("chain/map", tests, NULL, NULL);
}
