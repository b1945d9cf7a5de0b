/* SPDX-License-Identifier: MIT */
/* The "mish" tables: each describes a partition of the disk, in chunks. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/dmg/internal.h"
#include "io/window.h"

enum { MISH_BYTES = 204, ENTRY_BYTES = 40, MISH_VERSION = 1 };

/* What the entries of a table are relative to. */
struct base {
    int64_t sector;
    int64_t offset;
};

static bool is_compressed(uint32_t type)
{
    return type == DMG_ADC || type == DMG_ZLIB || type == DMG_BZIP2 || type == DMG_LZFSE || type == DMG_XZ;
}

static enum ia_status check_chunk(const struct dmg_chunk *chunk, struct ia_error *err)
{
    bool is_zero = dmg_is_zero(chunk);
    if (!is_zero && chunk->type != DMG_RAW && !is_compressed(chunk->type))
        return ia_fail(err, IA_UNSUPPORTED, "chunk at guest offset %#jx is of type %#x", (uintmax_t)chunk->start,
                       chunk->type);
    if ((!is_zero && chunk->length > DMG_MAX_CHUNK) || chunk->host_length > DMG_MAX_CHUNK)
        return ia_fail(err, IA_UNSUPPORTED, "chunk at guest offset %#jx of %jd bytes, stored in %jd: above %jd",
                       (uintmax_t)chunk->start, (intmax_t)chunk->length, (intmax_t)chunk->host_length,
                       (intmax_t)DMG_MAX_CHUNK);
    if (chunk->type == DMG_RAW && chunk->host_length < chunk->length)
        return ia_fail(err, IA_CORRUPT, "raw chunk at guest offset %#jx of %jd bytes, stored in %jd",
                       (uintmax_t)chunk->start, (intmax_t)chunk->length, (intmax_t)chunk->host_length);
    return IA_OK;
}

static enum ia_status add_chunk(struct dmg *dmg, struct ia_window *w, size_t at, const struct base *base,
                                struct ia_error *err)
{
    struct dmg_chunk chunk = {.type = ia_window_be32(w, at)};
    if (chunk.type == DMG_COMMENT || chunk.type == DMG_LAST)
        return IA_OK;
    int64_t sector = ia_window_be_size(w, at + 8);
    int64_t sectors = ia_window_be_size(w, at + 16);
    int64_t offset = dmg_is_zero(&chunk) ? 0 : ia_window_be_size(w, at + 24); /* else of no meaning */
    int64_t end;
    chunk.host_length = ia_window_be_size(w, at + 32);
    if (w->failed || !ia_add(sector, base->sector, &sector) || !ia_mul(sector, DMG_SECTOR, &chunk.start) ||
        !ia_mul(sectors, DMG_SECTOR, &chunk.length) || !ia_add(chunk.start, chunk.length, &end) ||
        !ia_add(offset, base->offset, &chunk.offset) || !ia_add(chunk.offset, chunk.host_length, &end))
        return ia_fail(err, IA_CORRUPT, "entry %zu of the table of chunks from sector %jd on: above 2^63 - 1",
                       (at - MISH_BYTES) / ENTRY_BYTES, (intmax_t)base->sector);
    if (chunk.length == 0)
        return IA_OK;
    IA_TRY(check_chunk(&chunk, err));
    if (chunk.type == DMG_RAW)
        chunk.host_length = chunk.length;
    if (!ia_vec_push(&dmg->chunks, chunk))
        return ia_no_memory(err);
    return IA_OK;
}

enum ia_status dmg_add_table(struct dmg *dmg, const uint8_t *bytes, size_t len, struct ia_error *err)
{
    if (len < 4 || memcmp(bytes, "mish", 4) != 0)
        return IA_OK;
    struct ia_window w = {.bytes = bytes, .len = len};
    uint32_t version = ia_window_be32(&w, 4);
    struct base base = {.sector = ia_window_be_size(&w, 8), .offset = ia_window_be_size(&w, 24)};
    uint32_t entries = ia_window_be32(&w, 200);
    if (len < MISH_BYTES || entries > (len - MISH_BYTES) / ENTRY_BYTES)
        return ia_fail(err, IA_CORRUPT, "table of chunks with %u entries in %zu bytes", entries, len);
    if (version != MISH_VERSION)
        return ia_fail(err, IA_UNSUPPORTED, "table of chunks of version %u", version);
    if (w.failed || !ia_add(base.offset, dmg->data_fork, &base.offset))
        return ia_fail(err, IA_CORRUPT, "table of chunks: an offset is above 2^63 - 1");
    for (uint32_t i = 0; i < entries; i++)
        IA_TRY(add_chunk(dmg, &w, MISH_BYTES + (size_t)i * ENTRY_BYTES, &base, err));
    return IA_OK;
}

static int compare_starts(const void *a, const void *b)
{
    const struct dmg_chunk *x = a;
    const struct dmg_chunk *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

enum ia_status dmg_order_chunks(struct dmg *dmg, struct ia_error *err)
{
    if (dmg->chunks.len == 0)
        return IA_OK;
    qsort(dmg->chunks.items, dmg->chunks.len, sizeof(*dmg->chunks.items), compare_starts);
    for (size_t i = 1; i < dmg->chunks.len; i++) {
        const struct dmg_chunk *before = &dmg->chunks.items[i - 1];
        const struct dmg_chunk *chunk = &dmg->chunks.items[i];
        if (before->start + before->length > chunk->start)
            return ia_fail(err, IA_CORRUPT, "chunk at guest offset %#jx lies over the one at %#jx, of %jd bytes",
                           (uintmax_t)chunk->start, (uintmax_t)before->start, (intmax_t)before->length);
    }
    return IA_OK;
}
