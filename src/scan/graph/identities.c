/* SPDX-License-Identifier: MIT */
/* Sorting images by identity, and finding them. */
#include "scan/graph/identities.h"

#include <string.h>

static const char *own_of(const struct ia_file *file)
{
    return ia_parsed_identity(file->parsed)->own;
}

static int compare(const struct ia_file *file, const char *format, const char *identity)
{
    int order = strcmp(own_of(file), identity);
    return order != 0 ? order : strcmp(file->parsed->format, format);
}

static int by_identity(const void *a, const void *b, void *ctx)
{
    struct ia_file *const *items = ctx;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = compare(items[x], items[y]->parsed->format, own_of(items[y]));
    return order != 0 ? order : (x > y) - (x < y);
}

enum ia_status ia_identities_sort(struct ia_identities *identities, const struct ia_catalog *catalog,
                                  struct ia_error *err)
{
    identities->sorted.len = 0;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (!ia_file_is_image(file) || !file->has_parsed || own_of(file)[0] == '\0')
            continue;
        if (!ia_vec_push(&identities->sorted, i))
            return ia_no_memory(err);
    }
    if (identities->sorted.len > 1)
        qsort_r(identities->sorted.items, identities->sorted.len, sizeof(*identities->sorted.items), by_identity,
                catalog->files.items);
    return IA_OK;
}

void ia_identities_release(struct ia_identities *identities)
{
    ia_vec_release(&identities->sorted);
}

size_t ia_identities_find(const struct ia_identities *identities, const struct ia_catalog *catalog, const char *format,
                          const char *identity)
{
    size_t low = 0;
    size_t high = identities->sorted.len;
    while (low < high) { /* ends: the range halves */
        size_t middle = low + (high - low) / 2;
        if (compare(catalog->files.items[identities->sorted.items[middle]], format, identity) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ia_identity_is(const struct ia_file *file, const char *format, const char *identity)
{
    return compare(file, format, identity) == 0;
}
