/* SPDX-License-Identifier: MIT */
/* The qcow2 header: each field with a value that must be refused, and values that must not be. */
#include <string.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

/* 1 GiB of 64 KiB clusters: an L2 table covers 8192 * 64 KiB = 512 MiB, so the L1 table has 2 entries. */
static void build(struct qcow2_image *built, const struct qcow2_options *options)
{
    qcow2_image_start(built, options);
    qcow2_image_add_data(built, 0);
    qcow2_image_finish(built);
}

static const struct qcow2_options plain = {.size = 1 << 30, .backing = "base.qcow2", .backing_format = "qcow2"};

static enum ia_status open_patched(const struct qcow2_options *options, uint64_t offset, unsigned width, uint64_t value)
{
    struct qcow2_image built;
    struct ia_image *image = NULL;
    build(&built, options);
    qcow2_image_patch(&built, offset, width, value);
    enum ia_status status = try_open_built(&built, &ia_default_limits, &image, &err);
    assert_int_equal(status == IA_OK, image != NULL);
    ia_image_close(image);
    qcow2_image_release(&built);
    return status;
}

static void facts_of_a_sound_image_are_those_of_its_header(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &plain);
    struct ia_image *image = open_built(&built);
    const struct ia_image_facts *facts = &image->facts;
    assert_int_equal(facts->virtual_size, 1 << 30);
    assert_int_equal(facts->cluster_size, 65536);
    assert_string_equal(facts->variant, "v3");
    assert_int_equal(facts->version, 3);
    assert_string_equal(facts->compression, "zlib");
    assert_false(facts->has_data_file || facts->extended_l2);
    assert_string_equal(facts->backing_name, "base.qcow2");
    assert_string_equal(facts->backing_format, "qcow2");
    assert_int_equal(facts->parts.len, 0);
    assert_false(facts->encrypted || facts->dirty || facts->truncated || facts->marked_corrupt);
    assert_int_equal(facts->snapshots.len, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void each_field_with_a_bad_value_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t field;
        unsigned width;
        uint64_t value;
        enum ia_status status;
    } cases[] = {
        {FIELD_MAGIC, 4, 0x514649fa, IA_NOT_MINE},
        {FIELD_VERSION, 4, 0, IA_UNSUPPORTED},
        {FIELD_VERSION, 4, 1, IA_UNSUPPORTED},
        {FIELD_VERSION, 4, 4, IA_UNSUPPORTED},
        {FIELD_VERSION, 4, UINT32_MAX, IA_UNSUPPORTED},
        {FIELD_BACKING_OFFSET, 8, 65536 + 1, IA_CORRUPT},  /* outside the first cluster */
        {FIELD_BACKING_OFFSET, 8, 65536 - 9, IA_CORRUPT},  /* 10 bytes do not fit */
        {FIELD_BACKING_OFFSET, 8, UINT64_MAX, IA_CORRUPT}, /* above 2^63 - 1 */
        {FIELD_BACKING_OFFSET, 8, INT64_MAX, IA_CORRUPT},
        {FIELD_BACKING_LENGTH, 4, 1024, IA_CORRUPT},
        {FIELD_BACKING_LENGTH, 4, UINT32_MAX, IA_CORRUPT},
        {FIELD_CLUSTER_BITS, 4, 0, IA_UNSUPPORTED},
        {FIELD_CLUSTER_BITS, 4, 8, IA_UNSUPPORTED},
        {FIELD_CLUSTER_BITS, 4, 22, IA_UNSUPPORTED},
        {FIELD_CLUSTER_BITS, 4, 64, IA_UNSUPPORTED},
        {FIELD_CLUSTER_BITS, 4, UINT32_MAX, IA_UNSUPPORTED},
        {FIELD_SIZE, 8, (UINT64_C(1) << 30) + 1, IA_CORRUPT}, /* needs 3 L1 entries */
        {FIELD_SIZE, 8, UINT64_C(1) << 63, IA_CORRUPT},
        {FIELD_SIZE, 8, INT64_MAX, IA_CORRUPT},
        {FIELD_CRYPT_METHOD, 4, 3, IA_UNSUPPORTED},
        {FIELD_CRYPT_METHOD, 4, 2, IA_CORRUPT},                /* LUKS without its extension */
        {FIELD_L1_ENTRIES, 4, 1, IA_CORRUPT},                  /* too few for the size */
        {FIELD_L1_ENTRIES, 4, (32 << 20) / 8 + 1, IA_CORRUPT}, /* above 32 MiB */
        {FIELD_L1_ENTRIES, 4, UINT32_MAX, IA_CORRUPT},
        {FIELD_L1_OFFSET, 8, 0x10200, IA_CORRUPT}, /* not at a cluster's start */
        {FIELD_L1_OFFSET, 8, 0x7fffffffffff0000 + 8, IA_CORRUPT},
        {FIELD_L1_OFFSET, 8, UINT64_C(1) << 63, IA_CORRUPT},
        {FIELD_REFTABLE_OFFSET, 8, 0x20001, IA_CORRUPT},
        {FIELD_REFTABLE_OFFSET, 8, 0x7fffffffffff0000, IA_CORRUPT}, /* its end would pass 2^63 - 1 */
        {FIELD_REFTABLE_OFFSET, 8, UINT64_MAX, IA_CORRUPT},
        {FIELD_REFTABLE_CLUSTERS, 4, 0, IA_CORRUPT},
        {FIELD_REFTABLE_CLUSTERS, 4, (8 << 20) / 65536 + 1, IA_CORRUPT}, /* above 8 MiB */
        {FIELD_REFTABLE_CLUSTERS, 4, UINT32_MAX, IA_CORRUPT},
        {FIELD_SNAPSHOTS, 4, 65537, IA_CORRUPT},
        {FIELD_SNAPSHOTS, 4, UINT32_MAX, IA_CORRUPT},
        {FIELD_SNAPSHOTS, 4, 65536, IA_CORRUPT}, /* 40 bytes each: more than the file has */
        {FIELD_SNAPSHOTS_OFFSET, 8, 4096, IA_CORRUPT},
        {FIELD_SNAPSHOTS_OFFSET, 8, UINT64_MAX, IA_CORRUPT},
        {FIELD_INCOMPATIBLE, 8, 1 << 5, IA_UNSUPPORTED},
        {FIELD_INCOMPATIBLE, 8, UINT64_C(1) << 63, IA_UNSUPPORTED},
        {FIELD_INCOMPATIBLE, 8, 1 << 3, IA_CORRUPT}, /* compression type bit without the type */
        {FIELD_AUTOCLEAR, 8, 1 << 1, IA_CORRUPT},    /* raw external data without a data file */
        {FIELD_REFCOUNT_ORDER, 4, 7, IA_CORRUPT},
        {FIELD_REFCOUNT_ORDER, 4, UINT32_MAX, IA_CORRUPT},
        {FIELD_HEADER_LENGTH, 4, 103, IA_CORRUPT},
        {FIELD_HEADER_LENGTH, 4, 72, IA_CORRUPT},
        {FIELD_HEADER_LENGTH, 4, 65537, IA_CORRUPT},
        {FIELD_HEADER_LENGTH, 4, UINT32_MAX, IA_CORRUPT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum ia_status got = open_patched(&plain, cases[i].field, cases[i].width, cases[i].value);
        if (got != cases[i].status)
            fail_msg("field %ju = %#jx: %s: %s", (uintmax_t)cases[i].field, (uintmax_t)cases[i].value,
                     ia_status_word(got), err.message);
    }
}

