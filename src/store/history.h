/* SPDX-License-Identifier: MIT */
/* History: how images were from one scan to another. Private to src/store; the writer's part is in store/writer.h. */
#ifndef IA_STORE_HISTORY_H
#define IA_STORE_HISTORY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Where the images are noted whose history may have to be written. Before the connection's transaction. */
IA_MUST_CHECK enum ia_status ia_history_prepare(sqlite3 *db, struct ia_error *err);

/* Ends the spans of images that are not as they were or are gone, and begins those of images that are new or different:
 * looks at the noted images, and at all paths when one of them is gone. any_gone: an
 * image was taken away. */
IA_MUST_CHECK enum ia_status ia_history_write(sqlite3 *db, int64_t scan_id, bool any_gone, struct ia_error *err);

/* Only the newest `keep` (> 0) scans stay, and what they recorded. */
IA_MUST_CHECK enum ia_status ia_history_prune(sqlite3 *db, int64_t keep, struct ia_error *err);

/* Of what vanished no more is remembered than there are files, or 10,000: the latest stay. */
IA_MUST_CHECK enum ia_status ia_history_forget_oldest(sqlite3 *db, struct ia_error *err);

#endif
