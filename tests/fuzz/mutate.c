/* SPDX-License-Identifier: MIT */
#include "fuzz/mutate.h"

uint32_t fuzz_below(uint32_t *state, uint32_t end)
{
    *state = *state * 1664525 + 1013904223;
    return end == 0 ? 0 : (*state >> 8) % end;
}

static unsigned shift_of(unsigned i, unsigned width, enum fuzz_order order)
{
    return 8 * (order == FUZZ_LITTLE ? i : width - 1 - i);
}

uint64_t fuzz_number(const uint8_t *at, unsigned width, enum fuzz_order order)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)at[i] << shift_of(i, width, order);
    return value;
}

void fuzz_change_number(uint32_t *state, uint8_t *at, unsigned width, enum fuzz_order order, size_t len, uint64_t unit)
{
    uint64_t value = fuzz_number(at, width, order);
    unit = unit != 0 ? unit : 1;
    switch (fuzz_below(state, 8)) {
    case 0:
        value += 1 + fuzz_below(state, 3);
        break;
    case 1:
        value -= 1 + fuzz_below(state, 3);
        break;
    case 2:
        value = UINT64_C(1) << fuzz_below(state, 8 * width);
        break;
    case 3:
        value = (UINT64_C(1) << fuzz_below(state, 8 * width)) - 1;
        break;
    case 4:
        value ^= UINT64_C(1) << fuzz_below(state, 8 * width);
        break;
    case 5:
        value = fuzz_below(state, 2) == 0 ? 0 : UINT64_MAX;
        break;
    default:
        value = fuzz_below(state, (uint32_t)(len / unit) + 2) * unit;
    }
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> shift_of(i, width, order));
}

void fuzz_change_field(uint32_t *state, uint8_t *bytes, size_t len, size_t start, const struct fuzz_field *fields,
                       size_t count, enum fuzz_order order, uint64_t unit)
{
    const struct fuzz_field *field = &fields[fuzz_below(state, (uint32_t)count)];
    if (start <= len && (size_t)field->at + field->width <= len - start)
        fuzz_change_number(state, bytes + start + field->at, field->width, order, len, unit);
}

size_t fuzz_mutate(uint8_t *bytes, size_t len, size_t most, unsigned seed, size_t least,
                   void change(uint32_t *state, uint8_t *bytes, size_t len))
{
    uint32_t state = seed;
    if (len < least || fuzz_below(&state, 2) == 0)
        return LLVMFuzzerMutate(bytes, len, most);
    for (uint32_t left = 1 + fuzz_below(&state, 3); left > 0; left--)
        change(&state, bytes, len);
    return len;
}
