/* SPDX-License-Identifier: MIT */
/* Formats that no content shows, but files beside the image. */
#ifndef IA_CHAIN_DESCRIBED_H
#define IA_CHAIN_DESCRIBED_H

#include "format/format.h"

/* The format of the image at a path, by its name and by what there is beside it; NULL: no such file describes it. Looks
 * by lstat, opens nothing: a description that cannot be read describes it, and leaves its image without a map. */
const struct ia_format *ia_described_format(const char *path);

#endif
