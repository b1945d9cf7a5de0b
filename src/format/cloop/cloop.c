/* SPDX-License-Identifier: MIT */
/* The cloop driver: a compressed, read-only disk. Layout: a shell script of 128 bytes, block size and number of blocks,
 * the offsets of the blocks and of the end of the last one, the blocks; numbers are big-endian. */
#include "format/cloop/cloop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "io/window.h"

enum { SCRIPT_BYTES = 128, TABLE_OFFSET = SCRIPT_BYTES + 8, ENTRY_BYTES = 8, CHUNK_ENTRIES = 8192 };

/* QEMU's bounds. */
#define MAX_BLOCK_SIZE (INT64_C(64) << 20)
#define MAX_COMPRESSED_BLOCK (2 * MAX_BLOCK_SIZE)
#define MAX_TABLE_BYTES (INT64_C(512) << 20)

static const char magic[] = "#!/bin/sh\n#V2.0 Format\n";

struct cloop {
    int64_t block_size;
    int64_t blocks;
    int64_t first, last; /* the blocks' bytes in the file: one after another, as each ends where the next begins */
};

static bool cloop_probe(const uint8_t *head, size_t len)
{
    return len >= sizeof(magic) - 1 && memcmp(head, magic, sizeof(magic) - 1) == 0;
}

static enum ia_status read_header(struct ia_image *image, struct cloop *cloop, struct ia_error *err)
{
    uint8_t bytes[TABLE_OFFSET];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "cloop header", err));
    if (!cloop_probe(bytes, sizeof(bytes)))
        return ia_fail(err, IA_NOT_MINE, "no cloop script");
    cloop->block_size = ia_be32(bytes + SCRIPT_BYTES);
    cloop->blocks = ia_be32(bytes + SCRIPT_BYTES + 4);
    if (cloop->block_size % 512 != 0 || cloop->block_size == 0 || cloop->block_size > MAX_BLOCK_SIZE)
        return ia_fail(err, IA_CORRUPT, "blocks of %jd bytes", (intmax_t)cloop->block_size);
    int64_t most = ia_min(MAX_TABLE_BYTES, image->limits->max_table_bytes);
    if ((cloop->blocks + 1) * ENTRY_BYTES > most)
        return ia_fail(err, IA_LIMIT, "%jd blocks, more than a table of %jd bytes has", (intmax_t)cloop->blocks,
                       (intmax_t)most);
    return IA_OK;
}

static int64_t table_end(const struct cloop *cloop)
{
    return TABLE_OFFSET + (cloop->blocks + 1) * ENTRY_BYTES;
}

static enum ia_status check_block(int64_t block, int64_t start, int64_t end, struct ia_error *err)
{
    if (start < 0 || end < start)
        return ia_fail(err, IA_CORRUPT, "block %jd: from %#jx to %#jx in the file", (intmax_t)block, (uintmax_t)start,
                       (uintmax_t)end);
    if (end - start > MAX_COMPRESSED_BLOCK)
        return ia_fail(err, IA_CORRUPT, "block %jd: %jd compressed bytes", (intmax_t)block, (intmax_t)(end - start));
    return IA_OK;
}

/* Reads the whole table once, so that a broken one is refused as a whole, as QEMU does. */
static enum ia_status check_table(struct ia_image *image, struct cloop *cloop, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *chunk = malloc(CHUNK_ENTRIES * ENTRY_BYTES);
    if (chunk == NULL)
        return ia_no_memory(err);
    int64_t entries = cloop->blocks + 1;
    int64_t first = 0;
    int64_t last = 0;
    for (int64_t at = 0; at < entries; at += CHUNK_ENTRIES) {
        int64_t table = TABLE_OFFSET + at * ENTRY_BYTES;
        int64_t count = ia_min(entries - at, CHUNK_ENTRIES);
        if (table >= image->main->size && last == 0)
            break; /* the rest of the table reads as zeroes: in order, and not worth reading */
        IA_TRY(ia_source_read(image->main, table, chunk, (size_t)count * ENTRY_BYTES, "offsets of the blocks", err));
        for (int64_t i = 0; i < count; i++) {
            int64_t offset = (int64_t)ia_be64(chunk + i * ENTRY_BYTES);
            first = at + i == 0 ? offset : first;
            IA_TRY(check_block(at + i - 1, at + i == 0 ? offset : last, offset, err));
            last = offset;
        }
    }
    cloop->first = first;
    cloop->last = last;
    image->facts.compressed_host = last - first;
    image->facts.truncated = ia_max(last, table_end(cloop)) > image->main->size;
    return IA_OK;
}

