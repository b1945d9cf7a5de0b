/* SPDX-License-Identifier: MIT */
/* The block map: a little-endian number for each block of the guest, its place among the blocks of the file. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/vdi/internal.h"

enum { CHUNK_ENTRIES = 16384 };

struct map_state {
    int64_t block;  /* the next to decode */
    int64_t blocks; /* of the range */
    uint8_t entries[CHUNK_ENTRIES * VDI_ENTRY_BYTES];
};

enum ia_status vdi_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct vdi *vdi = cursor->image->state;
    int64_t size = cursor->sink.size;
    int64_t most = cursor->image->limits->max_table_bytes;
    int64_t blocks = size / vdi->block_size + (size % vdi->block_size != 0);
    if (blocks > most / VDI_ENTRY_BYTES)
        return ia_fail(err, IA_LIMIT, "block map of more than %jd bytes", (intmax_t)most);
    struct map_state *map = malloc(sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    map->blocks = blocks;
    map->block = ia_min(cursor->from, size) / vdi->block_size;
    cursor->state = map;
    return IA_OK;
}

void vdi_map_end(struct ia_cursor *cursor)
{
    free(cursor->state);
}

static bool is_allocated(uint32_t entry)
{
    return entry < VDI_DISCARDED;
}

/* How many of the entries are one run: absent in the same way, or blocks that lie one after another in the file. */
static int64_t run_of(const struct vdi *vdi, const uint8_t *entries, int64_t count)
{
    uint32_t first = ia_le32(entries);
    bool allocated = is_allocated(first);
    int64_t run = 1;
    if (allocated && vdi->block_extra != 0)
        return 1;
    while (run < count) {
        uint32_t entry = ia_le32(entries + run * VDI_ENTRY_BYTES);
        if (is_allocated(entry) != allocated || entry != (allocated ? first + (uint32_t)run : first))
            break;
        run++;
    }
    return run;
}

/* Of a static image, QEMU reports the holes of the host file as such. */
static enum ia_status push_static(struct ia_cursor *cursor, struct ia_extent extent, struct ia_error *err)
{
    int64_t left = ia_min(extent.length, cursor->sink.size - extent.start);
    while (left > 0) {
        int64_t end;
        bool hole = ia_source_is_hole(cursor->image->main, extent.offset, &end);
        extent.state = hole ? IA_EXTENT_SPARSE : IA_EXTENT_DATA;
        extent.length = ia_min(left, end - extent.offset);
        IA_TRY(ia_extent_sink_push(&cursor->sink, &extent, err));
        extent.start += extent.length;
        extent.offset += extent.length;
        left -= extent.length;
    }
    return IA_OK;
}

static enum ia_status push_blocks(struct ia_cursor *cursor, struct ia_extent extent, uint32_t entry,
                                  struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    const struct vdi *vdi = image->state;
    /* At most 2^32 + 2^32 * 2^21: fits. */
    extent.offset = vdi->data_offset + entry * (vdi->block_size + vdi->block_extra) + vdi->block_extra;
    int64_t seen = ia_min(extent.length, image->facts.virtual_size - extent.start);
    if (!ia_range_inside(extent.offset, seen, image->main->size))
        image->facts.truncated = true;
    ia_image_use(image, 0, IA_SPACE_METADATA, extent.offset - vdi->block_extra, vdi->block_extra);
    if (vdi->type == VDI_STATIC)
        return push_static(cursor, extent, err);
    extent.state = IA_EXTENT_DATA;
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

static enum ia_status push_run(struct ia_cursor *cursor, int64_t block, int64_t count, uint32_t entry,
                               struct ia_error *err)
{
    const struct vdi *vdi = cursor->image->state;
    struct ia_extent extent = {
        .start = block * vdi->block_size,
        .length = count * vdi->block_size,
        .offset = IA_NO_OFFSET,
        .state = IA_EXTENT_ZERO,
    };
    if (is_allocated(entry))
        return push_blocks(cursor, extent, entry, err);
    if (entry == VDI_FREE && vdi->differencing)
        return IA_OK;
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

enum ia_status vdi_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    const struct vdi *vdi = cursor->image->state;
    struct map_state *map = cursor->state;
    int64_t count = ia_min(map->blocks - map->block, CHUNK_ENTRIES);
    *done = count <= 0;
    if (*done)
        return IA_OK;
    IA_TRY(ia_source_read(cursor->image->main, vdi->map_offset + map->block * VDI_ENTRY_BYTES, map->entries,
                          (size_t)count * VDI_ENTRY_BYTES, "block map", err));
    for (int64_t i = 0; i < count;) {
        const uint8_t *entry = map->entries + i * VDI_ENTRY_BYTES;
        int64_t run = run_of(vdi, entry, count - i);
        IA_TRY(push_run(cursor, map->block + i, run, ia_le32(entry), err));
        i += run;
    }
    map->block += count;
    return IA_OK;
}
