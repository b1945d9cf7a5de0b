/* SPDX-License-Identifier: MIT */
/* Many values, in their order, as one number, never 0: the same number is taken for the same values, and the same sum
 * of numbers for the same set. Good against chance, not against malice: nothing that a tenant chooses may be all in
 * which two states differ. */
#ifndef IA_BASE_FINGERPRINT_H
#define IA_BASE_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct ia_fingerprint {
    uint64_t value;
};

#define IA_FINGERPRINT_INIT ((struct ia_fingerprint){UINT64_C(0xcbf29ce484222325)})

/* The end of splitmix64: no two numbers give the same one, and each bit of a number matters to all of what it gives. */
static inline uint64_t ia_fingerprint_spread_(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline void ia_fingerprint_int(struct ia_fingerprint *print, int64_t value)
{
    print->value = ia_fingerprint_spread_(print->value ^ (uint64_t)value);
}
void ia_fingerprint_text(struct ia_fingerprint *print, const char *text); /* NULL is a value of its own */
int64_t ia_fingerprint_value(const struct ia_fingerprint *print);

#endif
