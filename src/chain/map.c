/* SPDX-License-Identifier: MIT */
/* A sweep over the extents of all layers. Each layer waits in a heap for the next place where it begins or ends
 * something; a bit set has which layers have the bytes at the sweep's place, and its lowest bit is the depth.
 * Cost: extents times log(depth). */
#include "chain/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/heap.h"

struct sweep_layer {
    struct ia_cursor *cursor;
    const struct ia_extent *batch;
    size_t at, count;
    struct ia_extent current;
    bool inside; /* the sweep is inside `current`; else before it */
    bool ended;
};

struct ia_map {
    const struct ia_chain *chain;
    struct sweep_layer *layers;
    struct ia_heap events; /* by place: a layer each */
    uint64_t *present;     /* a bit for each layer whose current extent is present and holds `at` */
    size_t words;
    size_t deepest; /* the last layer that reaches `at` */
    int64_t at, end;
    struct ia_map_entry held; /* may still grow */
    bool has_held;
};

static void mark(struct ia_map *map, size_t layer, bool on)
{
    uint64_t bit = UINT64_C(1) << (layer % 64);
    if (on)
        map->present[layer / 64] |= bit;
    else
        map->present[layer / 64] &= ~bit;
}

/* A failure names the image of the chain. */
static enum ia_status blame(const struct ia_map *map, size_t index, const struct ia_error *cause, struct ia_error *err)
{
    return ia_fail(err, cause->status, "'%.200s': %.280s", map->chain->layers.items[index].name, cause->message);
}

static enum ia_status fetch(struct ia_map *map, size_t index, struct ia_error *err)
{
    struct sweep_layer *layer = &map->layers[index];
    if (layer->at == layer->count) {
        struct ia_error cause = {0};
        enum ia_status status = ia_cursor_next(layer->cursor, &layer->batch, &layer->count, &cause);
        if (status != IA_OK)
            return blame(map, index, &cause, err);
        layer->at = 0;
    }
    layer->ended = layer->count == 0;
    if (!layer->ended)
        layer->current = layer->batch[layer->at++];
    layer->inside = false;
    return IA_OK;
}

/* Moves the layer of the first event on, so that its next one lies after map->at. */
static enum ia_status advance_first(struct ia_map *map, struct ia_error *err)
{
    size_t index = ia_heap_top(&map->events)->index;
    struct sweep_layer *layer = &map->layers[index];
    for (;;) {
        int64_t end = layer->current.start + layer->current.length;
        if (layer->ended || end <= map->at) {
            mark(map, index, false);
            if (!layer->ended) {
                enum ia_status status = fetch(map, index, err);
                if (status != IA_OK)
                    return status;
            }
            if (!layer->ended)
                continue;
            ia_heap_change_top(&map->events, INT64_MAX);
            return IA_OK;
        }
        layer->inside = layer->current.start <= map->at;
        mark(map, index, layer->inside && ia_extent_is_present(&layer->current));
        ia_heap_change_top(&map->events, layer->inside ? end : layer->current.start);
        return IA_OK;
    }
}

static size_t smallest_depth(const struct ia_map *map)
{
    for (size_t word = 0; word < map->words; word++)
        if (map->present[word] != 0)
            return word * 64 + (size_t)__builtin_ctzll(map->present[word]);
    return SIZE_MAX;
}

static const char *filename_of(const struct ia_layer *layer, const struct ia_extent *extent)
{
    return extent->file == 0 ? layer->name : layer->part_names.items[extent->file - 1];
}

static void describe(const struct ia_map *map, int64_t stop, struct ia_map_entry *entry)
{
    size_t depth = smallest_depth(map);
    bool present = depth != SIZE_MAX;
    if (!present)
        depth = map->deepest;
    const struct sweep_layer *layer = &map->layers[depth];
    *entry = (struct ia_map_entry){
        .start = map->at,
        .length = stop - map->at,
        .offset = IA_NO_OFFSET,
        .depth = (uint32_t)depth,
        .present = present,
        .zero = true,
    };
    if (!layer->inside)
        return;
    const struct ia_extent *extent = &layer->current;
    entry->data = ia_extent_is_data(extent);
    entry->zero = ia_extent_is_zero(extent);
    entry->compressed = extent->state == IA_EXTENT_COMPRESSED;
    if (extent->offset != IA_NO_OFFSET && extent->state != IA_EXTENT_ENCRYPTED) {
        entry->offset = extent->offset + (map->at - extent->start);
        entry->filename = filename_of(&map->chain->layers.items[depth], extent);
    }
}