static void each_field_with_an_odd_but_good_value_is_accepted(void **state)
{
    (void)state;
    static const struct {
        uint64_t field;
        unsigned width;
        uint64_t value;
    } cases[] = {
        {FIELD_SIZE, 8, 0},
        {FIELD_SIZE, 8, 513},
        {FIELD_BACKING_OFFSET, 8, 0},
        {FIELD_BACKING_OFFSET, 8, 65536 - 10},
        {FIELD_BACKING_LENGTH, 4, 0},
        {FIELD_CRYPT_METHOD, 4, 1},
        {FIELD_L1_ENTRIES, 4, 3},
        {FIELD_L1_OFFSET, 8, UINT64_C(1) << 40}, /* past the end: reads as zeroes, as in QEMU */
        {FIELD_REFTABLE_CLUSTERS, 4, 128},
        {FIELD_REFTABLE_OFFSET, 8, 0},
        {FIELD_COMPATIBLE, 8, UINT64_MAX},
        {FIELD_AUTOCLEAR, 8, UINT64_MAX & ~UINT64_C(2)},
        {FIELD_REFCOUNT_ORDER, 4, 0},
        {FIELD_REFCOUNT_ORDER, 4, 6},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (open_patched(&plain, cases[i].field, cases[i].width, cases[i].value) != IA_OK)
            fail_msg("field %ju = %#jx: %s", (uintmax_t)cases[i].field, (uintmax_t)cases[i].value, err.message);
}

static void flags_become_facts(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &plain);
    qcow2_image_patch(&built, FIELD_INCOMPATIBLE, 8, 3);
    struct ia_image *image = open_built(&built);
    assert_true(image->facts.dirty);
    assert_true(image->facts.marked_corrupt);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void size_loses_what_is_no_whole_sector(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = 1023});
    struct ia_image *image = open_built(&built);
    assert_int_equal(image->facts.virtual_size, 512);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void version_2_has_no_further_fields(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built,
                      &(struct qcow2_options){.size = MIB, .version = 2, .backing = "b", .backing_format = "raw"});
    qcow2_image_finish(&built);
    /* Where version 3 has its features, version 2 has extensions: the format, and it is read. */
    struct ia_image *image = open_built(&built);
    assert_string_equal(image->facts.variant, "v2");
    assert_int_equal(image->facts.version, 2);
    assert_string_equal(image->facts.backing_format, "raw");
    assert_string_equal(image->facts.backing_name, "b");
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void every_cluster_size_is_read(void **state)
{
    (void)state;
    for (uint32_t bits = 9; bits <= 21; bits++) {
        struct qcow2_image built;
        build(&built, &(struct qcow2_options){.size = MIB, .cluster_bits = bits});
        struct ia_image *image = open_built(&built);
        assert_int_equal(image->facts.cluster_size, INT64_C(1) << bits);
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void compression_type_and_its_bit_agree(void **state)
{
    (void)state;
    const struct qcow2_options zstd = {.size = MIB, .compression_type = 1};
    struct qcow2_image built;
    build(&built, &zstd);
    struct ia_image *image = open_built(&built);
    assert_string_equal(image->facts.variant, "v3 zstd");
    assert_string_equal(image->facts.compression, "zstd");
    ia_image_close(image);
    qcow2_image_release(&built);
    assert_int_equal(open_patched(&zstd, FIELD_COMPRESSION_TYPE, 1, 2), IA_UNSUPPORTED);
    assert_int_equal(open_patched(&zstd, FIELD_COMPRESSION_TYPE, 1, 0), IA_CORRUPT);
    assert_int_equal(open_patched(&zstd, FIELD_INCOMPATIBLE, 8, 0), IA_CORRUPT);
    assert_int_equal(open_patched(&zstd, FIELD_HEADER_LENGTH, 4, 104), IA_CORRUPT); /* the field is not present then */
}

static void extended_entries_need_clusters_of_16_kib(void **state)
{
    (void)state;
    struct ia_image *image = NULL;
    struct qcow2_image built;
    build(&built, &(struct qcow2_options){.size = MIB, .cluster_bits = 14, .extended_l2 = true});
    assert_ok(try_open_built(&built, &ia_default_limits, &image, &err));
    assert_string_equal(image->facts.variant, "v3 extended-l2");
    assert_true(image->facts.extended_l2);
    ia_image_close(image);
    qcow2_image_release(&built);
    const struct qcow2_options small = {.size = MIB, .cluster_bits = 13};
    assert_int_equal(open_patched(&small, FIELD_INCOMPATIBLE, 8, 16), IA_CORRUPT);
}

static void data_file_is_asked_for(void **state)
{
    (void)state;
    struct qcow2_image built;
    const struct qcow2_options options = {
        .size = MIB, .data_file = true, .data_file_raw = true, .data_file_name = "disk.data"};
    build(&built, &options);
    struct ia_image *image = open_built(&built);
    assert_int_equal(image->facts.parts.len, 1);
    assert_string_equal(image->facts.parts.items[0].name, "disk.data");
    assert_string_equal(image->facts.parts.items[0].role, "data");
    assert_string_equal(image->facts.variant, "v3 data-file-raw");
    assert_true(image->facts.has_data_file);
    struct ia_cursor *cursor = NULL;
    assert_status(IA_MISSING, ia_cursor_open(image, 0, 0, INT64_MAX, &cursor, &err));
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void truncated_header_is_refused_without_reading_past_it(void **state)
{
    (void)state;
    struct qcow2_image built;
    build(&built, &plain);
    for (size_t len = 0; len < 104; len++) {
        struct qcow2_image cut = built;
        struct ia_image *image = NULL;
        cut.len = len;
        enum ia_status status = try_open_built(&cut, &ia_default_limits, &image, &err);
        if (status == IA_OK)
            fail_msg("%zu bytes were enough", len);
        assert_int_equal(status, len < 4 ? IA_NOT_MINE : len < 8 ? IA_UNSUPPORTED : status);
    }
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_a_sound_image_are_those_of_its_header),
        cmocka_unit_test(each_field_with_a_bad_value_is_refused),
        cmocka_unit_test(each_field_with_an_odd_but_good_value_is_accepted),
        cmocka_unit_test(flags_become_facts),
        cmocka_unit_test(size_loses_what_is_no_whole_sector),
        cmocka_unit_test(version_2_has_no_further_fields),
        cmocka_unit_test(every_cluster_size_is_read),
        cmocka_unit_test(compression_type_and_its_bit_agree),
        cmocka_unit_test(extended_entries_need_clusters_of_16_kib),
        cmocka_unit_test(data_file_is_asked_for),
        cmocka_unit_test(truncated_header_is_refused_without_reading_past_it),
    };
    return cmocka_run_group_tests_name("qcow2/header", tests, NULL, NULL);
}
