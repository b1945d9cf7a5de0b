/* SPDX-License-Identifier: MIT */
/* The VMDK driver. */
#ifndef IA_FORMAT_VMDK_VMDK_H
#define IA_FORMAT_VMDK_VMDK_H

#include "format/format.h"

extern const struct ia_format ia_format_vmdk;

#endif
