/* SPDX-License-Identifier: MIT */
/* Standard L2 entries: every state, runs that merge and that do not, table edges, windows, and broken tables. */
#include <stdlib.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536) /* the default cluster */

/* The image must be refused while it is mapped. */
static void assert_refused(const struct qcow2_image *built, size_t mapping, enum ia_status expected)
{
    struct ia_image *image = open_built(built);
    struct extent_list got;
    assert_status(expected, try_map(image, mapping, 0, INT64_MAX, &got, &err));
    free(got.items);
    ia_image_close(image);
}

static void every_state_is_mapped(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 16 * 65536});
    uint64_t a = qcow2_image_add_data(&built, 0);
    uint64_t b = qcow2_image_add_data(&built, 2);
    uint64_t c = qcow2_image_add_data(&built, 3); /* lies behind b */
    uint64_t kept = qcow2_image_allocate(&built, 1);
    qcow2_image_map(&built, 0, 4, ENTRY_ZERO);
    qcow2_image_map(&built, 0, 5, kept | ENTRY_COPIED | ENTRY_ZERO);
    qcow2_image_map(&built, 0, 6, qcow2_compressed_entry(&built, kept, 0));
    qcow2_image_map(&built, 0, 15, a); /* shared: without the "copied" bit */
    qcow2_image_finish(&built);
    assert_int_equal(c, b + 65536);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = C, .offset = (int64_t)a, .state = IA_EXTENT_DATA},
                   {.start = 2 * C, .length = 2 * C, .offset = (int64_t)b, .state = IA_EXTENT_DATA},
                   {.start = 4 * C, .length = C, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = 5 * C, .length = C, .offset = (int64_t)kept, .state = IA_EXTENT_ZERO_ALLOCATED},
                   {.start = 6 * C, .length = C, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED},
                   {.start = 15 * C, .length = C, .offset = (int64_t)a, .state = IA_EXTENT_DATA});
    assert_false(image->facts.truncated);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void runs_merge_only_where_the_host_goes_on(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 8 * 65536});
    uint64_t host = qcow2_image_allocate(&built, 4);
    /* In guest order: host clusters 1, 0, 1, 2, 2, 3. */
    static const uint64_t order[] = {1, 0, 1, 2, 2, 3};
    for (size_t i = 0; i < COUNT(order); i++)
        qcow2_image_map(&built, 0, i, host + order[i] * 65536);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    int64_t h = (int64_t)host;
    assert_extents(image, 0, {.start = 0, .length = C, .offset = h + C, .state = IA_EXTENT_DATA},
                   {.start = C, .length = 3 * C, .offset = h, .state = IA_EXTENT_DATA},
                   {.start = 4 * C, .length = 2 * C, .offset = h + 2 * C, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void last_cluster_is_cut_at_the_size(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536 + 512});
    uint64_t a = qcow2_image_add_data(&built, 0);
    qcow2_image_add_data(&built, 1);
    /* An entry past the size: another way to read the same cluster, and no part of the disk. */
    qcow2_image_map(&built, 0, 2, a);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = C + 512, .offset = (int64_t)a, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* 512-byte clusters: an L2 table has 64 entries and covers 32 KiB. */
static void runs_merge_across_l2_tables(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 200 * 512, .cluster_bits = 9});
    uint64_t host = qcow2_image_allocate(&built, 200);
    for (uint64_t i = 10; i < 200; i++) /* four tables */
        qcow2_image_map(&built, 0, i, host + i * 512);
    qcow2_image_finish(&built);
    assert_int_equal(qcow2_image_l2_offset(&built, 0, 64), qcow2_image_l2_offset(&built, 0, 0) + 512);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0,
                   {.start = 5120, .length = 190 * 512, .offset = (int64_t)host + 5120, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void l2_tables_may_lie_in_any_order_or_be_missing(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 64 * 5 * 512, .cluster_bits = 9});
    qcow2_image_map(&built, 0, 64 * 3, ENTRY_ZERO); /* table 3 first, then 1, then 0; 2 and 4 never */
    qcow2_image_map(&built, 0, 64 * 1 + 5, ENTRY_ZERO);
    qcow2_image_map(&built, 0, 63, ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 63 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = 69 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = 192 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void two_l1_entries_may_share_a_table(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 128 * 512, .cluster_bits = 9});
    qcow2_image_map(&built, 0, 1, ENTRY_ZERO);
    qcow2_image_patch(&built, built.mappings[0].l1_offset + 8, 8, qcow2_image_l2_offset(&built, 0, 0));
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO},
                   {.start = 65 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* More extents than one batch, and more tables than one read, holds: every second cluster of 5 MiB. */
static void extents_of_many_batches_are_mapped_once_each(void **state)
{
    (void)state;
    enum { CLUSTERS = 10240 };
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = CLUSTERS * 512, .cluster_bits = 9});
    for (uint64_t i = 0; i < CLUSTERS; i += 2)
        qcow2_image_map(&built, 0, i, ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    struct extent_list got;
    assert_ok(try_map(image, 0, 0, INT64_MAX, &got, &err));
    assert_int_equal(got.len, CLUSTERS / 2);
    for (size_t i = 0; i < got.len; i++) {
        assert_int_equal(got.items[i].start, (int64_t)i * 1024);
        assert_int_equal(got.items[i].length, 512);
    }
    free(got.items);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void windows_cut_at_the_end_and_may_begin_before(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 16 * 65536});
    uint64_t host = qcow2_image_allocate(&built, 16);
    for (uint64_t i = 4; i < 12; i++)
        qcow2_image_map(&built, 0, i, host + i * 65536);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    int64_t h = (int64_t)host;
    const struct ia_extent part = {.start = 6 * C, .length = C + 1, .offset = h + 6 * C, .state = IA_EXTENT_DATA};
    assert_range(image, 0, 6 * C + 100, 7 * C + 1, &part, 1);
    const struct ia_extent tail = {.start = 11 * C, .length = C, .offset = h + 11 * C, .state = IA_EXTENT_DATA};
    assert_range(image, 0, 11 * C, INT64_MAX, &tail, 1);
    assert_range(image, 0, 12 * C, INT64_MAX, NULL, 0);
    assert_range(image, 0, 16 * C, INT64_MAX, NULL, 0);
    assert_range(image, 0, INT64_MAX, INT64_MAX, NULL, 0);
    assert_range(image, 0, 0, 4 * C, NULL, 0);
    assert_range(image, 0, 0, 0, NULL, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void encrypted_clusters_keep_their_place(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536, .crypt_method = 1});
    uint64_t a = qcow2_image_add_data(&built, 0);
    uint64_t kept = qcow2_image_allocate(&built, 1);
    qcow2_image_map(&built, 0, 1, kept | ENTRY_ZERO);
    qcow2_image_map(&built, 0, 2, ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = C, .offset = (int64_t)a, .state = IA_EXTENT_ENCRYPTED},
                   {.start = C, .length = C, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO_ALLOCATED},
                   {.start = 2 * C, .length = C, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void attach_empty(struct ia_image *image)
{
    struct ia_source *empty = NULL;
    assert_ok(ia_source_open_memory("", 0, &empty, &err));
    assert_ok(ia_image_attach(image, 0, empty, &err));
}

static void data_file_holds_the_guest_at_its_own_offsets(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 8 * 65536, .data_file = true, .data_file_name = "d"});
    qcow2_image_map(&built, 0, 0, 0 | ENTRY_COPIED); /* offset 0 is a place here */
    qcow2_image_map(&built, 0, 1, 65536 | ENTRY_COPIED);
    qcow2_image_map(&built, 0, 2, 0); /* unallocated */
    qcow2_image_map(&built, 0, 3, 3 * 65536 | ENTRY_ZERO);
    qcow2_image_map(&built, 0, 5, 5 * 65536);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    attach_empty(image);
    assert_extents(image, 0, {.start = 0, .length = 2 * C, .offset = 0, .state = IA_EXTENT_DATA, .file = 1},
                   {.start = 3 * C, .length = C, .offset = 3 * C, .state = IA_EXTENT_ZERO_ALLOCATED, .file = 1},
                   {.start = 5 * C, .length = C, .offset = 5 * C, .state = IA_EXTENT_DATA, .file = 1});
    assert_false(image->facts.truncated); /* a data file may end early */
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void other_places_in_a_data_file_are_corrupt(void **state)
{
    (void)state;
    const struct qcow2_options options = {.size = 8 * 65536, .data_file = true, .data_file_name = "d"};
    static const uint64_t entries[] = {65536 | ENTRY_COPIED, 3 * 65536 | ENTRY_ZERO, ENTRY_COMPRESSED | 512};
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct qcow2_image built;
        struct extent_list got;
        qcow2_image_start(&built, &options);
        qcow2_image_map(&built, 0, 2, entries[i]);
        qcow2_image_finish(&built);
        struct ia_image *image = open_built(&built);
        attach_empty(image);
        assert_status(IA_CORRUPT, try_map(image, 0, 0, INT64_MAX, &got, &err));
        free(got.items);
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void broken_l2_entries_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        uint64_t entry;
    } cases[] = {
        {3, 0x50200}, /* not at a cluster's start */
        {3, 0x50200 | ENTRY_ZERO},
        {2, ENTRY_ZERO}, /* version 2 has no zero clusters */
        {2, 0x50000 | ENTRY_ZERO},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536, .version = cases[i].version});
        qcow2_image_map(&built, 0, 1, cases[i].entry);
        qcow2_image_finish(&built);
        assert_refused(&built, 0, IA_CORRUPT);
        qcow2_image_release(&built);
    }
}

