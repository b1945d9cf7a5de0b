/* SPDX-License-Identifier: MIT */
/* Packed files: compressed ones and archives, read through libarchive as far as the heads of their members. What a
 * packed file costs is bounded by the budget, whatever it claims to hold. No program is run, and nothing is written. */
#ifndef IA_IO_PACKED_H
#define IA_IO_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "io/source.h"

enum {
    IA_PACKED_MAGIC_BYTES = 512,    /* as many of its first bytes as ia_packed_has_magic looks at */
    IA_PACKED_HEAD_BYTES = 8 << 20, /* of a member, that can be read. A VHD of 2 TiB names its parent behind 4 MiB */
    IA_PACKED_OPENING_BYTES = 16 << 20, /* read until the first member is found: a directory at the end of the file */
};

/* What may still be read. What is packed in a member counts too. */
struct ia_packed_budget {
    int members;
    int64_t bytes_in;  /* of the packed file */
    int64_t bytes_out; /* unpacked, whether somebody wants them or they are passed over */
};

/* The first bytes are those of a compressed file or an archive, whether or not it is of a kind that is read here. */
bool ia_packed_has_magic(const uint8_t *head, size_t len);

/* The same of an archive of a kind that is not read, and whose beginning ia_packed_has_magic does not know: whatever a
 * compressed file holds may begin so. */
bool ia_packed_has_unread_magic(const uint8_t *head, size_t len);

struct ia_packed;

/* Borrows source and budget until ia_packed_close. IA_MISSING: libarchive is not installed. */
IA_MUST_CHECK enum ia_status ia_packed_open(struct ia_source *source, struct ia_packed_budget *budget,
                                            struct ia_packed **out, struct ia_error *err);
void ia_packed_close(struct ia_packed *packed); /* NULL is fine */

/* The next member that is a file; *member is NULL behind the last. The caller closes it before the next call. *name is
 * "" where members have none, and valid until then. IA_CORRUPT, IA_UNSUPPORTED, IA_LIMIT, IA_IO.
 *
 * A member can be read up to IA_PACKED_HEAD_BYTES. Where there is more, or may be, its is_head is set, and its size is
 * as stated by the archive, or larger than any. */
IA_MUST_CHECK enum ia_status ia_packed_next(struct ia_packed *packed, struct ia_source **member, const char **name,
                                            struct ia_error *err);

bool ia_packed_has_failed(const struct ia_packed *packed);
/* Why a read of a member failed; IA_OK: none did. */
IA_MUST_CHECK enum ia_status ia_packed_failure(const struct ia_packed *packed, struct ia_error *err);

#endif
