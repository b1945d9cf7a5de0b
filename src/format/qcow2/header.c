/* SPDX-License-Identifier: MIT */
/* The qcow2 header ("Header" and "Additional fields" of the specification). What QEMU refuses to open is refused here.
 */
#include <stdio.h>

#include "base/checked.h"
#include "format/qcow2/internal.h"
#include "io/window.h"

enum { V2_LENGTH = 72, V3_LENGTH = 104, READ_LENGTH = 112, MAX_BACKING_NAME = 1023 };

struct fields {
    int64_t size;
    int64_t backing_offset;
    uint32_t backing_length;
    uint8_t compression_type;
};

static enum ia_status check_sizes(struct qcow2 *q, struct ia_error *err)
{
    if (q->version < 2 || q->version > 3)
        return ia_fail(err, IA_UNSUPPORTED, "qcow2 version %u", q->version);
    if (q->cluster_bits < 9 || q->cluster_bits > 21)
        return ia_fail(err, IA_UNSUPPORTED, "cluster size of 2^%u bytes", q->cluster_bits);
    q->cluster_size = INT64_C(1) << q->cluster_bits;
    return IA_OK;
}

static enum ia_status decode_v3(struct ia_window *w, struct qcow2 *q, struct fields *f, struct ia_error *err)
{
    if (q->version == 2) {
        q->header_length = V2_LENGTH;
        q->refcount_order = 4;
        return IA_OK;
    }
    q->incompatible = ia_window_be64(w, 72);
    q->autoclear = ia_window_be64(w, 88);
    q->refcount_order = ia_window_be32(w, 96);
    q->header_length = ia_window_be32(w, 100);
    if (q->header_length < V3_LENGTH || q->header_length > q->cluster_size)
        return ia_fail(err, IA_CORRUPT, "header length %u", q->header_length);
    f->compression_type = q->header_length > V3_LENGTH ? ia_window_u8(w, 104) : 0;
    q->zstd = f->compression_type == 1;
    return IA_OK;
}

static enum ia_status check_features(const struct qcow2 *q, const struct fields *f, struct ia_error *err)
{
    bool typed = (q->incompatible & QCOW2_COMPRESSION_TYPE) != 0;
    if (f->compression_type > 1)
        return ia_fail(err, IA_UNSUPPORTED, "compression type %u", f->compression_type);
    if (typed != (f->compression_type != 0))
        return ia_fail(err, IA_CORRUPT, "compression type %u contradicts its feature bit", f->compression_type);
    uint64_t unknown = q->incompatible & ~QCOW2_KNOWN_FEATURES;
    if (unknown != 0)
        return ia_fail(err, IA_UNSUPPORTED, "unknown incompatible features %#jx", (uintmax_t)unknown);
    if ((q->incompatible & QCOW2_EXTENDED_L2) != 0 && q->cluster_bits < 14)
        return ia_fail(err, IA_CORRUPT, "extended L2 entries with clusters of 2^%u bytes", q->cluster_bits);
    if (q->refcount_order > 6)
        return ia_fail(err, IA_CORRUPT, "refcounts of 2^%u bits", q->refcount_order);
    if (q->crypt_method > 2)
        return ia_fail(err, IA_UNSUPPORTED, "encryption method %u", q->crypt_method);
    if ((q->autoclear & QCOW2_DATA_FILE_RAW) != 0 && (q->incompatible & QCOW2_DATA_FILE) == 0)
        return ia_fail(err, IA_CORRUPT, "raw external data without a data file");
    return IA_OK;
}

enum ia_status qcow2_check_table(const struct qcow2 *q, const char *what, int64_t offset, int64_t entries,
                                 int64_t entry_size, int64_t max_bytes, struct ia_error *err)
{
    if (entries > max_bytes / entry_size)
        return ia_fail(err, IA_CORRUPT, "%s too large: %jd entries", what, (intmax_t)entries);
    if (offset > INT64_MAX - entries * entry_size || !qcow2_is_aligned(q, offset))
        return ia_fail(err, IA_CORRUPT, "%s at bad offset %#jx", what, (uintmax_t)offset);
    return IA_OK;
}

static enum ia_status check_tables(struct qcow2 *q, uint32_t reftable_clusters, int64_t size, struct ia_error *err)
{
    if (reftable_clusters == 0)
        return ia_fail(err, IA_CORRUPT, "no refcount table");
    IA_TRY(qcow2_check_table(q, "refcount table", q->reftable_offset, reftable_clusters, q->cluster_size,
                             QCOW2_MAX_REFTABLE_BYTES, err));
    IA_TRY(
        qcow2_check_table(q, "snapshot table", q->snapshots_offset, q->snapshot_count, 40, INT64_C(40) * 65536, err));
    IA_TRY(qcow2_check_table(q, "active L1 table", q->active.offset, q->active.entries, 8, QCOW2_MAX_L1_BYTES, err));
    q->reftable_entries = reftable_clusters * (q->cluster_size / 8);
    int64_t span = qcow2_l2_span(q);
    if (size / span + (size % span != 0) > q->active.entries)
        return ia_fail(err, IA_CORRUPT, "active L1 table of %u entries is too small for %jd bytes", q->active.entries,
                       (intmax_t)size);
    return IA_OK;
}

