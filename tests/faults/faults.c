/* SPDX-License-Identifier: MIT */
/* A host on which things fail, to be preloaded. One kind of calls is counted, and one call of it, or each from that on,
 * fails:
 *
 *     FAULTS_CALL    read, write, truncate, sync, memory
 *     FAULTS_UNDER   of files: those whose path begins so
 *     FAULTS_AT      the number of the call that fails, from 1; 0 or unset: none does
 *     FAULTS_LASTS   set: so does each after it
 *     FAULTS_ERRNO   the number of the error (EIO); 0: a read gives, a write takes half of what is asked
 *     FAULTS_COUNT   a file for the number of calls that there were
 *     FAULTS_RECORD  a file for what reaches the files below FAULTS_UNDER, in order: records of struct record, the
 *                    path, the bytes. See power.py
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NOTHING, READ, WRITE, TRUNCATE, SYNC, MEMORY };

static enum kind chosen;
static const char *under, *record_name;
static long fails_at;
static bool lasts;
static int fails_with = EIO;
static atomic_long calls;
static int record_fd = -1;
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

struct record {
    uint32_t kind; /* WRITE, SYNC, or TRUNCATE: the file got the length `offset` */
    uint32_t path_len;
    int64_t offset, len;
};

/* The function of the C library that this one stands in front of. */
#define NEXT(name)                                                                                                     \
    static __typeof__(name) *next;                                                                                     \
    if (next == NULL)                                                                                                  \
    next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
    static const char *const words[] = {"", "read", "write", "truncate", "sync", "memory"};
    const char *call = getenv("FAULTS_CALL"), *at = getenv("FAULTS_AT"), *error = getenv("FAULTS_ERRNO");
    under = getenv("FAULTS_UNDER");
    record_name = getenv("FAULTS_RECORD");
    lasts = getenv("FAULTS_LASTS") != NULL;
    fails_at = at == NULL ? 0 : strtol(at, NULL, 10);
    fails_with = error == NULL ? EIO : (int)strtol(error, NULL, 10);
    if (record_name != NULL)
        record_fd = open(record_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (enum kind kind = READ; call != NULL && kind <= MEMORY; kind++)
        if (strcmp(call, words[kind]) == 0)
            chosen = kind;
    atomic_store(&calls, 0);
}

__attribute__((destructor)) static void end(void)
{
    const char *name = getenv("FAULTS_COUNT");
    char text[32];
    int fd = name == NULL ? -1 : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    chosen = NOTHING;
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%ld\n", atomic_load(&calls));
    if (write(fd, text, (size_t)len) != len)
        abort();
    close(fd);
}

static bool path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, size - 1);
    if (under == NULL || len < 0)
        return false;
    path[len] = '\0';
    return strncmp(path, under, strlen(under)) == 0;
}

static bool is_failing(void)
{
    long number = atomic_fetch_add(&calls, 1) + 1;
    return fails_at > 0 && (number == fails_at || (lasts && number > fails_at));
}

static bool fails(enum kind kind, int fd)
{
    char path[4096];
    return chosen == kind && path_of(fd, path, sizeof(path)) && is_failing();
}

static void record(uint32_t kind, int fd, int64_t offset, const void *data, size_t len)
{
    char path[4096];
    if (record_fd < 0 || fd == record_fd || !path_of(fd, path, sizeof(path)))
        return;
    struct record head = {kind, (uint32_t)strlen(path), offset, (int64_t)len};
    struct iovec parts[] = {{&head, sizeof(head)}, {path, head.path_len}, {(void *)data, len}};
    pthread_mutex_lock(&record_lock);
    if (writev(record_fd, parts, 3) != (ssize_t)(sizeof(head) + head.path_len + len))
        abort();
    pthread_mutex_unlock(&record_lock);
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    NEXT(read);
    if (fails(READ, fd)) {
        if (fails_with == 0)
            return next(fd, buf, nbytes / 2);
        errno = fails_with;
        return -1;
    }
    return next(fd, buf, nbytes);
}

ssize_t pread64(int fd, void *buf, size_t nbytes, off64_t offset)
{
    NEXT(pread64);
    if (fails(READ, fd)) {
        if (fails_with == 0)
            return next(fd, buf, nbytes / 2, offset);
        errno = fails_with;
        return -1;
    }
    return next(fd, buf, nbytes, offset);
}

ssize_t preadv64(int fd, const struct iovec *iovec, int count, off64_t offset)
{
    NEXT(preadv64);
    if (fails(READ, fd)) {
        struct iovec half = {iovec[0].iov_base, iovec[0].iov_len / 2};
        if (fails_with == 0)
            return next(fd, &half, 1, offset);
        errno = fails_with;
        return -1;
    }
    return next(fd, iovec, count, offset);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    NEXT(pwrite64);
    if (fails(WRITE, fd)) {
        if (fails_with == 0)
            return next(fd, buf, n / 2, offset);
        errno = fails_with;
        return -1;
    }
    ssize_t done = next(fd, buf, n, offset);
    if (done > 0)
        record(WRITE, fd, offset, buf, (size_t)done);
    return done;
}

int ftruncate64(int fd, off64_t length)
{
    NEXT(ftruncate64);
    if (fails(TRUNCATE, fd)) {
        errno = fails_with == 0 ? EIO : fails_with;
        return -1;
    }
    int code = next(fd, length);
    if (code == 0)
        record(TRUNCATE, fd, length, NULL, 0);
    return code;
}

static int sync_file(int fd, int (*next)(int))
{
    if (fails(SYNC, fd)) {
        errno = fails_with == 0 ? EIO : fails_with;
        return -1;
    }
    int code = next(fd);
    if (code == 0)
        record(SYNC, fd, 0, NULL, 0);
    return code;
}

int fsync(int fd)
{
    NEXT(fsync);
    return sync_file(fd, next);
}

int fdatasync(int fildes)
{
    NEXT(fdatasync);
    return sync_file(fildes, next);
}

/* The allocator of glibc, whatever is interposed. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static bool lacks_memory(void)
{
    if (chosen != MEMORY || !is_failing())
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return lacks_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    return lacks_memory() ? NULL : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    return lacks_memory() ? NULL : __libc_realloc(ptr, size);
}

void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(nmemb, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(ptr, bytes);
}
