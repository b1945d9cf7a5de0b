/* SPDX-License-Identifier: MIT */
/* What the clusters of a qcow2 file are for, counted by hand: metadata (every table once, whoever shares it), and the
 * uses that come with the mappings. */
#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536)

static void assert_metadata(const struct qcow2_image *built, int64_t clusters, int64_t cluster)
{
    struct ia_image *image = open_built(built);
    assert_int_equal(image->facts.metadata_bytes, -1);
    image->space = ia_space_new(1);
    assert_ok(ia_image_account(image, &err));
    assert_int_equal(image->facts.metadata_bytes, clusters * cluster);
    ia_space_free(image->space);
    ia_image_close(image);
}

static void assert_refused(const struct qcow2_image *built, enum ia_status expected)
{
    struct ia_image *image = open_built(built);
    image->space = ia_space_new(1);
    assert_status(expected, ia_image_account(image, &err));
    assert_true(ia_space_failed(image->space));
    assert_int_equal(image->facts.metadata_bytes, -1);
    ia_space_free(image->space);
    ia_image_close(image);
}

static void empty_image_is_a_header_an_l1_table_and_refcounts(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 1 + 1 + 1, C); /* header, L1, refcount table, refcount block */
    assert_int_equal(built.len, 4 * C);        /* and that is all there is */
    qcow2_image_release(&built);
}

static void image_of_no_size_has_no_l1_table(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 0});
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 0 + 1 + 1, C);
    qcow2_image_release(&built);
}

/* 512-byte clusters, 2 MiB: 64 L2 tables, so 64 L1 entries in 512 bytes. */
static void data_is_not_metadata(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 << 20, .cluster_bits = 9});
    for (uint64_t i = 0; i < 130; i++) /* 3 L2 tables */
        qcow2_image_add_data(&built, i);
    qcow2_image_finish(&built);
    assert_int_equal(built.len / 512, 1 + 1 + 3 + 130 + 1 + 1);
    assert_metadata(&built, 1 + 1 + 3 + 1 + 1, 512);
    qcow2_image_release(&built);
}

static void l1_table_of_several_clusters_counts_whole_clusters(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = (2 << 20) + 1, .cluster_bits = 9}); /* 65 entries */
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 2 + 1 + 1, 512);
    qcow2_image_release(&built);
}

static void snapshots_have_tables_too_and_shared_ones_count_once(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", 4 * 65536, QCOW2_EXTRA);
    qcow2_image_add_data(&built, 0);
    uint64_t shared = qcow2_image_l2_offset(&built, 0, 0);
    qcow2_image_patch(&built, built.mappings[snapshot].l1_offset, 8, shared); /* without the "copied" bit */
    qcow2_image_finish(&built);
    /* header, two L1, one L2, snapshot table, refcount table and block */
    assert_metadata(&built, 1 + 2 + 1 + 1 + 2, C);
    qcow2_image_release(&built);

    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    snapshot = qcow2_image_snapshot(&built, "1", "s", 4 * 65536, QCOW2_EXTRA);
    qcow2_image_add_data(&built, 0);
    qcow2_image_map(&built, snapshot, 0, ENTRY_ZERO); /* a table of its own */
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 2 + 2 + 1 + 2, C);
    qcow2_image_release(&built);
}

static void encryption_header_counts_whole_clusters(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .crypt_method = 2});
    uint64_t offset = qcow2_image_allocate(&built, 2);
    uint8_t bytes[16] = {[5] = (uint8_t)(offset >> 16), [13] = 1, [15] = 1}; /* 65537 bytes */
    qcow2_image_extension(&built, 0x0537be77, bytes, 16);
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 1 + 2 + 2, C);
    qcow2_image_release(&built);
}

/* A directory of one bitmap: table offset, entries, flags, type, granularity, name and extra lengths, name. */
static uint64_t add_bitmap(struct qcow2_image *built, uint32_t table_entries)
{
    uint64_t directory = qcow2_image_allocate(built, 1);
    uint64_t table = qcow2_image_allocate(built, 1);
    qcow2_image_patch(built, directory, 8, table);
    qcow2_image_patch(built, directory + 8, 4, table_entries);
    qcow2_image_patch(built, directory + 16, 1, 1);
    qcow2_image_patch(built, directory + 17, 1, 16);
    qcow2_image_patch(built, directory + 18, 2, 3);
    built->bytes[directory + 24] = 'b';
    uint8_t extension[24] = {[3] = 1, [15] = 32, [21] = (uint8_t)(directory >> 16)};
    qcow2_image_extension(built, 0x23852875, extension, sizeof(extension));
    return directory;
}

