/* SPDX-License-Identifier: MIT */
/* Items that wait, each on a level of its own: taken from the highest level down, each once until it is added again.
 * Released with ia_level_queue_release; zero-initialised is empty, and takes nothing in. */
#ifndef IA_ANALYSIS_LEVEL_QUEUE_H
#define IA_ANALYSIS_LEVEL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define IA_LEVEL_END SIZE_MAX
#define IA_LEVEL_NOT_WAITING (SIZE_MAX - 1)

struct ia_level_queue {
    size_t *first;         /* owned; of each level an item that waits, or IA_LEVEL_END */
    size_t *next;          /* owned; of each item the next of its level, IA_LEVEL_END or IA_LEVEL_NOT_WAITING */
    size_t count, deepest; /* items that wait, and no lower level than the highest with one */
};

static inline void ia_level_queue_release(struct ia_level_queue *queue)
{
    free(queue->first);
    free(queue->next);
}

/* For items and levels below these numbers. False: out of memory; to be released all the same. */
static inline bool ia_level_queue_init(struct ia_level_queue *queue, size_t items, size_t levels)
{
    *queue = (struct ia_level_queue){.first = calloc(levels + 1, sizeof(*queue->first)),
                                     .next = calloc(items + 1, sizeof(*queue->next))};
    if (queue->first == NULL || queue->next == NULL)
        return false;
    for (size_t i = 0; i < levels; i++)
        queue->first[i] = IA_LEVEL_END;
    for (size_t i = 0; i < items; i++)
        queue->next[i] = IA_LEVEL_NOT_WAITING;
    return true;
}

/* Unless it waits. An item is always on the same level. */
static inline void ia_level_queue_add(struct ia_level_queue *queue, size_t item, size_t level)
{
    if (queue->next[item] != IA_LEVEL_NOT_WAITING)
        return;
    queue->next[item] = queue->first[level];
    queue->first[level] = item;
    if (queue->count++ == 0 || level > queue->deepest)
        queue->deepest = level;
}

/* One of the highest level with any. The queue is not empty. */
static inline size_t ia_level_queue_take(struct ia_level_queue *queue)
{
    while (queue->first[queue->deepest] == IA_LEVEL_END) /* ends: one waits, on no higher level */
        queue->deepest--;
    size_t item = queue->first[queue->deepest];
    queue->first[queue->deepest] = queue->next[item];
    queue->next[item] = IA_LEVEL_NOT_WAITING;
    queue->count--;
    return item;
}

#endif
