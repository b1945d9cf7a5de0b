/* SPDX-License-Identifier: MIT */
/* Host bytes of a qcow2 file that are metadata: header, L1 and L2 tables of the active mapping and of every snapshot,
 * refcount table and blocks, snapshot table, bitmaps, encryption header. A table that two mappings share counts once.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/offsets.h"
#include "format/qcow2/internal.h"
#include "io/window.h"

enum { BITMAP_ENTRY = 24 };

static enum ia_status gather(struct ia_offsets *offsets, const uint64_t *table, int64_t entries, uint64_t mask,
                             struct ia_error *err)
{
    for (int64_t i = 0; i < entries; i++) {
        if ((table[i] & mask) == 0)
            continue;
        enum ia_status status = ia_offsets_add(offsets, table[i] & mask, err);
        if (status != IA_OK)
            return status;
    }
    return IA_OK;
}

static enum ia_status gather_l1(struct ia_image *image, size_t mapping, struct ia_offsets *offsets,
                                struct ia_error *err)
{
    const struct qcow2_l1 *l1 = qcow2_mapping_l1(image, mapping);
    uint64_t *table = NULL;
    enum ia_status status = qcow2_read_l1(image, l1, &table, err);
    if (status == IA_OK)
        status = gather(offsets, table, l1->entries, QCOW2_OFFSET_MASK, err);
    free(table);
    return status;
}

static enum ia_status measure_mappings(struct ia_image *image, int64_t *clusters, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    struct ia_offsets offsets = {0};
    enum ia_status status = IA_OK;
    for (size_t i = 0; status == IA_OK && i <= image->facts.snapshots.len; i++) {
        *clusters += qcow2_clusters(q, (int64_t)qcow2_mapping_l1(image, i)->entries * 8);
        status = gather_l1(image, i, &offsets, err);
    }
    *clusters += ia_offsets_count(&offsets);
    ia_offsets_release(&offsets);
    return status;
}

static enum ia_status measure_refcounts(struct ia_image *image, int64_t *clusters, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    struct ia_offsets offsets = {0};
    uint64_t *table = NULL;
    enum ia_status status = qcow2_read_reftable(image, &table, err);
    if (status == IA_OK)
        status = gather(&offsets, table, q->reftable_entries, QCOW2_REFTABLE_MASK, err);
    *clusters += qcow2_clusters(q, q->reftable_entries * 8) + ia_offsets_count(&offsets);
    ia_offsets_release(&offsets);
    free(table);
    return status;
}

/* One bitmap: its table, and the clusters that the table names ("Bitmap table"). */
static enum ia_status measure_bitmap(struct ia_image *image, int64_t offset, int64_t entries, int64_t *left,
                                     int64_t *clusters, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    *left -= entries * 8;
    if (*left < 0 || !qcow2_is_aligned(q, offset))
        return ia_fail(err, IA_CORRUPT, "bitmap table of %jd entries at %#jx", (intmax_t)entries, (uintmax_t)offset);
    *clusters += qcow2_clusters(q, entries * 8);
    uint8_t chunk[4096];
    for (int64_t done = 0; done < entries * 8; done += (int64_t)sizeof(chunk)) {
        size_t len = (size_t)ia_min((int64_t)sizeof(chunk), entries * 8 - done);
        enum ia_status status = ia_source_read(image->main, offset + done, chunk, len, "bitmap table", err);
        if (status != IA_OK)
            return status;
        for (size_t i = 0; i < len; i += 8)
            *clusters += (ia_be64(chunk + i) & QCOW2_OFFSET_MASK) != 0;
    }
    return IA_OK;
}

static enum ia_status measure_bitmaps(struct ia_image *image, int64_t *clusters, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    const struct qcow2_bitmaps *bitmaps = &q->bitmaps;
    if (bitmaps->count == 0)
        return IA_OK;
    *clusters += qcow2_clusters(q, bitmaps->directory_size);
    int64_t at = 0;
    int64_t left = qcow2_table_bound(image, 1);
    for (uint32_t i = 0; i < bitmaps->count; i++) {
        uint8_t bytes[BITMAP_ENTRY];
        if (!ia_range_inside(at, BITMAP_ENTRY, bitmaps->directory_size))
            return ia_fail(err, IA_CORRUPT, "bitmap directory of %jd bytes", (intmax_t)bitmaps->directory_size);
        enum ia_status status =
            ia_source_read(image->main, bitmaps->directory_offset + at, bytes, sizeof(bytes), "bitmap directory", err);
        if (status != IA_OK)
            return status;
        struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
        int64_t table = ia_window_be_size(&w, 0);
        int64_t entries = ia_window_be32(&w, 8);
        int64_t tail = ia_window_be16(&w, 18) + (int64_t)ia_window_be32(&w, 20); /* name, extra data */
        if (w.failed)
            return ia_fail(err, IA_CORRUPT, "bitmap %u: table offset above 2^63 - 1", i);
        status = measure_bitmap(image, table, entries, &left, clusters, err);
        if (status != IA_OK)
            return status;
        at += ia_round_up(BITMAP_ENTRY + tail, 8);
    }
    return IA_OK;
}

enum ia_status qcow2_measure(struct ia_image *image, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    int64_t clusters = 1 + qcow2_clusters(q, q->snapshot_table_bytes) + qcow2_clusters(q, q->crypto_header_bytes);
    enum ia_status status = measure_mappings(image, &clusters, err);
    if (status == IA_OK)
        status = measure_refcounts(image, &clusters, err);
    if (status == IA_OK)
        status = measure_bitmaps(image, &clusters, err);
    if (status == IA_OK && !ia_mul(clusters, q->cluster_size, &image->facts.metadata_bytes))
        status = ia_fail(err, IA_CORRUPT, "metadata of %jd clusters", (intmax_t)clusters);
    return status;
}