static void bitmaps_count_directory_tables_and_data(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    uint64_t directory = add_bitmap(&built, 3);
    uint64_t table = qcow2_image_peek(&built, directory, 8);
    uint64_t data = qcow2_image_allocate(&built, 1);
    qcow2_image_patch(&built, table, 8, 1);        /* all ones, no cluster */
    qcow2_image_patch(&built, table + 8, 8, data); /* one cluster */
    qcow2_image_finish(&built);
    assert_metadata(&built, 1 + 1 + 2, C); /* not consistent: left out */
    qcow2_image_patch(&built, FIELD_AUTOCLEAR, 8, 1);
    assert_metadata(&built, 1 + 1 + 2 + 3, C);
    qcow2_image_release(&built);
}

static void broken_bitmaps_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint64_t at;
        unsigned width;
        uint64_t value;
    } cases[] = {
        {0, 8, 512},               /* table not at a cluster's start */
        {0, 8, UINT64_C(1) << 63}, /* above 2^63 - 1 */
        {8, 4, UINT32_MAX},        /* more entries than the file has bytes for */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
        uint64_t directory = add_bitmap(&built, 1);
        qcow2_image_finish(&built);
        qcow2_image_patch(&built, FIELD_AUTOCLEAR, 8, 1);
        qcow2_image_patch(&built, directory + cases[i].at, cases[i].width, cases[i].value);
        assert_refused(&built, IA_CORRUPT);
        qcow2_image_release(&built);
    }
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    add_bitmap(&built, 1);
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, FIELD_AUTOCLEAR, 8, 1);
    qcow2_image_patch(&built, 104 + 8, 4, 2); /* a second bitmap, for which the directory has no room */
    assert_refused(&built, IA_CORRUPT);
    qcow2_image_release(&built);
}

static void bad_l1_of_a_snapshot_is_corrupt(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8), 8, 0x10200);
    assert_refused(&built, IA_CORRUPT);
    qcow2_image_release(&built);
}

/* The image with its account: all mappings are read. */
static struct ia_image *account(const struct qcow2_image *built)
{
    struct ia_image *image = open_built(built);
    image->space = ia_space_new(1);
    for (size_t i = 0; i <= image->facts.snapshots.len; i++) {
        struct ia_cursor *cursor = NULL;
        const struct ia_extent *batch;
        size_t count = 1;
        assert_ok(ia_cursor_open(image, i, 0, INT64_MAX, &cursor, &err));
        while (count > 0) {
            assert_ok(ia_cursor_next(cursor, &batch, &count, &err));
            ia_image_account_extents(image, i, batch, count);
        }
        ia_cursor_close(cursor);
    }
    assert_ok(ia_image_account(image, &err));
    assert_false(ia_space_failed(image->space));
    return image;
}

static void assert_use(const struct ia_image *image, uint64_t cluster_offset, enum ia_space_use expected)
{
    int64_t until;
    for (int64_t at = 0; at < C; at += 512)
        assert_int_equal(ia_space_at(image->space, 0, (int64_t)cluster_offset + at, &until), expected);
}

static void close_account(struct ia_image *image)
{
    ia_space_free(image->space);
    ia_image_close(image);
}

static void counted_clusters_that_nothing_names_are_leaked(void **state)
{
    (void)state;
    for (uint32_t order = 0; order <= 6; order++) {
        struct qcow2_image built;
        qcow2_image_start(&built, &(struct qcow2_options){
                                      .size = 4 * 65536, .refcount_order = order, .refcount_order_0 = order == 0});
        uint64_t lost = qcow2_image_allocate(&built, 2);
        uint64_t data = qcow2_image_add_data(&built, 1);
        qcow2_image_finish(&built);
        struct ia_image *image = account(&built);
        assert_int_equal(ia_space_bytes(image->space, IA_SPACE_LEAKED), 2 * C);
        assert_use(image, lost, IA_SPACE_LEAKED);
        assert_use(image, lost + (uint64_t)C, IA_SPACE_LEAKED);
        assert_use(image, data, IA_SPACE_DATA);
        close_account(image);
        qcow2_image_release(&built);
    }
}

static void the_last_cluster_is_kept_whole(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536 + 512});
    uint64_t data = qcow2_image_add_data(&built, 1);
    qcow2_image_finish(&built);
    struct ia_image *image = account(&built);
    assert_use(image, data, IA_SPACE_DATA);
    assert_int_equal(ia_space_bytes(image->space, IA_SPACE_LEAKED), 0);
    close_account(image);
    qcow2_image_release(&built);
}

