/* SPDX-License-Identifier: MIT */
/* The account of metadata: descriptors, headers, directories, tables. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/vmdk/internal.h"

enum { PIECE_BYTES = 64 * 1024 };

/* Bytes of the directory and of the tables that it names; *budget is what may be read yet. */
static enum ia_status count_tables(struct ia_source *source, const struct vmdk_extent *extent, int64_t *budget,
                                   int64_t *bytes, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
    if (piece == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    int64_t in_file = ia_max(source->size - extent->directory_offset, 0) / extent->entry_size;
    int64_t entries = ia_min(extent->directory_entries, in_file);
    int64_t tables = 0;
    for (int64_t at = 0; at < entries; at += PIECE_BYTES / extent->entry_size) { /* ends with the file */
        int64_t count = ia_min(entries - at, PIECE_BYTES / extent->entry_size);
        if ((*budget -= count * extent->entry_size) < 0)
            return ia_fail(err, IA_LIMIT, "grain directories larger than the files");
        enum ia_status status = ia_source_read(source, extent->directory_offset + at * extent->entry_size, piece,
                                               (size_t)(count * extent->entry_size), "grain directory", err);
        for (int64_t i = 0; i < count && status == IA_OK; i++) {
            int64_t offset = 0;
            status = vmdk_table_offset(extent, piece + i * extent->entry_size, &offset, err);
            tables += offset != 0;
        }
        if (status != IA_OK)
            return status;
    }
    *bytes = (entries + tables * extent->table_entries) * extent->entry_size;
    return IA_OK;
}

/* Plain KDMV and seSparse extents keep all metadata before the first grain. In a stream, tables stand between the
 * grains, and what is no metadata is compressed. COWD allocates tables as they are needed. */
static enum ia_status measure_extent(struct ia_image *image, const struct vmdk_extent *extent, int64_t *budget,
                                     int64_t *bytes, struct ia_error *err)
{
    struct ia_source *source = ia_image_source(image, extent->file);
    int64_t head = extent->first_grain;
    *bytes = head;
    if (extent->kind == VMDK_SESPARSE || (!extent->cowd && !extent->compressed))
        return IA_OK;
    int64_t tables = 0;
    enum ia_status status = count_tables(source, extent, budget, &tables, err);
    /* QEMU puts a stream's tables before the first grain, VMware behind the grains. */
    bool inside = extent->directory_offset < head;
    *bytes = inside ? head : head + tables;
    if (status == IA_OK && extent->compressed)
        image->facts.compressed_host += ia_max(source->size - *bytes, 0);
    return status;
}

enum ia_status vmdk_measure(struct ia_image *image, struct ia_error *err)
{
    const struct vmdk *v = image->state;
    int64_t total = image->facts.parts.len > 0 ? image->main->size : 0;
    int64_t budget = vmdk_table_bound(image);
    image->facts.compressed_host = 0;
    for (size_t i = 0; i < v->extents.len; i++) {
        const struct vmdk_extent *extent = &v->extents.items[i];
        int64_t bytes = 0;
        if (extent->kind != VMDK_SPARSE && extent->kind != VMDK_SESPARSE)
            continue;
        enum ia_status status = measure_extent(image, extent, &budget, &bytes, err);
        if (status != IA_OK)
            return status;
        if (!ia_add(total, ia_min(bytes, ia_image_source(image, extent->file)->size), &total))
            return ia_fail(err, IA_CORRUPT, "metadata of more than 2^63 bytes");
    }
    image->facts.metadata_bytes = total;
    return IA_OK;
}
