/* SPDX-License-Identifier: MIT */
/* Runs of the input (fuzz_vhdx.c): numbers in them at their places, their own places, and runs more or less. The flags
 * ask for right checksums most of the time. */
#include <string.h>

#include "fuzz/mutate.h"

enum { HEAD = 5, RUN_HEAD = 5, UNIT = 16, MOST_RUNS = 128, SIGN_ALL = 1 | 2 | 8, WITH_HOLES = 4 };

struct runs {
    size_t at[MOST_RUNS], length[MOST_RUNS]; /* with their heads */
    size_t count;
};

static void find_runs(const uint8_t *bytes, size_t len, struct runs *runs)
{
    for (size_t at = HEAD; len - at > RUN_HEAD && runs->count < MOST_RUNS;
         runs->count++) { /* ends: as in fuzz_vhdx.c */
        size_t length = RUN_HEAD + (size_t)bytes[at + 4] * UNIT;
        runs->at[runs->count] = at;
        runs->length[runs->count] = length < len - at ? length : len - at;
        at += runs->length[runs->count];
    }
}

static size_t change(uint32_t *state, uint8_t *bytes, size_t len, size_t most)
{
    struct runs runs = {.count = 0};
    find_runs(bytes, len, &runs);
    if (runs.count == 0)
        return len;
    uint32_t which = fuzz_below(state, (uint32_t)runs.count);
    size_t length = runs.length[which];
    uint8_t *run = bytes + runs.at[which];
    unsigned width = 2U << fuzz_below(state, 3);
    switch (fuzz_below(state, 8)) {
    case 0: /* once more, at the end: it hides the first one */
        if (length <= most - len)
            memcpy(bytes + len, run, length);
        return length <= most - len ? len + length : len;
    case 1:
        memmove(run, run + length, len - runs.at[which] - length);
        return len - length;
    case 2:
        fuzz_change_number(state, run, 4, FUZZ_LITTLE, (size_t)1 << 22, 4096 / UNIT);
        return len;
    case 3: /* the file's length */
        fuzz_change_number(state, bytes + 1, 4, FUZZ_LITTLE, 4096, 1);
        return len;
    default:
        if (length >= RUN_HEAD + UNIT)
            fuzz_change_number(state,
                               run + RUN_HEAD + fuzz_below(state, (uint32_t)((length - RUN_HEAD) / width)) * width,
                               width, FUZZ_LITTLE, (size_t)16 << 20, UINT64_C(1) << fuzz_below(state, 21));
        return len;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t most, unsigned seed)
{
    uint32_t state = seed;
    if (len <= HEAD || fuzz_below(&state, 3) == 0)
        return LLVMFuzzerMutate(bytes, len, most);
    for (uint32_t left = 1 + fuzz_below(&state, 3); left > 0; left--)
        len = change(&state, bytes, len, most);
    if (fuzz_below(&state, 8) != 0)
        bytes[0] = (uint8_t)((bytes[0] & WITH_HOLES) | SIGN_ALL);
    return len;
}
