/* SPDX-License-Identifier: MIT */
/* Accepting findings: kept in the store for every scan to come, and applied at once to what the latest one published.
 */
#ifndef IA_SCAN_PUBLISH_ACCEPT_H
#define IA_SCAN_PUBLISH_ACCEPT_H

#include "base/status.h"
#include "store/rows.h"

/* Accepts by a row without a number, sets that, and judges what the store has again. *matches: findings of the latest
 * scan that it accepts. Errors are those of the writer. */
IA_MUST_CHECK enum ia_status ia_accept(const char *db, struct ia_acceptance_row *row, int64_t *matches,
                                       struct ia_error *err);
/* Takes one away, and judges again. IA_MISSING where there is none of that number. */
IA_MUST_CHECK enum ia_status ia_accept_no_more(const char *db, int64_t number, struct ia_error *err);

#endif
