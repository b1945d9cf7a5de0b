/* SPDX-License-Identifier: MIT */
/* Raw images: holes of the file, sizes rounded up to sectors, windows. */
#include <fcntl.h>
#include <string.h>

#include "format/raw/raw.h"
#include "support/mapping.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static struct ia_image *open_raw(const char *name)
{
    struct ia_source *source = NULL;
    struct ia_image *image = NULL;
    assert_ok(ia_source_open_fd(open(name, O_RDONLY | O_CLOEXEC), &source, &err));
    assert_ok(ia_image_open(&ia_format_raw, source, &ia_default_limits, &image, &err));
    return image;
}

static void holes_are_zero_with_an_offset(void **state)
{
    (void)state;
    static uint8_t ones[64 * 1024];
    memset(ones, 1, sizeof(ones));
    make_sparse_file("holes", MIB);
    write_at("holes", 128 * KIB, ones, 64 * KIB);
    struct ia_image *image = open_raw("holes");
    assert_int_equal(image->facts.virtual_size, MIB);
    assert_int_equal(image->facts.metadata_bytes, 0);
    assert_extents(image, 0, {.start = 0, .length = 128 * KIB, .offset = 0, .state = IA_EXTENT_ZERO},
                   {.start = 128 * KIB, .length = 64 * KIB, .offset = 128 * KIB, .state = IA_EXTENT_DATA},
                   {.start = 192 * KIB, .length = 832 * KIB, .offset = 192 * KIB, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
}

static void windows_begin_where_asked(void **state)
{
    (void)state;
    static uint8_t ones[64 * 1024];
    memset(ones, 1, sizeof(ones));
    make_sparse_file("holes", MIB);
    write_at("holes", 128 * KIB, ones, 64 * KIB);
    struct ia_image *image = open_raw("holes");
    const struct ia_extent inside[] = {
        {.start = 130 * KIB, .length = 62 * KIB, .offset = 130 * KIB, .state = IA_EXTENT_DATA},
        {.start = 192 * KIB, .length = 8 * KIB, .offset = 192 * KIB, .state = IA_EXTENT_ZERO},
    };
    assert_range(image, 0, 130 * KIB, 200 * KIB, inside, 2);
    assert_range(image, 0, MIB, INT64_MAX, NULL, 0);
    assert_range(image, 0, 5 * MIB, INT64_MAX, NULL, 0);
    assert_range(image, 0, 0, 0, NULL, 0);
    ia_image_close(image);
}

static void size_rounds_up_to_a_sector(void **state)
{
    (void)state;
    write_file("odd", "0123456789", 10);
    struct ia_image *image = open_raw("odd");
    assert_int_equal(image->facts.virtual_size, 512);
    /* The tail past the end of the file is an entry of its own. */
    assert_extents(image, 0, {.start = 0, .length = 10, .offset = 0, .state = IA_EXTENT_DATA},
                   {.start = 10, .length = 502, .offset = 10, .state = IA_EXTENT_ZERO});
    ia_image_close(image);
}

static void empty_file_is_an_image_of_no_size(void **state)
{
    (void)state;
    make_sparse_file("empty", 0);
    struct ia_image *image = open_raw("empty");
    assert_int_equal(image->facts.virtual_size, 0);
    assert_mapping(image, 0, NULL, 0);
    ia_image_close(image);
}

static void there_is_one_mapping(void **state)
{
    (void)state;
    make_sparse_file("raw", 4096);
    struct ia_image *image = open_raw("raw");
    struct ia_cursor *cursor = NULL;
    assert_status(IA_BUG, ia_cursor_open(image, 1, 0, INT64_MAX, &cursor, &err));
    assert_null(cursor);
    ia_image_close(image);
    ia_image_close(NULL);
    ia_cursor_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(holes_are_zero_with_an_offset), in_temp_dir(windows_begin_where_asked),
        in_temp_dir(size_rounds_up_to_a_sector),    in_temp_dir(empty_file_is_an_image_of_no_size),
        in_temp_dir(there_is_one_mapping),
    };
    return cmocka_run_group_tests_name("format/raw", tests, NULL, NULL);
}
