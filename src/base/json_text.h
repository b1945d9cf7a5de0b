/* SPDX-License-Identifier: MIT */
/* Bytes as a JSON string. File names are bytes, JSON is UTF-8: a byte that belongs to no UTF-8 sequence is written as
 * U+FFFD, and this is returned, so that the caller can give the exact bytes besides. */
#ifndef IA_BASE_JSON_TEXT_H
#define IA_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The length of the well-formed UTF-8 sequence at bytes, 0 when there is none (overlong forms, surrogates and values
 * past U+10FFFF are none). */
size_t ia_utf8_sequence(const char *bytes, size_t len);

/* Adds the quoted, escaped string. False when bytes had to be replaced. */
bool ia_json_add_string(struct ia_buf *out, const char *bytes, size_t len);

/* Adds the bytes as a quoted string of lower-case hexadecimal digits. */
void ia_json_add_hex(struct ia_buf *out, const char *bytes, size_t len);

#endif
