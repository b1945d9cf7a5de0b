/* SPDX-License-Identifier: MIT */
/* Compressed cluster descriptors: host bytes by hand for every split of the 62 bits into offset and sector count,
 * and where find_compressed finds those of a guest byte. */
#include <stdlib.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

static void host_bytes_end_with_the_last_counted_sector(void **state)
{
    (void)state;
    static const struct {
        uint32_t cluster_bits;
        uint64_t offset, more;
        int64_t bytes;
    } cases[] = {
        {16, 0x50000, 0, 512},               /* one sector, from its start */
        {16, 0x50001, 0, 511},               /* one byte later */
        {16, 0x501ff, 0, 1},                 /* the last byte of a sector */
        {16, 0x50123, 3, 4 * 512 - 0x123},   /* 2048 - 291 = 1757 */
        {16, 0x50123, 255, 256 * 512 - 291}, /* the largest count: 8 bits */
        {9, 0x1000, 1, 1024},                /* 512-byte clusters: one bit of count */
        {9, 0x1010, 1, 1024 - 16},
        {12, 0x8000, 15, 16 * 512},       /* 4 bits */
        {21, 0x200000, 8191, 8192 * 512}, /* 2 MiB clusters: 13 bits */
        {21, 0x2001ff, 0, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        int64_t cluster = INT64_C(1) << cases[i].cluster_bits;
        const struct qcow2_options options = {.size = 4 * (uint64_t)cluster, .cluster_bits = cases[i].cluster_bits};
        qcow2_image_start(&built, &options);
        qcow2_image_map(&built, 0, 1, qcow2_compressed_entry(&built, cases[i].offset, cases[i].more));
        qcow2_image_finish(&built);
        struct ia_image *image = open_built(&built);
        assert_extents(image, 0,
                       {.start = cluster, .length = cluster, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED});
        if (image->facts.compressed_host != cases[i].bytes)
            fail_msg("case %zu: %jd bytes", i, (intmax_t)image->facts.compressed_host);
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void neighbours_merge_and_their_bytes_add_up(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 8 * 65536});
    uint64_t host = qcow2_image_allocate(&built, 1);
    qcow2_image_map(&built, 0, 2, qcow2_compressed_entry(&built, host, 0));            /* 512 */
    qcow2_image_map(&built, 0, 3, qcow2_compressed_entry(&built, host + 512 + 12, 1)); /* 1012 */
    qcow2_image_map(&built, 0, 4, qcow2_compressed_entry(&built, host + 10, 0));       /* 502 */
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0,
                   {.start = 131072, .length = 196608, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED});
    assert_int_equal(image->facts.compressed_host, 512 + 1012 + 502);
    assert_false(image->facts.truncated);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void copied_bit_does_not_matter(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    uint64_t host = qcow2_image_allocate(&built, 1);
    qcow2_image_map(&built, 0, 0, qcow2_compressed_entry(&built, host, 0) | ENTRY_COPIED | ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 0, {.start = 0, .length = 65536, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED});
    assert_int_equal(image->facts.compressed_host, 511); /* bit 0 belongs to the offset here */
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void past_the_end_is_truncated(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_map(&built, 0, 0, qcow2_compressed_entry(&built, UINT64_C(1) << 40, 0));
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    struct extent_list got;
    assert_ok(try_map(image, 0, 0, INT64_MAX, &got, &err));
    free(got.items);
    assert_true(image->facts.truncated);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void snapshots_do_not_count(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    qcow2_image_map(&built, snapshot, 0, qcow2_compressed_entry(&built, 0x50000, 1));
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 1, {.start = 0, .length = 65536, .offset = IA_NO_OFFSET, .state = IA_EXTENT_COMPRESSED});
    assert_int_equal(image->facts.compressed_host, 0); /* the active mapping's only */
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* Where the cluster of guest byte `at` is. */
static void assert_compressed(struct ia_image *image, size_t mapping, int64_t at,
                              const struct ia_compressed_cluster *expected)
{
    struct ia_compressed_cluster cluster;
    assert_ok(ia_image_find_compressed(image, mapping, at, &cluster, &err));
    assert_int_equal(cluster.start, expected->start);
    assert_int_equal(cluster.length, expected->length);
    assert_int_equal(cluster.offset, expected->offset);
    assert_int_equal(cluster.host_length, expected->host_length);
    assert_int_equal(cluster.file, 0);
    assert_int_equal(cluster.codec, expected->codec);
}

static void each_byte_of_a_compressed_cluster_leads_to_it(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 8 * 65536});
    qcow2_image_map(&built, 0, 2, qcow2_compressed_entry(&built, 0x50123, 3));
    qcow2_image_map(&built, 0, 3, qcow2_compressed_entry(&built, 0x5082f, 0) | ENTRY_COPIED);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    const struct ia_compressed_cluster first = {131072, 65536, 0x50123, 4 * 512 - 0x123, 0, IA_CODEC_DEFLATE};
    const struct ia_compressed_cluster second = {196608, 65536, 0x5082f, 512 - 0x2f, 0, IA_CODEC_DEFLATE};
    assert_compressed(image, 0, 131072, &first);
    assert_compressed(image, 0, 131072 + 65535, &first);
    assert_compressed(image, 0, 196608, &second);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void unit_is_found_in_the_last_l2_table(void **state)
{
    (void)state;
    struct qcow2_image built; /* an L2 table of 512-byte clusters covers 32 KiB */
    qcow2_image_start(&built, &(struct qcow2_options){.size = 100 * 512 + 512, .cluster_bits = 9});
    qcow2_image_map(&built, 0, 100, qcow2_compressed_entry(&built, 0x1010, 1));
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_compressed(image, 0, 100 * 512 + 7,
                      &(struct ia_compressed_cluster){100 * 512, 512, 0x1010, 1024 - 16, 0, IA_CODEC_DEFLATE});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void unit_of_a_snapshot_is_its_own(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", 4 * 65536, QCOW2_EXTRA); /* larger than the disk is now */
    qcow2_image_map(&built, 0, 1, qcow2_compressed_entry(&built, 0x50000, 0));
    qcow2_image_map(&built, snapshot, 1, qcow2_compressed_entry(&built, 0x60000, 1));
    qcow2_image_map(&built, snapshot, 3, qcow2_compressed_entry(&built, 0x70000, 2));
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_compressed(image, 0, 65536,
                      &(struct ia_compressed_cluster){65536, 65536, 0x50000, 512, 0, IA_CODEC_DEFLATE});
    assert_compressed(image, 1, 65536,
                      &(struct ia_compressed_cluster){65536, 65536, 0x60000, 1024, 0, IA_CODEC_DEFLATE});
    assert_compressed(image, 1, 200000,
                      &(struct ia_compressed_cluster){196608, 65536, 0x70000, 1536, 0, IA_CODEC_DEFLATE});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void zstd_unit_is_found_through_extended_entries(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536, .extended_l2 = true, .compression_type = 1});
    qcow2_image_map_extended(&built, 0, 3, qcow2_compressed_entry(&built, 0x51000, 7), 0);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_compressed(image, 0, 196608 + 4096,
                      &(struct ia_compressed_cluster){196608, 65536, 0x51000, 4096, 0, IA_CODEC_ZSTD});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void what_is_not_compressed_has_no_unit(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = INT64_C(3) << 29}); /* three L2 tables would be needed */
    qcow2_image_add_data(&built, 0);
    qcow2_image_map(&built, 0, 1, ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    struct ia_compressed_cluster cluster;
    static const int64_t places[] = {0, 65536, 131072, INT64_C(1) << 30, (INT64_C(3) << 29) - 1};
    for (size_t i = 0; i < COUNT(places); i++)
        assert_status(IA_USAGE, ia_image_find_compressed(image, 0, places[i], &cluster, &err));
    assert_status(IA_BUG, ia_image_find_compressed(image, 0, INT64_C(3) << 29, &cluster, &err));
    assert_status(IA_BUG, ia_image_find_compressed(image, 0, -1, &cluster, &err));
    assert_status(IA_BUG, ia_image_find_compressed(image, 1, 0, &cluster, &err));
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void no_unit_is_found_through_broken_or_short_tables(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", INT64_C(1) << 40, QCOW2_EXTRA);
    qcow2_image_map(&built, 0, 0, qcow2_compressed_entry(&built, 0x50000, 0));
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, built.mappings[0].l1_offset, 8, 0x50200); /* an L2 table at an unaligned place */
    struct ia_image *image = open_built(&built);
    struct ia_compressed_cluster cluster;
    assert_status(IA_CORRUPT, ia_image_find_compressed(image, 0, 0, &cluster, &err));
    assert_status(IA_USAGE,
                  ia_image_find_compressed(image, snapshot, INT64_C(1) << 39, &cluster, &err)); /* past its L1 table */
    ia_image_close(image);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_bytes_end_with_the_last_counted_sector),
        cmocka_unit_test(neighbours_merge_and_their_bytes_add_up),
        cmocka_unit_test(copied_bit_does_not_matter),
        cmocka_unit_test(past_the_end_is_truncated),
        cmocka_unit_test(snapshots_do_not_count),
        cmocka_unit_test(each_byte_of_a_compressed_cluster_leads_to_it),
        cmocka_unit_test(unit_is_found_in_the_last_l2_table),
        cmocka_unit_test(unit_of_a_snapshot_is_its_own),
        cmocka_unit_test(zstd_unit_is_found_through_extended_entries),
        cmocka_unit_test(what_is_not_compressed_has_no_unit),
        cmocka_unit_test(no_unit_is_found_through_broken_or_short_tables),
    };
    return cmocka_run_group_tests_name("qcow2/compressed", tests, NULL, NULL);
}
