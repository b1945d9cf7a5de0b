/* SPDX-License-Identifier: MIT */
/* Sources of bytes: memory and files, what lies past their end, and holes. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/source.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static struct ia_source *open_file(const char *name)
{
    struct ia_source *source = NULL;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(ia_source_open_fd(fd, &source, &err));
    return source;
}

static void memory_is_read_in_place(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    assert_ok(ia_source_open_memory("0123456789", 10, &source, &err));
    assert_int_equal(source->size, 10);
    char got[4];
    assert_ok(ia_source_read(source, 3, got, 4, "test", &err));
    assert_memory_equal(got, "3456", 4);
    assert_int_equal(source->bytes_read, 4);
    assert_false(source->beyond_end);
    ia_source_close(source);
}

static void past_the_end_are_zeroes_and_it_is_noted(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    assert_ok(ia_source_open_memory("0123456789", 10, &source, &err));
    char got[6];
    memset(got, 'x', sizeof(got));
    assert_ok(ia_source_read(source, 4, got, 6, "test", &err));
    assert_false(source->beyond_end); /* exactly to the end */
    assert_ok(ia_source_read(source, 8, got, 6, "test", &err));
    assert_memory_equal(got, "89\0\0\0\0", 6);
    assert_true(source->beyond_end);
    assert_int_equal(source->bytes_read, 6 + 2);
    ia_source_close(source);
}

static void far_past_the_end_are_zeroes_too(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    assert_ok(ia_source_open_memory("0123456789", 10, &source, &err));
    char got[2] = {'x', 'x'};
    assert_ok(ia_source_read(source, INT64_MAX - 1, got, 2, "test", &err));
    assert_memory_equal(got, "\0\0", 2);
    assert_true(source->beyond_end);
    assert_int_equal(source->bytes_read, 0);
    ia_source_close(source);
}

static void empty_memory_is_a_hole_and_reads_as_zeroes(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    assert_ok(ia_source_open_memory("", 0, &source, &err));
    char got = 'x';
    assert_ok(ia_source_read(source, 0, &got, 1, "test", &err));
    assert_int_equal(got, 0);
    int64_t end;
    assert_true(ia_source_is_hole(source, 0, &end));
    assert_int_equal(end, INT64_MAX);
    ia_source_close(source);
}

static void memory_has_no_holes_but_the_end(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    assert_ok(ia_source_open_memory("0123456789", 10, &source, &err));
    int64_t end;
    assert_false(ia_source_is_hole(source, 3, &end));
    assert_int_equal(end, 10);
    assert_true(ia_source_is_hole(source, 10, &end));
    assert_int_equal(end, INT64_MAX);
    ia_source_close(source);
}

static struct ia_source *ten_sectors(char *bytes)
{
    struct ia_source *source = NULL;
    for (int i = 0; i < 10 * 512; i++)
        bytes[i] = (char)('a' + i / 512);
    assert_ok(ia_source_open_memory(bytes, 10 * 512 - 12, &source, &err)); /* the last sector is cut */
    return source;
}

static void slice_is_read_at_its_offset(void **state)
{
    (void)state;
    char bytes[10 * 512];
    char got[8];
    struct ia_source *slice = NULL;
    struct ia_source *inner = NULL;
    assert_ok(ia_source_open_slice(ten_sectors(bytes), 1020, 1024, &slice, &err));
    assert_int_equal(slice->size, 1024);
    assert_int_equal(slice->origin, 1020);
    assert_ok(ia_source_read(slice, 0, got, 8, "test", &err));
    assert_memory_equal(got, "bbbbcccc", 8);
    assert_ok(ia_source_read(slice, 1020, got, 8, "test", &err)); /* the slice ends after 4 of them */
    assert_memory_equal(got, "dddd\0\0\0\0", 8);
    assert_ok(ia_source_open_slice(slice, 512, -1, &inner, &err));
    assert_int_equal(inner->size, 512);
    assert_int_equal(inner->origin, 1532);
    assert_ok(ia_source_read(inner, 0, got, 8, "test", &err));
    assert_memory_equal(got, "ccccdddd", 8);
    ia_source_close(inner);
}

static void slice_to_the_end_has_all_of_the_last_sector(void **state)
{
    (void)state;
    char bytes[10 * 512];
    char got[4];
    struct ia_source *slice = NULL;
    int64_t end;
    assert_ok(ia_source_open_slice(ten_sectors(bytes), 9 * 512, -1, &slice, &err));
    assert_int_equal(slice->size, 512);
    assert_ok(ia_source_read(slice, 498, got, 4, "test", &err));
    assert_memory_equal(got, "jj\0\0", 4);
    assert_false(ia_source_is_hole(slice, 499, &end));
    assert_int_equal(end, 500);
    assert_true(ia_source_is_hole(slice, 500, &end));
    ia_source_close(slice);
}

static void slice_past_the_end_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t offset, size;
    } cases[] = {{5121, -1}, {INT64_MAX, INT64_MAX}, {0, 5632}, {512, 5120}, {0, 511}};
    char bytes[10 * 512];
    struct ia_source *whole = ten_sectors(bytes);
    struct ia_source *slice = NULL;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_status(IA_REFUSED, ia_source_open_slice(whole, cases[i].offset, cases[i].size, &slice, &err));
    assert_ok(ia_source_open_slice(whole, 5120, 0, &slice, &err)); /* nothing, at the end */
    ia_source_close(slice);
}

