/* SPDX-License-Identifier: MIT */
/* How long a block device is, without opening it. */
#ifndef IA_IO_BLOCK_DEVICE_H
#define IA_IO_BLOCK_DEVICE_H

#include <stdint.h>
#include <sys/types.h>

/* Bytes, as BLKGETSIZE64 has it of the open device; 0: not known. */
int64_t ia_block_device_size(dev_t device);

#endif
