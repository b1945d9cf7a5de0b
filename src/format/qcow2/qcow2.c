/* SPDX-License-Identifier: MIT */
/* The qcow2 driver's entry points. */
#include "format/qcow2/qcow2.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "format/qcow2/internal.h"

static bool qcow2_probe(const uint8_t *head, size_t len)
{
    return len >= 8 && ia_be32(head) == QCOW2_MAGIC && ia_be32(head + 4) >= 2;
}

static enum ia_status qcow2_open(struct ia_image *image, struct ia_error *err)
{
    struct qcow2 *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    image->state = q;
    enum ia_status status = qcow2_read_header(image, q, err);
    if (status == IA_OK)
        status = qcow2_read_snapshots(image, q, err);
    return status;
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

static const char *const suffixes[] = {".qcow2", NULL};

const struct ia_format ia_format_qcow2 = {
    .name = "qcow2",
    .suffixes = suffixes,
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .keeps_zeroes = true,
    .claim = qcow2_claim,
    .map_begin = qcow2_map_begin,
    .map_step = qcow2_map_step,
    .map_end = qcow2_map_end,
    .find_unit = qcow2_find_unit,
};
