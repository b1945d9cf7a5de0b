/* SPDX-License-Identifier: MIT */
/* A fresh working directory for each test. */
#include "support/temp_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/unit.h"

int temp_dir_setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *made = NULL;
    if (asprintf(&made, "%s/imgaudit-unit-XXXXXX", tmp != NULL ? tmp : "/tmp") < 0 || mkdtemp(made) == NULL)
        return -1;
    *state = realpath(made, NULL);
    free(made);
    return *state == NULL || chdir(*state) != 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int temp_dir_teardown(void **state)
{
    int failed = chdir("/") != 0 || nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0;
    free(*state);
    return failed ? -1 : 0;
}

void write_at(const char *name, int64_t offset, const void *bytes, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, offset), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

void write_file(const char *name, const void *bytes, size_t len)
{
    make_sparse_file(name, 0);
    write_at(name, 0, bytes, len);
}

void make_sparse_file(const char *name, int64_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}
