/* SPDX-License-Identifier: MIT */
/* The VHD driver. */
#ifndef IA_FORMAT_VPC_VPC_H
#define IA_FORMAT_VPC_VPC_H

#include "format/format.h"

extern const struct ia_format ia_format_vpc;

enum { IA_VPC_FOOTER_BYTES = 512, IA_VPC_HEADER_BYTES = 1024 };

/* A VHD whose footer and dynamic header are files of their own. *parent: its parent's name in the header, NULL: it has
 * no parent; the caller frees it. IA_CORRUPT, IA_UNSUPPORTED where the bytes are others. */
IA_MUST_CHECK enum ia_status ia_vpc_read_pieces(const uint8_t footer[IA_VPC_FOOTER_BYTES],
                                                const uint8_t header[IA_VPC_HEADER_BYTES], char **parent,
                                                struct ia_error *err);

#endif
