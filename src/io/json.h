/* SPDX-License-Identifier: MIT */
/* Members of a small JSON object. The document comes from a file beside an image: what its own writer would not have
 * written is refused. */
#ifndef IA_IO_JSON_H
#define IA_IO_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Nesting deeper than this is IA_CORRUPT. */
#define IA_JSON_MAX_DEPTH 32

struct ia_json;

/* IA_CORRUPT where the bytes are no object, or where anything but white space follows it. *out is closed by the caller.
 */
IA_MUST_CHECK enum ia_status ia_json_open(const char *bytes, size_t len, struct ia_json **out, struct ia_error *err);
void ia_json_close(struct ia_json *json); /* NULL is fine */

static inline void ia_json_cleanup_(struct ia_json **json)
{
    ia_json_close(*json);
}
#define IA_AUTO_JSON __attribute__((cleanup(ia_json_cleanup_)))

/* The text of a member, valid until the object is closed; of members of one name the last. IA_CORRUPT where there is
 * none, where it is no text or one with a NUL, and where others differ from its name by case alone: programs in Go take
 * those, too. */
IA_MUST_CHECK enum ia_status ia_json_text(const struct ia_json *json, const char *key, const char **text,
                                          struct ia_error *err);

/* The member is there, and is true. */
bool ia_json_is_true(const struct ia_json *json, const char *key);

#endif
