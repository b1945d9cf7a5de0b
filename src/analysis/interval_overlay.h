/* SPDX-License-Identifier: MIT */
/* A interval map with ranges of another value laid over it: what an overlay makes of the layers below it (the value is
 * its own), and what it leaves of the demand of those above it (the value is 0). */
#ifndef IA_ANALYSIS_INTERVAL_OVERLAY_H
#define IA_ANALYSIS_INTERVAL_OVERLAY_H

#include "analysis/interval_map.h"

struct ia_interval_map_overlay {
    struct ia_interval_map_builder out;
    struct ia_interval_map_cursor below;
    int64_t pos; /* all before it is in `out` */
    int64_t end; /* the result is 0 from here on */
};

/* `below` must outlive the overlay. Either finish or abandon must follow. */
void ia_interval_map_overlay_begin(struct ia_interval_map_overlay *overlay, const struct ia_interval_map *below,
                                   int64_t end);

/* Ranges ascend and do not overlap; what lies past the end is ignored. */
void ia_interval_map_overlay_put(struct ia_interval_map_overlay *overlay, int64_t start, int64_t length,
                                 uint32_t value);

/* False when memory was short at any time; everything is released then. */
IA_MUST_CHECK bool ia_interval_map_overlay_finish(struct ia_interval_map_overlay *overlay, struct ia_interval_map *out);
void ia_interval_map_overlay_abandon(struct ia_interval_map_overlay *overlay);
#define IA_AUTO_INTERVAL_MAP_OVERLAY __attribute__((cleanup(ia_interval_map_overlay_abandon)))

#endif
