/* SPDX-License-Identifier: MIT */
/* The merged map of a chain: which layer each byte comes from, and how many bytes come from each. Layers are named
 * by their level, which is counted from the root (level 0), so that a map stays right for every overlay. */
#ifndef IA_ANALYSIS_CHAIN_MAP_H
#define IA_ANALYSIS_CHAIN_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/interval_overlay.h"
#include "base/vec.h"
#include "model/extent.h"

#define IA_CHAIN_MAX_LEVELS (UINT32_MAX / 2)

struct ia_layer_bytes {
    int64_t visible; /* bytes that come from present extents of the layer */
    int64_t data;    /* those of them that are data */
};

/* Zero-initialised is the map of no layers. */
struct ia_chain_map {
    struct ia_interval_map pieces;       /* 0: from nowhere; else 1 + 2 * level + (1 where it is data) */
    IA_VEC(struct ia_layer_bytes) bytes; /* by level, the image's own last */
};

void ia_chain_map_release(struct ia_chain_map *map);

/* Makes an image's map from its backing image's and its own extents. */
struct ia_chain_builder {
    const struct ia_chain_map *below;
    int64_t size;
    bool with_pieces;
    struct ia_interval_map_cursor covered; /* in below's pieces */
    struct ia_chain_map map;
    struct ia_interval_map_overlay pieces; /* used when with_pieces */
};

/* `below` is the finished map of the backing image, which must outlive the builder, or NULL at the root. Without pieces
 * only the bytes are counted, which costs the image's own extents and what they cover: enough for an image without
 * overlays. False when memory is short; nothing needs to be released then. */
IA_MUST_CHECK bool ia_chain_builder_begin(struct ia_chain_builder *builder, const struct ia_chain_map *below,
                                          int64_t size, bool with_pieces);

/* Extents in ascending order, cut at the image's size. */
void ia_chain_builder_put(struct ia_chain_builder *builder, const struct ia_extent *extent);

/* Hands the map over; on false, memory was short and everything is released. */
IA_MUST_CHECK bool ia_chain_builder_finish(struct ia_chain_builder *builder, struct ia_chain_map *out);
void ia_chain_builder_abandon(struct ia_chain_builder *builder);

#endif
