/* SPDX-License-Identifier: MIT */
/* Claiming whole clusters. */
#include "base/checked.h"
#include "format/qcow2/internal.h"

void qcow2_claim_clusters(struct ia_image *image, enum ia_space_use use, int64_t offset, int64_t bytes,
                          unsigned conflicts)
{
    const struct qcow2 *q = image->state;
    int64_t start = offset & -q->cluster_size;
    int64_t end;
    if (bytes > 0 && ia_add(offset, bytes, &end))
        ia_image_use_exclusive(image, 0, use, start, ia_round_up(end, q->cluster_size) - start, conflicts);
}
