/* SPDX-License-Identifier: MIT */
/* Raw images: holes of the file, sizes rounded up to sectors, windows; what kind of disk they are, and what it costs to
 * look. The tests of the formats have all kinds, written by another hand. */
#include <errno.h>
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

/* A source in memory that counts what is asked of it, and may refuse it. */
struct counting_source {
    struct ia_source base;
    const uint8_t *bytes;
    int reads;
    bool is_broken;
};

static int64_t counting_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    struct counting_source *counting = (struct counting_source *)source;
    counting->reads++;
    assert_in_range(off, 0, source->size);
    assert_true((int64_t)len <= source->size - off);
    if (counting->is_broken)
        return -EIO;
    memcpy(bytes, counting->bytes + off, len);
    return (int64_t)len;
}

static int64_t counting_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    (void)off;
    *hole = false;
    return source->size;
}

static void counting_close(struct ia_source *source)
{
    (void)source; /* on the stack */
}

static const struct ia_source_ops counting_ops = {
    .pread = counting_pread, .extent_end = counting_extent_end, .close = counting_close};

static struct counting_source count_reads(const uint8_t *bytes, int64_t size)
{
    return (struct counting_source){.base = {.ops = &counting_ops, .size = size, .allocated = size}, .bytes = bytes};
}

/* One partition of 7 sectors from sector 1 on. */
static void write_mbr(uint8_t *disk)
{
    memcpy(disk + 446, "\x80\0\0\0\x83\0\0\0\1\0\0\0\7\0\0\0", 16);
    memcpy(disk + 510, "\x55\xaa", 2);
}

static void kind_of_a_disk_has_all_that_is_recognized_in_few_reads(void **state)
{
    (void)state;
    static uint8_t disk[40 * 1024];
    const char *kind;
    write_mbr(disk);
    struct counting_source source = count_reads(disk, sizeof(disk));
    assert_ok(ia_raw_kind(&source.base, &kind, &err));
    assert_string_equal(kind, "mbr");
    assert_in_range(source.reads, 1, 3);
    assert_in_range(source.base.bytes_read, 1, 2048);
    memcpy(disk + 32768, "\1CD001\1", 7);
    assert_ok(ia_raw_kind(&source.base, &kind, &err));
    assert_string_equal(kind, "iso9660 mbr");
    assert_false(source.base.beyond_end);
}

static void kind_of_short_files_reads_nothing_past_their_end(void **state)
{
    (void)state;
    static uint8_t disk[40 * 1024];
    const char *kind;
    write_mbr(disk);
    memcpy(disk + 32768, "\1CD001\1", 7);
    for (int64_t size = 0; size <= (int64_t)sizeof(disk); size += size < 8192 ? 1 : 511) {
        struct counting_source source = count_reads(disk, size);
        assert_ok(ia_raw_kind(&source.base, &kind, &err));
        assert_string_equal(kind, size < 1024 ? "" : size < 32768 + 7 ? "mbr" : "iso9660 mbr");
        assert_false(source.base.beyond_end);
        assert_in_range(source.reads, 0, 3);
    }
}

static void kind_that_cannot_be_read_is_an_error_and_the_image_opens(void **state)
{
    (void)state;
    static uint8_t disk[4096];
    const char *kind = NULL;
    struct counting_source source = count_reads(disk, sizeof(disk));
    struct ia_image *image = NULL;
    source.is_broken = true;
    assert_status(IA_IO, ia_raw_kind(&source.base, &kind, &err));
    assert_string_equal(kind, "");
    assert_ok(ia_image_open(&ia_format_raw, &source.base, &ia_default_limits, &image, &err));
    assert_string_equal(image->facts.variant, "");
    assert_int_equal(image->facts.virtual_size, sizeof(disk));
    ia_image_close(image);
}

static void kind_is_the_variant(void **state)
{
    (void)state;
    static uint8_t disk[4096];
    write_mbr(disk);
    write_file("disk", disk, sizeof(disk));
    struct ia_image *image = open_raw("disk");
    assert_string_equal(image->facts.variant, "mbr");
    assert_false(ia_image_read_past_end(image));
    assert_extents(image, 0, {.start = 0, .length = sizeof(disk), .offset = 0, .state = IA_EXTENT_DATA});
    ia_image_close(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(holes_are_zero_with_an_offset),
        in_temp_dir(windows_begin_where_asked),
        in_temp_dir(size_rounds_up_to_a_sector),
        in_temp_dir(empty_file_is_an_image_of_no_size),
        in_temp_dir(there_is_one_mapping),
        cmocka_unit_test(kind_of_a_disk_has_all_that_is_recognized_in_few_reads),
        cmocka_unit_test(kind_of_short_files_reads_nothing_past_their_end),
        cmocka_unit_test(kind_that_cannot_be_read_is_an_error_and_the_image_opens),
        in_temp_dir(kind_is_the_variant),
    };
    return cmocka_run_group_tests_name("format/raw", tests, NULL, NULL);
}
