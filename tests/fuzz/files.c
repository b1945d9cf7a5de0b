/* SPDX-License-Identifier: MIT */
/* The directory is in $TMPDIR, else in memory, and removed at the end; a process that was killed leaves it there. */
#include "fuzz/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/target.h"

static char directory[256];

struct content {
    bool is_there;
    uint8_t *bytes; /* of what is there: owned */
    size_t len;
};
static struct content there[FUZZ_MOST_FILES];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_all(void)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < FUZZ_MOST_FILES; i++)
        free(there[i].bytes);
}

const char *fuzz_path(char path[FUZZ_PATH], const char *name)
{
    int len = snprintf(path, FUZZ_PATH, "%s/%s", directory, name);
    FUZZ_CHECK(len > 0 && len < FUZZ_PATH);
    return path;
}

static void make_directories(const char *name)
{
    char path[FUZZ_PATH];
    fuzz_path(path, name);
    for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        FUZZ_CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void start(const char *const *names, size_t count)
{
    const char *where = getenv("TMPDIR");
    if (where == NULL)
        where = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    FUZZ_CHECK(count <= FUZZ_MOST_FILES);
    snprintf(directory, sizeof(directory), "%s/imgaudit-fuzz-XXXXXX", where);
    FUZZ_CHECK(mkdtemp(directory) != NULL && atexit(remove_all) == 0);
    for (size_t i = 0; i < count; i++)
        make_directories(names[i]);
}

static void write_file(const char *name, const struct content *content)
{
    char path[FUZZ_PATH];
    int fd = open(fuzz_path(path, name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, content->bytes, content->len) == (ssize_t)content->len && close(fd) == 0);
}

/* A file that stays as it is, is left alone: most of the time went into writing. */
static void settle(const char *name, struct content *old, struct content *wanted)
{
    char path[FUZZ_PATH];
    if (old->is_there == wanted->is_there && old->len == wanted->len &&
        (wanted->len == 0 || memcmp(old->bytes, wanted->bytes, wanted->len) == 0))
        return;
    if (old->is_there)
        FUZZ_CHECK(unlink(fuzz_path(path, name)) == 0);
    if (wanted->is_there)
        write_file(name, wanted);
    free(old->bytes);
    *old = *wanted;
    if (wanted->len > 0) {
        old->bytes = malloc(wanted->len);
        FUZZ_CHECK(old->bytes != NULL);
        memcpy(old->bytes, wanted->bytes, wanted->len);
    }
}

const char *fuzz_lay_files(const char *const *names, size_t count, const uint8_t *bytes, size_t len)
{
    struct content wanted[FUZZ_MOST_FILES] = {{0}};
    if (directory[0] == '\0')
        start(names, count);
    while (len >= FUZZ_FILE_HEAD) { /* ends: each file takes some of the input */
        struct content *content = &wanted[bytes[0] % count];
        size_t length = bytes[1] | (size_t)bytes[2] << 8 | (size_t)bytes[3] << 16;
        bytes += FUZZ_FILE_HEAD;
        len -= FUZZ_FILE_HEAD;
        length = length < len ? length : len;
        *content = (struct content){.is_there = true, .bytes = length > 0 ? (uint8_t *)bytes : NULL, .len = length};
        bytes += length;
        len -= length;
    }
    for (size_t i = 0; i < count; i++)
        settle(names[i], &there[i], &wanted[i]);
    return directory;
}

void fuzz_add_file(struct fuzz_files *files, uint8_t name, const void *bytes, size_t len)
{
    const uint8_t head[FUZZ_FILE_HEAD] = {name, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16)};
    FUZZ_CHECK(sizeof(files->bytes) - files->len >= sizeof(head) + len);
    memcpy(files->bytes + files->len, head, sizeof(head));
    memcpy(files->bytes + files->len + sizeof(head), bytes, len);
    files->len += sizeof(head) + len;
}
