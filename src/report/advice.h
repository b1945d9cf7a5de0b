/* SPDX-License-Identifier: MIT */
/* Suggestions: a row names an action and its files; this makes a shell command of them.
 *
 * In SQL a suggestion is one text: an action and its arguments, separated by NUL, which no path has. The table in
 * advice.c lists the actions and their arguments. The suggestions are the only commands that imgaudit makes; it runs
 * none. */
#ifndef IA_REPORT_ADVICE_H
#define IA_REPORT_ADVICE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* Adds the command. IA_USAGE for an action that there is not, and for arguments that are none of it. */
IA_MUST_CHECK enum ia_status ia_advice_render(struct ia_buf *out, const char *advice, size_t len, struct ia_error *err);

#endif
