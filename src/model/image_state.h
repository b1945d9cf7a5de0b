/* SPDX-License-Identifier: MIT */
/* Whether an image was understood. */
#ifndef IA_MODEL_IMAGE_STATE_H
#define IA_MODEL_IMAGE_STATE_H

#include "base/status.h"

/* What became of reading it, under the numbers of enum ia_status; behind these, what no status is for. Those that are
 * named up to IA_IMAGE_SNAPSHOT_UNREADABLE have a map; the others are why there is none. */
enum ia_image_state {
    IA_IMAGE_OK = IA_OK,
    IA_IMAGE_CHANGED = IA_CHANGED,   /* while it was read: what is wrong may be so because of that alone */
    IA_IMAGE_TRUNCATED = IA_BUG + 1, /* tables or data lie past the end of a file */
    IA_IMAGE_SNAPSHOT_UNREADABLE,    /* a snapshot is, the active mapping is not */
    IA_IMAGE_NOT_SEEN,               /* by this scan: what an earlier one read is kept */
    IA_IMAGE_STATES
};

static inline enum ia_image_state ia_image_state_of(enum ia_status status)
{
    return (enum ia_image_state)status;
}

/* The word of stores and reports: "ok", "truncated", "corrupt"... */
const char *ia_image_state_word(enum ia_image_state state);
/* IA_IMAGE_STATES for a word that is none of these. */
enum ia_image_state ia_image_state_by_word(const char *word);

#endif