static enum ia_status read_backing_name(struct ia_image *image, const struct qcow2 *q, const struct fields *f,
                                        struct ia_error *err)
{
    if (f->backing_offset == 0)
        return IA_OK;
    if (f->backing_length > ia_min(MAX_BACKING_NAME, q->cluster_size - f->backing_offset))
        return ia_fail(err, IA_CORRUPT, "backing file name of %u bytes", f->backing_length);
    return ia_image_read_backing_name(image, f->backing_offset, f->backing_length, err);
}

static void describe(struct ia_image *image, const struct qcow2 *q, const struct fields *f)
{
    struct ia_image_facts *facts = &image->facts;
    snprintf(facts->variant, sizeof(facts->variant), "v%u%s%s%s%s%s", q->version, q->zstd ? " zstd" : "",
             q->l2_entry_size == 16 ? " extended-l2" : "",
             (q->incompatible & QCOW2_DATA_FILE) == 0    ? ""
             : (q->autoclear & QCOW2_DATA_FILE_RAW) != 0 ? " data-file-raw"
                                                         : " data-file",
             q->crypt_method == 1 ? " aes" : "", q->crypt_method == 2 ? " luks" : "");
    facts->version = (int)q->version;
    facts->has_data_file = (q->incompatible & QCOW2_DATA_FILE) != 0;
    facts->extended_l2 = q->l2_entry_size == 16;
    facts->compression = q->zstd ? "zstd" : "zlib";
    facts->virtual_size = f->size / 512 * 512;
    facts->cluster_size = q->cluster_size;
    facts->encrypted = q->crypt_method != 0;
    facts->dirty = (q->incompatible & QCOW2_DIRTY) != 0;
    facts->marked_corrupt = (q->incompatible & QCOW2_CORRUPT) != 0;
}

enum ia_status qcow2_read_header(struct ia_image *image, struct qcow2 *q, struct ia_error *err)
{
    uint8_t bytes[READ_LENGTH];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "qcow2 header", err));
    /* A v2 image may be shorter than a v3 header: only what the version has counts as truncation. */
    image->main->beyond_end = image->main->size < V2_LENGTH;

    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    struct fields f = {0};
    if (ia_window_be32(&w, 0) != QCOW2_MAGIC)
        return ia_fail(err, IA_NOT_MINE, "no qcow2 magic");
    q->version = ia_window_be32(&w, 4);
    f.backing_offset = ia_window_be_size(&w, 8);
    f.backing_length = ia_window_be32(&w, 16);
    q->cluster_bits = ia_window_be32(&w, 20);
    f.size = ia_window_be_size(&w, 24);
    q->crypt_method = ia_window_be32(&w, 32);
    q->active.entries = ia_window_be32(&w, 36);
    q->active.offset = ia_window_be_size(&w, 40);
    q->reftable_offset = ia_window_be_size(&w, 48);
    uint32_t reftable_clusters = ia_window_be32(&w, 56);
    q->snapshot_count = ia_window_be32(&w, 60);
    q->snapshots_offset = ia_window_be_size(&w, 64);
    IA_TRY(check_sizes(q, err));
    if (w.failed)
        return ia_fail(err, IA_CORRUPT, "an offset or size of the header is above 2^63 - 1");
    IA_TRY(decode_v3(&w, q, &f, err));
    IA_TRY(check_features(q, &f, err));
    if (f.backing_offset > q->cluster_size)
        return ia_fail(err, IA_CORRUPT, "backing file name at %#jx, outside the first cluster",
                       (uintmax_t)f.backing_offset);
    q->l2_entry_size = (q->incompatible & QCOW2_EXTENDED_L2) != 0 ? 16 : 8;
    IA_TRY(check_tables(q, reftable_clusters, f.size, err));
    describe(image, q, &f);
    IA_TRY(qcow2_read_extensions(image, q, f.backing_offset != 0 ? f.backing_offset : q->cluster_size, err));
    if (q->crypt_method == 2 && q->crypto_header_bytes == 0)
        return ia_fail(err, IA_CORRUPT, "LUKS encryption without its header extension");
    IA_TRY(read_backing_name(image, q, &f, err));
    if ((q->incompatible & QCOW2_DATA_FILE) != 0 &&
        !ia_image_facts_add_part(&image->facts, q->data_file_name, "data", IA_PART_REFERENCE))
        return ia_no_memory(err);
    return IA_OK;
}
