/* SPDX-License-Identifier: MIT */
/* Reading a file that may hold packed images. */
#ifndef IA_SCAN_READING_PACKED_H
#define IA_SCAN_READING_PACKED_H

#include "io/source.h"
#include "model/limits.h"
#include "scan/catalog/packed.h"
#include "scan/reading/request.h"

/* *out is NULL where the file is not packed, else the caller frees it: what could not be read to its end has a problem,
 * and the names that were found by then. *lasting: it will have the same problem again. Fails with IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_read_packed(struct ia_source *source, const struct ia_parse_request *request,
                                            const struct ia_limits *limits, struct ia_packed_content **out,
                                            bool *lasting, struct ia_error *err);

/* Whether a file whose name shows no image has one packed in it, by a short look. What cannot be opened has none.
 * *lasting: as above. Fails with IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_peek_packed(struct ia_source *source, const struct ia_limits *limits, bool *found,
                                            bool *lasting, struct ia_error *err);

#endif
