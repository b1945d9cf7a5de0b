/* SPDX-License-Identifier: MIT */
/* The extent: a run of guest bytes of one image that are in one state.
 * Ranges are half-open: [start, start + length). What no extent covers is unallocated in that image. */
#ifndef IA_MODEL_EXTENT_H
#define IA_MODEL_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are stored in the database: append, never renumber. */
enum ia_extent_state {
    IA_EXTENT_DATA = 0,       /* stored plainly at offset */
    IA_EXTENT_COMPRESSED = 1, /* stored compressed; no offset, neighbours merge */
    IA_EXTENT_ENCRYPTED = 2,  /* stored encrypted at offset; `map` shows no offset, as QEMU does */
    IA_EXTENT_ZERO = 3, /* reads as zeroes and takes no host space (a raw file's hole has an offset all the same) */
    IA_EXTENT_ZERO_ALLOCATED = 4, /* reads as zeroes, host space is kept at offset */
    IA_EXTENT_SPARSE = 5,         /* allocated at offset in the format, a hole of the host file: reads as zeroes */
    IA_EXTENT_RESERVED = 6,       /* unallocated for the guest, but host space is kept at offset (qcow2 subclusters) */
};
#define IA_EXTENT_STATES 7

#define IA_NO_OFFSET INT64_C(-1)

/* How bytes were compressed. */
enum ia_codec {
    IA_CODEC_DEFLATE, /* raw, RFC 1951 */
    IA_CODEC_ZLIB,    /* RFC 1950 */
    IA_CODEC_ZSTD,
    IA_CODEC_BZIP2,
    IA_CODEC_XZ,
    IA_CODEC_LZFSE,
    IA_CODEC_ADC, /* Apple's */
};

/* What was compressed as one: a cluster, or what the format has in its place (a grain, a block, a chunk). */
struct ia_compressed_cluster {
    int64_t start;       /* guest bytes */
    int64_t length;      /* guest bytes that it expands to, at least as far as the image reaches */
    int64_t offset;      /* of the compressed bytes in the host file */
    int64_t host_length; /* of the compressed bytes; where the format rounds it up, of what may follow them too */
    uint32_t file;       /* as in struct ia_extent */
    enum ia_codec codec;
};

struct ia_extent {
    int64_t start;  /* guest bytes */
    int64_t length; /* guest bytes, > 0 */
    int64_t offset; /* bytes in the host file, or IA_NO_OFFSET */
    uint32_t state; /* enum ia_extent_state */
    uint32_t file;  /* number of the host file among the image's files; 0 is the main file */
};

/* The word of the views: "data", "compressed"... */
const char *ia_extent_state_name(enum ia_extent_state state);

/* The guest's bytes come from this image and not from its backing file. */
static inline bool ia_extent_is_present(const struct ia_extent *e)
{
    return e->state != IA_EXTENT_RESERVED;
}

/* What `qemu-img map` calls data. */
static inline bool ia_extent_is_data(const struct ia_extent *e)
{
    return e->state == IA_EXTENT_DATA || e->state == IA_EXTENT_COMPRESSED || e->state == IA_EXTENT_ENCRYPTED ||
           e->state == IA_EXTENT_SPARSE;
}

/* What `qemu-img map` calls zero. */
static inline bool ia_extent_is_zero(const struct ia_extent *e)
{
    return e->state == IA_EXTENT_ZERO || e->state == IA_EXTENT_ZERO_ALLOCATED || e->state == IA_EXTENT_SPARSE ||
           e->state == IA_EXTENT_RESERVED;
}

#endif
