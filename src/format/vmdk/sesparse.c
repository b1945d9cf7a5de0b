/* SPDX-License-Identifier: MIT */
/* seSparse extents, of which nothing is published: only what is exactly as in QEMU is read. */
#include <string.h>

#include "base/bytes.h"
#include "format/vmdk/internal.h"
#include "io/window.h"

#define CONST_MAGIC UINT64_C(0xcafebabe)
#define VOLATILE_MAGIC UINT64_C(0xcafecafe)
#define VERSION_2_1 UINT64_C(0x0000000200000001)

enum { HEADER_BYTES = 512, GRAIN_SECTORS = 8, TABLE_SECTORS = 64, ENTRY_BYTES = 8 };

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

static enum ia_status check_const_header(struct ia_window *w, struct ia_error *err)
{
    if (ia_window_le64(w, 0) != CONST_MAGIC)
        return ia_fail(err, IA_CORRUPT, "no seSparse extent: its magic is %#jx", (uintmax_t)ia_window_le64(w, 0));
    if (ia_window_le64(w, 8) != VERSION_2_1)
        return ia_fail(err, IA_UNSUPPORTED, "seSparse extent of version %#jx", (uintmax_t)ia_window_le64(w, 8));
    if (ia_window_le64(w, 24) != GRAIN_SECTORS || ia_window_le64(w, 32) != TABLE_SECTORS)
        return ia_fail(err, IA_UNSUPPORTED, "seSparse extent with grains of %ju and tables of %ju sectors",
                       (uintmax_t)ia_window_le64(w, 24), (uintmax_t)ia_window_le64(w, 32));
    /* Flags, four reserved fields; the padding behind the last field. */
    if (!is_zero(w->bytes + 40, 5 * 8) || !is_zero(w->bytes + 208, HEADER_BYTES - 208))
        return ia_fail(err, IA_UNSUPPORTED, "seSparse extent with unknown flags or fields");
    return IA_OK;
}

static enum ia_status check_volatile_header(struct ia_source *source, int64_t offset, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    IA_TRY(ia_source_read(source, offset, bytes, sizeof(bytes), "seSparse volatile header", err));
    if (ia_le64(bytes) != VOLATILE_MAGIC)
        return ia_fail(err, IA_CORRUPT, "no seSparse volatile header at %#jx", (uintmax_t)offset);
    if (ia_le64(bytes + 24) != 0)
        return ia_fail(err, IA_UNSUPPORTED, "seSparse extent whose journal must be replayed");
    if (!is_zero(bytes + 32, sizeof(bytes) - 32))
        return ia_fail(err, IA_UNSUPPORTED, "seSparse volatile header with unknown fields");
    return IA_OK;
}

enum ia_status vmdk_read_sesparse(struct ia_source *source, struct vmdk_extent *extent, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    IA_TRY(ia_source_read(source, 0, bytes, sizeof(bytes), "seSparse header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    IA_TRY(check_const_header(&w, err));
    int64_t sectors = ia_window_le_size(&w, 16);
    int64_t volatile_sector = ia_window_le_size(&w, 80);
    int64_t directory_sector = ia_window_le_size(&w, 128);
    int64_t directory_sectors = ia_window_le_size(&w, 136);
    int64_t grains_sector = ia_window_le_size(&w, 192);
    extent->tables_sector = ia_window_le_size(&w, 144);
    if (w.failed || sectors > VMDK_MAX_SECTORS || volatile_sector > VMDK_MAX_SECTORS ||
        directory_sector > VMDK_MAX_SECTORS || directory_sectors > VMDK_MAX_SECTORS || grains_sector > VMDK_MAX_SECTORS)
        return ia_fail(err, IA_CORRUPT, "an offset or size of the seSparse header is above 2^63 bytes");
    extent->length = sectors * VMDK_SECTOR;
    extent->directory_offset = directory_sector * VMDK_SECTOR;
    extent->directory_entries = directory_sectors * VMDK_SECTOR / ENTRY_BYTES;
    extent->first_grain = grains_sector * VMDK_SECTOR;
    extent->grain_size = GRAIN_SECTORS * VMDK_SECTOR;
    extent->table_entries = TABLE_SECTORS * VMDK_SECTOR / ENTRY_BYTES;
    extent->entry_size = ENTRY_BYTES;
    IA_TRY(check_volatile_header(source, volatile_sector * VMDK_SECTOR, err));
    return vmdk_check_tables(extent, err);
}

enum ia_status vmdk_table_offset(const struct vmdk_extent *extent, const uint8_t *entry, int64_t *offset,
                                 struct ia_error *err)
{
    if (extent->kind != VMDK_SESPARSE) {
        *offset = ia_le32(entry) * VMDK_SECTOR;
        return IA_OK;
    }
    /* The top nibble is "allocated", the low half is the table's number; nothing else has been seen. */
    uint64_t value = ia_le64(entry);
    int64_t sector = 0;
    if (value != 0 &&
        (value >> 32 != 0x10000000 ||
         !ia_add(extent->tables_sector, (int64_t)(value & UINT32_MAX) * TABLE_SECTORS, &sector) || sector > UINT32_MAX))
        return ia_fail(err, IA_CORRUPT, "seSparse grain directory entry %#jx", (uintmax_t)value);
    *offset = sector * VMDK_SECTOR;
    return IA_OK;
}

enum ia_status vmdk_sesparse_grain(const struct vmdk_extent *extent, uint64_t entry, bool *allocated, bool *zero,
                                   int64_t *offset, struct ia_error *err)
{
    uint64_t nibble = entry >> 60;
    *allocated = nibble == 3;
    *zero = nibble == 1 || nibble == 2; /* unmapped by the guest, or written with zeroes */
    *offset = IA_NO_OFFSET;
    if (entry == 0 || nibble == 2)
        return IA_OK;
    /* The grain's number: bits 48-59 are its low ones. An unmapped grain keeps its own, until it is reclaimed. */
    int64_t number = (int64_t)((entry >> 48 & 0xfff) | (entry & UINT64_C(0xffffffffffff)) << 12);
    int64_t place;
    bool fits = ia_mul(number, extent->grain_size, &place) && ia_add(place, extent->first_grain, &place);
    if (fits)
        *offset = place;
    return nibble == 1 || (*allocated && fits)
               ? IA_OK
               : ia_fail(err, IA_CORRUPT, "seSparse grain table entry %#jx", (uintmax_t)entry);
}
