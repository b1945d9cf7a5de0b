/* SPDX-License-Identifier: MIT */
/* A stream is a list of blocks, each with a magic of four letters: "bvx-", 32 bits of length (little-endian) and that
 * many plain bytes; "bvx$" ends it; "bvxn", "bvx1" and "bvx2" are compressed. */
#include "content/lzfse.h"

#include <string.h>

#include "base/bytes.h"

enum { MAGIC_BYTES = 4, PLAIN_HEADER = 8 };

static enum ia_status cut_short(size_t at, size_t len, struct ia_error *err)
{
    return ia_fail(err, IA_CORRUPT, "LZFSE stream cut short at byte %zu of %zu", at, len);
}

static enum ia_status refuse_block(const uint8_t *magic, size_t at, struct ia_error *err)
{
    if (memcmp(magic, "bvxn", MAGIC_BYTES) == 0 || memcmp(magic, "bvx1", MAGIC_BYTES) == 0 ||
        memcmp(magic, "bvx2", MAGIC_BYTES) == 0)
        return ia_fail(err, IA_UNSUPPORTED, "LZFSE block of kind '%.4s' at byte %zu", (const char *)magic, at);
    return ia_fail(err, IA_CORRUPT, "LZFSE block with magic %08x at byte %zu", ia_be32(magic), at);
}

enum ia_status ia_lzfse_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, size_t *produced,
                               struct ia_error *err)
{
    size_t at = 0;
    size_t to = 0;
    while (to < out_len) { /* ends: each block is at least PLAIN_HEADER bytes of `in` */
        if (in_len - at < MAGIC_BYTES)
            return cut_short(at, in_len, err);
        if (memcmp(in + at, "bvx$", MAGIC_BYTES) == 0)
            break;
        if (memcmp(in + at, "bvx-", MAGIC_BYTES) != 0)
            return refuse_block(in + at, at, err);
        if (in_len - at < PLAIN_HEADER || ia_le32(in + at + MAGIC_BYTES) > in_len - at - PLAIN_HEADER)
            return cut_short(at, in_len, err);
        size_t length = ia_le32(in + at + MAGIC_BYTES);
        size_t kept = length < out_len - to ? length : out_len - to;
        memcpy(out + to, in + at + PLAIN_HEADER, kept);
        to += kept;
        at += PLAIN_HEADER + length;
    }
    *produced = to;
    return IA_OK;
}
