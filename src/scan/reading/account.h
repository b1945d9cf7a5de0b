/* SPDX-License-Identifier: MIT */
/* The account of an image's host space, by what the host keeps: the uses of its files' bytes, against their blocks. */
#ifndef IA_SCAN_READING_ACCOUNT_H
#define IA_SCAN_READING_ACCOUNT_H

#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_image;

/* One use in one file. A file that is accounted for has a row "unused" at least. */
struct ia_account_row {
    uint32_t file;           /* number among the image's files; 0 is the main file */
    const char *use;         /* const text: ia_space_use_name, or "tail": unused behind all that is used */
    int64_t bytes;           /* of the file, whether the host keeps blocks for them or not */
    int64_t disk_bytes;      /* of blocks that the host keeps for them; -1: unknown (a block device) */
    int64_t unwritten_bytes; /* of disk_bytes: preallocated and never written; -1: unknown (no FIEMAP) */
};

/* Empty: not known. */
struct ia_account {
    IA_VEC(struct ia_account_row) rows;
};

void ia_account_release(struct ia_account *account);

/* Of an image whose image->space is complete. A block that reaches past the end of its file belongs, to the last byte,
 * to what the file's last byte is for; blocks that lie wholly behind the end belong to no use. Where the image's
 * account failed, one file is part of it twice, or its blocks are unknown, *out stays empty. IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_account_image(struct ia_image *image, struct ia_account *out, struct ia_error *err);

#endif
