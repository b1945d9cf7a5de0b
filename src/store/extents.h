/* SPDX-License-Identifier: MIT */
/* Extents out of the table, for whoever has a connection. Private to src/store. */
#ifndef IA_STORE_EXTENTS_H
#define IA_STORE_EXTENTS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "model/extent.h"

/* Its parameters: the mapping, the first guest byte, how many at most. */
#define IA_EXTENTS_SQL                                                                                                 \
    "SELECT start, length, state, file, offset FROM extent WHERE map_id = ? AND start >= ? ORDER BY start LIMIT ?"

/* Up to `capacity` extents of a mapping that begin at `from` or behind it, by IA_EXTENTS_SQL prepared. */
IA_MUST_CHECK enum ia_status ia_extents_read(sqlite3_stmt *stmt, int64_t map_id, int64_t from, struct ia_extent *out,
                                             size_t capacity, size_t *count, struct ia_error *err);

#endif
