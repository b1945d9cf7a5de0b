/* SPDX-License-Identifier: MIT */
/* MD5 as RFC 1321 has it. */
#include "format/parallels/md5.h"

#include <endian.h>
#include <string.h>

#include "base/bytes.h"

enum { BLOCK = 64, LENGTH_AT = 56 };

/* 3.4: the integer part of 2^32 times |sin(i + 1)|. */
static const uint32_t sines[BLOCK] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* The function of each round, and which word of the block its step takes. */
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d, unsigned *word)
{
    switch (step / 16) {
    case 0:
        *word = step;
        return (b & c) | (~b & d);
    case 1:
        *word = (5 * step + 1) % 16;
        return (d & b) | (~d & c);
    case 2:
        *word = (3 * step + 5) % 16;
        return b ^ c ^ d;
    default:
        *word = 7 * step % 16;
        return c ^ (b | ~d);
    }
}

static void add_block(uint32_t state[4], const uint8_t *block)
{
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    for (unsigned step = 0; step < BLOCK; step++) {
        unsigned word;
        uint32_t sum = a + mix(step, b, c, d, &word) + sines[step];
        sum += ia_le32(block + (size_t)word * 4);
        a = d;
        d = c;
        c = b;
        b += rotate(sum, shifts[step / 16][step % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void prl_md5_init(struct prl_md5 *md5)
{
    *md5 = (struct prl_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void prl_md5_add(struct prl_md5 *md5, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t used = md5->length % BLOCK;
        size_t take = len < BLOCK - used ? len : BLOCK - used;
        memcpy(md5->block + used, bytes, take);
        md5->length += take;
        bytes += take;
        len -= take;
        if (used + take == BLOCK)
            add_block(md5->state, md5->block);
    }
}

void prl_md5_finish(struct prl_md5 *md5, uint8_t digest[PRL_MD5_BYTES])
{
    static const uint8_t padding[BLOCK] = {0x80};
    uint64_t bits = htole64(md5->length * 8);
    size_t used = md5->length % BLOCK;
    prl_md5_add(md5, padding, (used < LENGTH_AT ? LENGTH_AT : LENGTH_AT + BLOCK) - used);
    uint8_t length[sizeof(bits)];
    memcpy(length, &bits, sizeof(bits));
    prl_md5_add(md5, length, sizeof(length));
    for (size_t i = 0; i < 4; i++) {
        uint32_t word = htole32(md5->state[i]);
        memcpy(digest + i * 4, &word, sizeof(word));
    }
}
