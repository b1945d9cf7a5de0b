/* SPDX-License-Identifier: MIT */
/* Clusters with a refcount: accounted for as leaked, which every other use overrides, so that what is left of it is
 * counted as in use and named by nothing: what `qemu-img check` calls leaks. */
#include <stdlib.h>

#include "base/checked.h"
#include "format/qcow2/internal.h"

enum { READ_BYTES = 1024 * 1024 };

/* Refcount blocks are read into one buffer, as many at a time as lie one after another in the file. */
struct counts {
    struct ia_image *image;
    const uint64_t *table; /* the refcount table */
    int64_t blocks;        /* as many of it as the file has clusters for */
    int64_t per_block;     /* refcounts in a block */
    int64_t end;           /* clusters of the file: QEMU does not look past them either */
    int64_t most;          /* blocks that the buffer holds */
    uint8_t *buffer;
};

static uint64_t block_at(const struct counts *c, int64_t number)
{
    return c->table[number] & QCOW2_REFTABLE_MASK;
}

static int64_t adjoining_blocks(const struct counts *c, int64_t first)
{
    const struct qcow2 *q = c->image->state;
    int64_t count = 1;
    while (count < c->most && first + count < c->blocks &&
           block_at(c, first + count) == block_at(c, first) + (uint64_t)(count * q->cluster_size))
        count++;
    return count;
}

/* Claims the runs of clusters from `cluster` on that have a refcount. */
static void account_runs(const struct counts *c, const uint8_t *counts, int64_t cluster, int64_t count)
{
    const struct qcow2 *q = c->image->state;
    for (int64_t i = 0; i < count;) {
        int64_t first = i;
        bool used = qcow2_is_counted(counts, i, q->refcount_order);
        do
            i++;
        while (i < count && qcow2_is_counted(counts, i, q->refcount_order) == used);
        if (used)
            ia_space_account(c->image->space, 0, IA_SPACE_LEAKED, (cluster + first) << q->cluster_bits,
                             (i - first) << q->cluster_bits);
    }
}

static enum ia_status read_blocks(struct counts *c, int64_t first, int64_t count, struct ia_error *err)
{
    const struct qcow2 *q = c->image->state;
    uint64_t offset = block_at(c, first);
    if (offset > INT64_MAX || !qcow2_is_aligned(q, (int64_t)offset))
        return ia_fail(err, IA_CORRUPT, "refcount block %jd at %#jx", (intmax_t)first, (uintmax_t)offset);
    IA_TRY(ia_source_read(c->image->main, (int64_t)offset, c->buffer, (size_t)(count << q->cluster_bits),
                          "refcount block", err));
    account_runs(c, c->buffer, first * c->per_block, ia_min(count * c->per_block, c->end - first * c->per_block));
    return IA_OK;
}

static enum ia_status account_blocks(struct counts *c, struct ia_error *err)
{
    const struct qcow2 *q = c->image->state;
    int64_t left = ia_min(c->image->limits->max_table_bytes, qcow2_table_bound(c->image, 1));
    int64_t count;
    for (int64_t i = 0; i < c->blocks; i += count) {
        count = 1;
        if (block_at(c, i) == 0)
            continue;
        count = adjoining_blocks(c, i);
        left -= count << q->cluster_bits;
        if (left < 0)
            return ia_fail(err, IA_LIMIT, "too many refcount blocks for a file of %jd bytes",
                           (intmax_t)c->image->main->size);
        IA_TRY(read_blocks(c, i, count, err));
    }
    return IA_OK;
}

enum ia_status qcow2_claim_counted(struct ia_image *image, const uint64_t *table, struct ia_error *err)
{
    const struct qcow2 *q = image->state;
    struct counts c = {
        .image = image,
        .table = table,
        .per_block = (q->cluster_size * 8) >> q->refcount_order,
        .end = qcow2_clusters(q, ia_round_up(image->main->size, 512)),
        .most = ia_max(READ_BYTES >> q->cluster_bits, 1),
    };
    c.blocks = ia_min(q->reftable_entries, (c.end + c.per_block - 1) / c.per_block);
    c.buffer = malloc((size_t)(c.most << q->cluster_bits));
    if (c.buffer == NULL)
        return ia_no_memory(err);
    enum ia_status status = account_blocks(&c, err);
    free(c.buffer);
    return status;
}
