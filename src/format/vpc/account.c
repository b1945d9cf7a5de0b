/* SPDX-License-Identifier: MIT */
/* The account of host space. Blocks of the disk are accounted for while they are mapped; here all else, and the blocks
 * that the BAT has past the disk's end: a size by geometry may be less than what the table has entries for. */
#include <string.h>

#include "base/bytes.h"
#include "format/vpc/internal.h"

enum { CHUNK_ENTRIES = 1024 };

void vpc_account_block(struct ia_image *image, int64_t host)
{
    const struct vpc *v = image->state;
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, host, v->bitmap_size, IA_SPACE_STORED);
    ia_image_use(image, 0, IA_SPACE_UNALLOCATED, host + v->bitmap_size, v->block_size);
}

/* The table ends inside the file (header.c). */
static enum ia_status account_past_end(struct ia_image *image, struct ia_error *err)
{
    const struct vpc *v = image->state;
    for (int64_t first = vpc_blocks(image); first < v->bat_entries; first += CHUNK_ENTRIES) {
        uint8_t chunk[CHUNK_ENTRIES * 4];
        int64_t count = ia_min(CHUNK_ENTRIES, v->bat_entries - first);
        IA_TRY(vpc_read_bat(image, first, count, chunk, err));
        for (int64_t i = 0; i < count; i++) {
            uint32_t entry = ia_be32(chunk + i * 4);
            if (entry != VPC_UNALLOCATED && (int64_t)entry * VPC_SECTOR < image->main->size)
                vpc_account_block(image, (int64_t)entry * VPC_SECTOR);
        }
    }
    return IA_OK;
}

/* What Xen keeps behind the BAT: a sector with the place of a bitmap of full blocks, and its number of sectors. */
static enum ia_status account_batmap(struct ia_image *image, struct ia_error *err)
{
    const struct vpc *v = image->state;
    uint8_t header[VPC_SECTOR];
    int64_t at = v->bat_offset + ia_round_up(v->bat_entries * 4, VPC_SECTOR);
    if (!ia_range_inside(at, VPC_SECTOR, image->main->size))
        return IA_OK;
    IA_TRY(ia_source_read(image->main, at, header, sizeof(header), "batmap header", err));
    if (memcmp(header, "tdbatmap", 8) != 0)
        return IA_OK;
    uint64_t offset = ia_be64(header + 8);
    int64_t bytes = (int64_t)ia_be32(header + 16) * VPC_SECTOR;
    ia_image_use(image, 0, IA_SPACE_METADATA, at, VPC_SECTOR);
    if (offset <= INT64_MAX && ia_range_inside((int64_t)offset, bytes, image->main->size))
        ia_image_use(image, 0, IA_SPACE_METADATA, (int64_t)offset, bytes);
    return IA_OK;
}

/* A file that was cut, or still grows, has none at its end. Its last sector may be a byte short, see footer.c. */
static enum ia_status account_last_footer(struct ia_image *image, struct ia_error *err)
{
    uint8_t cookie[8];
    int64_t at = ia_round_up(image->main->size, VPC_SECTOR) - VPC_FOOTER_BYTES;
    if (image->main->size - at < (int64_t)sizeof(cookie))
        return IA_OK;
    IA_TRY(ia_source_read(image->main, at, cookie, sizeof(cookie), "VHD footer", err));
    if (vpc_has_cookie(cookie))
        ia_image_use(image, 0, IA_SPACE_METADATA, at, VPC_FOOTER_BYTES);
    return IA_OK;
}

enum ia_status vpc_account(struct ia_image *image, struct ia_error *err)
{
    const struct vpc *v = image->state;
    ia_image_use(image, 0, IA_SPACE_METADATA, v->footer_offset, VPC_FOOTER_BYTES);
    if (v->type == VPC_FIXED)
        return IA_OK;
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, (int64_t)v->header_offset, VPC_HEADER_BYTES, IA_SPACE_STORED);
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, v->bat_offset, v->bat_entries * 4, IA_SPACE_STORED);
    for (size_t i = 0; i < VPC_LOCATORS; i++)
        ia_image_use(image, 0, IA_SPACE_METADATA, v->locators[i].offset, v->locators[i].length);
    IA_TRY(account_last_footer(image, err));
    IA_TRY(account_batmap(image, err));
    return account_past_end(image, err);
}
