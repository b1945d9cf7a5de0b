/* SPDX-License-Identifier: MIT */
/* The rows of the report what-if, from the tables that the other parts of a what-if filled: figures by SQL, words by
 * the rules of src/judge/deed.h. Private to src/store. */
#ifndef IA_STORE_WHAT_IF_ROWS_H
#define IA_STORE_WHAT_IF_ROWS_H

#include <sqlite3.h>

#include "base/status.h"

/* Fills what_if_words, and adds the totals to what_if_row, whose other rows are there (what_if_rows.sql). */
IA_MUST_CHECK enum ia_status ia_what_if_tell(sqlite3 *db, struct ia_error *err);

#endif
