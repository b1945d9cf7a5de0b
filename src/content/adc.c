/* SPDX-License-Identifier: MIT */
/* A stream of three kinds of chunks, distinguished by the first byte's high bits:
 *   1lllllll                       l + 1 literal bytes follow
 *   01llllll dddddddd dddddddd     copy l + 4 bytes from d + 1 bytes back
 *   00lllldd dddddddd              copy l + 3 bytes from d + 1 bytes back
 * A copy may overlap what it writes: it repeats then. */
#include "content/adc.h"

#include <stdbool.h>

struct chunk {
    bool literal;
    size_t header;   /* bytes */
    size_t length;   /* bytes that it expands to */
    size_t distance; /* of a copy */
};

/* False: the stream ends inside the chunk. */
static bool read_chunk(const uint8_t *in, size_t len, struct chunk *chunk)
{
    *chunk = (struct chunk){0};
    if ((in[0] & 0x80) != 0) {
        chunk->literal = true;
        chunk->header = 1;
        chunk->length = (in[0] & 0x7fu) + 1;
        return chunk->length <= len - 1;
    }
    chunk->header = (in[0] & 0x40) != 0 ? 3 : 2;
    if (chunk->header > len)
        return false;
    if (chunk->header == 3) {
        chunk->length = (in[0] & 0x3fu) + 4;
        chunk->distance = ((size_t)in[1] << 8 | in[2]) + 1;
    } else {
        chunk->length = (in[0] >> 2) + 3u;
        chunk->distance = ((in[0] & 3u) << 8 | in[1]) + 1;
    }
    return true;
}

enum ia_status ia_adc_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, size_t *produced,
                             struct ia_error *err)
{
    size_t from = 0;
    size_t to = 0;
    while (from < in_len && to < out_len) {
        struct chunk chunk;
        if (!read_chunk(in + from, in_len - from, &chunk))
            return ia_fail(err, IA_CORRUPT, "ADC stream cut short at byte %zu of %zu", from, in_len);
        if (!chunk.literal && chunk.distance > to)
            return ia_fail(err, IA_CORRUPT, "ADC stream, byte %zu: a copy from %zu bytes back, after %zu", from,
                           chunk.distance, to);
        from += chunk.header;
        for (size_t i = 0; i < chunk.length && to < out_len; i++, to++)
            out[to] = chunk.literal ? in[from + i] : out[to - chunk.distance];
        from += chunk.literal ? chunk.length : 0;
    }
    *produced = to;
    return IA_OK;
}
