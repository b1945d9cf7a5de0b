/* SPDX-License-Identifier: MIT */
/* What the files of the qcow driver share. There is no specification: QEMU's block/qcow.c defines the format. All
 * integers are big-endian.
 *
 *   header  magic, version 1, offset and length of the backing file's name, time of the backing file's last change,
 *           size in bytes, cluster bits, L2 bits, encryption method, offset of the L1 table
 *   L1      offsets of L2 tables, anywhere in the file
 *   L2      offsets of clusters; with bit 63: compressed, length in the bits below, offset in the rest */
#ifndef IA_FORMAT_QCOW1_INTERNAL_H
#define IA_FORMAT_QCOW1_INTERNAL_H

#include "format/format.h"
#include "format/two_level.h"

#define QCOW1_MAGIC UINT32_C(0x514649fb) /* "QFI\xfb" */
#define QCOW1_HEADER_BYTES 48
#define QCOW1_COMPRESSED (UINT64_C(1) << 63)

struct qcow1 {
    struct ia_two_level tables;
    uint32_t cluster_bits;
    int64_t backing_offset, backing_length; /* of the backing file's name, bytes; 0: none */
};

/* A compressed L2 entry, taken apart. */
struct qcow1_compressed {
    int64_t offset, length; /* bytes in the file */
};

/* header.c */
IA_MUST_CHECK enum ia_status qcow1_read_header(struct ia_image *image, struct qcow1 *q, struct ia_error *err);

/* map.c */
struct qcow1_compressed qcow1_take_apart(const struct qcow1 *q, uint64_t entry);
IA_MUST_CHECK enum ia_status qcow1_check_table(const struct ia_image *image, int64_t index, uint64_t entry,
                                               struct ia_error *err);
IA_MUST_CHECK enum ia_status qcow1_push_entries(struct ia_cursor *cursor, const uint64_t *entries, int64_t count,
                                                int64_t guest, struct ia_error *err);
void qcow1_claim_past_end(struct ia_image *image, uint64_t entry);

#endif
