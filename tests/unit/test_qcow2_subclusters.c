/* SPDX-License-Identifier: MIT */
/* Extended L2 entries: 32 subclusters in a cluster, each allocated, zero or neither ("Extended L2 Entries"). */
#include <stdlib.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536)
#define SUB INT64_C(2048) /* 64 KiB / 32 */

/* Subclusters first..last, as bits of the lower half; the upper half says "zero". */
static uint64_t bits(unsigned first, unsigned last)
{
    uint64_t set = 0;
    for (unsigned n = first; n <= last; n++)
        set |= UINT64_C(1) << n;
    return set;
}

static const struct qcow2_options options = {.size = 4 * 65536, .extended_l2 = true};

static void build(struct qcow2_image *built, uint64_t entry, uint64_t bitmap)
{
    qcow2_image_start(built, &options);
    qcow2_image_map_extended(built, 0, 1, entry, bitmap);
    qcow2_image_finish(built);
}

static void subclusters_with_a_cluster_are_data_zero_or_reserved(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &options);
    uint64_t host = qcow2_image_allocate(&built, 1);
    qcow2_image_map_extended(&built, 0, 1, host | ENTRY_COPIED, bits(0, 3) | bits(8, 8) | bits(4, 7) << 32);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    int64_t h = (int64_t)host;
    assert_extents(image, 0, {.start = C, .length = 4 * SUB, .offset = h, .state = IA_EXTENT_DATA},
                   {.start = C + 4 * SUB, .length = 4 * SUB, .offset = h + 4 * SUB, .state = IA_EXTENT_ZERO_ALLOCATED},
                   {.start = C + 8 * SUB, .length = SUB, .offset = h + 8 * SUB, .state = IA_EXTENT_DATA},
                   {.start = C + 9 * SUB, .length = 23 * SUB, .offset = h + 9 * SUB, .state = IA_EXTENT_RESERVED});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void subclusters_without_a_cluster_are_zero_or_unallocated(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, 0, bits(0, 0) << 32 | bits(31, 31) << 32);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = C, .length = SUB, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = C + 31 * SUB, .length = SUB, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void whole_clusters_merge(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &options);
    uint64_t a = qcow2_image_add_data(&built, 0);
    qcow2_image_add_data(&built, 1);
    qcow2_image_map_extended(&built, 0, 2, 0, bits(0, 31) << 32);
    qcow2_image_map_extended(&built, 0, 3, 0, bits(0, 30) << 32);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = 2 * C, .offset = (int64_t)a, .state = IA_EXTENT_DATA},
                   {.start = 2 * C, .length = 2 * C - SUB, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void entry_without_bits_is_unallocated(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, 0, 0);
    struct ia_image *image = open_built(&built);
    assert_mapping(image, 0, NULL, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* Bit 0 of the first half is always 0 here, and what stands there has no meaning. */
static void zero_bit_of_standard_entries_means_nothing(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, ENTRY_ZERO, 0);
    struct ia_image *image = open_built(&built);
    assert_mapping(image, 0, NULL, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
    build(&built, 0x50000 | ENTRY_ZERO, bits(0, 31));
    image = open_built(&built);
    assert_extents(image, 0, {.start = C, .length = C, .offset = 0x50000, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void compressed_clusters_have_no_subclusters(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, ENTRY_COMPRESSED | 0x50123, UINT64_MAX); /* reserved bits: ignored */
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = C, .length = C, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void contradictions_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint64_t entry, bitmap;
    } cases[] = {
        {0x50000, 1 | UINT64_C(1) << 32}, /* allocated and zero */
        {0x50000, UINT64_MAX},
        {0, 1}, /* allocated without a cluster */
        {0, UINT64_C(1) << 31},
        {0x50200, 1}, /* not at a cluster's start */
        {0x50200, UINT64_C(1) << 32},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        struct extent_list got;
        build(&built, cases[i].entry, cases[i].bitmap);
        struct ia_image *image = open_built(&built);
        assert_status(IA_CORRUPT, try_map(image, 0, 0, INT64_MAX, &got, &err));
        free(got.items);
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

/* An L2 table of 16-byte entries: 16 KiB clusters, 1024 entries, 16 MiB a table; subclusters of 512 bytes. */
static void tables_hold_half_as_many_entries(void **state)
{
    (void)state;
    struct qcow2_image built;
    const struct qcow2_options small = {.size = 40 << 20, .cluster_bits = 14, .extended_l2 = true};
    qcow2_image_start(&built, &small);
    assert_int_equal(built.mappings[0].l1_entries, 3);
    qcow2_image_map_extended(&built, 0, 1023, 0, bits(31, 31) << 32);
    qcow2_image_map_extended(&built, 0, 1024, 0, bits(0, 1) << 32);
    qcow2_image_map_extended(&built, 0, 2500, 0, bits(5, 5) << 32);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 16 * MIB - 512, .length = 1536, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = 2500 * 16384 + 5 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subclusters_with_a_cluster_are_data_zero_or_reserved),
        cmocka_unit_test(subclusters_without_a_cluster_are_zero_or_unallocated),
        cmocka_unit_test(whole_clusters_merge),
        cmocka_unit_test(entry_without_bits_is_unallocated),
        cmocka_unit_test(zero_bit_of_standard_entries_means_nothing),
        cmocka_unit_test(compressed_clusters_have_no_subclusters),
        cmocka_unit_test(contradictions_are_corrupt),
        cmocka_unit_test(tables_hold_half_as_many_entries),
    };
    return cmocka_run_group_tests_name("qcow2/subclusters", tests, NULL, NULL);
}
