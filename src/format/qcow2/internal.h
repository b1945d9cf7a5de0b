/* SPDX-License-Identifier: MIT */
/* What the files of the qcow2 driver share. */
#ifndef IA_FORMAT_QCOW2_INTERNAL_H
#define IA_FORMAT_QCOW2_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "format/format.h"

/* "Header", "Standard Cluster Descriptor" */
#define QCOW2_MAGIC UINT32_C(0x514649fb)
#define QCOW2_OFFSET_MASK UINT64_C(0x00fffffffffffe00) /* L1 and L2 entries, bits 9-55 */
#define QCOW2_REFTABLE_MASK UINT64_C(0xfffffffffffffe00)
#define QCOW2_COPIED (UINT64_C(1) << 63)
#define QCOW2_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_ZERO UINT64_C(1)
#define QCOW2_SUBCLUSTERS 32 /* of a cluster, with extended L2 entries */

/* Incompatible features */
#define QCOW2_DIRTY (UINT64_C(1) << 0)
#define QCOW2_CORRUPT (UINT64_C(1) << 1)
#define QCOW2_DATA_FILE (UINT64_C(1) << 2)
#define QCOW2_COMPRESSION_TYPE (UINT64_C(1) << 3)
#define QCOW2_EXTENDED_L2 (UINT64_C(1) << 4)
#define QCOW2_KNOWN_FEATURES UINT64_C(0x1f)

/* Autoclear features */
#define QCOW2_BITMAPS (UINT64_C(1) << 0)
#define QCOW2_DATA_FILE_RAW (UINT64_C(1) << 1)

/* QEMU's own bounds: images beyond them cannot have been in use. */
#define QCOW2_MAX_L1_BYTES (INT64_C(32) << 20)
#define QCOW2_MAX_REFTABLE_BYTES (INT64_C(8) << 20)
#define QCOW2_MAX_SNAPSHOT_TABLE (INT64_C(64) << 20)
#define QCOW2_MAX_SNAPSHOT_EXTRA 1024
#define QCOW2_MAX_BITMAPS 65535

enum qcow2_preallocation { QCOW2_UNKNOWN, QCOW2_NOT_PREALLOCATED, QCOW2_METADATA_PREALLOCATED };

struct qcow2_l1 {
    int64_t offset; /* in the file, bytes */
    uint32_t entries;
};

/* Of a compressed cluster: to the end of the last sector that it reaches into. */
struct qcow2_compressed_bytes {
    int64_t offset;
    int64_t length;
};

struct qcow2_bitmaps {
    uint32_t count;
    int64_t directory_size;
    int64_t directory_offset;
};

struct qcow2 {
    uint32_t version;
    uint32_t cluster_bits;
    int64_t cluster_size;
    uint32_t l2_entry_size; /* 8, or 16 with extended L2 entries */
    uint64_t incompatible, autoclear;
    uint32_t header_length;
    uint32_t crypt_method;
    bool zstd;               /* compressed clusters are; else deflate */
    uint32_t refcount_order; /* log2 of the bits of a refcount */
    int64_t reftable_offset;
    int64_t reftable_entries;
    int64_t snapshots_offset;
    uint32_t snapshot_count;
    int64_t snapshot_table_bytes;
    struct qcow2_l1 active;
    struct qcow2_l1 *snapshot_l1; /* owned; one for each of facts.snapshots */
    struct qcow2_bitmaps bitmaps; /* count 0: none, or not consistent */
    int64_t crypto_header_offset;
    int64_t crypto_header_bytes;
    char *data_file_name; /* owned; NULL: not stated */
    enum qcow2_preallocation preallocation;
    int64_t table_bytes; /* L2 tables read so far, for all mappings */
};

static inline bool qcow2_is_aligned(const struct qcow2 *q, int64_t offset)
{
    return (offset & (q->cluster_size - 1)) == 0;
}

static inline int64_t qcow2_clusters(const struct qcow2 *q, int64_t bytes)
{
    return (bytes >> q->cluster_bits) + ((bytes & (q->cluster_size - 1)) != 0);
}

/* Tables that are all there fit into the file. Entries that name one table again and again, or tables past the end,
 * would cost far more than the file is long: past this bound they are refused. The slack is for truncated files. */
static inline int64_t qcow2_table_bound(const struct ia_image *image, int64_t times)
{
    int64_t slack = INT64_C(8) << 20;
    int64_t size = ia_source_most_bytes(image->main);
    return size > (INT64_MAX - slack) / times ? INT64_MAX : times * size + slack;
}

/* Guest bytes that one L2 table covers: at most 2^21 * 2^18. */
static inline int64_t qcow2_l2_span(const struct qcow2 *q)
{
    return q->cluster_size / q->l2_entry_size * q->cluster_size;
}

