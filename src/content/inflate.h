/* SPDX-License-Identifier: MIT */
/* Expanding compressed clusters of images. The program itself never does: it maps what is compressed without reading
 * it. The tests read guests' bytes with it. */
#ifndef IA_CONTENT_INFLATE_H
#define IA_CONTENT_INFLATE_H

#include <stddef.h>

#include "base/status.h"
#include "model/extent.h"

/* Expands one stream. Stops where the stream ends or `out` is full, whichever comes first; *produced is the number of
 * bytes in `out` (what follows them there is undefined), and what follows the stream in `in` is not looked at.
 * IA_CORRUPT for a stream that is broken, or cut short before `out` is full; IA_UNSUPPORTED for LZFSE that is really
 * compressed. */
IA_MUST_CHECK enum ia_status ia_inflate(enum ia_codec codec, const void *in, size_t in_len, void *out, size_t out_len,
                                        size_t *produced, struct ia_error *err);

#endif
