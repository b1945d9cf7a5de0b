/* SPDX-License-Identifier: MIT */
/* Where a compressed grain's bytes are: a zlib stream, behind a grain marker where the extent has such ("Compressed
 * Grains"). */
#include "base/bytes.h"
#include "format/vmdk/internal.h"

/* The entry of the grain table; 0 where there is no table. */
static enum ia_status read_entry(struct ia_source *source, const struct vmdk_extent *extent, int64_t grain,
                                 uint32_t *entry, struct ia_error *err)
{
    uint8_t bytes[8] = {0};
    int64_t index = grain / extent->table_entries;
    int64_t table = 0;
    IA_TRY(ia_source_read(source, extent->directory_offset + index * extent->entry_size, bytes, 4, "grain directory",
                          err));
    IA_TRY(vmdk_table_offset(extent, bytes, &table, err));
    if (table != 0)
        IA_TRY(ia_source_read(source, table + grain % extent->table_entries * 4, bytes, 4, "grain table", err));
    *entry = table != 0 ? ia_le32(bytes) : 0;
    return IA_OK;
}

enum ia_status vmdk_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                    struct ia_compressed_cluster *found, struct ia_error *err)
{
    (void)mapping;
    const struct vmdk *v = image->state;
    size_t number = vmdk_find_extent(v, at);
    const struct vmdk_extent *extent = number < v->extents.len ? &v->extents.items[number] : NULL;
    if (extent == NULL || extent->kind != VMDK_SPARSE || !extent->compressed)
        return ia_fail(err, IA_CORRUPT, "no compressed extent at guest offset %#jx", (uintmax_t)at);
    struct ia_source *source = ia_image_source(image, extent->file);
    int64_t grain = (at - extent->start) / extent->grain_size;
    uint32_t entry;
    IA_TRY(read_entry(source, extent, grain, &entry, err));
    if (entry <= (extent->has_zero_grains ? 1U : 0U))
        return ia_fail(err, IA_CORRUPT, "no compressed grain at guest offset %#jx", (uintmax_t)at);
    *found = (struct ia_compressed_cluster){
        .start = extent->start + grain * extent->grain_size,
        .offset = entry * VMDK_SECTOR,
        .host_length = extent->grain_size, /* without a marker the number is unknown; QEMU takes as many */
        .file = extent->file,
        .codec = IA_CODEC_ZLIB,
    };
    found->length = ia_min(extent->grain_size, extent->start + extent->length - found->start);
    if (!extent->has_marker)
        return IA_OK;
    uint8_t marker[VMDK_MARKER_BYTES];
    IA_TRY(ia_source_read(source, found->offset, marker, sizeof(marker), "grain marker", err));
    found->offset += VMDK_MARKER_BYTES;
    found->host_length = ia_le32(marker + 8);
    if (found->host_length == 0 || found->host_length > 2 * extent->grain_size)
        return ia_fail(err, IA_CORRUPT, "grain at guest offset %#jx: %jd compressed bytes", (uintmax_t)found->start,
                       (intmax_t)found->host_length);
    return IA_OK;
}
