/* SPDX-License-Identifier: MIT */
/* The VDI driver. */
#ifndef IA_FORMAT_VDI_VDI_H
#define IA_FORMAT_VDI_VDI_H

#include "format/format.h"

extern const struct ia_format ia_format_vdi;

#endif
