/* SPDX-License-Identifier: MIT */
/* The Bochs driver. */
#ifndef IA_FORMAT_BOCHS_BOCHS_H
#define IA_FORMAT_BOCHS_BOCHS_H

#include "format/format.h"

extern const struct ia_format ia_format_bochs;

#endif
