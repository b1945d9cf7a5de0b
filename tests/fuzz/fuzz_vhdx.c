/* SPDX-License-Identifier: MIT */
/* Runs of bytes laid out over a sparse file, as a VHDX image: an image has its structures megabytes apart. The input is
 * a byte of flags, the file's length in pages, and runs of (offset and length in units of 16 bytes, bytes); its
 * checksums are put right where the flags ask for it. The builder tests/lib/builders/vhdx.py packs its seeds so. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/vhdx/crc32c.h"
#include "format/vhdx/vhdx.h"
#include "fuzz/image_target.h"

enum { SIGN_TABLES = 1, SIGN_LOG = 2, WITH_HOLES = 4, SIGN_COPY = 8, HEAD = 5, RUN_HEAD = 5, UNIT = 16, PAGE = 4096 };
enum { MAX_RUNS = 128, MAX_SIGNED = 1 << 20 };

struct run {
    int64_t start, length;
    const uint8_t *bytes;
};

struct spread {
    struct ia_source base;
    struct run runs[MAX_RUNS];
    size_t count;
    uint8_t checksums[MAX_RUNS][4]; /* runs, too */
    size_t checksum_count;
    bool has_holes;
};

static int64_t spread_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    const struct spread *spread = (const struct spread *)source;
    memset(bytes, 0, len);
    for (size_t i = 0; i < spread->count; i++) {
        const struct run *run = &spread->runs[i];
        int64_t start = ia_max(off, run->start);
        int64_t end = ia_min(off + (int64_t)len, run->start + run->length);
        if (start < end)
            memcpy((uint8_t *)bytes + (start - off), run->bytes + (start - run->start), (size_t)(end - start));
    }
    return (int64_t)len;
}

/* A page that a run begins in is data. */
static int64_t spread_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    const struct spread *spread = (const struct spread *)source;
    int64_t end = source->size;
    *hole = spread->has_holes;
    for (size_t i = 0; i < spread->count && spread->has_holes; i++) {
        int64_t start = spread->runs[i].start / PAGE * PAGE;
        if (off >= start && off < start + PAGE) {
            *hole = false;
            return ia_min(start + PAGE, source->size);
        }
        if (start > off)
            end = ia_min(end, start);
    }
    return end;
}

static void spread_close(struct ia_source *source)
{
    free(source);
}

static const struct ia_source_ops spread_ops = {
    .pread = spread_pread, .extent_end = spread_extent_end, .close = spread_close};

/* Lays the right checksum over byte 4 of a structure of `len` bytes. */
static void sign(struct spread *spread, int64_t at, size_t len)
{
    if (spread->count == MAX_RUNS || !ia_range_inside(at, (int64_t)len, spread->base.size))
        return;
    uint8_t *bytes = malloc(len);
    FUZZ_CHECK(bytes != NULL);
    spread_pread(&spread->base, at, bytes, len);
    memset(bytes + 4, 0, 4);
    uint32_t crc = htole32(vhdx_crc32c(0, bytes, len));
    uint8_t *checksum = spread->checksums[spread->checksum_count++];
    memcpy(checksum, &crc, 4);
    spread->runs[spread->count++] = (struct run){.start = at + 4, .length = 4, .bytes = checksum};
    free(bytes);
}

static void sign_all(struct spread *spread, uint8_t flags)
{
    size_t count = spread->count;
    for (int64_t at = 1; at <= 3 && (flags & SIGN_TABLES) != 0; at++)
        sign(spread, at * 65536, at <= 2 ? PAGE : 65536);
    if ((flags & SIGN_COPY) != 0)
        sign(spread, INT64_C(4) * 65536, 65536);
    for (size_t i = 0; i < count && (flags & SIGN_LOG) != 0; i++) {
        const struct run *run = &spread->runs[i];
        if (run->length < 12 || run->start % PAGE != 0 || memcmp(run->bytes, "loge", 4) != 0)
            continue;
        uint32_t length = ia_le32(run->bytes + 8);
        if (length >= 8 && length <= MAX_SIGNED)
            sign(spread, run->start, length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < HEAD)
        return 0;
    struct spread *spread = calloc(1, sizeof(*spread));
    FUZZ_CHECK(spread != NULL);
    spread->base = (struct ia_source){.ops = &spread_ops, .size = (int64_t)ia_le32(bytes + 1) * PAGE};
    spread->has_holes = (bytes[0] & WITH_HOLES) != 0;
    size_t at = HEAD;
    while (len - at > RUN_HEAD && spread->count < MAX_RUNS) { /* ends: each run takes some of the input */
        size_t length = (size_t)ia_min(bytes[at + 4] * UNIT, (int64_t)(len - at - RUN_HEAD));
        spread->runs[spread->count++] = (struct run){
            .start = (int64_t)ia_le32(bytes + at) * UNIT, .length = (int64_t)length, .bytes = bytes + at + RUN_HEAD};
        at += RUN_HEAD + length;
    }
    sign_all(spread, bytes[0]);
    fuzz_image_source(&ia_format_vhdx, &spread->base, bytes, len);
    return 0;
}
