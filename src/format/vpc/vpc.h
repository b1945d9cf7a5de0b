/* SPDX-License-Identifier: MIT */
/* The VHD driver. */
#ifndef IA_FORMAT_VPC_VPC_H
#define IA_FORMAT_VPC_VPC_H

#include "format/format.h"

extern const struct ia_format ia_format_vpc;

#endif
