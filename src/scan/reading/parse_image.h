/* SPDX-License-Identifier: MIT */
/* Reading what was found to be an image: its parts, its mappings, the account of its space. */
#ifndef IA_SCAN_READING_PARSE_IMAGE_H
#define IA_SCAN_READING_PARSE_IMAGE_H

#include "scan/reading/decide.h"
#include "scan/reading/parse.h"

/* Keeps what is wrong with the file, in place of what was. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_parse_note(struct ia_parsed *parsed, enum ia_status status,
                                           const struct ia_error *cause, struct ia_error *err);

/* Reads it as was decided. Takes *source over, which is NULL then, once the image is open. What is wrong with the image
 * is in the result. */
IA_MUST_CHECK enum ia_status ia_parse_image(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                            const struct ia_decision *decision, struct ia_source **source,
                                            const struct ia_parse_sink *sink, struct ia_parse_result *result,
                                            struct ia_error *err);

#endif
