/* SPDX-License-Identifier: MIT */
/* Reading the small top tables: L1 and refcount table. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/qcow2/internal.h"

static enum ia_status read_be64_table(struct ia_image *image, int64_t offset, int64_t entries, const char *what,
                                      uint64_t **out, struct ia_error *err)
{
    *out = NULL;
    if (entries == 0)
        return IA_OK;
    IA_AUTO_FREE uint64_t *table = calloc((size_t)entries, sizeof(*table)); /* bounded by qcow2_check_table */
    if (table == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(image->main, offset, table, (size_t)entries * sizeof(*table), what, err));
    for (int64_t i = 0; i < entries; i++)
        table[i] = be64toh(table[i]);
    *out = ia_steal_ptr(table);
    return IA_OK;
}

enum ia_status qcow2_check_l1(const struct qcow2 *q, const struct qcow2_l1 *l1, struct ia_error *err)
{
    return qcow2_check_table(q, "L1 table", l1->offset, l1->entries, 8, QCOW2_MAX_L1_BYTES, err);
}

enum ia_status qcow2_check_l2(const struct qcow2 *q, int64_t index, int64_t table, struct ia_error *err)
{
    if (!qcow2_is_aligned(q, table))
        return ia_fail(err, IA_CORRUPT, "L2 table %jd at unaligned offset %#jx", (intmax_t)index, (uintmax_t)table);
    return IA_OK;
}

enum ia_status qcow2_read_l1(struct ia_image *image, const struct qcow2_l1 *l1, uint64_t **out, struct ia_error *err)
{
    IA_TRY(qcow2_check_l1(image->state, l1, err));
    return read_be64_table(image, l1->offset, l1->entries, "L1 table", out, err);
}

enum ia_status qcow2_read_reftable(struct ia_image *image, uint64_t **out, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    return read_be64_table(image, q->reftable_offset, q->reftable_entries, "refcount table", out, err);
}

const struct qcow2_l1 *qcow2_mapping_l1(const struct ia_image *image, size_t mapping)
{
    const struct qcow2 *q = image->state;
    return mapping == 0 ? &q->active : &q->snapshot_l1[mapping - 1];
}
