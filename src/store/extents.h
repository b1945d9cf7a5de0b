/* SPDX-License-Identifier: MIT */
/* Extents out of the table, for whoever has a connection. Private to src/store. */
#ifndef IA_STORE_EXTENTS_H
#define IA_STORE_EXTENTS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "model/extent.h"

/* The statement for ia_extents_read; the caller finalizes it. */
IA_MUST_CHECK enum ia_status ia_extents_prepare(sqlite3 *db, sqlite3_stmt **out, struct ia_error *err);

/* Up to `capacity` extents of a mapping that begin at `from` or behind it, in ascending order. */
IA_MUST_CHECK enum ia_status ia_extents_read(sqlite3_stmt *stmt, int64_t map_id, int64_t from, struct ia_extent *out,
                                             size_t capacity, size_t *count, struct ia_error *err);

#endif
