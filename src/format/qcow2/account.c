/* SPDX-License-Identifier: MIT */
/* What the clusters of a qcow2 file are for besides the extents of its mappings: header, L1 and L2 tables of the active
 * mapping and of every snapshot, refcount table and blocks, snapshot table, encryption header; and what the tables name
 * past the end of the disk, which is where QEMU keeps a snapshot's machine state. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/qcow2/internal.h"

enum { CHUNK_BYTES = 64 * 1024 };

/* Something that nothing else shares: all structures but the L2 tables that snapshots have in common. */
static void account_structure(struct ia_image *image, int64_t offset, int64_t bytes)
{
    qcow2_claim_clusters(image, IA_SPACE_METADATA, offset, bytes, IA_SPACE_TAKEN);
}

/* The tables that a table of offsets names, a cluster each. One that is not aligned is no table: refused elsewhere. */
static void account_named(struct ia_image *image, const uint64_t *table, int64_t entries, uint64_t mask,
                          unsigned conflicts)
{
    const struct qcow2 *q = image->state;
    for (int64_t i = 0; i < entries; i++) {
        uint64_t offset = table[i] & mask;
        if (offset != 0 && offset <= INT64_MAX)
            qcow2_claim_clusters(image, IA_SPACE_METADATA, (int64_t)offset, q->cluster_size,
                                 qcow2_is_aligned(q, (int64_t)offset) ? conflicts : 0);
    }
}

static enum ia_status account_refcounts(struct ia_image *image, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    IA_AUTO_FREE uint64_t *table = NULL;
    IA_TRY(qcow2_read_reftable(image, &table, err));
    account_structure(image, q->reftable_offset, q->reftable_entries * 8);
    account_named(image, table, q->reftable_entries, QCOW2_REFTABLE_MASK, IA_SPACE_TAKEN);
    return qcow2_claim_counted(image, table, err);
}

/* The host cluster of an L2 entry past the end of a mapping, or the clusters that its compressed bytes reach into. */
static void account_entry(struct ia_image *image, enum ia_space_use use, uint64_t entry)
{
    const struct qcow2 *q = image->state;
    bool data_file = image->facts.parts.len > 0;
    int64_t host = (int64_t)(entry & QCOW2_OFFSET_MASK);
    if ((entry & QCOW2_COMPRESSED) != 0) {
        struct qcow2_compressed_bytes bytes = qcow2_decode_compressed(q, entry);
        qcow2_claim_clusters(image, use, bytes.offset, bytes.length, IA_SPACE_STRUCTURE);
    } else if (host != 0 || (data_file && (entry & QCOW2_COPIED) != 0)) {
        ia_image_use_exclusive(image, data_file ? 1 : 0, use, host, q->cluster_size, IA_SPACE_STRUCTURE);
    }
}

/* Entries number first..end-1 of an L2 table. */
static enum ia_status account_entries(struct ia_image *image, enum ia_space_use use, int64_t table, int64_t first,
                                      int64_t end, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    int64_t per_chunk = CHUNK_BYTES / q->l2_entry_size;
    IA_AUTO_FREE uint8_t *chunk = malloc(CHUNK_BYTES);
    if (chunk == NULL)
        return ia_no_memory(err);
    for (int64_t at = first; at < end; at += per_chunk) {
        int64_t count = ia_min(per_chunk, end - at);
        IA_TRY(ia_source_read(image->main, table + at * q->l2_entry_size, chunk, (size_t)(count * q->l2_entry_size),
                              "L2 table", err));
        for (int64_t i = 0; i < count; i++)
            account_entry(image, use, ia_be64(chunk + i * q->l2_entry_size));
    }
    return IA_OK;
}

/* What a mapping names past its end. There a snapshot has its machine state; the active mapping maps nothing
 * there, but what it names is not free. */
static enum ia_status account_beyond(struct ia_image *image, size_t mapping, const uint64_t *l1, struct ia_error *err)
{
    struct qcow2 *q = image->state;
    enum ia_space_use use = mapping > 0 ? IA_SPACE_SNAPSHOT : IA_SPACE_UNALLOCATED;
    int64_t per_table = q->cluster_size / q->l2_entry_size;
    int64_t cluster = qcow2_clusters(q, ia_image_mapping_size(image, mapping));
    int64_t left = qcow2_table_bound(image, 4);
    int64_t entries = qcow2_mapping_l1(image, mapping)->entries;
    for (int64_t i = cluster / per_table; i < entries; i++) {
        int64_t table = (int64_t)(l1[i] & QCOW2_OFFSET_MASK);
        int64_t first = ia_max(cluster - i * per_table, 0);
        if (table == 0)
            continue;
        int64_t bytes = (per_table - first) * q->l2_entry_size;
        left -= bytes;
        q->table_bytes += bytes;
        if (left < 0 || q->table_bytes > image->limits->max_table_bytes)
            return ia_fail(err, IA_LIMIT, "too many L2 tables past the end of the disk");
        IA_TRY(qcow2_check_l2(q, i, table, err));
        IA_TRY(account_entries(image, use, table, first, per_table, err));
    }
    return IA_OK;
}

static enum ia_status account_mapping(struct ia_image *image, size_t mapping, struct ia_error *err)
{
    const struct qcow2_l1 *l1 = qcow2_mapping_l1(image, mapping);
    IA_AUTO_FREE uint64_t *table = NULL;
    IA_TRY(qcow2_read_l1(image, l1, &table, err));
    unsigned shared = mapping > 0 ? IA_SPACE_BIT(IA_SPACE_METADATA) : 0; /* with L2 tables of mappings before */
    account_structure(image, l1->offset, (int64_t)l1->entries * 8);
    account_named(image, table, l1->entries, QCOW2_OFFSET_MASK, IA_SPACE_TAKEN & ~shared);
    return account_beyond(image, mapping, table, err);
}

enum ia_status qcow2_claim(struct ia_image *image, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    if (q->crypto_header_bytes > qcow2_table_bound(image, 1))
        return ia_fail(err, IA_CORRUPT, "encryption header of %jd bytes", (intmax_t)q->crypto_header_bytes);
    account_structure(image, 0, q->cluster_size);
    account_structure(image, q->snapshots_offset, q->snapshot_table_bytes);
    account_structure(image, q->crypto_header_offset, q->crypto_header_bytes);
    for (size_t i = 0; i <= image->facts.snapshots.len; i++)
        IA_TRY(account_mapping(image, i, err));
    IA_TRY(account_refcounts(image, err));
    return qcow2_claim_bitmaps(image, err);
}
