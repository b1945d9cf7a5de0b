/* SPDX-License-Identifier: MIT */
/* Fields of the footer and its copy, of the header of a dynamic disk with its parent locators, and entries of the BAT.
 * The target itself puts checksums right. */
#include <string.h>

#include "fuzz/mutate.h"

enum { SECTOR = 512, LEAST = 3 * SECTOR, BAT_AT = 16, ENTRIES_AT = 28 };
static const struct fuzz_field footer[] = {{8, 4},  {12, 4}, {16, 8}, {24, 4}, {28, 4}, {40, 8},
                                           {48, 8}, {56, 2}, {58, 1}, {59, 1}, {60, 4}, {84, 1}};
static const struct fuzz_field header[] = {{8, 8},   {16, 8},  {24, 4},  {28, 4},  {32, 4},  {56, 4},  {576, 4},
                                           {580, 4}, {584, 4}, {592, 8}, {600, 4}, {604, 4}, {608, 4}, {616, 8}};
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static void change(uint32_t *state, uint8_t *bytes, size_t len)
{
    uint64_t at = fuzz_number(bytes + 16, 8, FUZZ_BIG);
    if (memcmp(bytes, "conectix", 8) != 0 || at > len - SECTOR)
        at = SECTOR;
    uint64_t bat = fuzz_number(bytes + at + BAT_AT, 8, FUZZ_BIG);
    uint32_t entries = (uint32_t)fuzz_number(bytes + at + ENTRIES_AT, 4, FUZZ_BIG);
    switch (fuzz_below(state, 4)) {
    case 0:
        fuzz_change_field(state, bytes, len, len - SECTOR, footer, COUNT(footer), FUZZ_BIG, SECTOR);
        break;
    case 1:
        fuzz_change_field(state, bytes, len, 0, footer, COUNT(footer), FUZZ_BIG, SECTOR);
        break;
    case 2:
        fuzz_change_field(state, bytes, len, at, header, COUNT(header), FUZZ_BIG, SECTOR);
        break;
    default:
        bat += (uint64_t)fuzz_below(state, entries) * 4;
        if (bat <= len - 4)
            fuzz_change_number(state, bytes + bat, 4, FUZZ_BIG, len / SECTOR, 1);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, len, most, seed, LEAST, change);
}
