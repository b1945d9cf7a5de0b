/* SPDX-License-Identifier: MIT */
/* Growth of arrays. */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

/* Of an array that was empty. Most of those there are many of have one element. */
enum { FIRST_BYTES = 64 };

bool ia_vec_grow(void **items, size_t *cap, size_t need, size_t item_size)
{
    size_t bigger = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;
    if (bigger < FIRST_BYTES / item_size)
        bigger = FIRST_BYTES / item_size;
    if (bigger < need)
        bigger = need;
    void *moved = reallocarray(*items, bigger, item_size);
    if (moved == NULL)
        return false;
    *items = moved;
    *cap = bigger;
    return true;
}
