/* SPDX-License-Identifier: MIT */
/* The account of an image's host space, by what the host keeps: the uses of its files' bytes, against their blocks. */
#ifndef IA_SCAN_READING_ACCOUNT_H
#define IA_SCAN_READING_ACCOUNT_H

#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"
#include "model/space_use.h"

struct ia_image;

/* What bytes of a file are for: under the numbers of enum ia_space_use, or behind these. */
enum ia_account_use {
    IA_ACCOUNT_UNUSED = IA_SPACE_UNUSED, /* with what is used behind it */
    IA_ACCOUNT_LEAKED = IA_SPACE_LEAKED,
    IA_ACCOUNT_TAIL = IA_SPACE_USES, /* unused, behind all that is used */
    IA_ACCOUNT_USES
};
/* The word of stores: that of ia_space_use_name, or "tail". */
const char *ia_account_use_word(enum ia_account_use use);

/* One use in one file. A file that is accounted for has a row "unused" at least. */
struct ia_account_row {
    uint32_t file; /* number among the image's files; 0 is the main file */
    enum ia_account_use use;
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
