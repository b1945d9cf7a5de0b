/* SPDX-License-Identifier: MIT */
/* The Parallels driver. */
#ifndef IA_FORMAT_PARALLELS_PARALLELS_H
#define IA_FORMAT_PARALLELS_PARALLELS_H

#include "format/format.h"

extern const struct ia_format ia_format_parallels;

#endif
