/* SPDX-License-Identifier: MIT */
/* Host files, slices of them, and memory as sources of bytes. */
#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/clock.h"

struct file_source {
    struct ia_source base;
    int fd;
};

static int64_t file_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    struct file_source *file = (struct file_source *)source;
    for (;;) {
        ssize_t got = pread(file->fd, bytes, len, off);
        if (got >= 0)
            return got;
        if (errno != EINTR)
            return -errno;
    }
}

static int64_t file_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    struct file_source *file = (struct file_source *)source;
    off_t data = lseek(file->fd, off, SEEK_DATA);
    *hole = data > off || (data < 0 && errno == ENXIO);
    if (data > off)
        return data;
    if (data < 0)
        return source->size;
    off_t end = lseek(file->fd, off, SEEK_HOLE);
    return end > off ? end : source->size;
}

static void file_expect(struct ia_source *source, int64_t off, int64_t len)
{
    posix_fadvise(((struct file_source *)source)->fd, off, len, POSIX_FADV_WILLNEED);
}

static void file_close(struct ia_source *source)
{
    close(((struct file_source *)source)->fd);
    free(source);
}

static const struct ia_source_ops file_ops = {
    .pread = file_pread, .extent_end = file_extent_end, .expect = file_expect, .close = file_close};

static enum ia_status size_of(int fd, const struct stat *st, int64_t *size, struct ia_error *err)
{
    if (S_ISREG(st->st_mode)) {
        *size = st->st_size;
        return IA_OK;
    }
    uint64_t bytes;
    if (!S_ISBLK(st->st_mode))
        return ia_fail(err, IA_REFUSED, "neither a regular file nor a block device");
    if (ioctl(fd, BLKGETSIZE64, &bytes) != 0)
        return ia_fail_errno(err, errno, "cannot find the size of the block device");
    if (bytes > INT64_MAX)
        return ia_fail(err, IA_LIMIT, "block device of %ju bytes", (uintmax_t)bytes);
    *size = (int64_t)bytes;
    return IA_OK;
}

enum ia_status ia_source_open_fd(int fd, struct ia_source **out, struct ia_error *err)
{
    struct stat st;
    int64_t size = 0;
    if (fstat(fd, &st) != 0)
        return ia_fail_errno(err, errno, "cannot stat");
    IA_TRY(size_of(fd, &st, &size, err));
    struct file_source *file = malloc(sizeof(*file));
    if (file == NULL)
        return ia_no_memory(err);
    *file = (struct file_source){
        .base = {.ops = &file_ops, .size = size, .allocated = (int64_t)st.st_blocks * 512},
        .fd = fd,
    };
    *out = &file->base;
    return IA_OK;
}

int ia_source_fd(const struct ia_source *source)
{
    return source->ops == &file_ops ? ((const struct file_source *)source)->fd : -1;
}

struct memory_source {
    struct ia_source base;
    const uint8_t *bytes;
};

static int64_t memory_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    const struct memory_source *memory = (const struct memory_source *)source;
    memcpy(bytes, memory->bytes + off, len);
    return (int64_t)len;
}

static int64_t memory_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    (void)off;
    *hole = false;
    return source->size;
}

static void memory_close(struct ia_source *source)
{
    free(source);
}

static const struct ia_source_ops memory_ops = {
    .pread = memory_pread, .extent_end = memory_extent_end, .close = memory_close};

enum ia_status ia_source_open_memory(const void *bytes, size_t len, struct ia_source **out, struct ia_error *err)
{
    struct memory_source *memory = malloc(sizeof(*memory));
    if (memory == NULL)
        return ia_no_memory(err);
    *memory = (struct memory_source){
        .base = {.ops = &memory_ops, .size = (int64_t)len, .allocated = (int64_t)len},
        .bytes = bytes,
    };
    *out = &memory->base;
    return IA_OK;
}

struct slice_source {
    struct ia_source base;
    struct ia_source *whole; /* owned */
    int64_t offset;          /* into whole */
};

static int64_t slice_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    const struct slice_source *slice = (const struct slice_source *)source;
    struct ia_source *whole = slice->whole;
    int64_t at = slice->offset + off;
    if (at >= whole->size)
        return 0;
    return whole->ops->pread(whole, at, bytes, (size_t)ia_min((int64_t)len, whole->size - at));
}

