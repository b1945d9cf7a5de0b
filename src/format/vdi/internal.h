/* SPDX-License-Identifier: MIT */
/* What the files of the VDI driver share. Layout: VirtualBox's VDI 1.1, as far as QEMU reads it, and its parents. */
#ifndef IA_FORMAT_VDI_INTERNAL_H
#define IA_FORMAT_VDI_INTERNAL_H

#include "format/format.h"

#define VDI_FREE 0xffffffffU      /* entry of the block map: never written */
#define VDI_DISCARDED 0xfffffffeU /* written once, and reads as zeroes since */

enum { VDI_HEADER_BYTES = 512, VDI_ENTRY_BYTES = 4 };

struct vdi {
    uint32_t type; /* enum vdi_type */
    int64_t map_offset;
    int64_t data_offset;
    int64_t block_size;  /* guest bytes of a block */
    int64_t block_extra; /* bytes before each block in the file */
    int64_t entries;     /* of the block map */
    int64_t allocated;   /* blocks that the header counts */
    bool differencing;   /* what is free is the parent's */
};

enum vdi_type { VDI_DYNAMIC = 1, VDI_STATIC = 2, VDI_UNDO = 3, VDI_DIFFERENCING = 4 };

/* header.c */
IA_MUST_CHECK enum ia_status vdi_read_header(struct ia_image *image, struct vdi *vdi, struct ia_error *err);

/* map.c */
IA_MUST_CHECK enum ia_status vdi_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status vdi_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void vdi_map_end(struct ia_cursor *cursor);

#endif
