/* SPDX-License-Identifier: MIT */
/* "Mapping a Disk Sector to a Sector in the Block". A block of the file begins with its sector bitmap; only that of a
 * differencing disk is looked at: QEMU reads all of a dynamic disk's block. */
#include <stdlib.h>

#include "base/bytes.h"
#include "format/vpc/internal.h"

/* Of the BAT read at once; of a bitmap read at once; bitmaps per step. */
enum { CHUNK_ENTRIES = 16384, PIECE_BYTES = 4096, STEP_BITMAP_BYTES = 64 * 1024, SLACK_BYTES = 8 << 20 };

struct map_state {
    int64_t at;           /* next guest byte */
    int64_t first, count; /* the entries in `chunk` */
    int64_t charged;      /* host bytes of the blocks so far, without those past the end */
    uint8_t chunk[CHUNK_ENTRIES * 4];
    uint8_t bitmap[PIECE_BYTES];
};

enum ia_status vpc_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct vpc *v = cursor->image->state;
    struct map_state *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    cursor->state = map;
    int64_t from = ia_min(cursor->from, cursor->sink.size);
    map->at = v->type == VPC_FIXED ? from : from & -v->block_size;
    return IA_OK;
}

void vpc_map_end(struct ia_cursor *cursor)
{
    free(cursor->state);
}

