/* SPDX-License-Identifier: MIT */
/* Walking the BAT and, in a differencing image, sector bitmaps (sections 2.4 and 2.5). A step takes what the buffer
 * holds of one chunk's payload entries. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/vhdx/internal.h"

/* BITMAP_STEP: bytes of sector bitmaps after which a step ends. One block has up to MAX_BITMAP of them. */
enum { READ_ENTRIES = 32 * 1024, MAX_BITMAP = 64 * 1024, BITMAP_STEP = 16 * 1024 };

struct map_state {
    const struct vhdx *v;
    int64_t entry;        /* next BAT entry to decode */
    int64_t entries;      /* BAT entries up to the end of the range */
    int64_t held;         /* the first BAT entry in the buffer */
    int64_t held_count;   /* and how many there are */
    uint8_t *buffer;      /* BAT entries */
    uint8_t *bits;        /* the part of a sector bitmap that a block has; NULL: none was needed yet */
    int64_t chunk;        /* whose sector bitmap is at `bitmap`; -1: none is known */
    int64_t bitmap;       /* offset in the file */
    int64_t bitmap_bytes; /* read so far, against the limit */
    int64_t step_bytes;   /* of these, in this step */
};

enum ia_status vhdx_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct vhdx *v = cursor->image->state;
    struct map_state *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    cursor->state = map;
    map->v = v;
    map->chunk = -1;
    map->entry = vhdx_bat_index(v, ia_min(cursor->from, cursor->sink.size) / v->block_size);
    int64_t blocks = vhdx_blocks(v, cursor->sink.size);
    map->entries = blocks > 0 ? vhdx_bat_index(v, blocks - 1) + 1 : 0;
    if (map->entries - map->entry > cursor->image->limits->max_table_bytes / 8)
        return ia_fail(err, IA_LIMIT, "BAT of %jd entries", (intmax_t)map->entries);
    map->buffer = malloc((size_t)ia_min(READ_ENTRIES, ia_max(map->entries, 1)) * 8);
    return map->buffer != NULL ? IA_OK : ia_no_memory(err);
}

void vhdx_map_end(struct ia_cursor *cursor)
{
    struct map_state *map = cursor->state;
    if (map == NULL)
        return;
    free(map->buffer);
    free(map->bits);
    free(map);
}

static enum ia_status push(struct ia_cursor *cursor, enum ia_extent_state state, int64_t start, int64_t length,
                           int64_t offset, struct ia_error *err)
{
    struct ia_extent extent = {.start = start, .length = length, .offset = offset, .state = (uint32_t)state};
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* Bytes in the file: cut where the host's file changes between data and hole. The log is for metadata; what it zeroes
 * of a block is reported all the same, and what else it writes to one has no place in the file yet. */
static enum ia_status push_stored(struct ia_cursor *cursor, int64_t start, int64_t length, int64_t offset,
                                  struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    const struct vhdx *v = image->state;
    length = ia_min(length, image->facts.virtual_size - start);
    if (offset + length > vhdx_file_size(image))
        image->facts.truncated = true;
    while (length > 0) {
        const struct vhdx_patch *patch = vhdx_replay_find(&v->replay, offset);
        bool patched = patch != NULL && patch->start <= offset;
        int64_t end;
        enum ia_extent_state state = IA_EXTENT_ZERO_ALLOCATED;
        if (patched) {
            end = patch->start + patch->length;
            if (patch->sector != -1)
                return ia_fail(err, IA_UNSUPPORTED, "the log holds bytes of the block at file offset %#jx",
                               (uintmax_t)offset);
        } else {
            state = ia_source_is_hole(image->main, offset, &end) ? IA_EXTENT_SPARSE : IA_EXTENT_DATA;
            end = patch != NULL ? ia_min(end, patch->start) : end;
        }
        int64_t piece = ia_min(length, end - offset);
        IA_TRY(push(cursor, state, start, piece, offset, err));
        start += piece;
        offset += piece;
        length -= piece;
    }
    return IA_OK;
}

static enum ia_status check_place(const struct map_state *map, const char *what, int64_t guest, uint64_t offset,
                                  int64_t length, struct ia_error *err)
{
    if (offset > INT64_MAX || !vhdx_is_free(map->v, (int64_t)offset, length))
        return ia_fail(err, IA_CORRUPT, "%s of guest offset %#jx at file offset %#jx lies over other structures", what,
                       (uintmax_t)guest, (uintmax_t)offset);
    return IA_OK;
}

/* Where the sector bitmap of a chunk is: its entry in the BAT follows those of the chunk's blocks. */
static enum ia_status find_bitmap(struct ia_cursor *cursor, int64_t chunk, int64_t guest, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    uint8_t bytes[8];
    if (map->chunk == chunk)
        return IA_OK;
    int64_t index = chunk * (map->v->chunk_ratio + 1) + map->v->chunk_ratio;
    IA_TRY(vhdx_read(cursor->image, map->v->bat.start + index * 8, bytes, sizeof(bytes), "BAT entry", err));
    uint64_t entry = ia_le64(bytes);
    if ((entry & VHDX_BAT_STATE) != VHDX_BITMAP_PRESENT)
        return ia_fail(err, IA_CORRUPT, "no sector bitmap for the partial block at guest offset %#jx",
                       (uintmax_t)guest);
    IA_TRY(check_place(map, "sector bitmap", guest, entry & VHDX_BAT_OFFSET, VHDX_MIB, err));
    map->chunk = chunk;
    map->bitmap = (int64_t)(entry & VHDX_BAT_OFFSET);
    return IA_OK;
}

/* Bitmaps that are all there fit into the file; one that chunk after chunk names would cost far more. */
static enum ia_status charge(struct ia_cursor *cursor, int64_t bytes, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t size = vhdx_file_size(cursor->image);
    map->bitmap_bytes += bytes;
    map->step_bytes += bytes;
    if (map->bitmap_bytes > cursor->image->limits->max_table_bytes)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of sector bitmaps",
                       (intmax_t)cursor->image->limits->max_table_bytes);
    if (map->bitmap_bytes - 8 * VHDX_MIB > size)
        return ia_fail(err, IA_CORRUPT, "%jd bytes of sector bitmaps in a file of %jd bytes",
                       (intmax_t)map->bitmap_bytes, (intmax_t)size);
    return IA_OK;
}