/* Data at [128 KiB, 192 KiB) and at [512 KiB, 516 KiB) of 1 MiB: all multiples of any block size in use. */
static void make_file_with_holes(const char *name)
{
    static uint8_t ones[64 * 1024];
    memset(ones, 1, sizeof(ones));
    make_sparse_file(name, MIB);
    write_at(name, 128 * KIB, ones, 64 * KIB);
    write_at(name, 512 * KIB, ones, 64 * KIB);
}

static void holes_and_data_of_a_file_are_found_with_their_ends(void **state)
{
    (void)state;
    make_file_with_holes("holes");
    struct ia_source *source = open_file("holes");
    static const struct {
        int64_t at, end;
        bool hole;
    } cases[] = {
        {0, 128 * KIB, true},          {5, 128 * KIB, true},          {128 * KIB - 1, 128 * KIB, true},
        {128 * KIB, 192 * KIB, false}, {191 * KIB, 192 * KIB, false}, {192 * KIB, 512 * KIB, true},
        {512 * KIB, 576 * KIB, false}, {3, 128 * KIB, true}, /* back again */
        {576 * KIB, INT64_MAX, true},                        /* the hole at the end goes on past it */
        {MIB - 1, INT64_MAX, true},    {MIB, INT64_MAX, true},        {INT64_MAX - 1, INT64_MAX, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t end = -1;
        if (ia_source_is_hole(source, cases[i].at, &end) != cases[i].hole || end != cases[i].end)
            fail_msg("case %zu: end %jd", i, (intmax_t)end);
    }
    ia_source_close(source);
}

static void data_up_to_the_end_ends_there(void **state)
{
    (void)state;
    write_file("full", "0123456789", 10);
    struct ia_source *source = open_file("full");
    int64_t end;
    assert_false(ia_source_is_hole(source, 0, &end));
    assert_int_equal(end, 10);
    assert_true(ia_source_is_hole(source, 10, &end));
    ia_source_close(source);
}

static void source_has_the_size_and_the_blocks_of_its_file(void **state)
{
    (void)state;
    make_file_with_holes("holes");
    struct stat st;
    assert_int_equal(stat("holes", &st), 0);
    struct ia_source *source = open_file("holes");
    assert_int_equal(source->size, MIB);
    assert_int_equal(source->allocated, st.st_blocks * 512);
    assert_true(source->allocated >= 128 * KIB && source->allocated < MIB);
    ia_source_close(source);
}

static void file_cut_while_it_is_open_reads_as_zeroes(void **state)
{
    (void)state;
    write_file("cut", "0123456789", 10);
    struct ia_source *source = open_file("cut");
    assert_int_equal(truncate("cut", 4), 0);
    char got[8];
    assert_ok(ia_source_read(source, 2, got, 8, "test", &err));
    assert_memory_equal(got, "23\0\0\0\0\0\0", 8);
    assert_true(source->beyond_end);
    ia_source_close(source);
}

static void only_files_and_devices_are_sources(void **state)
{
    (void)state;
    struct ia_source *source = NULL;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_status(IA_REFUSED, ia_source_open_fd(ends[0], &source, &err));
    assert_int_equal(close(ends[0]), 0); /* still the caller's */
    assert_int_equal(close(ends[1]), 0);
    int dir = open(".", O_RDONLY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_status(IA_REFUSED, ia_source_open_fd(dir, &source, &err));
    assert_int_equal(close(dir), 0);
    assert_status(IA_IO, ia_source_open_fd(-1, &source, &err));
    assert_null(source);
    ia_source_close(NULL);
}

static void failed_read_names_the_thing_and_the_place(void **state)
{
    (void)state;
    write_file("file", "0123456789", 10);
    struct ia_source *source = NULL;
    int fd = open("file", O_WRONLY | O_CLOEXEC); /* reading fails */
    assert_true(fd >= 0);
    assert_ok(ia_source_open_fd(fd, &source, &err));
    char got[4];
    assert_status(IA_IO, ia_source_read(source, 5, got, 4, "L1 table", &err));
    assert_string_equal(err.message, "cannot read L1 table at offset 0x5: Bad file descriptor");
    ia_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_in_place),
        cmocka_unit_test(past_the_end_are_zeroes_and_it_is_noted),
        cmocka_unit_test(far_past_the_end_are_zeroes_too),
        cmocka_unit_test(empty_memory_is_a_hole_and_reads_as_zeroes),
        cmocka_unit_test(memory_has_no_holes_but_the_end),
        cmocka_unit_test(slice_is_read_at_its_offset),
        cmocka_unit_test(slice_to_the_end_has_all_of_the_last_sector),
        cmocka_unit_test(slice_past_the_end_is_refused),
        in_temp_dir(holes_and_data_of_a_file_are_found_with_their_ends),
        in_temp_dir(data_up_to_the_end_ends_there),
        in_temp_dir(source_has_the_size_and_the_blocks_of_its_file),
        in_temp_dir(file_cut_while_it_is_open_reads_as_zeroes),
        in_temp_dir(only_files_and_devices_are_sources),
        in_temp_dir(failed_read_names_the_thing_and_the_place),
    };
    return cmocka_run_group_tests_name("io/source", tests, NULL, NULL);
}
