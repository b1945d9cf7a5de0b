/* SPDX-License-Identifier: MIT */
/* The DMG driver. */
#ifndef IA_FORMAT_DMG_DMG_H
#define IA_FORMAT_DMG_DMG_H

#include "format/format.h"

extern const struct ia_format ia_format_dmg;

#endif
