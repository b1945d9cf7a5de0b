/* SPDX-License-Identifier: MIT */
/* What the files of the VHDX driver share. Sections are those of [MS-VHDX]. */
#ifndef IA_FORMAT_VHDX_INTERNAL_H
#define IA_FORMAT_VHDX_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "format/format.h"

#define VHDX_MIB (INT64_C(1) << 20)
#define VHDX_LOG_SECTOR 4096
#define VHDX_GUID_BYTES 16
#define VHDX_TABLE_BYTES 65536 /* a region table, or a metadata table */
#define VHDX_TABLE_ENTRY 32
#define VHDX_TABLE_ENTRIES 2047 /* at most, of either */

/* What is in the current header (section 2.2.2). */
struct vhdx_header {
    uint8_t data_write_guid[VHDX_GUID_BYTES];
    uint8_t log_guid[VHDX_GUID_BYTES];
    int64_t log_offset; /* in the file, bytes */
    int64_t log_length; /* bytes */
};

struct vhdx_range {
    int64_t start, length; /* of the file, bytes */
};

/* Bytes of the file that the log replaces. */
struct vhdx_patch {
    int64_t start, length; /* of the file, bytes; multiples of a log sector */
    int64_t sector;        /* where the data sector is in the file, and length is one sector; -1: zeroes */
    uint8_t leading[8];    /* the first and last bytes of the data sector, which its descriptor keeps */
    uint8_t trailing[4];
};

/* The file as it is once its log was replayed. Without a log: no patches, size 0. */
struct vhdx_replay {
    IA_VEC(struct vhdx_patch) patches; /* ascending, apart from each other */
    int64_t size;                      /* what the log makes of the file's length, where that is more */
};

struct vhdx {
    struct vhdx_header header;
    struct vhdx_replay replay;
    IA_VEC(struct vhdx_range) taken; /* the log and all regions, ascending: no block may lie there */
    struct vhdx_range bat, metadata;
    int64_t block_size;  /* 2^20 to 2^28 bytes */
    int64_t sector_size; /* logical: 512 or 4096 bytes */
    int64_t chunk_ratio; /* payload blocks that one sector bitmap block is for: 16 to 2^15 */
    bool keeps_blocks;   /* "leave blocks allocated": a fixed disk */
    bool has_parent;
};

/* The bytes of the file, read or replayed, end here. */
static inline int64_t vhdx_file_size(const struct ia_image *image)
{
    const struct vhdx *v = image->state;
    return v->replay.size > image->main->size ? v->replay.size : image->main->size;
}

/* Entry of the BAT that a payload block has: after each chunk of them comes the entry of its sector bitmap. */
static inline int64_t vhdx_bat_index(const struct vhdx *v, int64_t block)
{
    return block + block / v->chunk_ratio;
}

static inline int64_t vhdx_blocks(const struct vhdx *v, int64_t bytes)
{
    return bytes / v->block_size + (bytes % v->block_size != 0);
}

/* header.c: the current one of the two headers. */
IA_MUST_CHECK enum ia_status vhdx_read_header(struct ia_image *image, struct vhdx_header *header, struct ia_error *err);

/* log.c: finds the log's active sequence, if there is a log by the header, and replays it in memory. */
IA_MUST_CHECK enum ia_status vhdx_read_log(struct ia_image *image, struct vhdx *v, struct ia_error *err);

/* replay.c: makes the patches of a log, in the order of their writing, into some that lie apart. Takes what is in
 * `written` and leaves it in any order. */
IA_MUST_CHECK enum ia_status vhdx_replay_set(struct vhdx_replay *replay, struct vhdx_patch *written, size_t count,
                                             struct ia_error *err);
/* The first patch that ends behind `at`; NULL where there is none. */
const struct vhdx_patch *vhdx_replay_find(const struct vhdx_replay *replay, int64_t at);
/* As ia_source_read, of the file as its log makes it. */
IA_MUST_CHECK enum ia_status vhdx_read(struct ia_image *image, int64_t off, void *bytes, size_t len, const char *what,
                                       struct ia_error *err);

/* regions.c */
IA_MUST_CHECK enum ia_status vhdx_read_regions(struct ia_image *image, struct vhdx *v, struct ia_error *err);
/* [start, start + length) is behind the header section, and no region nor the log has a part in it. */
bool vhdx_is_free(const struct vhdx *v, int64_t start, int64_t length);

/* metadata.c */
IA_MUST_CHECK enum ia_status vhdx_read_metadata(struct ia_image *image, struct vhdx *v, struct ia_error *err);

/* locator.c: the parent's identity and paths, from the metadata item at [offset, offset + length) of the file. */
IA_MUST_CHECK enum ia_status vhdx_read_locator(struct ia_image *image, int64_t offset, int64_t length,
                                               struct ia_error *err);

/* map.c */
IA_MUST_CHECK enum ia_status vhdx_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status vhdx_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void vhdx_map_end(struct ia_cursor *cursor);

/* account.c */
IA_MUST_CHECK enum ia_status vhdx_account(struct ia_image *image, struct ia_error *err);
/* A block whose entry keeps a place, or seems to: the use of it where no extent takes it. */
void vhdx_account_kept(struct ia_image *image, uint64_t offset, enum ia_space_use use);

/* BAT entries (section 2.5.1) */
#define VHDX_BAT_STATE UINT64_C(7)
#define VHDX_BAT_OFFSET UINT64_C(0xfffffffffff00000)
enum vhdx_block_state {
    VHDX_NOT_PRESENT = 0,
    VHDX_UNDEFINED = 1,
    VHDX_ZERO = 2,
    VHDX_UNMAPPED = 3,
    VHDX_UNMAPPED_095 = 5, /* what draft 0.95 of the specification called it; QEMU reads it */
    VHDX_FULLY_PRESENT = 6,
    VHDX_PARTIALLY_PRESENT = 7,
    VHDX_BITMAP_PRESENT = 6, /* the one state of a sector bitmap's entry that counts */
};

#endif
