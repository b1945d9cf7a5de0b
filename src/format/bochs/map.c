/* SPDX-License-Identifier: MIT */
/* Walking the catalog and the bitmaps. An entry of the catalog is the number of an extent among those in the file; a
 * set bit of an extent's bitmap is a sector that was written. What was not reads as zeroes. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/bochs/internal.h"

enum { CHUNK_ENTRIES = 16384, MAX_BITMAP = BOCHS_MAX_EXTENT / BOCHS_SECTOR / 8 };

struct map_state {
    int64_t extent;                   /* the next to decode */
    int64_t extents;                  /* of the range */
    int64_t chunk_start, chunk_count; /* entries that are in the buffer */
    int64_t table_bytes;              /* read so far, against the limit */
    int64_t extent_bytes;             /* of the file, in extents so far: more than the file has means overlaps */
    uint8_t entries[CHUNK_ENTRIES * BOCHS_ENTRY_BYTES];
    uint8_t bitmap[MAX_BITMAP];
};

enum ia_status bochs_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct bochs *bochs = cursor->image->state;
    int64_t size = cursor->sink.size;
    struct map_state *map = malloc(sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    map->extent = ia_min(cursor->from, size) / bochs->extent_size;
    map->extents = size / bochs->extent_size + (size % bochs->extent_size != 0);
    map->chunk_start = map->chunk_count = 0;
    map->table_bytes = map->extent_bytes = 0;
    cursor->state = map;
    return IA_OK;
}

void bochs_map_end(struct ia_cursor *cursor)
{
    free(cursor->state);
}

static enum ia_status charge(struct ia_cursor *cursor, int64_t bytes, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t most = cursor->image->limits->max_table_bytes;
    map->table_bytes += bytes;
    if (map->table_bytes > most)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of catalog and bitmaps", (intmax_t)most);
    return IA_OK;
}

static enum ia_status read_chunk(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct bochs *bochs = cursor->image->state;
    struct map_state *map = cursor->state;
    map->chunk_start = map->extent;
    map->chunk_count = ia_min(map->extents - map->extent, CHUNK_ENTRIES);
    int64_t bytes = map->chunk_count * BOCHS_ENTRY_BYTES;
    IA_TRY(charge(cursor, bytes, err));
    return ia_source_read(cursor->image->main, bochs->catalog_offset + map->chunk_start * BOCHS_ENTRY_BYTES,
                          map->entries, (size_t)bytes, "catalog", err);
}

static uint32_t entry_at(const struct map_state *map, int64_t extent)
{
    return ia_le32(map->entries + (extent - map->chunk_start) * BOCHS_ENTRY_BYTES);
}

static enum ia_status push_zeroes(struct ia_cursor *cursor, int64_t extent, int64_t count, struct ia_error *err)
{
    const struct bochs *bochs = cursor->image->state;
    struct ia_extent zeroes = {
        .start = extent * bochs->extent_size,
        .length = count * bochs->extent_size,
        .offset = IA_NO_OFFSET,
        .state = IA_EXTENT_ZERO,
    };
    return ia_extent_sink_push(&cursor->sink, &zeroes, err);
}

static bool bit(const struct map_state *map, int64_t sector)
{
    return (map->bitmap[sector / 8] >> (sector % 8) & 1) != 0;
}

/* A run of sectors that are kept at offset, all written or all not. */
static enum ia_status push_sectors(struct ia_cursor *cursor, int64_t start, int64_t length, int64_t offset,
                                   bool written, struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    bool inside = ia_range_inside(offset, length, image->main->size);
    struct ia_extent extent = {.start = start, .length = length, .offset = offset};
    if (written) {
        extent.state = IA_EXTENT_DATA;
        image->facts.truncated = image->facts.truncated || !inside;
    } else if (inside) {
        extent.state = IA_EXTENT_ZERO_ALLOCATED;
    } else {
        extent.state = IA_EXTENT_ZERO;
        extent.offset = IA_NO_OFFSET;
    }
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* A catalog can name one extent again and again: then the work would not be bounded by the size of the file. */
static enum ia_status charge_extent(struct ia_cursor *cursor, int64_t offset, struct ia_error *err)
{
    const struct bochs *bochs = cursor->image->state;
    struct map_state *map = cursor->state;
    int64_t size = cursor->image->main->size;
    map->extent_bytes += ia_min(bochs->bitmap_size + bochs->extent_size, size - offset);
    if (map->extent_bytes / 2 > size)
        return ia_fail(err, IA_CORRUPT, "%jd bytes of extents in a file of %jd bytes", (intmax_t)map->extent_bytes,
                       (intmax_t)size);
    return charge(cursor, bochs->extent_size / BOCHS_SECTOR / 8 + 1, err);
}

static enum ia_status push_extent(struct ia_cursor *cursor, int64_t number, uint32_t entry, struct ia_error *err)
{
    const struct bochs *bochs = cursor->image->state;
    struct ia_image *image = cursor->image;
    struct map_state *map = cursor->state;
    int64_t start = number * bochs->extent_size;
    int64_t sectors = ia_min(bochs->extent_size, image->facts.virtual_size - start) / BOCHS_SECTOR;
    int64_t offset = bochs_extent_offset(bochs, entry);
    if (offset >= image->main->size) {
        image->facts.truncated = true;
        return push_zeroes(cursor, number, 1, err);
    }
    IA_TRY(charge_extent(cursor, offset, err));
    bochs_account_extent(image, offset);
    IA_TRY(ia_source_read(image->main, offset, map->bitmap, (size_t)(sectors + 7) / 8, "bitmap", err));
    for (int64_t i = 0; i < sectors;) {
        int64_t first = i;
        bool written = bit(map, first);
        do
            i++;
        while (i < sectors && bit(map, i) == written);
        int64_t within = first * BOCHS_SECTOR;
        IA_TRY(push_sectors(cursor, start + within, (i - first) * BOCHS_SECTOR, offset + bochs->bitmap_size + within,
                            written, err));
    }
    return IA_OK;
}

/* One extent that is in the file, or all up to the next such one. */
enum ia_status bochs_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    *done = map->extent >= map->extents;
    if (*done)
        return IA_OK;
    if (map->extent == map->chunk_start + map->chunk_count || map->chunk_count == 0)
        IA_TRY(read_chunk(cursor, err));
    int64_t first = map->extent;
    int64_t end = map->chunk_start + map->chunk_count;
    uint32_t entry = entry_at(map, first);
    if (entry != BOCHS_FREE) {
        map->extent++;
        return push_extent(cursor, first, entry, err);
    }
    while (map->extent < end && entry_at(map, map->extent) == BOCHS_FREE)
        map->extent++;
    return push_zeroes(cursor, first, map->extent - first, err);
}
