/* SPDX-License-Identifier: MIT */
/* The DMG driver's entry points, and the mapping: the chunks in their order. What no chunk describes is unallocated. */
#include "format/dmg/dmg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/path.h"
#include "format/dmg/internal.h"

enum { STEP_CHUNKS = 4096 };

static bool dmg_probe(const uint8_t *head, size_t len)
{
    return len >= DMG_ENCRYPTED_BYTES && memcmp(head, DMG_ENCRYPTED_V2, DMG_ENCRYPTED_BYTES) == 0;
}

static bool dmg_probe_name(const char *name)
{
    return ia_path_ends_in(name, ".dmg");
}

static bool dmg_probe_footer(const uint8_t *footer)
{
    bool plain = memcmp(footer, "koly", 4) == 0 && ia_be32(footer + 4) == 4 && ia_be32(footer + 8) == DMG_TRAILER_BYTES;
    const uint8_t *end = footer + DMG_TRAILER_BYTES - DMG_ENCRYPTED_BYTES;
    return plain || memcmp(end, DMG_ENCRYPTED_V1, DMG_ENCRYPTED_BYTES) == 0;
}

static const struct stored {
    const char *name;
    uint32_t type;
    enum ia_codec codec;
} stored_types[] = {
    {"raw", DMG_RAW, 0},
    {"adc", DMG_ADC, IA_CODEC_ADC},
    {"zlib", DMG_ZLIB, IA_CODEC_ZLIB},
    {"bzip2", DMG_BZIP2, IA_CODEC_BZIP2},
    {"lzfse", DMG_LZFSE, IA_CODEC_LZFSE},
    {"xz", DMG_XZ, IA_CODEC_XZ},
};
enum { STORED_TYPES = sizeof(stored_types) / sizeof(stored_types[0]) };

static size_t stored_type(uint32_t type)
{
    size_t i = 0;
    while (i < STORED_TYPES - 1 && stored_types[i].type != type)
        i++;
    return i;
}

/* What the chunks that the guest can see are, and what they take. */
static void describe(struct ia_image *image, const struct dmg *dmg)
{
    struct ia_image_facts *facts = &image->facts;
    bool used[STORED_TYPES] = {false};
    for (size_t i = 0; i < dmg->chunks.len && dmg->chunks.items[i].start < facts->virtual_size; i++) {
        const struct dmg_chunk *chunk = &dmg->chunks.items[i];
        if (dmg_is_zero(chunk))
            continue;
        used[stored_type(chunk->type)] = true;
        if (chunk->type != DMG_RAW)
            facts->compressed_host += chunk->host_length;
        if (chunk->offset + chunk->host_length > image->main->size)
            facts->truncated = true;
    }
    facts->version = 4; /* the trailer's, and it takes no other */
    size_t len = (size_t)snprintf(facts->variant, sizeof(facts->variant), "v4%s",
                                  dmg->resources.length != 0 ? " resource-fork" : "");
    for (size_t i = 0; i < STORED_TYPES; i++)
        if (used[i])
            len += (size_t)snprintf(facts->variant + len, sizeof(facts->variant) - len, " %s", stored_types[i].name);
}

static enum ia_status dmg_open(struct ia_image *image, struct ia_error *err)
{
    struct dmg *dmg = calloc(1, sizeof(*dmg));
    if (dmg == NULL)
        return ia_no_memory(err);
    image->state = dmg;
    IA_TRY(dmg_read_trailer(image, dmg, err));
    if (dmg->resources.length != 0)
        IA_TRY(dmg_read_resources(image, dmg, err));
    else if (dmg->plist.length != 0)
        IA_TRY(dmg_read_plist(image, dmg, err));
    else
        return ia_fail(err, IA_CORRUPT, "a DMG without tables: neither resource fork nor property list");
    IA_TRY(dmg_order_chunks(dmg, err));
    describe(image, dmg);
    return IA_OK;
}

static void dmg_close(struct ia_image *image)
{
    struct dmg *dmg = image->state;
    if (dmg == NULL)
        return;
    ia_vec_release(&dmg->chunks);
    free(dmg);
}

