/* SPDX-License-Identifier: MIT */
/* The words of uses. */
#include "model/space_use.h"

const char *ia_space_use_name(enum ia_space_use use)
{
    static const char *const names[IA_SPACE_USES] = {
        [IA_SPACE_UNUSED] = "unused",     [IA_SPACE_LEAKED] = "leaked", [IA_SPACE_UNALLOCATED] = "unallocated",
        [IA_SPACE_SNAPSHOT] = "snapshot", [IA_SPACE_ZERO] = "zero",     [IA_SPACE_COMPRESSED] = "data",
        [IA_SPACE_DATA] = "data",         [IA_SPACE_BITMAP] = "bitmap", [IA_SPACE_METADATA] = "metadata",
    };
    return names[use];
}