/* Encrypted images show no offset of what zeroes keep; compressed clusters have none. */
static void what_an_extent_hides_is_accounted_all_the_same(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536, .crypt_method = 1});
    uint64_t zero = qcow2_image_allocate(&built, 1);
    uint64_t packed = qcow2_image_allocate(&built, 2);
    qcow2_image_map(&built, 0, 0, zero | ENTRY_COPIED | ENTRY_ZERO);
    qcow2_image_map(&built, 0, 1,
                    qcow2_compressed_entry(&built, packed + (uint64_t)C - 100, 1)); /* into the next one */
    qcow2_image_finish(&built);
    struct ia_image *image = account(&built);
    assert_use(image, zero, IA_SPACE_ZERO);
    assert_use(image, packed, IA_SPACE_DATA);
    assert_use(image, packed + (uint64_t)C, IA_SPACE_DATA);
    assert_int_equal(ia_space_bytes(image->space, IA_SPACE_LEAKED), 0);
    close_account(image);
    qcow2_image_release(&built);
}

static void subclusters_have_uses_of_their_own(void **state)
{
    (void)state;
    for (uint32_t crypt = 0; crypt < 2; crypt++) {
        struct qcow2_image built;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .extended_l2 = true, .crypt_method = crypt});
        uint64_t host = qcow2_image_allocate(&built, 1);
        qcow2_image_map_extended(&built, 0, 0, host | ENTRY_COPIED, UINT64_C(2) << 32 | 1); /* data, zero, 30 of none */
        qcow2_image_finish(&built);
        struct ia_image *image = account(&built);
        assert_int_equal(ia_space_bytes(image->space, IA_SPACE_DATA), 2048);
        assert_int_equal(ia_space_bytes(image->space, IA_SPACE_ZERO), 2048);
        assert_int_equal(ia_space_bytes(image->space, IA_SPACE_UNALLOCATED), 30 * 2048);
        close_account(image);
        qcow2_image_release(&built);
    }
}

/* Past the end of the disk: of the snapshot its machine state, of the active state what a killed savevm leaves. */
static void entries_past_the_end_keep_their_clusters(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    uint64_t machine = qcow2_image_allocate(&built, 1);
    uint64_t left = qcow2_image_allocate(&built, 1);
    uint64_t both = qcow2_image_add_data(&built, 0);
    qcow2_image_map(&built, snapshot, 0, both);
    qcow2_image_map(&built, snapshot, 1, machine);
    qcow2_image_map(&built, 0, 2, left | ENTRY_COPIED);
    qcow2_image_finish(&built);
    struct ia_image *image = account(&built);
    assert_use(image, machine, IA_SPACE_SNAPSHOT);
    assert_use(image, left, IA_SPACE_UNALLOCATED);
    assert_use(image, both, IA_SPACE_DATA);
    assert_int_equal(ia_space_bytes(image->space, IA_SPACE_LEAKED), 0);
    close_account(image);
    qcow2_image_release(&built);
}

static void a_refcount_block_that_cannot_be_there_is_corrupt(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, built.reftable_offset, 8, 0x10200);
    assert_refused(&built, IA_CORRUPT);
    qcow2_image_patch(&built, built.reftable_offset, 8, UINT64_C(1) << 63);
    assert_refused(&built, IA_CORRUPT);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_clusters_that_nothing_names_are_leaked),
        cmocka_unit_test(the_last_cluster_is_kept_whole),
        cmocka_unit_test(what_an_extent_hides_is_accounted_all_the_same),
        cmocka_unit_test(subclusters_have_uses_of_their_own),
        cmocka_unit_test(entries_past_the_end_keep_their_clusters),
        cmocka_unit_test(a_refcount_block_that_cannot_be_there_is_corrupt),
        cmocka_unit_test(empty_image_is_a_header_an_l1_table_and_refcounts),
        cmocka_unit_test(image_of_no_size_has_no_l1_table),
        cmocka_unit_test(data_is_not_metadata),
        cmocka_unit_test(l1_table_of_several_clusters_counts_whole_clusters),
        cmocka_unit_test(snapshots_have_tables_too_and_shared_ones_count_once),
        cmocka_unit_test(encryption_header_counts_whole_clusters),
        cmocka_unit_test(bitmaps_count_directory_tables_and_data),
        cmocka_unit_test(broken_bitmaps_are_corrupt),
        cmocka_unit_test(bad_l1_of_a_snapshot_is_corrupt),
    };
    return cmocka_run_group_tests_name("qcow2/claim", tests, NULL, NULL);
}
