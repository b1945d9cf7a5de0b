/* SPDX-License-Identifier: MIT */
/* The clusters of dirty bitmaps ("Bitmap directory", "Bitmap table"): directory, tables, and the bits that they name.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "format/qcow2/internal.h"
#include "io/window.h"

enum { BITMAP_ENTRY = 24 };

static void account_bits(struct ia_image *image, const uint8_t *entries, size_t len)
{
    const struct qcow2 *q = image->state;
    for (size_t i = 0; i < len; i += 8) {
        int64_t offset = (int64_t)(ia_be64(entries + i) & QCOW2_OFFSET_MASK);
        if (offset != 0)
            qcow2_claim_clusters(image, IA_SPACE_BITMAP, offset, q->cluster_size, IA_SPACE_TAKEN);
    }
}

static enum ia_status account_table(struct ia_image *image, int64_t offset, int64_t entries, int64_t *left,
                                    struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    *left -= entries * 8;
    if (*left < 0 || !qcow2_is_aligned(q, offset))
        return ia_fail(err, IA_CORRUPT, "bitmap table of %jd entries at %#jx", (intmax_t)entries, (uintmax_t)offset);
    qcow2_claim_clusters(image, IA_SPACE_BITMAP, offset, entries * 8, IA_SPACE_TAKEN);
    uint8_t chunk[4096];
    for (int64_t done = 0; done < entries * 8; done += (int64_t)sizeof(chunk)) {
        size_t len = (size_t)ia_min((int64_t)sizeof(chunk), entries * 8 - done);
        IA_TRY(ia_source_read(image->main, offset + done, chunk, len, "bitmap table", err));
        account_bits(image, chunk, len);
    }
    return IA_OK;
}

enum ia_status qcow2_claim_bitmaps(struct ia_image *image, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    const struct qcow2_bitmaps *bitmaps = &q->bitmaps;
    if (bitmaps->count == 0)
        return IA_OK;
    qcow2_claim_clusters(image, IA_SPACE_BITMAP, bitmaps->directory_offset, bitmaps->directory_size, IA_SPACE_TAKEN);
    int64_t at = 0;
    int64_t left = qcow2_table_bound(image, 1);
    for (uint32_t i = 0; i < bitmaps->count; i++) {
        uint8_t bytes[BITMAP_ENTRY];
        if (!ia_range_inside(at, BITMAP_ENTRY, bitmaps->directory_size))
            return ia_fail(err, IA_CORRUPT, "bitmap directory of %jd bytes", (intmax_t)bitmaps->directory_size);
        IA_TRY(
            ia_source_read(image->main, bitmaps->directory_offset + at, bytes, sizeof(bytes), "bitmap directory", err));
        struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
        int64_t table = ia_window_be_size(&w, 0);
        int64_t entries = ia_window_be32(&w, 8);
        int64_t tail = ia_window_be16(&w, 18) + (int64_t)ia_window_be32(&w, 20); /* name, extra data */
        if (w.failed)
            return ia_fail(err, IA_CORRUPT, "bitmap %u: table offset above 2^63 - 1", i);
        IA_TRY(account_table(image, table, entries, &left, err));
        at += ia_round_up(BITMAP_ENTRY + tail, 8);
    }
    return IA_OK;
}
