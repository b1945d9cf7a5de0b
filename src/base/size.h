/* SPDX-License-Identifier: MIT */
/* Sizes as text. */
#ifndef IA_BASE_SIZE_H
#define IA_BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* "512", "64k", "1.5G", "0x200": bytes, as QEMU takes them from options and command lines (qemu_strtosz in
 * util/cutils.c): decimal or hexadecimal, or a decimal number with a suffix of powers of 1024, which may have a
 * fraction then, rounded to the nearest byte. false: it is none, or above INT64_MAX. */
bool ia_size_parse(const char *text, int64_t *out);

#endif
