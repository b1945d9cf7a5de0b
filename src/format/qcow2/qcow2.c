/* SPDX-License-Identifier: MIT */
/* The qcow2 driver's entry points. */
#include "format/qcow2/qcow2.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/qcow2/internal.h"

static bool qcow2_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && ia_be32(head) == QCOW2_MAGIC && ia_be32(head + 4) >= 2;
}

static enum ia_status qcow2_open(struct ia_image *image, struct ia_error *err)
{
    struct qcow2 *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return ia_no_memory(err);
    image->state = q;
    IA_TRY(qcow2_read_header(image, q, err));
    return image->main->is_head ? IA_OK : qcow2_read_snapshots(image, q, err);
}

static void qcow2_close(struct ia_image *image)
{
    struct qcow2 *q = image->state;
    if (q == NULL)
        return;
    free(q->snapshot_l1);
    free(q->data_file_name);
    free(q);
}

/* In version 2 no cluster can be marked as zero: one with nothing below it is given up instead (zero_in_l2_slice). That
 * is also why it does not grow over a longer backing file, whose bytes the new ones would have to hide. With internal
 * snapshots it does not grow, as its snapshot table does not state how long each is (qcow2_co_truncate). */
static void qcow2_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    bool is_v2 = facts->version == 2;
    if (facts->extended_l2)
        out->unit = ia_max(out->cluster / QCOW2_SUBCLUSTERS, 1);
    out->zeroes = !is_v2 ? IA_ZEROES_KEPT : facts->backing_name == NULL ? IA_ZEROES_DROPPED : IA_ZEROES_DATA;
    out->can_be_written = true;
    out->can_rebase = true;
    out->can_commit = true;
    out->can_be_empty = true;
    out->can_receive = true;
    out->is_good_base = true;
    out->can_grow = true;
    out->can_grow_with_snapshots = !is_v2;
    out->can_grow_over_backing = !is_v2;
    out->can_be_trimmed = true;
}

static const char *const suffixes[] = {".qcow2", NULL};

const struct ia_format ia_format_qcow2 = {
    .name = "qcow2",
    .suffixes = suffixes,
    .describe = qcow2_describe,
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .zero_clusters_are_exclusive = true,
    .account = qcow2_claim,
    .map_begin = qcow2_map_begin,
    .map_step = qcow2_map_step,
    .map_end = qcow2_map_end,
    .find_compressed = qcow2_find_compressed,
};
