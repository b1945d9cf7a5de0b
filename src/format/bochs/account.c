/* SPDX-License-Identifier: MIT */
/* The account of host space. Extents of the disk are accounted for while they are mapped; here the header, the catalog,
 * and the extents that the catalog has past the disk's end. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/bochs/internal.h"

enum { CHUNK_ENTRIES = 16384 };

void bochs_account_extent(struct ia_image *image, int64_t offset)
{
    const struct bochs *bochs = image->state;
    ia_image_use(image, 0, IA_SPACE_METADATA, offset, bochs->bitmap_size);
    ia_image_use(image, 0, IA_SPACE_UNALLOCATED, offset + bochs->bitmap_size, bochs->extent_size);
}

/* Ends with the catalog, of BOCHS_MAX_ENTRIES at most, or with the file. */
static enum ia_status account_past_end(struct ia_image *image, struct ia_error *err)
{
    const struct bochs *bochs = image->state;
    int64_t end = ia_min(bochs->data_offset, image->main->size);
    int64_t entries = ia_max(end - bochs->catalog_offset, 0) / BOCHS_ENTRY_BYTES;
    IA_AUTO_FREE uint8_t *chunk = malloc(CHUNK_ENTRIES * BOCHS_ENTRY_BYTES);
    if (chunk == NULL)
        return ia_no_memory(err);
    for (int64_t at = bochs->extents; at < entries; at += CHUNK_ENTRIES) {
        int64_t count = ia_min(entries - at, CHUNK_ENTRIES);
        IA_TRY(ia_source_read(image->main, bochs->catalog_offset + at * BOCHS_ENTRY_BYTES, chunk,
                              (size_t)count * BOCHS_ENTRY_BYTES, "catalog", err));
        for (int64_t i = 0; i < count; i++) {
            uint32_t entry = ia_le32(chunk + i * BOCHS_ENTRY_BYTES);
            if (entry != BOCHS_FREE && bochs_extent_offset(bochs, entry) < image->main->size)
                bochs_account_extent(image, bochs_extent_offset(bochs, entry));
        }
    }
    return IA_OK;
}

enum ia_status bochs_account(struct ia_image *image, struct ia_error *err)
{
    const struct bochs *bochs = image->state;
    ia_image_use(image, 0, IA_SPACE_METADATA, 0, bochs->data_offset);
    return account_past_end(image, err);
}
