/* SPDX-License-Identifier: MIT */
/* Slow storage, to be preloaded: every read of a regular file below $SLOW_READS_UNDER takes $SLOW_READS_MS (5)
 * milliseconds more. Reads that are under way at the same time wait at the same time, as on storage with a long way.
 * What is announced with posix_fadvise is not faster for it here. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_slow(int fd)
{
    const char *under = getenv("SLOW_READS_UNDER");
    char link[64];
    char path[4096];
    struct stat st;
    if (under == NULL || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return 0;
    path[len] = '\0';
    size_t prefix = strlen(under);
    return strncmp(path, under, prefix) == 0 && path[prefix] == '/';
}

static void delay(int fd)
{
    const char *ms = getenv("SLOW_READS_MS");
    struct timespec wait = {.tv_nsec = (ms != NULL ? strtol(ms, NULL, 10) : 5) * 1000000};
    if (is_slow(fd))
        nanosleep(&wait, NULL);
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    static ssize_t (*next)(int, void *, size_t);
    if (next == NULL)
        next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    delay(fd);
    return next(fd, buf, nbytes);
}

ssize_t pread64(int fd, void *buf, size_t nbytes, off64_t offset)
{
    static ssize_t (*next)(int, void *, size_t, off64_t);
    if (next == NULL)
        next = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    delay(fd);
    return next(fd, buf, nbytes, offset);
}

ssize_t preadv64(int fd, const struct iovec *iovec, int count, off64_t offset)
{
    static ssize_t (*next)(int, const struct iovec *, int, off64_t);
    if (next == NULL)
        next = (ssize_t(*)(int, const struct iovec *, int, off64_t))dlsym(RTLD_NEXT, "preadv64");
    delay(fd);
    return next(fd, iovec, count, offset);
}
