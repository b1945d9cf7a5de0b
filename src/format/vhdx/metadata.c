/* SPDX-License-Identifier: MIT */
/* The metadata table and its items (section 2.6). All but the parent locator must be there. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/vhdx/internal.h"
#include "io/window.h"

enum { IS_REQUIRED = 4, MAX_ITEM = 1 << 20, KEEPS_BLOCKS = 1, HAS_PARENT = 2, MAX_BLOCK = 256 << 20 };

enum item_name { FILE_PARAMETERS, DISK_SIZE, DISK_ID, LOGICAL_SECTOR, PHYSICAL_SECTOR, PARENT_LOCATOR, ITEMS };

static const struct {
    const char *name;
    int64_t length; /* bytes, at least */
    uint8_t guid[VHDX_GUID_BYTES];
} known[ITEMS] = {
    [FILE_PARAMETERS] = {"file parameters",
                         8,
                         {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7,
                          0x6b}},
    [DISK_SIZE] = {"virtual disk size",
                   8,
                   {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8}},
    [DISK_ID] = {"virtual disk id",
                 16,
                 {0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46}},
    [LOGICAL_SECTOR] = {"logical sector size",
                        4,
                        {0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab,
                         0x5f}},
    [PHYSICAL_SECTOR] = {"physical sector size",
                         4,
                         {0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5,
                          0x56}},
    [PARENT_LOCATOR] = {"parent locator",
                        20,
                        {0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab,
                         0x0c}},
};

struct items {
    bool present[ITEMS];
    struct vhdx_range at[ITEMS]; /* of the file */
};

static enum ia_status decode_entry(const struct vhdx *v, struct ia_window *w, size_t at, struct items *items,
                                   struct ia_error *err)
{
    const uint8_t *guid = ia_window_bytes(w, at, VHDX_GUID_BYTES);
    int64_t offset = ia_window_le32(w, at + 16);
    int64_t length = ia_window_le32(w, at + 20);
    bool required = (ia_window_le32(w, at + 24) & IS_REQUIRED) != 0;
    for (size_t i = 0; i < ITEMS && guid != NULL; i++) {
        if (memcmp(guid, known[i].guid, VHDX_GUID_BYTES) != 0)
            continue;
        if (items->present[i])
            return ia_fail(err, IA_CORRUPT, "two metadata items '%s'", known[i].name);
        if (length < known[i].length || length > MAX_ITEM || !ia_range_inside(offset, length, v->metadata.length))
            return ia_fail(err, IA_CORRUPT, "metadata item '%s' of %jd bytes at %#jx of a region of %jd bytes",
                           known[i].name, (intmax_t)length, (uintmax_t)offset, (intmax_t)v->metadata.length);
        items->present[i] = true;
        items->at[i] = (struct vhdx_range){.start = v->metadata.start + offset, .length = length};
        return IA_OK;
    }
    if (required)
        return ia_fail(err, IA_UNSUPPORTED, "required metadata item of an unknown sort, entry %zu",
                       at / VHDX_TABLE_ENTRY);
    return IA_OK;
}

static enum ia_status find_items(struct ia_image *image, const struct vhdx *v, struct items *items,
                                 struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *table = malloc(VHDX_TABLE_BYTES);
    if (table == NULL)
        return ia_no_memory(err);
    IA_TRY(vhdx_read(image, v->metadata.start, table, VHDX_TABLE_BYTES, "metadata table", err));
    struct ia_window w = {.bytes = table, .len = VHDX_TABLE_BYTES};
    uint16_t count = ia_window_le16(&w, 10);
    if (memcmp(table, "metadata", 8) != 0)
        return ia_fail(err, IA_CORRUPT, "no metadata table at offset %#jx", (uintmax_t)v->metadata.start);
    if (count > VHDX_TABLE_ENTRIES)
        return ia_fail(err, IA_CORRUPT, "metadata table of %u entries", count);
    for (size_t i = 1; i <= count; i++)
        IA_TRY(decode_entry(v, &w, i * VHDX_TABLE_ENTRY, items, err));
    for (size_t i = 0; i < PARENT_LOCATOR; i++)
        if (!items->present[i])
            return ia_fail(err, IA_CORRUPT, "no metadata item '%s'", known[i].name);
    return IA_OK;
}

static enum ia_status read_item(struct ia_image *image, const struct items *items, enum item_name name, uint64_t *value,
                                struct ia_error *err)
{
    uint8_t bytes[8] = {0};
    size_t len = (size_t)known[name].length;
    IA_TRY(vhdx_read(image, items->at[name].start, bytes, len, known[name].name, err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    *value = ia_window_le64(&w, 0);
    return IA_OK;
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* The sizes that everything else is computed from, and the BAT's, which has to hold an entry for each block. */
static enum ia_status set_sizes(struct ia_image *image, struct vhdx *v, uint64_t block, uint64_t sector, uint64_t size,
                                struct ia_error *err)
{
    if (block < VHDX_MIB || block > MAX_BLOCK || !is_power_of_two(block))
        return ia_fail(err, IA_CORRUPT, "blocks of %ju bytes", (uintmax_t)block);
    if (sector != 512 && sector != 4096)
        return ia_fail(err, IA_CORRUPT, "logical sectors of %ju bytes", (uintmax_t)sector);
    if (size < sector || size > UINT64_C(64) << 40)
        return ia_fail(err, IA_CORRUPT, "virtual disk of %ju bytes", (uintmax_t)size);
    v->block_size = (int64_t)block;
    v->sector_size = (int64_t)sector;
    v->chunk_ratio = (INT64_C(1) << 23) * v->sector_size / v->block_size;
    image->facts.virtual_size = (int64_t)(size - size % sector);
    image->facts.cluster_size = v->block_size;
    int64_t blocks = vhdx_blocks(v, (int64_t)size);
    int64_t chunks = (blocks - 1) / v->chunk_ratio + 1;
    int64_t entries = v->has_parent ? chunks * (v->chunk_ratio + 1) : vhdx_bat_index(v, blocks - 1) + 1;
    if (entries > v->bat.length / 8)
        return ia_fail(err, IA_CORRUPT, "BAT region of %jd bytes for %jd entries", (intmax_t)v->bat.length,
                       (intmax_t)entries);
    return IA_OK;
}

enum ia_status vhdx_read_metadata(struct ia_image *image, struct vhdx *v, struct ia_error *err)
{
    struct items items = {0};
    uint64_t parameters = 0;
    uint64_t size = 0;
    uint64_t sector = 0;
    IA_TRY(find_items(image, v, &items, err));
    IA_TRY(read_item(image, &items, FILE_PARAMETERS, &parameters, err));
    IA_TRY(read_item(image, &items, DISK_SIZE, &size, err));
    IA_TRY(read_item(image, &items, LOGICAL_SECTOR, &sector, err));
    v->has_parent = (parameters >> 32 & HAS_PARENT) != 0;
    v->keeps_blocks = (parameters >> 32 & KEEPS_BLOCKS) != 0;
    if (v->has_parent != items.present[PARENT_LOCATOR])
        return ia_fail(err, IA_CORRUPT,
                       v->has_parent ? "a parent, and no parent locator" : "a parent locator, and no parent");
    IA_TRY(set_sizes(image, v, parameters & UINT32_MAX, sector, size, err));
    if (v->has_parent)
        IA_TRY(vhdx_read_locator(image, items.at[PARENT_LOCATOR].start, items.at[PARENT_LOCATOR].length, err));
    return IA_OK;
}
