/* SPDX-License-Identifier: MIT */
/* MD5 of a range of a source, where a format keeps such a checksum. */
#ifndef IA_IO_DIGEST_H
#define IA_IO_DIGEST_H

#include "io/source.h"

#define IA_MD5_BYTES 16

/* The digest of `len` bytes at `off`. `what` names the thing read, for the message. */
IA_MUST_CHECK enum ia_status ia_source_md5(struct ia_source *source, int64_t off, int64_t len, const char *what,
                                           uint8_t digest[IA_MD5_BYTES], struct ia_error *err);

#endif