/* "Compressed Clusters Descriptor" */
static inline struct qcow2_compressed_bytes qcow2_decode_compressed(const struct qcow2 *q, uint64_t entry)
{
    uint32_t count_bits = q->cluster_bits - 8;
    uint32_t offset_bits = 62 - count_bits;
    int64_t more = (int64_t)(entry >> offset_bits & ((UINT64_C(1) << count_bits) - 1));
    int64_t offset = (int64_t)(entry & ((UINT64_C(1) << offset_bits) - 1));
    return (struct qcow2_compressed_bytes){.offset = offset, .length = (more + 1) * 512 - (offset & 511)};
}

/* Refcount number `index` of a block, 2^order bits each, is not zero ("Refcount block entry"). */
static inline bool qcow2_is_counted(const uint8_t *block, int64_t index, uint32_t order)
{
    if (order < 3) {
        int64_t bit = index << order;
        return (block[bit / 8] >> (bit % 8) & ((1U << (1U << order)) - 1)) != 0;
    }
    size_t width = (size_t)1 << (order - 3);
    uint8_t any = 0;
    for (size_t i = 0; i < width; i++)
        any |= block[(size_t)index * width + i];
    return any != 0;
}

/* header.c */
IA_MUST_CHECK enum ia_status qcow2_read_header(struct ia_image *image, struct qcow2 *q, struct ia_error *err);
/* Offset and length of a table are within QEMU's bounds and aligned. */
IA_MUST_CHECK enum ia_status qcow2_check_table(const struct qcow2 *q, const char *what, int64_t offset, int64_t entries,
                                               int64_t entry_size, int64_t max_bytes, struct ia_error *err);
/* extensions.c */
IA_MUST_CHECK enum ia_status qcow2_read_extensions(struct ia_image *image, struct qcow2 *q, int64_t end,
                                                   struct ia_error *err);
/* snapshots.c */
IA_MUST_CHECK enum ia_status qcow2_read_snapshots(struct ia_image *image, struct qcow2 *q, struct ia_error *err);

/* tables.c: reads an L1 table into host byte order; *out is owned by the caller, NULL for an empty one. */
IA_MUST_CHECK enum ia_status qcow2_read_l1(struct ia_image *image, const struct qcow2_l1 *l1, uint64_t **out,
                                           struct ia_error *err);
IA_MUST_CHECK enum ia_status qcow2_read_reftable(struct ia_image *image, uint64_t **out, struct ia_error *err);
IA_MUST_CHECK enum ia_status qcow2_check_l1(const struct qcow2 *q, const struct qcow2_l1 *l1, struct ia_error *err);
/* L2 table number `index` may lie at `table`. */
IA_MUST_CHECK enum ia_status qcow2_check_l2(const struct qcow2 *q, int64_t index, int64_t table, struct ia_error *err);
const struct qcow2_l1 *qcow2_mapping_l1(const struct ia_image *image, size_t mapping);

/* refcounts.c: QEMU's guess whether metadata was preallocated, on which it looks for holes of the host file. */
bool qcow2_is_preallocated(struct ia_image *image);

/* account.c */
IA_MUST_CHECK enum ia_status qcow2_claim(struct ia_image *image, struct ia_error *err);
/* clusters.c: accounts for all clusters of the main file that `bytes` from offset on reach into; conflicts as for
 * ia_image_use_exclusive. */
void qcow2_claim_clusters(struct ia_image *image, enum ia_space_use use, int64_t offset, int64_t bytes,
                          unsigned conflicts);
/* bitmaps.c */
IA_MUST_CHECK enum ia_status qcow2_claim_bitmaps(struct ia_image *image, struct ia_error *err);
/* leaks.c: `table` is the refcount table. */
IA_MUST_CHECK enum ia_status qcow2_claim_counted(struct ia_image *image, const uint64_t *table, struct ia_error *err);

/* map.c: a mapping that is being read, the cursor's state. */
struct qcow2_map {
    const struct qcow2 *q;
    uint64_t *l1;
    int64_t l1_entries;
    int64_t cluster;  /* next guest cluster to decode */
    int64_t clusters; /* guest clusters of the range */
    uint8_t *buffer;
    size_t buffer_size;
    int64_t expected;    /* the first entry of the L1 table whose L2 table was not announced */
    int64_t table_bytes; /* read so far, against the limit */
    bool look_for_holes;
    bool data_file;
    bool is_empty; /* the table in question, as far as it was read from its first entry on */
};

IA_MUST_CHECK enum ia_status qcow2_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status qcow2_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void qcow2_map_end(struct ia_cursor *cursor);
/* entries.c: pushes the runs of entries of L2 tables. The first is of the cluster at guest offset `guest`. */
IA_MUST_CHECK enum ia_status qcow2_push_entries(struct ia_cursor *cursor, const uint8_t *entries, int64_t count,
                                                int64_t guest, struct ia_error *err);

/* compressed.c */
IA_MUST_CHECK enum ia_status qcow2_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                                   struct ia_compressed_cluster *found, struct ia_error *err);

#endif
