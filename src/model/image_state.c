/* SPDX-License-Identifier: MIT */
/* The words of what became of reading images. */
#include "model/image_state.h"

#include <string.h>

const char *ia_image_state_word(enum ia_image_state state)
{
    switch (state) {
    case IA_IMAGE_TRUNCATED:
        return "truncated";
    case IA_IMAGE_SNAPSHOT_UNREADABLE:
        return "snapshot-unreadable";
    case IA_IMAGE_NOT_SEEN:
        return "not-seen";
    default:
        return ia_status_word((enum ia_status)state);
    }
}

enum ia_image_state ia_image_state_by_word(const char *word)
{
    enum ia_image_state state = IA_IMAGE_OK;
    while (state < IA_IMAGE_STATES && strcmp(ia_image_state_word(state), word) != 0)
        state++;
    return state;
}
