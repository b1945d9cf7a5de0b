/* SPDX-License-Identifier: MIT */
/* Where a compressed cluster's bytes are: two look-ups, one entry of the L1 table and one of an L2 table. */
#include "base/bytes.h"
#include "base/checked.h"
#include "format/qcow2/internal.h"

/* An entry of a table in the file, in host byte order. */
static enum ia_status read_entry(struct ia_image *image, int64_t table, int64_t index, int64_t size, const char *what,
                                 uint64_t *entry, struct ia_error *err)
{
    uint8_t bytes[8];
    int64_t offset;
    if (!ia_add(table, index * size, &offset))
        return ia_fail(err, IA_CORRUPT, "%s entry %jd of a table at %#jx", what, (intmax_t)index, (uintmax_t)table);
    IA_TRY(ia_source_read(image->main, offset, bytes, sizeof(bytes), what, err));
    *entry = ia_be64(bytes);
    return IA_OK;
}

/* The L2 entry of a guest cluster; 0 where it has none. */
static enum ia_status find_l2_entry(struct ia_image *image, size_t mapping, int64_t cluster, uint64_t *entry,
                                    struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    const struct qcow2_l1 *l1 = qcow2_mapping_l1(image, mapping);
    int64_t per_table = q->cluster_size / q->l2_entry_size;
    int64_t index = cluster / per_table;
    *entry = 0;
    if (index >= l1->entries)
        return IA_OK;
    uint64_t l1_entry = 0;
    IA_TRY(qcow2_check_l1(q, l1, err));
    IA_TRY(read_entry(image, l1->offset, index, 8, "L1 table", &l1_entry, err));
    int64_t table = (int64_t)(l1_entry & QCOW2_OFFSET_MASK);
    if (table == 0)
        return IA_OK;
    IA_TRY(qcow2_check_l2(q, index, table, err));
    return read_entry(image, table, cluster % per_table, q->l2_entry_size, "L2 table", entry, err);
}

enum ia_status qcow2_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                     struct ia_compressed_cluster *found, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    if (mapping > image->facts.snapshots.len || at < 0 || at >= ia_image_mapping_size(image, mapping))
        return ia_fail(err, IA_BUG, "no guest byte %jd in mapping %zu", (intmax_t)at, mapping);
    uint64_t entry;
    int64_t cluster = at >> q->cluster_bits;
    IA_TRY(find_l2_entry(image, mapping, cluster, &entry, err));
    if ((entry & QCOW2_COMPRESSED) == 0)
        return ia_fail(err, IA_USAGE, "guest byte %jd is not compressed: L2 entry %#jx", (intmax_t)at,
                       (uintmax_t)entry);
    struct qcow2_compressed_bytes bytes = qcow2_decode_compressed(q, entry);
    *found = (struct ia_compressed_cluster){
        .start = cluster << q->cluster_bits,
        .length = q->cluster_size,
        .offset = bytes.offset,
        .host_length = bytes.length,
        .codec = q->zstd ? IA_CODEC_ZSTD : IA_CODEC_DEFLATE,
    };
    return IA_OK;
}
