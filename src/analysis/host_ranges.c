/* SPDX-License-Identifier: MIT */
/* Collecting and asking ranges of host bytes. */
#include "analysis/host_ranges.h"

#include <stdlib.h>

#include "base/checked.h"

enum { FIRST_SEAL = 4096 };

void ia_host_ranges_release(struct ia_host_ranges *set)
{
    ia_vec_release(&set->ranges);
}

bool ia_host_ranges_add(struct ia_host_ranges *set, uint32_t file, int64_t start, int64_t length)
{
    if (set->ranges.len > 0) {
        struct ia_host_range *last = &set->ranges.items[set->ranges.len - 1];
        if (last->file == file && last->start + last->length == start) {
            last->length += length;
            return true;
        }
    }
    /* The limit is twice what the last tidying left: each range is sorted a logarithmic number of times. */
    if (set->ranges.len > FIRST_SEAL && set->ranges.len >= set->seal_at) {
        ia_host_ranges_seal(set);
        set->seal_at = set->ranges.len * 2;
    }
    struct ia_host_range range = {.file = file, .start = start, .length = length};
    return ia_vec_push(&set->ranges, range);
}

static int compare(const void *left, const void *right)
{
    const struct ia_host_range *a = left;
    const struct ia_host_range *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

void ia_host_ranges_seal(struct ia_host_ranges *set)
{
    if (set->ranges.len == 0)
        return;
    struct ia_host_range *items = set->ranges.items;
    qsort(items, set->ranges.len, sizeof(*items), compare);
    size_t last = 0;
    for (size_t i = 1; i < set->ranges.len; i++) {
        int64_t end = items[last].start + items[last].length;
        if (items[i].file == items[last].file && items[i].start <= end)
            items[last].length = ia_max(end, items[i].start + items[i].length) - items[last].start;
        else
            items[++last] = items[i];
    }
    set->ranges.len = last + 1;
}

bool ia_host_ranges_has(const struct ia_host_ranges *set, uint32_t file, int64_t pos, int64_t *until)
{
    const struct ia_host_range *items = set->ranges.items;
    size_t low = 0; /* the first range of this file that ends past pos, or the first one of a later file */
    size_t high = set->ranges.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ia_host_range *range = &items[middle];
        if (range->file < file || (range->file == file && range->start + range->length <= pos))
            low = middle + 1;
        else
            high = middle;
    }
    *until = INT64_MAX;
    if (low == set->ranges.len || items[low].file != file)
        return false;
    if (items[low].start > pos) {
        *until = items[low].start;
        return false;
    }
    *until = items[low].start + items[low].length;
    return true;
}
