/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli), the checksum of VHDX structures. */
#ifndef IA_FORMAT_VHDX_CRC32C_H
#define IA_FORMAT_VHDX_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of some bytes, given that of the bytes before them; 0 for the first ones. */
uint32_t vhdx_crc32c(uint32_t before, const uint8_t *bytes, size_t len);

#endif
