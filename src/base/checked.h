/* SPDX-License-Identifier: MIT */
/* Arithmetic on sizes and offsets that come from untrusted bytes.
 * Offsets and sizes are int64_t in 0..INT64_MAX everywhere; a value that does not fit is refused when it is decoded. */
#ifndef IA_BASE_CHECKED_H
#define IA_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* False when the result would not fit; *out is untouched then. */
static inline bool ia_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

static inline bool ia_mul(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

/* [off, off + len) lies inside [0, size). */
static inline bool ia_range_inside(int64_t off, int64_t len, int64_t size)
{
    return off >= 0 && len >= 0 && off <= size && len <= size - off;
}

static inline int64_t ia_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ia_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Rounds up to a multiple of unit (a power of two); saturates at the largest multiple that fits. */
static inline int64_t ia_round_up(int64_t value, int64_t unit)
{
    int64_t mask = unit - 1;
    return value > INT64_MAX - mask ? INT64_MAX & ~mask : (value + mask) & ~mask;
}

#endif
