/* SPDX-License-Identifier: MIT */
/* Gathering and counting offsets. */
#include "format/offsets.h"

#include <stdlib.h>

enum { MAX_OFFSETS = 16 << 20 };

void ia_offsets_release(struct ia_offsets *offsets)
{
    ia_vec_release(&offsets->of);
}

enum ia_status ia_offsets_add(struct ia_offsets *offsets, uint64_t offset, struct ia_error *err)
{
    if (offsets->of.len >= MAX_OFFSETS)
        return ia_fail(err, IA_LIMIT, "more than %d tables", MAX_OFFSETS);
    return ia_vec_push(&offsets->of, offset) ? IA_OK : ia_fail(err, IA_NOMEM, "out of memory");
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int64_t ia_offsets_count(struct ia_offsets *offsets)
{
    int64_t distinct = 0;
    if (offsets->of.len > 0)
        qsort(offsets->of.items, offsets->of.len, sizeof(uint64_t), compare);
    for (size_t i = 0; i < offsets->of.len; i++)
        distinct += i == 0 || offsets->of.items[i] != offsets->of.items[i - 1];
    return distinct;
}
