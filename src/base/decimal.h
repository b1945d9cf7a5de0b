/* SPDX-License-Identifier: MIT */
/* Numbers as decimal digits, for output of millions of them. */
#ifndef IA_BASE_DECIMAL_H
#define IA_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* As many digits as a number may have. */
#define IA_DECIMAL_MAX 20

/* Writes value's digits, no NUL, at most IA_DECIMAL_MAX; returns where they end. */
char *ia_decimal(char *out, uint64_t value);

#endif
