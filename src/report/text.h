/* SPDX-License-Identifier: MIT */
/* Values as people read them on a terminal. */
#ifndef IA_REPORT_TEXT_H
#define IA_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* 512, 1.5K, 20M, 1.3T: powers of 1024, rounded to nearest, one decimal below 100 unless it is 0; "-1.5K" below zero.
 */
void ia_text_size(struct ia_buf *out, int64_t bytes);

/* Bytes that may come from a tenant, on one line and harmless to a terminal: what the locale cannot print shows as \n,
 * \t, \r or \xNN per byte, a backslash as \\, so that the bytes can be recovered from what is shown. Characters outside
 * ASCII are kept where `utf8`: the locale is UTF-8, those that only change the direction of the line excepted.
 */
void ia_text_show(struct ia_buf *out, const char *bytes, size_t len, bool utf8);

/* A real number that reads back as the same value, with a point whatever the locale. */
void ia_text_real(struct ia_buf *out, double value);

#endif
