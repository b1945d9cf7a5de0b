/* SPDX-License-Identifier: MIT */
/* The cloop driver. */
#ifndef IA_FORMAT_CLOOP_CLOOP_H
#define IA_FORMAT_CLOOP_CLOOP_H

#include "format/format.h"

extern const struct ia_format ia_format_cloop;

#endif
