/* SPDX-License-Identifier: MIT */
/* The image of the store that a person means by a file name. */
#ifndef IA_REPORT_LOOKUP_H
#define IA_REPORT_LOOKUP_H

#include "base/buf.h"
#include "base/status.h"
#include "store/reader.h"

/* *path becomes a path in the store: the name's canonical absolute path, or else the name as it is given (of a file
 * that is gone, or that the scan found by another name). IA_MISSING when the store has neither. */
IA_MUST_CHECK enum ia_status ia_image_lookup(struct ia_reader *reader, const char *name, struct ia_buf *path,
                                             struct ia_error *err);

#endif