/* The first chunk that ends behind `at`. */
static size_t find_chunk(const struct dmg *dmg, int64_t at)
{
    size_t low = 0;
    size_t high = dmg->chunks.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct dmg_chunk *chunk = &dmg->chunks.items[middle];
        if (chunk->start + chunk->length > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct map_state {
    size_t next; /* chunk */
};

static enum ia_status dmg_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    struct map_state *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    map->next = find_chunk(cursor->image->state, cursor->from);
    cursor->state = map;
    return IA_OK;
}

static enum ia_status push_chunk(struct ia_cursor *cursor, const struct dmg_chunk *chunk, struct ia_error *err)
{
    struct ia_extent extent = {
        .start = chunk->start,
        .length = chunk->length,
        .offset = chunk->type == DMG_RAW ? chunk->offset : IA_NO_OFFSET,
        .state = dmg_is_zero(chunk)       ? IA_EXTENT_ZERO
                 : chunk->type == DMG_RAW ? IA_EXTENT_DATA
                                          : IA_EXTENT_COMPRESSED,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

static enum ia_status dmg_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    const struct dmg *dmg = cursor->image->state;
    struct map_state *map = cursor->state;
    for (int i = 0; i < STEP_CHUNKS; i++) {
        *done = map->next >= dmg->chunks.len || dmg->chunks.items[map->next].start >= cursor->sink.size;
        if (*done)
            break;
        IA_TRY(push_chunk(cursor, &dmg->chunks.items[map->next++], err));
    }
    return IA_OK;
}

static void dmg_map_end(struct ia_cursor *cursor)
{
    free(cursor->state);
}

static enum ia_status dmg_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                          struct ia_compressed_cluster *found, struct ia_error *err)
{
    const struct dmg *dmg = image->state;
    (void)mapping;
    size_t number = find_chunk(dmg, at);
    const struct dmg_chunk *chunk = number < dmg->chunks.len ? &dmg->chunks.items[number] : NULL;
    if (chunk == NULL || chunk->start > at || dmg_is_zero(chunk) || chunk->type == DMG_RAW)
        return ia_fail(err, IA_BUG, "no compressed chunk at guest offset %#jx", (uintmax_t)at);
    *found = (struct ia_compressed_cluster){
        .start = chunk->start,
        .length = chunk->length,
        .offset = chunk->offset,
        .host_length = chunk->host_length,
        .codec = stored_types[stored_type(chunk->type)].codec,
    };
    return IA_OK;
}

/* Chunks past the disk's end are unallocated, and so is the rest of a raw one that reaches over it. */
static void account_chunk(struct ia_image *image, const struct dmg_chunk *chunk)
{
    bool seen = chunk->start < image->facts.virtual_size;
    if (dmg_is_zero(chunk))
        return;
    ia_image_use(image, 0, seen && chunk->type != DMG_RAW ? IA_SPACE_DATA : IA_SPACE_UNALLOCATED, chunk->offset,
                 chunk->host_length);
}

static enum ia_status dmg_account(struct ia_image *image, struct ia_error *err)
{
    const struct dmg *dmg = image->state;
    (void)err;
    ia_image_use(image, 0, IA_SPACE_METADATA, dmg->trailer, DMG_TRAILER_BYTES);
    ia_image_use(image, 0, IA_SPACE_METADATA, dmg->resources.offset, dmg->resources.length);
    ia_image_use(image, 0, IA_SPACE_METADATA, dmg->plist.offset, dmg->plist.length);
    if (ia_range_inside(dmg->signature.offset, dmg->signature.length, dmg->trailer))
        ia_image_use(image, 0, IA_SPACE_METADATA, dmg->signature.offset, dmg->signature.length);
    for (size_t i = 0; i < dmg->chunks.len; i++)
        account_chunk(image, &dmg->chunks.items[i]);
    return IA_OK;
}

static const char *const suffixes[] = {".dmg", NULL};

const struct ia_format ia_format_dmg = {
    .name = "dmg",
    .suffixes = suffixes,
    .probe = dmg_probe,
    .probe_name = dmg_probe_name,
    .probe_footer = dmg_probe_footer,
    .open = dmg_open,
    .close = dmg_close,
    .map_begin = dmg_map_begin,
    .map_step = dmg_map_step,
    .map_end = dmg_map_end,
    .find_compressed = dmg_find_compressed,
    .account = dmg_account,
};
