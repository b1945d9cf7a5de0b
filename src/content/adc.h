/* SPDX-License-Identifier: MIT */
/* Apple Data Compression, the oldest codec of UDIF images. */
#ifndef IA_CONTENT_ADC_H
#define IA_CONTENT_ADC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* As ia_inflate. The stream has no end of its own: it ends with its last byte. */
IA_MUST_CHECK enum ia_status ia_adc_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len,
                                           size_t *produced, struct ia_error *err);

#endif
