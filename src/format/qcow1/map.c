/* SPDX-License-Identifier: MIT */
/* Decoding the entries of qcow's tables. */
#include "base/checked.h"
#include "format/qcow1/internal.h"

enum { SECTOR = 512 };

enum ia_status qcow1_check_table(const struct ia_image *image, int64_t index, uint64_t entry, struct ia_error *err)
{
    const struct qcow1 *q = image->state;
    if (entry > (uint64_t)(INT64_MAX - q->tables.l2_entries * 8))
        return ia_fail(err, IA_CORRUPT, "L2 table %jd at bad offset %#jx", (intmax_t)index, (uintmax_t)entry);
    return IA_OK;
}

/* Bit 63 is the flag, cluster_bits bits below it are the length, what remains is the offset. */
struct qcow1_compressed qcow1_take_apart(const struct qcow1 *q, uint64_t entry)
{
    uint32_t shift = 63 - q->cluster_bits;
    return (struct qcow1_compressed){
        .offset = (int64_t)(entry & ((UINT64_C(1) << shift) - 1)),
        .length = (int64_t)(entry >> shift) & (q->tables.cluster_size - 1),
    };
}

static enum ia_status push_compressed(struct ia_cursor *cursor, int64_t guest, uint64_t entry, struct ia_error *err)
{
    const struct qcow1 *q = cursor->image->state;
    struct ia_image_facts *facts = &cursor->image->facts;
    struct qcow1_compressed bytes = qcow1_take_apart(q, entry);
    if (!ia_range_inside(bytes.offset, bytes.length, cursor->image->main->size))
        facts->truncated = true;
    facts->compressed_host += bytes.length;
    ia_image_use_exclusive(cursor->image, 0, IA_SPACE_COMPRESSED, bytes.offset, bytes.length,
                           IA_SPACE_BIT(IA_SPACE_DATA) | IA_SPACE_STRUCTURE);
    struct ia_extent extent = {
        .start = guest,
        .length = q->tables.cluster_size,
        .offset = IA_NO_OFFSET,
        .state = IA_EXTENT_COMPRESSED, /* of an encrypted image, too: QEMU does not encrypt what it compresses */
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* Clusters are aligned to their size by all that is known to write them, but QEMU reads them at any sector. */
static enum ia_status check_cluster(const struct qcow1 *q, int64_t guest, uint64_t entry, struct ia_error *err)
{
    if (entry % SECTOR != 0 || entry > (uint64_t)(INT64_MAX - q->tables.cluster_size))
        return ia_fail(err, IA_CORRUPT, "cluster of guest offset %#jx at bad offset %#jx", (uintmax_t)guest,
                       (uintmax_t)entry);
    return IA_OK;
}

/* Clusters that lie one after another from entries[0] on; *taken is how many. */
static enum ia_status push_plain(struct ia_cursor *cursor, const uint64_t *entries, int64_t count, int64_t guest,
                                 int64_t *taken, struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    const struct qcow1 *q = image->state;
    int64_t size = q->tables.cluster_size;
    int64_t n = 0;
    do {
        IA_TRY(check_cluster(q, guest + n * size, entries[n], err));
        n++;
    } while (n < count && entries[n] == entries[n - 1] + (uint64_t)size);
    *taken = n;
    /* The last cluster of a file may be cut short: it then ends with zeroes. One that is not there at all is lost. */
    if ((int64_t)entries[n - 1] >= image->main->size)
        image->facts.truncated = true;
    struct ia_extent extent = {
        .start = guest,
        .length = n * size,
        .offset = (int64_t)entries[0],
        .state = image->facts.encrypted ? IA_EXTENT_ENCRYPTED : IA_EXTENT_DATA,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

enum ia_status qcow1_push_entries(struct ia_cursor *cursor, const uint64_t *entries, int64_t count, int64_t guest,
                                  struct ia_error *err)
{
    const struct qcow1 *q = cursor->image->state;
    /* Ends: every round takes at least one entry. */
    for (int64_t i = 0; i < count;) {
        int64_t at = guest + i * q->tables.cluster_size;
        int64_t taken = 1;
        if ((entries[i] & QCOW1_COMPRESSED) != 0)
            IA_TRY(push_compressed(cursor, at, entries[i], err));
        else if (entries[i] != 0)
            IA_TRY(push_plain(cursor, entries + i, count - i, at, &taken, err));
        i += taken;
    }
    return IA_OK;
}

void qcow1_claim_past_end(struct ia_image *image, uint64_t entry)
{
    const struct qcow1 *q = image->state;
    struct qcow1_compressed bytes = qcow1_take_apart(q, entry);
    if ((entry & QCOW1_COMPRESSED) != 0)
        ia_image_use(image, 0, IA_SPACE_UNALLOCATED, bytes.offset, bytes.length);
    else
        ia_image_use(image, 0, IA_SPACE_UNALLOCATED, (int64_t)entry, q->tables.cluster_size);
}
