/* SPDX-License-Identifier: MIT */
/* The runs of files on the host, told by FIEMAP and by seeking. Where the file system of the working directory is not
 * the one a test is about, the test is skipped. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "io/host_blocks.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

enum { MOST = 2048 };

struct answer {
    struct ia_host_run runs[MOST];
    size_t count;
    bool exact;
};

static struct answer ask(int fd)
{
    static struct answer answer;
    struct ia_host_blocks *blocks = NULL;
    assert_ok(ia_host_blocks_open(fd, &blocks, &err));
    answer.exact = ia_host_blocks_exact(blocks);
    answer.count = 0;
    int64_t end = 0;
    for (;;) {
        bool have;
        struct ia_host_run run;
        assert_ok(ia_host_blocks_next(blocks, &run, &have, &err));
        if (!have)
            break;
        assert_true(run.start >= end && run.length > 0);
        end = run.start + run.length;
        assert_true(answer.count < MOST);
        answer.runs[answer.count++] = run;
    }
    ia_host_blocks_close(blocks);
    return answer;
}

static int64_t bytes_of(const struct answer *answer, bool unwritten)
{
    int64_t sum = 0;
    for (size_t i = 0; i < answer->count; i++)
        sum += answer->runs[i].unwritten == unwritten ? answer->runs[i].length : 0;
    return sum;
}

static int64_t blocks_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (int64_t)st.st_blocks * 512;
}

static bool on(int fd, uint32_t magic)
{
    struct statfs fs;
    assert_int_equal(fstatfs(fd, &fs), 0);
    return (uint32_t)fs.f_type == magic;
}

static int new_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* An open file in memory, without a name. */
static int file_in_memory(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void fill(int fd, int64_t start, size_t length)
{
    char *bytes = malloc(length);
    assert_non_null(bytes);
    memset(bytes, 'x', length);
    assert_int_equal(pwrite(fd, bytes, length, start), (ssize_t)length);
    free(bytes);
}

static void an_empty_file_has_no_runs(void **state)
{
    (void)state;
    int fd = new_file("empty");
    assert_int_equal(ask(fd).count, 0);
    close(fd);
}

static void written_and_preallocated_blocks_are_reported_apart_on_ext4(void **state)
{
    (void)state;
    int fd = new_file("file");
    if (!on(fd, EXT4_SUPER_MAGIC)) {
        close(fd);
        skip();
    }
    assert_false(ia_host_can_share(fd));
    fill(fd, 0, (size_t)MIB);
    assert_int_equal(posix_fallocate(fd, 4 * MIB, 2 * MIB), 0);
    assert_int_equal(ftruncate(fd, 8 * MIB), 0);
    assert_int_equal(fsync(fd), 0);
    struct answer answer = ask(fd);
    assert_true(answer.exact);
    assert_int_equal(bytes_of(&answer, false), MIB);
    assert_int_equal(bytes_of(&answer, true), 2 * MIB);
    assert_int_equal(bytes_of(&answer, false) + bytes_of(&answer, true), blocks_of(fd));
    for (size_t i = 0; i < answer.count; i++) {
        assert_int_equal(answer.runs[i].unwritten, answer.runs[i].start >= 4 * MIB);
        assert_true(answer.runs[i].physical > 0);
        assert_false(answer.runs[i].shared || answer.runs[i].encoded);
    }
    close(fd);
}

static void preallocation_past_the_end_is_reported_on_ext4(void **state)
{
    (void)state;
    int fd = new_file("file");
    if (!on(fd, EXT4_SUPER_MAGIC)) {
        close(fd);
        skip();
    }
    assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, MIB, 3 * MIB), 0);
    struct answer answer = ask(fd);
    assert_int_equal(bytes_of(&answer, true), 3 * MIB);
    assert_int_equal(answer.runs[0].start, MIB);
    close(fd);
}

