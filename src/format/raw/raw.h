/* SPDX-License-Identifier: MIT */
/* The raw driver: guest bytes are the file's bytes. */
#ifndef IA_FORMAT_RAW_RAW_H
#define IA_FORMAT_RAW_RAW_H

#include "format/format.h"

extern const struct ia_format ia_format_raw;

/* What the content shows a raw image to be, whatever it is called: "gpt", "mbr", "iso9660", "iso9660 gpt", "iso9660
 * mbr", or "" where nothing does. Const text; "" with an error. At most three short reads, none past the end. */
IA_MUST_CHECK enum ia_status ia_raw_kind(struct ia_source *source, const char **kind, struct ia_error *err);

#endif
