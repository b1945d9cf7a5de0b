/* SPDX-License-Identifier: MIT */
/* Searching sorted arrays in which a key may occur more than once, or not at all. The arguments are those of bsearch.
 */
#ifndef IA_BASE_SEARCH_H
#define IA_BASE_SEARCH_H

#include <stddef.h>

typedef int ia_compare(const void *left, const void *right);

/* The place of the first item that is not less than the key; `count` where there is none. */
static inline size_t ia_lower_bound(const void *key, const void *items, size_t count, size_t size, ia_compare *compare)
{
    size_t low = 0;
    for (size_t high = count; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (compare((const char *)items + middle * size, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many items are equal to the key; *first: the place of the first of them. */
static inline size_t ia_equal_range(const void *key, const void *items, size_t count, size_t size, ia_compare *compare,
                                    size_t *first)
{
    size_t end = *first = ia_lower_bound(key, items, count, size, compare);
    while (end < count && compare((const char *)items + end * size, key) == 0)
        end++;
    return end - *first;
}

#endif
