/* SPDX-License-Identifier: MIT */
/* Decoding the entries of QED's tables ("Tables"). Offsets are checked where, and only where, QEMU checks them. */
#include "base/checked.h"
#include "format/qed/internal.h"

/* A regular cluster of the file. */
bool qed_is_cluster(const struct qed *q, uint64_t offset)
{
    return offset % (uint64_t)q->tables.cluster_size == 0 && offset >= (uint64_t)q->header_bytes &&
           offset < (uint64_t)q->file_bytes;
}

bool qed_is_table(const struct qed *q, uint64_t offset)
{
    return qed_is_cluster(q, offset) && q->table_bytes <= q->file_bytes - (int64_t)offset;
}

enum ia_status qed_check_table(const struct ia_image *image, int64_t index, uint64_t entry, struct ia_error *err)
{
    const struct qed *q = image->state;
    if (!qed_is_table(q, entry))
        return ia_fail(err, IA_CORRUPT, "L2 table %jd at bad offset %#jx in a file of %jd bytes", (intmax_t)index,
                       (uintmax_t)entry, (intmax_t)image->main->size);
    return IA_OK;
}

/* Clusters that lie one after another from entries[0] on; *taken is how many.
 * QEMU looks only at the first one of such a run of an L2 table: of a truncated file it reads the rest as zeroes. */
static enum ia_status push_data(struct ia_cursor *cursor, const uint64_t *entries, int64_t count, int64_t guest,
                                int64_t *taken, struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    struct ia_two_level_walk *walk = cursor->state;
    const struct qed *q = image->state;
    uint64_t size = (uint64_t)q->tables.cluster_size;
    uint64_t first = entries[0];
    if (first != walk->carry && !qed_is_cluster(q, first)) {
        image->facts.truncated = image->facts.truncated || first >= (uint64_t)q->file_bytes;
        return ia_fail(err, IA_CORRUPT, "cluster of guest offset %#jx at bad offset %#jx in a file of %jd bytes",
                       (uintmax_t)guest, (uintmax_t)first, (intmax_t)image->main->size);
    }
    int64_t n = 1;
    /* A run may leave the file, but not the numbers: what would be past 2^63 - 1 is no part of it. */
    while (n < count && entries[n] == first + (uint64_t)n * size && entries[n] <= INT64_MAX - size)
        n++;
    *taken = n;
    walk->carry = first + (uint64_t)n * size <= INT64_MAX - size ? first + (uint64_t)n * size : 0;
    if (first + (uint64_t)n * size > (uint64_t)q->file_bytes)
        image->facts.truncated = true;
    struct ia_extent extent = {
        .start = guest,
        .length = n * q->tables.cluster_size,
        .offset = (int64_t)first,
        .state = IA_EXTENT_DATA,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

static enum ia_status push_zero(struct ia_cursor *cursor, int64_t guest, struct ia_error *err)
{
    const struct qed *q = cursor->image->state;
    struct ia_extent extent = {
        .start = guest,
        .length = q->tables.cluster_size,
        .offset = IA_NO_OFFSET,
        .state = IA_EXTENT_ZERO,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

enum ia_status qed_push_entries(struct ia_cursor *cursor, const uint64_t *entries, int64_t count, int64_t guest,
                                struct ia_error *err)
{
    struct ia_two_level_walk *walk = cursor->state;
    const struct qed *q = cursor->image->state;
    /* Ends: every round takes at least one entry. */
    for (int64_t i = 0; i < count;) {
        int64_t at = guest + i * q->tables.cluster_size;
        int64_t taken = 1;
        if (entries[i] > QED_ZERO_CLUSTER) {
            IA_TRY(push_data(cursor, entries + i, count - i, at, &taken, err));
        } else {
            walk->carry = 0;
            if (entries[i] == QED_ZERO_CLUSTER)
                IA_TRY(push_zero(cursor, at, err));
        }
        i += taken;
    }
    return IA_OK;
}

void qed_account_past_end(struct ia_image *image, uint64_t entry)
{
    const struct qed *q = image->state;
    if (qed_is_cluster(q, entry))
        ia_image_use(image, 0, IA_SPACE_UNALLOCATED, (int64_t)entry, q->tables.cluster_size);
}
