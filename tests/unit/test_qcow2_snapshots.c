/* SPDX-License-Identifier: MIT */
/* Internal snapshots: the table's variable entries, sizes of their own, mappings of their own, and bad entries. */
#include <stdlib.h>
#include <string.h>

#include "support/mapping.h"
#include "support/unit.h"

static struct ia_error err;

#define C INT64_C(65536)

static void entries_of_any_length_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *id, *name;
        uint32_t extra;
    } cases[] = {
        {"1", "before the upgrade", 24}, {"17", "", 16}, /* no name at all */
        {"3", "tab\tquote\"\xff", 56},                   /* more extra data than is known; a name that is not UTF-8 */
        {"id of 13 bytes", "x", 24},     {"", "no id", 1024},
    };
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t number = qcow2_image_snapshot(&built, cases[i].id, cases[i].name, (i + 1) * 65536, cases[i].extra);
        built.mappings[number].vm_state = i * 1000;
    }
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_int_equal(image->facts.snapshots.len, COUNT(cases));
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct ia_snapshot *snapshot = &image->facts.snapshots.items[i];
        assert_string_equal(snapshot->id, cases[i].id);
        assert_string_equal(snapshot->name, cases[i].name);
        assert_int_equal(snapshot->size, (i + 1) * 65536);
        assert_int_equal(snapshot->vm_state, i * 1000);
        assert_int_equal(ia_image_mapping_size(image, i + 1), (i + 1) * 65536);
    }
    assert_int_equal(ia_image_mapping_size(image, 0), 4 * 65536);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void version_2_entry_takes_the_size_of_the_disk(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 3 * 65536, .version = 2});
    qcow2_image_snapshot(&built, "1", "old", 65536, QCOW2_NO_EXTRA);
    built.mappings[1].vm_state = 4711;
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_int_equal(image->facts.snapshots.items[0].size, 3 * 65536);
    assert_int_equal(image->facts.snapshots.items[0].vm_state, 4711); /* the 32-bit field */
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void date_is_in_nanoseconds_and_may_be_after_2038(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    qcow2_image_finish(&built);
    uint64_t table = qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8);
    qcow2_image_patch(&built, table + 16, 4, 0xfedcba98); /* after 2038 */
    qcow2_image_patch(&built, table + 20, 4, 123456789);
    struct ia_image *image = open_built(&built);
    assert_int_equal(image->facts.snapshots.items[0].date_ns, INT64_C(4275878552123456789));
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void each_snapshot_has_a_mapping_of_its_own(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 * 65536});
    size_t longer = qcow2_image_snapshot(&built, "1", "longer", 6 * 65536, QCOW2_EXTRA);
    size_t shorter = qcow2_image_snapshot(&built, "2", "shorter", 65536 + 512, QCOW2_EXTRA);
    uint64_t host = qcow2_image_allocate(&built, 3);
    qcow2_image_map(&built, 0, 0, host);
    qcow2_image_map(&built, longer, 5, host + 65536);
    qcow2_image_map(&built, shorter, 1, host + 2 * 65536);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    int64_t h = (int64_t)host;
    assert_extents(image, 0, {.start = 0, .length = C, .offset = h, .state = IA_EXTENT_DATA});
    assert_extents(image, longer, {.start = 5 * C, .length = C, .offset = h + C, .state = IA_EXTENT_DATA});
    assert_extents(image, shorter, {.start = C, .length = 512, .offset = h + 2 * C, .state = IA_EXTENT_DATA});
    struct ia_cursor *cursor = NULL;
    assert_status(IA_BUG, ia_cursor_open(image, 3, 0, INT64_MAX, &cursor, &err));
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* The machine state lies in the mapping too, past the disk: it is no guest data. */
static void vm_state_is_not_mapped(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 2 * 65536});
    size_t snapshot = qcow2_image_snapshot(&built, "1", "s", 2 * 65536, QCOW2_EXTRA);
    qcow2_image_map(&built, snapshot, 2, ENTRY_ZERO);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_mapping(image, snapshot, NULL, 0);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void bad_entries_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint64_t at;
        unsigned width;
        uint64_t value;
        enum ia_status status;
    } cases[] = {
        {0, 8, UINT64_C(1) << 63, IA_CORRUPT}, /* L1 table above 2^63 - 1 */
        {36, 4, 1025, IA_CORRUPT},             /* extra data: QEMU's bound is 1024 */
        {36, 4, UINT32_MAX, IA_CORRUPT},
        {40, 8, UINT64_MAX, IA_CORRUPT}, /* size of the machine state */
        {48, 8, UINT64_C(1) << 63, IA_CORRUPT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        struct ia_image *image = NULL;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
        qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
        qcow2_image_finish(&built);
        uint64_t table = qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8);
        qcow2_image_patch(&built, table + cases[i].at, cases[i].width, cases[i].value);
        assert_status(cases[i].status, try_open_built(&built, &ia_default_limits, &image, &err));
        qcow2_image_release(&built);
    }
}

