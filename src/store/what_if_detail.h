/* SPDX-License-Identifier: MIT */
/* What a row of the report what-if says of its image, in words. Private to src/store. */
#ifndef IA_STORE_WHAT_IF_DETAIL_H
#define IA_STORE_WHAT_IF_DETAIL_H

#include <stdint.h>

#include "base/buf.h"
#include "judge/deed.h"

/* A row of what_if_fact. Texts are sqlite's. */
struct ia_what_if_fact {
    int64_t row_id, image_id, step;
    const char *effect, *snapshot;                 /* snapshot: NULL: the image as it is */
    int64_t freed_bytes, most_bytes, needed_bytes; /* -1: not known */
    bool keeps_name, is_head, has_backing, names_backing, has_names, can_rebase, can_be_empty;
    bool has_other_links, is_shared, is_encoded, is_unread;
    const char *broken_at, *overlay; /* paths; NULL: there is none */
    int64_t virtual_size, overlay_size;
    struct ia_effect_facts of_effect;
};

/* Adds what happens to the image. The effect is none of the totals. */
void ia_what_if_detail(struct ia_buf *out, enum ia_effect effect, const struct ia_what_if_fact *fact);

#endif