static void bytes_not_yet_written_have_no_place_and_stay_so_on_ext4(void **state)
{
    (void)state;
    int fd = new_file("file");
    if (!on(fd, EXT4_SUPER_MAGIC)) {
        close(fd);
        skip();
    }
    fill(fd, 0, 65536);
    for (int i = 0; i < 2; i++) { /* the first question did not write it out */
        struct answer answer = ask(fd);
        assert_int_equal(answer.count, 1);
        assert_int_equal(answer.runs[0].length, 65536);
        assert_int_equal(answer.runs[0].physical, -1);
    }
    close(fd);
}

static void more_runs_than_one_batch_are_reported_once_each(void **state)
{
    (void)state;
    enum { RUNS = 1000 };
    int fd = new_file("file");
    assert_int_equal(ftruncate(fd, RUNS * INT64_C(131072)), 0); /* XFS preallocates for files that grow */
    for (int64_t i = 0; i < RUNS; i++)
        fill(fd, i * 131072, 4096);
    assert_int_equal(fsync(fd), 0);
    struct answer answer = ask(fd);
    if (answer.runs[0].length != 4096) { /* blocks of another size */
        close(fd);
        skip();
    }
    assert_int_equal(answer.count, RUNS);
    for (int64_t i = 0; i < RUNS; i++) {
        assert_int_equal(answer.runs[i].start, i * 131072);
        assert_int_equal(answer.runs[i].length, 4096);
    }
    close(fd);
}

static void without_fiemap_the_data_is_found_by_seeking(void **state)
{
    (void)state;
    int fd = file_in_memory();
    fill(fd, 2 * MIB, 65536);
    fill(fd, 6 * MIB, 4096);
    assert_int_equal(ftruncate(fd, 8 * MIB), 0);
    struct answer answer = ask(fd);
    assert_false(answer.exact);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.runs[0].start, 2 * MIB);
    assert_int_equal(answer.runs[0].length, 65536);
    assert_int_equal(answer.runs[1].start, 6 * MIB);
    assert_int_equal(answer.runs[1].length, 4096);
    assert_int_equal(answer.runs[0].physical, -1);
    assert_false(answer.runs[0].unwritten || answer.runs[0].shared || answer.runs[0].encoded);
    assert_false(ia_host_can_share(fd));
    close(fd);
}

static void a_file_that_is_not_seekable_is_an_error_and_not_empty(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ia_host_blocks *blocks = NULL;
    struct ia_host_run run;
    bool have = true;
    assert_ok(ia_host_blocks_open(ends[0], &blocks, &err));
    assert_status(IA_IO, ia_host_blocks_next(blocks, &run, &have, &err));
    assert_false(have);
    ia_host_blocks_close(blocks);
    close(ends[0]);
    close(ends[1]);
}

static void files_of_one_file_system_are_on_one_volume(void **state)
{
    (void)state;
    int one = new_file("one");
    int two = new_file("two");
    int elsewhere = file_in_memory();
    assert_true(ia_host_volume(one) != 0);
    assert_true(ia_host_volume(one) == ia_host_volume(two));
    assert_true(ia_host_volume(one) != ia_host_volume(elsewhere));
    close(one);
    close(two);
    close(elsewhere);
}

static void a_volume_of_no_file_is_unknown(void **state)
{
    (void)state;
    assert_true(ia_host_volume(-1) == 0);
    assert_true(ia_host_can_share(-1)); /* nothing says that it cannot */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(an_empty_file_has_no_runs),
        in_temp_dir(written_and_preallocated_blocks_are_reported_apart_on_ext4),
        in_temp_dir(preallocation_past_the_end_is_reported_on_ext4),
        in_temp_dir(bytes_not_yet_written_have_no_place_and_stay_so_on_ext4),
        in_temp_dir(more_runs_than_one_batch_are_reported_once_each),
        cmocka_unit_test(without_fiemap_the_data_is_found_by_seeking),
        cmocka_unit_test(a_file_that_is_not_seekable_is_an_error_and_not_empty),
        in_temp_dir(files_of_one_file_system_are_on_one_volume),
        cmocka_unit_test(a_volume_of_no_file_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
