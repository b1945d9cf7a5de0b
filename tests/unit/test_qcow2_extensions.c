/* SPDX-License-Identifier: MIT */
/* Header extensions of qcow2: strings, bitmaps, the encryption header, unknown ones, and lengths that lie. */
#include <string.h>

#include "support/mapping.h"
#include "support/unit.h"

enum { BACKING_FORMAT = 0xe2792aca, FEATURE_NAMES = 0x6803f857, BITMAPS = 0x23852875, CRYPTO = 0x0537be77 };

static struct ia_error err;

static struct ia_image *open_with(uint32_t type, const void *bytes, uint32_t len, uint64_t autoclear, uint32_t crypt,
                                  enum ia_status expected)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = MIB, .crypt_method = crypt});
    qcow2_image_extension(&built, type, bytes, len);
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, FIELD_AUTOCLEAR, 8, autoclear);
    struct ia_image *image = NULL;
    assert_status(expected, try_open_built(&built, &ia_default_limits, &image, &err));
    qcow2_image_release(&built);
    return image; /* good for its facts: the bytes are gone */
}

static void unknown_extensions_are_passed_over(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = MIB});
    qcow2_image_extension(&built, 0x12345678, "anything", 7); /* padded to 8 */
    qcow2_image_extension(&built, FEATURE_NAMES, "\0\0dirty bit", 11);
    qcow2_image_extension(&built, 0x87654321, "", 0);
    qcow2_image_extension(&built, BACKING_FORMAT, "qcow2", 5);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_string_equal(image->facts.backing_format, "qcow2");
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void nothing_is_read_behind_the_end_marker(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = MIB});
    qcow2_image_extension(&built, 0, "", 0);
    qcow2_image_extension(&built, BACKING_FORMAT, "qcow2", 5);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_null(image->facts.backing_format);
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void format_names_end_at_15_bytes(void **state)
{
    (void)state;
    struct ia_image *image = open_with(BACKING_FORMAT, "123456789012345", 15, 0, 0, IA_OK);
    assert_string_equal(image->facts.backing_format, "123456789012345");
    ia_image_close(image);
    open_with(BACKING_FORMAT, "1234567890123456", 16, 0, 0, IA_CORRUPT);
}

static void last_of_two_names_counts(void **state)
{
    (void)state;
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = MIB, .backing_format = "raw"});
    qcow2_image_extension(&built, BACKING_FORMAT, "qcow2", 5);
    qcow2_image_finish(&built);
    struct ia_image *image = open_built(&built);
    assert_string_equal(image->facts.backing_format, "qcow2");
    ia_image_close(image);
    qcow2_image_release(&built);
}

static void lengths_that_run_out_of_the_header_are_refused(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {65536 - 104 - 8 + 1, 65536, UINT32_MAX - 7, UINT32_MAX};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct qcow2_image built;
        struct ia_image *image = NULL;
        qcow2_image_start(&built, &(struct qcow2_options){.size = MIB});
        qcow2_image_extension(&built, 0x12345678, "", 0);
        qcow2_image_finish(&built);
        qcow2_image_patch(&built, 104 + 4, 4, lengths[i]);
        assert_status(IA_CORRUPT, try_open_built(&built, &ia_default_limits, &image, &err));
        qcow2_image_patch(&built, 104 + 4, 4, 65536 - 104 - 8); /* fills the cluster to its end */
        assert_ok(try_open_built(&built, &ia_default_limits, &image, &err));
        ia_image_close(image);
        qcow2_image_release(&built);
    }
}

static void extensions_end_where_the_backing_name_begins(void **state)
{
    (void)state;
    struct qcow2_image built;
    struct ia_image *image = NULL;
    qcow2_image_start(&built, &(struct qcow2_options){.size = MIB, .backing = "base"});
    qcow2_image_extension(&built, 0x12345678, "12345678", 8);
    qcow2_image_finish(&built); /* 104: head, 112: eight bytes, 120: end marker, 128: the name */
    assert_int_equal(qcow2_image_peek(&built, FIELD_BACKING_OFFSET, 8), 128);
    qcow2_image_patch(&built, 104 + 4, 4, 16);
    assert_ok(try_open_built(&built, &ia_default_limits, &image, &err));
    ia_image_close(image);
    qcow2_image_patch(&built, 104 + 4, 4, 17);
    assert_status(IA_CORRUPT, try_open_built(&built, &ia_default_limits, &image, &err));
    qcow2_image_release(&built);
}

/* count, reserved, directory size, directory offset */
static const uint8_t good_bitmaps[24] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 1, 0, 0};

static void bitmaps_with_bad_values_are_corrupt_where_they_count(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } cases[] = {
        {3, 0},             /* no bitmaps */
        {1, 1},             /* 65537 of them */
        {4, 1},             /* reserved */
        {8, 0x80},          /* sizes and offsets above 2^63 - 1 */
        {16, 0x80}, {8, 1}, /* 2^56 bytes */
        {22, 2},            /* not at a cluster's start */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[24];
        memcpy(bytes, good_bitmaps, 24);
        bytes[cases[i].at] = cases[i].value;
        open_with(BITMAPS, bytes, 24, 1, 0, IA_CORRUPT);
        /* Without the autoclear bit they are not consistent, and ignored. */
        ia_image_close(open_with(BITMAPS, bytes, 24, 0, 0, IA_OK));
    }
    open_with(BITMAPS, good_bitmaps, 23, 1, 0, IA_CORRUPT);
    ia_image_close(open_with(BITMAPS, good_bitmaps, 24, 1, 0, IA_OK));
}

static void encryption_header_is_accepted_with_luks_only(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0};
    struct ia_image *image = open_with(CRYPTO, bytes, 16, 0, 2, IA_OK);
    assert_true(image->facts.encrypted);
    assert_string_equal(image->facts.variant, "v3 luks");
    ia_image_close(image);
    open_with(CRYPTO, bytes, 16, 0, 1, IA_CORRUPT);
    open_with(CRYPTO, bytes, 16, 0, 0, IA_CORRUPT);
    open_with(CRYPTO, bytes, 15, 0, 2, IA_CORRUPT);
    bytes[6] = 2; /* not at a cluster's start */
    open_with(CRYPTO, bytes, 16, 0, 2, IA_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_extensions_are_passed_over),
        cmocka_unit_test(nothing_is_read_behind_the_end_marker),
        cmocka_unit_test(format_names_end_at_15_bytes),
        cmocka_unit_test(last_of_two_names_counts),
        cmocka_unit_test(lengths_that_run_out_of_the_header_are_refused),
        cmocka_unit_test(extensions_end_where_the_backing_name_begins),
        cmocka_unit_test(bitmaps_with_bad_values_are_corrupt_where_they_count),
        cmocka_unit_test(encryption_header_is_accepted_with_luks_only),
    };
    return cmocka_run_group_tests_name("qcow2/extensions", tests, NULL, NULL);
}
