/* SPDX-License-Identifier: MIT */
/* The account of host space. Plain grains and the tables are accounted for while they are mapped; here descriptors,
 * headers, directories, and the grains of streams.
 *
 * Where a compressed grain ends is in its marker alone, and to read as many markers as there are grains is to read the
 * disk. But a stream is written once, grain after grain, and none is ever written over: what lies from the first grain
 * to the end of the last one and is no table is taken for grains. */
#include "base/bytes.h"
#include "format/vmdk/internal.h"

/* Marker sectors precede the tables and the directory of a stream ("Metadata Marker"), but not those that
 * QEMU puts where the first grain would be. */
static void account_marked(struct ia_image *image, const struct vmdk_extent *extent, int64_t offset, int64_t bytes)
{
    int64_t marker = extent->has_marker && offset - VMDK_SECTOR >= extent->first_grain ? VMDK_SECTOR : 0;
    ia_image_use_exclusive(image, extent->file, IA_SPACE_METADATA, offset - marker, marker + bytes, IA_SPACE_STORED);
}

void vmdk_account_tables(struct ia_image *image, const struct vmdk_extent *extent, int64_t offset, int64_t bytes)
{
    account_marked(image, extent, offset, bytes);
}

/* Bytes of a compressed grain with its marker, at most to the end of the file. */
static enum ia_status packed_length(struct ia_source *source, const struct vmdk_extent *extent, int64_t offset,
                                    int64_t *length, struct ia_error *err)
{
    uint8_t marker[VMDK_MARKER_BYTES];
    *length = ia_min(extent->grain_size, source->size - offset);
    if (!extent->has_marker || *length < VMDK_MARKER_BYTES)
        return IA_OK;
    IA_TRY(ia_source_read(source, offset, marker, sizeof(marker), "grain marker", err));
    *length = ia_min(VMDK_MARKER_BYTES + (int64_t)ia_le32(marker + 8), source->size - offset);
    return IA_OK;
}

static enum ia_status account_packed(struct ia_image *image, const struct vmdk_extent *extent, struct ia_error *err)
{
    struct ia_source *source = ia_image_source(image, extent->file);
    int64_t start = extent->packed_first * VMDK_SECTOR;
    int64_t last = ia_min(extent->packed_last * VMDK_SECTOR, source->size); /* of a truncated stream, all is grains */
    int64_t length = 0;
    if (extent->packed_last == 0)
        return IA_OK;
    IA_TRY(packed_length(source, extent, last, &length, err));
    ia_image_use(image, extent->file, IA_SPACE_DATA, start, last + length - start);
    return IA_OK;
}

/* Plain KDMV and seSparse extents keep all metadata before the first grain; tables that do not lie there were accounted
 * for while they were read. COWD has a header and allocates tables as they are needed. */
static enum ia_status account_sparse(struct ia_image *image, const struct vmdk_extent *extent, struct ia_error *err)
{
    int64_t end = ia_round_up(ia_image_source(image, extent->file)->size, VMDK_SECTOR);
    ia_image_use(image, extent->file, IA_SPACE_METADATA, 0, ia_min(extent->first_grain, end));
    if (extent->directory_offset < end)
        account_marked(image, extent, extent->directory_offset,
                       ia_min(extent->directory_entries * extent->entry_size, end - extent->directory_offset));
    if (extent->has_footer)
        ia_image_use(image, extent->file, IA_SPACE_METADATA, end - VMDK_FOOTER_BYTES, VMDK_FOOTER_BYTES);
    return extent->compressed ? account_packed(image, extent, err) : IA_OK;
}

/* Bytes of a file that are grains. */
static int64_t count_packed(const struct ia_image *image, uint32_t file)
{
    int64_t bytes = 0;
    int64_t end = ia_space_end(image->space, file);
    int64_t until;
    for (int64_t at = 0; at < end; at = until) { /* ends: `until` is behind `at` */
        bool data = ia_space_at(image->space, file, at, &until) == IA_SPACE_DATA;
        bytes += data ? ia_min(until, end) - at : 0;
    }
    return bytes;
}

enum ia_status vmdk_account(struct ia_image *image, struct ia_error *err)
{
    const struct vmdk *v = image->state;
    int64_t counted = -1; /* the file of the extent before may have this one too */
    image->facts.compressed_host = 0;
    if (image->facts.parts.len > 0) /* the main file is the text alone */
        ia_image_use(image, 0, IA_SPACE_METADATA, 0, image->main->size);
    for (size_t i = 0; i < v->extents.len; i++) {
        const struct vmdk_extent *extent = &v->extents.items[i];
        if (extent->kind != VMDK_SPARSE && extent->kind != VMDK_SESPARSE)
            continue;
        IA_TRY(account_sparse(image, extent, err));
        if (extent->compressed && extent->file != counted)
            image->facts.compressed_host += count_packed(image, extent->file);
        counted = extent->file;
    }
    return IA_OK;
}
