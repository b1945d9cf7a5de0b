/* SPDX-License-Identifier: MIT */
/* Headers of sparse extents: KDMV ("Hosted Sparse Extent Header"), its footer ("Stream-Optimized Compressed Sparse
 * Extents"), and COWD ("ESX Server Sparse Extent Header"). What QEMU refuses is refused. */
#include <string.h>

#include "base/bytes.h"
#include "format/vmdk/internal.h"
#include "io/window.h"

#define MAGIC_KDMV UINT32_C(0x564d444b)
#define MAGIC_COWD UINT32_C(0x44574f43)
#define GD_AT_END UINT64_MAX

enum {
    HEADER_BYTES = 512,
    FOOTER_BYTES = VMDK_FOOTER_BYTES,
    MARKER_FOOTER = 3,
    FLAG_NEWLINES = 1 << 0,
    FLAG_REDUNDANT = 1 << 1,
    FLAG_ZERO_GRAINS = 1 << 2,
    FLAG_MARKERS = 1 << 17,
    COWD_BYTES = 2048,
    COWD_TABLE_ENTRIES = 4096,
};

/* QEMU's bounds. */
#define MAX_GRAIN_SECTORS 0x200000
#define MAX_TABLE_ENTRIES 512
#define MAX_DIRECTORY_ENTRIES (INT64_C(32) << 20)

enum ia_status vmdk_check_tables(const struct vmdk_extent *extent, struct ia_error *err)
{
    if (extent->directory_entries > MAX_DIRECTORY_ENTRIES)
        return ia_fail(err, IA_CORRUPT, "grain directory of %jd entries", (intmax_t)extent->directory_entries);
    int64_t end;
    if (!ia_add(extent->directory_offset, extent->directory_entries * extent->entry_size, &end))
        return ia_fail(err, IA_CORRUPT, "grain directory at %#jx ends past 2^63", (uintmax_t)extent->directory_offset);
    return IA_OK;
}

static enum ia_status set_grain(struct vmdk_extent *extent, uint64_t sectors, struct ia_error *err)
{
    if (sectors == 0 || sectors > MAX_GRAIN_SECTORS)
        return ia_fail(err, IA_CORRUPT, "grains of %ju sectors", (uintmax_t)sectors);
    extent->grain_size = (int64_t)sectors * VMDK_SECTOR;
    return IA_OK;
}

/* A place or size in sectors, as bytes. */
static int64_t get_sectors(struct ia_window *w, size_t at)
{
    int64_t sectors = ia_window_le_size(w, at);
    if (sectors <= VMDK_MAX_SECTORS)
        return sectors * VMDK_SECTOR;
    w->failed = true;
    return 0;
}

static enum ia_status decode_kdmv(struct ia_window *w, const struct ia_source *source, struct vmdk_extent *extent,
                                  struct ia_error *err)
{
    uint32_t flags = ia_window_le32(w, 8);
    uint16_t algorithm = ia_window_le16(w, 77);
    extent->version = ia_window_le32(w, 4);
    if (extent->version > 3)
        return ia_fail(err, IA_UNSUPPORTED, "sparse extent of version %u", extent->version);
    if (algorithm > 1)
        return ia_fail(err, IA_UNSUPPORTED, "compression algorithm %u", algorithm);
    IA_TRY(set_grain(extent, ia_window_le64(w, 20), err));
    extent->table_entries = ia_window_le32(w, 44);
    if (extent->table_entries == 0 || extent->table_entries > MAX_TABLE_ENTRIES)
        return ia_fail(err, IA_CORRUPT, "grain tables of %jd entries", (intmax_t)extent->table_entries);
    extent->length = get_sectors(w, 12);
    extent->directory_offset = get_sectors(w, 56);
    extent->first_grain = get_sectors(w, 64);
    if ((flags & FLAG_REDUNDANT) != 0)
        (void)get_sectors(w, 48); /* not needed; QEMU refuses what is out of bounds */
    if (w->failed)
        return ia_fail(err, IA_CORRUPT, "an offset or size of the sparse extent's header is above 2^63 bytes");
    if (extent->first_grain > ia_round_up(source->size, VMDK_SECTOR))
        return ia_fail(err, IA_CORRUPT, "truncated: first grain at %#jx of a file of %jd bytes",
                       (uintmax_t)extent->first_grain, (intmax_t)source->size);
    extent->entry_size = 4;
    extent->directory_entries =
        vmdk_divide_up(vmdk_divide_up(extent->length, extent->grain_size), extent->table_entries);
    extent->compressed = algorithm == 1;
    extent->has_marker = (flags & FLAG_MARKERS) != 0;
    extent->has_zero_grains = (flags & FLAG_ZERO_GRAINS) != 0;
    extent->dirty = ia_window_u8(w, 72) != 0;
    extent->damaged = (flags & FLAG_NEWLINES) != 0 && memcmp(w->bytes + 73, "\n \r\n", 4) != 0;
    return vmdk_check_tables(extent, err);
}

