/* SPDX-License-Identifier: MIT */
/* The raw driver: guest bytes are the file's bytes. */
#ifndef IA_FORMAT_RAW_RAW_H
#define IA_FORMAT_RAW_RAW_H

#include "format/format.h"

extern const struct ia_format ia_format_raw;

#endif
