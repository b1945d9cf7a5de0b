/* SPDX-License-Identifier: MIT */
/* The runs of a file on its host: FIEMAP in batches, SEEK_DATA and SEEK_HOLE where there is none. */
#include "io/host_blocks.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BATCH = 256, /* extents an ioctl: 14 KiB */
    MAX_EXTENTS = 16 * 1024 * 1024,
    MAX_SEEKS = 1024 * 1024, /* a round trip each, on FUSE to a program that may invent them */
};

struct ia_host_blocks {
    int fd;
    bool exact;     /* FIEMAP, else seeks */
    bool last;      /* nothing follows the batch */
    int64_t pos;    /* file bytes below it have been returned */
    uint32_t count; /* runs returned so far */
    uint32_t used;  /* of the batch */
    struct fiemap *batch;
};

/* Asks for what the host has from pos on; 0 or an errno. */
static int fetch(struct ia_host_blocks *blocks)
{
    struct fiemap *batch = blocks->batch;
    int result;
    do {
        /* Without FIEMAP_FLAG_SYNC: looking at an image must not write it out. */
        *batch = (struct fiemap){
            .fm_start = (uint64_t)blocks->pos,
            .fm_length = FIEMAP_MAX_OFFSET - (uint64_t)blocks->pos,
            .fm_extent_count = BATCH,
        };
        result = ioctl(blocks->fd, FS_IOC_FIEMAP, batch);
    } while (result != 0 && errno == EINTR);
    blocks->used = 0;
    if (result != 0) {
        batch->fm_mapped_extents = 0;
        return errno;
    }
    if (batch->fm_mapped_extents > BATCH)
        batch->fm_mapped_extents = BATCH;
    blocks->last = batch->fm_mapped_extents == 0;
    return 0;
}

enum ia_status ia_host_blocks_open(int fd, struct ia_host_blocks **out, struct ia_error *err)
{
    struct ia_host_blocks *blocks = calloc(1, sizeof(*blocks));
    struct fiemap *batch = calloc(1, sizeof(*batch) + BATCH * sizeof(batch->fm_extents[0]));
    if (blocks == NULL || batch == NULL) {
        free(batch);
        free(blocks);
        return ia_no_memory(err);
    }
    *blocks = (struct ia_host_blocks){.fd = fd, .batch = batch};
    blocks->exact = fetch(blocks) == 0;
    *out = blocks;
    return IA_OK;
}

void ia_host_blocks_close(struct ia_host_blocks *blocks)
{
    if (blocks != NULL)
        free(blocks->batch);
    free(blocks);
}

bool ia_host_blocks_exact(const struct ia_host_blocks *blocks)
{
    return blocks->exact;
}

/* The part of an extent that was not returned yet; false: none. Ends past INT64_MAX are cut there. */
static bool take_extent(const struct fiemap_extent *extent, int64_t pos, struct ia_host_run *run)
{
    uint64_t start = extent->fe_logical;
    uint64_t skipped = start < (uint64_t)pos ? (uint64_t)pos - start : 0;
    if (extent->fe_length <= skipped || start > INT64_MAX)
        return false;
    uint64_t length = extent->fe_length - skipped;
    start += skipped;
    if (length > INT64_MAX - start)
        length = INT64_MAX - start;
    uint32_t flags = extent->fe_flags;
    *run = (struct ia_host_run){
        .start = (int64_t)start,
        .length = (int64_t)length,
        .physical = -1,
        .encoded = (flags & FIEMAP_EXTENT_ENCODED) != 0,
        .unwritten = (flags & FIEMAP_EXTENT_UNWRITTEN) != 0,
        .shared = (flags & FIEMAP_EXTENT_SHARED) != 0,
    };
    uint32_t nowhere = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE;
    if ((flags & nowhere) == 0 && extent->fe_physical <= INT64_MAX - skipped - length)
        run->physical = (int64_t)(extent->fe_physical + (run->encoded ? 0 : skipped));
    return length > 0;
}

/* The next new run of the batch. */
static bool next_of_batch(struct ia_host_blocks *blocks, struct ia_host_run *run)
{
    while (blocks->used < blocks->batch->fm_mapped_extents) {
        const struct fiemap_extent *extent = &blocks->batch->fm_extents[blocks->used++];
        blocks->last = blocks->last || (extent->fe_flags & FIEMAP_EXTENT_LAST) != 0;
        if (take_extent(extent, blocks->pos, run))
            return true;
    }
    return false;
}

/* Ends: each run lies past the one before it, and runs are counted. */
static enum ia_status next_by_fiemap(struct ia_host_blocks *blocks, struct ia_host_run *run, bool *have,
                                     struct ia_error *err)
{
    *have = next_of_batch(blocks, run);
    if (*have || blocks->last)
        return IA_OK;
    int failed = fetch(blocks);
    if (failed == EFBIG) /* past the last offset of the file system */
        return IA_OK;
    if (failed != 0)
        return ia_fail_errno(err, failed, "cannot find the blocks past offset %#jx", (uintmax_t)blocks->pos);
    *have = next_of_batch(blocks, run);
    if (!*have && !blocks->last)
        return ia_fail(err, IA_IO, "the host reports blocks past offset %#jx that are before it",
                       (uintmax_t)blocks->pos);
    return IA_OK;
}

/* Ends: each run lies past the one before it, and runs are counted. */
static enum ia_status next_by_seeking(struct ia_host_blocks *blocks, struct ia_host_run *run, bool *have,
                                      struct ia_error *err)
{
    off_t data = lseek(blocks->fd, blocks->pos, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return IA_OK;
    if (data < 0)
        return ia_fail_errno(err, errno, "cannot find the data past offset %#jx", (uintmax_t)blocks->pos);
    off_t end = lseek(blocks->fd, data, SEEK_HOLE);
    if (end < 0)
        return ia_fail_errno(err, errno, "cannot find the hole past offset %#jx", (uintmax_t)data);
    if (data < blocks->pos || end <= data)
        return ia_fail(err, IA_IO, "the host reports data at offset %#jx that ends at %#jx", (uintmax_t)data,
                       (uintmax_t)end);
    *run = (struct ia_host_run){.start = data, .length = end - data, .physical = -1};
    *have = true;
    return IA_OK;
}

enum ia_status ia_host_blocks_next(struct ia_host_blocks *blocks, struct ia_host_run *run, bool *have,
                                   struct ia_error *err)
{
    *have = false;
    if (blocks->count >= (blocks->exact ? MAX_EXTENTS : MAX_SEEKS))
        return ia_fail(err, IA_LIMIT, "the host keeps it in more than %ju runs", (uintmax_t)blocks->count);
    IA_TRY(blocks->exact ? next_by_fiemap(blocks, run, have, err) : next_by_seeking(blocks, run, have, err));
    if (!*have)
        return IA_OK;
    blocks->count++;
    blocks->pos = run->start + run->length;
    return IA_OK;
}
