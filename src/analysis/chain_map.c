/* SPDX-License-Identifier: MIT */
/* Merging the map of a chain, and counting what each layer gives. */
#include "analysis/chain_map.h"

#include <string.h>

#include "base/checked.h"

static const struct ia_chain_map no_layers;

void ia_chain_map_release(struct ia_chain_map *map)
{
    ia_interval_map_release(&map->pieces);
    ia_vec_release(&map->bytes);
}

bool ia_chain_builder_begin(struct ia_chain_builder *builder, const struct ia_chain_map *below, int64_t size,
                            bool with_pieces)
{
    builder->below = below != NULL ? below : &no_layers;
    builder->size = size;
    builder->with_pieces = with_pieces;
    builder->covered = (struct ia_interval_map_cursor){.steps = &builder->below->pieces};
    builder->map = (struct ia_chain_map){0};
    size_t levels = builder->below->bytes.len;
    if (!ia_vec_reserve(&builder->map.bytes, levels + 1))
        return false;
    if (levels > 0)
        memcpy(builder->map.bytes.items, builder->below->bytes.items, levels * sizeof(builder->map.bytes.items[0]));
    builder->map.bytes.items[levels] = (struct ia_layer_bytes){0};
    builder->map.bytes.len = levels + 1;
    if (with_pieces)
        ia_interval_map_overlay_begin(&builder->pieces, &builder->below->pieces, size);
    return true;
}

/* What the layers below give in [start, end) does not show through. */
static void take_away(struct ia_chain_builder *builder, int64_t start, int64_t end)
{
    for (int64_t pos = start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t value = ia_interval_map_at(&builder->covered, pos, &until);
        until = ia_min(until, end);
        if (value > 0) {
            struct ia_layer_bytes *layer = &builder->map.bytes.items[(value - 1) / 2];
            layer->visible -= until - pos;
            if ((value - 1) % 2 == 1)
                layer->data -= until - pos;
        }
        pos = until;
    }
}

void ia_chain_builder_put(struct ia_chain_builder *builder, const struct ia_extent *extent)
{
    if (!ia_extent_is_present(extent))
        return;
    take_away(builder, extent->start, extent->start + extent->length);
    size_t level = builder->map.bytes.len - 1;
    bool is_data = ia_extent_is_data(extent);
    builder->map.bytes.items[level].visible += extent->length;
    if (is_data)
        builder->map.bytes.items[level].data += extent->length;
    if (builder->with_pieces)
        ia_interval_map_overlay_put(&builder->pieces, extent->start, extent->length,
                                    1 + 2 * (uint32_t)level + (is_data ? 1 : 0));
}

bool ia_chain_builder_finish(struct ia_chain_builder *builder, struct ia_chain_map *out)
{
    take_away(builder, builder->size, INT64_MAX);
    if (builder->with_pieces && !ia_interval_map_overlay_finish(&builder->pieces, &builder->map.pieces)) {
        ia_chain_map_release(&builder->map);
        return false;
    }
    *out = builder->map;
    builder->map = (struct ia_chain_map){0};
    return true;
}

void ia_chain_builder_abandon(struct ia_chain_builder *builder)
{
    if (builder->with_pieces)
        ia_interval_map_overlay_abandon(&builder->pieces);
    ia_chain_map_release(&builder->map);
}