/* The next piece on which no layer changes. */
static enum ia_status next_piece(struct ia_map *map, struct ia_map_entry *entry, struct ia_error *err)
{
    const struct ia_layer *layers = map->chain->layers.items;
    while (ia_heap_top(&map->events)->key <= map->at) {
        enum ia_status status = advance_first(map, err);
        if (status != IA_OK)
            return status;
    }
    while (layers[map->deepest].visible_size <= map->at)
        map->deepest--; /* ends: depth 0 reaches map->end */
    int64_t stop = ia_min(map->end, ia_min(ia_heap_top(&map->events)->key, layers[map->deepest].visible_size));
    describe(map, stop, entry);
    map->at = stop;
    return IA_OK;
}

/* qemu-img's rule, with 8.2's distinction of compressed entries. */
static bool continues(const struct ia_map_entry *a, const struct ia_map_entry *b)
{
    if (a->depth != b->depth || a->present != b->present || a->zero != b->zero || a->data != b->data ||
        a->compressed != b->compressed)
        return false;
    if (a->offset == IA_NO_OFFSET || b->offset == IA_NO_OFFSET)
        return a->offset == b->offset;
    return b->offset - a->offset == a->length && (a->filename == b->filename || strcmp(a->filename, b->filename) == 0);
}

enum ia_status ia_map_next(struct ia_map *map, struct ia_map_entry *entry, bool *have, struct ia_error *err)
{
    while (map->at < map->end) {
        struct ia_map_entry piece;
        enum ia_status status = next_piece(map, &piece, err);
        if (status != IA_OK)
            return status;
        if (map->has_held && continues(&map->held, &piece)) {
            map->held.length += piece.length;
            continue;
        }
        *entry = map->held;
        *have = map->has_held;
        map->held = piece;
        map->has_held = true;
        if (*have)
            return IA_OK;
    }
    *entry = map->held;
    *have = map->has_held;
    map->has_held = false;
    return IA_OK;
}

static enum ia_status open_layers(struct ia_map *map, int64_t from, struct ia_error *err)
{
    size_t depth = map->chain->layers.len;
    for (size_t i = 0; i < depth; i++) {
        const struct ia_layer *layer = &map->chain->layers.items[i];
        struct ia_error cause = {0};
        enum ia_status status = ia_cursor_open(layer->image, 0, from, ia_min(map->end, layer->visible_size),
                                               &map->layers[i].cursor, &cause);
        if (status != IA_OK)
            return blame(map, i, &cause, err);
        if ((status = fetch(map, i, err)) != IA_OK)
            return status;
        if (!ia_heap_push(&map->events, from, i))
            return ia_no_memory(err);
    }
    return IA_OK;
}

enum ia_status ia_map_open(const struct ia_chain *chain, int64_t from, int64_t to, struct ia_map **out,
                           struct ia_error *err)
{
    size_t depth = chain->layers.len;
    struct ia_map *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    map->chain = chain;
    map->words = (depth + 63) / 64;
    map->layers = calloc(depth, sizeof(*map->layers));
    map->present = calloc(map->words, sizeof(*map->present));
    map->deepest = depth - 1;
    map->at = from;
    map->end = ia_min(to, chain->layers.items[0].visible_size);
    enum ia_status status =
        map->layers == NULL || map->present == NULL ? ia_no_memory(err) : open_layers(map, from, err);
    if (status != IA_OK) {
        ia_map_close(map);
        return status;
    }
    *out = map;
    return IA_OK;
}

void ia_map_close(struct ia_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; map->layers != NULL && i < map->chain->layers.len; i++)
        ia_cursor_close(map->layers[i].cursor);
    free(map->layers);
    ia_heap_release(&map->events);
    free(map->present);
    free(map);
}
