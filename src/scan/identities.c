/* SPDX-License-Identifier: MIT */
/* Sorting images by identity, and finding them. */
#include "scan/identities.h"

#include <stdlib.h>
#include <string.h>

static const char *own_of(const struct ia_item *item)
{
    return ia_parsed_identity(&item->parsed)->own;
}

static int compare(const struct ia_item *item, const char *format, const char *identity)
{
    int order = strcmp(own_of(item), identity);
    return order != 0 ? order : strcmp(item->parsed.format, format);
}

static int by_identity(const void *a, const void *b, void *ctx)
{
    const struct ia_item *items = ctx;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = compare(&items[x], items[y].parsed.format, own_of(&items[y]));
    return order != 0 ? order : (x > y) - (x < y);
}

enum ia_status ia_identities_sort(struct ia_identities *identities, const struct ia_scan *scan, struct ia_error *err)
{
    const struct ia_inventory *inventory = &scan->inventory;
    identities->sorted.len = 0;
    for (size_t i = 0; i < inventory->items.len; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (!ia_item_is_image(item) || !item->has_parsed || own_of(item)[0] == '\0')
            continue;
        if (!ia_vec_push(&identities->sorted, i))
            return ia_fail(err, IA_NOMEM, "out of memory");
    }
    if (identities->sorted.len > 1)
        qsort_r(identities->sorted.items, identities->sorted.len, sizeof(*identities->sorted.items), by_identity,
                inventory->items.items);
    return IA_OK;
}

void ia_identities_release(struct ia_identities *identities)
{
    ia_vec_release(&identities->sorted);
}

size_t ia_identities_find(const struct ia_identities *identities, const struct ia_scan *scan, const char *format,
                          const char *identity)
{
    size_t low = 0;
    size_t high = identities->sorted.len;
    while (low < high) { /* ends: the range halves */
        size_t middle = low + (high - low) / 2;
        if (compare(&scan->inventory.items.items[identities->sorted.items[middle]], format, identity) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ia_identity_is(const struct ia_item *item, const char *format, const char *identity)
{
    return compare(item, format, identity) == 0;
}
