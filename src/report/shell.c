/* SPDX-License-Identifier: MIT */
/* Words of a POSIX shell. */
#include "report/shell.h"

#include <string.h>

#include "base/cleanup.h"

void ia_shell_quote(struct ia_buf *out, const char *bytes, size_t len)
{
    ia_buf_add_char(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\'')
            ia_buf_add_str(out, "'\\''");
        else
            ia_buf_add_char(out, bytes[i]);
    }
    ia_buf_add_char(out, '\'');
}

bool ia_field_is_word(const struct ia_field *field, const char *word)
{
    return strlen(word) == field->len && memcmp(word, field->bytes, field->len) == 0;
}

bool ia_field_is_number(const struct ia_field *field)
{
    for (size_t i = 0; i < field->len; i++)
        if (field->bytes[i] < '0' || field->bytes[i] > '9')
            return false;
    return field->len > 0;
}

void ia_shell_add(struct ia_buf *out, const struct ia_field *field)
{
    ia_shell_quote(out, field->bytes, field->len);
}

/* A path where options are understood, too. Those of a store begin with a slash. */
static void add_path(struct ia_buf *out, const struct ia_field *path)
{
    IA_AUTO_BUF struct ia_buf safe = {0};
    if (path->len == 0 || path->bytes[0] != '-') {
        ia_shell_add(out, path);
        return;
    }
    ia_buf_add_str(&safe, "./");
    ia_buf_add(&safe, path->bytes, path->len);
    out->failed = out->failed || safe.failed;
    ia_shell_quote(out, safe.data, safe.len);
}

void ia_shell_add_paths(struct ia_buf *out, const struct ia_field *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ia_buf_add_char(out, ' ');
        add_path(out, &paths[i]);
    }
}

void ia_shell_add_format(struct ia_buf *out, const struct ia_field *format)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    bool is_plain = format->len > 0;
    for (size_t i = 0; i < format->len; i++)
        is_plain = is_plain && format->bytes[i] != '\0' && strchr(plain, format->bytes[i]) != NULL;
    if (is_plain)
        ia_buf_add(out, format->bytes, format->len);
    else
        ia_shell_add(out, format);
}

void ia_shell_add_path_and_new(struct ia_buf *out, const struct ia_field *path)
{
    IA_AUTO_BUF struct ia_buf made = {0};
    ia_buf_add(&made, path->bytes, path->len);
    ia_buf_add_str(&made, ".new");
    out->failed = out->failed || made.failed;
    const struct ia_field paths[] = {*path, {made.data, made.len}};
    if (!made.failed)
        ia_shell_add_paths(out, paths, 2);
}
