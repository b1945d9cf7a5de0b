/* SPDX-License-Identifier: MIT */
/* The account of host space: the header section, the log, all regions, and the sector bitmaps of a differencing image.
 * The places of blocks are accounted for while they are mapped. */
#include "base/bytes.h"
#include "base/checked.h"
#include "format/vhdx/internal.h"

void vhdx_account_kept(struct ia_image *image, uint64_t offset, enum ia_space_use use)
{
    const struct vhdx *v = image->state;
    if (offset <= INT64_MAX && vhdx_is_free(v, (int64_t)offset, v->block_size))
        ia_image_use(image, 0, use, (int64_t)offset, v->block_size);
}

static enum ia_status account_bitmaps(struct ia_image *image, struct ia_error *err)
{
    const struct vhdx *v = image->state;
    int64_t blocks = v->has_parent ? vhdx_blocks(v, image->facts.virtual_size) : 0;
    for (int64_t block = 0; block < blocks; block += v->chunk_ratio) { /* at most 2^14 times */
        uint8_t bytes[8];
        int64_t index = vhdx_bat_index(v, block) + v->chunk_ratio;
        IA_TRY(vhdx_read(image, v->bat.start + index * 8, bytes, sizeof(bytes), "BAT", err));
        uint64_t entry = ia_le64(bytes);
        uint64_t offset = entry & VHDX_BAT_OFFSET;
        if ((entry & VHDX_BAT_STATE) == VHDX_BITMAP_PRESENT && offset <= INT64_MAX &&
            vhdx_is_free(v, (int64_t)offset, VHDX_MIB))
            ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, (int64_t)offset, VHDX_MIB, IA_SPACE_STORED);
    }
    return IA_OK;
}

enum ia_status vhdx_account(struct ia_image *image, struct ia_error *err)
{
    const struct vhdx *v = image->state;
    ia_image_use(image, 0, IA_SPACE_METADATA, 0, VHDX_MIB);
    for (size_t i = 0; i < v->taken.len; i++)
        ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, v->taken.items[i].start, v->taken.items[i].length,
                               IA_SPACE_STORED);
    return account_bitmaps(image, err);
}
