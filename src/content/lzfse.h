/* SPDX-License-Identifier: MIT */
/* The frame of LZFSE, as far as it can be read without a decoder: blocks that are stored as they are. */
#ifndef IA_CONTENT_LZFSE_H
#define IA_CONTENT_LZFSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* As ia_inflate; IA_UNSUPPORTED at the first block that is really compressed. */
IA_MUST_CHECK enum ia_status ia_lzfse_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
                                             size_t *produced, struct ia_error *err);

#endif
