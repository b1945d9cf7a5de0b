/* SPDX-License-Identifier: MIT */
/* An array of extents as a table for SQL, to be stored by one statement. Private to src/store. */
#ifndef IA_STORE_EXTENT_BATCH_H
#define IA_STORE_EXTENT_BATCH_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/status.h"
#include "model/extent.h"

struct ia_extent_batch {
    const struct ia_extent *items; /* borrowed */
    const int64_t *images;         /* borrowed; whose each is; NULL: not given */
    size_t count;
};

/* Makes extent_batch(?) known to the connection: a row for each extent, with the columns start, length, state, file,
 * offset (NULL for IA_NO_OFFSET) and image_id. */
IA_MUST_CHECK enum ia_status ia_extent_batch_register(sqlite3 *db, struct ia_error *err);

/* The batch as that parameter; it must live until the statement was reset. Returns sqlite's code. */
int ia_extent_batch_bind(sqlite3_stmt *stmt, int index, struct ia_extent_batch *batch);

#endif
