/* SPDX-License-Identifier: MIT */
/* What the files of the DMG driver share. Apple never published the format (UDIF); the names are those that are in use
 * for its structures: the "koly" trailer, the "mish" tables of chunks, the data and the resource fork. */
#ifndef IA_FORMAT_DMG_INTERNAL_H
#define IA_FORMAT_DMG_INTERNAL_H

#include <stdint.h>

#include "format/format.h"

#define DMG_SECTOR 512
#define DMG_TRAILER_BYTES 512
#define DMG_ENCRYPTED_V2 "encrcdsa" /* the first bytes */
#define DMG_ENCRYPTED_V1 "cdsaencr" /* the last bytes */
#define DMG_ENCRYPTED_BYTES 8

/* QEMU's bounds. */
#define DMG_MAX_METADATA (INT64_C(16) << 20)
#define DMG_MAX_CHUNK (INT64_C(64) << 20)

enum dmg_chunk_type {
    DMG_ZERO = 0,
    DMG_RAW = 1,
    DMG_IGNORE = 2, /* the content does not matter: reads as zeroes */
    DMG_COMMENT = 0x7ffffffe,
};
#define DMG_ADC UINT32_C(0x80000004)
#define DMG_ZLIB UINT32_C(0x80000005)
#define DMG_BZIP2 UINT32_C(0x80000006)
#define DMG_LZFSE UINT32_C(0x80000007)
#define DMG_XZ UINT32_C(0x80000008)
#define DMG_LAST UINT32_C(0xffffffff)

struct dmg_chunk {
    int64_t start, length; /* guest bytes; length > 0 */
    int64_t offset;        /* in the file; of no meaning where the chunk is zero */
    int64_t host_length;
    uint32_t type;
};

struct dmg_range {
    int64_t offset, length;
};

struct dmg {
    int64_t data_fork;
    int64_t trailer; /* where it begins */
    struct dmg_range resources, plist;
    struct dmg_range signature;      /* of the code that the disk holds; not looked at */
    IA_VEC(struct dmg_chunk) chunks; /* once open: in ascending order, none over another */
};

/* trailer.c: finds the trailer and decodes it. */
IA_MUST_CHECK enum ia_status dmg_read_trailer(struct ia_image *image, struct dmg *dmg, struct ia_error *err);

/* resources.c, plist.c: the two places for tables. Both hand each of them to dmg_add_table. */
IA_MUST_CHECK enum ia_status dmg_read_resources(struct ia_image *image, struct dmg *dmg, struct ia_error *err);
IA_MUST_CHECK enum ia_status dmg_read_plist(struct ia_image *image, struct dmg *dmg, struct ia_error *err);
/* resources.c: the bytes of one of these places, to be freed by the caller. */
IA_MUST_CHECK enum ia_status dmg_read_metadata(struct ia_image *image, const struct dmg_range *range, const char *what,
                                               uint8_t **out, struct ia_error *err);

/* tables.c: decodes a table of chunks; other resources are left alone. */
IA_MUST_CHECK enum ia_status dmg_add_table(struct dmg *dmg, const uint8_t *bytes, size_t len, struct ia_error *err);
/* Orders the chunks of all tables. */
IA_MUST_CHECK enum ia_status dmg_order_chunks(struct dmg *dmg, struct ia_error *err);

static inline bool dmg_is_zero(const struct dmg_chunk *chunk)
{
    return chunk->type == DMG_ZERO || chunk->type == DMG_IGNORE;
}

#endif
