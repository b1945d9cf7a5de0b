/* SPDX-License-Identifier: MIT */
/* The VMDK driver. Specification: VMware's "Virtual Disk Format 5.0" (and 1.1 for COWD), cited by section name;
 * seSparse is not published: as in QEMU. */
#ifndef IA_FORMAT_VMDK_VMDK_H
#define IA_FORMAT_VMDK_VMDK_H

#include "format/format.h"

extern const struct ia_format ia_format_vmdk;

#endif
