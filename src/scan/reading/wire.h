/* SPDX-License-Identifier: MIT */
/* Requests and results as bytes, between the coordinator and the process that reads files. One description of each is
 * for both ways. Who unpacks trusts nothing: lengths are within the bytes, enumerations and flags have a meaning, texts
 * are texts. What the numbers in a result say of the file is taken as an image's own word is. */
#ifndef IA_SCAN_READING_WIRE_H
#define IA_SCAN_READING_WIRE_H

#include "base/buf.h"
#include "scan/reading/parse.h"

/* Appends; out->failed: out of memory. */
void ia_wire_pack_request(struct ia_buf *out, const struct ia_parse_request *request);
void ia_wire_pack_result(struct ia_buf *out, const struct ia_parse_result *result);

/* The request's texts are owned by the caller, unlike in others: ia_wire_release_request. false: out of memory. */
bool ia_wire_unpack_request(const char *bytes, size_t len, struct ia_parse_request *out);
void ia_wire_release_request(struct ia_parse_request *request);

/* Into a zeroed result, which the caller releases in any case. IA_BUG: these are not the bytes of a result. */
IA_MUST_CHECK enum ia_status ia_wire_unpack_result(const char *bytes, size_t len, struct ia_parse_result *out,
                                                   struct ia_error *err);

#endif
