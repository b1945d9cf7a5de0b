/* SPDX-License-Identifier: MIT */
/* The driver of Longhorn's replicas: raw files over one another, described by files beside them. */
#ifndef IA_FORMAT_LONGHORN_LONGHORN_H
#define IA_FORMAT_LONGHORN_LONGHORN_H

#include "format/format.h"

extern const struct ia_format ia_format_longhorn;

#endif