static int64_t slice_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    const struct slice_source *slice = (const struct slice_source *)source;
    int64_t end;
    *hole = ia_source_is_hole(slice->whole, slice->offset + off, &end);
    return ia_min(end - slice->offset, source->size);
}

static void slice_close(struct ia_source *source)
{
    ia_source_close(((struct slice_source *)source)->whole);
    free(source);
}

static const struct ia_source_ops slice_ops = {
    .pread = slice_pread, .extent_end = slice_extent_end, .close = slice_close};

enum ia_status ia_source_open_slice(struct ia_source *whole, int64_t offset, int64_t size, struct ia_source **out,
                                    struct ia_error *err)
{
    enum { SECTOR = 512 };
    int64_t end = ia_round_up(whole->size, SECTOR);
    if (offset < 0 || offset > end || size > end - offset)
        return ia_fail(err, IA_REFUSED, "a slice of %jd bytes at offset %jd of %jd bytes", (intmax_t)size,
                       (intmax_t)offset, (intmax_t)end);
    if (size >= 0 && size % SECTOR != 0)
        return ia_fail(err, IA_REFUSED, "a slice of %jd bytes, which is no multiple of %d", (intmax_t)size, SECTOR);
    struct slice_source *slice = malloc(sizeof(*slice));
    if (slice == NULL)
        return ia_no_memory(err);
    int64_t length = size >= 0 ? size : end - offset;
    *slice = (struct slice_source){
        .base = {.ops = &slice_ops,
                 .size = length,
                 .origin = whole->origin + offset,
                 .allocated = ia_min(length, whole->allocated)},
        .whole = whole,
        .offset = offset,
    };
    *out = &slice->base;
    return IA_OK;
}

void ia_source_close(struct ia_source *source)
{
    if (source != NULL)
        source->ops->close(source);
}

/* What memory needs for a call, and what it copies, are well below these. */
enum { STORAGE_NS = 100000, BYTES_A_NS = 1 };

enum ia_status ia_source_read(struct ia_source *source, int64_t off, void *bytes, size_t len, const char *what,
                              struct ia_error *err)
{
    uint8_t *to = bytes;
    size_t inside = off >= source->size ? 0 : (size_t)ia_min((int64_t)len, source->size - off);
    size_t done = 0;
    int64_t began = ia_clock_ns(CLOCK_MONOTONIC);
    while (done < inside) {
        int64_t got = source->ops->pread(source, off + (int64_t)done, to + done, inside - done);
        if (got < 0)
            return ia_fail_errno(err, (int)-got, "cannot read %s at offset %#jx", what, (uintmax_t)off + done);
        if (got == 0) /* truncated since it was opened */
            break;
        done += (size_t)got;
    }
    source->waited = ia_clock_ns(CLOCK_MONOTONIC) - began > STORAGE_NS + (int64_t)len / BYTES_A_NS;
    source->bytes_read += (int64_t)done;
    if (done < len) {
        source->beyond_end = true;
        memset(to + done, 0, len - done);
    }
    return IA_OK;
}

int64_t ia_source_most_bytes(const struct ia_source *source)
{
    enum { COMPRESSED_TO = 8 };
    bool is_known = source->allocated > 0 && source->allocated < INT64_MAX / COMPRESSED_TO; /* 0: a block device */
    return is_known ? ia_min(source->size, source->allocated * COMPRESSED_TO) : source->size;
}

void ia_source_expect(struct ia_source *source, int64_t off, int64_t len)
{
    if (source->waited && source->ops->expect != NULL && off < source->size)
        source->ops->expect(source, off, len);
}

bool ia_source_is_hole(struct ia_source *source, int64_t off, int64_t *end)
{
    if (off >= source->size) {
        *end = INT64_MAX;
        return true;
    }
    if (off < source->known_start || off >= source->known_end) {
        source->known_end = source->ops->extent_end(source, off, &source->known_hole);
        source->known_start = off;
        if (source->known_end >= source->size && source->known_hole)
            source->known_end = INT64_MAX; /* a hole at the end goes on past it */
    }
    *end = source->known_end;
    return source->known_hole;
}
