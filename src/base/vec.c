/* SPDX-License-Identifier: MIT */
/* Growth of arrays. */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

bool ia_vec_grow(void **items, size_t *cap, size_t need, size_t item_size)
{
    size_t bigger = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;
    if (bigger < need)
        bigger = need;
    if (bigger < 8)
        bigger = 8;
    void *moved = reallocarray(*items, bigger, item_size);
    if (moved == NULL)
        return false;
    *items = moved;
    *cap = bigger;
    return true;
}
