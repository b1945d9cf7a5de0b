/* SPDX-License-Identifier: MIT */
/* Host bytes of header, catalog and bitmaps. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/bochs/internal.h"

enum { CHUNK_ENTRIES = 16384 };

enum ia_status bochs_measure(struct ia_image *image, struct ia_error *err)
{
    const struct bochs *bochs = image->state;
    IA_AUTO_FREE uint8_t *entries = malloc(CHUNK_ENTRIES * BOCHS_ENTRY_BYTES);
    if (entries == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    int64_t bitmaps = 0;
    for (int64_t at = 0; at < bochs->extents; at += CHUNK_ENTRIES) { /* at most BOCHS_MAX_ENTRIES */
        int64_t count = ia_min(bochs->extents - at, CHUNK_ENTRIES);
        enum ia_status status = ia_source_read(image->main, bochs->catalog_offset + at * BOCHS_ENTRY_BYTES, entries,
                                               (size_t)count * BOCHS_ENTRY_BYTES, "catalog", err);
        if (status != IA_OK)
            return status;
        for (int64_t i = 0; i < count; i++) {
            uint32_t entry = ia_le32(entries + i * BOCHS_ENTRY_BYTES);
            bitmaps += entry != BOCHS_FREE && bochs_extent_offset(bochs, entry) < image->main->size;
        }
    }
    image->facts.metadata_bytes = bochs->data_offset + bitmaps * bochs->bitmap_size;
    return IA_OK;
}
