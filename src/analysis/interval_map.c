/* SPDX-License-Identifier: MIT */
/* Interval maps: chunks, reading and building. */
#include "analysis/interval_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void drop_chunk(struct ia_interval_chunk *chunk)
{
    if (--chunk->refs == 0)
        free(chunk);
}

void ia_interval_map_release(struct ia_interval_map *steps)
{
    for (size_t i = 0; i < steps->chunks.len; i++)
        drop_chunk(steps->chunks.items[i]);
    ia_vec_release(&steps->chunks);
    steps->count = 0;
}

bool ia_interval_map_constant(struct ia_interval_map *out, int64_t end, uint32_t value)
{
    struct ia_interval_map_builder builder;
    ia_interval_map_builder_init(&builder);
    ia_interval_map_builder_set(&builder, 0, value);
    ia_interval_map_builder_set(&builder, end, 0);
    return ia_interval_map_builder_finish(&builder, out);
}

/* The last chunk from `low` on that begins at or before pos; `low` itself does. Gallops, because most moves are short.
 */
static size_t find_chunk(const struct ia_interval_map *steps, size_t low, int64_t pos)
{
    size_t high = low + 1;
    for (size_t leap = 1; high < steps->chunks.len && steps->chunks.items[high]->steps[0].at <= pos; leap *= 2) {
        low = high;
        high = leap < steps->chunks.len - low ? low + leap : steps->chunks.len;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (steps->chunks.items[middle]->steps[0].at <= pos)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t ia_step_chunk_find(const struct ia_interval_chunk *chunk, size_t low, int64_t pos)
{
    size_t high = low + 1;
    for (size_t leap = 1; high < chunk->len && chunk->steps[high].at <= pos; leap *= 2) {
        low = high;
        high = leap < chunk->len - low ? low + leap : chunk->len;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (chunk->steps[middle].at <= pos)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t ia_interval_map_chunk_end(const struct ia_interval_map *steps, size_t chunk)
{
    return chunk + 1 < steps->chunks.len ? steps->chunks.items[chunk + 1]->steps[0].at : INT64_MAX;
}

/* Where the value of a step ends. A shared chunk may begin with the value that the one before it ends with. */
static int64_t end_of_value(const struct ia_interval_map *steps, size_t chunk, size_t step)
{
    uint32_t value = steps->chunks.items[chunk]->steps[step].value;
    for (;;) { /* ends: every turn goes one step further */
        if (++step == steps->chunks.items[chunk]->len) {
            if (++chunk == steps->chunks.len)
                return INT64_MAX;
            step = 0;
        }
        const struct ia_interval *next = &steps->chunks.items[chunk]->steps[step];
        if (next->value != value)
            return next->at;
    }
}

const struct ia_interval_chunk *ia_interval_map_seek(struct ia_interval_map_cursor *cursor, int64_t pos)
{
    const struct ia_interval_map *steps = cursor->steps;
    if (steps->chunks.len == 0)
        return NULL;
    const struct ia_interval_chunk *chunk = steps->chunks.items[cursor->chunk];
    if (pos >= chunk->steps[chunk->len - 1].at) { /* in the last step of the chunk, or in another chunk */
        size_t found = find_chunk(steps, cursor->chunk, pos);
        if (found != cursor->chunk) {
            cursor->chunk = found;
            cursor->step = 0;
            chunk = steps->chunks.items[found];
        }
    }
    cursor->step = ia_step_chunk_find(chunk, cursor->step, pos);
    return chunk;
}

uint32_t ia_interval_map_at(struct ia_interval_map_cursor *cursor, int64_t pos, int64_t *until)
{
    const struct ia_interval_chunk *chunk = ia_interval_map_seek(cursor, pos);
    if (chunk == NULL) {
        *until = INT64_MAX;
        return 0;
    }
    *until = end_of_value(cursor->steps, cursor->chunk, cursor->step);
    return chunk->steps[cursor->step].value;
}

void ia_interval_map_builder_init(struct ia_interval_map_builder *builder)
{
    /* Not a compound literal: that would clear the 8 KiB of `pending` for each of 100,000 images. */
    builder->out = (struct ia_interval_map){0};
    builder->tail = 0;
    builder->failed = false;
    builder->len = 0;
}

static void fail(struct ia_interval_map_builder *builder)
{
    builder->failed = true;
    builder->len = 0;
}

/* Moves the first n pending steps into a chunk. */
static void flush(struct ia_interval_map_builder *builder, size_t n)
{
    if (n == 0 || builder->failed)
        return;
    struct ia_interval_chunk *chunk = malloc(sizeof(*chunk) + n * sizeof(chunk->steps[0]));
    if (chunk == NULL || !ia_vec_push(&builder->out.chunks, chunk)) {
        free(chunk);
        fail(builder);
        return;
    }
    chunk->refs = 1;
    chunk->len = n;
    memcpy(chunk->steps, builder->pending, n * sizeof(chunk->steps[0]));
    builder->out.count += n;
    builder->tail = chunk->steps[n - 1].value;
    builder->len -= n;
    memmove(builder->pending, builder->pending + n, builder->len * sizeof(builder->pending[0]));
}

static bool is_empty(const struct ia_interval_map_builder *builder)
{
    return builder->len == 0 && builder->out.chunks.len == 0;
}

void ia_interval_map_builder_set(struct ia_interval_map_builder *builder, int64_t at, uint32_t value)
{
    if (builder->failed)
        return;
    assert(at == 0 || !is_empty(builder));
    if (builder->len > 0 && builder->pending[builder->len - 1].at == at)
        builder->len--;
    uint32_t before = builder->len > 0 ? builder->pending[builder->len - 1].value : builder->tail;
    if (before == value && !is_empty(builder))
        return;
    if (builder->len == 2 * IA_INTERVAL_CHUNK_MAX) {
        flush(builder, IA_INTERVAL_CHUNK_MAX);
        if (builder->failed)
            return;
    }
    builder->pending[builder->len++] = (struct ia_interval){.at = at, .value = value};
}

void ia_interval_map_builder_copy(struct ia_interval_map_builder *builder, const struct ia_interval *steps,
                                  size_t count)
{
    if (count == 0)
        return;
    ia_interval_map_builder_set(builder, steps[0].at, steps[0].value); /* it alone may repeat the value before it */
    steps++;
    count--;
    while (count > 0 && !builder->failed) { /* ends: there is room after each flush */
        if (builder->len == 2 * IA_INTERVAL_CHUNK_MAX)
            flush(builder, IA_INTERVAL_CHUNK_MAX);
        size_t room = 2 * IA_INTERVAL_CHUNK_MAX - builder->len;
        size_t n = count < room ? count : room;
        if (builder->failed)
            break;
        memcpy(builder->pending + builder->len, steps, n * sizeof(*steps));
        builder->len += n;
        steps += n;
        count -= n;
    }
}

bool ia_interval_map_builder_share(struct ia_interval_map_builder *builder, struct ia_interval_chunk *chunk)
{
    if (builder->len > 0 && builder->len < IA_INTERVAL_CHUNK_MIN)
        return false;
    if (builder->len > IA_INTERVAL_CHUNK_MAX)
        flush(builder, builder->len / 2);
    flush(builder, builder->len);
    if (builder->failed)
        return true;
    if (!ia_vec_push(&builder->out.chunks, chunk)) {
        fail(builder);
        return true;
    }
    chunk->refs++;
    builder->out.count += chunk->len;
    builder->tail = chunk->steps[chunk->len - 1].value;
    return true;
}

bool ia_interval_map_builder_finish(struct ia_interval_map_builder *builder, struct ia_interval_map *out)
{
    if (builder->out.chunks.len == 0 && builder->len == 1 && builder->pending[0].value == 0)
        builder->len = 0;
    if (builder->len > IA_INTERVAL_CHUNK_MAX)
        flush(builder, builder->len / 2);
    flush(builder, builder->len);
    if (builder->failed) {
        ia_interval_map_builder_abandon(builder);
        return false;
    }
    *out = builder->out;
    ia_interval_map_builder_init(builder);
    return true;
}

void ia_interval_map_builder_abandon(struct ia_interval_map_builder *builder)
{
    ia_interval_map_release(&builder->out);
    ia_interval_map_builder_init(builder);
}
