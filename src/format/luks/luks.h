/* SPDX-License-Identifier: MIT */
/* The LUKS driver. */
#ifndef IA_FORMAT_LUKS_LUKS_H
#define IA_FORMAT_LUKS_LUKS_H

#include "format/format.h"

extern const struct ia_format ia_format_luks;

#endif
