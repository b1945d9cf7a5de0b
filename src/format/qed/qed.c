/* SPDX-License-Identifier: MIT */
/* The QED driver's entry points. */
#include "format/qed/qed.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "format/qed/internal.h"

static bool qed_probe(const uint8_t *head, size_t len)
{
    return len >= 4 && ia_le32(head) == QED_MAGIC;
}

static enum ia_status qed_open(struct ia_image *image, struct ia_error *err)
{
    struct qed *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return ia_no_memory(err);
    image->state = q;
    return qed_read_header(image, q, err);
}

static void qed_close(struct ia_image *image)
{
    free(image->state);
}

static enum ia_status qed_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct qed *q = cursor->image->state;
    return ia_two_level_begin(cursor, &q->tables, err);
}

static enum ia_status qed_account(struct ia_image *image, struct ia_error *err)
{
    const struct qed *q = image->state;
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, 0, q->header_bytes, IA_SPACE_STORED);
    return ia_two_level_account(image, &q->tables, err);
}

/* Zero clusters are marked as such, and what they had stays in the file, mostly (bdrv_qed_co_pwrite_zeroes). */
static void qed_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->zeroes_are_known = false;
    out->can_be_written = true;
    out->can_rebase = true;
    out->can_commit = true;
    out->can_receive = true;
    out->is_good_base = true;
    out->can_grow = true;
    out->can_grow_with_snapshots = true; /* it has none */
}

static const char *const suffixes[] = {".qed", NULL};

const struct ia_format ia_format_qed = {
    .name = "qed",
    .suffixes = suffixes,
    .describe = qed_describe,
    .probe = qed_probe,
    .open = qed_open,
    .close = qed_close,
    .map_begin = qed_map_begin,
    .map_step = ia_two_level_step,
    .map_end = ia_two_level_end,
    .account = qed_account,
};
