/* SPDX-License-Identifier: MIT */
/* What the files of the QED driver share. */
#ifndef IA_FORMAT_QED_INTERNAL_H
#define IA_FORMAT_QED_INTERNAL_H

#include "format/format.h"
#include "format/two_level.h"

#define QED_MAGIC UINT32_C(0x00444551) /* "QED\0" */

/* "Feature bits" */
#define QED_BACKING_FILE (UINT64_C(1) << 0)
#define QED_NEED_CHECK (UINT64_C(1) << 1)
#define QED_BACKING_FORMAT_NO_PROBE (UINT64_C(1) << 2)
#define QED_KNOWN_FEATURES UINT64_C(7)

/* "Data cluster offsets" */
#define QED_ZERO_CLUSTER UINT64_C(1)

struct qed {
    struct ia_two_level tables;
    int64_t header_bytes; /* of the clusters before the first regular one */
    int64_t table_bytes;  /* of the L1 table, and of each L2 table */
    int64_t file_bytes;   /* of whole clusters */
};

/* header.c */
IA_MUST_CHECK enum ia_status qed_read_header(struct ia_image *image, struct qed *q, struct ia_error *err);

/* map.c */
bool qed_is_cluster(const struct qed *q, uint64_t offset);
bool qed_is_table(const struct qed *q, uint64_t offset);
IA_MUST_CHECK enum ia_status qed_check_table(const struct ia_image *image, int64_t index, uint64_t entry,
                                             struct ia_error *err);
IA_MUST_CHECK enum ia_status qed_push_entries(struct ia_cursor *cursor, const uint64_t *entries, int64_t count,
                                              int64_t guest, struct ia_error *err);
void qed_account_past_end(struct ia_image *image, uint64_t entry);

#endif
