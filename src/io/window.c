/* SPDX-License-Identifier: MIT */
/* Bounded getters. */
#include "io/window.h"

#include "base/bytes.h"

static const uint8_t *reach(struct ia_window *window, size_t at, size_t len)
{
    static const uint8_t zeroes[8];
    if (at <= window->len && len <= window->len - at)
        return window->bytes + at;
    window->failed = true;
    return zeroes;
}

uint8_t ia_window_u8(struct ia_window *window, size_t at)
{
    return *reach(window, at, 1);
}

uint16_t ia_window_be16(struct ia_window *window, size_t at)
{
    return ia_be16(reach(window, at, 2));
}

uint32_t ia_window_be32(struct ia_window *window, size_t at)
{
    return ia_be32(reach(window, at, 4));
}

uint64_t ia_window_be64(struct ia_window *window, size_t at)
{
    return ia_be64(reach(window, at, 8));
}

int64_t ia_window_be_size(struct ia_window *window, size_t at)
{
    uint64_t value = ia_window_be64(window, at);
    if (value <= INT64_MAX)
        return (int64_t)value;
    window->failed = true;
    return 0;
}
