/* SPDX-License-Identifier: MIT */
/* The driver of qcow, version 1. */
#ifndef IA_FORMAT_QCOW1_QCOW1_H
#define IA_FORMAT_QCOW1_QCOW1_H

#include "format/format.h"

extern const struct ia_format ia_format_qcow1;

#endif