static void l2_table_between_clusters_is_refused(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    qcow2_image_add_data(&built, 0);
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, built.mappings[0].l1_offset, 8, 0x30200);
    assert_refused(&built, 0, IA_CORRUPT);
    qcow2_image_release(&built);
}

static void reserved_bits_of_entries_are_not_part_of_the_offset(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    uint64_t host = qcow2_image_add_data(&built, 0);
    qcow2_image_map(&built, 0, 0, host | UINT64_C(0x3f) << 56 | 0x1fe); /* bits 56 to 61, and 1 to 8 */
    qcow2_image_finish(&built);
    uint64_t l2 = qcow2_image_l2_offset(&built, 0, 0);
    qcow2_image_patch(&built, built.mappings[0].l1_offset, 8, l2 | UINT64_C(0x7f) << 56 | 0x1ff);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = C, .offset = (int64_t)host, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void tables_past_the_end_read_as_zeroes(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    qcow2_image_add_data(&built, 0);
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, built.mappings[0].l1_offset, 8, UINT64_C(1) << 40);
    struct ia_image *image = open_built(&built);
    assert_false(image->main->beyond_end);
    assert_mapping(image, 0, NULL, 0);
    assert_true(image->main->beyond_end); /* and it can be told */
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* A cluster that begins in the file is there, if cut short; one that begins at its end is not. */
static void data_past_the_end_is_noted(void **state)
{
    (void)state;
    static const struct {
        int64_t past_end; /* where guest cluster 0 begins, from the end of the file */
        uint64_t clusters;
        size_t cut; /* bytes taken off the file */
        bool truncated;
    } cases[] = {
        {-C, 1, 0, false},    {-C, 1, 65535, false},
        {-C, 1, 65536, true}, {-C, 2, 0, true}, /* the second cluster of the run */
        {0, 1, 0, true},      {INT64_C(1) << 40, 1, 0, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        struct extent_list got;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
        qcow2_image_map(&built, 0, 0, 0);
        qcow2_image_finish(&built);
        uint64_t host = built.len + (uint64_t)cases[i].past_end + 65536; /* there will be one cluster more */
        for (uint64_t n = 0; n < cases[i].clusters; n++)
            qcow2_image_map(&built, 0, n, host + n * 65536);
        qcow2_image_allocate(&built, 1);
        built.len -= cases[i].cut;
        struct ia_image *image = open_built(&built);
        assert_ok(try_map(image, 0, 0, INT64_MAX, &got, &err));
        assert_int_equal(got.len, 1);
        assert_int_equal(got.items[0].offset, host);
        if (image->facts.truncated != cases[i].truncated)
            fail_msg("case %zu", i);
        free(got.items);
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void largest_host_offset_is_mapped(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    int64_t last = (INT64_C(1) << 56) - C;
    qcow2_image_map(&built, 0, 0, (uint64_t)last);
    qcow2_image_map(&built, 0, 1, ENTRY_COPIED); /* what would follow has no place in 56 bits */
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = C, .offset = last, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static enum ia_status map_within(const struct qcow2_image *built, int64_t table_bytes, int64_t extents)
{
    struct ia_image *image = NULL;
    struct extent_list got;
    struct ia_limits limits = ia_default_limits;
    limits.max_table_bytes = table_bytes;
    limits.max_extents = extents;
    assert_ok(try_open_built(built, &limits, &image, &err));
    enum ia_status status = try_map(image, 0, 0, INT64_MAX, &got, &err);
    free(got.items);
    ia_image_close(image);
    return status;
}

/* Two extents in two tables of 512 bytes. */
static void table_bytes_and_extents_are_limited(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 128 * 512, .cluster_bits = 9});
    qcow2_image_map(&built, 0, 0, ENTRY_ZERO);
    qcow2_image_map(&built, 0, 127, ENTRY_ZERO);
    qcow2_image_finish(&built);
    assert_ok(map_within(&built, 1024, 2));
    assert_status(IA_LIMIT, map_within(&built, 1023, 2));
    assert_status(IA_LIMIT, map_within(&built, 1024, 1));
    qcow2_image_release(&built);
}

/* An L1 table of 5 MiB / 8 entries, each naming one L2 table of 64 KiB: 40 GiB to read in a file of 6 MiB. */
static void one_table_named_again_and_again_is_corrupt(void **state)
{
    (void)state;
    struct qcow2_image built;
    struct extent_list got;
    enum { ENTRIES = (5 << 20) / 8 };
    qcow2_image_start(&built, &(struct qcow2_options){.size = (uint64_t)ENTRIES << 29});
    qcow2_image_map(&built, 0, 0, ENTRY_ZERO);
    uint64_t l2 = qcow2_image_l2_offset(&built, 0, 0);
    for (uint64_t i = 0; i < ENTRIES; i++)
        qcow2_image_patch(&built, built.mappings[0].l1_offset + 8 * i, 8, l2);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_status(IA_CORRUPT, try_map(image, 0, 0, INT64_MAX, &got, &err));
    assert_in_range(image->main->bytes_read, 0, 64 * MIB);
    free(got.items);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void image_of_no_size_has_no_extents(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 0});
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_mapping(image, 0, NULL, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_is_mapped),
        cmocka_unit_test(runs_merge_only_where_the_host_goes_on),
        cmocka_unit_test(last_cluster_is_cut_at_the_size),
        cmocka_unit_test(runs_merge_across_l2_tables),
        cmocka_unit_test(l2_tables_may_lie_in_any_order_or_be_missing),
        cmocka_unit_test(two_l1_entries_may_share_a_table),
        cmocka_unit_test(extents_of_many_batches_are_mapped_once_each),
        cmocka_unit_test(windows_cut_at_the_end_and_may_begin_before),
        cmocka_unit_test(encrypted_clusters_keep_their_place),
        cmocka_unit_test(data_file_holds_the_guest_at_its_own_offsets),
        cmocka_unit_test(other_places_in_a_data_file_are_corrupt),
        cmocka_unit_test(broken_l2_entries_are_corrupt),
        cmocka_unit_test(l2_table_between_clusters_is_refused),
        cmocka_unit_test(reserved_bits_of_entries_are_not_part_of_the_offset),
        cmocka_unit_test(tables_past_the_end_read_as_zeroes),
        cmocka_unit_test(data_past_the_end_is_noted),
        cmocka_unit_test(largest_host_offset_is_mapped),
        cmocka_unit_test(table_bytes_and_extents_are_limited),
        cmocka_unit_test(one_table_named_again_and_again_is_corrupt),
        cmocka_unit_test(image_of_no_size_has_no_extents),
    };
    return cmocka_run_group_tests_name("qcow2/map", tests, NULL, NULL);
}
