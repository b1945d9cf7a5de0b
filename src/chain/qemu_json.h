/* SPDX-License-Identifier: MIT */
/* JSON as QEMU reads it, made plain. QEMU takes more than RFC 8259 in some places (strings in apostrophes) and less in
 * others (text that is no valid Unicode), and the versions of json-c differ in both. */
#ifndef IA_CHAIN_QEMU_JSON_H
#define IA_CHAIN_QEMU_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Writes the tokens of `text` as ASCII that every version of json-c reads alike: strings in quotation marks, with \u
 * escapes for all that is not printable ASCII; a space for white space. Returns false where QEMU's lexer would refuse a
 * token, and for a NUL in a string, which no file name has. The order of the tokens is not checked. *keys: how many
 * colons there are, as many as a document of objects has keys. Memory: see out->failed. */
bool ia_qemu_json_to_ascii(const char *text, struct ia_buf *out, size_t *keys);

#endif
