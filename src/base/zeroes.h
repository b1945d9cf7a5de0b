/* SPDX-License-Identifier: MIT */
/* Skipping what is not there: tables of sparse images are mostly zero entries. */
#ifndef IA_BASE_ZEROES_H
#define IA_BASE_ZEROES_H

#include <stdint.h>
#include <string.h>

/* How many of the first `count` 8-byte words are zero before one that is not. Words are looked at eight at a time, in a
 * loop that compilers make vector instructions of. */
static inline int64_t ia_zero_words(const uint8_t *bytes, int64_t count)
{
    enum { BLOCK = 8 };
    int64_t done = 0;
    for (; done + BLOCK <= count; done += BLOCK) {
        uint64_t words[BLOCK];
        uint64_t any = 0;
        memcpy(words, bytes + done * 8, sizeof(words));
        for (int i = 0; i < BLOCK; i++)
            any |= words[i];
        if (any != 0)
            break;
    }
    for (; done < count; done++) {
        uint64_t word;
        memcpy(&word, bytes + done * 8, sizeof(word));
        if (word != 0)
            break;
    }
    return done;
}

#endif
