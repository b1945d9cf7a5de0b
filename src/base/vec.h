/* SPDX-License-Identifier: MIT */
/* A growable array: a struct with items, len and cap, declared with IA_VEC and released with ia_vec_release.
 * Zero-initialised is empty. Growth doubles; an overflow of the byte count counts as out of memory. */
#ifndef IA_BASE_VEC_H
#define IA_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define IA_VEC(type)                                                                                                   \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t len, cap;                                                                                               \
    }

/* Grows *items to hold at least need elements; false when memory is short (nothing changed then). */
bool ia_vec_grow(void **items, size_t *cap, size_t need, size_t item_size);

/* True when there is room for `more` further elements. */
#define ia_vec_reserve(vec, more)                                                                                      \
    ((vec)->cap - (vec)->len >= (size_t)(more) ||                                                                      \
     ia_vec_grow((void **)&(vec)->items, &(vec)->cap, (vec)->len + (size_t)(more), sizeof(*(vec)->items)))

/* Appends; false when memory is short. */
#define ia_vec_push(vec, value) (ia_vec_reserve((vec), 1) ? ((vec)->items[(vec)->len++] = (value), true) : false)

#define ia_vec_release(vec)                                                                                            \
    do {                                                                                                               \
        free((vec)->items);                                                                                            \
        (vec)->items = NULL;                                                                                           \
        (vec)->len = (vec)->cap = 0;                                                                                   \
    } while (0)

#endif
