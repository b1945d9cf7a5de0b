/* SPDX-License-Identifier: MIT */
/* The QED driver. Specification: QEMU's docs/interop/qed_spec.rst, cited by section name. */
#ifndef IA_FORMAT_QED_QED_H
#define IA_FORMAT_QED_QED_H

#include "format/format.h"

extern const struct ia_format ia_format_qed;

#endif
