/* SPDX-License-Identifier: MIT */
/* What the files of the VHD driver share. Section names are those of Microsoft's "Virtual Hard Disk Image Format
 * Specification", version 1.0. All integers are big-endian. */
#ifndef IA_FORMAT_VPC_INTERNAL_H
#define IA_FORMAT_VPC_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checked.h"
#include "format/format.h"

/* How many bytes of the file a parent locator may have: 32767 characters are the most that Windows takes for a path. */
#define VPC_MAX_LOCATOR_BYTES 65536

enum { VPC_SECTOR = 512, VPC_FOOTER_BYTES = 512, VPC_HEADER_BYTES = 1024, VPC_LOCATORS = 8 };

#define VPC_COOKIE "conectix"
#define VPC_UNALLOCATED UINT32_C(0xffffffff) /* "Block Allocation Table" */

/* "Disk Type" of the footer */
enum vpc_type { VPC_FIXED = 2, VPC_DYNAMIC = 3, VPC_DIFFERENCING = 4 };

struct vpc_range {
    int64_t offset, length; /* of the file, bytes; length 0: none */
};

struct vpc {
    enum vpc_type type;
    int64_t footer_offset;  /* of the footer that was read: 0 for the copy at the beginning */
    uint64_t header_offset; /* of the dynamic header: "Data Offset" of the footer */
    int64_t bat_offset;
    int64_t bat_entries;
    int64_t block_size;                      /* guest bytes of a block, a power of two */
    int64_t bitmap_size;                     /* of the sector bitmap before each block */
    struct vpc_range locators[VPC_LOCATORS]; /* the room of each parent locator */
};

/* footer.c */
/* The 512 bytes begin with the cookie and their checksum is right. */
bool vpc_footer_is_valid(const uint8_t *footer);
bool vpc_has_cookie(const uint8_t *footer);
enum vpc_type vpc_footer_type(const uint8_t *footer);
/* The footer, into the facts. */
IA_MUST_CHECK enum ia_status vpc_read_footer(struct ia_image *image, struct vpc *v, struct ia_error *err);
/* The one's complement of the sum of all bytes but the four of the checksum itself. */
uint32_t vpc_checksum(const uint8_t *bytes, int64_t len, int64_t checksum_at);

/* header.c: the dynamic header, of dynamic and differencing disks. */
IA_MUST_CHECK enum ia_status vpc_read_header(struct ia_image *image, struct vpc *v, struct ia_error *err);
/* Entries of the BAT that the disk's size needs. */
int64_t vpc_blocks(const struct ia_image *image);
/* Reads count entries of the BAT, as they are. */
IA_MUST_CHECK enum ia_status vpc_read_bat(struct ia_image *image, int64_t first, int64_t count, uint8_t *bytes,
                                          struct ia_error *err);

/* parent.c: the parent of the disk. `header` is the dynamic header. */
IA_MUST_CHECK enum ia_status vpc_read_parent(struct ia_image *image, struct vpc *v, const uint8_t *header,
                                             struct ia_error *err);
/* A unique id as identity text; of all zeroes: none. */
void vpc_identity(const uint8_t uuid[16], char out[64]);

/* account.c */
IA_MUST_CHECK enum ia_status vpc_account(struct ia_image *image, struct ia_error *err);
/* A block at byte `host` of the file. What its extents do not take of it is unallocated. */
void vpc_account_block(struct ia_image *image, int64_t host);

/* map.c */
IA_MUST_CHECK enum ia_status vpc_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status vpc_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void vpc_map_end(struct ia_cursor *cursor);

#endif
