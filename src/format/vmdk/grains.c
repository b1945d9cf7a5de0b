/* SPDX-License-Identifier: MIT */
/* Decoding the entries of a grain table. Runs of grains are one push. */
#include "base/bytes.h"
#include "format/vmdk/internal.h"

/* A run that begins at guest byte `start`, cut at the end of the extent that it is in. */
enum ia_status vmdk_push(struct ia_cursor *cursor, const struct vmdk_extent *extent, enum ia_extent_state state,
                         int64_t start, int64_t length, int64_t offset, struct ia_error *err)
{
    struct ia_extent run = {
        .start = start,
        .length = ia_min(length, extent->start + extent->length - start),
        .offset = offset,
        .state = (uint32_t)state,
        .file = offset != IA_NO_OFFSET ? extent->file : 0,
    };
    return ia_extent_sink_push(&cursor->sink, &run, err);
}

/* A run of grains stored plainly. A last one that the file cuts short ends with zeroes; one that is not there is
 * lost. */
static enum ia_status push_data(struct ia_cursor *cursor, const struct vmdk_extent *extent, int64_t start,
                                int64_t grains, int64_t offset, struct ia_error *err)
{
    int64_t length = grains * extent->grain_size;
    int64_t last;
    if (!ia_add(offset, length, &last))
        return ia_fail(err, IA_CORRUPT, "grain of guest offset %#jx ends past 2^63", (uintmax_t)start);
    int64_t seen = extent->start + extent->length - start;
    if (length > seen)
        ia_image_use(cursor->image, extent->file, IA_SPACE_UNALLOCATED, offset + seen, length - seen);
    if (last - extent->grain_size >= ia_image_source(cursor->image, extent->file)->size)
        cursor->image->facts.truncated = true;
    return vmdk_push(cursor, extent, IA_EXTENT_DATA, start, length, offset, err);
}

/* Where a stream's grains are, for the account: see account.c. */
static void note_packed(const struct vmdk *v, const struct vmdk_extent *noted, uint32_t lowest, uint32_t highest)
{
    struct vmdk_extent *extent = &v->extents.items[noted - v->extents.items];
    if (extent->packed_last == 0 || lowest < extent->packed_first)
        extent->packed_first = lowest;
    if (highest > extent->packed_last)
        extent->packed_last = highest;
}

static enum ia_status push_compressed(struct ia_cursor *cursor, const struct vmdk_extent *extent, int64_t start,
                                      int64_t grains, uint32_t lowest, uint32_t highest, struct ia_error *err)
{
    note_packed(cursor->image->state, extent, lowest, highest);
    if (highest * VMDK_SECTOR >= ia_image_source(cursor->image, extent->file)->size)
        cursor->image->facts.truncated = true;
    return vmdk_push(cursor, extent, IA_EXTENT_COMPRESSED, start, grains * extent->grain_size, IA_NO_OFFSET, err);
}

/* Entries of 4 bytes: a sector; 0: not allocated; 1, where the header allows it: zeroes. */
static enum ia_status decode_short(struct ia_cursor *cursor, const struct vmdk_extent *extent, const uint8_t *entries,
                                   int64_t count, int64_t guest, struct ia_error *err)
{
    uint32_t special = extent->has_zero_grains ? 1 : 0; /* up to this, an entry is no place */
    uint64_t step = extent->compressed ? 0 : (uint64_t)(extent->grain_size / VMDK_SECTOR);
    for (int64_t i = 0; i < count;) {
        int64_t first = i;
        int64_t start = guest + i * extent->grain_size;
        uint32_t value = ia_le32(entries + i * 4);
        uint32_t next = value;
        uint32_t lowest = value;
        uint32_t highest = value;
        if (value <= special) {
            while (next == value && ++i < count)
                next = ia_le32(entries + i * 4);
            if (value == 1)
                IA_TRY(vmdk_push(cursor, extent, IA_EXTENT_ZERO, start, (i - first) * extent->grain_size, IA_NO_OFFSET,
                                 err));
        } else if (extent->compressed) {
            while (next > special && ++i < count) {
                lowest = next < lowest ? next : lowest;
                highest = next > highest ? next : highest;
                next = ia_le32(entries + i * 4);
            }
            IA_TRY(push_compressed(cursor, extent, start, i - first, lowest, highest, err));
        } else {
            while (next == value + (uint64_t)(i - first) * step && ++i < count)
                next = ia_le32(entries + i * 4);
            IA_TRY(push_data(cursor, extent, start, i - first, value * VMDK_SECTOR, err));
        }
    }
    return IA_OK;
}

static enum ia_status decode_sesparse(struct ia_cursor *cursor, const struct vmdk_extent *extent,
                                      const uint8_t *entries, int64_t count, int64_t guest, struct ia_error *err)
{
    int64_t size = ia_image_source(cursor->image, extent->file)->size;
    for (int64_t i = 0; i < count; i++) {
        bool allocated;
        bool zero;
        int64_t offset;
        int64_t start = guest + i * extent->grain_size;
        IA_TRY(vmdk_sesparse_grain(extent, ia_le64(entries + i * 8), &allocated, &zero, &offset, err));
        if (zero && offset != IA_NO_OFFSET && offset < size)
            ia_image_use(cursor->image, extent->file, IA_SPACE_ZERO, offset, extent->grain_size);
        if (zero)
            IA_TRY(vmdk_push(cursor, extent, IA_EXTENT_ZERO, start, extent->grain_size, IA_NO_OFFSET, err));
        else if (allocated)
            IA_TRY(push_data(cursor, extent, start, 1, offset, err));
    }
    return IA_OK;
}

enum ia_status vmdk_push_grains(struct ia_cursor *cursor, const struct vmdk_extent *extent, const uint8_t *entries,
                                int64_t count, int64_t guest, struct ia_error *err)
{
    return extent->entry_size == 4 ? decode_short(cursor, extent, entries, count, guest, err)
                                   : decode_sesparse(cursor, extent, entries, count, guest, err);
}
