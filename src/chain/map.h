/* SPDX-License-Identifier: MIT */
/* The core resolver: the merged map of a chain, streamed. For every guest byte the smallest depth that has it; where
 * none has, the deepest layer that reaches so far, not present. Memory does not grow with the number of extents. */
#ifndef IA_CHAIN_MAP_H
#define IA_CHAIN_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/chain.h"

/* One line of `qemu-img map`. */
struct ia_map_entry {
    int64_t start; /* guest bytes */
    int64_t length;
    int64_t offset;       /* in filename, or IA_NO_OFFSET */
    const char *filename; /* the chain's; NULL without an offset */
    uint32_t depth;
    bool present, zero, data, compressed;
};

struct ia_map;

/* Guest bytes [from, to) of the chain; `to` is cut at the size of depth 0. The chain outlives the map. */
IA_MUST_CHECK enum ia_status ia_map_open(const struct ia_chain *chain, int64_t from, int64_t to, struct ia_map **out,
                                         struct ia_error *err);

/* The next entry, neighbours merged as qemu-img merges them; *have is false at the end. */
IA_MUST_CHECK enum ia_status ia_map_next(struct ia_map *map, struct ia_map_entry *entry, bool *have,
                                         struct ia_error *err);
void ia_map_close(struct ia_map *map); /* NULL is fine */

static inline void ia_cleanup_map_(struct ia_map **map)
{
    ia_map_close(*map);
}
#define IA_AUTO_MAP __attribute__((cleanup(ia_cleanup_map_)))

#endif
