/* SPDX-License-Identifier: MIT */
/* QEMU's guess about preallocated metadata: clusters with a refcount against blocks of the host, with its numbers, for
 * every width of a refcount. And what follows from it: whether holes of the host file are looked at. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "format/qcow2/internal.h"
#include "format/qcow2/qcow2.h"
#include "support/mapping.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536)

/* header, L1, L2, n of data, refcount table, one refcount block: n + 5 clusters, all counted. */
static void build(struct qcow2_image *built, const struct qcow2_options *options, size_t data)
{
    qcow2_image_start(built, options);
    for (size_t i = 0; i < data; i++)
        qcow2_image_add_data(built, i);
    qcow2_image_finish(built);
}

static bool guess(const struct qcow2_image *built, int64_t allocated)
{
    struct ia_image *image = open_built(built);
    image->main->allocated = allocated;
    bool answer = qcow2_is_preallocated(image);
    ia_image_close(image);
    return answer;
}

/* The threshold is max(real * 10 / 9, real + 2), with real = host bytes / cluster size. */
static void threshold_of_small_images_is_two_clusters_more(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 16 * 65536}, 7); /* 12 clusters in use */
    assert_int_equal(built.len, 12 * 65536);
    assert_false(guess(&built, 12 * C));
    assert_false(guess(&built, 11 * C));    /* 13 would be needed */
    assert_true(guess(&built, 11 * C - 1)); /* 10 whole clusters: 12 is enough */
    assert_true(guess(&built, 10 * C));
    assert_true(guess(&built, 0));
    qcow2_image_release(&built);
}

static void threshold_of_larger_images_is_a_ninth_more(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 200 * 65536}, 85); /* 90 clusters in use */
    assert_int_equal(built.len, 90 * 65536);
    assert_true(guess(&built, 81 * C));  /* 81 + 9 */
    assert_false(guess(&built, 82 * C)); /* 82 + 9 */
    qcow2_image_release(&built);
}

static void every_refcount_width_is_counted(void **state)
{
    (void)state;
    for (uint32_t order = 0; order <= 6; order++) {
        struct qcow2_image built;
        const struct qcow2_options options = {
            .size = 200 * 65536, .refcount_order = order, .refcount_order_0 = order == 0};
        build(&built, &options, 85);
        assert_int_equal(built.len, 90 * 65536); /* even 8 bytes each fit one block of 8192 */
        if (!guess(&built, 81 * C) || guess(&built, 82 * C))
            fail_msg("refcounts of %u bits", 1U << order);
        qcow2_image_release(&built);
    }
}

static void any_value_but_zero_is_in_use(void **state)
{
    (void)state;
    for (uint32_t order = 0; order <= 6; order++) {
        struct qcow2_image built;
        const struct qcow2_options options = {
            .size = 200 * 65536, .refcount_order = order, .refcount_order_0 = order == 0};
        build(&built, &options, 85);
        uint64_t block = qcow2_image_peek(&built, built.reftable_offset, 8);
        uint64_t bits = UINT64_C(1) << order;
        /* Cluster 9 loses its count: one less. Then it gets its highest bit alone: in use again. */
        uint64_t place = block + 9 * bits / 8;
        unsigned shift = (unsigned)(9 * bits % 8);
        unsigned mask = (bits >= 8 ? 0xff : (1U << bits) - 1) << shift;
        uint64_t last = bits >= 8 ? place + bits / 8 - 1 : place;
        uint64_t byte = qcow2_image_peek(&built, last, 1);
        qcow2_image_patch(&built, last, 1, byte & ~mask);
        assert_false(guess(&built, 81 * C));
        unsigned highest = bits >= 8 ? 0x80 : 1U << (shift + bits - 1);
        qcow2_image_patch(&built, place, 1, qcow2_image_peek(&built, place, 1) | highest);
        assert_true(guess(&built, 81 * C));
        qcow2_image_release(&built);
    }
}

/* 512-byte clusters: a block counts 256 of them, so that it takes several. */
static void several_refcount_blocks_are_counted_together(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 1 << 20, .cluster_bits = 9}, 1000);
    int64_t used = (int64_t)built.len / 512;
    assert_int_equal(used, 1 + 1 + 16 + 1000 + 1 + 4); /* header, L1, L2, data, refcount table, refcount blocks */
    /* 920 + 102 = 1022 and 921 + 102 = 1023; 922 + 102 = 1024 */
    assert_true(guess(&built, 921 * 512));
    assert_false(guess(&built, 922 * 512));
    uint64_t second = qcow2_image_peek(&built, built.reftable_offset + 8, 8);
    qcow2_image_patch(&built, built.reftable_offset + 8, 8, 0); /* 256 clusters without a count */
    assert_false(guess(&built, 921 * 512));
    assert_true(guess(&built, 690 * 512));                                   /* 690 + 76 = 766, and 767 are left */
    qcow2_image_patch(&built, built.reftable_offset + 8, 8, second | 0x1ff); /* reserved bits */
    assert_true(guess(&built, 921 * 512));
    qcow2_image_release(&built);
}

