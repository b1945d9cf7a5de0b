/* SPDX-License-Identifier: MIT */
/* The qcow2 driver, versions 2 and 3. Specification: QEMU's docs/interop/qcow2.rst, cited by section name. */
#ifndef IA_FORMAT_QCOW2_QCOW2_H
#define IA_FORMAT_QCOW2_QCOW2_H

#include "format/format.h"

extern const struct ia_format ia_format_qcow2;

#endif
