/* SPDX-License-Identifier: MIT */
/* Interval maps: a small number for every guest byte in [0, INT64_MAX), kept as the positions where it changes.
 * The steps live in counted chunks that are never changed once built, so a function that differs from another in a few
 * places shares the rest with it: each layer of a long chain over a large base costs the chunks that its extents touch,
 * not the whole base. */
#ifndef IA_ANALYSIS_INTERVAL_MAP_H
#define IA_ANALYSIS_INTERVAL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_interval {
    int64_t at;     /* from this byte on... */
    uint32_t value; /* ...the function has this value, until the next step */
};

/* Chunks hold IA_INTERVAL_CHUNK_MIN..IA_INTERVAL_CHUNK_MAX steps; only the last one of a function may be shorter. */
#define IA_INTERVAL_CHUNK_MAX 256
#define IA_INTERVAL_CHUNK_MIN 64

struct ia_interval_chunk {
    size_t refs;
    size_t len; /* > 0 */
    struct ia_interval steps[];
};

/* Zero-initialised is 0 everywhere; any other function begins with a step at 0. */
struct ia_interval_map {
    IA_VEC(struct ia_interval_chunk *) chunks;
    size_t count; /* steps in all chunks */
};

void ia_interval_map_release(struct ia_interval_map *steps);
#define IA_AUTO_INTERVAL_MAP __attribute__((cleanup(ia_interval_map_release)))

/* `value` on [0, end), 0 behind. False when memory is short. */
IA_MUST_CHECK bool ia_interval_map_constant(struct ia_interval_map *out, int64_t end, uint32_t value);

/* Reads a function in ascending order. The function must outlive the cursor. */
struct ia_interval_map_cursor {
    const struct ia_interval_map *steps;
    size_t chunk, step; /* the step that holds at the last position */
};

/* The value at pos (>= the pos of the call before), and up to where it stays the same: INT64_MAX for ever.
 * Jumping ahead costs the logarithm of the distance. */
uint32_t ia_interval_map_at(struct ia_interval_map_cursor *cursor, int64_t pos, int64_t *until);

/* The same for callers that look into the chunks: moves the cursor and returns its chunk, or NULL where the function
 * has none. */
const struct ia_interval_chunk *ia_interval_map_seek(struct ia_interval_map_cursor *cursor, int64_t pos);

/* Where the chunk of that number ends: INT64_MAX for the last one. */
int64_t ia_interval_map_chunk_end(const struct ia_interval_map *steps, size_t chunk);

/* The last step from `low` on that is at or before pos; `low` itself does. */
size_t ia_step_chunk_find(const struct ia_interval_chunk *chunk, size_t low, int64_t pos);

/* Builds a function from left to right. A failed allocation sticks and is reported by finish. */
struct ia_interval_map_builder {
    struct ia_interval_map out;
    uint32_t tail; /* value of the last step in `out` */
    bool failed;
    size_t len;
    struct ia_interval pending[2 * IA_INTERVAL_CHUNK_MAX]; /* not yet in a chunk */
};

void ia_interval_map_builder_init(struct ia_interval_map_builder *builder);

/* From `at` on the value is `value`. The first position is 0, and they never go back; the same position again replaces
 * the step there. */
void ia_interval_map_builder_set(struct ia_interval_map_builder *builder, int64_t at, uint32_t value);

/* Sets neighbouring steps of one chunk. */
void ia_interval_map_builder_copy(struct ia_interval_map_builder *builder, const struct ia_interval *steps,
                                  size_t count);

/* Appends a whole chunk of another function, which must begin past the last step set and not be short unless it is also
 * the last one here. False: nothing was done, because a short chunk would result before it; set its steps one by one
 * instead. */
bool ia_interval_map_builder_share(struct ia_interval_map_builder *builder, struct ia_interval_chunk *chunk);

/* Hands the function over; on false, memory was short and everything is released. */
IA_MUST_CHECK bool ia_interval_map_builder_finish(struct ia_interval_map_builder *builder, struct ia_interval_map *out);
void ia_interval_map_builder_abandon(struct ia_interval_map_builder *builder);

#endif
