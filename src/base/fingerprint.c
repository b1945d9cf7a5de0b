/* SPDX-License-Identifier: MIT */
/* Mixing values into a number. */
#include "base/fingerprint.h"

#include <string.h>

/* The end of splitmix64: no two numbers give the same one, and each bit of a number matters to all of what it gives. */
static uint64_t spread(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

void ia_fingerprint_int(struct ia_fingerprint *print, int64_t value)
{
    print->value = spread(print->value ^ (uint64_t)value);
}

void ia_fingerprint_text(struct ia_fingerprint *print, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    ia_fingerprint_int(print, text == NULL ? -1 : (int64_t)len);
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        int64_t word = 0;
        memcpy(&word, text + i, len - i < sizeof(word) ? len - i : sizeof(word));
        ia_fingerprint_int(print, word);
    }
}

int64_t ia_fingerprint_value(const struct ia_fingerprint *print)
{
    uint64_t value = spread(print->value);
    return value == 0 ? 1 : (int64_t)value;
}
