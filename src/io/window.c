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

uint16_t ia_window_le16(struct ia_window *window, size_t at)
{
    return ia_le16(reach(window, at, 2));
}

uint32_t ia_window_le32(struct ia_window *window, size_t at)
{
    return ia_le32(reach(window, at, 4));
}

uint64_t ia_window_le64(struct ia_window *window, size_t at)
{
    return ia_le64(reach(window, at, 8));
}

const uint8_t *ia_window_bytes(struct ia_window *window, size_t at, size_t len)
{
    if (at <= window->len && len <= window->len - at)
        return window->bytes + at;
    window->failed = true;
    return NULL;
}

static int64_t as_size(struct ia_window *window, uint64_t value)
{
    if (value <= INT64_MAX)
        return (int64_t)value;
    window->failed = true;
    return 0;
}

int64_t ia_window_be_size(struct ia_window *window, size_t at)
{
    return as_size(window, ia_window_be64(window, at));
}

int64_t ia_window_le_size(struct ia_window *window, size_t at)
{
    return as_size(window, ia_window_le64(window, at));
}