static enum ia_status cloop_open(struct ia_image *image, struct ia_error *err)
{
    struct cloop *cloop = calloc(1, sizeof(*cloop));
    if (cloop == NULL)
        return ia_no_memory(err);
    image->state = cloop;
    IA_TRY(read_header(image, cloop, err));
    IA_TRY(check_table(image, cloop, err));
    image->facts.virtual_size = cloop->blocks * cloop->block_size; /* at most 2^26 * 2^26 */
    image->facts.cluster_size = cloop->block_size;
    image->facts.version = 2;
    snprintf(image->facts.variant, sizeof(image->facts.variant), "v2");
    return IA_OK;
}

static void cloop_close(struct ia_image *image)
{
    free(image->state);
}

static enum ia_status cloop_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)err;
    cursor->sink.end = ia_min(cursor->from, cursor->sink.size);
    return IA_OK;
}

/* Every block is compressed, and the sink would join them anyhow. */
static enum ia_status cloop_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct ia_extent_sink *sink = &cursor->sink;
    struct ia_extent all = {
        .start = sink->end,
        .length = sink->size - sink->end,
        .offset = IA_NO_OFFSET,
        .state = IA_EXTENT_COMPRESSED,
    };
    *done = all.length <= 0;
    return *done ? IA_OK : ia_extent_sink_push(sink, &all, err);
}

static void cloop_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

static enum ia_status cloop_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                            struct ia_compressed_cluster *found, struct ia_error *err)
{
    (void)mapping;
    const struct cloop *cloop = image->state;
    uint8_t entries[2 * ENTRY_BYTES];
    int64_t block = at / cloop->block_size;
    IA_TRY(ia_source_read(image->main, TABLE_OFFSET + block * ENTRY_BYTES, entries, sizeof(entries),
                          "offsets of a block", err));
    struct ia_window w = {.bytes = entries, .len = sizeof(entries)};
    int64_t start = ia_window_be_size(&w, 0);
    int64_t end = ia_window_be_size(&w, ENTRY_BYTES);
    if (w.failed)
        return ia_fail(err, IA_CORRUPT, "block %jd: offset above 2^63 - 1", (intmax_t)block);
    IA_TRY(check_block(block, start, end, err)); /* the file may have changed since */
    *found = (struct ia_compressed_cluster){
        .start = block * cloop->block_size,
        .length = cloop->block_size,
        .offset = start,
        .host_length = end - start,
        .codec = IA_CODEC_ZLIB,
    };
    return IA_OK;
}

static enum ia_status cloop_account(struct ia_image *image, struct ia_error *err)
{
    const struct cloop *cloop = image->state;
    (void)err;
    ia_image_use(image, 0, IA_SPACE_METADATA, 0, table_end(cloop));
    ia_image_use(image, 0, IA_SPACE_DATA, cloop->first, cloop->last - cloop->first);
    return IA_OK;
}

const struct ia_format ia_format_cloop = {
    .name = "cloop",
    .probe = cloop_probe,
    .open = cloop_open,
    .close = cloop_close,
    .map_begin = cloop_map_begin,
    .map_step = cloop_map_step,
    .map_end = cloop_map_end,
    .find_compressed = cloop_find_compressed,
    .account = cloop_account,
};
