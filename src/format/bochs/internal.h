/* SPDX-License-Identifier: MIT */
/* What the files of the Bochs driver share. Layout of a growing disk ("redolog"): header, catalog, then the extents
 * that were written to, in the order of their first write; each is a bitmap of its sectors and the sectors. */
#ifndef IA_FORMAT_BOCHS_INTERNAL_H
#define IA_FORMAT_BOCHS_INTERNAL_H

#include "format/format.h"

#define BOCHS_FREE 0xffffffffU /* entry of the catalog: never written to */

enum {
    BOCHS_SECTOR = 512,
    BOCHS_ENTRY_BYTES = 4,
    BOCHS_MAX_EXTENT = 8 << 20,  /* guest bytes; QEMU's bound */
    BOCHS_MAX_ENTRIES = 1 << 20, /* of the catalog; QEMU's bound */
};

struct bochs {
    int64_t catalog_offset;
    int64_t extents;     /* that the disk has: as many entries of the catalog matter */
    int64_t extent_size; /* guest bytes, a power of two, at least a sector */
    int64_t data_offset; /* of the file's extent 0 */
    int64_t bitmap_size; /* bytes before an extent's sectors in the file: whole sectors, at most BOCHS_MAX_EXTENT */
};

/* Where extent number `entry` begins in the file: at most 2^32 + 2^32 * 2^24. */
static inline int64_t bochs_extent_offset(const struct bochs *bochs, uint32_t entry)
{
    return bochs->data_offset + entry * (bochs->bitmap_size + bochs->extent_size);
}

/* header.c */
bool bochs_probe(const uint8_t *head, size_t len);
IA_MUST_CHECK enum ia_status bochs_read_header(struct ia_image *image, struct bochs *bochs, struct ia_error *err);

/* map.c */
IA_MUST_CHECK enum ia_status bochs_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status bochs_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void bochs_map_end(struct ia_cursor *cursor);

/* account.c */
IA_MUST_CHECK enum ia_status bochs_account(struct ia_image *image, struct ia_error *err);
/* An extent at `offset` of the file. What the guest cannot see of it is unallocated. */
void bochs_account_extent(struct ia_image *image, int64_t offset);

#endif
