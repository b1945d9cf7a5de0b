/* SPDX-License-Identifier: MIT */
/* The growing byte buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/vec.h"

static bool make_room(struct ia_buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (buf->cap - buf->len > more)
        return true;
    if (more >= SIZE_MAX - buf->len || !ia_vec_grow((void **)&buf->data, &buf->cap, buf->len + more + 1, 1))
        buf->failed = true;
    return !buf->failed;
}

void ia_buf_release(struct ia_buf *buf)
{
    free(buf->data);
    *buf = (struct ia_buf){0};
}

void ia_buf_clear(struct ia_buf *buf)
{
    buf->len = 0;
}

void ia_buf_add(struct ia_buf *buf, const void *bytes, size_t len)
{
    if (!make_room(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void ia_buf_add_str(struct ia_buf *buf, const char *text)
{
    ia_buf_add(buf, text, strlen(text));
}

void ia_buf_add_char(struct ia_buf *buf, char c)
{
    ia_buf_add(buf, &c, 1);
}

void ia_buf_add_int(struct ia_buf *buf, int64_t value)
{
    char digits[1 + IA_DECIMAL_MAX];
    char *at = digits;
    if (value < 0)
        *at++ = '-';
    at = ia_decimal(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    ia_buf_add(buf, digits, (size_t)(at - digits));
}

char *ia_buf_room(struct ia_buf *buf, size_t most)
{
    return make_room(buf, most) ? buf->data + buf->len : NULL;
}

void ia_buf_advance(struct ia_buf *buf, size_t len)
{
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void ia_buf_addf(struct ia_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && make_room(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

char *ia_buf_steal(struct ia_buf *buf)
{
    if (!buf->failed && buf->data == NULL)
        ia_buf_add(buf, "", 0);
    char *data = buf->failed ? NULL : buf->data;
    if (buf->failed)
        free(buf->data);
    *buf = (struct ia_buf){0};
    return data;
}
