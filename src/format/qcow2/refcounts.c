/* SPDX-License-Identifier: MIT */
/* Was metadata preallocated? QEMU compares the clusters that have a refcount with the blocks that the host allocated,
 * and looks for holes of the host file only where far more clusters are in use than the host keeps. The same rule here,
 * with its numbers: a map has to be the same as QEMU's. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/qcow2/internal.h"

/* Refcounts of `width` bytes that are not zero. Counted by the block in a number as small as the usual refcounts, a
 * loop that compilers make vector instructions of, for each width that is passed as a constant. */
static inline int64_t count_wide(const uint8_t *block, int64_t entries, size_t width)
{
    enum { BLOCK = 4096 };
    int64_t used = 0;
    for (int64_t first = 0; first < entries; first += BLOCK) {
        const uint8_t *bytes = block + (size_t)first * width;
        size_t count = (size_t)ia_min(entries - first, BLOCK);
        uint16_t of_block = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t refcount = 0;
            memcpy(&refcount, bytes + i * width, width);
            of_block = (uint16_t)(of_block + (refcount != 0));
        }
        used += of_block;
    }
    return used;
}

/* Refcounts other than zero among the first `entries` of a refcount block. */
static int64_t count_used(const uint8_t *block, int64_t entries, uint32_t order)
{
    int64_t used = 0;
    switch (order) {
    case 3:
        return count_wide(block, entries, 1);
    case 4:
        return count_wide(block, entries, 2);
    case 5:
        return count_wide(block, entries, 4);
    case 6:
        return count_wide(block, entries, 8);
    default: /* several in a byte */
        for (int64_t i = 0; i < entries; i++)
            used += qcow2_is_counted(block, i, order);
        return used;
    }
}

static enum ia_status count_until(struct ia_image *image, const uint64_t *table, int64_t threshold, bool *reached,
                                  struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    int64_t per_block = (q->cluster_size * 8) >> q->refcount_order;
    int64_t end = qcow2_clusters(q, ia_round_up(image->main->size, 512));
    int64_t used = 0;
    int64_t read = 0;
    IA_AUTO_FREE uint8_t *block = malloc((size_t)q->cluster_size);
    if (block == NULL)
        return ia_no_memory(err);
    for (int64_t i = 0; i < q->reftable_entries && i * per_block < end && used < threshold; i++) {
        uint64_t offset = table[i] & QCOW2_REFTABLE_MASK;
        if (offset == 0)
            continue;
        read += q->cluster_size;
        if (offset > INT64_MAX || !qcow2_is_aligned(q, (int64_t)offset) || read > image->limits->max_table_bytes)
            return ia_fail(err, IA_CORRUPT, "refcount block %jd at %#jx", (intmax_t)i, (uintmax_t)offset);
        IA_TRY(ia_source_read(image->main, (int64_t)offset, block, (size_t)q->cluster_size, "refcount block", err));
        used += count_used(block, ia_min(per_block, end - i * per_block), q->refcount_order);
    }
    *reached = used >= threshold;
    return IA_OK;
}

static bool detect(struct ia_image *image)
{
    const struct qcow2 *q = image->state;
    int64_t on_host = image->main->allocated / q->cluster_size;
    int64_t threshold = ia_max(on_host + on_host / 9, on_host + 2);
    IA_AUTO_FREE uint64_t *table = NULL;
    bool reached = false;
    /* QEMU takes broken refcounts for "no". */
    return qcow2_read_reftable(image, &table, NULL) == IA_OK &&
           count_until(image, table, threshold, &reached, NULL) == IA_OK && reached;
}

bool qcow2_is_preallocated(struct ia_image *image)
{
    struct qcow2 *q = image->state;
    if (q->preallocation == QCOW2_UNKNOWN)
        q->preallocation = detect(image) ? QCOW2_METADATA_PREALLOCATED : QCOW2_NOT_PREALLOCATED;
    return q->preallocation == QCOW2_METADATA_PREALLOCATED;
}