/* The first of the bits from `at` on that is not `set`. */
static int64_t run_end(const uint8_t *bits, int64_t at, int64_t count, bool set)
{
    while (at < count) {
        uint64_t word = ia_le64(bits + at / 64 * 8);
        word = (set ? ~word : word) & UINT64_MAX << (at % 64);
        if (word != 0)
            return at / 64 * 64 + __builtin_ctzll(word);
        at = (at / 64 + 1) * 64;
    }
    return count;
}

/* Bits of the sector bitmap, the lowest first: set for the sectors that are in this file, clear for the parent's. */
static enum ia_status push_partial(struct ia_cursor *cursor, int64_t chunk, int64_t number, uint64_t offset,
                                   struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct vhdx *v = map->v;
    int64_t guest = (chunk * v->chunk_ratio + number) * v->block_size;
    int64_t sectors = v->block_size / v->sector_size;
    if (!v->has_parent)
        return ia_fail(err, IA_CORRUPT, "partial block at guest offset %#jx of an image without a parent",
                       (uintmax_t)guest);
    if (map->bits == NULL && (map->bits = malloc(MAX_BITMAP)) == NULL)
        return ia_no_memory(err);
    IA_TRY(check_place(map, "block", guest, offset, v->block_size, err));
    vhdx_account_kept(cursor->image, offset, IA_SPACE_UNALLOCATED);
    IA_TRY(find_bitmap(cursor, chunk, guest, err));
    IA_TRY(charge(cursor, sectors / 8, err));
    IA_TRY(vhdx_read(cursor->image, map->bitmap + number * (sectors / 8), map->bits, (size_t)(sectors / 8),
                     "sector bitmap", err));
    sectors = ia_min(sectors, (cursor->sink.size - guest + v->sector_size - 1) / v->sector_size);
    for (int64_t at = 0; at < sectors;) {
        int64_t first = run_end(map->bits, at, sectors, false);
        at = run_end(map->bits, first, sectors, true);
        if (at > first)
            IA_TRY(push_stored(cursor, guest + first * v->sector_size, (at - first) * v->sector_size,
                               (int64_t)offset + first * v->sector_size, err));
    }
    return IA_OK;
}

/* A block whose contents do not matter any more reads as zeroes, not as the parent; its place may be kept. */
static enum ia_status push_dropped(struct ia_cursor *cursor, int64_t guest, uint64_t offset, struct ia_error *err)
{
    const struct vhdx *v = cursor->image->state;
    bool kept = offset <= INT64_MAX && vhdx_is_free(v, (int64_t)offset, v->block_size) &&
                (int64_t)offset + v->block_size <= vhdx_file_size(cursor->image);
    vhdx_account_kept(cursor->image, offset, IA_SPACE_ZERO);
    return kept ? push(cursor, IA_EXTENT_ZERO_ALLOCATED, guest, v->block_size, (int64_t)offset, err)
                : push(cursor, IA_EXTENT_ZERO, guest, v->block_size, IA_NO_OFFSET, err);
}

