/* SPDX-License-Identifier: MIT */
/* Mixing values into a number. */
#include "scan/fingerprint.h"

#include <string.h>

static void mix(struct ia_fingerprint *print, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++)
        print->value = (print->value ^ p[i]) * UINT64_C(0x100000001b3);
}

void ia_fingerprint_int(struct ia_fingerprint *print, int64_t value)
{
    mix(print, &value, sizeof(value));
}

void ia_fingerprint_text(struct ia_fingerprint *print, const char *text)
{
    ia_fingerprint_int(print, text == NULL ? -1 : (int64_t)strlen(text));
    if (text != NULL)
        mix(print, text, strlen(text));
}

/* The end of splitmix64. What FNV makes of numbers that differ in few bits differs by few multiples of one constant:
 * sums of such would meet. */
static uint64_t spread(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

int64_t ia_fingerprint_value(const struct ia_fingerprint *print)
{
    uint64_t value = spread(print->value);
    return value == 0 ? 1 : (int64_t)value;
}
