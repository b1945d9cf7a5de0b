/* SPDX-License-Identifier: MIT */
/* Verdicts about the images after a what-if: the graph of the store is edited as the deed would leave it, and
 * judged as the next scan judges. */
#ifndef IA_WHAT_IF_VERDICTS_H
#define IA_WHAT_IF_VERDICTS_H

#include <stdint.h>

#include "base/vec.h"
#include "what_if/what_if.h"

/* What the forest accounts for an image after the action. Guest bytes. */
struct ia_what_if_account {
    int64_t image_id, visible_present, masked_bytes;
};
struct ia_what_if_accounts {
    IA_VEC(struct ia_what_if_account) all;
};

/* Fills what_if_judged, what_if_doubt, and the later steps of what_if_image; what_if_image has the set, what_if_name
 * its names. */
IA_MUST_CHECK enum ia_status ia_what_if_judge(struct ia_reader *reader, enum ia_what_if_action action,
                                              const struct ia_what_if_accounts *accounts, struct ia_error *err);

#endif