/* How many entries from the first on are the same but for `step` bytes of offset from each to the next. */
static int64_t alike(const uint8_t *entries, int64_t count, uint64_t step)
{
    static const uint64_t meant = VHDX_BAT_STATE | VHDX_BAT_OFFSET;
    uint64_t expected = ia_le64(entries) & meant;
    int64_t n = 1;
    while (n < count && (ia_le64(entries + n * 8) & meant) == (expected += step))
        n++;
    return n;
}

static enum ia_status push_full(struct ia_cursor *cursor, int64_t guest, int64_t length, uint64_t offset,
                                struct ia_error *err)
{
    IA_TRY(check_place(cursor->state, "block", guest, offset, length, err));
    return push_stored(cursor, guest, length, (int64_t)offset, err);
}

/* Entries of blocks `number` and following of a chunk; *done: how many were decoded. */
static enum ia_status decode(struct ia_cursor *cursor, const uint8_t *entries, int64_t count, int64_t chunk,
                             int64_t number, int64_t *done, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct vhdx *v = map->v;
    int64_t i = 0;
    while (i < count && map->step_bytes < BITMAP_STEP) {
        uint64_t entry = ia_le64(entries + i * 8);
        uint64_t offset = entry & VHDX_BAT_OFFSET;
        int64_t guest = (chunk * v->chunk_ratio + number + i) * v->block_size;
        bool reads_zero = (entry & VHDX_BAT_STATE) == VHDX_ZERO || !v->has_parent; /* where there is no data */
        int64_t run = 1;
        switch ((enum vhdx_block_state)(entry & VHDX_BAT_STATE)) {
        case VHDX_NOT_PRESENT:
        case VHDX_ZERO:
            run = alike(entries + i * 8, count - i, 0);
            vhdx_account_kept(cursor->image, offset, reads_zero ? IA_SPACE_ZERO : IA_SPACE_UNALLOCATED);
            if (reads_zero)
                IA_TRY(push(cursor, IA_EXTENT_ZERO, guest, run * v->block_size, IA_NO_OFFSET, err));
            break;
        case VHDX_UNDEFINED:
        case VHDX_UNMAPPED:
        case VHDX_UNMAPPED_095:
            IA_TRY(push_dropped(cursor, guest, offset, err));
            break;
        case VHDX_FULLY_PRESENT:
            run = alike(entries + i * 8, count - i, (uint64_t)v->block_size);
            IA_TRY(push_full(cursor, guest, run * v->block_size, offset, err));
            break;
        case VHDX_PARTIALLY_PRESENT:
            IA_TRY(push_partial(cursor, chunk, number + i, offset, err));
            break;
        default:
            return ia_fail(err, IA_CORRUPT, "block at guest offset %#jx in reserved state %u", (uintmax_t)guest,
                           (unsigned)(entry & VHDX_BAT_STATE));
        }
        i += run;
    }
    *done = i;
    return IA_OK;
}

/* What the end of the file cuts off from the BAT reads as blocks that are not present. */
static enum ia_status lose_rest(struct ia_cursor *cursor, int64_t chunk, int64_t number, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t guest = (chunk * map->v->chunk_ratio + number) * map->v->block_size;
    cursor->image->facts.truncated = true;
    map->entry = map->entries;
    return map->v->has_parent ? IA_OK
                              : push(cursor, IA_EXTENT_ZERO, guest, cursor->sink.size - guest, IA_NO_OFFSET, err);
}

static enum ia_status fill(struct ia_cursor *cursor, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    if (map->entry >= map->held && map->entry < map->held + map->held_count)
        return IA_OK;
    map->held = map->entry;
    map->held_count = ia_min(READ_ENTRIES, map->entries - map->entry);
    return vhdx_read(cursor->image, map->v->bat.start + map->held * 8, map->buffer, (size_t)map->held_count * 8, "BAT",
                     err);
}

enum ia_status vhdx_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct vhdx *v = map->v;
    *done = map->entry >= map->entries;
    if (*done)
        return IA_OK;
    int64_t chunk = map->entry / (v->chunk_ratio + 1);
    int64_t number = map->entry % (v->chunk_ratio + 1);
    if (number == v->chunk_ratio) { /* the sector bitmap's */
        map->entry++;
        return IA_OK;
    }
    if (v->bat.start + map->entry * 8 >= vhdx_file_size(cursor->image))
        return lose_rest(cursor, chunk, number, err);
    IA_TRY(fill(cursor, err));
    int64_t count = ia_min(map->held + map->held_count - map->entry, v->chunk_ratio - number);
    int64_t decoded = 0;
    map->step_bytes = 0;
    IA_TRY(decode(cursor, map->buffer + (map->entry - map->held) * 8, count, chunk, number, &decoded, err));
    map->entry += decoded;
    return IA_OK;
}
