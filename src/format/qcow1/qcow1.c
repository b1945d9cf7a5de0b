/* SPDX-License-Identifier: MIT */
/* The qcow (version 1) driver's entry points. */
#include "format/qcow1/qcow1.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "format/qcow1/internal.h"

static bool qcow1_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && ia_be32(head) == QCOW1_MAGIC && ia_be32(head + 4) == 1;
}

static enum ia_status qcow1_open(struct ia_image *image, struct ia_error *err)
{
    struct qcow1 *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return ia_no_memory(err);
    image->state = q;
    return qcow1_read_header(image, q, err);
}

static void qcow1_close(struct ia_image *image)
{
    free(image->state);
}

static enum ia_status qcow1_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct qcow1 *q = cursor->image->state;
    return ia_two_level_begin(cursor, &q->tables, err);
}

static enum ia_status qcow1_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                            struct ia_compressed_cluster *found, struct ia_error *err)
{
    (void)mapping; /* there is one only */
    const struct qcow1 *q = image->state;
    uint64_t entry = 0;
    if (at < 0 || at >= image->facts.virtual_size)
        return ia_fail(err, IA_BUG, "no guest offset %#jx", (uintmax_t)at);
    IA_TRY(ia_two_level_find(image, &q->tables, at, &entry, err));
    if ((entry & QCOW1_COMPRESSED) == 0)
        return ia_fail(err, IA_USAGE, "no compressed cluster at guest offset %#jx", (uintmax_t)at);
    struct qcow1_compressed compressed = qcow1_take_apart(q, entry);
    *found = (struct ia_compressed_cluster){
        .start = at & -q->tables.cluster_size,
        .length = q->tables.cluster_size,
        .offset = compressed.offset,
        .host_length = compressed.length,
        .codec = IA_CODEC_DEFLATE,
    };
    return IA_OK;
}

/* Clusters and L2 tables begin at multiples of the cluster size, and the first thing behind the L1 table is an L2
 * table: what the L1 table leaves of its last cluster is of no use to anything else. */
static enum ia_status qcow1_claim(struct ia_image *image, struct ia_error *err)
{
    const struct qcow1 *q = image->state;
    int64_t l1_end = q->tables.l1_offset + q->tables.l1_entries * 8;
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, 0, QCOW1_HEADER_BYTES, IA_SPACE_STORED);
    ia_image_use(image, 0, IA_SPACE_METADATA, q->backing_offset, q->backing_length);
    ia_image_use(image, 0, IA_SPACE_METADATA, l1_end, -l1_end & (q->tables.cluster_size - 1));
    return ia_two_level_account(image, &q->tables, err);
}

static void qcow1_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->can_be_written = true;
    out->can_commit = true;
    out->can_be_empty = true;
    out->can_receive = true;
}

static const char *const suffixes[] = {".qcow", NULL};

const struct ia_format ia_format_qcow1 = {
    .name = "qcow",
    .suffixes = suffixes,
    .describe = qcow1_describe,
    .probe = qcow1_probe,
    .open = qcow1_open,
    .close = qcow1_close,
    .map_begin = qcow1_map_begin,
    .map_step = ia_two_level_step,
    .map_end = ia_two_level_end,
    .find_compressed = qcow1_find_compressed,
    .account = qcow1_claim,
};
