/* SPDX-License-Identifier: MIT */
/* A binary heap: what waits for a place or a number, the least key on top. Zero-initialised is empty; released with
 * ia_heap_release. Of equal keys any may be on top, the same one whenever the same calls are made. */
#ifndef IA_BASE_HEAP_H
#define IA_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/vec.h"

struct ia_heap_entry {
    int64_t key;
    size_t index; /* of what waits, in an array of the caller's */
};

struct ia_heap {
    IA_VEC(struct ia_heap_entry) entries;
};

static inline void ia_heap_release(struct ia_heap *heap)
{
    ia_vec_release(&heap->entries);
}

static inline bool ia_heap_is_empty(const struct ia_heap *heap)
{
    return heap->entries.len == 0;
}

/* The entry of the least key. The heap is not empty. */
static inline const struct ia_heap_entry *ia_heap_top(const struct ia_heap *heap)
{
    return &heap->entries.items[0];
}

/* False when memory is short: nothing changed then. */
static inline bool ia_heap_push(struct ia_heap *heap, int64_t key, size_t index)
{
    const struct ia_heap_entry entry = {.key = key, .index = index};
    if (!ia_vec_push(&heap->entries, entry))
        return false;
    struct ia_heap_entry *items = heap->entries.items;
    size_t at = heap->entries.len - 1;
    for (; at > 0 && items[(at - 1) / 2].key > key; at = (at - 1) / 2)
        items[at] = items[(at - 1) / 2];
    items[at] = entry;
    return true;
}

/* Puts the entry at the top, and lets it sink to where it belongs. */
static inline void ia_heap_sink_(struct ia_heap *heap, struct ia_heap_entry entry)
{
    struct ia_heap_entry *items = heap->entries.items;
    size_t count = heap->entries.len;
    size_t at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && items[child + 1].key < items[child].key)
            child++;
        if (items[child].key >= entry.key)
            break;
        items[at] = items[child];
        at = child;
    }
    items[at] = entry;
}

/* Takes the top out. The heap is not empty. */
static inline void ia_heap_pop(struct ia_heap *heap)
{
    ia_heap_sink_(heap, heap->entries.items[--heap->entries.len]);
}

/* Gives the top another key, which costs less than taking it out and pushing it again. The heap is not empty. */
static inline void ia_heap_change_top(struct ia_heap *heap, int64_t key)
{
    ia_heap_sink_(heap, (struct ia_heap_entry){.key = key, .index = heap->entries.items[0].index});
}

#endif
