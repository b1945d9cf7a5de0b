/* SPDX-License-Identifier: MIT */
/* Words of a POSIX shell, made of bytes that a stranger may have chosen. What is added goes behind what `out` has; a
 * lack of memory shows in out->failed. */
#ifndef IA_REPORT_SHELL_H
#define IA_REPORT_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A piece of a text that is somebody else's. */
struct ia_field {
    const char *bytes; /* borrowed; not terminated */
    size_t len;
};

bool ia_field_is_word(const struct ia_field *field, const char *word);
/* Decimal digits, and one at least. */
bool ia_field_is_number(const struct ia_field *field);

/* Adds the bytes as one word of a POSIX shell, whatever they are: between apostrophes, and one of their own outside of
 * them. */
void ia_shell_quote(struct ia_buf *out, const char *bytes, size_t len);
/* The same of a field. */
void ia_shell_add(struct ia_buf *out, const struct ia_field *field);
/* A space and a path, for each of them, where options are understood, too. */
void ia_shell_add_paths(struct ia_buf *out, const struct ia_field *paths, size_t count);
/* ' NAME' and ' NAME.new' */
void ia_shell_add_path_and_new(struct ia_buf *out, const struct ia_field *path);
/* The name of a format, without quotes where it has but letters and digits: an overlay may state any word as the format
 * of its backing file. */
void ia_shell_add_format(struct ia_buf *out, const struct ia_field *format);

#endif
