/* SPDX-License-Identifier: MIT */
/* Choosing and ordering columns by a list of names. */
#ifndef IA_REPORT_SELECT_H
#define IA_REPORT_SELECT_H

#include <stddef.h>

#include "base/status.h"
#include "report/column.h"

/* Puts the places of the columns that `list` names ("path,disk_size") into chosen, in the list's order; chosen has room
 * for count. A NULL list chooses all. IA_USAGE for a name that is no column's (the message has those that are), for one
 * that is there twice, and for an empty one. */
IA_MUST_CHECK enum ia_status ia_columns_select(const char *list, const struct ia_column *columns, size_t count,
                                               size_t *chosen, size_t *chosen_count, struct ia_error *err);

#endif
