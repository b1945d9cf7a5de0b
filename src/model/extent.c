/* SPDX-License-Identifier: MIT */
/* Names of extent states. */
#include "model/extent.h"

const char *ia_extent_state_name(enum ia_extent_state state)
{
    static const char *const names[IA_EXTENT_STATES] = {
        [IA_EXTENT_DATA] = "data",
        [IA_EXTENT_COMPRESSED] = "compressed",
        [IA_EXTENT_ENCRYPTED] = "encrypted",
        [IA_EXTENT_ZERO] = "zero",
        [IA_EXTENT_ZERO_ALLOCATED] = "zero-allocated",
        [IA_EXTENT_SPARSE] = "sparse",
        [IA_EXTENT_RESERVED] = "reserved",
    };
    return names[state];
}
