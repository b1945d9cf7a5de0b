/* SPDX-License-Identifier: MIT */
/* Whether there is anything between a point in the history of scans and the latest of them. */
#ifndef IA_REPORT_SINCE_H
#define IA_REPORT_SINCE_H

#include <stdbool.h>

#include "base/status.h"
#include "store/reader.h"

/* `when` is the number of a scan, or a time as in v_scan.started. IA_USAGE for a scan that was never made, IA_MISSING
 * where the latest scan did not begin after it: there is nothing to compare, which is not the same as no change.
 * IA_OK in a store without a scan. */
IA_MUST_CHECK enum ia_status ia_since_check(struct ia_reader *reader, const char *when, bool number,
                                            struct ia_error *err);

#endif
