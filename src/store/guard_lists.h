/* SPDX-License-Identifier: MIT */
/* The functions and pragmas that SQL on a store may use. The manual, YOUR OWN REPORTS, has the same lists. Private to
 * src/store. */
#ifndef IA_STORE_GUARD_LISTS_H
#define IA_STORE_GUARD_LISTS_H

#include <stdbool.h>

/* Names are compared without regard to case, as SQLite does. */
bool ia_guard_function_is_known(const char *name);     /* of SQLite, harmless */
bool ia_guard_own_function_is_known(const char *name); /* these, and those that only SQL of ours uses */

/* argument: NULL for none. */
bool ia_guard_pragma_reads(const char *name, const char *argument);
bool ia_guard_own_pragma_is_known(const char *name);

#endif
