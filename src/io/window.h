/* SPDX-License-Identifier: MIT */
/* Decoding a header: bytes already read, and getters that cannot run past them.
 * A getter outside the window gives 0 and sets the sticky error; look at `failed` once, after the last getter. */
#ifndef IA_IO_WINDOW_H
#define IA_IO_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ia_window {
    const uint8_t *bytes;
    size_t len;
    bool failed;
};

uint8_t ia_window_u8(struct ia_window *window, size_t at);
uint16_t ia_window_be16(struct ia_window *window, size_t at);
uint32_t ia_window_be32(struct ia_window *window, size_t at);
uint64_t ia_window_be64(struct ia_window *window, size_t at);

uint16_t ia_window_le16(struct ia_window *window, size_t at);
uint32_t ia_window_le32(struct ia_window *window, size_t at);
uint64_t ia_window_le64(struct ia_window *window, size_t at);

/* len bytes at `at`; NULL with the sticky error where they are not all inside. */
const uint8_t *ia_window_bytes(struct ia_window *window, size_t at, size_t len);

/* Like be64 and le64, for offsets and sizes: a value above INT64_MAX sets the sticky error too. */
int64_t ia_window_be_size(struct ia_window *window, size_t at);
int64_t ia_window_le_size(struct ia_window *window, size_t at);

#endif
