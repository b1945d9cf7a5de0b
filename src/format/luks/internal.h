/* SPDX-License-Identifier: MIT */
/* What the files of the LUKS driver share. */
#ifndef IA_FORMAT_LUKS_INTERNAL_H
#define IA_FORMAT_LUKS_INTERNAL_H

#include <stdint.h>

#include "format/format.h"

#define LUKS_MAGIC "LUKS\xba\xbe"
#define LUKS_MAGIC_BYTES 6

struct luks {
    int64_t payload_offset; /* bytes */
};

/* header.c: checks the header and fills the facts. */
IA_MUST_CHECK enum ia_status luks_read_header(struct ia_image *image, struct luks *luks, struct ia_error *err);

#endif