/* The footer repeats the header, with the place of the grain directory. QEMU counts whole sectors. */
static enum ia_status read_footer(struct ia_source *source, uint8_t header[HEADER_BYTES], struct ia_error *err)
{
    uint8_t bytes[FOOTER_BYTES];
    int64_t at = ia_round_up(source->size, VMDK_SECTOR) - FOOTER_BYTES;
    if (at < 0)
        return ia_fail(err, IA_CORRUPT, "no footer in a file of %jd bytes", (intmax_t)source->size);
    IA_TRY(ia_source_read(source, at, bytes, sizeof(bytes), "footer", err));
    const uint8_t *marker = bytes;
    const uint8_t *footer = bytes + HEADER_BYTES;
    const uint8_t *end = footer + HEADER_BYTES;
    if (ia_le32(marker + 8) != 0 || ia_le32(marker + 12) != MARKER_FOOTER || ia_le32(footer) != MAGIC_KDMV ||
        ia_le64(end) != 0 || ia_le64(end + 8) != 0)
        return ia_fail(err, IA_CORRUPT, "no footer at %#jx", (uintmax_t)at);
    memcpy(header, footer, HEADER_BYTES);
    return IA_OK;
}

static enum ia_status read_kdmv(struct ia_source *source, struct vmdk_extent *extent, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    IA_TRY(ia_source_read(source, 0, bytes, sizeof(bytes), "sparse extent header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    extent->descriptor_sector = ia_window_le_size(&w, 28);
    extent->descriptor_sectors = ia_window_le_size(&w, 36);
    if (w.failed)
        return ia_fail(err, IA_CORRUPT, "descriptor at a sector above 2^63");
    if (ia_window_le64(&w, 12) == 0 && extent->descriptor_sector != 0)
        return IA_OK; /* no grains at all: the descriptor names other files */
    extent->has_footer = ia_window_le64(&w, 56) == GD_AT_END;
    if (extent->has_footer && source->is_head)
        memset(bytes + 56, 0, 8); /* the footer alone has the place of the directory */
    else if (extent->has_footer)
        IA_TRY(read_footer(source, bytes, err));
    return decode_kdmv(&w, source, extent, err);
}

static enum ia_status read_cowd(struct ia_source *source, struct vmdk_extent *extent, struct ia_error *err)
{
    uint8_t bytes[COWD_BYTES];
    IA_TRY(ia_source_read(source, 0, bytes, sizeof(bytes), "COWD header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    if (ia_window_le32(&w, 4) != 1)
        return ia_fail(err, IA_UNSUPPORTED, "COWD extent of version %u", ia_window_le32(&w, 4));
    IA_TRY(set_grain(extent, ia_window_le32(&w, 16), err));
    extent->length = ia_window_le32(&w, 12) * VMDK_SECTOR;
    extent->directory_offset = ia_window_le32(&w, 20) * VMDK_SECTOR;
    extent->directory_entries = ia_window_le32(&w, 24);
    extent->table_entries = COWD_TABLE_ENTRIES;
    extent->entry_size = 4;
    extent->first_grain = COWD_BYTES;
    extent->cowd = true;
    extent->dirty = ia_window_le32(&w, 1648) != 0;
    return vmdk_check_tables(extent, err);
}

enum ia_status vmdk_read_sparse(struct ia_source *source, struct vmdk_extent *extent, struct ia_error *err)
{
    uint8_t magic[4];
    IA_TRY(ia_source_read(source, 0, magic, sizeof(magic), "sparse extent's magic", err));
    if (ia_le32(magic) == MAGIC_KDMV)
        return read_kdmv(source, extent, err);
    if (ia_le32(magic) == MAGIC_COWD)
        return read_cowd(source, extent, err);
    return ia_fail(err, IA_CORRUPT, "no sparse extent: its magic is %#x", ia_le32(magic));
}
