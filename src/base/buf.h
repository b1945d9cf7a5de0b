/* SPDX-License-Identifier: MIT */
/* A byte buffer that grows. Appending never reports an error: a failed allocation sticks (failed is set, further
 * appends do nothing) and the owner looks once, at the end. */
#ifndef IA_BASE_BUF_H
#define IA_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ia_buf {
    char *data; /* terminated by a NUL that len does not count, once anything was appended */
    size_t len;
    size_t cap;
    bool failed;
};

void ia_buf_release(struct ia_buf *buf);
void ia_buf_clear(struct ia_buf *buf); /* keeps the memory */
void ia_buf_add(struct ia_buf *buf, const void *bytes, size_t len);
void ia_buf_add_str(struct ia_buf *buf, const char *text);
void ia_buf_add_char(struct ia_buf *buf, char c);
void ia_buf_add_int(struct ia_buf *buf, int64_t value); /* decimal, fast */
IA_PRINTF(2, 3) void ia_buf_addf(struct ia_buf *buf, const char *format, ...);

/* Room for up to `most` bytes behind what is there, to be written in place and then counted with ia_buf_advance; NULL
 * when memory is short. */
char *ia_buf_room(struct ia_buf *buf, size_t most);
void ia_buf_advance(struct ia_buf *buf, size_t len);

/* Hands the memory over to the caller (free it); NULL when an append had failed. The buffer is empty afterwards. */
char *ia_buf_steal(struct ia_buf *buf);

#endif
