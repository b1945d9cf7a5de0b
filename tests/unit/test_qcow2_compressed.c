/* SPDX-License-Identifier: MIT */
/* Compressed cluster descriptors: host bytes by hand for every split of the 62 bits into offset and sector count. */
#include <stdlib.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

static void host_bytes(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_bytes),
        cmocka_unit_test(neighbours_merge_and_their_bytes_add_up),
        cmocka_unit_test(copied_bit_does_not_matter),
        cmocka_unit_test(past_the_end_is_truncated),
        cmocka_unit_test(snapshots_do_not_count),
    };
    return cmocka_run_group_tests_name("qcow2/compressed", tests, NULL, NULL);
}
