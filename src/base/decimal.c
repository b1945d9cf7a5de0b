/* SPDX-License-Identifier: MIT */
/* Two digits for each division, from the right; then to where they belong. */
#include "base/decimal.h"

#include <string.h>

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
    "9899";

/* Not by memcpy: where the library checks its sizes, gcc 12 calls it for two bytes. */
static inline void put_pair(char *out, uint64_t number)
{
    out[0] = pairs[number * 2];
    out[1] = pairs[number * 2 + 1];
}

char *ia_decimal(char *out, uint64_t value)
{
    char digits[IA_DECIMAL_MAX];
    size_t at = sizeof(digits);
    while (value >= 100) {
        at -= 2;
        put_pair(digits + at, value % 100);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        put_pair(digits + at, value);
    } else {
        digits[--at] = (char)('0' + value);
    }
    memcpy(out, digits + at, sizeof(digits) - at);
    return out + (sizeof(digits) - at);
}
