/* SPDX-License-Identifier: MIT */
/* What every fuzz target of a format does. */
#ifndef IA_TEST_FUZZ_IMAGE_TARGET_H
#define IA_TEST_FUZZ_IMAGE_TARGET_H

#include "format/format.h"
#include "fuzz/target.h"

/* Any bytes as an image of `format`: opening, assembling (each part is the same bytes again), measuring and mapping
 * neither crash nor run on, and whatever is mapped is in order, inside the mapping, and the same through a window as in
 * whole; a compressed extent's units can be asked for. */
void fuzz_image(const struct ia_format *format, const uint8_t *bytes, size_t len);

/* The same with a source that the target made, and takes over; parts are memory of `bytes`. */
void fuzz_image_source(const struct ia_format *format, struct ia_source *source, const uint8_t *bytes, size_t len);

#endif
