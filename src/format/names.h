/* SPDX-License-Identifier: MIT */
/* Names as Windows software writes them into images: UTF-16, backslashes, mixed-endian GUIDs. */
#ifndef IA_FORMAT_NAMES_H
#define IA_FORMAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/image.h"

/* Appends `len` bytes of UTF-16 as UTF-8, up to a terminating zero; a lone surrogate becomes U+FFFD. An odd last byte
 * is left out. */
void ia_names_add_utf16(struct ia_buf *out, const uint8_t *bytes, size_t len, bool big_endian);

/* "00112233-4455-6677-8899-aabbccddeeff" into out[37]. mixed: the first three fields are little-endian, as Microsoft
 * writes them; else all bytes are in the order of the text, as RFC 4122 does. */
void ia_names_uuid(const uint8_t bytes[16], bool mixed, char out[37]);

/* Where a parent called by a Windows path may be found here: a relative one with its backslashes turned around; of one
 * with a drive or a share its last component, beside the image. An absolute path of Unix is taken as it is, and its
 * last component too. Adds to facts->backing_paths what is not there yet; false: out of memory. */
bool ia_names_add_backing_path(struct ia_image_facts *facts, const char *path);

#endif