static enum ia_status push(struct ia_cursor *cursor, enum ia_extent_state state, int64_t start, int64_t length,
                           int64_t offset, struct ia_error *err)
{
    struct ia_extent extent = {.start = start, .length = length, .offset = offset, .state = (uint32_t)state};
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* A fixed disk is at offset 0 of its file; QEMU looks into the file for holes. */
static enum ia_status step_fixed(struct ia_cursor *cursor, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t end;
    bool hole = ia_source_is_hole(cursor->image->main, map->at, &end);
    int64_t start = map->at;
    map->at = ia_min(end, cursor->sink.size);
    return push(cursor, hole ? IA_EXTENT_SPARSE : IA_EXTENT_DATA, start, map->at - start, start, err);
}

static enum ia_status load_chunk(struct ia_cursor *cursor, int64_t index, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    map->first = index;
    map->count = ia_min(CHUNK_ENTRIES, vpc_blocks(cursor->image) - index);
    return vpc_read_bat(cursor->image, index, map->count, map->chunk, err);
}

/* Blocks from `index` on that are unallocated, as far as the chunk goes. */
static int64_t count_unallocated(const struct map_state *map, int64_t index)
{
    int64_t last = map->first + map->count;
    int64_t i = index;
    while (i < last && ia_be32(map->chunk + (i - map->first) * 4) == VPC_UNALLOCATED)
        i++;
    return i - index;
}

/* The most significant bit of a byte is its first sector's. */
static bool is_here(const uint8_t *bitmap, int64_t sector)
{
    return (bitmap[sector / 8] >> (7 - sector % 8) & 1) != 0;
}

/* Sectors from `first` on whose bits are as that one's. */
static int64_t run_length(const uint8_t *bitmap, int64_t first, int64_t end)
{
    bool value = is_here(bitmap, first);
    uint8_t all = value ? 0xff : 0;
    int64_t i = first + 1;
    while (i < end) {
        if (i % 8 == 0 && bitmap[i / 8] == all && end - i >= 8)
            i += 8;
        else if (is_here(bitmap, i) == value)
            i++;
        else
            break;
    }
    return i - first;
}

/* The sectors of a piece of a bitmap that are here; the others are the parent's. */
static enum ia_status push_sectors(struct ia_cursor *cursor, int64_t sectors, int64_t offset, struct ia_error *err)
{
    const struct map_state *map = cursor->state;
    for (int64_t i = 0; i < sectors;) {
        int64_t run = run_length(map->bitmap, i, sectors);
        if (is_here(map->bitmap, i))
            IA_TRY(
                push(cursor, IA_EXTENT_DATA, map->at + i * VPC_SECTOR, run * VPC_SECTOR, offset + i * VPC_SECTOR, err));
        i += run;
    }
    return IA_OK;
}

/* Blocks do not lie on each other, so that all of them fit into the file. A table that names a few again and again, or
 * that is a hole and names offset 0, would cost far more than the file is long: past this bound it is refused. */
static enum ia_status charge_block(struct ia_cursor *cursor, int64_t host, struct ia_error *err)
{
    const struct vpc *v = cursor->image->state;
    struct map_state *map = cursor->state;
    if (map->charged > cursor->image->main->size && map->charged - cursor->image->main->size > SLACK_BYTES)
        return ia_fail(err, IA_CORRUPT, "VHD block at guest offset %#jx, %#jx in the file: blocks lie on each other",
                       (uintmax_t)map->at, (uintmax_t)host);
    map->charged += v->bitmap_size + v->block_size;
    return IA_OK;
}

/* A piece of a differencing disk's block: as many sectors as one read of the bitmap covers. */
static enum ia_status step_piece(struct ia_cursor *cursor, int64_t host, int64_t *budget, struct ia_error *err)
{
    const struct vpc *v = cursor->image->state;
    struct map_state *map = cursor->state;
    int64_t inside = map->at & (v->block_size - 1);
    int64_t length = ia_min(v->block_size - inside, (int64_t)PIECE_BYTES * 8 * VPC_SECTOR);
    length = ia_min(length, cursor->sink.size - map->at);
    int64_t sectors = length / VPC_SECTOR + (length % VPC_SECTOR != 0);
    int64_t bytes = (sectors + 7) / 8;
    IA_TRY(ia_source_read(cursor->image->main, host + inside / VPC_SECTOR / 8, map->bitmap, (size_t)bytes,
                          "VHD sector bitmap", err));
    IA_TRY(push_sectors(cursor, sectors, host + v->bitmap_size + inside, err));
    map->at += length;
    *budget -= bytes;
    return IA_OK;
}

static enum ia_status step_block(struct ia_cursor *cursor, uint32_t entry, int64_t *budget, struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    const struct vpc *v = image->state;
    struct map_state *map = cursor->state;
    int64_t host = (int64_t)entry * VPC_SECTOR;
    int64_t start = map->at;
    int64_t file_size = ia_round_up(image->main->size, VPC_SECTOR);
    if (!ia_range_inside(host, v->bitmap_size + v->block_size, file_size))
        image->facts.truncated = true;
    bool is_there = host < file_size;
    bool is_begun = (start & (v->block_size - 1)) != 0; /* by the step before */
    if (is_there && !is_begun) {
        IA_TRY(charge_block(cursor, host, err));
        vpc_account_block(image, host);
    }
    if (v->type == VPC_DIFFERENCING && is_there)
        return step_piece(cursor, host, budget, err);
    map->at = (start | (v->block_size - 1)) + 1;
    if (v->type == VPC_DIFFERENCING) /* which sectors were here is unknown */
        return IA_OK;
    return push(cursor, IA_EXTENT_DATA, start, v->block_size, host + v->bitmap_size, err);
}

/* Goes through the entries of one chunk, as far as the budget for bitmaps allows. */
static enum ia_status step_blocks(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct vpc *v = cursor->image->state;
    struct map_state *map = cursor->state;
    int64_t budget = STEP_BITMAP_BYTES;
    int64_t index = map->at / v->block_size;
    if (index >= map->first + map->count || map->count == 0)
        IA_TRY(load_chunk(cursor, index, err));
    while (budget > 0 && map->at < cursor->sink.size && index < map->first + map->count) {
        int64_t skipped = count_unallocated(map, index);
        int64_t length = skipped * v->block_size;
        if (skipped == 0)
            IA_TRY(step_block(cursor, ia_be32(map->chunk + (index - map->first) * 4), &budget, err));
        else if (v->type == VPC_DYNAMIC)
            IA_TRY(push(cursor, IA_EXTENT_ZERO, map->at, length, IA_NO_OFFSET, err));
        map->at += length;
        index = map->at / v->block_size;
    }
    return IA_OK;
}

enum ia_status vpc_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    const struct vpc *v = cursor->image->state;
    const struct map_state *map = cursor->state;
    *done = map->at >= cursor->sink.size;
    if (*done)
        return IA_OK;
    return v->type == VPC_FIXED ? step_fixed(cursor, err) : step_blocks(cursor, err);
}