static void counts_past_the_end_of_the_file_do_not_count(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 16 * 65536}, 7);
    uint64_t block = qcow2_image_peek(&built, built.reftable_offset, 8);
    for (uint64_t i = 12; i < 100; i++)
        qcow2_image_patch(&built, block + 2 * i, 2, 1);
    assert_true(guess(&built, 10 * C));
    assert_false(guess(&built, 11 * C));
    qcow2_image_release(&built);
}

static void broken_refcounts_mean_no_preallocation(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 16 * 65536}, 7);
    assert_true(guess(&built, 0));
    uint64_t good = qcow2_image_peek(&built, built.reftable_offset, 8);
    qcow2_image_patch(&built, built.reftable_offset, 8, good + 512); /* not at a cluster's start */
    assert_false(guess(&built, 0));
    qcow2_image_patch(&built, built.reftable_offset, 8, UINT64_C(1) << 63);
    assert_false(guess(&built, 0));
    qcow2_image_patch(&built, built.reftable_offset, 8, UINT64_C(1) << 50); /* past the end: zeroes */
    assert_false(guess(&built, 0));
    qcow2_image_release(&built);
}

/* As `-o preallocation=metadata` leaves it: clusters in use, holes in the host file. */
static void holes_are_seen_in_a_preallocated_image(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 32 * 65536}, 32);
    uint64_t data = qcow2_image_peek(&built, qcow2_image_l2_offset(&built, 0, 0), 8) & ~ENTRY_COPIED;
    static const uint8_t zeroes[65536];
    make_sparse_file("sparse.qcow2", (int64_t)built.len);
    for (size_t at = 0; at < built.len; at += 65536)
        if (memcmp(built.bytes + at, zeroes, 65536) != 0)
            write_at("sparse.qcow2", (int64_t)at, built.bytes + at, 65536);
    write_at("sparse.qcow2", (int64_t)data + 4 * C, "x", 1); /* one page or block of data */

    struct ia_source *source = NULL;
    struct ia_image *image = NULL;
    assert_ok(ia_source_open_fd(open("sparse.qcow2", O_RDONLY | O_CLOEXEC), &source, &err));
    assert_ok(ia_image_open(&ia_format_qcow2, source, &ia_default_limits, &image, &err));
    struct extent_list got;
    assert_ok(try_map(image, 0, 0, INT64_MAX, &got, &err));
    int64_t at = 0;
    int64_t stored = 0;
    for (size_t i = 0; i < got.len; i++) {
        assert_int_equal(got.items[i].start, at);
        assert_int_equal(got.items[i].offset, (int64_t)data + at);
        at += got.items[i].length;
        if (got.items[i].state == IA_EXTENT_DATA)
            stored += got.items[i].length;
        else
            assert_int_equal(got.items[i].state, IA_EXTENT_SPARSE);
    }
    assert_int_equal(at, 32 * C);
    assert_int_equal(got.len, 3);
    assert_int_equal(got.items[1].start, 4 * C);
    assert_in_range(stored, 512, 65536);
    free(got.items);
    ia_image_close(image);

    qcow2_image_save(&built, "dense.qcow2"); /* the same image, all of it on the host */
    assert_ok(ia_source_open_fd(open("dense.qcow2", O_RDONLY | O_CLOEXEC), &source, &err));
    assert_ok(ia_image_open(&ia_format_qcow2, source, &ia_default_limits, &image, &err));
    assert_extents(image, 0, {.start = 0, .length = 32 * C, .offset = (int64_t)data, .state = IA_EXTENT_DATA});
    ia_image_close(image);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threshold_of_small_images_is_two_clusters_more),
        cmocka_unit_test(threshold_of_larger_images_is_a_ninth_more),
        cmocka_unit_test(every_refcount_width_is_counted),
        cmocka_unit_test(any_value_but_zero_is_in_use),
        cmocka_unit_test(several_refcount_blocks_are_counted_together),
        cmocka_unit_test(counts_past_the_end_of_the_file_do_not_count),
        cmocka_unit_test(broken_refcounts_mean_no_preallocation),
        in_temp_dir(holes_are_seen_in_a_preallocated_image),
    };
    return cmocka_run_group_tests_name("qcow2/refcounts", tests, NULL, NULL);
}
