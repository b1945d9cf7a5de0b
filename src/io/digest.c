/* SPDX-License-Identifier: MIT */
/* MD5 by libmd. */
#include "io/digest.h"

#include <sys/types.h>

#include <md5.h>

#include "base/checked.h"

_Static_assert(IA_MD5_BYTES == MD5_DIGEST_LENGTH, "a digest is a digest");

enum ia_status ia_source_md5(struct ia_source *source, int64_t off, int64_t len, const char *what,
                             uint8_t digest[IA_MD5_BYTES], struct ia_error *err)
{
    uint8_t chunk[16 * 1024];
    MD5_CTX md5;
    MD5Init(&md5);
    while (len > 0) { /* ends: len falls */
        size_t piece = (size_t)ia_min((int64_t)sizeof(chunk), len);
        IA_TRY(ia_source_read(source, off, chunk, piece, what, err));
        MD5Update(&md5, chunk, piece);
        off += (int64_t)piece;
        len -= (int64_t)piece;
    }
    MD5Final(digest, &md5);
    return IA_OK;
}