/* A bad L1 table spoils its snapshot, not the others. */
static void bad_l1_of_one_snapshot_spoils_it_alone(void **state)
{
    (void)state;
    struct qcow2_image built;
    struct extent_list got;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    qcow2_image_finish(&built);
    uint64_t table = qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8);
    qcow2_image_patch(&built, table, 8, 0x10200); /* not at a cluster's start */
    struct ia_image *image = open_built(&built);
    assert_mapping(image, 0, NULL, 0);
    assert_status(IA_CORRUPT, try_map(image, 1, 0, INT64_MAX, &got, &err));
    free(got.items);
    ia_image_close(image);
    qcow2_image_release(&built);
}

/* All L1 tables of snapshots together may have the size of the file and 8 MiB. */
static void l1_tables_that_cannot_all_be_in_the_file_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint64_t entries; /* of each of two snapshots */
        enum ia_status status;
    } cases[] = {
        {(4 << 20) / 8, IA_OK}, /* 8 MiB */
        {(5 << 20) / 8, IA_CORRUPT},
        {(32 << 20) / 8, IA_CORRUPT},
        {UINT32_MAX, IA_CORRUPT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct qcow2_image built;
        struct ia_image *image = NULL;
        qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
        qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
        qcow2_image_snapshot(&built, "2", "t", 65536, QCOW2_EXTRA);
        qcow2_image_finish(&built);
        uint64_t table = qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8);
        qcow2_image_patch(&built, table + 8, 4, cases[i].entries);
        qcow2_image_patch(&built, table + 72 + 8, 4, cases[i].entries); /* 40 + 24 + 1 + 1, rounded up to 8 */
        assert_status(cases[i].status, try_open_built(&built, &ia_default_limits, &image, &err));
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void l1_shorter_than_the_snapshot_maps_what_it_has(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 512 * 128, .cluster_bits = 9});
    qcow2_image_snapshot(&built, "1", "s", 512 * 128, QCOW2_EXTRA); /* two L1 entries of 64 clusters */
    qcow2_image_map(&built, 1, 63, ENTRY_ZERO);
    qcow2_image_map(&built, 1, 64, ENTRY_ZERO);
    qcow2_image_finish(&built);
    uint64_t table = qcow2_image_peek(&built, FIELD_SNAPSHOTS_OFFSET, 8);
    qcow2_image_patch(&built, table + 8, 4, 1);
    struct ia_image *image = open_built(&built);
    assert_extents(image, 1, {.start = 63 * 512, .length = 512, .offset = IA_NO_OFFSET, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void number_of_snapshots_is_limited(void **state)
{
    (void)state;
    struct qcow2_image built;
    struct ia_image *image = NULL;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536});
    for (int i = 0; i < 3; i++)
        qcow2_image_snapshot(&built, "1", "s", 65536, QCOW2_EXTRA);
    qcow2_image_finish(&built);
    struct ia_limits limits = ia_default_limits;
    limits.max_snapshots = 2;
    assert_status(IA_LIMIT, try_open_built(&built, &limits, &image, &err));
    limits.max_snapshots = 3;
    assert_ok(try_open_built(&built, &limits, &image, &err));
    ia_image_close(image);
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_any_length_are_read),
        cmocka_unit_test(version_2_entry_takes_the_size_of_the_disk),
        cmocka_unit_test(date_is_in_nanoseconds_and_may_be_after_2038),
        cmocka_unit_test(each_snapshot_has_a_mapping_of_its_own),
        cmocka_unit_test(vm_state_is_not_mapped),
        cmocka_unit_test(bad_entries_are_corrupt),
        cmocka_unit_test(bad_l1_of_one_snapshot_spoils_it_alone),
        cmocka_unit_test(l1_tables_that_cannot_all_be_in_the_file_are_corrupt),
        cmocka_unit_test(l1_shorter_than_the_snapshot_maps_what_it_has),
        cmocka_unit_test(number_of_snapshots_is_limited),
    };
    return cmocka_run_group_tests_name("qcow2/snapshots", tests, NULL, NULL);
}
