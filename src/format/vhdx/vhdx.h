/* SPDX-License-Identifier: MIT */
/* The VHDX driver. */
#ifndef IA_FORMAT_VHDX_VHDX_H
#define IA_FORMAT_VHDX_VHDX_H

#include "format/format.h"

extern const struct ia_format ia_format_vhdx;

#endif
